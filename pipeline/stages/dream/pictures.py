"""The pictures of a dream: before and after, two contrasts, every round, how it grew, a flight into it."""

import math
from itertools import pairwise

import matplotlib
import numpy as np

from pipeline.core.colour import channels_of, dreamt_colours, in_channels, rounded, with_luma
from pipeline.core.geometry import within
from pipeline.drawing.curves import COLORS, legend_above, new_figure, to_picture
from pipeline.drawing.layout import captioned, cell_width, even_columns, resized, thumbnail
from pipeline.drawing.levels import contrast_limit, deviations, enhanced, strong_contrast
from pipeline.drawing.pictures import Animation, Pictures
from pipeline.drawing.sheets import GAP, Caption, text_width, with_heading
from pipeline.settings.choices import DreamMethod
from pipeline.stages.dream.result import DreamResult
from pipeline.stages.dream.settings import DreamConfig

# Of frames.png: the longer side of a picture; pixels in a row of pictures, at most, in general and for a whole turn.
THUMBNAIL, ROW, TURN = 256, 1080, 2120
# In the legend of the objective: lines, of which each names a level or octave, and characters in half a line, at most.
NAMED, HALF_A_LINE = 8, 55
# How many maps or tiles are listed.
LISTED = 4
# Of growing.webp: the longer side in pixels; how many pictures lead from one round to the next, and for how long each
# of them, the photo at the beginning and the dream at the end are seen, in milliseconds.
GROWING_SIZE, BETWEEN, EACH, FIRST, LAST = 480, 4, 90, 800, 2000
# Of zoom.webp, in milliseconds.
ZOOM_EACH = 60


def render_dream(config: DreamConfig, result: DreamResult) -> Pictures:
    """Draw the pictures of a dream.

    photo, dream, dream_soft, dream_strong, before_after, frames and objective .png, a picture of every level of every
    turn, or every octave, growing.webp, and zoom.webp if there are frames of one.
    """
    photo, picture = rounded(result.photo), result.picture
    dreamt = dreamt_colours(photo if picture.ndim == 2 else result.photo, picture)
    if picture.ndim == 3:
        photo = in_channels(photo, 3).astype(np.uint8)
    frames = _in_colours(photo, result.frames)
    small = (frames.shape[2], frames.shape[1])
    both = np.stack([resized(photo, small), resized(dreamt, small)])
    # what is even has no contrast to set
    shown = _flat(in_channels(photo, channels_of(picture)))
    even = not np.ptp(shown)
    soft = enhanced(_flat(picture), config.contrast).reshape(picture.shape)
    strong = strong_contrast(picture, contrast_limit(deviations(shown, axis=(-2, -1))))
    pictures: Pictures = {
        "photo.png": photo,
        "dream.png": dreamt,
        "dream_soft.png": dreamt if even else with_luma(photo, soft),
        "dream_strong.png": dreamt if even else with_luma(photo, strong),
        "before_after.png": captioned(both, [[Caption("photo")], [Caption("dream")]], 2),
        "frames.png": _overview(config, frames),
        "objective.png": _objective(config, result.objective),
        "growing.webp": _growing(np.concatenate([both[:1], frames])),
        **dict(zip(result.frame_files, frames, strict=True)),
    }
    if len(result.zoom):
        pictures["zoom.webp"] = Animation(result.zoom, (ZOOM_EACH,) * len(result.zoom))
    return pictures


def round_names(config: DreamConfig) -> list[str]:
    """Return what every level or octave works on, and towards which maps."""
    return [", ".join(words) for words in _round_words(config)]


def _round_words(config: DreamConfig) -> list[list[str]]:
    """Return the names of `round_names`, piece by piece."""
    if config.method is DreamMethod.octaves:
        towards = _towards(config.map_indices or [-1])
        sizes = (config.octaves.scale ** (k + 1 - config.octaves.count) for k in range(config.octaves.count))
        return [[f"1/{1 / size:.3g} of the size" if size < 1 else "full size", towards] for size in sizes]
    return [_level_words(config, level) for level in range(len(config.levels))]


def _level_words(config: DreamConfig, level: int) -> list[str]:
    per_side, maps = config.levels[level], config.map_indices
    words = ["the shorter side" if per_side == 1 else f"1/{per_side} of the shorter side"]
    if config.tiles is not None:
        words.append(_list("tile", config.tiles[level]))
    if config.auto_maps is not None:
        return [
            *words,
            "each tile its own map" if config.auto_maps == 1 else f"each tile its own {config.auto_maps} maps",
        ]
    if config.tile_maps is not None:
        maps = sorted(set(config.tile_maps[level]))
    elif maps is not None and len(maps) > 1:
        maps = [maps[level]]
    return [*words, _towards(maps or [-1])]


def _towards(maps: list[int]) -> str:
    return "whole layer" if maps == [-1] else _list("map", maps)


def _list(what: str, numbers: list[int]) -> str:
    listed = ", ".join(map(str, numbers[:LISTED]))
    return f"{what}{'s' if len(numbers) > 1 else ''} {listed}{' ..' if len(numbers) > LISTED else ''}"


def _in_colours(photo: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Return frames (count, height, width[, 3]) with the photo's colours, shrunk to their size, or their own."""
    small = resized(photo, (frames.shape[2], frames.shape[1]))
    return np.stack([with_luma(small, frame) for frame in frames])


def _flat(picture: np.ndarray) -> np.ndarray:
    """Return all numbers of a picture (height, width[, 3]) in two dimensions."""
    return picture.reshape(len(picture), -1)


def _overview(config: DreamConfig, frames: np.ndarray) -> np.ndarray:
    """Draw all frames, small: a turn's levels in a row, if they fit; if there is but one level, the turns are."""
    size = thumbnail((frames.shape[1], frames.shape[2]), THUMBNAIL)
    small = np.stack([resized(frame, size) for frame in frames])
    octaves = config.method is DreamMethod.octaves
    rounds = [f"octave {k + 1}" for k in range(len(frames))]
    if not octaves:
        rounds = [f"turn {turn + 1}" for turn in range(config.turns) for _ in config.levels]
    words = _round_words(config)
    names = [[", ".join(of_round)] for of_round in words]
    if max(text_width(name) for (name,) in names) > size[0]:
        names = words
    captions = [
        [Caption(text) for text in (begun, *name)]
        for begun, name in zip(rounds, names * (len(frames) // len(names)), strict=True)
    ]
    cell = cell_width(size[0], captions)
    if octaves or len(names) == 1:
        columns = even_columns(len(small), cell, ROW)
    else:
        # a turn begins at the left
        fit = range(1, max(TURN // (cell + GAP), 1) + 1)
        columns = max(columns for columns in fit if len(names) % columns == 0)
    title = "After every octave" if octaves else "After every level of every turn"
    return with_heading(captioned(small, captions, columns), title)


def _growing(frames: np.ndarray) -> Animation:
    """Draw the way from the photo over every round to the dream, one fading into the next."""
    height, width = within((frames.shape[1], frames.shape[2]), GROWING_SIZE)
    small = [resized(frame, (width, height)).astype(np.float32) for frame in frames]
    shown, durations = [small[0]], [FIRST]
    for before, after in pairwise(small):
        for k in range(1, BETWEEN + 1):
            shown.append(before + (after - before) * (k / BETWEEN))
            durations.append(EACH)
    durations[-1] = LAST
    return Animation(np.rint(np.stack(shown)).astype(np.uint8), tuple(durations))


def _objective(config: DreamConfig, objective: np.ndarray) -> np.ndarray:
    """Draw the objective (turns, levels, steps): a line per level, interrupted where a new turn begins.

    Of many levels or octaves some are named, and the colours of those between lie between.
    """
    turns, rounds, steps = objective.shape
    names, colors, named = round_names(config), list(COLORS), set(range(rounds))
    if rounds > len(COLORS):
        # up to 0.9, as the end is too light for lines on paper
        colors = list(map(matplotlib.colors.to_hex, matplotlib.colormaps["viridis"](np.linspace(0, 0.9, rounds))))
        named = set(np.linspace(0, rounds - 1, NAMED).round().astype(int).tolist())
    columns = 2 if max(map(len, names)) <= HALF_A_LINE else 1
    with new_figure(1, width=9, height=4.1 + 0.2 * math.ceil(len(named) / columns)) as (figure, (axes,)):
        for level, name in enumerate(names):
            for turn in range(turns):
                axes.plot(
                    np.arange(steps) + turn * steps,
                    objective[turn, level],
                    color=colors[level],
                    # a single step makes no line
                    marker="o" if steps == 1 else None,
                    label=name if turn == 0 and level in named else None,
                )
        for turn in range(1, turns):
            axes.axvline(turn * steps - 0.5, color="#9a9aa0", linewidth=0.8, linestyle=":")
        octaves = config.method is DreamMethod.octaves
        what = "likeness to training images" if config.faithful.references > 0 else "objective"
        axes.set(
            xlabel=f"step, {steps} in every octave" if octaves else f"step, {steps} of every level in every turn",
            ylabel=f"{what}, mean over the {'picture' if octaves else 'tiles'}",
        )
        axes.margins(x=0.01)
        legend_above(axes, columns=columns)
        return to_picture(figure)
