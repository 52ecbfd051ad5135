"""The files of a comparison: the page, the table of matched maps, and its pictures."""

import csv
import io
from collections.abc import Sequence

import numpy as np

from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.drawing.curves import literal, new_figure, to_picture
from pipeline.drawing.layout import fitted, heading_alone, readable, told_apart, widened
from pipeline.drawing.levels import image_levels, range_of
from pipeline.drawing.pictures import Page, Pictures
from pipeline.drawing.sheets import (
    PAPER,
    Caption,
    Note,
    captioned_grid,
    clipped,
    enlarge,
    grid,
    text_width,
    with_heading,
)
from pipeline.stages.compare.metrics import maps_table
from pipeline.stages.compare.page import About, name_of, render_page
from pipeline.stages.compare.result import CompareResult

# Of a picture in a block, in pixels; of blocks in a row.
SIDE, LARGEST, COLUMNS = 56, 84, 5
# Of the images with another class so many are shown, in rows of so many, in pixels.
MOST_SHOWN, CHANGED_COLUMNS, CHANGED_SIDE, NARROWEST, WIDEST = 100, 8, 84, 150, 160
# Of more layers a cell is too small for a number.
MOST_NUMBERED, LONGEST_NAME = 16, 140


def render_comparison(
    about: About,
    result: CompareResult,
    images: np.ndarray,
    class_names: Sequence[str],
    *,
    preprocessing: Preprocessing = STANDARDIZED,
) -> Pictures:
    """Make compare.html, maps.csv, maps.png, cka.png, and changed.png where it is known what images are taken for.

    Args:
        about: what the page says of the two.
        images: those that were looked at, (count, height, width, channels).
        class_names: of every class, none where the data has no labels.
        preprocessing: what was made of the images.
    """
    pixel_range = range_of(preprocessing, images.shape[-1])
    return {
        "compare.html": Page(render_page(about, result, images, class_names, pixel_range)),
        "maps.csv": Page(_csv(result)),
        "maps.png": _maps(about, result, images, pixel_range),
        "cka.png": _cka(about, result),
        **({"changed.png": _changed(about, result, images, class_names, pixel_range)} if result.classifies else {}),
    }


def _csv(result: CompareResult) -> str:
    table, text = maps_table(result), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return text.getvalue()


def _maps(about: About, result: CompareResult, images: np.ndarray, pixel_range: np.ndarray | None) -> np.ndarray:
    """Draw a block for each pair: above the OIP and the top images of the map, below those of its partner."""
    notes = [
        Note(f"above A: {about.name}"),
        Note(f"below B: {about.other}"),
        Note("left the OIP, right of it the images that activate the map most"),
        Note("below: map ~ its partner, and the correlation of their activations"),
        *([Note(f"{dead} pairs of dead maps are left out")] if (dead := int((~result.live).sum())) else []),
    ]
    title = f"Matched maps of {result.layer}"
    if result.other_layer != result.layer:
        title += f" and {result.other_layer}"
    if not len(result.shown):
        return heading_alone(title, [*notes, Note("none is shown")])
    blocks, captions = [], []
    for picture in result.shown_order:
        pair = result.shown[picture]
        rows = [
            np.concatenate([oips[picture : picture + 1], images[tops[pair]]])
            for oips, tops in ((result.oips, result.top_indices), (result.other_oips, result.other_top_indices))
        ]
        levels = image_levels(np.concatenate(rows), pixel_range)
        factor = max(1, SIDE // max(levels.shape[1:3]))
        blocks.append(grid(fitted(enlarge(levels, factor), LARGEST), len(rows[0]), line=2, color=PAPER))
        captions.append([Caption(f"{result.maps[pair]} ~ {result.others[pair]}", f"{result.matched[pair]:.3f}")])
    narrowest = max(line.width for caption in captions for line in caption)
    return with_heading(captioned_grid(widened(np.stack(blocks), narrowest), captions, COLUMNS), title, notes)


def _cka(about: About, result: CompareResult) -> np.ndarray:
    rows, columns = result.cka.shape
    width, height = (min(max(0.75 * count + 2.6, 5.5), 16.0) for count in (columns, rows))
    with new_figure(1, width=width, height=height) as (figure, (axes,)):
        axes.grid(visible=False)
        image = axes.imshow(result.cka, vmin=0, vmax=1, cmap="viridis")
        names, others = ([literal(name) for name in told_apart(list(map(str, layers)), LONGEST_NAME)]
                         for layers in (result.layers, result.other_layers))  # fmt: skip
        axes.set_xticks(range(columns), others, rotation=90, fontsize=8)
        axes.set_yticks(range(rows), names, fontsize=8)
        # what the two are called may be cut to the same
        axes.set(xlabel=literal(clipped(f"B: {about.other}", 360)), ylabel=literal(clipped(f"A: {about.name}", 360)))
        if max(rows, columns) <= MOST_NUMBERED:
            for row, column in zip(*np.isfinite(result.cka).nonzero(), strict=True):
                value = result.cka[row, column]
                color = "black" if value > 0.6 else "white"
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=color)
        axes.set_title(f"Linear CKA over {result.cka_images} images", loc="left", fontsize=11)
        figure.colorbar(image, ax=axes, pad=0.02)
        return to_picture(figure)


def _changed(
    about: About,
    result: CompareResult,
    images: np.ndarray,
    class_names: Sequence[str],
    pixel_range: np.ndarray | None,
) -> np.ndarray:
    """Draw the images that the two take for different classes, those first of which both are most sure."""
    changed = result.changed
    shown = changed[:MOST_SHOWN]
    title = f"{len(changed)} of {len(result.labels)} images are taken for another class"
    if not len(shown):
        return heading_alone(title)
    levels = image_levels(images[shown], pixel_range)
    pictures = readable(levels, side=CHANGED_SIDE, largest=WIDEST, narrowest=NARROWEST)
    width = pictures.shape[2]
    names = [
        name_of(label, class_names) for label in range(max(result.probabilities.shape[1], result.labels.max() + 1))
    ]
    # once: of many classes it takes long
    shown_names = told_apart(names, width - text_width(f"image {shown.max()} is "))
    taken_for = told_apart(names, width - text_width("A: , 100.0%"))
    captions = []
    for index in shown:
        label, image = int(result.labels[index]), f"image {index}"
        known = f" is {shown_names[label]}" if label >= 0 else ""
        lines = [Caption(f"{image}{known}")]
        for word, likely in (("A", result.probabilities[index]), ("B", result.other_probabilities[index])):
            said = int(likely.argmax())
            # not at the right end, where the caption of the next picture begins
            lines.append(Caption(f"{word}: {taken_for[said]}, {100 * likely[said]:.1f}%"))
        captions.append(lines)
    notes = [
        Note(f"A: {about.name}"),
        Note(f"B: {about.other}"),
        Note("each with the class it takes the image for, and its probability"),
        Note("those first of which both are most sure"),
        *([Note(f"the first {len(shown)}")] if len(shown) < len(changed) else []),
    ]
    return with_heading(captioned_grid(pictures, captions, CHANGED_COLUMNS), title, notes)
