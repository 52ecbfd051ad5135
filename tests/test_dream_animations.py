"""How a dream grew, and animations as files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dream_examples import as_rgb, dreamt, moving, octaves_config, photo_of, shrunk, still
from dream_settings import DREAM
from PIL import Image

from pipeline.drawing.pictures import Animation, save_pictures
from pipeline.stages.dream.pictures import (
    BETWEEN,
    EACH,
    FIRST,
    GROWING_SIZE,
    LAST,
    ZOOM_EACH,
    render_dream,
)

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
