"""The pictures of a sweep: contact sheets, every map's pattern, how some of them evolved, the objective."""

import math
from typing import Any

import numpy as np
from PIL import Image

from pipeline.config import Objective, OipConfig
from pipeline.rendering.curves import COLORS, legend_above, new_figure, to_picture
from pipeline.rendering.levels import enhanced, stretched
from pipeline.rendering.pictures import Pictures
from pipeline.rendering.sheets import (
    FAINT_INK,
    INK,
    PAPER,
    TITLE_SIZE,
    WARNING,
    Caption,
    Mark,
    Note,
    captioned_grid,
    draw_text,
    enlarge,
    with_heading,
)
from pipeline.results import CONVERGED, NEVER, RISING, OipSweepResult

MARKS = {CONVERGED: Mark.dot, RISING: Mark.triangle, NEVER: Mark.cross}
TILE_SIDE = 84
MAP_PICTURE_SIDE = 224
SHEET_WIDTH = 1400
EVOLUTIONS = 8


def render_oips(config: OipConfig, result: OipSweepResult) -> Pictures:
    """contact_sheet.png, maps/map_INDEX.png and both with enhanced contrast; evolution.png; objective.png.

    The picture of the whole layer (map index -1) is maps/layer.png.
    """
    plain = stretched(result.images[..., 0])
    contrast = enhanced(result.images[..., 0], config.contrast)
    return {
        "contact_sheet.png": _contact_sheet(result, plain, "plain: black to white is smallest to largest value"),
        "contact_sheet_contrast.png": _contact_sheet(
            result,
            contrast,
            f"contrast enhanced: mean at {config.contrast.centre:g} of white, spread x {config.contrast.factor:g}",
        ),
        "evolution.png": _evolution(result),
        "objective.png": _objective(config, result),
        **_map_pictures("maps", result, plain),
        **_map_pictures("maps_contrast", result, contrast),
    }


def _map_pictures(folder: str, result: OipSweepResult, levels: np.ndarray) -> Pictures:
    names = ["layer" if index == -1 else f"map_{index:03d}" for index in result.map_indices]
    large = enlarge(levels, max(1, MAP_PICTURE_SIDE // levels.shape[-1]))
    return {f"{folder}/{name}.png": picture for name, picture in zip(names, large, strict=True)}


def _contact_sheet(result: OipSweepResult, levels: np.ndarray, shown: str) -> np.ndarray:
    count, _, side = levels.shape
    columns = min(count, max(4, math.ceil(math.sqrt(2 * count))))
    # tiles are wide enough for a caption, and larger where there are few
    factor = max(math.ceil(TILE_SIDE / side), min(MAP_PICTURE_SIDE, SHEET_WIDTH // columns) // side)
    silent = result.verdicts[:, None, None] == NEVER
    tiles = enlarge(np.where(silent, dimmed(levels), levels), factor)
    sheet = captioned_grid(tiles, [_caption(result, k) for k in range(count)], columns)
    notes = [
        Note(f"{'no OIP, ' if verdict == NEVER else ''}{verdict}: {np.sum(result.verdicts == verdict)}", mark)
        for verdict, mark in MARKS.items()
    ]
    title = f"{result.layer}: {result.triggered} of {count} maps triggered"
    return with_heading(sheet, title, [*notes, Note("left map index, right mean activation"), Note(shown)])


def dimmed(levels: np.ndarray) -> np.ndarray:
    """Three quarters of the way to white, the paper: 255 - (255 - level) / 4."""
    return (255 - (255 - levels) // 4).astype(np.uint8)


def _caption(result: OipSweepResult, k: int) -> Caption:
    name, mark = map_name(result.map_indices[k]), MARKS[str(result.verdicts[k])]
    if result.verdicts[k] == NEVER:
        return Caption(name, "no OIP", mark, WARNING)
    return Caption(name, in_few_digits(float(result.activation[k])), mark)


def map_name(index: int) -> str:
    """The map's index as text, "layer" for the whole layer."""
    return "layer" if index == -1 else str(index)


def in_few_digits(value: float) -> str:
    """Three digits, such as 0.567, 5.45 or 41.2; a large number is not rounded to them (2750), 0.0032 has two."""
    if abs(value) >= 99.95:
        return f"{value:.0f}"
    return f"{value:#.3g}" if value == 0 or abs(value) >= 0.0995 else f"{value:.2g}"


def _evolution(result: OipSweepResult) -> np.ndarray:
    """Rows for up to EVOLUTIONS maps, from the strongest to the weakest: the start image, then the snapshots."""
    ranking = np.argsort(-result.activation, kind="stable")
    rows = ranking[np.linspace(0, len(ranking) - 1, min(EVOLUTIONS, len(ranking))).round().astype(int)]
    stages = np.concatenate([result.start_images[None], result.snapshots])[..., 0]
    factor = math.ceil(TILE_SIDE / stages.shape[-1])
    captions = ["start", *(f"step {step}" for step in result.snapshot_steps)]
    tiles = []
    for k in rows:
        large = enlarge(stretched(stages[:, k]), factor)
        tiles += [_label(result, k, large.shape[-1]), *np.repeat(large[..., None], 3, axis=-1)]
    sheet = captioned_grid(np.stack(tiles), [Caption(text) for text in ["", *captions]] * len(rows), len(captions) + 1)
    note = Note(f"up to {EVOLUTIONS} maps, from the strongest to the weakest")
    return with_heading(sheet, f"{result.layer}: from noise to pattern", [note])


def _label(result: OipSweepResult, k: int, side: int) -> np.ndarray:
    """A tile with words instead of a picture: which map, how strongly activated, its verdict."""
    tile = Image.new("RGB", (side, side), PAPER)
    name = map_name(result.map_indices[k])
    never = result.verdicts[k] == NEVER
    draw_text(tile, name if name == "layer" else f"map {name}", 0, side // 2 - 22, size=TITLE_SIZE - 3)
    draw_text(tile, in_few_digits(float(result.activation[k])), 0, side // 2, color=INK)
    verdict = "no OIP" if never else str(result.verdicts[k])
    draw_text(tile, verdict, 0, side // 2 + 18, color=WARNING if never else FAINT_INK)
    return np.asarray(tile)


def _objective(config: OipConfig, result: OipSweepResult) -> np.ndarray:
    figure, (axes,) = new_figure(1, width=9, height=5)
    if len(result.map_indices) <= len(COLORS):
        for index, color, values in zip(result.map_indices, COLORS, result.objective.T, strict=False):
            axes.plot(values, color=color, label="whole layer" if index == -1 else f"map {index}")
    else:
        _draw_spread(axes, result.objective)
    before = "\nbefore the activation function" if config.objective is Objective.pre_activation else ""
    axes.set(xlabel="step", ylabel=f"mean over a map of {result.layer}{before}")
    axes.margins(x=0.01)
    legend_above(axes, columns=4)
    return to_picture(figure)


def _draw_spread(axes: Any, objective: np.ndarray) -> None:
    """Too many curves to name: each one faintly, their median and the band that holds 80 percent of them."""
    steps = np.arange(len(objective))
    lines = axes.plot(steps, objective, color=COLORS[0], linewidth=0.6, alpha=0.25)
    lines[0].set_label("each map")
    low, median, high = np.percentile(objective, (10, 50, 90), axis=1)
    axes.fill_between(steps, low, high, color=COLORS[1], alpha=0.25, linewidth=0, label="10 to 90 percent of the maps")
    axes.plot(steps, median, color=COLORS[1], linewidth=2, label="median of the maps")
