"""Checks of ranges; each raises an InputError that names the setting, what it takes and what it got."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.runtime.errors import InputError

LARGEST_SEED = 2**31 - 1
# Of what is added to a standardized picture: its squares still fit into a float32.
LARGEST_STEP = 1e6


def number(
    key: str, value: float, *, least: float = -math.inf, most: float = math.inf, above: float | None = None
) -> None:
    kind = "a whole number" if isinstance(value, int) else "a number"
    bounds = [f"above {above:g}"] if above is not None else [f"of at least {least:g}"] if least > -math.inf else []
    bounds += [f"at most {most:g}"] if most < math.inf else []
    too_low = value <= above if above is not None else value < least
    if not math.isfinite(value) or too_low or value > most:
        raise InputError.at(key, takes=" ".join([kind, " and ".join(bounds)]).strip(), got=value)


def choice(key: str, value: object, choices: Iterable[object], what: str) -> None:
    known = list(choices)
    if value not in known:
        raise InputError.at(key, takes=f"{what}: {', '.join(map(str, known))}", got=repr(value))


def not_empty(key: str, values: Sequence[Any], what: str) -> None:
    if not values:
        raise InputError.at(key, takes=f"at least one {what}", got="an empty list")


def not_blank(key: str, value: str | None) -> None:
    if value is not None and not value.strip():
        raise InputError.at(key, takes="a path, or null", got=repr(value))


def no_repeats(key: str, values: Sequence[Any]) -> None:
    if any(isinstance(value, list) for value in values):
        raise InputError.at(key, takes="a list without lists in it", got=list(values))
    if len(set(values)) < len(values):
        raise InputError.at(key, takes="every entry once", got=[getattr(value, "value", value) for value in values])


def one_or_each(key: str, values: Sequence[Any], others: Sequence[Any], other_key: str) -> None:
    if len(values) not in (1, len(others)):
        takes = f"one entry for all, or one for each of the {len(others)} of {other_key}"
        raise InputError.at(key, takes=takes, got=f"{len(values)} entries: {list(values)}")


def one_for_each(key: str, values: Sequence[Any], others: Sequence[Any], other_key: str) -> None:
    if len(values) != len(others):
        takes = f"one entry for each of the {len(others)} of {other_key}"
        raise InputError.at(key, takes=takes, got=f"{len(values)} entries: {list(values)}")
