"""The numbers of the atlas as text: with their unit, and one that is not known with the reason."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.stages.oip.pictures.words import LARGEST_RATIO, in_few_digits

MINUS = "\N{MINUS SIGN}"
SMALLEST = 0.001


@dataclass(frozen=True)
class Number:
    """A number as text; of one that is not known the text is a dash, and `reason` says why. value: for sorting."""

    text: str
    reason: str = ""
    value: float = math.nan

    @property
    def known(self) -> bool:
        return not self.reason

    @property
    def words(self) -> str:
        """Return the number inside of a sentence."""
        return self.text if self.known else f"not known ({self.reason})"

    @property
    def sortable(self) -> str:
        """Return the number for the script; nothing if it is not known, which no number sorts as."""
        return f"{self.value:.6g}" if self.known else ""


def plain(value: float) -> str:
    """Write three digits: "5.45", "−0.12"; "0.0032" has two, and "< 0.001" is all that is said of less."""
    if 0 < abs(value) < SMALLEST:
        return f"< {SMALLEST}" if value > 0 else f"> {MINUS}{SMALLEST}"
    return in_few_digits(value).replace("-", MINUS) if value else "0"


def brief(value: float) -> str:
    """Write two decimals: "0.57", "−0.12"."""
    return f"{value:.2f}".replace("-", MINUS)


def times(value: float) -> str:
    """Write a multiple of the largest activation on the data: "1.42 ×"."""
    return f"> {LARGEST_RATIO} ×" if value > LARGEST_RATIO else f"{plain(value)} ×"


def percent(share: float) -> str:
    """Write a share of 1: "99.4 %"; what is not quite nothing or all does not look like it."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %" if 0 < share < 1 else f"{100 * share:.0f} %"


def points(difference: float) -> str:
    """Write a difference of two shares, in percentage points: "+0.3 pp", "−1.2 pp", "0 pp" where there is none."""
    shown = 100 * difference
    return "0 pp" if round(shown, 2) == 0 else f"{shown:+.{1 if abs(shown) >= 1 else 2}f} pp".replace("-", MINUS)


def known(value: float, reason: str, form: Callable[[float], str] = plain) -> Number:
    """Return the number as `form` writes it, or, if it is not one, a dash with the reason."""
    value = float(value)
    return Number(form(value), value=value) if math.isfinite(value) else unknown(reason)


def unknown(reason: str) -> Number:
    """Return a dash with the reason why a number is not known."""
    return Number("–", reason)


def counted(count: int, one: str, several: str) -> str:
    """Write "1 map", "2 maps"."""
    return f"{count:,} {one if count == 1 else several}"
