"""The pictures of a photo dreamt in several ways: all on one sheet, and each by itself."""

import numpy as np

from pipeline.core.colour import in_channels, rounded, with_luma
from pipeline.drawing.layout import captioned, cell_width, even_columns, resized, thumbnail
from pipeline.drawing.pictures import Pictures
from pipeline.drawing.sheets import Caption, Note, with_heading
from pipeline.settings.choices import Compare
from pipeline.stages.dream.settings import DreamConfig
from pipeline.stages.dream_sheet.result import DreamSheetResult
from pipeline.stages.oip.pictures.words import in_few_digits

# The longer side of a picture and the pixels in a row, at most: the first of these that make no more rows than that,
# or else the last.
LAYOUTS, ROWS = ((320, 1320), (320, 2032), (240, 2032), (160, 2032)), 4


def render_dream_sheet(config: DreamConfig, result: DreamSheetResult) -> Pictures:
    """Draw photo.png, contact_sheet.png and dreams/NAME.png, each in full size."""
    photo = rounded(result.photo)
    if result.pictures.ndim == 4:
        photo = in_channels(photo, 3).astype(np.uint8)
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
    ends = [in_few_digits(last) for last in result.objective.tolist()]
    in_one_line = [[Caption("photo")], *([Caption(name, end)] for name, end in zip(names, ends, strict=True))]
    in_two_lines = [[Caption("photo")], *([Caption(name), Caption(end)] for name, end in zip(names, ends, strict=True))]
    for longest, row in LAYOUTS:
        size = thumbnail((photo.shape[0], photo.shape[1]), longest)
        captions = in_one_line if cell_width(size[0], in_one_line) == size[0] else in_two_lines
        columns = even_columns(len(captions), cell_width(size[0], captions), row)
        if len(captions) <= ROWS * columns:
            break
    small = np.stack([resized(picture, size) for picture in (photo, *dreams)])
    what = {Compare.maps: "map", Compare.levels: "level", Compare.strengths: "strength"}[config.compare.by]
    title = f"The same photo, by {what}"
    towards = f"{config.method.value} towards {config.objective.value} of {config.layer}"
    note = Note(f"{towards}; below each dream its objective at the end")
    return with_heading(captioned(small, captions, columns), title, [note])
