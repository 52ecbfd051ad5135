"""The ranges of settings: each field of a group says its own in its metadata, and one function checks them.

Every check raises an InputError that names the setting, what it takes and what it got.
"""

import dataclasses
import math
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.runtime.errors import InputError

LARGEST_SEED = 2**31 - 1
# What the counters and numbers of TensorFlow hold: a larger one would be another one there, or infinity.
LARGEST_COUNT, LARGEST_FLOAT = 2**31 - 1, 3.4e38
# Of what is added to a standardized picture: its squares still fit into a float32.
LARGEST_STEP = 1e6
# A reason to have no bounds.
BY_LAYER = "how many there are, the layer says"


def number(
    key: str, value: float, *, least: float = -math.inf, most: float = math.inf, above: float | None = None
) -> None:
    kind = "a whole number" if isinstance(value, int) else "a number"
    bounds = [f"above {above:g}"] if above is not None else [f"of at least {least:g}"] if least > -math.inf else []
    bounds += [f"at most {most:g}"] if most < math.inf else []
    too_low = value <= above if above is not None else value < least
    # of a whole number beyond those of floats Python cannot tell
    is_number = isinstance(value, int) or math.isfinite(value)
    if not is_number or too_low or value > most:
        raise InputError.at(key, takes=" ".join([kind, " and ".join(bounds)]).strip(), got=value)
    largest = LARGEST_COUNT if isinstance(value, int) else LARGEST_FLOAT
    if abs(value) > largest:
        raise InputError.at(key, takes=f"{kind} up to {largest}", got=value)


def fits_float(value: float) -> bool:
    """Tell whether a number is finite, and not larger than those of TensorFlow."""
    # Python compares whole numbers of any length
    return -LARGEST_FLOAT <= value <= LARGEST_FLOAT


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


class Rule(Protocol):
    """What a field takes."""

    def check(self, key: str, value: Any, group: object) -> None:
        """Raise an InputError if the field with this dotted name, one of `group`, takes no such value."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number with bounds, or with a reason why it has none here.

    A number that `follows` a setting of another group has its value unless it is set. It is checked only where it is
    named, after that setting, which is to blame.
    """

    least: float = -math.inf
    most: float = math.inf
    above: float | None = None
    follows: str = ""
    unbounded: str = ""

    def check(self, key: str, value: Any, group: object) -> None:
        if not self.unbounded:
            number(key, value, least=self.least, most=self.most, above=self.above)


@dataclass(frozen=True)
class Entries:
    """A list, as numerous as another field of the group where it names one."""

    each: Number | None = None
    _: dataclasses.KW_ONLY
    filled: str = ""
    once: bool = False
    one_or_each: str = ""
    one_for_each: str = ""
    nonzero: str = ""

    def check(self, key: str, value: Any, group: object) -> None:
        if self.filled:
            not_empty(key, value, self.filled)
        if self.once:
            no_repeats(key, value)
        if self.one_or_each:
            one_or_each(key, value, getattr(group, self.one_or_each), _beside(key, self.one_or_each))
        if self.one_for_each:
            one_for_each(key, value, getattr(group, self.one_for_each), _beside(key, self.one_for_each))
        if self.each is not None:
            for entry in value:
                self.each.check(key, entry, group)
        if self.nonzero and not any(value):
            raise InputError.at(key, takes=f"at least one {self.nonzero}", got=value)


@dataclass(frozen=True)
class Lists:
    """A list of lists."""

    each: Entries

    def check(self, key: str, value: Any, group: object) -> None:
        for entries in value:
            self.each.check(key, entries, group)


@dataclass(frozen=True)
class OneOf:
    """A text out of some words that are no enumeration, as more may be added; or a list of such texts.

    words: returns them; many: whether it is a list.
    """

    words: Callable[[], Iterable[str]]
    many: bool = False

    def describe(self) -> str:
        """Return what it takes, in words."""
        one = f"one of {', '.join(self.words())}"
        return f"a list, each entry {one}" if self.many else one

    def check(self, key: str, value: Any, group: object) -> None:
        known = list(self.words())
        # a list in the list is told as that, by `no_repeats`
        if any(entry not in known and not isinstance(entry, list) for entry in (value if self.many else [value])):
            raise InputError.at(key, takes=self.describe(), got=value)


@dataclass(frozen=True)
class Sides:
    """The sides of a picture."""

    def describe(self) -> str:
        """Return what it takes, in words."""
        return "a whole number of at least 8, or [height, width], or null"

    def check(self, key: str, value: Any, group: object) -> None:
        sides = value if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2 else [value]
        if value is not None and not all(type(side) is int and side >= 8 for side in sides):
            raise InputError.at(key, takes=self.describe(), got=value)


@dataclass(frozen=True)
class Fills:
    """Numbers by the names of what they fill."""

    def describe(self) -> str:
        """Return what it takes, in words."""
        return "null, or numbers by name, such as {age: 30}"

    def check(self, key: str, value: Any, group: object) -> None:
        if value is None:
            return
        numbers = list(value.values()) if isinstance(value, Mapping) else [None]
        if any(isinstance(one, bool) or not isinstance(one, int | float) or not fits_float(one) for one in numbers):
            raise InputError.at(key, takes=self.describe(), got=str(value))


@dataclass(frozen=True)
class FilePath:
    """A path that is not blank."""

    def check(self, key: str, value: Any, group: object) -> None:
        not_blank(key, value)


def rule(says: Rule) -> Mapping[str, Rule]:
    """Return the metadata of a field that says what it takes."""
    return {"rule": says}


def rule_of(field: dataclasses.Field[Any]) -> Rule | None:
    """Return what a field says it takes."""
    return field.metadata.get("rule")


def check_fields(key: str, group: Any, *names: str) -> None:
    """Check fields of a group of settings, with those of the groups in it.

    Args:
        key: where in the settings the group stands, dotted.
        group: the group, a dataclass whose fields say what they take.
        names: which fields, in this order, where a setting is to be refused before another one that is declared
            earlier. Without names all are checked that follow no other setting, in the order of declaration.

    Raises:
        InputError: of the first value that its field does not take.
    """
    fields = {field.name: field for field in dataclasses.fields(group)}
    for name in names or (name for name, field in fields.items() if not getattr(rule_of(field), "follows", "")):
        _check_field(f"{key}.{name}" if key else name, fields[name], group)


def _check_field(key: str, field: dataclasses.Field[Any], group: object) -> None:
    value, says = getattr(group, field.name), rule_of(field)
    may_be_null = type(None) in typing.get_args(field.type)
    if says is not None and not (value is None and may_be_null):
        says.check(key, value, group)
    for inner_key, inner in _groups(key, field.type, value):
        check_fields(inner_key, inner)


def _groups(key: str, kind: Any, value: Any) -> Iterator[tuple[str, object]]:
    """Yield the dotted name and the group of each group that a field of this type holds."""
    if dataclasses.is_dataclass(kind):
        yield key, value
    elif typing.get_origin(kind) is dict:
        for name, entry in value.items():
            yield from _groups(f"{key}.{name}", typing.get_args(kind)[1], entry)


def _beside(key: str, name: str) -> str:
    """Return the dotted name of another field of the same group."""
    return f"{key.rpartition('.')[0]}.{name}"
