"""The pictures of a dream: before and after, two contrasts, every round, how it grew, a flight into it."""

from itertools import pairwise

import numpy as np
from PIL import Image

from pipeline.config import DreamConfig, DreamMethod
from pipeline.core.colour import dreamt_colours, luma, with_luma
from pipeline.rendering.curves import COLORS, legend_above, new_figure, to_picture
from pipeline.rendering.levels import contrast_limit, deviations, enhanced, strong_contrast
from pipeline.rendering.pictures import Animation, Pictures
from pipeline.rendering.sheets import Caption, captioned_grid, with_heading
from pipeline.results import DreamResult

THUMBNAIL = 256
# Of growing.webp: the longer side in pixels; how many pictures lead from one round to the next, and for how long each
# of them, the photo at the beginning and the dream at the end are seen, in milliseconds.
GROWING_SIZE, BETWEEN, EACH, FIRST, LAST = 480, 4, 90, 800, 2000
# Of zoom.webp, in milliseconds.
ZOOM_EACH = 60


def render_dream(config: DreamConfig, result: DreamResult) -> Pictures:
    """photo, dream, dream_soft, dream_strong, before_after, frames and objective .png, a picture of every level of
    every turn, or every octave, growing.webp, and zoom.webp if there are frames of one.
    """
    photo = np.clip(np.rint(result.photo), 0, 255).astype(np.uint8)
    dreamt = dreamt_colours(photo, result.picture)
    frames = _in_colours(photo, result.frames)
    small = (frames.shape[2], frames.shape[1])
    both = np.stack([_resized(photo, small), _resized(dreamt, small)])
    pictures: Pictures = {
        "photo.png": photo,
        "dream.png": dreamt,
        "dream_soft.png": with_luma(photo, enhanced(result.picture, config.contrast)),
        "dream_strong.png": with_luma(photo, strong_contrast(result.picture, _limit(photo))),
        "before_after.png": captioned_grid(both, [[Caption("photo")], [Caption("dream")]], 2),
        "frames.png": _overview(config, frames),
        "objective.png": _objective(config, result.objective),
        "growing.webp": _growing(np.concatenate([both[:1], frames])),
        **dict(zip(result.frame_files, frames, strict=True)),
    }
    if len(result.zoom):
        pictures["zoom.webp"] = Animation(result.zoom, (ZOOM_EACH,) * len(result.zoom))
    return pictures


def round_names(config: DreamConfig) -> list[str]:
    """What every level or octave works on, and towards which maps."""
    if config.method is DreamMethod.octaves:
        towards = _towards(config.map_indices or [-1])
        sizes = (config.octaves.scale ** (k + 1 - config.octaves.count) for k in range(config.octaves.count))
        return [f"1/{1 / size:.3g} of the size, {towards}" if size < 1 else f"full size, {towards}" for size in sizes]
    return [_level_name(config, level) for level in range(len(config.levels))]


def _level_name(config: DreamConfig, level: int) -> str:
    per_side, maps = config.levels[level], config.map_indices
    where = "the shorter side" if per_side == 1 else f"1/{per_side} of the shorter side"
    if config.tiles is not None:
        where += f", tile{'s' if len(config.tiles[level]) > 1 else ''} {', '.join(map(str, config.tiles[level]))}"
    if config.auto_maps is not None:
        return f"{where}, {'own map' if config.auto_maps == 1 else f'{config.auto_maps} own maps'}"
    if config.tile_maps is not None:
        maps = sorted(set(config.tile_maps[level]))
    elif maps is not None and len(maps) > 1:
        maps = [maps[level]]
    return f"{where}, {_towards(maps or [-1])}"


def _towards(maps: list[int]) -> str:
    if maps == [-1]:
        return "whole layer"
    return f"map{'s' if len(maps) > 1 else ''} {', '.join(map(str, maps[:4]))}{' ..' if len(maps) > 4 else ''}"


def _in_colours(photo: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Frames (count, height, width) with the photo's colours, shrunk to their size."""
    small = _resized(photo, (frames.shape[2], frames.shape[1]))
    return np.stack([with_luma(small, frame) for frame in frames])


def _limit(photo: np.ndarray) -> float:
    return contrast_limit(deviations(luma(photo), axis=(-2, -1)))


def _resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture with the (width, height) `size`."""
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def _overview(config: DreamConfig, frames: np.ndarray) -> np.ndarray:
    """All frames, small: the levels of a turn in a row; if there is but one level, the turns side by side."""
    height, width = frames.shape[1:3]
    factor = min(THUMBNAIL / max(height, width), 1)
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    small = np.stack([_resized(frame, size) for frame in frames])
    names = round_names(config)
    if config.method is DreamMethod.octaves:
        captions = [[Caption(f"octave {k + 1}", ""), Caption(name)] for k, name in enumerate(names)]
        return with_heading(captioned_grid(small, captions, 3), "After every octave")
    captions = [[Caption(f"turn {turn + 1}"), Caption(name)] for turn in range(config.turns) for name in names]
    sheet = captioned_grid(small, captions, len(names) if len(names) > 1 else min(4, len(small)))
    return with_heading(sheet, "After every level of every turn")


def _growing(frames: np.ndarray) -> Animation:
    """From the photo over every round to the dream, one fading into the next."""
    factor = min(GROWING_SIZE / max(frames.shape[1:3]), 1)
    size = (max(round(frames.shape[2] * factor), 1), max(round(frames.shape[1] * factor), 1))
    small = [_resized(frame, size).astype(np.float32) for frame in frames]
    shown, durations = [small[0]], [FIRST]
    for before, after in pairwise(small):
        for k in range(1, BETWEEN + 1):
            shown.append(before + (after - before) * (k / BETWEEN))
            durations.append(EACH)
    durations[-1] = LAST
    return Animation(np.rint(np.stack(shown)).astype(np.uint8), tuple(durations))


def _objective(config: DreamConfig, objective: np.ndarray) -> np.ndarray:
    """The objective (turns, levels, steps): a line per level, interrupted where a new turn begins."""
    turns, _, steps = objective.shape
    figure, (axes,) = new_figure(1, width=9, height=4.5)
    for level, name in enumerate(round_names(config)):
        color = COLORS[level % len(COLORS)]
        for turn in range(turns):
            label = name if turn == 0 else None
            axes.plot(np.arange(steps) + turn * steps, objective[turn, level], color=color, label=label)
    for turn in range(1, turns):
        axes.axvline(turn * steps - 0.5, color="#9a9aa0", linewidth=0.8, linestyle=":")
    octaves = config.method is DreamMethod.octaves
    axes.set(
        xlabel=f"step, {steps} in every octave" if octaves else f"step, {steps} in every turn",
        ylabel="objective, mean over the picture" if octaves else "objective, mean over the tiles",
    )
    axes.margins(x=0.01)
    legend_above(axes, columns=2)
    return to_picture(figure)
