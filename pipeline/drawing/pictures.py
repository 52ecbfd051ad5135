"""Named pictures, still or moving, and how they become files."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True, eq=False)
class Animation:
    """Pictures one after the other, again and again: frames (count, height, width) or (count, height, width, 3) uint8.

    durations: how long each is shown, in milliseconds; a GIF counts in tens of them.
    """

    frames: np.ndarray
    durations: tuple[int, ...]


@dataclass(frozen=True)
class Page:
    """A page of text, as UTF-8."""

    text: str


# Each may need a copy of a large photo for as long as it is written.
AT_A_TIME = 4

# relative path such as "maps/map_000.png" -> uint8 (height, width), grey, or (height, width, 3), RGB; a path that ends
# in .gif or .webp -> an animation; that ends in .html -> a page
Picture = np.ndarray | Animation | Page
Pictures = dict[str, Picture]


def size(pictures: Pictures) -> int:
    """Return the bytes of all pictures in memory."""
    return sum(_size(picture) for picture in pictures.values())


def save_pictures(pictures: Pictures, folder: Path, *, on_saved: Callable[[int], None] = lambda _: None) -> None:
    """Write every picture below `folder`, as PNG, GIF, WebP or HTML; folders are made if need be.

    The same pictures make the same bytes.

    Args:
        on_saved: called with the bytes, in memory, of every picture when it is saved; `size` of them in all.
    """
    for parent in {(folder / name).parent for name in pictures}:
        parent.mkdir(parents=True, exist_ok=True)
    # Pillow's encoders leave other threads their turn
    with ThreadPoolExecutor(AT_A_TIME) as executor:
        saving = [executor.submit(_save, picture, folder / name) for name, picture in pictures.items()]
        for picture, saved in zip(pictures.values(), saving, strict=True):
            try:
                saved.result()
            except BaseException:
                executor.shutdown(cancel_futures=True)
                raise
            on_saved(_size(picture))


def _save(picture: Picture, path: Path) -> None:
    if isinstance(picture, Animation):
        _save_animation(picture, path)
    elif isinstance(picture, Page):
        path.write_text(picture.text, encoding="utf-8")
    else:
        # level 3 takes half the time of the usual 6, for files of the same size
        Image.fromarray(picture).save(path, compress_level=3)


def _size(picture: Picture) -> int:
    if isinstance(picture, Page):
        return len(picture.text)
    return picture.frames.nbytes if isinstance(picture, Animation) else picture.nbytes


def _save_animation(animation: Animation, path: Path) -> None:
    first, *others = map(Image.fromarray, animation.frames)
    durations = list(animation.durations)
    options: dict[str, Any] = {"save_all": True, "append_images": others, "duration": durations, "loop": 0}
    if path.suffix == ".webp":
        # for photos, of which a GIF has too few colours and too many bytes; method: 0 is fast, 6 makes small files;
        # kmax=1: every frame is whole, as a change of few levels, as in a fade, would be put off to the next that is
        options |= {"quality": 80, "method": 2, "kmin": 0, "kmax": 1}
    first.save(path, **options)
