"""Many small pictures on one sheet: grids, captions, headings."""

import bisect
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]

PAPER: Color = (255, 255, 255)
INK: Color = (38, 38, 42)
FAINT_INK: Color = (120, 120, 128)
WARNING: Color = (200, 30, 40)

MARGIN = 14
GAP = 8
LINE_HEIGHT = 17
BELOW_CAPTION = 3
NOTE_HEIGHT = 20
TEXT_SIZE = 13
TITLE_SIZE = 20
MARK_SIZE = 9
HEADING_WIDTH = 280
ELLIPSIS = "…"


class Mark(Enum):
    """A sign of its own shape and colour, so that it is told apart without seeing colours."""

    dot = (30, 140, 75)
    triangle = (215, 130, 0)
    cross = WARNING
    loop = (40, 95, 165)
    ring = (125, 60, 150)
    bar = (120, 120, 130)
    frame = (0, 145, 160)


@dataclass(frozen=True)
class Caption:
    """A line below a picture: a text at its left end and another at its right end, each behind its mark."""

    left: str = ""
    right: str = ""
    mark: Mark | None = None
    right_mark: Mark | None = None
    color: Color = INK

    @property
    def width(self) -> int:
        """Return the pixels that it takes at least."""
        left, right = _marked_width(self.mark, self.left), _marked_width(self.right_mark, self.right)
        return left + right + (GAP if left and right else 0)


@dataclass(frozen=True)
class Note:
    """One item of the line below a title."""

    text: str
    mark: Mark | None = None


def enlarge(pictures: np.ndarray, factor: int) -> np.ndarray:
    """Make factor x factor pixels of every one of (count, height, width) or (count, height, width, 3)."""
    return pictures.repeat(factor, axis=1).repeat(factor, axis=2)


def corner(k: int, columns: int, height: int, width: int, line: int) -> tuple[int, int]:
    """Return the (top, left) pixel of picture k in a `grid`: it stands in row k // columns and column k % columns.

    Args:
        height, width: of every picture.
        line: pixels between two of them.
    """
    return line + k // columns * (height + line), line + k % columns * (width + line)


def grid(pictures: np.ndarray, columns: int, *, line: int, color: Color) -> np.ndarray:
    """Draw pictures row by row from the top, with lines between and around them; the rest is paper.

    Args:
        pictures: (count, height, width) or (count, height, width, 3) uint8.
        columns: pictures in a row.
        line: the thickness of the lines, in pixels.
        color: of the lines.
    Returns:
        (line + rows * (height + line), line + columns * (width + line), 3) uint8; fewer columns for fewer pictures.
    """
    pictures = rgb(pictures)
    count, height, width, _ = pictures.shape
    rows, used = math.ceil(count / columns), min(columns, count)
    sheet = np.full((line + rows * (height + line), line + used * (width + line), 3), PAPER, np.uint8)
    for k, picture in enumerate(pictures):
        top, left = corner(k, columns, height, width, line)
        sheet[top - line : top + height + line, left - line : left + width + line] = color
        sheet[top : top + height, left : left + width] = picture
    return sheet


def captioned_grid(pictures: np.ndarray, captions: Sequence[Sequence[Caption]], columns: int) -> np.ndarray:
    """Draw a `grid` on paper with lines of caption below every picture, GAP pixels apart: (height, width, 3) uint8.

    Args:
        pictures: (count, height, width) or (count, height, width, 3) uint8.
        captions: of every picture its lines.
        columns: pictures in a row.
    """
    (sheet,) = captioned_grids([pictures], captions, columns)
    return sheet


def captioned_grids(
    kinds: Sequence[np.ndarray], captions: Sequence[Sequence[Caption]], columns: int
) -> list[np.ndarray]:
    """Draw a `captioned_grid` of each of several kinds of the same pictures; the captions, which take long, once.

    Args:
        kinds: pictures of one shape, see `captioned_grid`.
        captions: of every picture its lines.
        columns: pictures in a row.
    """
    count, height, width = kinds[0].shape[:3]
    lines = max(map(len, captions))
    below = lines * LINE_HEIGHT + BELOW_CAPTION if lines else 0
    rows, used = math.ceil(count / columns), min(columns, count)
    size = (GAP + used * (width + GAP), GAP + rows * (height + below + GAP))
    page = Image.new("RGB", size, PAPER)
    corners = [corner(k, columns, height + below, width, GAP) for k in range(count)]
    for caption, (top, left) in zip(captions, corners, strict=True):
        draw_captions(page, caption, left, top + height, width)
    sheets = [np.array(page) for _ in kinds]
    for sheet, pictures in zip(sheets, kinds, strict=True):
        for picture, (top, left) in zip(pictures, corners, strict=True):
            sheet[top : top + height, left : left + width] = picture if picture.ndim == 3 else picture[..., None]
    return sheets


def with_heading(sheet: np.ndarray, title: str, notes: Sequence[Note] = ()) -> np.ndarray:
    """Draw the sheet below a title and notes, in as many lines as it takes; wider only if the sheet is narrow.

    Args:
        sheet: (height, width, 3) uint8.
    """
    least = max(
        [text_width(title, TITLE_SIZE), HEADING_WIDTH, *(_marked_width(note.mark, note.text) for note in notes)]
    )
    width = max(sheet.shape[1], least + 2 * GAP)
    lines = _lines(notes, width - 2 * GAP)
    top = MARGIN + TITLE_SIZE + GAP + NOTE_HEIGHT * len(lines)
    page = Image.new("RGB", (width, top + sheet.shape[0]), PAPER)
    page.paste(Image.fromarray(sheet), (0, top))
    draw_text(page, title, GAP, MARGIN + TITLE_SIZE // 2, size=TITLE_SIZE)
    for row, line in enumerate(lines):
        left, middle = GAP, MARGIN + TITLE_SIZE + GAP + NOTE_HEIGHT * row + NOTE_HEIGHT // 2
        for note in line:
            _draw_marked(page, note.mark, note.text, left, middle, FAINT_INK)
            left += _marked_width(note.mark, note.text) + 2 * GAP
    return np.asarray(page)


def rgb(pictures: np.ndarray) -> np.ndarray:
    """Return pictures as (count, height, width, 3), grey ones (count, height, width) too."""
    return pictures if pictures.ndim == 4 else np.repeat(pictures[..., None], 3, axis=-1)


def draw_text(
    page: Image.Image, text: str, x: float, y: float, *, size: int = TEXT_SIZE, color: Color = INK, anchor: str = "l"
) -> None:
    """Write in one line whose middle is at height y, x being its left end (anchor l) or right end (r)."""
    # the vertical anchor is the line's, not this text's, so that neighbours stand on one line
    ImageDraw.Draw(page).text((x, y), in_one_line(text), fill=color, font=font(size, text), anchor=f"{anchor}m")


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: int = TEXT_SIZE) -> int:
    """Return the pixels that a text takes in a line."""
    return math.ceil(font(size, text).getlength(in_one_line(text)))


def in_one_line(text: str) -> str:
    """Return a text with blanks for its line breaks, which no line can show."""
    return " ".join(text.splitlines())


def clipped(text: str, width: int, size: int = TEXT_SIZE) -> str:
    """Return a text that takes at most so many pixels in a line, its end an ellipsis where something is left out."""
    if text_width(text, size) <= width:
        return text
    text = in_one_line(text)
    length = bisect.bisect_left(
        range(len(text)), True, key=lambda k: text_width(f"{text[: k + 1]}{ELLIPSIS}", size) > width
    )
    return f"{text[:length].rstrip()}{ELLIPSIS}"


def font(size: int, text: str = "") -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font, or matplotlib's for a text with letters that the former lacks; neither needs a file."""
    return _font(size, english=text.replace(ELLIPSIS, "").isascii())


@functools.cache
def _font(size: int, *, english: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if english:
        return ImageFont.load_default(size=size)
    import matplotlib

    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size=size)


def draw_captions(page: Image.Image, captions: Sequence[Caption], left: int, top: int, width: int) -> None:
    """Write the lines of a caption into a column of this width.

    Args:
        left, top: the corner of the column, in pixels.
    """
    for row, caption in enumerate(captions):
        middle = top + row * LINE_HEIGHT + LINE_HEIGHT // 2 + 2
        right = left + width - _marked_width(caption.right_mark, caption.right)
        _draw_marked(page, caption.mark, caption.left, left, middle, caption.color)
        _draw_marked(page, caption.right_mark, caption.right, right, middle, caption.color)


def _draw_marked(page: Image.Image, mark: Mark | None, text: str, left: int, middle: int, color: Color) -> None:
    if mark is not None:
        _draw_mark(page, mark, left, middle)
    draw_text(page, text, left + _marked_width(mark, ""), middle, color=color)


def _marked_width(mark: Mark | None, text: str) -> int:
    return (0 if mark is None else MARK_SIZE + 5) + text_width(text)


def _lines(notes: Sequence[Note], width: int) -> list[list[Note]]:
    """Return the notes, as many in a line as fit."""
    lines: list[list[Note]] = []
    left = width
    for note in notes:
        needed = _marked_width(note.mark, note.text) + 2 * GAP
        if not lines or left < needed - 2 * GAP:
            lines.append([])
            left = width
        lines[-1].append(note)
        left -= needed
    return lines


def _draw_mark(page: Image.Image, mark: Mark, left: int, middle: int) -> None:
    page.paste(mark.value, (left, middle - MARK_SIZE // 2), _mark_shape(mark))


@functools.cache
def _mark_shape(mark: Mark) -> Image.Image:
    """Draw how much of each of MARK_SIZE x MARK_SIZE pixels the mark covers.

    Pillow draws without smoothing, so it is drawn larger and shrunk.
    """
    side = MARK_SIZE * 8
    shape = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(shape)
    match mark:
        case Mark.dot:
            draw.ellipse((4, 4, side - 5, side - 5), fill=255)
        case Mark.bar:
            draw.rectangle((4, side // 2 - 9, side - 5, side // 2 + 9), fill=255)
        case Mark.triangle:
            draw.polygon([(side // 2, 4), (side - 4, side - 6), (4, side - 6)], fill=255)
        case Mark.cross:
            draw.line((6, 6, side - 7, side - 7), fill=255, width=16)
            draw.line((6, side - 7, side - 7, 6), fill=255, width=16)
        case Mark.loop:
            draw.arc((6, 6, side - 7, side - 7), 60, 330, fill=255, width=11)
            draw.polygon([(side - 1, 2), (side - 1, 36), (side - 36, 30)], fill=255)
        case Mark.ring:
            draw.ellipse((4, 4, side - 5, side - 5), outline=255, width=13)
        case Mark.frame:
            draw.rectangle((3, 3, side - 4, side - 4), outline=255, width=13)
    return shape.resize((MARK_SIZE, MARK_SIZE), Image.Resampling.BOX)
