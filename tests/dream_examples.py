"""Dreams to be drawn, out of seeded numbers, and where something stands in a picture."""

from dataclasses import replace
from typing import Any

import numpy as np
from dream_settings import DREAM
from PIL import Image

from pipeline.drawing.pictures import Animation
from pipeline.settings.choices import DreamMethod
from pipeline.stages.dream.result import DreamResult
from pipeline.stages.dream.settings import DreamConfig


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
