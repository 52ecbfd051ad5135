"""The files of an atlas: the page, and the dreams of all maps on one sheet."""

from collections.abc import Sequence

import numpy as np

from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.drawing.layout import resized, thumbnail
from pipeline.drawing.pictures import Page, Pictures
from pipeline.drawing.sheets import Caption, Note, captioned_grid, with_heading
from pipeline.stages.atlas.page import About, render_atlas
from pipeline.stages.atlas.result import AtlasResult
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.statistics.result import MapStatistics

# Of a dream on the sheet, in pixels; in a row.
LONGEST, COLUMNS = 112, 12


def render_atlas_files(
    about: About,
    oips: OipSweepResult,
    statistics: MapStatistics,
    atlas: AtlasResult,
    images: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    *,
    preprocessing: Preprocessing = STANDARDIZED,
) -> Pictures:
    """Make atlas.html, and dreams.png where there are dreams; the arguments are those of `render_atlas`."""
    page = Page(render_atlas(about, oips, statistics, atlas, images, labels, class_names, preprocessing=preprocessing))
    return {"atlas.html": page, **({"dreams.png": _dreams(atlas)} if len(atlas.dreams) else {})}


def _dreams(atlas: AtlasResult) -> np.ndarray:
    size = thumbnail((atlas.photo.shape[0], atlas.photo.shape[1]), LONGEST)
    dreams = np.stack([resized(atlas.dream(row), size) for row in range(len(atlas.dreams))])
    captions = [[Caption(f"map {index}")] for index in atlas.map_indices.tolist()]
    note = Note("octaves; the photo was made small")
    return with_heading(captioned_grid(dreams, captions, COLUMNS), f"Dreams towards the maps of {atlas.layer}", [note])
