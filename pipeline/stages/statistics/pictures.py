"""The pictures of the statistics: what each class does to each map, and the images that drive a map most."""

from collections.abc import Sequence

import matplotlib
import numpy as np

from pipeline.drawing.curves import new_figure, to_picture
from pipeline.drawing.levels import stretched
from pipeline.drawing.pictures import Pictures
from pipeline.drawing.sheets import PAPER, Caption, Note, captioned_grid, enlarge, grid, with_heading
from pipeline.stages.statistics.result import MapStatistics

# Of an image in a map's block, of images per row there, of blocks per row, at most.
SIDE, PER_ROW, COLUMNS = 56, 3, 8
# What is left of the brightness outside of what a node sees.
DIMMED = 0.4
EMPTY = 225


def render_statistics(result: MapStatistics, images: np.ndarray, class_names: Sequence[str]) -> Pictures:
    """Draw classes.png, a heat map of classes by maps, and top_images.png.

    Args:
        images: those that were looked at, (count, size, size, 1).
    """
    return {"classes.png": _classes(result, class_names), "top_images.png": _top_images(result, images, class_names)}


def _classes(result: MapStatistics, class_names: Sequence[str]) -> np.ndarray:
    """Draw maps by their preferred class, those that prefer it most first; each in shares of its largest mean."""
    order = np.lexsort((-np.nan_to_num(result.selectivity), result.preferred_class))
    means = result.class_means[order]
    largest = np.nanmax(np.abs(means), axis=1, keepdims=True)
    values = (means / np.where(largest > 0, largest, np.nan)).T
    maps, classes = result.class_means.shape
    width = min(max(0.1 * maps, 6), 16)
    # MLflow's page gives every picture a square, in which a strip would be small
    figure, (axes,) = new_figure(1, width=width, height=min(max(0.3 * classes + 1.6, width / 2), 16))
    axes.grid(visible=False)
    colors = matplotlib.colormaps["magma"].with_extremes(bad="#d8d8de")
    image = axes.imshow(values, aspect="auto", cmap=colors, interpolation="nearest", vmin=min(0, np.nanmin(values)))
    every = max(maps // 32, 1)
    axes.set(xlabel="map index, by preferred class", ylabel="class", yticks=range(classes))
    axes.set_xticks(range(0, maps, every), [str(index) for index in order[::every]], rotation=90, fontsize=7)
    axes.set_yticklabels(list(class_names))
    title = f"{result.layer}: mean activation of each class, as a share of the map's largest"
    axes.set_title(title, loc="left", fontsize=11)
    figure.colorbar(image, ax=axes, pad=0.01)
    return to_picture(figure)


def _top_images(result: MapStatistics, images: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    factor = max(SIDE // images.shape[1], 1)
    blocks, captions = [], []
    for index, (chosen, crops) in enumerate(zip(result.top_indices, result.top_crops, strict=True)):
        seen = np.stack([_dimmed(images[i, ..., 0], crop) for i, crop in zip(chosen, crops, strict=True)])
        if not result.active_share[index]:
            # of all images the first ones, which say nothing
            seen = np.full_like(seen, EMPTY)
        blocks.append(grid(enlarge(seen, factor), PER_ROW, line=2, color=PAPER))
        preferred = int(result.preferred_class[index])
        means = result.class_means[index, preferred] if preferred >= 0 else result.mean[index]
        liked = f"class {class_names[preferred]}" if preferred >= 0 else "no class more than others"
        if not result.active_share[index]:
            liked = "never active"
        captions.append([Caption(f"map {index}", f"{means:.2f}"), Caption(liked)])
    sheet = captioned_grid(np.stack(blocks), captions, COLUMNS)
    notes = [
        Note("most active first; bright: what the strongest node sees"),
        Note("below: the class with the largest mean activation, and that mean"),
    ]
    return with_heading(sheet, f"{result.layer}: the images that activate each map most", notes)


def _dimmed(image: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """Return the grey levels of an image, darker outside of (top, left, bottom, right)."""
    levels = stretched(image)
    seen = (levels * DIMMED).astype(np.uint8)
    top, left, bottom, right = crop
    seen[top:bottom, left:right] = levels[top:bottom, left:right]
    return seen
