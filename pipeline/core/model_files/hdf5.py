"""An HDF5 file of Keras': looked through, so that it leads nowhere else and is as large as it says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py

from pipeline.core.model_files.allowed import NotAllowedError, check_config, without_compilation

SMALL, SHRINKS = 2**26, 100
BROKEN = "which is broken or was cut off: HDF5 cannot read it"


def check_hdf5(path: Path) -> int:
    """Look through all groups and arrays; return how many arrays there are, those of an optimizer not counted.

    Raises:
        NotAllowedError: one of them lies in another file, is a link, or would be far larger than the file.
    """
    size, total, arrays = path.stat().st_size, 0, 0
    try:
        with h5py.File(path, "r") as file:
            todo: list[tuple[str, h5py.Group]] = [("", file)]
            seen = set()
            while todo:
                place, group = todo.pop()
                for name in group:
                    where = f"{place}/{name}"
                    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                        raise NotAllowedError(f"whose {where} leads to another place or file; not followed")
                    found = group[name]
                    address = h5py.h5o.get_info(found.id).addr
                    if isinstance(found, h5py.Group):
                        if address not in seen:
                            seen.add(address)
                            todo.append((where, found))
                    elif isinstance(found, h5py.Dataset):
                        if found.external or found.is_virtual:
                            raise NotAllowedError(f"whose {where} lies in another file, which is not read")
                        total += found.size * found.dtype.itemsize if found.size is not None else 0
                        arrays += not where.startswith(("/optimizer", "/optimizer_weights"))
                    if total > SMALL and total > SHRINKS * size:
                        raise NotAllowedError(f"whose {where} would be far larger than the file, a bomb; not read")
    except (OSError, RuntimeError, KeyError) as error:
        raise NotAllowedError(BROKEN) from error
    return arrays


def read_hdf5(path: Path, custom: Mapping[str, Any]) -> str | None:
    """Look through a whole model, a copy, and take out of it how it was trained.

    Returns:
        The version of Keras that wrote it, None if it does not say.
    Raises:
        NotAllowedError: what is wrong with it.
    """
    check_hdf5(path)
    try:
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            version = file.attrs.get("keras_version")
            version = version.decode() if isinstance(version, bytes) else version
            if not isinstance(config, dict):
                raise NotAllowedError("whose description is none of a model")
            kept = without_compilation(config)
            check_config(kept, custom)
            if "model_weights" not in file:
                raise NotAllowedError("which has no weights")
            if "training_config" in file.attrs:
                del file.attrs["training_config"]
            file.attrs["model_config"] = json.dumps(kept)
    except NotAllowedError:
        raise
    except (OSError, RuntimeError, KeyError) as error:
        raise NotAllowedError(BROKEN) from error
    except (ValueError, RecursionError, TypeError) as error:
        raise NotAllowedError("whose description is broken: it is no JSON that can be read") from error
    return version if isinstance(version, str) else None
