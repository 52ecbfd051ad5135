"""What arrays of images and labels are, however their axes and numbers are arranged."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.data.refusal import refused

# Channels that a picture usually has.
USUAL = (1, 3)
RARE = (2, 4)
# Whole labels up to this are indices of classes; a larger one is something else, such as a year or an id.
MOST_CLASSES = 30_000
# Of a text that is told, in letters.
LONGEST = 60


def as_pictures(x: np.ndarray, part: str, path: Path | None, channels: int) -> np.ndarray:
    """Return a view (count, height, width, channels) of images.

    The channels are the last axis, or the second where only that has as many as pictures have.

    Args:
        x: (count, height, width), (count, height, width, channels) or (count, channels, height, width).
        part: train or test, for the message.
        channels: what the CNN takes, which is plausible too.
    Raises:
        InputError: none of these, no number, or no pixel at all.
    """
    takes = f"images x_{part} (count, height, width), grey, or (count, height, width, channels), one at least"
    if x.ndim not in (3, 4) or x.size == 0:
        raise refused(path, takes, f"with {x.shape}")
    if x.dtype.kind not in "buif":
        raise refused(path, "images of finite numbers", f"with x_{part} of {x.dtype}")
    if x.dtype.kind == "f" and not _all_finite(x):
        raise refused(path, "images of finite numbers", f"with x_{part} of {x.dtype}, some of them not finite")
    if x.ndim == 3:
        return x[..., None]
    for plausible in ((*USUAL, channels), RARE):
        if x.shape[-1] in plausible:
            return x
        if x.shape[1] in plausible:
            return np.moveaxis(x, 1, -1)
    if x.shape[-1] < min(x.shape[1:3]):
        return x
    if x.shape[1] < min(x.shape[2:]):
        return np.moveaxis(x, 1, -1)
    raise refused(path, takes, f"with {x.shape}")


def _all_finite(x: np.ndarray) -> bool:
    """Tell whether there is neither infinity nor NaN, a part at a time: the answers for all would be large."""
    return all(np.isfinite(x[start : start + 4096]).all() for start in range(0, len(x), 4096))


def as_labels(
    labels: Sequence[np.ndarray], counts: Sequence[int], names: Sequence[str], path: Path | None
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Return the labels of both parts as indices of classes, and the names that they have themselves.

    Args:
        labels: of the training and of the test images: whole numbers from 0 on, also as floats or truth values, as a
            column or one-hot rows; or texts, which are names, or whole numbers.
        counts: how many images there are.
        names: of the classes, where it is known which there are.
    Returns:
        (count,) int64 each; the sorted names of text labels if no names are known, else ().
    Raises:
        InputError: something else, or a label that no class has.
    """
    parts = ("train", "test")
    flat = [_flat(y, part, count, path) for y, part, count in zip(labels, parts, counts, strict=True)]
    is_text = [y.dtype.kind in "SU" for y in flat]
    if any(is_text):
        if not all(is_text):
            raise refused(path, "labels that are texts, or none of them", f"with {flat[0].dtype} and {flat[1].dtype}")
        texts = [np.char.decode(y, "utf-8", "replace") if y.dtype.kind == "S" else y for y in flat]
        if not all(_are_numbers(y) for y in texts):
            return _named(texts, names, path)
        flat = [y.astype(np.int64) for y in texts]
    indices = [_indices(y, part, len(names), path) for y, part in zip(flat, parts, strict=True)]
    return indices, ()


def _flat(y: np.ndarray, part: str, count: int, path: Path | None) -> np.ndarray:
    """Return labels as one axis."""
    if y.dtype.kind not in "buifSU":
        raise refused(path, f"labels y_{part} of whole numbers or texts", f"with {y.dtype}")
    if y.size == count and count > 0:
        return y.reshape(-1)
    if y.ndim == 2 and len(y) == count and y.dtype.kind in "buif":
        if not (((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()):
            raise refused(path, f"labels y_{part} (count,), or one-hot rows", f"with {y.shape} that are not one-hot")
        return y.argmax(axis=1)
    raise refused(path, f"a label y_{part} for each of the {count} images", f"with {y.shape}")


def _are_numbers(y: np.ndarray) -> bool:
    """Tell whether all texts are whole numbers."""
    # further digits, such as those of other scripts, and endless ones are names
    return all(text.isascii() and text.isdigit() and len(text) < 10 for text in map(str, np.unique(y)))


def _named(
    texts: Sequence[np.ndarray], names: Sequence[str], path: Path | None
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    found = sorted({str(text) for y in texts for text in np.unique(y)})
    known = list(names) or found
    unknown = [name for name in found if name not in known]
    if unknown:
        raise refused(path, f"labels out of {', '.join(known)}", f"with {unknown[0][:LONGEST]!r}")
    index = {name: place for place, name in enumerate(known)}
    indices = [np.array([index[str(text)] for text in y], np.int64) for y in texts]
    return indices, () if names else tuple(found)


def _indices(y: np.ndarray, part: str, classes: int, path: Path | None) -> np.ndarray:
    """Return whole numbers as int64."""
    if classes:
        takes = f"whole labels y_{part} from 0 to {classes - 1}, or their names"
    else:
        takes = f"whole labels y_{part} from 0 to {MOST_CLASSES - 1}, or texts"
    # a NaN is none of all this
    is_label = np.ones(len(y), bool) if y.dtype.kind == "b" else (y >= 0) & (y < (classes or MOST_CLASSES))
    if y.dtype.kind == "f":
        is_label &= np.rint(y) == y
    if not is_label.all():
        raise refused(
            path, takes, f"with {y[~is_label][0]} among {y.dtype}, {np.fmin.reduce(y)} to {np.fmax.reduce(y)}"
        )
    return y.astype(np.int64)
