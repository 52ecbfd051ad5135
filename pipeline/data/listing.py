"""Which pictures lie in a folder, and what their places say of them."""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from pipeline.data.files import existing, folders_below
from pipeline.data.labels_file import LABELS, read_labels
from pipeline.data.layouts import as_labels
from pipeline.data.refusal import refused
from pipeline.data.splitting import chosen_for_testing
from pipeline.runtime.errors import why

TAKES = "a folder of pictures: a folder by class, or all in one; with folders train and test, or without"
TRAIN, TEST = ("train", "training"), ("test", "testing", "val", "valid", "validation")
# Files that systems leave in folders; hidden ones, such as .DS_Store, are passed over anyway.
_NO_PICTURES = ("thumbs.db", "desktop.ini", "__macosx")
# What Pillow reads, by the ending of the name, but no pictures of pixels: it would ask other programs for them.
_NO_PIXELS = ("BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF")
# What a file of another ending may be all the same.
_COMMON = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")


@dataclass(frozen=True)
class Found:
    """A picture: its file, its path from the folder of the data on, its size in bytes, and when (ns) it was
    last written to, and its content, name or rights were last changed, which nobody can set."""

    file: str
    name: str
    size: int
    changed: int
    state_changed: int

    def below(self, folder: str) -> str:
        """Return its path from a folder in that of the data on."""
        return self.name.removeprefix(f"{folder}/")


@dataclass(frozen=True)
class Listing:
    """The pictures for training and for testing, in turns of the classes.

    labels: of both, None where nothing says what they show. class_names: of folders or texts, () where there are none.
    """

    train: list[Found]
    test: list[Found]
    labels: tuple[np.ndarray, np.ndarray] | None
    class_names: tuple[str, ...]


def pictures_in(path: Path, *, share: float, seed: int) -> Listing:
    """Return which pictures there are, without a look into them.

    Args:
        path: the folder.
        share, seed: see `chosen_for_testing`, where no folders say it.
    Raises:
        InputError: there are no pictures, or it is not clear what they show.
    """
    path = existing(path, TAKES)
    if not path.is_dir():
        raise refused(path, TAKES, "which is a file; data=npz takes files of arrays")
    try:
        found = sorted(_files(path), key=lambda one: one.name)
    except OSError as error:
        raise refused(path, TAKES, f"({why(error)})") from error
    if not found:
        raise refused(path, TAKES, "without a picture that Pillow reads")
    parts = _parts(found)
    if parts is None:
        only = _only_part(found)
        labels, names = _labels(path, [(only, found)])
        return _split(path, found, labels, names, share, seed)
    (_, train), (_, test) = parts
    labels, names = _labels(path, list(parts))
    if labels is None:
        return Listing(train, test, None, ())
    train_turns, test_turns = (_in_turns(of_part) for of_part in labels)
    return Listing(
        [train[place] for place in train_turns],
        [test[place] for place in test_turns],
        (labels[0][train_turns], labels[1][test_turns]),
        names,
    )


def _split(
    path: Path, found: list[Found], labels: Sequence[np.ndarray] | None, names: tuple[str, ...], share: float, seed: int
) -> Listing:
    if len(found) < 2:
        raise refused(path, "a folder with two pictures at least, one of them to test with", f"with {found[0].name}")
    of_all = np.zeros(len(found), np.int64) if labels is None else labels[0]
    for_testing = chosen_for_testing(of_all, share, seed)
    rows = [np.flatnonzero(~for_testing), np.flatnonzero(for_testing)]
    train, test = (part[_in_turns(of_all[part])] for part in rows)
    known = None if labels is None else (of_all[train], of_all[test])
    return Listing([found[place] for place in train], [found[place] for place in test], known, names)


def _in_turns(labels: np.ndarray) -> np.ndarray:
    """Return the order in which the classes take turns, so that the first images are of all of them."""
    turns = np.zeros(len(labels), int)
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        turns[of_class] = np.arange(len(of_class))
    return np.lexsort((labels, turns))


def _parts(found: list[Found]) -> tuple[tuple[str, list[Found]], tuple[str, list[Found]]] | None:
    """Return the folders for training and for testing with their pictures; None if there are not both."""
    by_folder: dict[str, list[Found]] = {}
    for one in found:
        folder, _, inside = one.name.partition("/")
        if inside:
            by_folder.setdefault(folder, []).append(one)
    chosen = []
    for words in (TRAIN, TEST):
        named = [folder for word in words for folder in by_folder if folder.lower() == word]
        chosen += [(folder, by_folder[folder]) for folder in named[:1]]
    return (chosen[0], chosen[1]) if len(chosen) == 2 else None


def _only_part(found: list[Found]) -> str:
    """Return the one folder for training or testing in which all pictures lie; "" if it is none."""
    folders = {one.name.partition("/")[0] for one in found if "/" in one.name}
    (only,) = folders if len(folders) == 1 else ("",)
    is_all = all(one.name.startswith(f"{only}/") for one in found)
    return only if is_all and only.lower() in (*TRAIN, *TEST) else ""


def _labels(path: Path, parts: list[tuple[str, list[Found]]]) -> tuple[list[np.ndarray] | None, tuple[str, ...]]:
    """Return the labels of the pictures of each part, and the names of the classes if they have some.

    Args:
        parts: the folder of each, "" for that of the data, and its pictures.
    """
    table = path / LABELS
    tables = [path / folder / LABELS for folder, _ in parts]
    if table.is_file() and "" not in [folder for folder, _ in parts]:
        every = [one for _, of_part in parts for one in of_part]
        texts = read_labels(table, [one.name for one in every])
        ends = np.cumsum([len(of_part) for _, of_part in parts])[:-1]
        return _indices(np.split(texts, ends), parts, table)
    if any(one.is_file() for one in tables):
        found = [
            read_labels(one, [picture.below(folder) for picture in of_part])
            for one, (folder, of_part) in zip(tables, parts, strict=True)
        ]
        return _indices(found, parts, tables[0])
    folders = [[one.below(folder).rpartition("/")[0].partition("/")[0] for one in of_part] for folder, of_part in parts]
    without = sum(not name for names in folders for name in names)
    filled = {name for names in folders for name in names}
    empty = {name for folder, _ in parts for name in _empty_folders(path / folder) if name not in filled}
    names = tuple(sorted(filled | empty))
    if without == sum(map(len, folders)):
        return None, ()
    if without:
        takes = "pictures in folders by class, or all in one folder, not both"
        raise refused(path, takes, f"with {without} beside the folders {', '.join(sorted(filled - {''})[:3])}")
    index = {name: place for place, name in enumerate(names)}
    return [np.array([index[name] for name in names], np.int64) for names in folders], names


def _empty_folders(path: Path) -> list[str]:
    """Return the names of folders without any file, of classes that have no picture: other classes keep their place."""
    inside = [one for one in path.iterdir() if one.is_dir() and _may_be(one.name)]
    return [one.name for one in inside if not any(_may_be(file.name) and file.is_file() for file in one.rglob("*"))]


def _indices(
    texts: Sequence[np.ndarray], parts: list[tuple[str, list[Found]]], table: Path
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    both = [*texts, *texts][:2]
    indices, names = as_labels(both, [len(one) for one in both], (), table)
    return indices[: len(parts)], names


def _files(path: Path) -> Iterator[Found]:
    """Yield the pictures below a folder."""
    for folder, folders, files in folders_below(path):
        folders[:] = [name for name in folders if _may_be(name)]
        # of texts, as they may be many
        inside = "" if folder == str(path) else f"{Path(folder).relative_to(path).as_posix()}/"
        for name in files:
            file = f"{folder}{os.sep}{name}"
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(file)  # noqa: PTH116
                if _may_be(name) and stat.S_ISREG(found.st_mode) and _is_picture(file):
                    yield Found(file, f"{inside}{name}", found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _may_be(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _NO_PICTURES


def _is_picture(file: str) -> bool:
    """Tell whether a file is one, by the ending of its name, else by its first bytes."""
    ending = os.path.splitext(file)[1].lower()  # noqa: PTH122
    if ending in _endings():
        return True
    if ending in _text_endings():
        return False
    from PIL import Image

    try:
        with Image.open(file, formats=_COMMON):
            return True
    except Exception:  # Pillow's plugins raise what comes
        return False


@cache
def _endings() -> frozenset[str]:
    from PIL import Image

    known = Image.registered_extensions()
    return frozenset(ending for ending, kind in known.items() if kind in Image.OPEN and kind not in _NO_PIXELS)


@cache
def _text_endings() -> frozenset[str]:
    return frozenset({".csv", ".json", ".md", ".py", ".tsv", ".txt", ".xml", ".yaml", ".yml"})
