"""Data sets to arrays."""

import gzip
import hashlib
from pathlib import Path

import numpy as np

from pipeline.data.bundled import load_digits
from pipeline.data.dataset import Dataset
from pipeline.engine.storage import load_arrays
from pipeline.runtime.errors import InputError
from pipeline.runtime.numerics import settle_keras
from pipeline.settings.choices import DataSet
from pipeline.settings.data import DataConfig

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

# SHA-256 of the bytes of x_train, y_train, x_test, y_test. Files differ in how they pack the same images.
MNIST_DIGESTS = (
    "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
)
DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = (
    "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
ARRAY_NAMES = ("x_train", "y_train", "x_test", "y_test")
IDX_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def load_dataset(config: DataConfig, *, size: int) -> Dataset:
    """The data set of the settings: every image enlarged to `size` x `size` if it is smaller, and standardized.

    `name` says what the content is, not what it was asked for as: arrays under data=mnist that are not MNIST's get
    the name "mnist (other content)".

    Raises:
        InputError: a file that is missing, broken or of another layout.
    """
    match config.name:
        case DataSet.digits:
            arrays = _digits()
        case _:
            arrays = _read(Path(config.path)) if config.path else _from_keras(config.name)
    digests = [hashlib.sha256(array.tobytes()).hexdigest() for array in arrays]
    name = config.name.value
    if config.name is DataSet.mnist and tuple(digests) != MNIST_DIGESTS:
        name = "mnist (other content)"
    if config.limit is not None:
        arrays = tuple(array[: config.limit] for array in arrays)  # type: ignore[assignment]
    x_train, y_train, x_test, y_test = arrays
    return Dataset(
        name=name,
        digest=hashlib.sha256(":".join([*digests, str(config.limit), str(size)]).encode()).hexdigest(),
        train_images=standardized(enlarged(x_train, size)),
        train_labels=y_train.astype(np.int64),
        test_images=standardized(enlarged(x_test, size)),
        test_labels=y_test.astype(np.int64),
        class_names=FASHION_NAMES if config.name is DataSet.fashion_mnist else DIGIT_NAMES,
    )


def standardized(images: np.ndarray) -> np.ndarray:
    """Every image (count, size, size) with mean 0 and standard deviation 1; an even one becomes 0.

    Returns:
        (count, size, size, 1) float32.
    """
    images = images.astype(np.float32)[..., None]
    centred = images - images.mean(axis=(1, 2, 3), keepdims=True)
    # the same floor as tf.image.per_image_standardization
    spread = np.maximum(images.std(axis=(1, 2, 3), keepdims=True), 1 / np.sqrt(images[0].size))
    return (centred / spread).astype(np.float32)


def enlarged(images: np.ndarray, size: int) -> np.ndarray:
    """Bicubic enlargement of (count, side, side) to (count, size, size); larger images are shrunk."""
    if images.shape[1:] == (size, size):
        return images
    from PIL import Image

    pictures = (Image.fromarray(image.astype(np.float32)) for image in images)
    return np.stack([np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC)) for picture in pictures])


def _digits() -> Arrays:
    """scikit-learn's 1,797 digits; every fifth image of each class is a test image."""
    images, labels = load_digits()
    images = images.reshape(-1, 8, 8)
    order = np.argsort(labels, kind="stable")
    test = np.zeros(len(labels), bool)
    test[order[2::5]] = True
    return images[~test], labels[~test], images[test], labels[test]


def _from_keras(name: DataSet) -> Arrays:
    """From Keras' cache in the home directory, else by Keras' own download."""
    settle_keras()
    from keras import datasets

    module = {DataSet.mnist: datasets.mnist, DataSet.fashion_mnist: datasets.fashion_mnist}[name]
    try:
        (x_train, y_train), (x_test, y_test) = module.load_data()
    except Exception as error:
        raise InputError.at(
            "data.path",
            takes="an .npz file or a folder of IDX files, as the data is not in Keras' cache and cannot be downloaded",
            got=f"null ({' '.join(str(error).split()) or type(error).__name__})",
        ) from error
    return x_train, y_train, x_test, y_test


def _read(path: Path) -> Arrays:
    """An .npz in Keras' layout, or a folder with the four IDX files."""
    takes = "an .npz file with x_train, y_train, x_test, y_test, or a folder with the four IDX .gz files"
    try:
        path = path.expanduser()
    except RuntimeError as error:
        raise InputError.at("data.path", takes=takes, got=f"{path}: {error}") from error
    if not path.exists():
        raise InputError.at("data.path", takes=takes, got=f"{path}, which does not exist")
    try:
        arrays = _read_idx(path) if path.is_dir() else _read_npz(path)
    except Exception as error:  # OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error: all kinds of broken
        raise InputError.at("data.path", takes=takes, got=f"{path}: {error}") from error
    x_train, y_train, x_test, y_test = arrays
    for x, y, part in ((x_train, y_train, "train"), (x_test, y_test, "test")):
        if x.ndim != 3 or x.shape[1] != x.shape[2] or y.shape != x.shape[:1] or x.size == 0:
            takes = f"square grey images x_{part} (count, side, side) with labels y_{part} (count,)"
            raise InputError.at("data.path", takes=takes, got=f"{path} with {x.shape} and {y.shape}")
        if x.dtype.kind not in "uif" or not np.isfinite(x).all():
            takes = "images of finite numbers"
            raise InputError.at("data.path", takes=takes, got=f"{path} with x_{part} of {x.dtype}")
        if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() > 9:
            raise InputError.at(
                "data.path", takes="labels 0 to 9", got=f"{path} with {y.dtype}, {y.min()} to {y.max()}"
            )
    return arrays


def _read_npz(path: Path) -> Arrays:
    arrays = load_arrays(path)
    missing = [name for name in ARRAY_NAMES if name not in arrays]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    x_train, y_train, x_test, y_test = (arrays[name] for name in ARRAY_NAMES)
    return x_train, y_train, x_test, y_test


def _read_idx(folder: Path) -> Arrays:
    x_train, y_train, x_test, y_test = (_read_idx_file(folder / name) for name in IDX_NAMES)
    return x_train, y_train, x_test, y_test


def _read_idx_file(path: Path) -> np.ndarray:
    """IDX: two zero bytes, 8 (unsigned bytes), the number of axes, each axis' length as big-endian int32, the bytes."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path.name} is no IDX file of unsigned bytes")
    axes = content[3]
    shape = np.frombuffer(content, ">i4", axes, 4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    if values.size != np.prod(shape):
        raise ValueError(f"{path.name} has {values.size} bytes where its header says {np.prod(shape)}")
    return values.reshape(shape)
