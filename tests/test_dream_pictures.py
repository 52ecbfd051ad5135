"""What the pictures of a dream show: colours by hand, every round, and what becomes files."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dream_examples import chroma, dreamt, find, octaves_config, photo_of, shrunk, still
from dream_settings import DREAM

from pipeline.core.colour import luma, with_luma
from pipeline.drawing.levels import contrast_limit, enhanced, strong_contrast
from pipeline.drawing.sheets import PAPER, text_width
from pipeline.settings.choices import DreamMethod
from pipeline.settings.shared import ContrastConfig
from pipeline.stages.dream.pictures import (
    THUMBNAIL,
    even_columns,
    render_dream,
    round_names,
    thumbnail,
)
from pipeline.stages.dream.settings import DreamConfig

SIZES = [(9, 13), (31, 8), (33, 33)]


# the files


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("zoom", [0, 3])
@pytest.mark.parametrize("octaves", [False, True])
def test_the_files_are_the_dream_every_round_and_a_zoom_if_there_is_one(octaves: bool, zoom: int, color: bool) -> None:
    config = octaves_config() if octaves else DREAM
    pictures = render_dream(config, dreamt(photo_of(20, 30, color=color), octaves=octaves, zoom=zoom))
    carved = [f"levels/turn_{turn}_level_{level}.png" for turn in (1, 2) for level in (1, 2)]
    assert sorted(pictures) == sorted(
        [
            *["photo.png", "dream.png", "dream_soft.png", "dream_strong.png", "before_after.png"],
            *["frames.png", "objective.png", "growing.webp"],
            *(["octaves/octave_1.png", "octaves/octave_2.png"] if octaves else carved),
            *(["zoom.webp"] if zoom else []),
        ]
    )


# the dream


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("shape", SIZES)
def test_the_photo_is_kept_bit_for_bit(shape: tuple[int, int], color: bool) -> None:
    photo = photo_of(*shape, color=color)
    assert np.array_equal(still(render_dream(DREAM, dreamt(photo))["photo.png"]), photo)


def test_grey_levels_between_two_are_rounded_and_those_beyond_the_ends_clipped() -> None:
    # the luma of a colour photo, which is what is dreamt into where color=false
    photo = np.array([[0.4, 76.245], [149.685, 255.0001]], np.float32)
    assert still(render_dream(DREAM, dreamt(photo))["photo.png"]).tolist() == [[0, 76], [150, 255]]


def test_a_dream_has_the_luma_mean_plus_spread_times_picture_and_the_chroma_of_the_photo() -> None:
    # luma of the grey pixels 80 and 120, of (110, 100, 60) 0.299 * 110 + 58.7 + 6.84 = 98.43 and of (90, 100, 140)
    # 26.91 + 58.7 + 15.96 = 101.57: mean 100, spread sqrt((400 + 400 + 1.57^2 + 1.57^2) / 4) = 14.1856
    photo = np.array([[[80, 80, 80], [120, 120, 120]], [[110, 100, 60], [90, 100, 140]]], np.uint8)
    picture = np.array([[0, -2], [1, 3]], np.float32)
    # wanted luma 100, 71.629, 114.186, 142.557: each channel moves by 20, -48.371, 15.756, 40.987
    expected = [[[100, 100, 100], [72, 72, 72]], [[126, 116, 76], [131, 141, 181]]]
    result = replace(dreamt(photo), picture=picture)
    assert still(render_dream(DREAM, result)["dream.png"]).tolist() == expected


def test_a_grey_dream_is_mean_plus_spread_times_picture() -> None:
    # mean 100, spread 20; 3 * 20 + 100 = 160, -6 * 20 + 100 < 0, 9 * 20 + 100 > 255
    result = replace(
        dreamt(np.array([[80, 120], [120, 80]], np.uint8)), picture=np.array([[3, 0.26], [-6, 9]], np.float32)
    )
    assert still(render_dream(DREAM, result)["dream.png"]).tolist() == [[160, 105], [0, 255]]


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("shape", SIZES)
def test_a_dream_of_the_photo_itself_is_the_photo_bit_for_bit(shape: tuple[int, int], color: bool) -> None:
    photo = photo_of(*shape, color=color)
    grey = luma(photo).astype(np.float64)
    standardized = ((grey - grey.mean()) / grey.std()).astype(np.float32)
    pictures = render_dream(DREAM, replace(dreamt(photo), picture=standardized))
    assert np.array_equal(still(pictures["dream.png"]), photo)


@pytest.mark.parametrize("color", [True, False])
def test_the_soft_and_the_strong_contrast_are_those_of_the_dream_and_of_the_photo(color: bool) -> None:
    # chroma differs by at most 4, so that nothing of it is clipped at levels 4 to 251
    photo = photo_of(9, 13, color=color, low=100, high=105)
    result = dreamt(photo)
    config = replace(DREAM, contrast=ContrastConfig(centre=0.4, factor=0.3))
    pictures = render_dream(config, result)
    grey = luma(photo).astype(np.float64)
    soft = enhanced(result.picture, config.contrast)
    strong = strong_contrast(result.picture, contrast_limit((grey - grey.mean()) / grey.std()))
    for name, wanted in (("dream_soft.png", soft), ("dream_strong.png", strong)):
        picture = still(pictures[name])
        inside = (wanted > 4) & (wanted < 251)
        assert inside.any()
        np.testing.assert_allclose(luma(picture)[inside], wanted[inside], atol=0.51)
        if color:
            assert np.array_equal(chroma(picture)[inside], chroma(photo)[inside])
        assert np.array_equal(picture, with_luma(photo, wanted))


def test_the_strong_contrast_by_hand() -> None:
    # standardized -1 and 1: s = 1; 1.1 * 0.5 = 0.55 -> 255 * (0.55 + 0.85) / 1.7 = 210, -0.25 -> 86.25
    result = replace(
        dreamt(np.array([[80, 120], [120, 80]], np.uint8)), picture=np.array([[0.5, -0.25], [-1, 1]], np.float32)
    )
    assert still(render_dream(DREAM, result)["dream_strong.png"]).tolist() == [[210, 86], [0, 255]]


@pytest.mark.parametrize("color", [True, False])
def test_an_even_photo_has_pictures_too(color: bool) -> None:
    photo = np.full((12, 10, 3) if color else (12, 10), 90, np.uint8)
    pictures = render_dream(DREAM, replace(dreamt(photo), picture=np.zeros((12, 10), np.float32)))
    assert (still(pictures["dream.png"]) == 90).all()
    # there is no contrast to set
    assert (still(pictures["dream_soft.png"]) == 90).all()
    assert (still(pictures["dream_strong.png"]) == 90).all()


# before and after, and every round


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize(
    ("shape", "frame_shape"), [((60, 90), (60, 90)), ((120, 180), (40, 60)), ((301, 60), (151, 30))]
)
def test_before_stands_left_of_after_both_of_the_size_of_the_frames(
    shape: tuple[int, int], frame_shape: tuple[int, int], color: bool
) -> None:
    pictures = render_dream(DREAM, dreamt(photo_of(*shape, color=color), frame_shape=frame_shape))
    both = still(pictures["before_after.png"])
    before, after = (shrunk(still(pictures[name]), *frame_shape) for name in ("photo.png", "dream.png"))
    assert find(both, before) == [(8, 8)]
    ((top, left),) = find(both, after)
    assert top == 8
    assert left >= 8 + frame_shape[1] + 8
    for start, word in ((8, "photo"), (left, "dream")):
        below = both[8 + frame_shape[0] :]
        assert below[:, start : start + text_width(word)].min() < 100
        assert (below[:, start + text_width(word) + 1 : start + text_width(word) + 6] == PAPER).all(), "words run on"


@pytest.mark.parametrize("octaves", [False, True])
@pytest.mark.parametrize(("shape", "frame_shape"), [((33, 47), (33, 47)), ((99, 141), (33, 47))])
def test_every_round_has_its_own_luma_and_the_chroma_of_the_photo_in_its_size(
    shape: tuple[int, int], frame_shape: tuple[int, int], octaves: bool
) -> None:
    photo = photo_of(*shape, low=110, high=146)
    result = dreamt(photo, rounds=3, frame_shape=frame_shape, octaves=octaves)
    # so that no channel is clipped
    result = replace(result, frames=np.clip(result.frames, 50, 200))
    pictures = render_dream(octaves_config(3) if octaves else replace(DREAM, levels=[1, 2, 3], map_indices=[0]), result)
    names = [name for name in pictures if "/" in name]
    assert len(names) == len(result.frames) == (3 if octaves else 6)
    for name, frame in zip(names, result.frames, strict=True):
        picture = still(pictures[name])
        np.testing.assert_allclose(luma(picture), frame, atol=0.51)
        assert np.array_equal(chroma(picture), chroma(shrunk(photo, *frame_shape)))
    if not octaves:
        assert names[1] == "levels/turn_1_level_2.png"
        assert names[5] == "levels/turn_2_level_3.png"


def test_every_round_of_a_grey_photo_is_its_frame() -> None:
    result = dreamt(photo_of(40, 60, color=False), frame_shape=(20, 30))
    pictures = render_dream(DREAM, result)
    for name, frame in zip(result.frame_files, result.frames, strict=True):
        assert np.array_equal(still(pictures[name]), frame)


def test_the_overview_shows_a_turn_in_a_row() -> None:
    result = dreamt(photo_of(40, 300), rounds=3, turns=2)
    pictures = render_dream(replace(DREAM, levels=[1, 2, 3], map_indices=[0]), result)
    sheet = still(pictures["frames.png"])
    width, height = thumbnail((40, 300), THUMBNAIL)
    places = [find(sheet, shrunk(still(pictures[name]), height, width)) for name in result.frame_files]
    assert all(len(found) == 1 for found in places)
    tops, lefts = np.array(places)[:, 0].T
    assert len(set(tops[:3])) == len(set(tops[3:])) == 1
    assert tops[3] > tops[0]
    assert lefts[:3].tolist() == sorted(set(lefts[:3])) == lefts[3:].tolist()


@pytest.mark.parametrize(
    ("config", "rounds"),
    [
        (replace(DREAM, levels=[1], map_indices=[3]), 1),
        (replace(DREAM, levels=[1, 2, 3, 4, 5, 6, 7, 8], map_indices=[3]), 8),
        (replace(DREAM, levels=[1, 2], tiles=[[0], list(range(16))]), 2),
        (octaves_config(30, 1.1, map_indices=[1, 2, 3, 4, 5]), 30),
        (octaves_config(1), 1),
    ],
)
@pytest.mark.parametrize("shape", [(10, 200), (200, 10), (64, 48)])
def test_overview_and_objective_differ_with_the_data(config: DreamConfig, rounds: int, shape: tuple[int, int]) -> None:
    octaves = config.method is DreamMethod.octaves
    result = dreamt(photo_of(*shape), rounds=rounds, octaves=octaves)
    first = render_dream(config, result)
    again = render_dream(config, result)
    other = render_dream(
        config, replace(result, frames=255 - result.frames, objective=result.objective[..., ::-1].copy())
    )
    for name in ("frames.png", "objective.png"):
        assert np.array_equal(still(first[name]), still(again[name]))
        assert not np.array_equal(still(first[name]), still(other[name]))


@pytest.mark.parametrize("rounds", [1, 8, 9, 30])
def test_every_line_of_the_objective_is_seen_whatever_their_number(rounds: int) -> None:
    config, result = octaves_config(rounds, 1.1), dreamt(photo_of(8, 8), rounds=rounds, octaves=True)
    result = replace(result, objective=np.arange(rounds)[None, :, None] + np.zeros((1, rounds, 40), np.float32))
    chart = still(render_dream(config, result)["objective.png"])
    dark = chart.min(axis=-1) < 190
    axis = int(np.flatnonzero(dark.sum(axis=1) > chart.shape[1] // 2)[-1])
    # where the legend does not reach
    lines = np.flatnonzero(np.diff(dark[: axis - 1, int(0.93 * chart.shape[1])].astype(int)) == 1)
    assert len(lines) == rounds
    assert rounds == 1 or np.ptp(lines) > 0.5 * chart.shape[0], "the legend leaves the lines no room"


def test_a_single_step_is_seen() -> None:
    result = dreamt(photo_of(8, 8), steps=1)
    chart = still(render_dream(DREAM, replace(result, objective=np.ones((2, 2, 1), np.float32)))["objective.png"])
    colorful = np.ptp(chart.astype(int), axis=-1) > 60
    # below the legend
    assert colorful[100:].sum() > 50


@pytest.mark.parametrize("width", [9, 60])
def test_captions_below_narrow_pictures_do_not_run_into_each_other(width: int) -> None:
    config = replace(DREAM, levels=[1, 2], tiles=[[0], [0, 1, 2, 3]], map_indices=[33])
    sheet = still(render_dream(config, dreamt(photo_of(150, width), rounds=2))["frames.png"])
    longest = text_width("1/2 of the shorter side")
    # every second column begins behind the longest line of the first
    inked = (sheet[-80:-8] != PAPER).any(axis=(0, 2))
    assert not inked[8 + longest + 1 : 8 + longest + 6].any()
    assert inked[8 + longest + 8 :].any()
    assert (sheet[:, -7:] == PAPER).all(), "nothing is cut off"


# names


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"map_indices": [33]}, ["the shorter side, map 33", "1/2 of the shorter side, map 33"]),
        ({"map_indices": [56, 3]}, ["the shorter side, map 56", "1/2 of the shorter side, map 3"]),
        ({"map_indices": [-1]}, ["the shorter side, whole layer", "1/2 of the shorter side, whole layer"]),
        ({"map_indices": [5, -1]}, ["the shorter side, map 5", "1/2 of the shorter side, whole layer"]),
        (
            {"map_indices": None, "auto_maps": 1},
            ["the shorter side, each tile its own map", "1/2 of the shorter side, each tile its own map"],
        ),
        (
            {"map_indices": [5, 6, 7], "auto_maps": 3},
            ["the shorter side, each tile its own 3 maps", "1/2 of the shorter side, each tile its own 3 maps"],
        ),
        (
            {"tile_maps": [[7], [9, 2, 9, 4]]},
            ["the shorter side, map 7", "1/2 of the shorter side, maps 2, 4, 9"],
        ),
        (
            {"tile_maps": [[7], [5, 4, 3, 2, 1, 0]]},
            ["the shorter side, map 7", "1/2 of the shorter side, maps 0, 1, 2, 3 .."],
        ),
        (
            {"map_indices": [8], "tiles": [[0], [3, 1]]},
            ["the shorter side, tile 0, map 8", "1/2 of the shorter side, tiles 3, 1, map 8"],
        ),
        (
            {"map_indices": [8], "tiles": [[0], [0, 1, 2, 3, 4, 5]]},
            ["the shorter side, tile 0, map 8", "1/2 of the shorter side, tiles 0, 1, 2, 3 .., map 8"],
        ),
        (
            {"auto_maps": 1, "tiles": [[0], [3]]},
            [
                "the shorter side, tile 0, each tile its own map",
                "1/2 of the shorter side, tile 3, each tile its own map",
            ],
        ),
    ],
)
def test_levels_are_named_by_size_tiles_and_maps(changes: dict[str, Any], names: list[str]) -> None:
    assert round_names(replace(DREAM, **changes)) == names


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (octaves_config(1), ["full size, whole layer"]),
        (octaves_config(map_indices=None), ["1/1.5 of the size, whole layer", "full size, whole layer"]),
        (octaves_config(map_indices=[4]), ["1/1.5 of the size, map 4", "full size, map 4"]),
        (octaves_config(map_indices=[4, 9]), ["1/1.5 of the size, maps 4, 9", "full size, maps 4, 9"]),
        (
            octaves_config(3, map_indices=[5, 4, 3, 2, 1]),
            [f"{size}, maps 5, 4, 3, 2 .." for size in ("1/2.25 of the size", "1/1.5 of the size", "full size")],
        ),
        (
            octaves_config(3, 2.0, map_indices=[1]),
            ["1/4 of the size, map 1", "1/2 of the size, map 1", "full size, map 1"],
        ),
    ],
)
def test_octaves_are_named_by_size_and_all_their_maps(config: DreamConfig, names: list[str]) -> None:
    assert round_names(config) == names


def test_rows_are_even() -> None:
    # cells of 92 pixels and 8 between: 4 in a row of 400
    assert [even_columns(count, 92, 400) for count in (1, 3, 4, 5, 6, 9)] == [1, 3, 4, 3, 3, 3]
    assert even_columns(7, 5000, 400) == 1


def test_a_thumbnail_is_never_larger_than_the_picture_and_not_too_narrow_to_be_seen() -> None:
    assert thumbnail((400, 600), 240) == (240, 160)
    assert thumbnail((40, 60), 240) == (60, 40)
    # 12 pixels would be too few
    assert thumbnail((2000, 100), 240) == (32, 640)
    # three times as long, but no longer
    assert thumbnail((100, 10000), 240) == (720, 7)
