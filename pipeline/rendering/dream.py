"""The pictures of a dream: before and after, every level of every turn, the objective."""

import numpy as np
from PIL import Image

from pipeline.config import DreamConfig
from pipeline.rendering.curves import COLORS, legend_above, new_figure, to_picture
from pipeline.rendering.levels import contrast_limit, enhanced, stretched, strong_contrast
from pipeline.rendering.pictures import Pictures
from pipeline.rendering.sheets import Caption, captioned_grid, with_heading
from pipeline.results import DreamResult

THUMBNAIL = 256


def render_dream(config: DreamConfig, result: DreamResult) -> Pictures:
    """photo, dream, dream_strong, before_after, frames and objective .png, and levels/turn_T_level_L.png."""
    photo, picture = stretched(result.photo), enhanced(result.picture, config.contrast)
    frames = enhanced(result.frames, config.contrast)
    levels = len(config.levels)
    return {
        "photo.png": photo,
        "dream.png": picture,
        "dream_strong.png": strong_contrast(result.picture, contrast_limit(result.photo)),
        "before_after.png": captioned_grid(np.stack([photo, picture]), [[Caption("photo")], [Caption("dream")]], 2),
        "frames.png": _overview(config, frames),
        "objective.png": _objective(config, result.objective),
        **{f"levels/turn_{k // levels + 1}_level_{k % levels + 1}.png": frame for k, frame in enumerate(frames)},
    }


def level_names(config: DreamConfig) -> list[str]:
    """What every level works on, and towards which map."""
    maps = config.map_indices * (len(config.levels) if len(config.map_indices) == 1 else 1)
    names = []
    for level, (per_side, index) in enumerate(zip(config.levels, maps, strict=True)):
        tiles = f"{per_side**2} tiles" if per_side > 1 else "whole picture"
        if config.tiles is not None and len(config.tiles[level]) < per_side**2:
            tiles = f"{len(config.tiles[level])} of {tiles}"
        names.append(f"{tiles}, {'whole layer' if index == -1 else f'map {index}'}")
    return names


def _overview(config: DreamConfig, frames: np.ndarray) -> np.ndarray:
    """All frames, small: the levels of a turn in a row; if there is but one level, the turns side by side."""
    size = (THUMBNAIL, THUMBNAIL)
    small = [np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)) for frame in frames]
    names = level_names(config)
    captions = [[Caption(f"turn {turn + 1}", name)] for turn in range(config.turns) for name in names]
    sheet = captioned_grid(np.stack(small), captions, len(names) if len(names) > 1 else min(4, len(small)))
    return with_heading(sheet, "After every level of every turn")


def _objective(config: DreamConfig, objective: np.ndarray) -> np.ndarray:
    """The objective (turns, levels, steps): a line per level, interrupted where a new turn begins."""
    turns, _, steps = objective.shape
    figure, (axes,) = new_figure(1, width=9, height=4.5)
    for level, name in enumerate(level_names(config)):
        color = COLORS[level % len(COLORS)]
        for turn in range(turns):
            label = name if turn == 0 else None
            axes.plot(np.arange(steps) + turn * steps, objective[turn, level], color=color, label=label)
    for turn in range(1, turns):
        axes.axvline(turn * steps - 0.5, color="#9a9aa0", linewidth=0.8, linestyle=":")
    axes.set(xlabel=f"step, {steps} in every turn", ylabel="objective, mean over the tiles")
    axes.margins(x=0.01)
    legend_above(axes, columns=4)
    return to_picture(figure)
