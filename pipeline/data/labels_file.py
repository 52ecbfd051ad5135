"""What a labels.csv says of pictures."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.data.refusal import refused

LABELS = "labels.csv"
_FILES = ("file", "filename", "file_name", "image", "image_name", "picture", "path", "name", "id", "image_id")
_LABELS = ("label", "labels", "class", "class_name", "category", "target", "y")


def read_labels(file: Path, names: Sequence[str]) -> np.ndarray:
    """Return the label of every picture: texts.

    Args:
        file: two columns, the name of a picture and its label, or columns that say in a first line which are these.
        names: of the pictures, as paths from the folder of the file on; the last part may stand for it where it is of
            one picture alone.
    Raises:
        InputError: no such table, a name that no picture has, a picture without a label or with two.
    """
    takes = f"a {LABELS} with two columns, file and label, in UTF-8"
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            text = lines.read()
        first = text.partition("\n")[0]
        separator = next((sign for sign in (",", ";", "\t") if sign in first), ",")
        rows = [row for row in csv.reader(text.splitlines(), delimiter=separator) if any(map(str.strip, row))]
    except (OSError, ValueError, csv.Error) as error:
        raise refused(file, takes, f"({error})") from error
    places = _places(names)
    columns, rows = _without_header(rows, places)
    found: dict[int, str] = {}
    for number, row in enumerate(rows, 1):
        if len(row) <= max(columns):
            raise refused(file, takes, f"with {len(row)} columns in row {number}")
        name, label = (row[column].strip() for column in columns)
        place = places.get(name.removeprefix("./"))
        if place is None:
            raise refused(file, f"a {LABELS} that names pictures of its folder", f"with {name}, which is none")
        if not label:
            raise refused(file, "a label for each picture", f"without one for {name}")
        if found.setdefault(place, label) != label:
            raise refused(file, "one label for each picture", f"with {found[place]} and {label} for {name}")
    missing = [name for place, name in enumerate(names) if place not in found]
    if missing:
        raise refused(file, "a label for each picture", f"without one for {missing[0]} and {len(missing) - 1} others")
    return np.array([found[place] for place in range(len(names))], str)


def _places(names: Sequence[str]) -> dict[str, int]:
    """Return the place of a picture by its path, and by its name if that is unique."""
    last = [name.rpartition("/")[2] for name in names]
    counts = Counter(last)
    places = {name: place for place, name in enumerate(last) if counts[name] == 1}
    return places | {name: place for place, name in enumerate(names)}


def _without_header(rows: list[list[str]], places: dict[str, int]) -> tuple[tuple[int, int], list[list[str]]]:
    """Return the columns of names and labels, and the rows that have some."""
    if rows and rows[0] and rows[0][0].strip().removeprefix("./") not in places:
        words = [word.strip().lower() for word in rows[0]]
        files = [column for column, word in enumerate(words) if word in _FILES]
        labels = [column for column, word in enumerate(words) if word in _LABELS]
        if files and labels:
            return (files[0], labels[0]), rows[1:]
        if len(rows) > 1 and rows[1][0].strip().removeprefix("./") in places:
            # other words
            return (0, 1), rows[1:]
    return (0, 1), rows
