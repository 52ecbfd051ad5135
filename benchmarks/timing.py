"""Timing: a first call of each, then rounds in which all take turns, so that a busy minute meets all of them."""

import gc
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from benchmarks.contenders import Contender

Result = TypeVar("Result")


@dataclass
class Timing:
    """first, warm: seconds of one call each; pictures: what the first call made."""

    contender: Contender
    first: float
    pictures: np.ndarray
    warm: list[float] = field(default_factory=list)

    def scaled(self, maps: int) -> list[float]:
        """The warm times, scaled to that many maps if a call makes fewer."""
        return [seconds * maps / len(self.contender.maps) for seconds in self.warm]


def first_call(contender: Contender) -> Timing:
    """The first call, which also pays for what is made ready only once."""
    seconds, pictures = timed(contender.run)
    return Timing(contender, seconds, np.asarray(pictures))


def take_turns(timings: Sequence[Timing], repeats: int, between: Callable[[int], None]) -> None:
    """`repeats` rounds of one call each; `between` is called before each round."""
    for number in range(repeats):
        between(number)
        for timing in timings:
            timing.warm.append(timed(timing.contender.run)[0])


def timed(run: Callable[[], Result]) -> tuple[float, Result]:
    """The seconds that a call took, and what it returned."""
    # nobody pays for another's garbage
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = time.perf_counter()
        result = run()
        return time.perf_counter() - started, result


def ratio(times: Sequence[float], reference: Sequence[float]) -> float:
    """The median over the rounds of the ratio of two times of the same round."""
    return statistics.median(a / b for a, b in zip(times, reference, strict=True))
