"""The pictures of a sweep: contact sheets, every map's pattern, its starts, how patterns emerged, the objective."""

import functools
from pathlib import Path

import numpy as np

from pipeline.core.probabilities import are_probabilities
from pipeline.drawing.levels import image_contrast, image_levels, is_standardized, words_of_channels
from pipeline.drawing.pictures import Pictures
from pipeline.drawing.sheets import enlarge
from pipeline.settings.choices import OipPictures
from pipeline.stages.oip.pictures.contact_sheet import MAP_PICTURE_SIDE, contact_sheets, side_by_side
from pipeline.stages.oip.pictures.emergence import emergence
from pipeline.stages.oip.pictures.objective import objective_curves
from pipeline.stages.oip.pictures.strips import evolution, starts
from pipeline.stages.oip.pictures.words import range_of_result, words_of
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.oip.settings import OipConfig


def render_oips(config: OipConfig, result: OipSweepResult, *, dense: bool = False) -> Pictures:
    """Draw contact_sheet.png, maps/map_INDEX.png and both in enhanced contrast; evolution, objective, emergence.

    The picture of the whole layer is maps/layer.png, that of a mix of maps maps/direction.png; with pictures=sheets
    there is none by itself. starts.png is there where every map had several starts.

    Args:
        dense: the layer is a dense one, whose units have no positions. (Of `Output` that is known.)
    """
    words = words_of(config, dense=dense, shares=are_probabilities(result.activation[:, None]))
    pixel_range = range_of_result(result)
    plainly = functools.partial(image_levels, pixel_range=pixel_range)
    in_contrast = functools.partial(image_contrast, contrast=config.contrast, pixel_range=pixel_range)
    kinds = {
        f"plain: {_words_of_levels(result)}": side_by_side(result, plainly),
        f"contrast enhanced: mean at {config.contrast.centre:g} of white, spread x {config.contrast.factor:g}": (
            side_by_side(result, in_contrast)
        ),
    }
    sheets = dict(
        zip(["contact_sheet.png", "contact_sheet_contrast.png"], contact_sheets(words, result, kinds), strict=True)
    )
    pictures: Pictures = {
        **sheets,
        "evolution.png": evolution(words, result),
        "emergence.gif": emergence(words, result),
        "objective.png": objective_curves(config, words, result),
    }
    if config.pictures is OipPictures.all:
        pictures |= dict(zip(result.files, _large(plainly(result.images)), strict=True))
        names = [f"maps_contrast/{Path(file).name}" for file in result.files]
        pictures |= dict(zip(names, _large(in_contrast(result.images)), strict=True))
    if result.all_images.shape[1] > 1:
        pictures["starts.png"] = starts(words, result)
    return pictures


def _large(levels: np.ndarray) -> np.ndarray:
    return enlarge(levels, max(1, MAP_PICTURE_SIDE // max(levels.shape[1:3])))


def _words_of_levels(result: OipSweepResult) -> str:
    channels, pixel_range = result.images.shape[-1], range_of_result(result)
    words = "black to white is smallest to largest value"
    if pixel_range is not None and not is_standardized(pixel_range):
        words = f"black to white is {pixel_range[0].min():g} to {pixel_range[1].max():g} for the CNN"
    return ", ".join(filter(None, (words, words_of_channels(channels))))
