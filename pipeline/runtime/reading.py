"""Files that this program wrote, read again: whatever has become of them since is told in a user's words."""

import contextlib
import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pipeline.runtime.errors import BrokenFileError

T = TypeVar("T")

# What JSON has, in words.
_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
    list: "a list",
    dict: "a mapping",
}
_LONGEST = 60


def read_text(file: Path) -> str:
    """Return the text of a file, without the byte order mark that some editors put before it.

    Raises:
        BrokenFileError: it is not there, cannot be read, is empty or no text.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BrokenFileError(file, "is not there") from None
    except (IsADirectoryError, NotADirectoryError):
        raise BrokenFileError(file, "is no file") from None
    except PermissionError:
        raise BrokenFileError(file, "may not be read") from None
    except OSError as error:
        raise BrokenFileError(file, f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise BrokenFileError(file, "is no text in UTF-8") from None
    if not text.strip():
        raise BrokenFileError(file, "is empty")
    return text


def read_json(file: Path) -> dict[str, Any]:
    """Return the mapping that a JSON file holds.

    Raises:
        BrokenFileError: it holds none.
    """
    text = read_text(file)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise BrokenFileError(file, f"is no whole JSON (line {error.lineno}, column {error.colno})") from None
    except (RecursionError, ValueError):
        # brackets without an end, or a number with thousands of digits
        raise BrokenFileError(file, "is no JSON that this program wrote") from None
    if not isinstance(content, dict):
        raise BrokenFileError(file, f"holds {_told(content)} where a mapping is expected")
    return content


def read_as(kind: Callable[..., T], file: Path) -> T:
    """Return the dataclass `kind` that a JSON file holds.

    Raises:
        BrokenFileError: it holds something else.
    """
    return as_kind(kind, read_json(file), file)


def as_kind(kind: Any, value: Any, file: Path, name: str = "") -> Any:
    """Return what JSON made of a value of this type: a dataclass, a named tuple, or built of what JSON has.

    Args:
        kind: its type.
        file: where it was read, and name: under which dotted name, for the message.
    Raises:
        BrokenFileError: it is of another type.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if isinstance(kind, types.UnionType):
        return _as_one_of(arguments, value, file, name)
    if dataclasses.is_dataclass(kind):
        return _as_dataclass(kind, _checked(dict, value, file, name), file, name)
    if isinstance(kind, type) and issubclass(kind, tuple):
        hints = typing.get_type_hints(kind)
        if len(_checked(list, value, file, name)) != len(hints):
            raise BrokenFileError(file, f"has {name} with {len(value)} entries where {len(hints)} are expected")
        return kind(*(as_kind(hint, each, file, name) for hint, each in zip(hints.values(), value, strict=True)))
    if origin is list:
        return [as_kind(arguments[0], each, file, name) for each in _checked(list, value, file, name)]
    if origin is dict:
        found = _checked(dict, value, file, name)
        return {
            _key(arguments[0], key, file, name): as_kind(arguments[1], each, file, _joined(name, key))
            for key, each in found.items()
        }
    return _checked(kind, value, file, name)


def part(content: Mapping[str, Any], name: str, kind: Any, file: Path) -> Any:
    """Return the entry of a mapping of mappings that has this dotted name, of the type `kind`.

    Raises:
        BrokenFileError: it is not there, or of another type.
    """
    value: Any = content
    path = name.split(".")
    for depth, key in enumerate(path):
        if key not in _checked(dict, value, file, ".".join(path[:depth])):
            raise BrokenFileError(file, f"lacks {'.'.join(path[: depth + 1])}")
        value = value[key]
    return as_kind(kind, value, file, name)


def _as_one_of(kinds: Sequence[Any], value: Any, file: Path, name: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    *others, last = (kind for kind in kinds if kind is not type(None))
    for kind in others:
        with contextlib.suppress(BrokenFileError):
            return as_kind(kind, value, file, name)
    return as_kind(last, value, file, name)


def _as_dataclass(kind: Any, value: dict[str, Any], file: Path, name: str) -> Any:
    hints = typing.get_type_hints(kind)
    for key in value:
        if key not in hints:
            raise BrokenFileError(file, f"has {_joined(name, key)}, which is not known")
    for field in dataclasses.fields(kind):
        is_needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if is_needed and field.name not in value:
            raise BrokenFileError(file, f"lacks {_joined(name, field.name)}")
    return kind(**{key: as_kind(hints[key], each, file, _joined(name, key)) for key, each in value.items()})


def _checked(kind: Any, value: Any, file: Path, name: str) -> Any:
    # whole numbers are numbers, and true is neither
    kinds = (int, float) if kind is float else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and kind is not bool):
        said = f"has {name}: {_told(value)}" if name else f"holds {_told(value)}"
        raise BrokenFileError(file, f"{said} where {_WORDS[kind]} is expected")
    return value


def _key(kind: Any, key: str, file: Path, name: str) -> Any:
    """Return the name of an entry, which JSON has made to text."""
    if kind is not int:
        return key
    if not key.lstrip("-").isdecimal():
        raise BrokenFileError(file, f"has {_joined(name, key)} where the name is a whole number")
    return int(key)


def _joined(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _told(value: Any) -> str:
    if isinstance(value, list | dict) or value is None:
        return _WORDS[type(value)]
    return json.dumps(value, ensure_ascii=False)[:_LONGEST]
