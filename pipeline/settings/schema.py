"""From composed YAML to a checked `Config`, and what is wrong with a key or value, in one line."""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue, OmegaConfBaseException

from pipeline.runtime.errors import InputError
from pipeline.settings.config import Config
from pipeline.settings.interpolations import NULL, faults
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
    check_references(composed)
    settle(composed)
    check_references(composed, settled=True)
    try:
        # a recorded composition comes without types
        return typing.cast(Config, OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), composed)))
    except (MissingMandatoryValue, InterpolationToMissingValueError) as error:
        referred = re.search(r"Missing mandatory value: ([\w.]+)", str(error))
        key = error.full_key or "a setting" if referred is None else referred[1]
        raise InputError(f"{key}: has to be given; takes {describe(key)}") from error
    except OmegaConfBaseException as error:
        raise InputError(f"{error.full_key}: {str(error).splitlines()[0]}") from error
    except OverflowError as error:
        # OmegaConf does not say of which setting
        raise InputError(f"a setting: takes a number that a float holds; got a longer one ({error})") from error


def check_references(composed: DictConfig, *, settled: bool = False) -> None:
    """Raise an InputError if a setting, or one of Hydra's, refers to what is not there, or to another kind of group.

    Args:
        settled: whether what is null now stays null.
    """
    for key, text, why in faults(composed):
        if why == NULL and not settled:
            continue
        name = key.partition("[")[0]
        if (missing := re.fullmatch(r"([\w.]+) has no value", why)) is not None and _is_known(missing[1]):
            raise InputError(f"{missing[1]}: has to be given; takes {describe(missing[1])}")
        if name.startswith("hydra."):
            raise InputError.at(key, takes="a value, or ${NAME} of what has one", got=f"{text}: {why}")
        from pipeline.settings.quoting import literal, quoted_word

        # not an entry of a list
        is_text = name == key and takes_text(key)
        advice = f"; as a text: {quoted_word(key, literal(text))}" if is_text else ""
        raise InputError.at(key, takes=describe(name), got=f"{text}: {why}{advice}")
    for key, kind in _groups(Config, ""):
        if OmegaConf.get_type(OmegaConf.select(composed, key)) not in (kind, dict):
            raise InputError.at(key, takes=describe(key), got="another group")


def _is_known(key: str) -> bool:
    try:
        check_key(key)
    except InputError:
        return False
    return True


def _groups(owner: Any, prefix: str) -> Iterator[tuple[str, type]]:
    """Yield the dotted name and the type of every group."""
    for name, kind in typing.get_type_hints(owner).items():
        if dataclasses.is_dataclass(kind):
            yield f"{prefix}{name}", typing.cast(type, kind)
            yield from _groups(kind, f"{prefix}{name}.")


def to_text(composed: DictConfig) -> str:
    r"""Return settings as YAML, with the value of each ${...}; a text's own ${ is \${ there, and read as it was."""
    from pipeline.settings.quoting import literal

    def written(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: written(value) for name, value in node.items()}
        if isinstance(node, list):
            return list(map(written, node))
        return literal(node) if isinstance(node, str) else node

    plain = OmegaConf.to_container(composed, resolve=True, enum_to_str=True)
    return OmegaConf.to_yaml(OmegaConf.create(written(plain)))


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
    if not dataclasses.is_dataclass(owner) or "${" in str(value):
        return
    try:
        OmegaConf.update(OmegaConf.structured(owner), name, value)
    except (OmegaConfBaseException, OverflowError) as error:
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


def is_group(key: str) -> bool:
    """Tell whether a dotted name is that of a group of settings, or of groups by their names such as layers."""
    owner: Any = Config
    for part in key.split("."):
        if dataclasses.is_dataclass(owner):
            owner = typing.get_type_hints(owner).get(part)
        elif typing.get_origin(owner) is dict:
            owner = typing.get_args(owner)[1]
        else:
            return False
    return dataclasses.is_dataclass(owner) or typing.get_origin(owner) is dict


def takes_text(key: str) -> bool:
    """Tell whether a setting, a known one, is a text and never a number."""
    kinds = _kinds(key)
    return str in kinds and not kinds & {int, float, bool}


def takes_list(key: str) -> bool:
    """Tell whether a setting, a known one, is a list."""
    return any(typing.get_origin(kind) is list for kind in _kinds(key))


def _kinds(key: str) -> set[Any]:
    """Return the types that a setting, a known one, can have."""
    kind = _kind(key)
    return set(typing.get_args(kind)) if isinstance(kind, types.UnionType) else {kind}


def is_entry(key: str) -> bool:
    """Tell whether a name, a known one, is that of an entry that may be left out, such as a layer of the model."""
    above = key.rpartition(".")[0]
    return bool(above) and typing.get_origin(_kind(above)) is dict


def _kind(key: str) -> Any:
    """Return the type of a setting, a known one."""
    owner: Any = Config
    for part in key.split("."):
        if typing.get_origin(owner) is dict:
            owner = typing.get_args(owner)[1]
        elif dataclasses.is_dataclass(owner):
            owner = typing.get_type_hints(owner)[part]
    return owner


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
