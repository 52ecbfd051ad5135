"""Data sets: the same arrays from every source, and one line on what is broken."""

import gzip
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import reference

from pipeline.data import sets
from pipeline.data.dataset import Dataset
from pipeline.data.datasets import load_dataset
from pipeline.data.files import state_of
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Split
from pipeline.settings.compose import check_overrides
from pipeline.settings.data import DataConfig
from pipeline.settings.presets import Presets

MNIST = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "mnist.npz"

IDX_NAMES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}


def made_up(train: int = 23, test: int = 12, side: int = 10) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(1)
    return {
        "x_train": generator.integers(0, 256, (train, side, side), dtype=np.uint8),
        "y_train": generator.integers(0, 10, train, dtype=np.uint8),
        "x_test": generator.integers(0, 256, (test, side, side), dtype=np.uint8),
        "y_test": generator.integers(0, 10, test, dtype=np.uint8),
    }


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(path, **arrays)
    return path


def write_idx(folder: Path, arrays: dict[str, np.ndarray]) -> Path:
    folder.mkdir()
    for name, array in arrays.items():
        header = struct.pack(f">BBBB{array.ndim}i", 0, 0, 8, array.ndim, *array.shape)
        (folder / IDX_NAMES[name]).write_bytes(gzip.compress(header + array.tobytes()))
    return folder


def settings_of(name: str, path: Path | str | None = None, **changes) -> DataConfig:
    """The settings of a data set, as conf/data/ has them but for these changes."""
    others = {"limit": None, "preprocessing": None, "class_names": None, "fit": "crop", "test_share": 0.2, "seed": 0}
    return DataConfig(name=name, path=None if path is None else str(path), epochs=1, **{**others, **changes})


def load(name: str, path: Path | str | None = None, *, limit: int | None = None, size: int = 12) -> Dataset:
    return load_dataset(settings_of(name, path, limit=limit), size=size)


def refusal(name: str, path: Path | str) -> str:
    """The message with which data at this path is refused: one line that names the setting and the file."""
    with pytest.raises(InputError) as caught:
        load(name, path)
    message = str(caught.value)
    assert message.startswith("data.path: takes ")
    assert f"; got {path}" in message
    assert "\n" not in message
    return message


# the embedded digits -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", size=28)


def test_digits_are_all_1797_every_fifth_of_them_for_testing(digits):
    from sklearn.datasets import load_digits

    _, labels = load_digits(return_X_y=True)
    # sorted by class, the 3rd, 8th, 13th ... of 1797
    assert (len(digits.train_labels), len(digits.test_labels)) == (1438, 359)
    both = np.concatenate([digits.train_labels, digits.test_labels])
    np.testing.assert_array_equal(np.bincount(both), np.bincount(labels))
    shares = np.bincount(digits.test_labels) / np.bincount(labels)
    assert (np.abs(shares - 0.2) < 0.01).all()


def test_no_test_digit_is_a_training_digit(digits):
    train, test = ({image.tobytes() for image in images} for images in (digits.train_images, digits.test_images))
    assert len(train) == 1438
    assert len(test) == 359
    assert not train & test


def test_digits_are_split_alike_every_time(digits):
    again = load("digits", size=28)
    np.testing.assert_array_equal(again.test_images, digits.test_images)
    np.testing.assert_array_equal(again.test_labels, digits.test_labels)
    assert again.digest == digits.digest
    assert digits.name == "digits"
    assert digits.train_images.dtype == digits.test_images.dtype == np.float32


def test_digits_are_enlarged_and_standardized(digits):
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    third_zero = images[labels == 0][2].reshape(8, 8)
    # Pillow's bicubic has the same kernel
    expected = reference.standardize(reference.resize(third_zero, 28))
    first_zero_for_testing = digits.test_images[digits.test_labels == 0][0]
    np.testing.assert_allclose(first_zero_for_testing[..., 0], expected, atol=1e-4)
    for split in (digits.train_images, digits.test_images):
        np.testing.assert_allclose(split.mean(axis=(1, 2, 3)), 0, atol=1e-5)
        np.testing.assert_allclose(split.std(axis=(1, 2, 3)), 1, atol=1e-4)


# files -------------------------------------------------------------------------------------------------------------


def test_npz_and_idx_of_the_same_images_give_the_same_arrays_and_the_same_digest(tmp_path):
    arrays = made_up()
    from_npz = load("mnist", write_npz(tmp_path / "data.npz", arrays))
    from_idx = load("mnist", write_idx(tmp_path / "idx", arrays))
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        np.testing.assert_array_equal(getattr(from_npz, name), getattr(from_idx, name))
    assert from_npz.digest == from_idx.digest


def test_images_of_a_file_keep_their_order_and_their_labels(tmp_path):
    arrays = made_up(side=12)
    loaded = load("mnist", write_npz(tmp_path / "data.npz", arrays))
    np.testing.assert_array_equal(loaded.train_labels, arrays["y_train"])
    np.testing.assert_array_equal(loaded.test_labels, arrays["y_test"])
    for images, pixels in ((loaded.train_images, arrays["x_train"]), (loaded.test_images, arrays["x_test"])):
        expected = [reference.standardize(image.astype(float)) for image in pixels]
        np.testing.assert_allclose(images[..., 0], expected, atol=1e-4)


def test_an_image_of_one_grey_level_becomes_zero(tmp_path):
    arrays = made_up(side=12)
    arrays["x_train"][3] = 200
    loaded = load("mnist", write_npz(tmp_path / "data.npz", arrays))
    assert not loaded.train_images[3].any()
    assert np.isfinite(loaded.train_images).all()


def test_a_limit_takes_the_first_images_of_both_halves(tmp_path):
    path = write_npz(tmp_path / "data.npz", made_up())
    whole, limited = load("mnist", path), load("mnist", path, limit=11)
    np.testing.assert_array_equal(limited.train_images, whole.train_images[:11])
    np.testing.assert_array_equal(limited.test_labels, whole.test_labels[:11])
    assert limited.digest != whole.digest


@pytest.mark.parametrize("changed", ["x_train", "y_train", "x_test", "y_test"])
def test_any_changed_value_changes_the_digest(tmp_path, changed):
    before = load("mnist", write_npz(tmp_path / "before.npz", made_up()))
    arrays = made_up()
    arrays[changed].flat[0] ^= 1
    after = load("mnist", write_npz(tmp_path / "after.npz", arrays))
    assert after.digest != before.digest


def test_the_digest_depends_on_the_size_but_not_on_the_packing(tmp_path):
    np.savez(tmp_path / "plain.npz", **made_up())
    np.savez_compressed(tmp_path / "packed.npz", **made_up())
    plain, packed = (load("mnist", tmp_path / name) for name in ("plain.npz", "packed.npz"))
    assert plain.digest == packed.digest
    assert load("mnist", tmp_path / "plain.npz", size=14).digest != plain.digest


def test_only_the_content_of_mnist_is_called_mnist(tmp_path):
    path = write_npz(tmp_path / "mnist.npz", made_up())
    assert load("mnist", path).name == "mnist (other content)"
    assert load("fashion_mnist", path).name == "fashion_mnist"
    assert load("fashion_mnist", path).class_names[9] == "ankle boot"


@pytest.mark.slow
@pytest.mark.skipif(not MNIST.is_file(), reason="the real MNIST is not there: no shared/data/mnist.npz")
def test_the_real_mnist_is_called_mnist_also_as_a_part_but_not_with_one_label_changed(tmp_path):
    whole = load("mnist", MNIST, size=28)
    assert whole.name == "mnist"
    assert whole.train_images.shape == (60000, 28, 28, 1)
    np.testing.assert_array_equal(whole.train_labels[:5], [5, 0, 4, 1, 9])
    np.testing.assert_array_equal(
        np.bincount(whole.test_labels), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    )
    with np.load(MNIST) as file:
        expected = reference.standardize(file["x_test"][7].astype(float))
        arrays = {name: file[name] for name in file}
    np.testing.assert_allclose(whole.test_images[7, :, :, 0], expected, atol=1e-4)
    part = load("mnist", MNIST, limit=10, size=28)
    assert part.name == "mnist"
    np.testing.assert_array_equal(part.train_images, whole.train_images[:10])
    arrays["y_test"][-1] ^= 1
    changed = load("mnist", write_npz(tmp_path / "mnist.npz", arrays), limit=10, size=28)
    assert changed.name == "mnist (other content)"
    assert changed.digest != part.digest


# another data set --------------------------------------------------------------------------------------------------

QUARTERS = """
import numpy as np

from pipeline.data.source import Arrays, DatasetSource


def _arrays() -> Arrays:
    images = np.zeros((12, 12, 12), np.uint8)
    labels = np.arange(12, dtype=np.uint8) % 4
    for image, label in zip(images, labels):
        image[:6, :6], image[:6, 6:], image[6:, :6], image[6:, 6:] = 255 * np.eye(4, dtype=np.uint8)[label]
    return Arrays(images, labels, images[:8], labels[:8])


SOURCE = DatasetSource(class_names=("north-west", "north-east", "south-west", "south-east"), own_arrays=_arrays)
"""


@pytest.fixture
def quarters(tmp_path, monkeypatch) -> Iterator[str]:
    """The name of a data set of four classes that is a file outside of the package."""
    folder = tmp_path / "sets"
    folder.mkdir()
    (folder / "quarters.py").write_text(QUARTERS)
    monkeypatch.setattr(sets, "__path__", [*sets.__path__, str(folder)])
    monkeypatch.setattr(sets, "NAMES", (*sets.NAMES, "quarters"))
    yield "quarters"
    sys.modules.pop("pipeline.data.sets.quarters", None)


def test_a_data_set_is_a_file_and_its_name(compose, quarters):
    loaded = load_dataset(compose(f"data.name={quarters}").data, size=12)
    assert loaded.name == "quarters"
    assert loaded.classes == 4
    assert loaded.class_names == ("north-west", "north-east", "south-west", "south-east")
    assert loaded.train_images.shape == (12, 12, 12, 1)
    for split, count in ((Split.train, 12), (Split.test, 8)):
        images, labels = loaded.split(split)
        np.testing.assert_array_equal(labels, np.arange(count) % 4)
        bright = images[..., 0] > 0
        corners = bright[:, [0, 0, 11, 11], [0, 11, 0, 11]]
        np.testing.assert_array_equal(corners, np.eye(4)[labels])
        np.testing.assert_array_equal(bright.sum(axis=(1, 2)), 36)


def test_files_of_another_data_set_have_as_many_labels_as_it_has_classes(tmp_path, quarters):
    arrays = {name: array % 4 if name.startswith("y") else array for name, array in made_up().items()}
    assert load(quarters, write_npz(tmp_path / "data.npz", arrays)).name == "quarters"
    arrays["y_test"][3] = 4
    assert refusal(quarters, write_npz(tmp_path / "more.npz", arrays)).startswith(
        "data.path: takes whole labels y_test from 0 to 3, or their names; got"
    )


def test_another_data_set_is_named_where_an_unknown_one_is_refused(compose, quarters):
    with pytest.raises(InputError) as caught:
        compose("data.name=cifar")
    assert (
        str(caught.value)
        == f"data.name: takes one of digits, mnist, fashion_mnist, cifar10, npz, folder, {quarters}; got cifar"
    )


@pytest.mark.parametrize("name", sets.NAMES)
def test_every_data_set_has_a_file_of_settings_and_names_for_its_classes(compose, name):
    assert compose(f"data={name}", *["data.path=some"] * (name in ("npz", "folder"))).data.name == name
    source = sets.source_of(name)
    assert source.classes == len(set(source.class_names))


def test_an_unknown_data_set_is_refused_wherever_it_is_named(compose):
    message = "data.name: takes one of digits, mnist, fashion_mnist, cifar10, npz, folder; got cifar"
    for refused in (
        lambda: compose("data.name=cifar"),
        lambda: check_overrides(Presets.of_command(["-m", "data.name=mnist,cifar"])),
        lambda: settings_of("cifar"),
    ):
        with pytest.raises(InputError) as caught:
            refused()
        assert str(caught.value) == message


def test_naming_and_refusing_data_sets_imports_none_of_them():
    check = (
        "import sys\n"
        "from pipeline import compose\n"
        "from pipeline.runtime.errors import InputError\n"
        "compose('data=mnist', 'data.path=mnist.npz')\n"
        "try: compose('data.path=mnist.npz')\n"
        "except InputError as error: print(error)\n"
        "sys.exit(bool({'tensorflow', 'keras', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "data.path: takes null for data=digits, which comes with scikit-learn; got mnist.npz\n"


# broken files ------------------------------------------------------------------------------------------------------


def test_a_path_that_is_not_there_is_refused(tmp_path):
    assert "does not exist" in refusal("mnist", tmp_path / "nothing.npz")
    assert "home directory" in refusal("mnist", "~no-user-of-this-name/mnist.npz")


@pytest.mark.parametrize("kept", [0, 1, 100, 1500])
def test_a_truncated_npz_is_refused(tmp_path, kept):
    path = write_npz(tmp_path / "data.npz", made_up())
    path.write_bytes(path.read_bytes()[:kept])
    refusal("mnist", path)


def test_a_damaged_npz_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **made_up())
    content = bytearray(path.read_bytes())
    content[300:340] = bytes(40)
    path.write_bytes(content)
    refusal("mnist", path)


def test_a_text_called_npz_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    path.write_text("no array\n" * 20)
    refusal("mnist", path)


def test_a_single_array_called_npz_is_refused(tmp_path):
    with (tmp_path / "data.npz").open("wb") as file:
        np.save(file, made_up()["x_train"])
    refusal("mnist", tmp_path / "data.npz")


class Trap:
    """Unpickled, it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickled_objects_are_refused_and_not_loaded(tmp_path):
    sprung = tmp_path / "sprung"
    trap = np.array([Trap(sprung)], dtype=object)
    path = write_npz(tmp_path / "data.npz", {**made_up(), "x_test": trap})
    refusal("mnist", path)
    assert not sprung.exists()
    with np.load(path, allow_pickle=True) as file:
        file["x_test"]
    assert sprung.exists()  # the trap was one


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
def test_a_missing_array_is_named(tmp_path, name):
    arrays = made_up()
    del arrays[name]
    assert name in refusal("mnist", write_npz(tmp_path / "data.npz", arrays)).partition("; got ")[2]


@pytest.mark.parametrize(
    ("name", "spoilt", "said"),
    [
        ("x_train", np.zeros((23, 100), np.uint8), r"(23, 100)"),
        ("x_test", np.zeros((12, 10, 10, 3), np.uint8), r"(12, 10, 10, 3)"),
        ("x_test", np.zeros((0, 10, 10), np.uint8), r"(0, 10, 10)"),
        ("x_train", np.zeros((23, 0, 0), np.uint8), r"(23, 0, 0)"),
        ("y_train", np.zeros(22, np.uint8), r"(22,)"),
        ("y_test", np.zeros((12, 2), np.uint8), r"(12, 2)"),
        ("x_train", np.full((23, 10, 10), np.nan), "float64"),
        ("x_train", np.full((23, 10, 10), "7"), "<U1"),
        ("y_train", np.full(23, 10), "10 to 10"),
        ("y_train", np.full(23, -1), "-1 to -1"),
        ("y_test", np.full(12, 1.5), "float64"),
        ("y_test", np.full(12, np.nan), "float64"),
        ("y_test", np.full(12, "7"), "<U1"),
        ("y_test", np.full(12, 1j), "complex128"),
        ("x_train", np.full((23, 10, 10), 1e300), "1e+300"),
    ],
    ids=lambda value: str(value.shape) if isinstance(value, np.ndarray) else str(value),
)
def test_arrays_of_another_layout_are_refused_with_what_they_are(tmp_path, name, spoilt, said):
    path = write_npz(tmp_path / "data.npz", {**made_up(), name: spoilt})
    assert said in refusal("mnist", path).partition("; got ")[2]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"no gzip at all",
        lambda content: gzip.compress(b""),
        lambda content: gzip.compress(b"\0\0"),
        lambda content: gzip.compress(gzip.decompress(content)[:10]),
        lambda content: gzip.compress(gzip.decompress(content)[:-1]),
        lambda content: gzip.compress(gzip.decompress(content) + b"\0"),
        lambda content: gzip.compress(b"\0\0\x0d" + gzip.decompress(content)[3:]),
    ],
    ids=[
        "truncated", "empty", "no gzip", "nothing inside", "half a header", "header only", "a byte too few",
        "a byte too many", "floats",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["x_train", "y_test"])
def test_a_broken_idx_file_is_refused(tmp_path, name, spoil):
    folder = write_idx(tmp_path / "idx", made_up())
    file = folder / IDX_NAMES[name]
    file.write_bytes(spoil(file.read_bytes()))
    refusal("mnist", folder)


def test_an_empty_folder_is_refused_with_the_file_that_is_missing(tmp_path):
    (tmp_path / "idx").mkdir()
    assert IDX_NAMES["x_train"] in refusal("mnist", tmp_path / "idx")


def test_a_zip_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("readme.txt", "no arrays")
    refusal("mnist", tmp_path / "data.npz")


def test_the_digits_and_photos_are_those_that_scikit_learn_loads():
    from sklearn import datasets

    from pipeline.data import bundled

    for ours, theirs in zip(bundled.load_digits(), datasets.load_digits(return_X_y=True), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    for name in ("flower.jpg", "china.jpg"):
        np.testing.assert_array_equal(bundled.load_sample_image(name), datasets.load_sample_image(name))


def test_the_digits_and_photos_come_from_scikit_learn_where_its_files_lie_elsewhere(monkeypatch):
    from pipeline.data import bundled

    digits, flower = bundled.load_digits(), bundled.load_sample_image("flower.jpg")
    monkeypatch.setattr(bundled, "_file", lambda *path: None)
    np.testing.assert_array_equal(bundled.load_digits()[0], digits[0])
    np.testing.assert_array_equal(bundled.load_sample_image("flower.jpg"), flower)


def test_a_file_of_data_that_is_written_to_is_told_from_before(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    assert state_of(file) == ()
    np.savez(file, x=np.zeros(3))
    before = state_of(file)
    assert before == state_of(file)
    np.savez(file, x=np.zeros(4))
    assert state_of(file) != before
    folder = state_of(tmp_path)
    np.savez(tmp_path / "b.npz", x=np.zeros(4))
    assert len(state_of(tmp_path)) == len(folder) + 1
