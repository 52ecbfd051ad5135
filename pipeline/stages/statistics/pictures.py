"""The pictures of the statistics: what each class does to each map, and the images that drive a map most."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np

from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.drawing.curves import literal, new_figure, to_picture
from pipeline.drawing.layout import fitted, widened
from pipeline.drawing.levels import image_levels, range_of
from pipeline.drawing.pictures import Pictures
from pipeline.drawing.sheets import PAPER, Caption, Note, captioned_grid, clipped, enlarge, grid, with_heading
from pipeline.stages.statistics.result import MapStatistics

# Of an image in a map's block, of images per row there, of blocks per row, at most.
SIDE, PER_ROW, COLUMNS = 56, 3, 8
# An image is made smaller above it; a block is at least so wide, and a class's name on the heat map at most.
LARGEST, NARROWEST, LONGEST_NAME = 112, 160, 200
# What is left of the brightness outside of what a node sees.
DIMMED = 0.4
EMPTY = 225


def render_statistics(
    result: MapStatistics,
    images: np.ndarray,
    class_names: Sequence[str],
    *,
    preprocessing: Preprocessing = STANDARDIZED,
) -> Pictures:
    """Draw classes.png, a heat map of classes by maps, where there are labels, and top_images.png.

    Args:
        images: those that were looked at, (count, height, width, channels).
        class_names: of every class, none where the data has no labels.
        preprocessing: what was made of the images.
    """
    top = _top_images(result, images, class_names, range_of(preprocessing, images.shape[-1]))
    return {**({"classes.png": _classes(result, class_names)} if class_names else {}), "top_images.png": top}


def _classes(result: MapStatistics, class_names: Sequence[str]) -> np.ndarray:
    """Draw maps by their preferred class, those that prefer it most first; each in shares of its largest mean."""
    order = np.lexsort((-np.nan_to_num(result.selectivity), result.preferred_class))
    means = result.class_means[order]
    largest = np.nanmax(np.abs(means), axis=1, keepdims=True)
    values = (means / np.where(largest > 0, largest, np.nan)).T
    lowest = float(np.nanmin(values)) if np.isfinite(values).any() else 0.0
    maps, classes = result.class_means.shape
    width = min(max(0.1 * maps, 6), 16)
    # MLflow's page gives every picture a square, in which a strip would be small
    with new_figure(1, width=width, height=min(max(0.3 * classes + 1.6, width / 2), 16)) as (figure, (axes,)):
        axes.grid(visible=False)
        colors = matplotlib.colormaps["magma"].with_extremes(bad="#d8d8de")
        image = axes.imshow(values, aspect="auto", cmap=colors, interpolation="nearest", vmin=min(0, lowest))
        every = max(maps // 32, 1)
        axes.set(xlabel="map index, by preferred class", ylabel="class", yticks=range(classes))
        axes.set_xticks(range(0, maps, every), [str(index) for index in order[::every]], rotation=90, fontsize=7)
        axes.set_yticklabels([literal(clipped(name, LONGEST_NAME)) for name in class_names])
        title = f"{literal(result.layer)}: mean activation of each class, as a share of the map's largest"
        axes.set_title(title, loc="left", fontsize=11)
        figure.colorbar(image, ax=axes, pad=0.01)
        return to_picture(figure)


def _top_images(
    result: MapStatistics, images: np.ndarray, class_names: Sequence[str], pixel_range: np.ndarray | None
) -> np.ndarray:
    longest = max(images.shape[1:3])
    factor = max(SIDE // longest, math.ceil(NARROWEST / PER_ROW / longest) if longest < SIDE else 1)
    blocks, captions = [], []
    for index, (chosen, crops) in enumerate(zip(result.top_indices, result.top_crops, strict=True)):
        levels = image_levels(images[chosen], pixel_range)
        seen = np.stack([_dimmed(one, crop) for one, crop in zip(levels, crops, strict=True)])
        if not result.active_share[index]:
            # of all images the first ones, which say nothing
            seen = np.full_like(seen, EMPTY)
        block = grid(fitted(enlarge(seen, factor), LARGEST), PER_ROW, line=2, color=PAPER)
        blocks.append(widened(block[None], NARROWEST)[0])
        preferred = int(result.preferred_class[index]) if class_names else -1
        means = result.class_means[index, preferred] if preferred >= 0 else result.mean[index]
        liked = "no class more than others" if class_names else ""
        if preferred >= 0:
            liked = clipped(f"class {class_names[preferred]}", blocks[-1].shape[1])
        if not result.active_share[index]:
            liked = "never active"
        captions.append([Caption(f"map {index}", f"{means:.2f}"), Caption(liked)])
    sheet = captioned_grid(np.stack(blocks), captions, COLUMNS)
    notes = [
        Note("most active first; bright: what the strongest node sees"),
        Note(
            "below: the class with the largest mean activation, and that mean"
            if class_names
            else "below: the mean activation; the data have no labels, so that nothing is said of classes"
        ),
    ]
    return with_heading(sheet, f"{result.layer}: the images that activate each map most", notes)


def _dimmed(levels: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """Return the levels of an image, (height, width) or (height, width, 3), darker outside of a crop.

    Args:
        crop: (top, left, bottom, right).
    """
    seen = (levels * DIMMED).astype(np.uint8)
    top, left, bottom, right = crop
    seen[top:bottom, left:right] = levels[top:bottom, left:right]
    return seen
