"""The names of classes: short lines of text that can stand on any page, all different."""

from collections.abc import Sequence

import numpy as np

from pipeline.runtime.errors import InputError

LONGEST_NAME = 80
NO_NAME = "(no name)"


def clean(name: str) -> str:
    """Return a name as one short line: no control characters, no bytes that are no text, nothing that is endless."""
    text = name.encode("utf-8", "replace").decode("utf-8")
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def clean_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names as `clean` does, those that have become the same with a number."""
    found: list[str] = []
    for name in names:
        base = clean(name) or NO_NAME
        unique, number = base, 1
        while unique in found:
            number += 1
            unique = f"{base} ({number})"
        found.append(unique)
    return tuple(found)


def in_given_order(
    labels: Sequence[np.ndarray], own: Sequence[str], given: Sequence[str] | None
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Return labels as the places of their names among those of the settings, where all of them are there.

    A CNN counts classes in the order of its training, which need not be that of the alphabet, and may know others.

    Args:
        labels: whole numbers, each the place of its name in `own`.
        own: the names in the data; () if it has none.
        given: `data.class_names`.
    Returns:
        The labels and the names that they count in; both as they were where `given` are other names.
    Raises:
        InputError: some of the names are there at other places, and some are not: a class would get another's name.
    """
    if given is None or not own or len(set(given)) < len(given):
        return list(labels), tuple(own)
    missing = [name for name in own if name not in given]
    if missing:
        if any(name in given and list(given).index(name) != place for place, name in enumerate(own)):
            takes = f"all of {', '.join(own)} in any order, or other names for them; {', '.join(missing)} is not there"
            raise InputError.at("data.class_names", takes=takes, got=", ".join(given))
        return list(labels), tuple(own)
    places = np.array([list(given).index(name) for name in own])
    return [places[part].astype(part.dtype) for part in labels], tuple(given)


def chosen_names(given: Sequence[str] | None, own: Sequence[str], least: int, *, is_open: bool) -> tuple[str, ...]:
    """Return the names of all classes.

    Args:
        given: `data.class_names`, None for those of the data.
        own: those of the data; () if it has none.
        least: one more than the largest label.
        is_open: whether there may be more classes than that, as nobody but `given` says how many there are.
    Raises:
        InputError: not as many names as classes.
    """
    classes = len(own) or least
    if given is None:
        return clean_names(own or list(map(str, range(least))))
    if len(given) < classes or (len(given) > classes and not is_open):
        takes = f"a name for each of the {classes} classes"
        raise InputError.at("data.class_names", takes=takes, got=f"{len(given)}: {', '.join(given)}")
    return clean_names(given)
