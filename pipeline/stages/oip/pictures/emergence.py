"""The patterns of a sweep as they emerge from noise, as an animation."""

import numpy as np
from PIL import Image

from pipeline.drawing.levels import stretched
from pipeline.drawing.pictures import Animation
from pipeline.drawing.sheets import GAP, PAPER, TITLE_SIZE, draw_text, text_width
from pipeline.stages.oip.pictures.contact_sheet import MAP_PICTURE_SIDE, columns_of, silent_dimmed
from pipeline.stages.oip.pictures.words import Words
from pipeline.stages.oip.result import OipSweepResult

# What keeps the file below 2 MB: noise does not get smaller by packing.
MAPS = 128
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
    levels = [silent_dimmed(result, stretched(stages[k][1][..., 0]))[:MAPS] for k in shown]
    sheets = in_grey_levels(_sheets(np.stack(levels)))
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
        levels: (frames, maps, size, size) uint8.
    Returns:
        (frames, height, width) uint8.
    """
    frames, count, side, _ = levels.shape
    columns = columns_of(count)
    factor = max(1, min(MAP_PICTURE_SIDE, WIDTH // columns) // side)
    rows, cell = -(-count // columns), factor * side + LINE
    cells = np.full((frames, rows * columns, cell, cell), WHITE, np.uint8)
    cells[:, :count, LINE:, LINE:] = levels.repeat(factor, axis=2).repeat(factor, axis=3)
    sheets = cells.reshape(frames, rows, columns, cell, cell).swapaxes(2, 3).reshape(frames, rows * cell, -1)
    return np.pad(sheets, ((0, 0), (0, LINE), (0, LINE)), constant_values=WHITE)


def _titled(title: str, sheet: np.ndarray, width: int) -> np.ndarray:
    """Put a sheet below a title, which has at least `width` pixels: (height, width) uint8."""
    strip = Image.new("RGB", (max(sheet.shape[1], width + 2 * GAP), HEADING_HEIGHT), PAPER)
    draw_text(strip, title, GAP, HEADING_HEIGHT // 2, size=HEADING_SIZE)
    right = strip.width - sheet.shape[1]
    return np.vstack(
        [in_grey_levels(np.asarray(strip.convert("L"))), np.pad(sheet, ((0, 0), (0, right)), constant_values=WHITE)]
    )
