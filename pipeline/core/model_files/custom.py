"""The user's own file with layers and functions, which is named on the command line; never one out of a model."""

import hashlib
import inspect
import sys
import traceback
import types
from pathlib import Path
from typing import Any

import keras

from pipeline.core.model_files.allowed import BASES
from pipeline.runtime.errors import InputError, one_line, why

CUSTOM = "model.custom"
TAKES = "a Python file with the classes and functions that a model needs"
# By the digest of the file, so that its classes stay the same ones in a process.
_KNOWN: dict[str, dict[str, Any]] = {}


def read_custom(path: Path) -> tuple[str, bytes]:
    """Return the digest and the content of the file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError.at(CUSTOM, takes=TAKES, got=why(error)) from error
    return hashlib.sha256(content).hexdigest(), content


def custom_objects(path: Path) -> dict[str, Any]:
    """Import the file, under a name of its own, and return what it has for models, by name.

    That are the functions and classes that it defines, classes for Keras that it imports from elsewhere than Keras, and
    whatever it registers with Keras.

    Raises:
        InputError: it cannot be read, or fails; the line where it does is told.
    """
    digest, content = read_custom(path)
    if digest not in _KNOWN:
        _KNOWN[digest] = _imported(path, digest, content)
    return _KNOWN[digest]


def _imported(path: Path, digest: str, content: bytes) -> dict[str, Any]:
    module = types.ModuleType(f"model_custom_{digest[:16]}")
    module.__file__ = str(path.absolute())
    registered = keras.saving.get_custom_objects()
    before = dict(registered)
    # as of any module: some classes look for theirs
    sys.modules[module.__name__] = module
    try:
        exec(compile(content, str(path), "exec"), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        del sys.modules[module.__name__]
        raise InputError.at(CUSTOM, takes=TAKES, got=f"{path}, line {_line(error, path)}: {one_line(error)}") from error
    finally:
        new = {name: value for name, value in registered.items() if before.get(name) is not value}
        # those of one model are not those of another
        registered.clear()
        registered.update(before)
    found = {name: value for name, value in vars(module).items() if _is_for_models(value, module.__name__)}
    return found | new | {name.rpartition(">")[2]: value for name, value in new.items()}


def _is_for_models(value: Any, module: str) -> bool:
    home = getattr(value, "__module__", None) or ""
    if inspect.isclass(value):
        return home == module or (issubclass(value, BASES) and home.split(".")[0] != "keras")
    return inspect.isfunction(value) and home == module


def _line(error: BaseException, path: Path) -> int:
    """Return the line of the file at which an error came up."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 0
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return (lines[-1] if lines else 0) or 0
