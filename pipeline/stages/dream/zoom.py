"""An endless flight into a dream: a step closer, dream again, and so on, until the end has become the beginning."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from pipeline.core.colour import in_channels, rounded, with_luma
from pipeline.core.geometry import octave_shapes, within
from pipeline.settings.choices import DreamMethod
from pipeline.stages.dream.course import OnWork
from pipeline.stages.dream.faithful import MapReferences
from pipeline.stages.dream.methods import dreamer_of
from pipeline.stages.dream.scale import WHITE, Scale
from pipeline.stages.dream.settings import DreamConfig

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn

# The share of the frames in which the end fades into the beginning.
FADE = 1 / 6


class Zoom:
    """Frames that can be shown again and again: the middle of the one before, enlarged, and dreamt into.

    Every frame keeps mean and spread of the first one's luma, or of its colours; one of levels, see `Scale`, is taken
    as it is. There are more of them than are shown: those behind the last one fade into the first ones, which move as
    fast.

    Args:
        shape: (height, width) of the photo.
        scale: in which numbers is dreamt.
        references: see `dreamer_of`.
    """

    def __init__(
        self,
        config: DreamConfig,
        model: "Cnn",
        shape: tuple[int, int],
        scale: Scale,
        references: MapReferences | None = None,
    ) -> None:
        self._scale = scale
        self._shown, self._factor, self._shape = config.zoom.frames, config.zoom.factor, within(shape, config.zoom.size)
        # the first frame is the dream itself
        self._dreams = self._shown - 1 + round(self._shown * FADE) if self._shown else 0
        own = _of_a_frame(config, scale, self._shape)
        self._dreamer = dreamer_of(own, model, scale, references) if self._shown else None

    @property
    def work(self) -> int:
        """Return the units of work, those of the `methods.Dreamer`."""
        return self._dreams * self._dreamer.work(self._shape, None) if self._dreamer else 0

    def frames(self, dreamt: np.ndarray, *, seed: int, on_work: OnWork) -> np.ndarray:
        """Dream the frames: (frames, height, width[, 3]) uint8.

        Args:
            dreamt: (height, width, 3) or (height, width) uint8, the finished dream.
        """
        if self._dreamer is None:
            return np.zeros((0, *self._shape, *dreamt.shape[2:]), np.uint8)
        frame = _closer(dreamt, 1.0, self._shape)
        scale, shown = self._scale, in_channels(frame, self._scale.channels)
        mean, spread = (float(shown.mean()), float(shown.std())) if scale.standardizes else (0.0, float(WHITE))
        frames = [frame]
        for number in range(1, self._dreams + 1):
            frame = _closer(frame, self._factor, self._shape)
            course = self._dreamer.dream(scale.picture(frame), None, seed=seed + number, on_work=on_work)
            frame = with_luma(frame, mean + spread * scale.settled(course.pictures[0]))
            frames.append(frame)
        shown, fading = np.stack(frames[: self._shown]), frames[self._shown :]
        for k, late in enumerate(fading):
            share = (k + 0.5) / len(fading)
            shown[k] = np.rint(share * shown[k] + (1 - share) * late).astype(np.uint8)
        return shown


def _of_a_frame(config: DreamConfig, scale: Scale, shape: tuple[int, int]) -> DreamConfig:
    """Return the settings of a single frame, which has room for fewer octaves, and is dreamt into once."""
    count = config.octaves.count
    while count > 1 and min(octave_shapes(*shape, count, config.octaves.scale)[0]) < min(scale.size):
        count -= 1
    strength = config.strengths()
    if config.method is DreamMethod.octaves:
        strength = strength[-count:]
    octaves = dataclasses.replace(config.octaves, count=count)
    return dataclasses.replace(config, octaves=octaves, strength=strength, turns=1, steps=config.zoom.steps)


def _closer(picture: np.ndarray, factor: float, shape: tuple[int, int]) -> np.ndarray:
    """Return the middle of a picture, 1/factor of its sides, in this shape.

    Of the pixels' centres, so that nothing drifts.
    """
    channels = picture.astype(np.float32).reshape(1, *picture.shape[:2], -1)
    if factor == 1.0:
        moved = tf.image.resize(channels, shape, method="bicubic", antialias=True)
    else:
        margin = (1 - 1 / factor) / 2
        moved = tf.image.crop_and_resize(channels, [[margin, margin, 1 - margin, 1 - margin]], [0], shape)
    return rounded(moved.numpy()).reshape(*shape, *picture.shape[2:])
