"""All patterns of a sweep on one sheet, each with its score and verdict."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from pipeline.drawing.layout import fitted, widened
from pipeline.drawing.sheets import (
    FAINT_INK,
    INK,
    WARNING,
    Caption,
    Mark,
    Note,
    captioned_grids,
    enlarge,
    with_heading,
)
from pipeline.stages.oip.pictures.words import (
    MARKS,
    Words,
    figures,
    headline,
    ratio,
    score,
    verdict_in_short,
    verdict_lines,
)
from pipeline.stages.oip.result import BELOW, CONVERGED, NEVER, REACHED, RISING, OipSweepResult

TILE_SIDE = 84
MAP_PICTURE_SIDE = 224
SHEET_WIDTH = 1400
# Of a sheet of large pictures, which are made smaller above it.
WIDEST = 4096


def contact_sheets(words: Words, result: OipSweepResult, kinds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Draw the pictures in the order of the result; where they are few, verdicts are in words.

    Args:
        kinds: how the images became levels -> these, (maps, height, width) uint8, or with plain pictures beside them,
            see `side_by_side`; colours are (maps, height, width, 3).
    Returns:
        A sheet for each kind.
    """
    count, *sides = result.images.shape[:3]
    pictures = 2 if has_pairs(result) else 1
    columns = columns_of(count, pictures)
    # tiles are wide enough for a caption, and larger where there are few
    side = max(sides)
    factor = max(math.ceil(TILE_SIDE / side), min(MAP_PICTURE_SIDE, SHEET_WIDTH // columns // pictures) // side)
    tiles = [_tiles(silent_dimmed(result, levels), factor, columns) for levels in kinds.values()]
    width = tiles[0].shape[2]
    captions = [_in_words(words, result, row) for row in range(count)]
    short = max(line.width for caption in captions for line in caption) > width
    if short:
        captions = [_in_short(result, row) for row in range(count)]
    sheets = captioned_grids(tiles, captions, columns)
    legend, title = _legend(words, result, short=short), headline(words, result)
    return [with_heading(sheet, title, [*legend, Note(shown)]) for sheet, shown in zip(sheets, kinds, strict=True)]


def _tiles(levels: np.ndarray, factor: int, columns: int) -> np.ndarray:
    """Enlarge levels, or make them smaller where the sheet would be too wide; paper beside what is narrow."""
    pictures = enlarge(levels, factor)
    height, width = pictures.shape[1:3]
    share = max(TILE_SIDE, WIDEST // columns) / width
    return widened(fitted(pictures, round(max(height, width) * share)) if share < 1 else pictures, TILE_SIDE)


def columns_of(count: int, pictures: int = 1) -> int:
    """Return the tiles of so many pictures in a row: the sheet is about twice as wide as high, 16 for 128 of one."""
    return min(count, max(4, math.ceil(math.sqrt(2 * count / pictures))))


def has_pairs(result: OipSweepResult) -> bool:
    """Tell whether every OIP has a picture beside it that only drives the map."""
    return len(result.plain_images) > 0


def side_by_side(result: OipSweepResult, to_levels: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the levels of all OIPs, twice as wide with the plain pictures to the right.

    Args:
        to_levels: makes them of images (maps, height, width, channels): (maps, height, width), of colours (maps,
            height, width, 3).
    """
    images = [result.images, result.plain_images] if has_pairs(result) else [result.images]
    return np.concatenate([to_levels(some) for some in images], axis=2)


def silent_dimmed(result: OipSweepResult, levels: np.ndarray) -> np.ndarray:
    """Dim the levels (maps, height, width) or (maps, height, width, 3) of maps without an OIP."""
    silent = np.reshape(result.verdicts == NEVER, (-1,) + (1,) * (levels.ndim - 1))
    return np.where(silent, dimmed(levels), levels)


def dimmed(levels: np.ndarray) -> np.ndarray:
    """Move levels three quarters of the way to white, the paper: 255 - (255 - level) / 4."""
    return (255 - (255 - levels) // 4).astype(np.uint8)


def _in_words(words: Words, result: OipSweepResult, row: int) -> list[Caption]:
    never = result.verdicts[row] == NEVER
    first = Caption(words.label(str(result.names[row])), figures(result, row), color=WARNING if never else INK)
    return [first, *verdict_lines(result, row)]


def _in_short(result: OipSweepResult, row: int) -> list[Caption]:
    never = result.verdicts[row] == NEVER
    lines = [
        Caption(str(result.names[row]), score(result, row), color=WARNING if never else INK),
        verdict_in_short(result, row),
    ]
    if result.fires_on_no_image[row]:
        lines.append(Caption("no image", mark=Mark.ring, color=FAINT_INK))
    elif ratio(result, row):
        lines.append(Caption(ratio(result, row), color=FAINT_INK))
    return lines


def _legend(words: Words, result: OipSweepResult, *, short: bool) -> list[Note]:
    """Return what the signs mean and how often each occurs, then what the numbers are."""
    notes = []
    usual = (
        (REACHED, BELOW, NEVER) if np.any(np.isin(result.verdicts, [REACHED, BELOW])) else (CONVERGED, RISING, NEVER)
    )
    for verdict, mark in MARKS.items():
        if verdict not in usual and verdict not in result.verdicts:
            continue
        text = f"{CONVERGED} (at step)" if short and verdict == CONVERGED else str(verdict)
        notes.append(
            Note(f"{text}{', no OIP' if verdict == NEVER else ''}: {np.sum(result.verdicts == verdict)}", mark)
        )
    restarted, unseen = np.count_nonzero(result.restarts), np.count_nonzero(result.fires_on_no_image)
    if restarted:
        notes.append(Note(f"restarted{' (times)' if short else ''}: {restarted}", Mark.loop))
    if unseen:
        notes.append(Note(f"fires on no image of the data set: {unseen}", Mark.ring))
    if has_pairs(result):
        notes.append(
            Note(
                "left picture: drives it as much as every image does, most alike to them; right: drives it most of all"
            )
        )
    notes.append(Note(f"left: {words.part} index, right: {words.score}" if short else f"right: {words.score}"))
    if any(ratio(result, row) for row in range(len(result.names))):
        notes.append(Note(f"x data: times the largest {words.score} by an image of the data set"))
    return notes
