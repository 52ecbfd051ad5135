"""Results to and from disk, whole or not at all.

A stage's folder holds its arrays (.npz without pickles), pictures, record and, for the training, the model. It is
written under another name beside its place and moved there in one step, so that what stands there is complete.
"""

import contextlib
import dataclasses
import json
import shutil
import uuid
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from pipeline.data.arrays import UNREADABLE, load_arrays
from pipeline.engine.provenance import array_digest, file_digest
from pipeline.engine.record import StageRecord
from pipeline.engine.result import OneFileResult, Result
from pipeline.runtime.errors import BrokenFileError, InputError
from pipeline.runtime.reading import part, read_json

if TYPE_CHECKING:
    import keras

OnSaved = Callable[[int], None]
Kind = TypeVar("Kind", bound=OneFileResult)

MODEL, SNAPSHOTS, RECORD = "model.keras", "snapshots.npz", "stage.json"


class SavedFile(NamedTuple):
    """The size and the digest of a file as it was saved."""

    size: int
    digest: str


# What else is in stage.json, by dotted name; and what the records of older versions lack.
DESCRIBED: dict[str, Any] = {"process.threads": int | None, "digests": dict[str, str]}
DESCRIBED_SINCE: dict[str, Any] = {
    "process.overrides": list[str],
    "process.named_by": list[str],
    "process.packages": dict[str, str],
    "process.git": dict[str, Any] | None,
    "process.source": str,
    "ingredients": dict[str, Any],
    "ingredients.settings": dict[str, Any],
    "ingredients.inputs": dict[str, Any],
    "ingredients.upstream": dict[str, str] | str,
    "files": dict[str, SavedFile],
}


@contextlib.contextmanager
def new_folder(place: Path) -> Iterator[Path]:
    """Give a folder to fill that becomes `place` when the block ends, and vanishes if it fails.

    If `place` has appeared meanwhile, from another process that computed the same, that one is kept.
    """
    draft = place.parent / f".{place.name}-{uuid.uuid4().hex}"
    draft.mkdir(parents=True)
    try:
        yield draft
        try:
            draft.rename(place)
        except OSError:
            if not place.is_dir():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def copy_folder(source: Path, place: Path, *, before: Callable[[Path], None] = lambda _: None) -> None:
    """Copy a stage's folder, complete or not at all.

    Args:
        before: called with the copy before it is in its place.
    """
    with new_folder(place) as draft:
        shutil.copytree(source, draft, dirs_exist_ok=True)
        before(draft)


def save_result(result: Result, folder: Path, *, on_saved: OnSaved = lambda _: None) -> dict[str, str]:
    """Write the arrays of a result, and its model if it has one, into `folder`.

    Args:
        on_saved: called with the bytes, in memory, of every file when it is saved; `size` of them in all.
    Returns:
        The digest of every array, by file and name: what two runs are compared by.
    """
    digests: dict[str, str] = {}
    for file, arrays in result.arrays().items():
        # not compressed: of floats that takes twenty times as long, and they stay nearly as large
        np.savez(folder / file, allow_pickle=False, **arrays)
        digests |= {f"{file}/{name}": array_digest(array) for name, array in arrays.items()}
        on_saved(sum(array.nbytes for array in arrays.values()))
    for file, source in getattr(result, "copies", {}).items():
        shutil.copyfile(source, folder / file)
    model = getattr(result, "model", None)
    if model is not None:
        model.save(folder / MODEL)
        digests |= {f"{MODEL}/{weight.path}": array_digest(np.array(weight.numpy())) for weight in model.weights}
    return digests


def size(result: Result) -> int:
    """Return the bytes of all arrays that `save_result` saves."""
    return sum(array.nbytes for arrays in result.arrays().values() for array in arrays.values())


def load_result(kind: type[Kind], folder: Path) -> Kind:
    """Return a result of which `save_result` has made a single file, out of a stage's folder.

    Args:
        kind: the class of the result.
    Raises:
        InputError: the file is broken, or of another version.
    """
    try:
        arrays = load_arrays(folder / kind.FILE)
        # a text or number is an array without axes
        return kind(**{name: array if array.ndim else array.item() for name, array in arrays.items()})
    except (*UNREADABLE, TypeError) as error:
        raise _broken(folder, f"{kind.FILE} {_not_readable(folder / kind.FILE)}") from error


def load_saved(folder: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the arrays of a stage's folder by the names under which `save_result` returned their digests.

    Those of a file that is not there are left out.

    Raises:
        InputError: a file is broken.
    """
    arrays: dict[str, np.ndarray] = {}
    for file in sorted({name.partition("/")[0] for name in names}):
        if not (folder / file).is_file():
            continue
        if file == MODEL:
            found = {weight.path: np.array(weight.numpy()) for weight in load_model(folder).weights}
        else:
            try:
                found = load_arrays(folder / file)
            except UNREADABLE as error:
                raise BrokenFileError(folder / file, _not_readable(folder / file)) from error
        arrays |= {f"{file}/{name}": array for name, array in found.items()}
    return arrays


def load_model(folder: Path) -> "keras.Model":
    """Return the trained model of a training's folder.

    Raises:
        InputError: the file is broken.
    """
    import keras

    try:
        return keras.models.load_model(folder / MODEL, compile=False)
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise _broken(folder, f"{MODEL} cannot be loaded by Keras") from error


def save_record(record: StageRecord, folder: Path, **more: Any) -> None:
    """Write stage.json: the record, the size and digest of every file that is there now, and more.

    Args:
        more: whatever else describes the stage.
    """
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    described = {name: [path.stat().st_size, file_digest(path)] for name, path in files.items()}
    content = {"record": dataclasses.asdict(record), **more, "files": described}
    (folder / RECORD).write_text(json.dumps(content, indent=1), encoding="utf-8")


def problem(folder: Path, *, thorough: bool, without: Collection[str] = ()) -> str | None:
    """Return what is not as it was saved in a stage's folder, None if all is.

    Args:
        thorough: compare the digest of every file, not only its size.
        without: files that need not be there.
    """
    try:
        described = read_json(folder / RECORD)
        _record_in(described, folder / RECORD)
        files = part(described, "files", dict[str, SavedFile], folder / RECORD)
    except BrokenFileError as error:
        return f"{RECORD} {error.problem}"
    for name, saved in files.items():
        file = folder / name
        if name in without:
            continue
        try:
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != saved.size or (thorough and file_digest(file) != saved.digest):
                return f"{name} has changed"
        except (OSError, ValueError):
            return f"{name} cannot be read"
    return None


def holds_only_saved(folder: Path, *, besides: Collection[str]) -> bool:
    """Tell whether nothing is in a stage's folder but what was saved there, as it was saved.

    Args:
        besides: names of files that do not matter.
    """
    if problem(folder, thorough=True) is not None:
        return False
    saved = {RECORD, *besides, *read_json(folder / RECORD)["files"]}
    return all(
        path.is_dir() or (path.relative_to(folder).as_posix() in saved and not path.is_symlink())
        for path in folder.rglob("*")
    )


def load_record(folder: Path) -> StageRecord:
    """Return the record that `save_record` wrote; its steps, which JSON has made to text, are numbers again.

    Raises:
        InputError: the file is broken.
    """
    try:
        return _record_in(read_json(folder / RECORD), folder / RECORD)
    except BrokenFileError as error:
        raise _broken(folder, f"{RECORD} {error.problem}") from error


def load_described(folder: Path) -> dict[str, Any]:
    """Return all that stage.json says of a stage; what later commands take from it is of the types that they take.

    Raises:
        BrokenFileError: it cannot be read, or something is missing or of another type.
    """
    file = folder / RECORD
    described = read_json(file)
    _record_in(described, file)
    for name, kind in DESCRIBED.items():
        part(described, name, kind, file)
    for name, kind in DESCRIBED_SINCE.items():
        group, _, entry = name.rpartition(".")
        if entry in (described.get(group) or {} if group else described):
            part(described, name, kind, file)
    return described


def _record_in(described: dict[str, Any], file: Path) -> StageRecord:
    record: StageRecord = part(described, "record", StageRecord, file)
    return record


def load_process(folder: Path) -> dict[str, Any]:
    """Return what stage.json says of the process that computed the stage; empty if it says nothing."""
    return _said(folder, "process")


def load_ingredients(folder: Path) -> dict[str, Any]:
    """Return what stage.json says the stage's key is the digest of; empty if it says nothing."""
    return _said(folder, "ingredients")


def load_upstream(folder: Path) -> dict[str, str]:
    """Return stage -> key of what stage.json says the stage stands on; empty if it says nothing."""
    upstream = load_ingredients(folder).get("upstream")
    # of earlier versions it is the key of the training alone
    return upstream if isinstance(upstream, dict) else {}


def _said(folder: Path, name: str) -> dict[str, Any]:
    try:
        return dict(part(read_json(folder / RECORD), name, dict[str, Any], folder / RECORD))
    except BrokenFileError:
        return {}


def load_whole_record(folder: Path) -> StageRecord:
    """Return the record of a stage of which every file is as it was saved.

    Raises:
        InputError: one is not.
    """
    if (found := problem(folder, thorough=True)) is not None:
        raise _broken(folder, found)
    return load_record(folder)


def _broken(folder: Path, found: str) -> InputError:
    takes = "false, or whole results in the store (remove the broken folder to compute it anew)"
    return InputError.at("reuse", takes=takes, got=f"true with {folder}, which is broken: {found}")


def _not_readable(file: Path) -> str:
    """Return what is wrong with a file of arrays that could not be read."""
    return "is no whole file of arrays" if file.is_file() else "is not there"
