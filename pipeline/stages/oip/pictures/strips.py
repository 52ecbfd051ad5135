"""Maps as rows: how a pattern evolved, and what came of other starts."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from pipeline.drawing.layout import fitted, widened
from pipeline.drawing.levels import image_levels
from pipeline.drawing.sheets import (
    GAP,
    INK,
    LINE_HEIGHT,
    PAPER,
    TITLE_SIZE,
    WARNING,
    Caption,
    Mark,
    Note,
    captioned_grid,
    draw_captions,
    draw_text,
    enlarge,
    rgb,
    text_width,
    with_heading,
)
from pipeline.stages.oip.pictures.contact_sheet import MAP_PICTURE_SIDE, TILE_SIDE, dimmed
from pipeline.stages.oip.pictures.words import Words, figures, in_few_digits, range_of_result, verdict_lines
from pipeline.stages.oip.result import NEVER, OipSweepResult

EVOLUTIONS = 8
STARTS = 16
FRAME = 3
LABEL_SIZE = TITLE_SIZE - 3
LABEL_GAP = 4


def evolution(words: Words, result: OipSweepResult) -> np.ndarray:
    """Draw rows for up to EVOLUTIONS maps, from the strongest to the weakest: the start image, then the snapshots."""
    rows = ranked(result.activation, EVOLUTIONS)
    stages = np.concatenate([result.start_images[None], result.snapshots])
    tiles = rgb(_tiles(result, np.concatenate([stages[:, row] for row in rows])))
    columns = [[Caption(text)] for text in ("start", *(f"step {step}" for step in result.snapshot_steps))]
    sheet = _labelled(words, result, rows, tiles, columns * len(rows))
    notes = [Note("step n: after its change")]
    if len(rows) > 1:
        notes.append(Note(f"up to {EVOLUTIONS} {words.parts}, from the strongest to the weakest"))
    return with_heading(sheet, f"{words.place}: from noise to pattern", notes)


def starts(words: Words, result: OipSweepResult) -> np.ndarray:
    """Draw rows for up to STARTS maps, the strongest first: what came of their starts, the kept one framed."""
    rows = ranked(result.activation, STARTS)
    tiles, captions = [], []
    for row in rows:
        kept = kept_start(result, row)
        for start in shown_starts(result.all_activation.shape[1], kept):
            value = float(result.all_activation[row, start])
            levels = _tiles(result, result.all_images[None, row, start])
            tiles.append(_framed(levels if value > 0 else dimmed(levels), Mark.frame.value if start == kept else PAPER))
            captions.append([Caption(in_few_digits(value), color=INK if value > 0 else WARNING)])
    sheet = _labelled(words, result, rows, np.stack(tiles), captions)
    notes = [
        Note("kept", Mark.frame),
        Note(f"up to {STARTS} {words.parts}, from the strongest to the weakest, and as many starts of each"),
        Note(f"below a picture: {words.score}"),
    ]
    if result.restarts[rows].any():
        notes.append(Note(f"none framed: all left the {words.part} silent, what a restart led to was kept", Mark.loop))
    return with_heading(sheet, f"{words.place}: several starts of each {words.part}", notes)


def ranked(activation: np.ndarray, most: int) -> list[int]:
    """Return up to `most` rows, from the strongest to the weakest, evenly spread where there are more.

    Args:
        activation: (rows,).
    """
    ranking = np.argsort(-activation, kind="stable")
    places = np.linspace(0, len(ranking) - 1, min(most, len(ranking))).round().astype(int)
    return [int(row) for row in ranking[places]]


def kept_start(result: OipSweepResult, row: int) -> int | None:
    """Return which of all starts led to the OIP; None where it was a later one.

    `result.start` does not say so: it is the number of the start image, of which some may not have been ascended.

    Args:
        row: of the result, a map.
    """
    if result.restarts[row]:
        return None
    values = result.all_activation[row]
    return int(np.argmax(np.where(np.isnan(values), -np.inf, values)))


def shown_starts(count: int, kept: int | None) -> list[int]:
    """Return the first STARTS ones; the last place is the kept one's if that is not among them.

    Args:
        count: how many there are.
        kept: the number of the kept one, None if it is not one of them.
    """
    shown = list(range(min(count, STARTS)))
    if kept is not None and kept not in shown:
        shown[-1] = kept
    return shown


def _tiles(result: OipSweepResult, images: np.ndarray) -> np.ndarray:
    """Draw images (count, height, width, channels), at least as wide as a caption: (count, height, width[, 3])."""
    levels = image_levels(images, range_of_result(result))
    factor = math.ceil(TILE_SIDE / max(levels.shape[1:3]))
    return widened(fitted(enlarge(levels, factor), MAP_PICTURE_SIDE), TILE_SIDE)


def _framed(levels: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Draw a tile (1, height, width[, 3]) within a frame, FRAME pixels wide, so that it hides nothing."""
    height, width = levels.shape[1:3]
    tile = np.full((height + 2 * FRAME, width + 2 * FRAME, 3), color, np.uint8)
    tile[FRAME:-FRAME, FRAME:-FRAME] = rgb(levels)[0]
    return tile


def _labelled(
    words: Words, result: OipSweepResult, rows: Sequence[int], tiles: np.ndarray, captions: Sequence[Sequence[Caption]]
) -> np.ndarray:
    """Draw tiles (rows * columns, height, width, 3) with captions, and left of every row words on its map."""
    strips = captioned_grid(tiles, captions, len(tiles) // len(rows))
    labels = [_label_lines(words, result, row) for row in rows]
    width = max(max(text_width(name, LABEL_SIZE), *(line.width for line in lines)) for name, lines in labels)
    left = GAP + width + GAP
    page = Image.new("RGB", (left + strips.shape[1], strips.shape[0]), PAPER)
    page.paste(Image.fromarray(strips), (left, 0))
    pitch = (strips.shape[0] - GAP) // len(rows)
    for place, (name, lines) in enumerate(labels):
        # in the middle of the tile's height; four lines need some of its caption's too
        height = LABEL_SIZE + LABEL_GAP + LINE_HEIGHT * len(lines)
        top = GAP + place * pitch + max(0, (tiles.shape[1] - height) // 2)
        draw_text(page, name, GAP, top + LABEL_SIZE // 2, size=LABEL_SIZE)
        draw_captions(page, lines, GAP, top + LABEL_SIZE + LABEL_GAP, width)
    return np.asarray(page)


def _label_lines(words: Words, result: OipSweepResult, row: int) -> tuple[str, list[Caption]]:
    never = result.verdicts[row] == NEVER
    first = Caption(figures(result, row), color=WARNING if never else INK)
    return words.label(str(result.names[row])), [first, *verdict_lines(result, row)]
