"""The patterns of a sweep as they emerge from noise, as an animation."""

import math

import numpy as np
from PIL import Image

from pipeline.drawing.layout import fitted
from pipeline.drawing.levels import image_levels
from pipeline.drawing.pictures import Animation
from pipeline.drawing.sheets import GAP, PAPER, TITLE_SIZE, draw_text, text_width
from pipeline.stages.oip.pictures.contact_sheet import MAP_PICTURE_SIDE, columns_of, silent_dimmed
from pipeline.stages.oip.pictures.words import Words, range_of_result
from pipeline.stages.oip.result import OipSweepResult

# What keeps the file below 2 MB, as far as it can: noise does not get smaller by packing. PIXELS: of all maps in a
# frame, which are made smaller above it.
MAPS, PIXELS = 128, 400_000
FRAMES = 10
GREY_LEVELS = 32
WIDTH = 16 * 56

LINE, WHITE = 2, 255
HEADING_SIZE = TITLE_SIZE - 4
HEADING_HEIGHT = HEADING_SIZE + 2 * GAP
DURATION, LAST_DURATION = 400, 2000


def emergence(words: Words, result: OipSweepResult) -> Animation:
    """Draw the start images, the snapshots (at steps that double) and the final images of the first MAPS maps.

    Of many snapshots FRAMES - 2 are shown.
    """
    last = len(result.objective) - 1
    # the snapshot of the last step is the final image
    pairs = zip(result.snapshot_steps.tolist(), result.snapshots, strict=True)
    snapshots = [(f"step {step}", images) for step, images in pairs if step < last]
    stages = [("start", result.start_images), *snapshots, (f"step {last}, the last", result.images)]
    shown = np.linspace(0, len(stages) - 1, min(FRAMES, len(stages))).round().astype(int)
    titles = [f"{words.place}: {stages[k][0]}" for k in shown]
    levels = [silent_dimmed(result, image_levels(stages[k][1], range_of_result(result)))[:MAPS] for k in shown]
    count, height, width = levels[0].shape[:3]
    side = math.floor(max(height, width) * min(math.sqrt(PIXELS / (count * height * width)), 1))
    sheets = in_grey_levels(_sheets(np.stack([fitted(each, max(side, 1)) for each in levels])))
    width = max(text_width(title, HEADING_SIZE) for title in titles)
    frames = [_titled(title, sheet, width) for title, sheet in zip(titles, sheets, strict=True)]
    return Animation(np.stack(frames), (DURATION,) * (len(frames) - 1) + (LAST_DURATION,))


def in_grey_levels(levels: np.ndarray) -> np.ndarray:
    """Round levels 0..255 to GREY_LEVELS of them, evenly spaced; black and white stay what they are."""
    spacing = WHITE / (GREY_LEVELS - 1)
    # of each level once
    return np.rint(np.rint(np.arange(WHITE + 1) / spacing) * spacing).astype(np.uint8)[levels]


def _sheets(levels: np.ndarray) -> np.ndarray:
    """Put the pictures of every frame on a sheet, with lines of paper between them and around.

    Args:
        levels: (frames, maps, height, width) or (frames, maps, height, width, 3) uint8.
    Returns:
        (frames, height, width) or (frames, height, width, 3) uint8.
    """
    frames, count, *sides = levels.shape[:4]
    colours = levels.shape[4:]
    columns = columns_of(count)
    factor = max(1, min(MAP_PICTURE_SIDE, WIDTH // columns) // max(sides))
    rows, (high, wide) = -(-count // columns), (factor * side + LINE for side in sides)
    cells = np.full((frames, rows * columns, high, wide, *colours), WHITE, np.uint8)
    cells[:, :count, LINE:, LINE:] = levels.repeat(factor, axis=2).repeat(factor, axis=3)
    in_rows = cells.reshape(frames, rows, columns, high, wide, *colours).swapaxes(2, 3)
    sheets = in_rows.reshape(frames, rows * high, columns * wide, *colours)
    return np.pad(sheets, [(0, 0), (0, LINE), (0, LINE)] + [(0, 0)] * len(colours), constant_values=WHITE)


def _titled(title: str, sheet: np.ndarray, width: int) -> np.ndarray:
    """Put a sheet below a title, which has at least `width` pixels: (height, width) or (height, width, 3) uint8."""
    strip = Image.new("RGB", (max(sheet.shape[1], width + 2 * GAP), HEADING_HEIGHT), PAPER)
    draw_text(strip, title, GAP, HEADING_HEIGHT // 2, size=HEADING_SIZE)
    right = strip.width - sheet.shape[1]
    heading = in_grey_levels(np.asarray(strip.convert("L") if sheet.ndim == 2 else strip))
    wide = np.pad(sheet, [(0, 0), (0, right)] + [(0, 0)] * (sheet.ndim - 2), constant_values=WHITE)
    return np.vstack([heading, wide])
