"""Differences between two results of a stage, and between what made them, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

# How many packages are named whose versions differ.
LISTED = 6


@dataclass(frozen=True)
class Difference:
    """An array of two results. largest: the largest difference of two numbers, None if they cannot be compared."""

    name: str
    largest: float | None

    def within(self, tolerance: float) -> bool:
        """Tell whether no two numbers differ by more than `tolerance`."""
        return self.largest is not None and self.largest <= tolerance

    def __str__(self) -> str:
        if self.largest is None:
            return f"{self.name} (of another shape or kind, or only one of both is at hand)"
        return f"{self.name} (by at most {self.largest:.3g})"


def array_differences(
    recorded: Mapping[str, str],
    today: Mapping[str, str],
    recorded_arrays: Mapping[str, np.ndarray],
    arrays: Mapping[str, np.ndarray],
) -> list[Difference]:
    """Return the arrays whose digests differ, or which only one result has.

    Args:
        recorded, today: the digest of every array, by file and name.
        recorded_arrays, arrays: the arrays themselves, as far as they are at hand.
    """
    names = [name for name in {**recorded, **today} if recorded.get(name) != today.get(name)]
    return [Difference(name, _largest(recorded_arrays.get(name), arrays.get(name))) for name in names]


def _largest(one: np.ndarray | None, other: np.ndarray | None) -> float | None:
    if one is None or other is None or one.shape != other.shape:
        return None
    if not (np.issubdtype(one.dtype, np.number) and np.issubdtype(other.dtype, np.number)):
        return None
    if not one.size:
        return 0.0
    one, other = one.astype(np.float64), other.astype(np.float64)
    # both not a number, or both the same infinity, is no difference; only one of them is the largest there is
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    distance = np.abs(np.where(same, 0, one) - np.where(same, 0, other))
    return float(np.where(np.isnan(distance), np.inf, distance).max())


def process_differences(recorded: Mapping[str, Any], today: Mapping[str, Any]) -> list[str]:
    """Return what has changed since: code, versions, machine, threads; one line each.

    Args:
        recorded, today: what `provenance.describe_process` says, then and now.
    """
    words = {
        "version": "mnist-dream",
        "python": "Python",
        "cpu": "processor",
        "gpus": "GPUs",
        "threads": "threads",
        "deterministic": "deterministic",
        "environment": "environment",
    }
    lines = [
        f"{word}: {recorded[name]} then, {today[name]} today"
        for name, word in words.items()
        # of an older version some are not known
        if recorded.get(name) is not None and name in today and recorded[name] != today[name]
    ]
    if recorded.get("source") != today.get("source"):
        lines.insert(0, f"code: {_code(recorded)} then, {_code(today)} today")
    return lines + _packages(recorded.get("packages", {}), today.get("packages", {}))


def ingredient_differences(recorded: Mapping[str, Any], today: Mapping[str, Any]) -> list[str]:
    """Return the changed settings and inputs that a stage's result depends on; one line each.

    Args:
        recorded, today: what the stage's key is the digest of, then and now.
    """
    then, now = (_leaves(ingredients.get("settings", {})) for ingredients in (recorded, today))
    lines = [
        f"{name}: {then.get(name)} then, {now.get(name)} today"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    ]
    before, after = (_leaves(ingredients.get("inputs", {})) for ingredients in (recorded, today))
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [*lines, *(f"{name}: another content" for name in changed)]


def _leaves(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return a tree of settings as dotted name -> value."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    leaves: dict[str, Any] = {}
    for name, entry in value.items():
        leaves |= _leaves(entry, f"{prefix}.{name}" if prefix else name)
    return leaves


def _code(process: Mapping[str, Any]) -> str:
    git = process.get("git")
    if git is None:
        return f"sources {process.get('source', 'unknown')[:10]}"
    return f"commit {str(git.get('commit'))[:10]}{' with changes' if git.get('dirty') else ''}"


def _packages(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    names = sorted(name for name in {**then, **now} if then.get(name) != now.get(name))
    # those that compute stand first
    names.sort(key=lambda name: name.lower() not in ("tensorflow", "keras", "numpy"))
    lines = [f"{name}: {then.get(name, 'none')} then, {now.get(name, 'none')} today" for name in names[:LISTED]]
    return [*lines, f"{len(names) - LISTED} more packages differ"] if len(names) > LISTED else lines
