"""Dreaming by octaves: the convolutions slide over the whole photo, at growing sizes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.core.carving import beside_channels
from pipeline.core.chunks import field_of_windows, layout, slid_windows_of
from pipeline.core.finite import check_answers
from pipeline.core.geometry import ReceptiveField, octave_shapes
from pipeline.core.objectives import directions, part_up_to
from pipeline.core.octaves import ascend_levels, ascend_octave, resized
from pipeline.core.schedules import step_sizes
from pipeline.core.sliding import Slide
from pipeline.stages.dream.course import Course, OnWork, as_frame
from pipeline.stages.dream.fitting import check_dream, slid
from pipeline.stages.dream.scale import Scale
from pipeline.stages.dream.settings import DreamConfig

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn


def field_of(model: "Cnn", config: DreamConfig) -> ReceptiveField:
    """Return what a position of the layer sees.

    Raises:
        InputError: the CNN cannot be slid over a picture.
    """
    windows = slid_windows_of(part_up_to(model, config.layer))
    return slid(None if windows is None else field_of_windows(windows))


class Octaves:
    """The CNN slid over a photo at growing sizes, what came of one size being put into the next.

    The detail that the smaller size does not have is put back:
        enlarge(dream) + photo - enlarge(shrink(photo)) = photo + enlarge(dream - shrink(photo))

    Args:
        scale: in which numbers the picture is worked on.
        towards: the map of each of several dreams of the same photo, -1 for the whole layer; None for one dream,
            towards the mean over the maps that are asked for.
        repeats: how many such objects there will be in succession, for photos of the same size.
    """

    def __init__(
        self,
        config: DreamConfig,
        model: "Cnn",
        scale: Scale,
        towards: Sequence[int] | None = None,
        *,
        repeats: int = 1,
    ) -> None:
        self._config, self._model, self._scale, self._field = config, model, scale, field_of(model, config)
        maps = part_up_to(model, config.layer).output_shape[-1]
        wanted = (config.map_indices or [-1]) if towards is None else towards
        self._directions = directions(wanted, maps)
        if towards is None:
            self._directions = self._directions.mean(axis=0, keepdims=True)
        self._repeats = repeats
        self._slides: dict[tuple[int, int], Slide] = {}

    def work(self, shape: tuple[int, int], mask: np.ndarray | None) -> int:
        """Return the units of work: pixels, those of overlapping chunks too."""
        del mask
        octaves = self._config.octaves
        check_dream(self._config, self._field, shape)
        shapes = octave_shapes(*shape, octaves.count, octaves.scale)
        windows = slid_windows_of(part_up_to(self._model, self._config.layer)) or ()
        pixels = sum(layout(self._field, of, windows)[1].pixels for of in shapes)
        return pixels * self._config.steps * len(self._directions)

    def dream(self, original: np.ndarray, mask: np.ndarray | None, *, seed: int, on_work: OnWork) -> Course:
        """Dream as `methods.Dreamer` says. The random shifts are the same for all dreams."""
        config, shape = self._config, (original.shape[0], original.shape[1])
        check_dream(config, self._field, shape)
        shapes = octave_shapes(*shape, config.octaves.count, config.octaves.scale)
        changes = np.zeros((len(self._directions), *shapes[0], *original.shape[2:]), np.float32)
        small = as_frame(original, config)
        frames, objectives = [], []
        for number, (shape, strength) in enumerate(zip(shapes, config.strengths(), strict=True)):
            changes = resized(changes, shape)
            begun = resized(original[None], shape) + changes
            # what overflows is told by the check
            with np.errstate(over="ignore", invalid="ignore"):
                dreamt, objective = self._ascended(begun, original, np.random.default_rng((seed, number)), on_work)
            check_answers(config.layer, objective, dreamt)
            changes += strength * (dreamt - begun)
            if mask is not None:
                # bicubic interpolation swings over
                changes *= beside_channels(np.clip(resized(mask[None], shape), 0, 1)[0], original)
            objectives.append(objective)
            frames.append(self._bounded(small + resized(changes[:1], small.shape[:2])[0]))
        return Course(
            pictures=self._bounded(original + changes),
            frames=np.stack(frames),
            objective=np.stack(objectives),
            tile_maps=np.zeros((0, 0), np.int64),
        )

    def _ascended(
        self, begun: np.ndarray, original: np.ndarray, random: np.random.Generator, on_work: OnWork
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pictures (dreams, height, width[, 3]) of an octave, changed, and the objective of every step."""
        config, slide = self._config, self._slide(begun.shape[1:3])
        sizes = step_sizes(config.step_size, config.steps, config.step_size_schedule.value)
        scale, window = self._scale, min(self._scale.size)
        if scale.standardizes:
            return ascend_octave(
                slide,
                begun,
                sizes,
                window=window,
                least_contrast=config.octaves.least_contrast,
                random=random,
                on_pixels=on_work,
            )
        levels = np.clip(begun, 0, 1)
        dreamt, objective = ascend_levels(
            slide,
            levels,
            scale.step_sizes(sizes, original),
            preprocessing=scale.preprocessing,
            window=window,
            spread=scale.spread(original),
            random=random,
            on_pixels=on_work,
        )
        return begun + (dreamt - levels), objective

    def _bounded(self, pictures: np.ndarray) -> np.ndarray:
        """Return pictures of levels between 0 and 1; others may have any spread."""
        return pictures if self._scale.standardizes else np.clip(pictures, 0, 1)

    def _slide(self, shape: tuple[int, int]) -> Slide:
        if shape not in self._slides:
            config = self._config
            calls = config.steps * self._repeats
            self._slides[shape] = Slide(
                self._model, config.layer, config.objective.value, self._directions, shape, calls=calls
            )
        return self._slides[shape]
