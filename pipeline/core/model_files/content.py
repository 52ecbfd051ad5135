"""What a file is, by its content: a model of Keras, or something else, which has a way out of its own."""

import zipfile
from enum import Enum
from pathlib import Path

import h5py

from pipeline.runtime.errors import InputError, why

PATH, WEIGHTS_PATH = "model.path", "model.weights"
TAKES = {
    PATH: "a .keras or .h5 file of a whole Keras model",
    WEIGHTS_PATH: "a .weights.h5 file with the weights of this CNN's layers",
}
SAVE = "model.save('my.keras')"
# Of weights in HDF5, one of them.
OF_WEIGHTS = ("layers", "_layer_checkpoint_dependencies", "vars")
# Of a zip, by what is in it.
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
# The first bytes of files that are no models of Keras, and what is said of each.
BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"BM": "a BMP picture",
    b"\x93NUMPY": "an array of NumPy",
    b"\x1f\x8b": "something compressed by gzip",
    b"%PDF": "a PDF",
    b"GGUF": "a GGUF file",
}
# Not opened further than this: a pickle runs code.
PYTORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
WAYS = {
    "SavedModel": f"a SavedModel; load it where it was made (tf.keras.models.load_model) and save it by {SAVE}",
    "ONNX": f"an ONNX file; convert it to Keras (onnx2tf --output_keras_v3), or set its weights there, and {SAVE}",
    "PyTorch": "a PyTorch file, which is not opened as it may run code; export it to ONNX, convert that to Keras "
    f"(onnx2tf --output_keras_v3), or set its weights there, and {SAVE}",
    "TFLite": f"a TFLite file, which keeps no layers; save the Keras model that it was made of by {SAVE}",
    "pickle": f"a pickle, which is not opened as it may run code; load it where it was made and save it by {SAVE}",
    "safetensors": f"weights without layers (safetensors); set them in a Keras model and save it by {SAVE}",
}


class Kind(Enum):
    keras = "keras"
    hdf5 = "hdf5"
    weights = "weights"


def kind_of(path: Path, key: str = PATH) -> Kind:
    """Return what kind of Keras file this is.

    Args:
        key: the setting that names it.
    Raises:
        InputError: there is none, or it is something else; it says what to do.
    """
    try:
        if path.is_dir():
            raise refused(key, path, _folder(path))
        with path.open("rb") as file:
            head = file.read(512)
        if not head:
            raise refused(key, path, "an empty file")
        found = _zipped(path) if zipfile.is_zipfile(path) else _hdf5(path) if h5py.is_hdf5(path) else None
    except OSError as error:
        raise InputError.at(key, takes=TAKES[key], got=why(error)) from error
    if isinstance(found, Kind):
        return found
    raise refused(key, path, found or _other(path, head))


def refused(key: str, path: Path, what: str) -> InputError:
    """Return the error for a file that is something else."""
    return InputError.at(key, takes=TAKES[key], got=f"{path}, {what}")


def _folder(path: Path) -> str:
    if (path / "saved_model.pb").is_file():
        return WAYS["SavedModel"]
    if (path / CONFIG).is_file():
        return f"the folder of a .keras file that was unpacked; pack its files again, {CONFIG} at the top of the zip"
    return "a folder"


def _zipped(path: Path) -> Kind | str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RecursionError):
        return "which is broken or was cut off: it cannot be unpacked"
    if CONFIG in names:
        return Kind.keras
    if any(name.rpartition("/")[2] == "data.pkl" for name in names):
        return WAYS["PyTorch"]
    if any(name.rpartition("/")[2] == "saved_model.pb" for name in names):
        return f"a packed folder; unpacked it is {WAYS['SavedModel']}"
    if names and all(name.endswith(".npy") for name in names):
        return "arrays of NumPy (.npz), no model"
    return f"a zip without {CONFIG}, so no model of Keras"


def _hdf5(path: Path) -> Kind | str:
    try:
        with h5py.File(path, "r") as file:
            if "model_config" in file.attrs:
                return Kind.hdf5
            is_new = any(
                file.get(name, getlink=True) is not None for name in ("layers", "_layer_checkpoint_dependencies")
            )
            if is_new or "layer_names" in file.attrs or "vars" in file:
                return Kind.weights
            names = ", ".join(list(file)[:5]) or "nothing"
    except (OSError, RuntimeError, KeyError, ValueError):
        return "which is broken or was cut off: HDF5 cannot read it"
    return f"an HDF5 file with {names} in it, no model of Keras"


def _other(path: Path, head: bytes) -> str:
    """Say what a file is that is neither a zip nor HDF5."""
    suffix = path.suffix.lower()
    if head.startswith(b"PK"):
        return "which was cut off: it cannot be unpacked"
    if head.startswith(PYTORCH):
        return WAYS["PyTorch"]
    if head[:1] == b"\x80" and len(head) > 1 and 2 <= head[1] <= 5:
        return WAYS["PyTorch" if suffix in (".pt", ".pth", ".bin") else "pickle"]
    if head[4:8] == b"TFL3":
        return WAYS["TFLite"]
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return WAYS["safetensors"]
    for beginning, what in BEGINNINGS.items():
        if head.startswith(beginning):
            return what
    if suffix == ".onnx" or (head[:1] == b"\x08" and (b"onnx" in head or b"pytorch" in head)):
        return WAYS["ONNX"]
    if path.name == "saved_model.pb":
        return f"a part of {WAYS['SavedModel']}"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return "which is no model"
    return "a text" if b"\x00" not in head else "which is no model"
