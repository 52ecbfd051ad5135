"""A model out of a file of the user's, once in a process as long as the file stays as it is."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras

from pipeline.core.finite import broken_weight
from pipeline.core.model_files.allowed import NotAllowedError
from pipeline.core.model_files.archive import read_archive, with_version
from pipeline.core.model_files.content import PATH, SAVE, TAKES, WEIGHTS_PATH, Kind, kind_of, refused
from pipeline.core.model_files.custom import custom_objects, read_custom
from pipeline.core.model_files.hdf5 import check_hdf5, read_hdf5
from pipeline.runtime.errors import InputError, one_line, why

# So many models are kept, those that were asked for last.
MOST = 4


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A file with its model. digest: of all that made the model: the file, the user's own file, other weights."""

    path: Path
    digest: str
    model: keras.Model
    version: str | None


class _State(NamedTuple):
    """By which it is seen that a file was changed."""

    path: str
    size: int
    time: int
    number: int


_DIGESTS: dict[_State, str] = {}
_MODELS: dict[tuple[str, ...], ModelFile] = {}


def read_model(
    path: str | Path, *, custom: str | Path | None = None, architecture: keras.Model | None = None
) -> keras.Model:
    """Return the model of a file of Keras'. Nothing in the file is executed.

    Args:
        path: a `.keras` or `.h5` file of a whole model; or weights (`.weights.h5`) with `architecture`.
        custom: a Python file of one's own with the classes and functions that the model needs.
        architecture: a model of the layers that the weights are of; it gets them.
    Raises:
        InputError: a file that is broken, something else, or holds what is not allowed; it says what to do.
    """
    place = Path(path).expanduser()
    if architecture is not None:
        return load_weights(architecture, place)
    return read_model_file(place, custom=None if custom is None else Path(custom).expanduser()).model


# as which it stands among the functions for Python
load_model = read_model


def read_model_file(path: Path, *, custom: Path | None = None, weights: Path | None = None) -> ModelFile:
    """Return the model of a file with what is known of it; the same object for the same content.

    Args:
        path: of a whole model.
        custom: see `read_model`.
        weights: a file of other weights for it.
    Raises:
        InputError: see `read_model`.
    """
    own = {} if custom is None else custom_objects(custom)
    digests = [file_digest(path, PATH), "" if custom is None else read_custom(custom)[0]]
    digests.append("" if weights is None else file_digest(weights, WEIGHTS_PATH))
    key = tuple(digests)
    if key in _MODELS:
        # the one that was asked for last stands last
        _MODELS[key] = _MODELS.pop(key)
        return _MODELS[key]
    model, version = _read(path, own)
    if weights is not None:
        load_weights(model, weights)
    elif (found := broken_weight(model)) is not None:
        raise refused(PATH, path, f"with {found}")
    digest = digests[0] if not any(digests[1:]) else hashlib.sha256(":".join(digests).encode()).hexdigest()
    _MODELS[key] = ModelFile(path, digest, model, version)
    while len(_MODELS) > MOST:
        del _MODELS[next(iter(_MODELS))]
    return _MODELS[key]


def known_file(digest: str) -> ModelFile | None:
    """Return the file of this digest, see `ModelFile`, if this process has read it; None if not."""
    return next((file for file in _MODELS.values() if file.digest == digest), None)


def load_weights(model: keras.Model, path: Path) -> keras.Model:
    """Give a model the weights of a file, all of them, and return it.

    Raises:
        InputError: no such file, weights of other layers, or such as are no finite numbers.
    """
    kind = kind_of(path, WEIGHTS_PATH)
    takes = TAKES[WEIGHTS_PATH]
    if kind is not Kind.weights:
        got = f"{path}, a whole model: model=file model.path={path}"
        raise InputError.at(WEIGHTS_PATH, takes=takes, got=got)
    with _copy(path, WEIGHTS_PATH) as copy:
        try:
            saved = check_hdf5(copy)
            # those of random layers, which decide nothing here, may be among them
            if saved not in (len(model.weights), len(model.variables)):
                raise NotAllowedError(f"with {saved} arrays, for layers with {len(model.weights)}")
            with h5py.File(copy, "r") as file:
                is_old = "layer_names" in file.attrs
            named = copy.rename(copy.with_name("copy.h5" if is_old else "copy.weights.h5"))
            model.load_weights(named)
        except NotAllowedError as error:
            raise InputError.at(WEIGHTS_PATH, takes=takes, got=f"{path}, {error}") from error
        except Exception as error:
            raise InputError.at(WEIGHTS_PATH, takes=takes, got=f"{path}, of other layers: {one_line(error)}") from error
    if (found := broken_weight(model)) is not None:
        raise InputError.at(WEIGHTS_PATH, takes=takes, got=f"{path}, with {found}")
    return model


def file_digest(path: Path, key: str) -> str:
    """Return the SHA-256 of a file of Keras', read again only if it was changed.

    Raises:
        InputError: it cannot be read, or is no file of Keras'.
    """
    try:
        state = path.stat()
        known = _State(str(path.absolute()), state.st_size, state.st_mtime_ns, state.st_ino)
        if known not in _DIGESTS:
            kind_of(path, key)
            with path.open("rb") as file:
                _DIGESTS[known] = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError.at(key, takes=TAKES[key], got=why(error)) from error
    return _DIGESTS[known]


def _read(path: Path, own: Mapping[str, Any]) -> tuple[keras.Model, str | None]:
    kind = kind_of(path)
    if kind is Kind.weights:
        what = f"weights without layers; model.weights={path} with model=article, or with the model.path of its layers"
        raise refused(PATH, path, what)
    with _copy(path, PATH) as copy:
        try:
            if kind is Kind.keras:
                looked_through, version = read_archive(copy, copy.parent, own)
            else:
                looked_through, version = copy.rename(copy.with_name("copy.h5")), None
                version = read_hdf5(looked_through, own)
            return _checked(_loaded(looked_through, own, version)), version
        except NotAllowedError as error:
            raise refused(PATH, path, str(error)) from error


def _loaded(copy: Path, own: Mapping[str, Any], version: str | None) -> keras.Model:
    """Let Keras load what was looked through."""
    try:
        return keras.models.load_model(copy, custom_objects=dict(own), compile=False, safe_mode=True)
    except MemoryError as error:
        raise NotAllowedError("which does not fit into the memory") from error
    except Exception as error:
        # of whatever kind Keras, HDF5 and TensorFlow raise
        said = NotAllowedError(f"which Keras cannot load: {one_line(error)}")
        raise with_version(said, version) from error


def _checked(model: Any) -> keras.Model:
    """Refuse what has no layers that can be looked into."""
    if not isinstance(model, keras.Model):
        raise NotAllowedError(f"a {type(model).__name__}, no model")
    if not model.built or not getattr(model, "inputs", None):
        raise NotAllowedError(
            f"a {type(model).__name__} whose layers are not known before it is called; give a Sequential an Input, or "
            f"make it by keras.Model(inputs, outputs), and {SAVE}"
        )
    return model


@contextlib.contextmanager
def _copy(path: Path, key: str) -> Iterator[Path]:
    """Give a copy of a file, in a folder of its own, so that what is looked through is what is loaded."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "file")
        try:
            shutil.copyfile(path, copy)
        except OSError as error:
            raise InputError.at(key, takes=TAKES[key], got=why(error)) from error
        yield copy
