"""From composed YAML to a checked `Config`, and what is wrong with a key or value, in one line."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from pipeline.runtime.errors import InputError
from pipeline.settings.config import Config
from pipeline.settings.ranges import Fills, OneOf, Sides, rule_of
from pipeline.settings.settled import settle


def to_config(composed: DictConfig) -> Config:
    """Return the typed settings.

    Args:
        composed: what is left to the CNN, such as its last convolution, is written into it.
    Raises:
        InputError: a key that no setting has, a value of another type or out of range, a value that is missing.
    """
    for key, _ in _leaves(OmegaConf.to_container(composed, resolve=False)):
        check_key(key)
    settle(composed)
    try:
        # a recorded composition comes without types
        return typing.cast(Config, OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), composed)))
    except MissingMandatoryValue as error:
        key = error.full_key or "a setting"
        raise InputError(f"{key}: has to be given; takes {describe(key)}") from error
    except OmegaConfBaseException as error:
        raise InputError(f"{error.full_key}: {str(error).splitlines()[0]}") from error


def check_types(given: DictConfig) -> None:
    """Raise an InputError if one of these settings does not exist, or has another type; some may be missing.

    Args:
        given: with plain values alone.
    """
    for key, value in _leaves(OmegaConf.to_container(given, resolve=False)):
        check_key(key)
        if "${" in str(value):
            raise InputError.at(key, takes=f"{describe(key)} as it is, and nothing to be looked up", got=value)
        check_value(key, value)
    try:
        OmegaConf.merge(OmegaConf.structured(Config), given)
    except OmegaConfBaseException as error:
        raise InputError(f"{error.full_key}: {str(error).splitlines()[0]}") from error


def fill(given: DictConfig, others: DictConfig) -> list[str]:
    """Add the settings that `given` lacks, such as the record of an older version, from `others`.

    Entries of a dictionary, such as the layers of a model, are no settings of their own.

    Returns:
        The dotted names of what was added.
    """
    return _fill(Config, given, others, "")


def _fill(owner: Any, given: DictConfig, others: DictConfig, prefix: str) -> list[str]:
    added = []
    for name, kind in typing.get_type_hints(owner).items():
        if name not in given:
            OmegaConf.update(given, name, others[name])
            added.append(f"{prefix}{name}")
        elif dataclasses.is_dataclass(kind):
            added += _fill(kind, given[name], others[name], f"{prefix}{name}.")
    return added


def check_key(key: str) -> None:
    """Raise an InputError, with what was perhaps meant, if no setting has this dotted name."""
    owner: Any = Config
    parts = key.split(".")
    for depth, part in enumerate(parts):
        if dataclasses.is_dataclass(owner):
            fields = typing.get_type_hints(owner)
            if part not in fields:
                raise InputError(_unknown(key, ".".join(parts[:depth]), part, list(fields)))
            owner = fields[part]
        elif typing.get_origin(owner) is dict:
            owner = typing.get_args(owner)[1]
        elif owner is Any:
            # a mapping, of which the rule of the setting says what may be in it
            return
        else:
            setting = ".".join(parts[:depth])
            raise InputError(f"{key}: no such setting; {setting} takes {describe(setting)}")


def check_value(key: str, value: Any) -> None:
    """Raise an InputError if a value for this key, a known one, has another type than the setting."""
    *path, name = key.split(".")
    owner: Any = Config
    for part in path:
        owner = typing.get_args(owner)[1] if typing.get_origin(owner) is dict else typing.get_type_hints(owner)[part]
    if not dataclasses.is_dataclass(owner) or (isinstance(value, str) and "${" in value):
        return
    try:
        OmegaConf.update(OmegaConf.structured(owner), name, value)
    except OmegaConfBaseException as error:
        raise InputError.at(key, takes=describe(key), got=value if isinstance(value, str) else repr(value)) from error
    if (says := _one_of(owner, name)) is not None:
        says.check(key, value, None)


def describe(key: str) -> str:
    """Return what kind of value a setting takes, in words."""
    owner: Any = Config
    for part in key.split("."):
        if dataclasses.is_dataclass(owner):
            if (says := _one_of(owner, part)) is not None:
                return says.describe()
            owner = typing.get_type_hints(owner)[part]
        elif typing.get_origin(owner) is dict:
            owner = typing.get_args(owner)[1]
    return _words(owner)


def _one_of(owner: Any, name: str) -> OneOf | Sides | Fills | None:
    """Return what a field of a group takes, where it can say so; None where it takes any of its type."""
    (says,) = (rule_of(field) for field in dataclasses.fields(owner) if field.name == name)
    return says if isinstance(says, OneOf | Sides | Fills) else None


def _words(kind: Any) -> str:
    if isinstance(kind, types.UnionType):
        return " or ".join(_words(option) for option in typing.get_args(kind))
    if typing.get_origin(kind) is list:
        return f"a list, each entry {_words(typing.get_args(kind)[0])}"
    if typing.get_origin(kind) is dict:
        return "a dictionary"
    if dataclasses.is_dataclass(kind):
        return f"a group with {', '.join(typing.get_type_hints(kind))}"
    if issubclass(kind, Enum):
        return f"one of {', '.join(member.value for member in kind)}"
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "null"}
    return words[kind]


def _unknown(key: str, group: str, part: str, known: list[str]) -> str:
    prefix = f"{group}." if group else ""
    close = difflib.get_close_matches(part, known, n=3, cutoff=0.5)
    if close:
        return f"{key}: no such setting; did you mean {' or '.join(prefix + name for name in close)}?"
    return f"{key}: no such setting; {group or 'the settings'} has {', '.join(known)}"


def _leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted names of all leaves, and what they hold."""
    if isinstance(node, Mapping) and node:
        for name, value in node.items():
            yield from _leaves(value, f"{prefix}.{name}" if prefix else str(name))
    else:
        yield prefix, node
