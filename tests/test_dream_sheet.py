"""One photo dreamt in several ways: every dream is the one that `dream` makes by itself."""

from dataclasses import replace

import numpy as np
import pytest
from dream_settings import DREAM

from pipeline.core.colour import dreamt_grey_levels
from pipeline.settings.choices import Compare, DreamMethod, Objective
from pipeline.stages.dream.compute import dream
from pipeline.stages.dream.settings import CompareConfig
from pipeline.stages.dream_sheet.compute import dream_sheet

CARVING = replace(DREAM, map_indices=[3])
OCTAVES = replace(DREAM, method=DreamMethod.octaves, map_indices=[3], objective=Objective.l2)


def by(config, what, strengths=(0.5, 1.0)):
    return replace(config, compare=CompareConfig(by=what, strengths=list(strengths)))


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    y, x = np.mgrid[:50, :71]
    waves = np.stack([np.sin(x / 6), np.cos(y / 5), np.sin((x - y) / 7)], axis=-1)
    noise = np.random.default_rng(2).normal(0, 14, (50, 71, 3))
    return np.clip(125 + 70 * waves + noise, 0, 255).astype(np.uint8)


def same_as_alone(sheet, alone, model, photo):
    """Every dream of the sheet against the dream of its own settings."""
    assert len(sheet.pictures) == len(alone)
    for row, config in enumerate(alone):
        expected = dream(config, model, photo, seed=4)
        grey = dreamt_grey_levels(photo, expected.picture)
        # the same numbers may be rounded to the other grey level when they were computed in another batch
        assert np.abs(sheet.pictures[row].astype(int) - grey).max() <= 1
        assert sheet.begun[row] == pytest.approx(expected.objective[0, 0, 0], abs=1e-4)
        assert sheet.objective[row] == pytest.approx(expected.objective[-1, -1, -1], abs=1e-3)
    differences = np.abs(np.diff(sheet.pictures.astype(int), axis=0)).max(axis=(1, 2))
    assert (differences > 3).all()


@pytest.mark.slow
@pytest.mark.parametrize("config", [CARVING, OCTAVES], ids=["carving", "octaves"])
@pytest.mark.parametrize("asked", [None, [5, 0, -1]], ids=["all maps", "some, and the layer"])
def test_by_map(tiny_cnn, photo, config, asked, monkeypatch):
    # so that the six maps of octaves come in several batches
    monkeypatch.setattr("pipeline.stages.dream_sheet.compute.PIXELS_AT_A_TIME", 4 * 50 * 71)
    config = by(replace(config, map_indices=asked), Compare.maps)
    sheet = dream_sheet(config, tiny_cnn(), photo, seed=4)
    maps = [0, 1, 2, 3, 4, 5] if asked is None else asked
    assert sheet.steps.tolist() == maps
    same_as_alone(sheet, [replace(config, map_indices=[index]) for index in maps], tiny_cnn(), photo)
    if asked:
        assert sheet.names.tolist() == ["map 5", "map 0", "layer"]
        assert sheet.files == ["dreams/map_005.png", "dreams/map_000.png", "dreams/layer.png"]


def test_by_level_each_alone_and_then_all(tiny_cnn, photo):
    config = by(replace(CARVING, levels=[1, 2, 3], map_indices=[3, 0, 1], strength=[1.0, 0.5, 2.0]), Compare.levels)
    sheet = dream_sheet(config, tiny_cnn(), photo, seed=4)
    assert sheet.names.tolist() == ["1 per side", "2 per side", "3 per side", "levels 1, 2, 3"]
    assert sheet.files[-1] == "dreams/levels_1_2_3.png"
    settings = zip([1, 2, 3], [3, 0, 1], [1.0, 0.5, 2.0], strict=True)
    alone = [replace(config, levels=[n], map_indices=[m], strength=[s]) for n, m, s in settings]
    same_as_alone(sheet, [*alone, config], tiny_cnn(), photo)


def test_levels_that_occur_twice_have_files_of_their_own(tiny_cnn, photo):
    config = by(replace(CARVING, levels=[2, 1, 2], map_indices=[3, 0, 1], turns=1), Compare.levels)
    sheet = dream_sheet(config, tiny_cnn(), photo, seed=4)
    assert sheet.names.tolist()[:3] == ["2 per side, level 1", "1 per side", "2 per side, level 3"]
    assert len(set(sheet.files)) == 4
    assert sheet.files[0] == "dreams/2_per_side_level_1.png"


def test_by_octave_the_largest_the_largest_two_and_so_on(tiny_cnn, photo):
    config = by(replace(OCTAVES, octaves=replace(DREAM.octaves, count=3), strength=[2.0, 1.0, 0.5]), Compare.levels)
    sheet = dream_sheet(config, tiny_cnn(), photo, seed=4)
    assert sheet.names.tolist() == ["1 octave", "2 octaves", "3 octaves"]
    strengths = ([0.5], [1.0, 0.5], [2.0, 1.0, 0.5])
    alone = [replace(config, octaves=replace(config.octaves, count=len(s)), strength=s) for s in strengths]
    same_as_alone(sheet, alone, tiny_cnn(), photo)


@pytest.mark.parametrize("config", [CARVING, OCTAVES], ids=["carving", "octaves"])
def test_by_strength(tiny_cnn, photo, config):
    config = by(config, Compare.strengths, (0.0, 0.5, 2.0))
    sheet = dream_sheet(config, tiny_cnn(), photo, seed=4)
    assert sheet.names.tolist() == ["strength 0", "strength 0.5", "strength 2"]
    same_as_alone(sheet, [replace(config, strength=[s]) for s in (0.0, 0.5, 2.0)], tiny_cnn(), photo)


def test_a_mask_and_the_progress_hold_for_the_whole_sheet(tiny_cnn, photo):
    mask = np.zeros(photo.shape[:2], np.float32)
    mask[:, 40:] = 1
    told: list[tuple] = []
    config = by(replace(OCTAVES, map_indices=[0, 1]), Compare.maps)
    sheet = dream_sheet(config, tiny_cnn(), photo, seed=4, mask=mask, progress=lambda *place, **_: told.append(place))
    kept = dreamt_grey_levels(photo, _standardized_luma(photo))
    for picture in sheet.pictures:
        np.testing.assert_array_equal(picture[:, :40], kept[:, :40])
        assert np.abs(picture[:, 40:].astype(int) - kept[:, 40:]).max() > 10
    assert told[-1][0] == "dream_sheet"
    assert told[-1][1] == told[-1][2]


def _standardized_luma(photo: np.ndarray) -> np.ndarray:
    grey = photo.astype(np.float64) @ [0.299, 0.587, 0.114]
    return ((grey - grey.mean()) / grey.std()).astype(np.float32)
