"""A .keras file: a zip that is looked through, and copied without what a model is not loaded with."""

import json
import stat
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.core.model_files.allowed import NotAllowedError, check_config, without_compilation
from pipeline.core.model_files.content import CONFIG, METADATA, WEIGHTS
from pipeline.core.model_files.hdf5 import check_hdf5

ASSETS = "assets/"
MOST_FILES = 10_000
# A description, and all together; and by how much a zip may shrink what is larger than SMALL.
LARGEST_CONFIG, LARGEST, SMALL, SHRINKS = 2**26, 2**34, 2**26, 100
BLOCK = 2**20


def read_archive(path: Path, folder: Path, custom: Mapping[str, Any]) -> tuple[Path, str | None]:
    """Look through a .keras file and copy what a model is loaded with.

    Args:
        folder: where the copy is made.
        custom: what the user's own file has, by name.
    Returns:
        The copy, and the version of Keras that wrote it, None if it does not say.
    Raises:
        NotAllowedError: what is wrong with it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = _checked(archive)
            version = _version(archive, infos)
            config = _json(archive, infos[CONFIG])
            try:
                check_config(without_compilation(config), custom)
            except NotAllowedError as error:
                raise with_version(error, version) from error
            if WEIGHTS not in infos:
                raise NotAllowedError(f"which has no {WEIGHTS}, so no weights")
            weights = folder / WEIGHTS
            _unpack(archive, infos[WEIGHTS], weights)
            check_hdf5(weights)
            copy = folder / "copy.keras"
            with zipfile.ZipFile(copy, "w") as target:
                target.writestr(CONFIG, json.dumps(without_compilation(config)))
                target.writestr(METADATA, json.dumps({"keras_version": version}))
                target.write(weights, WEIGHTS)
                for name, info in infos.items():
                    if name.startswith(ASSETS) and not info.is_dir():
                        target.writestr(name, archive.read(info))
            weights.unlink()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise NotAllowedError("which is broken or was cut off: it cannot be unpacked") from error
    return copy, version


def with_version(error: NotAllowedError, version: str | None) -> NotAllowedError:
    """Return the error, which says so where a newer Keras has written the file."""
    import keras

    if version is None or _numbers(version) <= _numbers(keras.__version__):
        return error
    return NotAllowedError(
        f"{error}; it was saved by Keras {version}, newer than {keras.__version__} here: update Keras, or save it with "
        "this one"
    )


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


def _checked(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return what is in a zip, by name, unless something about it is wrong."""
    infos = archive.infolist()
    if len(infos) > MOST_FILES:
        raise NotAllowedError(f"a zip of {len(infos)} files, no model of Keras")
    for info in infos:
        name = info.filename
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
            raise NotAllowedError(f"a zip with a file of the name {name!r}, which leads out of it; not unpacked")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise NotAllowedError(f"a zip with a link in it, {name!r}; not unpacked")
        if info.flag_bits & 1:
            raise NotAllowedError("a zip with a password; save the model without")
        if info.file_size > SMALL and info.file_size > SHRINKS * info.compress_size:
            raise NotAllowedError(f"a zip whose {name!r} would be {info.file_size} bytes, a bomb; not unpacked")
    for name, times in Counter(info.filename for info in infos).items():
        if times > 1:
            raise NotAllowedError(f"a zip with {name!r} in it twice, no model of Keras")
    if sum(info.file_size for info in infos) > LARGEST:
        raise NotAllowedError(f"a zip of more than {LARGEST // 2**30} GiB; not unpacked")
    return {info.filename: info for info in infos}


def _json(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    if info.file_size > LARGEST_CONFIG:
        raise NotAllowedError(f"whose {info.filename} has {info.file_size} bytes, no description of a model")
    try:
        found = json.loads(archive.read(info))
    except (ValueError, RecursionError) as error:
        raise NotAllowedError(f"whose {info.filename} is broken: it is no JSON that can be read") from error
    if not isinstance(found, dict):
        raise NotAllowedError(f"whose {info.filename} is no description of a model")
    return found


def _version(archive: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo]) -> str | None:
    found = _json(archive, infos[METADATA]).get("keras_version") if METADATA in infos else None
    return found if isinstance(found, str) else None


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: Path) -> None:
    with archive.open(info) as source, place.open("wb") as target:
        while block := source.read(BLOCK):
            target.write(block)
