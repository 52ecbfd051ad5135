"""What the pictures of a dream show: colours by hand, every round, how it grew, sheets, and what becomes files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dream_settings import DREAM
from PIL import Image

from pipeline.core.colour import dreamt_grey_levels, luma, with_luma
from pipeline.drawing.levels import contrast_limit, enhanced, strong_contrast
from pipeline.drawing.pictures import Animation, save_pictures
from pipeline.drawing.sheets import PAPER, Caption, Note, captioned_grid, text_width, with_heading
from pipeline.settings.choices import Compare, DreamMethod
from pipeline.settings.shared import ContrastConfig
from pipeline.stages.dream.pictures import (
    BETWEEN,
    EACH,
    FIRST,
    GROWING_SIZE,
    LAST,
    THUMBNAIL,
    ZOOM_EACH,
    even_columns,
    render_dream,
    round_names,
    thumbnail,
)
from pipeline.stages.dream.result import DreamResult
from pipeline.stages.dream.settings import DreamConfig
from pipeline.stages.dream_sheet.pictures import render_dream_sheet
from pipeline.stages.dream_sheet.result import DreamSheetResult

SIZES = [(9, 13), (31, 8), (33, 33)]


def octaves_config(count: int = 2, scale: float = 1.5, **changes: Any) -> DreamConfig:
    changes = {"map_indices": [-1]} | changes
    return replace(
        DREAM, method=DreamMethod.octaves, octaves=replace(DREAM.octaves, count=count, scale=scale), **changes
    )


def photo_of(height: int, width: int, *, color: bool = True, low: int = 0, high: int = 256) -> np.ndarray:
    shape = (height, width, 3) if color else (height, width)
    return np.random.default_rng(0).integers(low, high, shape, np.uint8)


def dreamt(
    photo: np.ndarray,
    *,
    rounds: int = 2,
    turns: int = 2,
    steps: int = 4,
    frame_shape: tuple[int, int] | None = None,
    octaves: bool = False,
    zoom: int = 0,
) -> DreamResult:
    """A result as a dream into the photo could leave it, of no particular content."""
    rng = np.random.default_rng(1)
    shape = (photo.shape[0], photo.shape[1])
    turns = 1 if octaves else turns
    return DreamResult(
        photo=photo,
        picture=rng.normal(size=shape).astype(np.float32),
        frames=rng.integers(0, 256, (turns * rounds, *(frame_shape or shape)), np.uint8),
        objective=np.sort(rng.normal(size=(turns, rounds, steps)).astype(np.float32)),
        tile_maps=np.zeros((0, 0) if octaves else (5, 1), np.int64),
        zoom=rng.integers(0, 256, (zoom, 12, 16, *photo.shape[2:]), np.uint8),
    )


def chroma(photo: np.ndarray) -> np.ndarray:
    """The differences of the channels, which a change of luma leaves."""
    return np.diff(photo.astype(int), axis=-1)


def shrunk(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def still(picture: np.ndarray | Animation) -> np.ndarray:
    assert isinstance(picture, np.ndarray)
    return picture


def moving(picture: np.ndarray | Animation) -> Animation:
    assert isinstance(picture, Animation)
    return picture


def as_rgb(picture: np.ndarray) -> np.ndarray:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=-1)


def find(sheet: np.ndarray, picture: np.ndarray) -> list[tuple[int, int]]:
    """Every (top, left) where these pixels stand on the sheet."""
    height, width = picture.shape[:2]
    pixels, wanted = (as_rgb(array).astype(np.int64) @ (1, 256, 65536) for array in (sheet, picture))
    rows, columns = np.nonzero(pixels[: len(pixels) - height + 1, : pixels.shape[1] - width + 1] == wanted[0, 0])
    for y, x in [(0, width - 1), (height - 1, 0), (height - 1, width - 1), (height // 2, width // 2)]:
        same = pixels[rows + y, columns + x] == wanted[y, x]
        rows, columns = rows[same], columns[same]
    corners = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(y, x) for y, x in corners if np.array_equal(pixels[y : y + height, x : x + width], wanted)]


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


# how it grew


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("octaves", [False, True])
def test_growing_leads_from_the_photo_over_every_round_to_the_last(octaves: bool, color: bool) -> None:
    photo = photo_of(40, 60, color=color)
    result = dreamt(photo, rounds=2, frame_shape=(20, 30), octaves=octaves)
    pictures = render_dream(octaves_config() if octaves else DREAM, result)
    growing = moving(pictures["growing.webp"])
    count = 1 + len(result.frames) * BETWEEN
    assert len(growing.frames) == len(growing.durations) == count
    assert growing.durations == (FIRST, *[EACH] * (count - 2), LAST)
    stops = [shrunk(photo, 20, 30), *(still(pictures[name]) for name in result.frame_files)]
    assert np.array_equal(growing.frames[::BETWEEN], np.stack(stops))
    for k in range(len(stops) - 1):
        before, after = stops[k].astype(float), stops[k + 1].astype(float)
        for step in range(1, BETWEEN):
            share = step / BETWEEN
            between = growing.frames[k * BETWEEN + step]
            np.testing.assert_allclose(between, before * (1 - share) + after * share, atol=0.51)


@pytest.mark.parametrize(
    ("shape", "grown"),
    [
        ((GROWING_SIZE, 24), (GROWING_SIZE, 24)),
        ((2 * GROWING_SIZE, 500), (GROWING_SIZE, 250)),
        ((30, 3 * GROWING_SIZE), (10, GROWING_SIZE)),
        ((1, 3000), (1, GROWING_SIZE)),
        ((17, 19), (17, 19)),
    ],
)
def test_growing_has_a_longer_side_of_at_most_so_many_pixels(shape: tuple[int, int], grown: tuple[int, int]) -> None:
    result = dreamt(photo_of(*shape), rounds=1, turns=1)
    growing = moving(render_dream(replace(DREAM, levels=[1], turns=1, map_indices=[0]), result)["growing.webp"])
    assert growing.frames.shape[1:3] == grown
    assert np.array_equal(growing.frames[0], shrunk(result.photo, *grown))


@pytest.mark.parametrize("color", [True, False])
def test_the_zoom_is_that_of_the_dream(color: bool) -> None:
    result = dreamt(photo_of(20, 30, color=color), zoom=5)
    zoom = moving(render_dream(DREAM, result)["zoom.webp"])
    assert np.array_equal(zoom.frames, result.zoom)
    assert zoom.durations == (ZOOM_EACH,) * 5


# animations as files


def saved(animation: Animation, path: Path) -> tuple[np.ndarray, list[int], int]:
    """The frames as RGB as a viewer shows them, how long each, and how often they are shown, 0 being for ever."""
    save_pictures({path.name: animation}, path.parent)
    frames, durations = [], []
    with Image.open(path) as picture:
        for k in range(getattr(picture, "n_frames", 1)):
            picture.seek(k)
            frames.append(np.asarray(picture.convert("RGB")))
            durations.append(int(picture.info["duration"]))
        return np.stack(frames), durations, picture.info["loop"]


def soft_pictures(count: int, *, color: bool) -> np.ndarray:
    """Waves of few levels that wander, each frame by little."""
    y, x = np.mgrid[:45, :61]
    waves = np.stack([np.sin((x + 2 * y) / 9 + k / 4) for k in range(count)])
    return np.rint(np.stack([120 + 60 * waves] * 3, axis=-1) if color else 120 + 60 * waves).astype(np.uint8)


@pytest.mark.parametrize("color", [True, False])
def test_a_webp_shows_every_frame_as_long_as_it_should_for_ever(color: bool, tmp_path: Path) -> None:
    frames = soft_pictures(5, color=color)
    shown, durations, loop = saved(Animation(frames, (800, 90, 60, 130, 2000)), tmp_path / "below" / "moving.webp")
    assert durations == [800, 90, 60, 130, 2000]
    assert loop == 0
    assert shown.shape == (5, 45, 61, 3)
    for frame, picture in zip(frames, shown, strict=True):
        # lossy, in 16 x 16 blocks and with colours of half the size: a level or two of soft pictures
        assert np.abs(as_rgb(frame).astype(int) - picture).mean() < 2.5


def test_frames_of_a_webp_that_differ_by_few_levels_are_not_held_back(tmp_path: Path) -> None:
    # a fade by 2 levels a frame beside what blinks: WebP may take it for no change where it stores but what has changed
    frames = np.full((9, 32, 64, 3), 100, np.uint8) + (2 * np.arange(9, dtype=np.uint8))[:, None, None, None]
    frames[::2, :, 32:], frames[1::2, :, 32:] = 0, 255
    shown, durations, _ = saved(Animation(frames, (90,) * 9), tmp_path / "fade.webp")
    assert durations == [90] * 9
    np.testing.assert_allclose(shown[:, :, :32].mean(axis=(1, 2, 3)), 100 + 2 * np.arange(9), atol=1)


def test_a_frame_that_is_the_same_as_the_one_before_is_shown_on(tmp_path: Path) -> None:
    frames = soft_pictures(2, color=True)[[0, 0, 1]]
    shown, durations, _ = saved(Animation(frames, (800, 90, 2000)), tmp_path / "same.webp")
    assert len(shown) == 2
    assert durations == [890, 2000]


@pytest.mark.parametrize("color", [True, False])
def test_an_animation_of_one_frame_can_be_read(color: bool, tmp_path: Path) -> None:
    save_pictures({"one.webp": Animation(soft_pictures(1, color=color), (60,))}, tmp_path)
    with Image.open(tmp_path / "one.webp") as picture:
        shown = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(shown - as_rgb(soft_pictures(1, color=color)[0])).mean() < 2.5


@pytest.mark.parametrize("color", [True, False])
def test_the_same_animation_makes_the_same_bytes(color: bool, tmp_path: Path) -> None:
    result = dreamt(photo_of(40, 60, color=color), zoom=3)
    for folder in ("a", "b"):
        save_pictures(render_dream(DREAM, result), tmp_path / folder)
    for name in ("growing.webp", "zoom.webp", "frames.png", "objective.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.slow
def test_growing_of_a_large_photo_of_noise_and_many_rounds_has_few_bytes(tmp_path: Path) -> None:
    # nothing packs worse than noise: 49 frames of 480 x 480 took 5.3 million bytes, a real dream of 480 x 320 took 0.8
    result = dreamt(photo_of(1024, 1024), rounds=3, turns=4)
    pictures = render_dream(replace(DREAM, levels=[1, 2, 4], turns=4, map_indices=[0]), result)
    save_pictures({"growing.webp": pictures["growing.webp"]}, tmp_path)
    assert 1e5 < (tmp_path / "growing.webp").stat().st_size < 10e6


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


# dream sheets


def sheet_of(
    photo: np.ndarray, dreams: int, *, names: list[str] | None = None, objective: np.ndarray | None = None
) -> DreamSheetResult:
    rng = np.random.default_rng(2)
    # darker from one to the next, none alike
    low = np.linspace(60, 180, dreams).astype(int)[::-1, None, None]
    return DreamSheetResult(
        photo=photo,
        names=np.array([f"map {k}" for k in range(dreams)] if names is None else names),
        steps=np.arange(dreams),
        pictures=(low + rng.integers(0, 16, (dreams, *photo.shape[:2]))).astype(np.uint8),
        begun=np.zeros(dreams, np.float32),
        objective=np.linspace(0.5, 9, dreams, dtype=np.float32) if objective is None else objective,
    )


@pytest.mark.parametrize("color", [True, False])
def test_every_dream_of_a_sheet_stands_by_itself_in_the_colours_of_the_photo(color: bool) -> None:
    photo = photo_of(21, 34, color=color, low=120, high=150)
    result = sheet_of(photo, 3, names=["map 7", "layer", "map 12"])
    result = replace(result, steps=np.array([7, -1, 12]))
    pictures = render_dream_sheet(DREAM, result)
    assert list(pictures) == [
        *["photo.png", "contact_sheet.png"],
        *["dreams/map_007.png", "dreams/layer.png", "dreams/map_012.png"],
    ]
    assert np.array_equal(still(pictures["photo.png"]), photo)
    for name, grey in zip(result.files, result.pictures, strict=True):
        picture = still(pictures[name])
        np.testing.assert_allclose(luma(picture), grey, atol=0.51)
        if color:
            assert np.array_equal(chroma(picture), chroma(photo))


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize(
    ("shape", "dreams"),
    [
        *[((24, 40), dreams) for dreams in (1, 2, 13, 128)],
        *[(shape, dreams) for shape in ((21, 420), (420, 21)) for dreams in (1, 13, 40)],
    ],
)
def test_the_photo_is_first_on_the_sheet_then_the_dreams_in_their_order(
    shape: tuple[int, int], dreams: int, color: bool
) -> None:
    result = sheet_of(photo_of(*shape, color=color), dreams)
    pictures = render_dream_sheet(DREAM, result)
    sheet = still(pictures["contact_sheet.png"])
    whole = [still(pictures[name]) for name in ("photo.png", *result.files)]
    for longest in (320, 240, 160):
        width, height = thumbnail(shape, longest)
        if find(sheet, shrunk(whole[0], height, width)):
            break
    places = [find(sheet, shrunk(picture, height, width)) for picture in whole]
    assert all(len(found) == 1 for found in places)
    order = [found[0] for found in places]
    assert order == sorted(order), "row by row"
    assert order[0][1] == 8
    assert sheet.shape[1] < 2100
    for top, left in order:
        caption = sheet[top + height : top + height + 20, left : left + 30]
        assert caption.min() < 100, "every picture has a caption"


def below(captions: list[Caption], width: int, *, lines: int = 1) -> np.ndarray:
    """The pixels of a caption as they should stand below a picture of this width."""
    captions = captions + [Caption()] * (lines - len(captions))
    return captioned_grid(np.zeros((1, 1, width), np.uint8), [captions], 1)[8 + 1 : -8, 8:-8]


def captions_of(config: DreamConfig, result: DreamSheetResult) -> np.ndarray:
    return still(render_dream_sheet(config, result)["contact_sheet.png"])


def test_the_caption_of_a_dream_is_its_name_and_the_objective_at_the_end() -> None:
    photo = np.full((60, 150, 3), 128, np.uint8)
    result = sheet_of(photo, 2, objective=np.array([5.449, 0.0032], np.float32))
    result = replace(result, pictures=np.full((2, 60, 150), 128, np.uint8))
    sheet = captions_of(DREAM, result)
    for k, (name, end) in enumerate([("photo", ""), ("map 0", "5.45"), ("map 1", "0.0032")]):
        expected = below([Caption(name, end)], 150)
        left = 8 + 158 * k
        assert np.array_equal(sheet[-8 - 20 : -8, left : left + 150], expected)


def test_a_name_that_does_not_fit_has_its_objective_below_it() -> None:
    photo = np.full((60, 40), 128, np.uint8)
    names = ["level 1", "levels 1, 2, 4, 8, 16"]
    result = sheet_of(photo, 2, names=names, objective=np.array([5.449, 12345.0], np.float32))
    sheet = captions_of(replace(DREAM, compare=replace(DREAM.compare, by=Compare.levels)), result)
    width = text_width(names[1])
    for k, texts in enumerate([["photo"], [names[0], "5.45"], [names[1], "12345"]]):
        left = 8 + (width + 8) * k
        expected = below([Caption(text) for text in texts], width, lines=2)
        assert np.array_equal(sheet[-8 - 37 : -8, left : left + width], expected)


@pytest.mark.parametrize(
    ("by", "title"),
    [
        (Compare.maps, "The same photo, by map"),
        (Compare.levels, "The same photo, by level"),
        (Compare.strengths, "The same photo, by strength"),
    ],
)
def test_the_title_says_what_differs(by: Compare, title: str) -> None:
    result = sheet_of(photo_of(60, 150), 3, names=["a", "b", "c"])
    sheet = captions_of(replace(DREAM, compare=replace(DREAM.compare, by=by)), result)
    note = Note("carving towards pre_activation of Conv2D_2; below each dream its objective at the end")
    heading = with_heading(np.full((1, sheet.shape[1], 3), 255, np.uint8), title, [note])[:-1]
    assert np.array_equal(sheet[: len(heading)], heading)


def test_the_sheet_says_by_which_method() -> None:
    result = sheet_of(photo_of(60, 150), 3)
    assert not np.array_equal(captions_of(DREAM, result), captions_of(octaves_config(), result))


def test_a_sheet_of_the_same_dreams_with_other_objectives_differs_in_its_captions_alone() -> None:
    result = sheet_of(photo_of(60, 150), 2)
    first, second = captions_of(DREAM, result), captions_of(DREAM, replace(result, objective=result.objective + 1))
    rows = np.flatnonzero((first != second).any(axis=(1, 2)))
    assert len(rows)
    assert rows[0] >= first.shape[0] - 8 - 20


def test_grey_levels_of_a_sheet_are_those_that_a_dream_has() -> None:
    # what the stage keeps of a dream, seen from here: the two ways to the same picture agree to a level
    photo, picture = photo_of(21, 34, low=90, high=160), dreamt(photo_of(21, 34)).picture * 0.5
    dream = still(render_dream(DREAM, replace(dreamt(photo), picture=picture))["dream.png"])
    result = replace(sheet_of(photo, 1), pictures=dreamt_grey_levels(photo, picture)[None])
    other = still(render_dream_sheet(DREAM, result)["dreams/map_000.png"])
    assert np.abs(dream.astype(int) - other).max() <= 1
