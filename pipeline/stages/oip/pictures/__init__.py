"""The pictures of a sweep: contact sheets, every map's pattern, its starts, how patterns emerged, the objective."""

import functools
from pathlib import Path

import numpy as np

from pipeline.drawing.levels import enhanced, stretched
from pipeline.drawing.pictures import Pictures
from pipeline.drawing.sheets import enlarge
from pipeline.stages.oip.pictures.contact_sheet import MAP_PICTURE_SIDE, contact_sheets, side_by_side
from pipeline.stages.oip.pictures.emergence import emergence
from pipeline.stages.oip.pictures.objective import objective_curves
from pipeline.stages.oip.pictures.strips import evolution, starts
from pipeline.stages.oip.pictures.words import words_of
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.oip.settings import OipConfig


def render_oips(config: OipConfig, result: OipSweepResult, *, dense: bool = False) -> Pictures:
    """Draw contact_sheet.png, maps/map_INDEX.png and both in enhanced contrast; evolution, objective, emergence.

    The picture of the whole layer is maps/layer.png, that of a mix of maps maps/direction.png. starts.png is there
    where every map had several starts.

    Args:
        dense: the layer is a dense one, whose units have no positions. (Of `Output` that is known.)
    """
    words = words_of(config, dense=dense)
    plain = stretched(result.images[..., 0])
    contrast = enhanced(result.images[..., 0], config.contrast)
    in_contrast = f"contrast enhanced: mean at {config.contrast.centre:g} of white, spread x {config.contrast.factor:g}"
    kinds = {
        "plain: black to white is smallest to largest value": side_by_side(result, stretched),
        in_contrast: side_by_side(result, functools.partial(enhanced, contrast=config.contrast)),
    }
    sheets = dict(
        zip(["contact_sheet.png", "contact_sheet_contrast.png"], contact_sheets(words, result, kinds), strict=True)
    )
    pictures: Pictures = {
        **sheets,
        "evolution.png": evolution(words, result),
        "emergence.gif": emergence(words, result),
        "objective.png": objective_curves(config, words, result),
        **dict(zip(result.files, _large(plain), strict=True)),
        **dict(zip([f"maps_contrast/{Path(file).name}" for file in result.files], _large(contrast), strict=True)),
    }
    if result.all_images.shape[1] > 1:
        pictures["starts.png"] = starts(words, result)
    return pictures


def _large(levels: np.ndarray) -> np.ndarray:
    return enlarge(levels, max(1, MAP_PICTURE_SIDE // levels.shape[-1]))
