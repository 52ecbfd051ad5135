"""The OIPs of a sweep side by side: a row for each job, a column for each map."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np

from pipeline.drawing.curves import literal, new_figure, to_picture
from pipeline.drawing.levels import image_levels
from pipeline.drawing.pictures import Pictures
from pipeline.drawing.sheets import (
    GAP,
    PAPER,
    Caption,
    Note,
    captioned_grid,
    clipped,
    draw_text,
    enlarge,
    text_width,
    with_heading,
)
from pipeline.stages.oip.result import NEVER

# On a sheet of pictures, at most.
JOBS, MAPS = 48, 16
# Side of a picture of 28 x 28 pixels; of a job's name, in pixels and in letters, at most.
SIDE, LABEL, LETTERS = 84, 600, 80
# Of the heat map, in inches: of a row, of a column, at most in all.
ROW, COLUMN, WIDEST, HIGHEST = 0.3, 0.16, 20.0, 30.0


def render_sweep(names: Sequence[str], results: Sequence[Mapping[str, np.ndarray]]) -> Pictures:
    """Draw activation.png, the activation by job and map as a heat map, and oips.png, the pictures themselves.

    Args:
        names: of the jobs, such as the values of what was swept.
        results: of every job the arrays of its oip.npz, see `OipSweepResult`; jobs may have other maps.
    """
    if not results:
        return {}
    maps = sorted({int(index) for result in results for index in result["map_indices"]})
    return {"activation.png": _heat_map(names, results, maps), "oips.png": _sheet(names, results, maps)}


def _heat_map(names: Sequence[str], results: Sequence[Mapping[str, np.ndarray]], maps: Sequence[int]) -> np.ndarray:
    values = np.full((len(results), len(maps)), np.nan)
    for row, result in enumerate(results):
        for index, activation in zip(result["map_indices"], result["activation"], strict=True):
            values[row, maps.index(int(index))] = activation
    names = [name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…" for name in names]
    longest = max(map(len, names))
    width = min(max(COLUMN * len(maps), 3) + 0.09 * longest + 2.2, WIDEST)
    # a strip would be too thin on MLflow's page, which gives every picture a square
    height = min(max(ROW * len(results) + 1.4, width / 3), HIGHEST)
    with new_figure(1, width=width, height=height) as (figure, (axes,)):
        axes.grid(visible=False)
        colors = matplotlib.colormaps["magma"].with_extremes(bad="#d8d8de")
        image = axes.imshow(values, aspect="auto", cmap=colors, interpolation="nearest", vmin=0)
        every = max(len(maps) // 16, 1)
        axes.set(xlabel="map index", xticks=range(0, len(maps), every), yticks=range(len(results)))
        axes.set_xticklabels(["layer" if index < 0 else str(index) for index in maps[::every]])
        axes.set_yticklabels([literal(name) for name in names])
        axes.set_title("Activation of each map's OIP (grey: not asked for)", loc="left", fontsize=11)
        figure.colorbar(image, ax=axes, pad=0.01)
        return to_picture(figure)


def _sheet(names: Sequence[str], results: Sequence[Mapping[str, np.ndarray]], maps: Sequence[int]) -> np.ndarray:
    rows, columns = _some(len(results), JOBS), [maps[k] for k in _some(len(maps), MAPS)]
    names = [clipped(name, LABEL) for name in names]
    label = max(text_width(names[row]) for row in rows) + 2 * GAP
    cells, captions = [], []
    for row in rows:
        indices = results[row]["map_indices"].tolist()
        for index in columns:
            if index not in indices:
                cells.append(np.full((SIDE, SIDE, 3), PAPER, np.uint8))
                captions.append([Caption()])
                continue
            k = indices.index(index)
            # older results say nothing of a range
            cells.append(_picture(results[row]["images"][k], results[row].get("pixel_range")))
            silent = results[row]["verdicts"][k] == NEVER
            score = "silent" if silent else f"{results[row]['activation'][k]:.2f}"
            captions.append([Caption("layer" if index < 0 else f"map {index}", score)])
    sheet = captioned_grid(np.stack(cells), captions, len(columns))
    page = np.full((sheet.shape[0], sheet.shape[1] + label, 3), PAPER, np.uint8)
    page[:, label:] = sheet
    page = _with_labels(page, [names[row] for row in rows])
    shown = []
    if len(columns) < len(maps):
        shown.append(Note(f"{len(columns)} of {len(maps)} maps"))
    if len(rows) < len(results):
        shown.append(Note(f"{len(rows)} of {len(results)} jobs"))
    return with_heading(page, "The OIPs of every job, with their activation", shown)


def _with_labels(page: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    from PIL import Image

    image = Image.fromarray(page)
    height = (page.shape[0] - GAP) // len(labels)
    for row, text in enumerate(labels):
        draw_text(image, text, GAP, GAP + row * height + SIDE / 2)
    return np.asarray(image)


def _picture(image: np.ndarray, pixel_range: np.ndarray | None) -> np.ndarray:
    """Draw (SIDE, SIDE, 3) uint8 of an image (height, width, channels) of any size, paper beside what is narrow."""
    from PIL import Image

    levels = image_levels(image, pixel_range)
    large = enlarge(levels[None], max(SIDE // max(levels.shape[:2]), 1))[0]
    factor = SIDE / max(levels.shape[:2])
    height, width = (max(round(factor * side), 1) for side in levels.shape[:2])
    cell = np.full((SIDE, SIDE, 3), PAPER, np.uint8)
    resized = Image.fromarray(large).resize((width, height), Image.Resampling.NEAREST)
    cell[:height, :width] = np.asarray(resized.convert("RGB"))
    return cell


def _some(count: int, most: int) -> list[int]:
    """Return all of so many, or `most` of them, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()
