"""How the atlas writes numbers: with their unit, and a number that is not known with the reason."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.rendering.oip.words import LARGEST_RATIO, in_few_digits

MINUS = "\N{MINUS SIGN}"


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
        """The number inside of a sentence."""
        return self.text if self.known else f"not known ({self.reason})"

    @property
    def sortable(self) -> str:
        """For the script; nothing if it is not known, which no number sorts as."""
        return f"{self.value:.6g}" if self.known else ""


def plain(value: float) -> str:
    """Three digits: "5.45", "−0.12"."""
    return in_few_digits(value).replace("-", MINUS)


def times(value: float) -> str:
    """A multiple of the largest activation on the data: "1.42 ×"."""
    return f"> {LARGEST_RATIO} ×" if value > LARGEST_RATIO else f"{plain(value)} ×"


def percent(share: float) -> str:
    """A share of 1: "99.4 %"."""
    return f"{100 * share:.1f} %"


def points(difference: float) -> str:
    """A difference of two shares, in percentage points: "+0.3 pp", "−1.2 pp", "0 pp" where there is none."""
    shown = 100 * difference
    return "0 pp" if round(shown, 2) == 0 else f"{shown:+.{1 if abs(shown) >= 1 else 2}f} pp".replace("-", MINUS)


def known(value: float, reason: str, form: Callable[[float], str] = plain) -> Number:
    """The number as `form` writes it, or, if it is not one, a dash with the reason."""
    value = float(value)
    return Number(form(value), value=value) if math.isfinite(value) else unknown(reason)


def unknown(reason: str) -> Number:
    return Number("–", reason)


def counted(count: int, one: str, several: str) -> str:
    """"1 map", "2 maps"."""
    return f"{count:,} {one if count == 1 else several}"
