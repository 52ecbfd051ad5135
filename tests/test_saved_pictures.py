"""Pictures as files."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.drawing.pictures import Animation, save_pictures, size


def test_saved_pictures_read_back_equal(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = {
        "grey.png": rng.integers(0, 256, (5, 7), np.uint8),
        "below/deep/color.png": rng.integers(0, 256, (5, 7, 3), np.uint8),
    }
    save_pictures(pictures, tmp_path / "new")
    for name, picture in pictures.items():
        assert (np.asarray(Image.open(tmp_path / "new" / name)) == picture).all()


def test_a_saved_animation_shows_every_frame_as_long_as_it_should(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 5, 7), np.uint8)
    save_pictures({"below/moving.gif": Animation(frames, (100, 20, 1230))}, tmp_path)
    with Image.open(tmp_path / "below" / "moving.gif") as gif:
        assert gif.n_frames == 3
        for k, (frame, duration) in enumerate(zip(frames, (100, 20, 1230), strict=True)):
            gif.seek(k)
            assert gif.info["duration"] == duration
            assert (np.asarray(gif.convert("L")) == frame).all()


def test_every_byte_of_the_pictures_is_told_when_it_is_saved(tmp_path: Path) -> None:
    pictures = {
        "grey.png": np.zeros((5, 7), np.uint8),
        "color.png": np.zeros((5, 7, 3), np.uint8),
        "moving.webp": Animation(np.zeros((4, 5, 7), np.uint8), (100,) * 4),
    }
    told: list[int] = []
    save_pictures(pictures, tmp_path, on_saved=told.append)
    assert told == [35, 105, 140]
    assert size(pictures) == 280


def test_rendering_needs_no_tensorflow_and_no_pyplot() -> None:
    unwanted = {"tensorflow", "keras", "mlflow", "hydra", "matplotlib.pyplot"}
    drawn = ", ".join(f"pipeline.stages.{name}.pictures" for name in ("oip", "dream", "atlas"))
    check = f"import sys, {drawn}; print(*sorted({unwanted} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout == "\n"
