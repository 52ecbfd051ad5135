"""The pictures of a photo dreamt in several ways: all on one sheet, and each by itself."""

import numpy as np
from PIL import Image

from pipeline.config import Compare, DreamConfig
from pipeline.core.colour import with_luma
from pipeline.core.geometry import within
from pipeline.rendering.pictures import Pictures
from pipeline.rendering.sheets import Caption, Note, captioned_grid, with_heading
from pipeline.results import DreamSheetResult

# Of a picture on the sheet, the longer side: of many, and of few.
SMALL, LARGE, FEW = 160, 320, 12


def render_dream_sheet(config: DreamConfig, result: DreamSheetResult) -> Pictures:
    """photo.png, contact_sheet.png and dreams/NAME.png, each in full size."""
    photo = np.clip(np.rint(result.photo), 0, 255).astype(np.uint8)
    dreams = [with_luma(photo, grey) for grey in result.pictures]
    names = result.names.tolist()
    return {
        "photo.png": photo,
        "contact_sheet.png": _contact_sheet(config, result, photo, dreams, names),
        **dict(zip(result.files, dreams, strict=True)),
    }


def _contact_sheet(
    config: DreamConfig, result: DreamSheetResult, photo: np.ndarray, dreams: list[np.ndarray], names: list[str]
) -> np.ndarray:
    few = len(dreams) < FEW
    height, width = within((photo.shape[0], photo.shape[1]), LARGE if few else SMALL)
    shown = [photo, *dreams]
    small = np.stack([np.asarray(Image.fromarray(p).resize((width, height), Image.Resampling.LANCZOS)) for p in shown])
    captions = [[Caption("photo")]]
    captions += [[Caption(name, f"{last:.2f}")] for name, last in zip(names, result.objective.tolist(), strict=True)]
    what = {Compare.maps: "map", Compare.levels: "level", Compare.strengths: "strength"}[config.compare.by]
    title = f"The same photo, by {what}"
    towards = f"{config.method.value} towards {config.objective.value} of {config.layer}"
    note = Note(f"{towards}; below each dream its objective at the end")
    return with_heading(captioned_grid(small, captions, min(4, len(shown)) if few else 12), title, [note])
