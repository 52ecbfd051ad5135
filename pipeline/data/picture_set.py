"""Data sets that are folders of picture files."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.core.preprocessing import Preprocessing
from pipeline.data.dataset import Dataset
from pipeline.data.finished import finished
from pipeline.data.images import Pixels, StoredPixels, is_large
from pipeline.data.listing import Listing, pictures_in
from pipeline.data.names import chosen_names, clean, in_given_order
from pipeline.data.numbers import BYTE, Numbers
from pipeline.data.picture_files import read_pictures
from pipeline.data.pixels import stored
from pipeline.data.preprocessing import batches
from pipeline.data.refusal import refused
from pipeline.runtime.errors import InputError
from pipeline.runtime.progress import Progress
from pipeline.settings.data import DataConfig


def load_picture_set(
    config: DataConfig,
    size: tuple[int, int],
    channels: int,
    preprocessing: Preprocessing,
    cache: Path | None,
    progress: Progress,
) -> Dataset:
    """Load a folder of pictures, see `load_dataset`. What is read is kept as bytes of the CNN's size and channels."""
    assert config.path is not None
    path = Path(config.path)
    if channels not in (1, 3):
        raise refused(path, f"pictures of {channels} channels, as the CNN takes them", "with colours, which are 3")
    listing = pictures_in(path, share=config.test_share, seed=config.seed)
    if listing.labels is not None:
        (first, second), ordered = in_given_order(listing.labels, listing.class_names, config.class_names)
        listing = replace(listing, labels=(first, second), class_names=ordered)
    names = _names(config, listing)
    train, test = listing.train[: config.limit], listing.test[: config.limit]
    shape = (len(train) + len(test), *size, channels)

    def parts() -> Iterator[np.ndarray]:
        return read_pictures([*train, *test], size, channels, config.fit, progress)

    # other files may have the same names, sizes and even times, as archives set them
    files = [(one.name, one.size, one.changed, one.state_changed) for one in (*train, *test)]
    place = str(path.expanduser().resolve())
    key = hashlib.sha256(json.dumps([place, files, shape, config.fit]).encode()).hexdigest()
    rows = [slice(0, len(train)), slice(len(train), shape[0])]
    pixels: list[Pixels]
    if cache is None and not is_large([shape]):
        read = np.concatenate(list(parts()))
        pixels = [read[part] for part in rows]
    else:
        file = stored(cache, key, shape, parts)
        pixels = [StoredPixels(file, part, (part.stop - part.start, *shape[1:])) for part in rows]
    digest = _digest(pixels)
    labels = None if listing.labels is None else [part[: config.limit] for part in listing.labels]
    shown = None if labels is None else [part.tolist() for part in labels]
    return finished(
        pixels,
        labels,
        name=clean(path.expanduser().resolve().name) or config.name,
        content=[digest, len(train), shown],
        class_names=names,
        preprocessing=preprocessing,
        numbers=Numbers(0, BYTE, BYTE, int(np.prod(shape[1:])), path),
    )


def _names(config: DataConfig, listing: Listing) -> tuple[str, ...]:
    """Return the names of the classes: those of the settings, else those of folders and labels."""
    if listing.labels is None:
        if config.class_names is not None:
            takes = "null for a folder that does not say what its pictures show"
            raise InputError.at("data.class_names", takes=takes, got=", ".join(config.class_names))
        return ()
    least = max(int(part.max()) for part in listing.labels) + 1
    return chosen_names(config.class_names, listing.class_names, least, is_open=not listing.class_names)


def _digest(pixels: list[Pixels]) -> str:
    """Return the SHA-256 of all bytes, read a part at a time."""
    digest = hashlib.sha256()
    for part in pixels:
        for rows in batches(len(part), 4096):
            digest.update(part[rows].tobytes())
    return digest.hexdigest()
