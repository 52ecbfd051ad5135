"""Arrays of one's own: every layout gives the same images, and what is none is refused in one line."""

import gzip
import math
import struct
from pathlib import Path

import numpy as np
import pytest
import reference
from test_data import Trap, made_up, settings_of

from pipeline.core.preprocessing import Preprocessing, preprocessing_of
from pipeline.data.dataset import Dataset
from pipeline.data.datasets import load_dataset
from pipeline.data.images import LazyImages
from pipeline.runtime.errors import InputError
from pipeline.stages.train.preconditions import check_labels

LUMA = np.array([0.299, 0.587, 0.114])


def npz(path: Path, name: str = "own.npz", **arrays) -> Path:
    np.savez(path / name, **arrays)
    return path / name


def load(path: Path, *, name: str = "npz", size=10, channels: int = 1, preprocessing=None, **settings) -> Dataset:
    return load_dataset(settings_of(name, path, **settings), size=size, channels=channels, preprocessing=preprocessing)


def refusal(path: Path, **settings) -> str:
    with pytest.raises(InputError) as caught:
        load(path, **settings)
    message = str(caught.value)
    assert "\n" not in message
    assert ": takes " in message
    assert "; got " in message
    return message


def colourful(count: int = 12, height: int = 10, width: int = 10) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def same(one: Dataset, other: Dataset) -> None:
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-6)
    assert one.class_names == other.class_names


# axes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["npz", "mnist", "fashion_mnist"])
@pytest.mark.parametrize(
    "arranged",
    [lambda x: x[..., None], lambda x: x[:, None], lambda x: x.astype(np.float64), lambda x: x.astype(np.int32)],
    ids=["channel last", "channel first", "floats", "int32"],
)
def test_grey_images_are_the_same_in_every_layout(tmp_path, name, arranged):
    arrays = made_up()
    arrays["y_train"][0] = arrays["y_test"][0] = 9
    plain = load(npz(tmp_path, **arrays), name=name)
    arranged = {key: arranged(x) if key.startswith("x") else x for key, x in arrays.items()}
    same(load(npz(tmp_path, "other.npz", **arranged), name=name), plain)


def test_colours_are_the_same_with_their_channels_first(tmp_path):
    x = colourful()
    last = npz(tmp_path, x=x, y=np.arange(12) % 3)
    first = npz(tmp_path, "first.npz", x=np.moveaxis(x, -1, 1), y=np.arange(12) % 3)
    same(load(last, channels=3), load(first, channels=3))
    assert load(last, channels=3).train_images.shape[1:] == (10, 10, 3)


def test_a_cnn_of_one_channel_sees_the_luma_and_one_of_three_sees_grey_three_times(tmp_path):
    x, grey = colourful(), colourful()[..., 0]
    seen = load(npz(tmp_path, x_train=x, x_test=x), preprocessing=preprocessing_of("bytes"))
    np.testing.assert_allclose(seen.test_images[..., 0], np.rint(x @ LUMA), atol=1)
    assert np.abs(seen.test_images[..., 0] - x @ LUMA).max() <= 0.5 + 1e-3
    seen = load(npz(tmp_path, x_train=grey, x_test=grey), channels=3, preprocessing=preprocessing_of("bytes"))
    for channel in range(3):
        np.testing.assert_array_equal(seen.test_images[..., channel], grey)


def test_channels_that_a_cnn_does_not_take_are_refused_and_its_own_are_not(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (8, 10, 10, 5), dtype=np.uint8)
    path = npz(tmp_path, x_train=x, x_test=x)
    assert load(path, channels=5).train_images.shape == (8, 10, 10, 5)
    assert refusal(path, channels=3) == (
        f"data.path: takes pictures of 3 channels, as the CNN takes them; got {path} with 5"
    )


def test_training_and_test_images_of_other_channels_are_refused(tmp_path):
    path = npz(tmp_path, x_train=colourful(), x_test=colourful()[..., 0])
    assert "(12, 10, 10, 3) and (12, 10, 10)" in refusal(path)


@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_images_of_other_proportions_are_cropped_or_stretched(tmp_path, fit):
    x = np.zeros((10, 8, 16), np.uint8)
    x[:, :, 4:12] = 200  # the square in the middle
    path = npz(tmp_path, x_train=x, x_test=x)
    seen = load(path, size=8, fit=fit, preprocessing=preprocessing_of("bytes")).train_images[0, ..., 0]
    if fit == "crop":
        np.testing.assert_array_equal(seen, 200)
    else:
        assert np.abs(seen[:, [0, 3, 4, 7]] - [[0, 200, 200, 0]] * 8).max() < 5
    assert load(path, size=(4, 8), fit=fit).train_images.shape == (10, 4, 8, 1)


def test_bytes_are_enlarged_as_floats_are_but_rounded(tmp_path):
    # of a range in which nothing is cut off; Pillow rounds twice, for rows and for columns
    x = 64 + made_up(side=8)["x_train"] // 2
    seen = load(npz(tmp_path, x_train=x, x_test=x), size=16, preprocessing=preprocessing_of("bytes")).train_images
    expected = reference.resize(x[5].astype(float), 16)
    assert np.abs(seen[5, ..., 0] - expected).max() <= 1.05
    np.testing.assert_array_equal(seen, np.rint(seen))


# labels and names --------------------------------------------------------------------------------------------------

LABELS = np.arange(24) % 4


@pytest.mark.parametrize(
    "labels",
    [
        LABELS[:, None], LABELS.astype(np.float32), np.eye(4)[LABELS], np.eye(4, dtype=bool)[LABELS],
        LABELS.astype(np.uint8), LABELS.astype(str), LABELS.astype(bytes), LABELS.astype(np.float64)[:, None],
    ],
    ids=["column", "floats", "one-hot", "one-hot truth", "bytes", "texts", "byte texts", "column of floats"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["npz", "fashion_mnist"])
def test_labels_are_the_same_in_every_layout(tmp_path, name, labels):
    x = made_up(24)["x_train"]
    seen = load(npz(tmp_path, x_train=x, y_train=labels, x_test=x, y_test=labels), name=name)
    np.testing.assert_array_equal(seen.train_labels, LABELS)
    assert seen.train_labels.dtype == np.int64
    assert seen.class_names[:2] == (("0", "1") if name == "npz" else ("T-shirt", "trouser"))


def test_texts_are_the_names_of_their_classes_sorted(tmp_path):
    x = made_up(24)["x_train"]
    words = np.array(["dog", "a cat", "zebra/horse", "Äffchen"])
    seen = load(npz(tmp_path, x=x, y=words[LABELS]))
    assert seen.class_names == ("a cat", "dog", "zebra/horse", "Äffchen")
    # every class has six images, of which one is for testing
    np.testing.assert_array_equal(np.bincount(seen.train_labels), [5, 5, 5, 5])
    np.testing.assert_array_equal(np.bincount(seen.test_labels), [1, 1, 1, 1])
    assert load(npz(tmp_path, x=x, y=words[LABELS].astype(str)), class_names=list("abcd")).class_names == tuple("abcd")


def test_texts_that_name_the_classes_of_a_known_data_set_are_its_labels(tmp_path):
    x = made_up(4)["x_train"]
    words = np.array(["bag", "sandal", "coat", "T-shirt"])
    path = npz(tmp_path, x_train=x, y_train=words, x_test=x, y_test=words)
    np.testing.assert_array_equal(load(path, name="fashion_mnist").train_labels, [8, 5, 4, 0])
    assert "'T-shirt'" in refusal(path, name="mnist")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.full(24, -1), "int64, -1 to -1"), (np.full(24, 1.5), "float64, 1.5 to 1.5"), (np.arange(23), "(23,)"),
        (np.full(24, 1j), "complex128"), (np.full(24, 10**6), "1000000 to 1000000"), (np.full(24, np.nan), "nan"),
        (np.full((24, 4), 0.25), "(24, 4) that are not one-hot"), (np.ones((24, 4, 4)), "(24, 4, 4)"),
        (np.zeros((24, 4), int), "not one-hot"), (np.array(["2001-01-01"] * 24, "M8[D]"), "datetime64"),
        (np.zeros(0), "(0,)"), (np.where(np.arange(24) == 7, 2.5, 3.0), "2.5 among float64, 2.5 to 3.0"),
        (np.array(["40000"] * 24), "40000 among int64"), (np.full(24, 2**64 - 1, np.uint64), "18446744073709551615"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_label_is_refused(tmp_path, labels, said):
    assert said in refusal(npz(tmp_path, x=made_up(24)["x_train"], y=labels)).partition("; got ")[2]


def test_data_without_labels_have_no_classes(tmp_path):
    path = npz(tmp_path, images=made_up(24)["x_train"])
    seen = load(path)
    assert not seen.has_labels
    assert seen.class_names == ()
    np.testing.assert_array_equal(seen.train_labels, np.full(19, -1))
    np.testing.assert_array_equal(seen.test_labels, np.full(5, -1))
    assert refusal(path, class_names=["a"]).startswith("data.class_names: takes null for data without labels")
    with pytest.raises(InputError, match="data: takes images with the class of each for the training of a CNN; got "):
        check_labels(load(path))


def test_names_come_from_the_settings_the_file_or_the_numbers(tmp_path):
    x, names = made_up(24)["x_train"], np.array(["p", "q", "r", "s"])
    path = npz(tmp_path, x=x, y=LABELS, class_names=names)
    assert load(path).class_names == ("p", "q", "r", "s")
    assert load(path, class_names=list("abcd")).class_names == ("a", "b", "c", "d")
    # a class of which there is no image
    assert load(path, class_names=list("abcde")).class_names == ("a", "b", "c", "d", "e")
    assert "a name for each of the 4 classes; got 3: a, b, c" in refusal(path, class_names=list("abc"))
    assert "one for each of the 4 classes" in refusal(npz(tmp_path, x=x, y=LABELS, class_names=names[:3]))
    assert load(npz(tmp_path, x=x, y=LABELS)).class_names == ("0", "1", "2", "3")
    digits = load_dataset(settings_of("digits", class_names=list("abcdefghij")), size=8)
    assert digits.class_names == tuple("abcdefghij")
    for given in (list("abc"), list("abcdefghijk")):
        with pytest.raises(InputError, match=r"^data\.class_names: takes a name for each of the 10 classes"):
            load_dataset(settings_of("digits", class_names=given), size=8)


def test_odd_names_become_short_lines_that_differ(tmp_path):
    x = made_up(25)["x_train"]
    words = np.array(["a\nb", "a b", "", "x" * 500, "\x00\x07"])
    names = load(npz(tmp_path, x=x, y=words[np.arange(25) % 5])).class_names
    assert len(set(names)) == len(names)
    assert all(name == name.strip() and name and len(name) <= 90 and name.isprintable() for name in names)
    assert {"a b", "a b (2)", "(no name)"} <= set(names)


# names of arrays ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"), ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("train_data", "train_targets", "val_data", "val_targets"),
        ("images_train", "labels_train", "images_test", "labels_test"),
    ],
    ids=str,
)  # fmt: skip
def test_arrays_are_found_by_usual_names(tmp_path, names):
    arrays = dict(zip(names, made_up().values(), strict=True))
    same(load(npz(tmp_path, **arrays)), load(npz(tmp_path, "keras.npz", **made_up())))


@pytest.mark.parametrize("names", ["x y", "X Y", "images labels", "data targets", "data label"])
def test_one_part_is_split_by_a_seed_and_every_class_alike(tmp_path, names):
    x, labels = made_up(60)["x_train"], np.repeat([0, 1, 2], [10, 20, 30])
    path = npz(tmp_path, **dict(zip(names.split(), (x, labels), strict=True)))
    seen, again, other = load(path), load(path), load(path, seed=1)
    np.testing.assert_array_equal(np.bincount(seen.test_labels), [2, 4, 6])
    np.testing.assert_array_equal(np.bincount(seen.train_labels), [8, 16, 24])
    np.testing.assert_array_equal(seen.test_images, again.test_images)
    assert seen.digest == again.digest
    assert other.digest != seen.digest
    assert not np.array_equal(other.test_images, seen.test_images)
    every = np.sort(np.concatenate([seen.train_images, seen.test_images]).reshape(60, -1), axis=0)
    expected = np.sort([reference.standardize(one.astype(float)).ravel() for one in x], axis=0)
    np.testing.assert_allclose(every, expected, atol=1e-4)
    np.testing.assert_array_equal(np.bincount(load(path, test_share=0.5).test_labels), [5, 10, 15])


def test_what_is_unclear_in_a_file_is_refused(tmp_path):
    x = made_up()["x_train"]
    assert "it lacks x_train, or x, images or data; it has weights" in refusal(npz(tmp_path, weights=x))
    assert "several arrays that may be x: data, images" in refusal(npz(tmp_path, data=x, images=x))
    assert "it lacks y_test, the labels of one part" in refusal(npz(tmp_path, x_train=x, y_train=x[:, 0, 0], x_test=x))
    assert "two images at least" in refusal(npz(tmp_path, x=x[:1]))
    for spoilt in (x[:0], x[:, :0], x[..., 0], x[0], np.float32(3), x.astype(str), x * 1j, x.astype("M8[s]")):
        refusal(npz(tmp_path, x=spoilt))
    assert "not finite" in refusal(npz(tmp_path, x=np.where(x > 9, np.inf, 0)))


def test_numbers_that_overflow_on_the_way_are_refused_with_the_largest(tmp_path):
    x = np.where(made_up(24)["x_train"] > 99, 3e38, -3e38).astype(np.float32)
    path = npz(tmp_path, x=x)
    np.testing.assert_array_equal(
        np.abs(load(path, preprocessing=Preprocessing("none")).train_images), np.float32(3e38)
    )
    # bicubic interpolation swings over
    said = refusal(path, size=12, preprocessing=Preprocessing("none"))
    assert said == f"data.path: takes numbers that can be resized, up to 9e+37; got {path} with 3e+38"
    said = refusal(path)
    assert said.endswith(f"got {path} with 3e+38")
    assert "can be standardized" in said
    assert "a float32 holds" in refusal(npz(tmp_path, x=x.astype(np.float64) * 1e200))


@pytest.mark.parametrize(
    "setting",
    [
        *({"mean": number, "std": 1.0} for number in (math.nan, math.inf, 1e39, 10**400)),
        *({"mean": 0.5, "std": number} for number in (math.inf, 1e-39, 1e-300, [10**400])),
    ],
    ids=lambda setting: str(setting)[:30],
)
def test_a_mean_and_a_std_that_overflow_are_refused(tmp_path, setting):
    with pytest.raises(InputError, match=r"^data\.preprocessing: takes [^\n]*; got "):
        settings_of("npz", tmp_path, preprocessing=setting)


def test_objects_are_not_read_wherever_they_are(tmp_path):
    sprung = tmp_path / "sprung"
    trap, x = np.array([Trap(sprung)] * 23, dtype=object), made_up()["x_train"]
    for arrays in ({"x": trap}, {"x": x, "y": trap}, {"x": x, "y": made_up()["y_train"], "class_names": trap}):
        assert "Python objects, which are not read" in refusal(npz(tmp_path, **arrays))
    # what is not asked for is not touched
    assert load(npz(tmp_path, x=x, notes=trap)).name == "own"
    assert not sprung.exists()


def test_keras_pickles_are_refused_with_a_way_out(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"\x80\x02}q\x00.")
    message = refusal(tmp_path / "cifar-10-batches-py", name="cifar10")
    assert "takes null for Keras' cache, or an .npz file" in message
    assert "pickles" in message


def test_cifar10_is_colour_with_its_classes(tmp_path):
    labels = np.arange(12)[:, None] % 10
    path = npz(tmp_path, x_train=colourful(12, 32, 32), y_train=labels, x_test=colourful(12, 32, 32), y_test=labels)
    seen = load(path, name="cifar10", size=32, channels=3)
    assert seen.name == "cifar10"
    assert seen.class_names[3] == "cat"
    np.testing.assert_array_equal(seen.train_labels, labels[:, 0])
    expected = colourful(12, 32, 32)[7].astype(float)
    np.testing.assert_allclose(seen.train_images[7], (expected - expected.mean()) / expected.std(), atol=1e-4)


# IDX ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        "train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte",
        "train-images.idx3-ubyte train-labels.idx1-ubyte t10k-images.idx3-ubyte t10k-labels.idx1-ubyte",
        "emnist-train-images-idx3-ubyte.gz emnist-train-labels-idx1-ubyte.gz emnist-test-images-idx3-ubyte.gz "
        "emnist-test-labels-idx1-ubyte.gz",
    ],
)
@pytest.mark.parametrize("is_packed", [True, False])
@pytest.mark.parametrize("name", ["mnist", "npz"])
def test_idx_files_are_known_by_their_content(tmp_path, names, is_packed, name):
    arrays = made_up()
    arrays["y_train"][0] = 9
    (tmp_path / "idx").mkdir()
    for file, array in zip(names.split(), arrays.values(), strict=True):
        content = struct.pack(f">BBBB{array.ndim}i", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
        (tmp_path / "idx" / file).write_bytes(gzip.compress(content) if is_packed else content)
    same(load(tmp_path / "idx", name=name), load(npz(tmp_path, **arrays), name=name))


def test_idx_files_of_four_axes_are_colours(tmp_path):
    x, labels = colourful(), np.arange(12, dtype=np.uint8)
    names = ("train-images-idx4-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx4-ubyte", "t10k-labels-idx1-ubyte")
    for file, array in zip(names, (x, labels, x, labels), strict=True):
        content = struct.pack(f">BBBB{array.ndim}i", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
        (tmp_path / file).write_bytes(content)
    same(
        load(tmp_path, channels=3), load(npz(tmp_path, x_train=x, y_train=labels, x_test=x, y_test=labels), channels=3)
    )


def test_two_sets_of_idx_files_in_a_folder_are_refused(tmp_path):
    for name in ("a-train-images-idx3-ubyte", "b-train-images-idx3-ubyte"):
        (tmp_path / name).write_bytes(b"")
    assert "several files of that kind: a-train-images-idx3-ubyte, b-train" in refusal(tmp_path, name="mnist")


# preprocessing -----------------------------------------------------------------------------------------------------

GREY = np.array([[0, 51], [102, 255]], np.uint8)
SHOWN = {
    "unit": [[0, 0.2], [0.4, 1]],
    "bytes": [[0, 51], [102, 255]],
    "symmetric": [[-1, -0.6], [-0.2, 1]],
    "none": [[0, 51], [102, 255]],
}


@pytest.mark.parametrize("kind", SHOWN)
def test_levels_become_what_the_cnn_takes(tmp_path, kind):
    path = npz(tmp_path, x_train=np.stack([GREY] * 3), x_test=np.stack([GREY] * 2))
    assert load(path, size=2).preprocessing.standardizes
    seen = load_dataset(settings_of("npz", path, preprocessing=kind), size=2)
    np.testing.assert_allclose(seen.test_images[1, ..., 0], SHOWN[kind], atol=1e-7)
    assert (seen.preprocessing.kind, seen.test_images.dtype) == (kind, np.float32)
    if kind != "none":
        assert seen.preprocessing == preprocessing_of(kind)
    else:
        assert (seen.preprocessing.low, seen.preprocessing.high) == ((0,), (255,))


@pytest.mark.parametrize(
    ("numbers", "levels"),
    [
        (GREY.astype(np.float32), GREY / 255), (GREY / 255, GREY / 255), (GREY.astype(np.int64), GREY / 255),
        (GREY.astype(np.uint16) * 257, GREY / 255), (GREY > 100, GREY > 100), ((GREY > 100) * 1, GREY > 100),
        (GREY.astype(np.float16), GREY / 255), (GREY.astype(np.uint32) * (2**32 // 255), GREY / 255),
    ],
    ids=["float bytes", "levels", "int64", "uint16", "truth", "0 and 1", "float16", "uint32"],
)  # fmt: skip
def test_every_kind_of_numbers_has_its_white(tmp_path, numbers, levels):
    path = npz(tmp_path, x_train=np.stack([numbers] * 3), x_test=np.stack([numbers] * 2))
    seen = load_dataset(settings_of("npz", path, preprocessing="unit"), size=2)
    np.testing.assert_allclose(seen.test_images[0, ..., 0], levels, atol=1e-6)
    standardized = load(path, size=2).test_images[0, ..., 0]
    np.testing.assert_allclose(standardized, (levels - np.mean(levels)) / np.std(levels), atol=1e-4)


def test_mean_and_std_are_of_levels_channel_by_channel(tmp_path):
    x = colourful()
    path = npz(tmp_path, x_train=x, x_test=x)
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
    seen = load_dataset(settings_of("npz", path, preprocessing={"mean": mean, "std": std}), size=10, channels=3)
    np.testing.assert_allclose(seen.train_images, (x / 255 - mean) / std, atol=1e-5)
    np.testing.assert_allclose(seen.preprocessing.levels(seen.train_images), x / 255, atol=1e-6)
    with pytest.raises(InputError, match=r"^data\.preprocessing: takes one number, or one for each of the 1 channels"):
        load_dataset(settings_of("npz", path, preprocessing={"mean": mean, "std": std}), size=10)
    one = load_dataset(settings_of("npz", path, preprocessing={"mean": 0.5, "std": 0.25}), size=10, channels=3)
    np.testing.assert_allclose(one.train_images, (x / 255 - 0.5) / 0.25, atol=1e-5)


@pytest.mark.parametrize("bounds", [(-1, 1), (-3, 7), (0, 16), (0, 1000)])
def test_numbers_of_an_unknown_range_are_standardized_or_taken_as_they_are(tmp_path, bounds):
    low, high = bounds
    numbers = (low + (high - low) * (made_up()["x_train"] / 255)).astype(np.float32)
    numbers[0, 0, 0], numbers[0, 0, 1] = bounds
    path = npz(tmp_path, x_train=numbers, x_test=numbers)
    for kind in ("unit", "bytes", "symmetric", {"mean": 0.5, "std": 0.5}):
        with pytest.raises(InputError) as caught:
            load_dataset(settings_of("npz", path, preprocessing=kind), size=10)
        message = str(caught.value)
        assert message.startswith("data.preprocessing: takes standardize or none")
        assert f"{low} to {high}" in message
    as_they_are = load_dataset(settings_of("npz", path, preprocessing="none"), size=10)
    np.testing.assert_array_equal(as_they_are.train_images[..., 0], numbers)
    assert (as_they_are.preprocessing.low, as_they_are.preprocessing.high) == ((low,), (high,))
    np.testing.assert_allclose(load(path).train_images.std(axis=(1, 2, 3)), 1, atol=1e-4)


def test_digits_are_white_at_16():
    from sklearn.datasets import load_digits

    seen = load_dataset(settings_of("digits", preprocessing="unit"), size=8)
    assert seen.train_images.max() == 1
    first = load_digits().images[0] / 16
    assert any(np.allclose(first, image, atol=1e-6) for image in seen.train_images[..., 0])


@pytest.mark.parametrize("kind", ["standardize", "none"])
def test_numbers_that_overflow_are_refused_with_the_figure(tmp_path, kind):
    x = np.ones((20, 4, 4))
    x[:, 0, 0] = 1e300
    with pytest.raises(InputError, match=r"; got .* with 1e\+300$"):
        load_dataset(settings_of("npz", npz(tmp_path, x=x), preprocessing=kind), size=4)
    x[:, 0, 0] = 1e19 if kind == "standardize" else 1e38
    if kind == "none":
        assert (
            load_dataset(settings_of("npz", npz(tmp_path, x=x), preprocessing=kind), size=4).train_images.max() > 9e37
        )
    else:
        with pytest.raises(InputError, match=r"can be standardized, up to .* with 1e\+19$"):
            load_dataset(settings_of("npz", npz(tmp_path, x=x), preprocessing=kind), size=4)


def test_pictures_of_one_number_have_no_range_of_their_own(tmp_path):
    with pytest.raises(InputError, match=r"^data\.preprocessing: takes training pictures of more than one number"):
        load_dataset(settings_of("npz", npz(tmp_path, x=np.full((20, 4, 4), 7)), preprocessing="none"), size=4)


def test_what_the_caller_asks_for_goes_before_the_settings(tmp_path):
    path = npz(tmp_path, x_train=np.stack([GREY] * 3), x_test=np.stack([GREY] * 2))
    seen = load_dataset(settings_of("npz", path, preprocessing="unit"), size=2, preprocessing=preprocessing_of("bytes"))
    np.testing.assert_array_equal(seen.train_images[0, ..., 0], GREY)


def test_the_digest_depends_on_all_that_is_made_of_the_data(tmp_path):
    x = colourful()
    path = npz(tmp_path, x_train=x, y_train=np.arange(12), x_test=x, y_test=np.arange(12))
    other = npz(tmp_path, "other.npz", x_train=x, y_train=np.arange(12), x_test=x[::-1], y_test=np.arange(12))
    flat = npz(
        tmp_path, "flat.npz", x_train=x.reshape(12, 5, 20, 3), y_train=np.arange(12), x_test=x, y_test=np.arange(12)
    )

    def digest(path=path, size=10, channels=3, **settings):
        return load_dataset(settings_of("npz", path, **settings), size=size, channels=channels).digest

    digests = [
        digest(), digest(channels=1), digest(size=12), digest(size=(12, 10)), digest(size=(10, 12)), digest(limit=10),
        digest(preprocessing="unit"), digest(preprocessing="bytes"), digest(preprocessing={"mean": 0.5, "std": 0.5}),
        digest(preprocessing={"mean": 0.5, "std": 0.4}), digest(path=other), digest(path=flat),
    ]  # fmt: skip
    assert len(set(digests)) == len(digests)
    assert digest() == digests[0]
    assert digest(class_names=[*"abcdefghijkl"]) == digests[0]  # it is a part of the key of its own


def test_the_same_picture_is_the_same_as_bytes_and_as_levels(tmp_path):
    """Also where it is resized, but for what is rounded."""
    x = colourful(10, 12, 9)
    as_bytes = npz(tmp_path, x_train=x, x_test=x)
    as_levels = npz(tmp_path, "levels.npz", x_train=x / 255, x_test=(x / 255).astype(np.float32))
    for channels in (1, 3):
        one, other = (
            load(path, size=(20, 16), channels=channels, preprocessing=preprocessing_of("bytes"))
            for path in (as_bytes, as_levels)
        )
        assert np.median(np.abs(one.train_images - other.train_images)) < 0.5
        assert other.train_images.min() >= 0
        assert other.train_images.max() <= 255


def test_many_bytes_stay_bytes_until_they_are_asked_for(tmp_path, monkeypatch):
    x = colourful(40)
    files = [
        npz(tmp_path, "one.npz", x=x, y=np.arange(40) % 4),
        npz(tmp_path, "two.npz", x_train=x, x_test=x[:9]),
        npz(tmp_path, "first.npz", x=np.moveaxis(x, -1, 1)),
    ]
    for size, channels, kind in ((10, 3, "standardize"), ((12, 8), 1, "none"), (10, 3, "symmetric")):
        for file in files:

            def seen(file=file, size=size, channels=channels, kind=kind):
                return load_dataset(settings_of("npz", file, preprocessing=kind), size=size, channels=channels)

            with monkeypatch.context() as context:
                context.setattr("pipeline.data.images.LARGE", 1000)
                lazy = seen()
            plain = seen()
            assert isinstance(lazy.train_images, LazyImages)
            assert isinstance(plain.train_images, np.ndarray)
            assert (lazy.digest, lazy.preprocessing) == (plain.digest, plain.preprocessing)
            for one, other in ((lazy.train_images, plain.train_images), (lazy.test_images, plain.test_images)):
                np.testing.assert_array_equal(np.asarray(one), other)
                np.testing.assert_array_equal(one[[3, 1]], other[[3, 1]])
