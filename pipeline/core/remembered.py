"""Answers that the jobs of a sweep ask for again and again, of the same CNN and images, found once in a process."""

import functools
import hashlib
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np

from pipeline.core.parts import Part

T = TypeVar("T")
# So many answers are kept, those that were asked for last.
MOST = 8


class _Question:
    """What is asked: equal ones have the same answer."""

    def __init__(self, key: Hashable, same: tuple[Any, ...], answer: Callable[[], Any]) -> None:
        self.key, self.same, self.answer = key, same, answer

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Question) or self.key != other.key or len(self.same) != len(other.same):
            return False
        return all(mine is theirs for mine, theirs in zip(self.same, other.same, strict=True))


def remembered(key: Hashable, same: tuple[Any, ...], answer: Callable[[], T]) -> T:
    """Return what `answer` returns, or has returned for an equal question.

    Args:
        key: what it depends on, such as `digest_of`.
        same: large arrays that it depends on, which have to be the very same ones, and are not changed.
        answer: a pure function of these.
    """
    found: T = _answered(_Question(key, same, answer))
    return found


@functools.lru_cache(maxsize=MOST)
def _answered(question: _Question) -> Any:
    found = question.answer()
    # it would keep whatever it refers to, such as a bar
    question.answer = lambda: None
    return found


def digest_of(part: Part, *arrays: np.ndarray) -> str:
    """Return the SHA-256 of the layers and the weights of a CNN, and of arrays."""
    digest = hashlib.sha256(part.fingerprint.encode())
    for array in (*map(np.asarray, part.variables), *arrays):
        digest.update(str((array.dtype, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
