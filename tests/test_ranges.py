"""What a field of a group of settings says of itself, and the one function that checks it."""

import copy
import dataclasses
import functools
import math
import re
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pipeline.runtime.errors import InputError
from pipeline.settings.config import Config
from pipeline.settings.ranges import BY_LAYER, Entries, FilePath, Lists, Number, check_fields, rule, rule_of
from pipeline.settings.schema import check_value


@dataclass(kw_only=True)
class Leaf:
    height: float = field(metadata=rule(Number(above=0, most=2)))


@dataclass(kw_only=True)
class Tree:
    seed: int = field(default=0, metadata=rule(Number(least=0, follows="seed")))
    age: int | None = field(default=None, metadata=rule(Number(least=1)))
    rings: list[int] = field(default_factory=lambda: [3, 2], metadata=rule(Entries(Number(least=1), once=True)))
    widths: list[float] = field(
        default_factory=lambda: [1.0],
        metadata=rule(Entries(Number(least=-9), filled="width", one_or_each="rings", nonzero="that is not 0")),
    )
    weights: list[float] | None = field(default=None, metadata=rule(Entries(one_for_each="rings")))
    nests: list[list[int]] = field(
        default_factory=list, metadata=rule(Lists(Entries(Number(most=5), filled="egg", once=True)))
    )
    label: int = field(default=0, metadata=rule(Number(unbounded="any will do")))
    map: str | None = field(default=None, metadata=rule(FilePath()))
    top: Leaf = field(default_factory=lambda: Leaf(height=1.0))
    leaves: dict[str, Leaf] = field(default_factory=dict)


@pytest.mark.parametrize(
    "tree",
    [
        Tree(),
        Tree(seed=-1),
        Tree(label=-(10**400)),
        Tree(age=1, widths=[1, 0], weights=[0, 0], nests=[[5, -5], [0]], map="a.png", leaves={"a": Leaf(height=2)}),
    ],
    ids=["defaults", "follows", "unbounded", "all"],
)
def test_what_the_fields_take_is_taken(tree):
    check_fields("wood.tree", tree)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (Tree(age=0), "age: takes a whole number of at least 1; got 0"),
        (Tree(age=2**31), "age: takes a whole number up to 2147483647; got 2147483648"),
        (Tree(age=10**400), f"age: takes a whole number up to 2147483647; got {10**400}"),
        (Tree(widths=[1e39]), "widths: takes a number up to 3.4e+38; got 1e+39"),
        (Tree(rings=[3, 0]), "rings: takes a whole number of at least 1; got 0"),
        (Tree(rings=[3, 3]), "rings: takes every entry once; got [3, 3]"),
        (Tree(widths=[]), "widths: takes at least one width; got an empty list"),
        (
            Tree(widths=[1, 2, 3]),
            "widths: takes one entry for all, or one for each of the 2 of wood.tree.rings; got 3 entries: [1, 2, 3]",
        ),
        (Tree(widths=[0]), "widths: takes at least one that is not 0; got [0]"),
        (Tree(weights=[1]), "weights: takes one entry for each of the 2 of wood.tree.rings; got 1 entries: [1]"),
        (Tree(nests=[[1], []]), "nests: takes at least one egg; got an empty list"),
        (Tree(nests=[[1], [6]]), "nests: takes a whole number at most 5; got 6"),
        (Tree(map=" "), "map: takes a path, or null; got ' '"),
        (Tree(top=Leaf(height=0.0)), "top.height: takes a number above 0 and at most 2; got 0.0"),
        (
            Tree(leaves={"a": Leaf(height=1.0), "b": Leaf(height=float("nan"))}),
            "leaves.b.height: takes a number above 0 and at most 2; got nan",
        ),
        # the first that is declared
        (Tree(map="", rings=[0], age=0), "age: takes a whole number of at least 1; got 0"),
    ],
)
def test_what_a_field_does_not_take_is_refused_with_its_dotted_name(tree, message):
    with pytest.raises(InputError, match=f"^wood.tree.{re.escape(message)}$"):
        check_fields("wood.tree", tree)


def test_fields_that_are_named_are_checked_in_that_order_and_no_others():
    tree = Tree(seed=-1, age=0, rings=[0], map="")
    with pytest.raises(InputError, match=r"^map: "):
        check_fields("", tree, "map", "age")
    with pytest.raises(InputError, match=r"^tree\.seed: takes a whole number of at least 0; got -1$"):
        check_fields("tree", tree, "label", "top", "seed")
    check_fields("tree", tree, "widths", "top")


def test_null_is_no_value_where_the_type_does_not_say_so():
    with pytest.raises(TypeError):
        check_fields("leaf", Leaf(height=None))  # type: ignore[arg-type]


def numbers_in(owner: Any, prefix: str = "") -> Iterator[tuple[str, int]]:
    """The dotted name of every setting that is a number, or a list of numbers, and how many lists are around it.

    Not of those that number the parts of a layer, which says later how many there are.
    """
    rules = {one.name: str(rule_of(one)) for one in dataclasses.fields(owner)}
    for name, kind in typing.get_type_hints(owner).items():
        if dataclasses.is_dataclass(kind):
            yield from numbers_in(kind, f"{prefix}{name}.")
        elif ("float" in str(kind) or "int" in str(kind)) and BY_LAYER not in rules[name]:
            yield f"{prefix}{name}", str(kind).count("list[")


NUMBERS = dict(numbers_in(Config))


@pytest.fixture(scope="module")
def config(compose: Callable[..., Config]) -> Config:
    return compose()


def test_the_settings_that_are_numbers_are_found() -> None:
    assert {"seed", "oip.step_size", "noise.amplitudes", "atlas.wavelengths"} < set(NUMBERS)
    assert NUMBERS["atlas.wavelengths"] == 2
    assert len(NUMBERS) > 70


@pytest.mark.parametrize("key", NUMBERS)
def test_no_setting_takes_what_is_no_number_or_too_large_for_one(config: Config, key: str) -> None:
    *path, name = key.split(".")
    owner = copy.deepcopy(functools.reduce(getattr, path, config))
    if key == "oip.direction":
        # it is asked together with the maps that it mixes
        owner.map_indices = [3]
    for value in (math.nan, math.inf, -math.inf, 1e39, 10**400):
        wrapped: object = value
        for _ in range(NUMBERS[key]):
            wrapped = [wrapped]
        setattr(owner, name, wrapped)
        with pytest.raises(InputError, match=f"^{re.escape(key)}: takes [^\\n]*$"):
            check_fields(".".join(path), owner, name)


@pytest.mark.parametrize("key", ["oip.step_size", "train.learning_rate.initial", "noise.amplitudes"])
def test_a_number_of_more_digits_than_a_float_holds_is_refused_in_one_line(key: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(key)}: takes [^\\n]*$"):
        check_value(key, [10**400] if NUMBERS[key] else 10**400)
