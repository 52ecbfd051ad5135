"""A file with settings: what is wrong with it, in one line that names it."""

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pipeline.runtime.errors import InputError, why
from pipeline.runtime.output import shown
from pipeline.settings import schema

MARK = "\ufeff"
GLOBAL = "# @package _global_"
TAKES = "settings by their names, such as seed: 1"


def text_of(file: Path) -> str:
    """Return the text of a file.

    Raises:
        InputError: it cannot be read, is no UTF-8, or has a byte order mark, behind which Hydra sees no `# @package`.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{shown(file)}: cannot be read: {error.strerror or why(error)}") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        got = f"the byte 0x{content[error.start]:02x} in line {line}"
        raise InputError.at(str(shown(file)), takes="text in UTF-8", got=got) from error
    if text.startswith(MARK):
        raise InputError.at(str(shown(file)), takes="text without a byte order mark", got="one at its beginning")
    return text


def settings_of(file: Path) -> dict[str, Any]:
    """Return what a file says, with its list `defaults`.

    Raises:
        InputError: it is no YAML, or its YAML has no settings.
    """
    text = text_of(file)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode):
            empty = node is None or (isinstance(node, yaml.ScalarNode) and not node.value)
            got = "nothing" if empty else "a list" if isinstance(node, yaml.SequenceNode) else f"{node.value!r}"
            raise InputError.at(str(shown(file)), takes=TAKES, got=got)
        content = OmegaConf.to_container(OmegaConf.load(io.StringIO(text)), resolve=False)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f", line {mark.line + 1}"
        problem = str(error.problem or error.context)
        problem = "a tab, where YAML takes spaces" if "'\\t'" in problem else problem
        raise InputError(f"{shown(file)}{line}: no YAML: {problem}") from error
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise InputError(f"{shown(file)}: no YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        takes = "settings that are nested less deeply, and none within itself"
        raise InputError.at(str(shown(file)), takes=takes, got="deeper ones") from error
    except (ValueError, LookupError, ArithmeticError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        # of a value that is not what its sign says, !!int abc, or that Python does not read
        problem = " ".join(str(error).partition("; use ")[0].split())
        raise InputError(f"{shown(file)}: no YAML: a value that cannot be read: {problem}") from error
    assert isinstance(content, dict)
    return {str(name): value for name, value in content.items()}


def check_package(file: Path, package: str, header: str | None) -> None:
    """Refuse a file whose settings would land where there are none.

    Args:
        package: where its settings go, dotted; empty for the top.
        header: what it says of that itself.
    """
    top = package.partition(".")[0]
    if not top or top == "hydra" or schema.is_group(top):
        return
    got = "none there" if header is None else f"# @package {header}"
    if header is None and GLOBAL in text_of(file):
        got = "it further down"
    takes = f"{GLOBAL} in its first line, as it has settings of several groups"
    raise InputError.at(str(shown(file)), takes=takes, got=got)


def check_settings(file: Path, content: Mapping[str, Any], package: str) -> None:
    """Refuse keys that no setting has, and values of another type.

    Args:
        content: what the file says.
        package: where its settings go, dotted; empty for the top.
    """
    given = {name: value for name, value in content.items() if name != "defaults"}
    if package.partition(".")[0] == "hydra":
        return
    if not package:
        given.pop("hydra", None)
    try:
        _check(given, package)
    except InputError as error:
        raise InputError(f"{shown(file)}: {error}") from error


def _check(given: Mapping[Any, Any], prefix: str) -> None:
    for name, value in given.items():
        key = f"{prefix}.{name}" if prefix else str(name)
        if "." in str(name):
            # Hydra would take it for one name, which is that of no setting
            raise InputError.at(key, takes=f"nesting in a file, {_nested(str(name), value)}", got=f"the name {name}")
        schema.check_key(key)
        if isinstance(value, str) and ("${" in value or value == "???"):
            continue
        if not schema.is_group(key):
            schema.check_value(key, value)
        elif isinstance(value, Mapping):
            _check(value, key)
        else:
            takes = schema.describe(key)
            if isinstance(value, str) and "." not in key:
                takes = f"settings; a file of the group is named in the list defaults: override /{key}: {value}"
            raise InputError.at(key, takes=takes, got="nothing" if value is None else value)


def _nested(name: str, value: Any) -> str:
    """Return how a dotted name is written in a file: a: {b: 3}."""
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf).removesuffix("...\n").strip()
    first, *others = name.split(".")
    for part in reversed(others):
        text = f"{{{part}: {text}}}"
    return f"{first}: {text}"


def sets(content: Mapping[str, Any], package: str, key: str) -> bool:
    """Tell whether a file gives a value for a setting.

    Args:
        content: what the file says.
        package: where its settings go, dotted; empty for the top.
        key: the dotted name of the setting.
    """
    node: Any = content
    inside = key.removeprefix(f"{package}.") if package else key
    if package and inside == key:
        return False
    for part in inside.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return False
        node = node[part]
    return True
