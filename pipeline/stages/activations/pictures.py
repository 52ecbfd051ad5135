"""The pictures of the activations: the images, and all maps of a layer for an image."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from PIL import Image

from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.drawing.layout import fitted, widened
from pipeline.drawing.levels import between, image_levels, range_of, standardized_levels
from pipeline.drawing.pictures import Pictures
from pipeline.drawing.sheets import (
    FAINT_INK,
    GAP,
    PAPER,
    TITLE_SIZE,
    Caption,
    Color,
    captioned_grid,
    clipped,
    corner,
    draw_text,
    enlarge,
    grid,
    text_width,
    with_heading,
)
from pipeline.settings.choices import MapScaling
from pipeline.stages.activations.result import ActivationsResult
from pipeline.stages.activations.settings import ActivationsConfig

LINE: Color = (205, 205, 212)
MAP_SIDE = 78
CELL_SIDE = 32
THUMBNAIL, LARGE_THUMBNAIL = 64, 112
# Of a layer's or a class's name, in pixels.
LONGEST_NAME = 600
BAR = (96, 10)


def render_activations(
    config: ActivationsConfig,
    result: ActivationsResult,
    class_names: Sequence[str],
    *,
    preprocessing: Preprocessing = STANDARDIZED,
) -> Pictures:
    """Draw images.png and, per layer and image, LAYER/class_C_image_INDEX.png with all maps of the layer.

    Args:
        class_names: of every class of the data set, by its number; none where it has no labels.
        preprocessing: what was made of the images.
    """
    thumbnails = image_levels(result.images, range_of(preprocessing, result.images.shape[-1]))
    pictures: Pictures = {"images.png": _images(config, result, class_names, thumbnails)}
    files = result.files()
    for layer, outputs in result.feature_maps.items():
        rows = zip(files[layer], thumbnails, result.labels.tolist(), result.indices, outputs, strict=True)
        for file, thumbnail, label, index, output in rows:
            what = f"{config.split.value} image {index}"
            if 0 <= label < len(class_names):
                what = f"class {clipped(class_names[label], LONGEST_NAME)}, {what}"
            pictures[file] = _maps_sheet(config, layer, what, thumbnail, output)
    return pictures


def color_table(config: ActivationsConfig) -> np.ndarray:
    """Return the colour of every level 0..255 in the chosen colour map: (256, 3) uint8."""
    return matplotlib.colormaps[config.color_map.value](np.arange(256), bytes=True)[:, :3]


def map_levels(scaling: MapScaling, output: np.ndarray) -> np.ndarray:
    """Compute a layer's output for one image as levels: (maps, height, width) uint8.

    Units become maps of a single cell.

    raw: linear from the smallest to the largest value of the whole output, so that maps can be compared;
    standardized: (x - mean) / std * 64 + 128 per map, so that weak maps are seen too. Mean and std are those of the
    whole layer where maps are single cells, which have no spread.

    Args:
        output: (height, width, maps) or (units,); of tokens (tokens, maps), which stand side by side.
    """
    maps = np.moveaxis(output.reshape((1,) * (3 - output.ndim) + output.shape), -1, 0)
    if scaling is MapScaling.raw:
        return between(maps, maps.min(), maps.max())
    return standardized_levels(maps, axis=(0, 1, 2) if maps[0].size == 1 else (1, 2))


def enlargement(side: int) -> int:
    """Return the pixels per value: maps become about MAP_SIDE pixels long, a value at most CELL_SIDE."""
    return max(1, min(CELL_SIDE, round(MAP_SIDE / side)))


def maps_grid(config: ActivationsConfig, output: np.ndarray) -> np.ndarray:
    """Draw all maps of a layer's output in colour, `config.columns` in a row, from the top, lines between.

    Args:
        output: (height, width, maps) or (units,).
    """
    levels = map_levels(config.scaling, output)
    maps = enlarge(color_table(config)[levels], enlargement(max(levels.shape[1:])))
    return grid(maps, config.columns, line=1, color=LINE)


def _images(
    config: ActivationsConfig, result: ActivationsResult, class_names: Sequence[str], thumbnails: np.ndarray
) -> np.ndarray:
    tiles = enlarge(thumbnails, max(1, LARGE_THUMBNAIL // max(thumbnails.shape[1:3])))
    tiles = widened(fitted(tiles, LARGE_THUMBNAIL), LARGE_THUMBNAIL // 2)
    captions = []
    for label, index in zip(result.labels.tolist(), result.indices.tolist(), strict=True):
        place = f"#{index}"
        name = class_names[label] if 0 <= label < len(class_names) else ""
        captions.append([Caption(clipped(name, tiles.shape[2] - text_width(place) - GAP), place)])
    sheet = captioned_grid(tiles, captions, min(10, len(tiles)))
    by = "class and place in the data set" if class_names else "place in the data set, which has no labels"
    return with_heading(sheet, f"The {config.split.value} images, by {by}")


def _maps_sheet(
    config: ActivationsConfig, layer: str, what: str, thumbnail: np.ndarray, output: np.ndarray
) -> np.ndarray:
    """Draw the grid of maps below what caused it; every row begins with the index of its first map."""
    maps = maps_grid(config, output)
    heading = _heading(config, layer, what, thumbnail, output)
    count = output.shape[-1]
    left, top = GAP + text_width(str(count)) + 6, GAP + THUMBNAIL + GAP
    width = left + max(maps.shape[1], heading.width) + GAP
    page = Image.new("RGB", (width, top + maps.shape[0] + GAP), PAPER)
    page.paste(heading, (left, GAP))
    page.paste(Image.fromarray(maps), (left, top))
    side = (maps.shape[0] - 1) // math.ceil(count / config.columns) - 1
    for first in range(0, count, config.columns):
        middle = top + corner(first, config.columns, side, side, 1)[0] + side // 2
        draw_text(page, str(first), left - 6, middle, color=FAINT_INK, anchor="r")
    return np.asarray(page)


def _heading(
    config: ActivationsConfig, layer: str, what: str, thumbnail: np.ndarray, output: np.ndarray
) -> Image.Image:
    """Draw the input image, beside it the names of layer and image and the colour scale; THUMBNAIL pixels high."""
    low, high = ("mean - 2 std", "mean + 2 std")
    if config.scaling is MapScaling.raw:
        low, high = f"{output.min():.3g}", f"{output.max():.3g}"
    left, layer = THUMBNAIL + 12, clipped(layer, LONGEST_NAME, TITLE_SIZE)
    bar = left + text_width(low) + 6
    ends = (left + text_width(layer, TITLE_SIZE), left + text_width(what), bar + BAR[0] + 6 + text_width(high))
    heading = Image.new("RGB", (max(ends), THUMBNAIL), PAPER)
    height, width = (max(round(THUMBNAIL * side / max(thumbnail.shape[:2])), 1) for side in thumbnail.shape[:2])
    heading.paste(Image.fromarray(thumbnail).resize((width, height), Image.Resampling.NEAREST), (0, 0))
    draw_text(heading, layer, left, 10, size=TITLE_SIZE)
    draw_text(heading, what, left, 33)
    draw_text(heading, low, left, 55, color=FAINT_INK)
    heading.paste(Image.fromarray(color_table(config)[None]).resize(BAR), (bar, 55 - BAR[1] // 2))
    draw_text(heading, high, bar + BAR[0] + 6, 55, color=FAINT_INK)
    return heading
