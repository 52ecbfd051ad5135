"""Where pictures and captions stand on a sheet."""

import numpy as np
from picture_examples import has_color

from pipeline.drawing.sheets import (
    PAPER,
    Caption,
    Mark,
    Note,
    captioned_grid,
    grid,
    with_heading,
)


def test_grid_places_pictures_row_by_row_with_lines_between() -> None:
    pictures = np.arange(5, dtype=np.uint8)[:, None, None].repeat(2, axis=1).repeat(3, axis=2) * 10
    sheet = grid(pictures, 3, line=1, color=(1, 2, 3))
    assert sheet.shape == (1 + 2 * 3, 1 + 3 * 4, 3)
    for k in range(5):
        row, column = k // 3, k % 3
        top, left = 1 + row * 3, 1 + column * 4
        assert (sheet[top : top + 2, left : left + 3] == 10 * k).all()
    assert (sheet[[0, 3]] == (1, 2, 3)).all(), "lines above and between the rows"
    assert (sheet[:, [0, 4, 8]] == (1, 2, 3)).all(), "lines left of and between the columns"
    assert (sheet[4:, 9:] == PAPER).all(), "no picture, no frame"


def test_grid_of_fewer_pictures_than_columns_is_only_as_wide_as_they_are() -> None:
    assert grid(np.zeros((2, 5, 5), np.uint8), 8, line=1, color=PAPER).shape == (7, 13, 3)


def test_caption_stays_below_its_own_picture() -> None:
    pictures = np.full((2, 90, 90), 128, np.uint8)
    sheet = captioned_grid(pictures, [[Caption("56", "5.45", Mark.dot)], []], 2)
    captions = sheet[8 + 90 : 8 + 90 + 20]
    assert has_color(captions[:, 8 : 8 + 90], Mark.dot.value)
    assert captions[:, 8 : 8 + 90].min() < 100
    assert (captions[:, 8 + 90 :] == PAPER).all()
    assert (sheet[8 : 8 + 90, 8 : 8 + 90] == 128).all(), "text runs into the picture"


def test_heading_is_not_cut_off_above_a_narrow_sheet() -> None:
    sheet = np.zeros((10, 20, 3), np.uint8)
    page = with_heading(sheet, "a title that is much wider than the sheet below it", [Note("a note", Mark.cross)] * 9)
    heading = page[:-10]
    assert (heading[:, :4] == PAPER).all()
    assert (heading[:, -4:] == PAPER).all()
    assert (page[-10:, :20] == 0).all(), "the sheet stands below the heading"
    assert has_color(page, Mark.cross.value)
