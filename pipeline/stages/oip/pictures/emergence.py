"""The patterns of a sweep as they emerge from noise, as an animation."""

import numpy as np
from PIL import Image

from pipeline.drawing.levels import stretched
from pipeline.drawing.pictures import Animation
from pipeline.drawing.sheets import GAP, PAPER, TITLE_SIZE, draw_text, enlarge, grid, text_width
from pipeline.stages.oip.pictures.contact_sheet import MAP_PICTURE_SIDE, columns_of, silent_dimmed
from pipeline.stages.oip.pictures.words import Words
from pipeline.stages.oip.result import OipSweepResult

# What keeps the file below 2 MB: noise does not get smaller by packing.
MAPS = 128
FRAMES = 10
GREY_LEVELS = 32
WIDTH = 16 * 56

LINE = 2
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
    width = max(text_width(title, HEADING_SIZE) for title in titles)
    frames = [_frame(result, title, stages[k][1], width) for title, k in zip(titles, shown, strict=True)]
    return Animation(np.stack(frames), (DURATION,) * (len(frames) - 1) + (LAST_DURATION,))


def in_grey_levels(levels: np.ndarray) -> np.ndarray:
    """Round levels 0..255 to GREY_LEVELS of them, evenly spaced; black and white stay what they are."""
    spacing = 255 / (GREY_LEVELS - 1)
    return np.rint(np.rint(levels / spacing) * spacing).astype(np.uint8)


def _frame(result: OipSweepResult, title: str, images: np.ndarray, width: int) -> np.ndarray:
    """Draw the pictures below a title, which has at least `width` pixels: (height, width) uint8."""
    levels = silent_dimmed(result, stretched(images[..., 0]))[:MAPS]
    columns = columns_of(len(levels))
    factor = max(1, min(MAP_PICTURE_SIDE, WIDTH // columns) // levels.shape[-1])
    sheet = grid(enlarge(levels, factor), columns, line=LINE, color=PAPER)
    size = (max(sheet.shape[1], width + 2 * GAP), HEADING_HEIGHT + sheet.shape[0])
    page = Image.new("RGB", size, PAPER)
    draw_text(page, title, GAP, HEADING_HEIGHT // 2, size=HEADING_SIZE)
    page.paste(Image.fromarray(sheet), (0, HEADING_HEIGHT))
    return in_grey_levels(np.asarray(page.convert("L")))
