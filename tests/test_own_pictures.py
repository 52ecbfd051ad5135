"""Folders of pictures: which pictures there are, what they show, and their pixels."""

import argparse
import json
import os
import resource
import shutil
import signal
import struct
import tempfile
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_data import settings_of
from users import ordinary_user

from pipeline import compose
from pipeline.core.preprocessing import preprocessing_of
from pipeline.data import pixels
from pipeline.data.dataset import Dataset, DatasetSplit
from pipeline.data.datasets import load_dataset
from pipeline.data.files import state_of
from pipeline.data.images import LazyImages
from pipeline.runtime.errors import InputError

BYTES = preprocessing_of("bytes")
COLOURS = {"blue": (0, 0, 250), "green": (0, 240, 0), "red": (230, 0, 0)}


def picture(path: Path, colour=(9, 9, 9), size: tuple[int, int] = (8, 8), mode: str = "RGB", **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)
    return path


def by_class(folder: Path, counts: dict[str, int], ending: str = "png") -> Path:
    """A folder by class, each of pictures of one colour, that differ in their blue."""
    for name, count in counts.items():
        for number in range(count):
            red, green, blue = COLOURS[name]
            picture(folder / name / f"{number}.{ending}", (red, green, max(blue - 10 * number, number)))
    return folder


def load(path: Path, *, size=8, channels: int = 3, preprocessing=BYTES, cache=None, **settings) -> Dataset:
    config = settings_of("folder", path, **settings)
    return load_dataset(config, size=size, channels=channels, preprocessing=preprocessing, cache=cache)


def refusal(path: Path, **settings) -> str:
    with pytest.raises(InputError) as caught:
        load(path, **settings)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("data.")
    return message


def shown(images: np.ndarray) -> list[str]:
    """Which colour every picture has."""
    return [sorted(COLOURS)[2 - int(image.mean(axis=(0, 1)).argmax())] for image in images]


# which pictures, and what they show --------------------------------------------------------------------------------


def test_folders_are_classes_and_a_fifth_of_each_is_for_testing(tmp_path):
    seen = load(by_class(tmp_path / "my colours", {"red": 10, "blue": 5, "green": 15}))
    assert seen.name == "my colours"
    assert seen.class_names == ("blue", "green", "red")
    np.testing.assert_array_equal(np.bincount(seen.train_labels), [4, 12, 8])
    np.testing.assert_array_equal(np.bincount(seen.test_labels), [1, 3, 2])
    for images, labels in ((seen.train_images, seen.train_labels), (seen.test_images, seen.test_labels)):
        assert shown(images) == [seen.class_names[label] for label in labels]
    # no picture is in both
    train, test = ({image.tobytes() for image in images} for images in (seen.train_images, seen.test_images))
    assert len(train) == 24
    assert not train & test
    # the first ones are of all classes
    assert list(seen.train_labels[:6]) == [0, 1, 2, 0, 1, 2]


def test_the_split_follows_its_seed_and_share(tmp_path):
    folder = by_class(tmp_path, {"red": 10, "blue": 10})
    seen, again, other = load(folder), load(folder), load(folder, seed=1)
    np.testing.assert_array_equal(seen.train_images, again.train_images)
    assert seen.digest == again.digest
    assert seen.digest != other.digest
    assert len(load(folder, test_share=0.5).test_labels) == 10


@pytest.mark.parametrize(("first", "second"), [("train", "test"), ("Training", "Testing"), ("train", "validation")])
def test_folders_say_what_is_for_testing(tmp_path, first, second):
    by_class(tmp_path / first, {"red": 4, "blue": 3})
    by_class(tmp_path / second, {"red": 2, "green": 1})
    seen = load(tmp_path)
    # each part may lack a class
    assert seen.class_names == ("blue", "green", "red")
    assert sorted(seen.train_labels) == [0, 0, 0, 2, 2, 2, 2]
    assert sorted(seen.test_labels) == [1, 2, 2]
    assert shown(seen.test_images) == [seen.class_names[label] for label in seen.test_labels]


def test_a_class_may_be_called_train(tmp_path):
    picture(tmp_path / "train" / "a.png")
    picture(tmp_path / "train" / "b.png")
    picture(tmp_path / "plane" / "a.png")
    picture(tmp_path / "plane" / "b.png")
    assert load(tmp_path).class_names == ("plane", "train")


def test_a_test_folder_goes_before_a_validation_folder_and_one_folder_is_split(tmp_path):
    by_class(tmp_path / "train", {"red": 5, "blue": 5})
    assert len(load(tmp_path).test_labels) == 2
    assert load(tmp_path).class_names == ("blue", "red")
    by_class(tmp_path / "val", {"red": 3})
    assert len(load(tmp_path).test_labels) == 3
    by_class(tmp_path / "test", {"red": 1})
    assert len(load(tmp_path).test_labels) == 1


def test_pictures_below_a_class_are_of_it_and_an_empty_folder_keeps_its_place(tmp_path):
    by_class(tmp_path, {"red": 2, "blue": 2})
    picture(tmp_path / "blue" / "deep" / "deeper" / "x.PNG", COLOURS["blue"])
    (tmp_path / "cyan").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "README").write_text("no class")
    seen = load(tmp_path)
    assert seen.class_names == ("blue", "cyan", "red")
    assert sorted([*seen.train_labels, *seen.test_labels]) == [0, 0, 0, 2, 2]


def test_one_folder_of_pictures_has_no_labels(tmp_path):
    for number in range(10):
        picture(tmp_path / f"{number}.png", (number, 0, 0))
    seen = load(tmp_path)
    assert not seen.has_labels
    assert seen.class_names == ()
    assert set(seen.train_labels) == set(seen.test_labels) == {-1}
    assert (len(seen.train_images), len(seen.test_images)) == (8, 2)
    both = np.concatenate([seen.train_images, seen.test_images])
    assert sorted(both[:, 0, 0, 0]) == list(range(10))
    assert refusal(tmp_path, class_names=["a"]).startswith("data.class_names: takes null for a folder")


def test_a_limit_reads_only_what_it_takes(tmp_path):
    by_class(tmp_path, {"red": 30, "blue": 30})
    # a broken one far behind
    broken = sorted((tmp_path / "red").iterdir())[-1]
    seen = load(tmp_path, limit=10)
    np.testing.assert_array_equal(np.bincount(seen.train_labels), [5, 5])
    assert len(seen.test_labels) == 10
    broken.write_bytes(b"")
    refusal(tmp_path)


def test_files_that_are_no_pictures_are_passed_over(tmp_path):
    by_class(tmp_path, {"red": 3, "blue": 3})
    (tmp_path / "README").write_text("P3 is no picture here")
    (tmp_path / "red" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    (tmp_path / "red" / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (tmp_path / "red" / "._0.png").write_bytes(b"\0\5\x16\7")
    (tmp_path / "red" / "notes.txt").write_text("x")
    (tmp_path / "red" / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    (tmp_path / "red" / "print.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (tmp_path / ".git").mkdir()
    picture(tmp_path / ".git" / "hidden.png")
    picture(tmp_path / "__MACOSX" / "hidden.png")
    os.mkfifo(tmp_path / "red" / "pipe.png")
    (tmp_path / "red" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    seen = load(tmp_path)
    assert seen.class_names == ("blue", "red")
    assert len(seen.train_labels) + len(seen.test_labels) == 6


def test_a_picture_is_known_by_its_content_without_an_ending(tmp_path):
    by_class(tmp_path, {"red": 2, "blue": 2})
    (tmp_path / "red" / "0.png").rename(tmp_path / "red" / "0001")
    shutil.copy(tmp_path / "red" / "1.png", tmp_path / "red" / "odd.data")
    assert sorted([*load(tmp_path).train_labels, *load(tmp_path).test_labels]) == [0, 0, 1, 1, 1]


def test_links_are_followed_but_not_in_circles(tmp_path):
    by_class(tmp_path / "elsewhere", {"red": 4, "blue": 4})
    (tmp_path / "data").mkdir()
    for name in ("red", "blue"):
        (tmp_path / "data" / name).symlink_to(tmp_path / "elsewhere" / name)
    (tmp_path / "elsewhere" / "red" / "up").symlink_to(tmp_path / "data")
    seen = load(tmp_path / "data")
    assert seen.class_names == ("blue", "red")
    assert len(seen.train_labels) + len(seen.test_labels) == 8


def test_the_names_of_the_folders_in_another_order_say_how_classes_are_counted(tmp_path):
    for name in ("red", "green", "blue"):
        for number in range(4):
            picture(tmp_path / name / f"{number}.png", name)
    plain, seen = load(tmp_path), load(tmp_path, class_names=["red", "yellow", "blue", "green"])
    assert plain.class_names == ("blue", "green", "red")
    assert seen.class_names == ("red", "yellow", "blue", "green")
    for images, labels in ((seen.train_images, seen.train_labels), (seen.test_images, seen.test_labels)):
        assert shown(images) == [seen.class_names[label] for label in labels]
    assert plain.digest != seen.digest
    # another name for one class; but none that is the name of another
    assert load(tmp_path, class_names=["blue", "lime", "red"]).class_names == ("blue", "lime", "red")
    said = "data.class_names: takes all of blue, green, red in any order, or other names for them; green is not there"
    for given in (["red", "lime", "blue"], ["red", "lime", "blue", "pink"]):
        assert refusal(tmp_path, class_names=given).startswith(said)


def test_odd_names_of_folders_are_names_of_classes(tmp_path):
    names = ["ein Bär", "a" * 200, "x\ny", "x y", "日本", "-1"]
    for name in names:
        picture(tmp_path / name / "a.png")
        picture(tmp_path / name / "b.png")
    seen = load(tmp_path)
    assert len(set(seen.class_names)) == 6
    assert {"ein Bär", "日本", "-1", "x y", "x y (2)"} <= set(seen.class_names)
    assert all(name.isprintable() and len(name) < 100 for name in seen.class_names)
    assert load(tmp_path, class_names=list("abcdef")).class_names == tuple("abcdef")
    for given in ("abcde", "abcdefg"):
        assert "a name for each of the 6 classes" in refusal(tmp_path, class_names=list(given))


# labels.csv --------------------------------------------------------------------------------------------------------


@pytest.fixture
def flat(tmp_path) -> Path:
    for number, colour in enumerate(["red", "blue", "red", "blue", "green", "green"]):
        picture(tmp_path / "flat" / f"{number}.png", COLOURS[colour])
    return tmp_path / "flat"


@pytest.mark.parametrize(
    "table",
    [
        "0.png,red\n1.png,blue\n2.png,red\n3.png,blue\n4.png,green\n5.png,green\n",
        "file,label\r\n0.png,red\r\n1.png,blue\r\n2.png,red\r\n3.png,blue\r\n4.png,green\r\n5.png,green",
        "\ufefflabel;other;filename\nred;1;./0.png\nblue;2;1.png\nred;3;2.png\nblue;4;3.png\ngreen;;4.png\ngreen;6;5.png\n",
        "Foto\tArt\n5.png\tgreen\n4.png\tgreen\n\n3.png\tblue\n2.png\tred\n1.png\tblue\n0.png\tred\n",
    ],
    ids=["plain", "header", "columns", "tabs"],
)
def test_a_table_says_what_pictures_show(flat, table):
    (flat / "labels.csv").write_text(table, encoding="utf-8", newline="")
    seen = load(flat)
    assert seen.class_names == ("blue", "green", "red")
    for images, labels in ((seen.train_images, seen.train_labels), (seen.test_images, seen.test_labels)):
        assert shown(images) == [seen.class_names[label] for label in labels]
    assert (len(seen.train_labels), len(seen.test_labels)) == (3, 3)


def test_whole_numbers_in_a_table_are_indices(flat):
    (flat / "labels.csv").write_text("file,label\n0.png,10\n1.png,0\n2.png,10\n3.png,0\n4.png,2\n5.png,2\n")
    seen = load(flat)
    assert seen.class_names == tuple(map(str, range(11)))
    assert set(seen.train_labels) == {0, 2, 10}
    assert load(flat, class_names=list("abcdefghijkl")).classes == 12


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("0.png,red\n", "without one for 1.png and 4 others"),
        ("file,label\n0.png,red\nnine.png,blue\n", "nine.png, which is none"),
        ("0.png,red\n0.png,blue\n", "with red and blue for 0.png"),
        ("0.png\n1.png\n", "with 1 columns in row 1"),
        ("", "without one for 0.png and 5 others"),
        ("0.png,\n", "without one for 0.png"),
        (b"0.png,\xff\xfe\n", "UTF-8"),
    ],
    ids=str,
)
def test_a_table_that_does_not_fit_is_refused(flat, table, said):
    (flat / "labels.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    assert said in refusal(flat)


def test_a_table_may_stand_above_or_in_the_folders(tmp_path):
    for part in ("train", "test"):
        for number, colour in enumerate(["red", "blue"]):
            picture(tmp_path / part / f"{part}{number}.png", COLOURS[colour])
    lines = {part: f"{part}0.png,red\n{part}1.png,blue\n" for part in ("train", "test")}
    for part, text in lines.items():
        (tmp_path / part / "labels.csv").write_text(text)
    within = load(tmp_path)
    assert within.class_names == ("blue", "red")
    for part in lines:
        (tmp_path / part / "labels.csv").unlink()
    (tmp_path / "labels.csv").write_text("".join(lines.values()))
    above = load(tmp_path)
    assert shown(above.test_images) == [above.class_names[label] for label in above.test_labels]
    assert above.digest == within.digest
    (tmp_path / "labels.csv").write_text(
        "train/train0.png,red\ntrain/train1.png,blue\ntest/test0.png,red\ntest/test1.png,blue"
    )
    assert load(tmp_path).digest == within.digest


# pixels ------------------------------------------------------------------------------------------------------------


def test_every_kind_of_file_has_its_pixels(tmp_path):
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8) * 3
    rgb = np.stack([grey, 255 - grey, grey // 2], axis=-1)
    half = np.dstack([rgb, np.where(grey < 90, 255, 0).astype(np.uint8)])
    folder = tmp_path / "kinds"
    (folder / "train").mkdir(parents=True)
    expected = {
        "a.png": rgb, "b.png": grey, "c.tif": grey, "d.gif": grey, "e.bmp": rgb, "g.webp": rgb, "h.ppm": rgb,
        "f.png": np.where(half[..., 3:], rgb, 255), "i.png": grey // 128 * 255,
    }  # fmt: skip
    Image.fromarray(rgb).save(folder / "train" / "a.png")
    Image.fromarray(grey).save(folder / "train" / "b.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(folder / "train" / "c.tif")
    Image.fromarray(grey).save(folder / "train" / "d.gif")
    Image.fromarray(rgb).save(folder / "train" / "e.bmp")
    Image.fromarray(half).save(folder / "train" / "f.png")
    Image.fromarray(rgb).save(folder / "train" / "g.webp", lossless=True)
    Image.fromarray(rgb).save(folder / "train" / "h.ppm")
    Image.fromarray(grey // 128 * 255).convert("1").save(folder / "train" / "i.png")
    palette = Image.fromarray(rgb).quantize(16)
    palette.save(folder / "train" / "j.gif")
    expected["j.gif"] = np.asarray(palette.convert("RGB"))
    picture(folder / "test" / "z.png")
    for channels in (1, 3):
        seen = load(folder, channels=channels).train_images
        for image, (name, pixels_) in zip(seen, sorted(expected.items()), strict=True):
            colours = pixels_ if pixels_.ndim == 3 else np.stack([pixels_] * 3, axis=-1)
            wanted = colours if channels == 3 else colours @ [0.299, 0.587, 0.114]
            assert np.abs(image - wanted.reshape(image.shape)).max() <= (0 if channels == 3 else 0.501), name


def test_a_photo_stands_upright_and_a_jpeg_is_close(tmp_path):
    tall = np.zeros((16, 8, 3), np.uint8)
    tall[:8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    (tmp_path / "test").mkdir()
    lying = Image.fromarray(tall).rotate(90, expand=True)
    lying.save(tmp_path / "test" / "a.jpg", exif=exif, quality=95)
    picture(tmp_path / "train" / "b.png")
    seen = load(tmp_path, size=(16, 8)).test_images[0]
    assert np.abs(seen - tall).max() < 8


@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_pictures_of_various_sizes_become_one(tmp_path, fit):
    wide = np.zeros((8, 24, 3), np.uint8)
    wide[:, 8:16] = 200
    (tmp_path / "train").mkdir()
    Image.fromarray(wide).save(tmp_path / "train" / "a.png")
    Image.fromarray(np.moveaxis(wide, 0, 1)).save(tmp_path / "train" / "b.png")
    picture(tmp_path / "train" / "c.png", (200, 200, 200), (40, 40))
    picture(tmp_path / "test" / "d.png", (1, 1, 1), (3, 3))
    seen = load(tmp_path, fit=fit)
    assert seen.train_images.shape == (3, 8, 8, 3)
    if fit == "crop":
        np.testing.assert_array_equal(seen.train_images, 200)
    else:
        assert np.abs(seen.train_images[0][:, [0, 3, 4, 7], 0] - [[0, 200, 200, 0]] * 8).max() < 10
        np.testing.assert_array_equal(seen.train_images[1], np.moveaxis(seen.train_images[0], 0, 1))
    assert load(tmp_path, size=(6, 9)).train_images.shape == (3, 6, 9, 3)
    # the middle of the wide one, of the proportions of the target
    assert set(np.unique(load(tmp_path, size=(8, 16)).train_images[0][:, [0, 15], 0])) == {0}


def test_only_one_or_three_channels_can_be_had(tmp_path):
    by_class(tmp_path, {"red": 2, "blue": 2})
    assert "takes pictures of 4 channels" in refusal(tmp_path, channels=4)


# what is refused ---------------------------------------------------------------------------------------------------


def bomb() -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file"), (b"no picture", "no picture of a kind that Pillow reads"), (None, "truncated"),
        (bomb(), "pixels"),
    ],
    ids=["empty", "text", "truncated", "bomb"],
)  # fmt: skip
def test_a_broken_picture_is_named(tmp_path, content, said):
    by_class(tmp_path, {"red": 5, "blue": 5})
    file = tmp_path / "blue" / "3.png"
    if content is None:
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)).save(file)
        content = file.read_bytes()[:9000]
    file.write_bytes(content)
    message = refusal(tmp_path, cache=tmp_path / "cache")
    assert message.startswith(f"data.path: takes pictures that Pillow reads; got {file}: ")
    assert said in message
    # nothing is left of it
    assert list((tmp_path / "cache").iterdir()) == []


def test_folders_without_enough_pictures_are_refused(tmp_path):
    assert "does not exist" in refusal(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert "without a picture that Pillow reads" in refusal(tmp_path / "empty")
    (tmp_path / "empty" / "cats").mkdir()
    (tmp_path / "empty" / "cats" / "readme.txt").write_text("none")
    assert "without a picture that Pillow reads" in refusal(tmp_path / "empty")
    one = picture(tmp_path / "one" / "cats" / "a.png")
    assert "two pictures at least, one of them to test with; got" in refusal(tmp_path / "one")
    assert "which is a file" in refusal(one)
    picture(tmp_path / "one" / "b.png")
    assert "with 1 beside the folders cats" in refusal(tmp_path / "one")


def test_two_pictures_are_enough(tmp_path):
    picture(tmp_path / "cats" / "a.png")
    picture(tmp_path / "dogs" / "b.png")
    seen = load(tmp_path)
    assert (len(seen.train_labels), len(seen.test_labels)) == (1, 1)
    assert seen.classes == 2


# the store ---------------------------------------------------------------------------------------------------------


def test_pictures_are_read_once(tmp_path):
    folder, cache = by_class(tmp_path / "data", {"red": 20, "blue": 20}), tmp_path / "store" / "data"
    plain, told = load(folder), []
    config = settings_of("folder", folder)

    def seen() -> Dataset:
        told.clear()
        return load_dataset(
            config, size=8, channels=3, preprocessing=BYTES, cache=cache,
            progress=lambda task, done, total, **values: told.append((task, done, total)),
        )  # fmt: skip

    first = seen()
    assert told[0] == ("pictures", 0, 40)
    assert told[-1] == ("pictures", 40, 40)
    (file,) = cache.iterdir()
    assert np.load(file).shape == (40, 8, 8, 3)
    second = seen()
    assert told == []
    for one in (first, second):
        np.testing.assert_array_equal(one.train_images, plain.train_images)
        np.testing.assert_array_equal(one.test_images, plain.test_images)
        assert one.digest == plain.digest
    # another picture, another file
    picture(folder / "red" / "3.png", (1, 2, 3))
    assert seen().digest != first.digest
    assert told
    # a file that is no longer whole is made anew
    file.write_bytes(file.read_bytes()[:500])
    shutil.copytree(folder, tmp_path / "same")
    for file in cache.iterdir():
        file.write_bytes(b"")
    before = seen()
    assert told
    assert before.digest == seen().digest


def test_two_at_once_make_one_file(tmp_path):
    folder, cache = by_class(tmp_path / "data", {"red": 60, "blue": 60}), tmp_path / "cache"
    results: list[Dataset] = []
    threads = [threading.Thread(target=lambda: results.append(load(folder, cache=cache))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.digest for one in results}) == 1
    assert len(results) == 3
    assert [path.suffix for path in cache.iterdir()] == [".npy"]


def test_what_killed_processes_left_goes(tmp_path):
    folder, cache = by_class(tmp_path / "data", {"red": 5, "blue": 5}), tmp_path / "cache"
    load(folder, cache=cache)
    (file,) = cache.iterdir()
    file.rename(cache / f".{file.name}.draft-1")
    load(folder, cache=cache)
    assert list(cache.iterdir()) == [file]


def test_many_pictures_stay_bytes_until_they_are_asked_for(tmp_path, monkeypatch):
    folder = by_class(tmp_path / "data", {"red": 20, "blue": 20, "green": 7})
    plain = load(folder, preprocessing=preprocessing_of("standardize"))
    monkeypatch.setattr("pipeline.data.images.LARGE", 1000)
    for cache in (None, tmp_path / "cache"):
        lazy = load(folder, preprocessing=preprocessing_of("standardize"), cache=cache)
        assert isinstance(lazy.train_images, LazyImages)
        assert lazy.digest == plain.digest
        for one, other in ((lazy.train_images, plain.train_images), (lazy.test_images, plain.test_images)):
            images_are(one, other)
    # a folder of this process, if there is no other
    assert pixels._FOLDERS[0].is_dir()


def images_are(lazy: LazyImages, plain: np.ndarray) -> None:
    """They answer as the array does, bit for bit."""
    count = len(plain)
    assert (lazy.shape, lazy.dtype, lazy.ndim, len(lazy)) == (plain.shape, plain.dtype, plain.ndim, count)
    assert (lazy.size, lazy.nbytes) == (plain.size, plain.nbytes)
    places = np.array([3, 0, 0, count - 1, -1])
    for index in (
        0, -1, np.int64(2), slice(None), slice(2, 5), slice(5, 2), slice(None, None, -2), places, [1, 2], [],
        np.arange(count) % 3 == 1, np.zeros(count, bool), [True] + [False] * (count - 1),
        (slice(2, 4), slice(None), 3), (1, 2, 3, 0), (places, ..., 1),
    ):  # fmt: skip
        np.testing.assert_array_equal(lazy[index], plain[index])
    np.testing.assert_array_equal(np.asarray(lazy), plain)
    assert np.asarray(lazy, np.float64).dtype == np.float64
    np.testing.assert_array_equal(np.stack(list(lazy)), plain)
    np.testing.assert_array_equal(np.concatenate(list(lazy.batches())), plain)
    for index in (count, -count - 1, [count]):
        with pytest.raises(IndexError):
            lazy[index]


def test_a_change_deep_in_a_folder_is_seen(tmp_path):
    by_class(tmp_path, {"red": 2})
    picture(tmp_path / "red" / "deep" / "x.png")
    before = state_of(tmp_path, nested=True)
    assert before == state_of(tmp_path, nested=True)
    picture(tmp_path / "red" / "deep" / "x.png", (0, 0, 1), (9, 9))
    assert state_of(tmp_path, nested=True) != before


def test_the_store_lists_and_prunes_what_was_read(tmp_path, capsys):
    from pipeline.commands import store

    load(by_class(tmp_path / "some", {"red": 5, "blue": 5}), cache=tmp_path / "store" / "data")
    (file,) = (tmp_path / "store" / "data").iterdir()
    load(by_class(tmp_path / "others", {"red": 5, "green": 5}), cache=tmp_path / "store" / "data")
    draft = file.with_name(f".{file.name}.draft-1")
    draft.write_bytes(b"half")

    def done(*words: str) -> str:
        parser = argparse.ArgumentParser()
        store.add_arguments(parser)
        assert store.execute(parser.parse_args(["--output-dir", str(tmp_path), *words])) == 0
        return capsys.readouterr().out

    assert "2 folders of pictures that were read" in done("list")
    assert "0 of 0 results" in done("verify")
    long_ago = time.time() - 40 * 24 * 3600
    os.utime(file, (long_ago, long_ago))
    assert f"would remove {file}: unused for 40 days" in done("prune", "--unused-for", "30", "--dry-run")
    assert file.exists()
    said = done("prune", "--unused-for", "30")
    assert f"removed {file}: unused for 40 days" in said
    assert f"removed {draft}: left by a killed process" in said
    assert len(list(file.parent.iterdir())) == 1


def test_a_folder_that_may_not_be_read_is_refused():
    # a path that nobody may not enter would be refused for that
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        by_class(folder, {"red": 3, "blue": 3})
        (folder / "red").chmod(0)
        with ordinary_user():
            message = refusal(folder)
        (folder / "red").chmod(0o755)
    assert message.endswith("red: Permission denied)")


def test_a_cache_that_cannot_be_written_is_no_loss(tmp_path):
    folder = by_class(tmp_path / "data", {"red": 3, "blue": 3})
    (tmp_path / "file").write_text("no folder")
    seen = load(folder, cache=tmp_path / "file" / "data")
    assert seen.digest == load(folder).digest


def test_the_record_has_the_shape_of_pictures_and_no_labels_where_there_are_none(tmp_path, monkeypatch):
    from pipeline.tracking.datasets import described

    for number in range(10):
        picture(tmp_path / f"{number}.png", (number, 0, 0))
    plain = described(DatasetSplit(load(tmp_path), "train"))
    monkeypatch.setattr("pipeline.data.images.LARGE", 1)
    lazy = described(DatasetSplit(load(tmp_path), "train"))
    assert lazy == plain
    profile = json.loads(lazy["profile"])
    assert profile == {"features_shape": [8, 8, 8, 3], "features_size": 8 * 192, "features_nbytes": 8 * 192 * 4}
    assert json.loads(lazy["schema"])["mlflow_tensorspec"]["targets"] is None


def test_jobs_of_a_sweep_share_a_folder_until_a_picture_changes(tmp_path):
    from pipeline.commands.execute import _dataset_of

    folder = by_class(tmp_path / "data", {"red": 6, "blue": 6})
    config = compose("data=folder", f"data.path={folder}", f"output_dir={tmp_path}")
    first = _dataset_of(config, None)
    assert _dataset_of(config, None) is first
    picture(folder / "red" / "1.png", (5, 6, 7), (9, 9))
    second = _dataset_of(config, None)
    assert second.digest != first.digest
    assert second.train_images.shape[1:] == (28, 28, 1)
    again = compose("data=folder", f"data.path={folder}", f"output_dir={tmp_path}", "seed=3")
    assert _dataset_of(again, None) is second
    other = "data.preprocessing={mean:0.5,std:0.25}"
    others = compose("data=folder", f"data.path={folder}", f"output_dir={tmp_path}", other)
    assert _dataset_of(others, None).preprocessing.kind == "mean_std"


def test_other_pictures_of_the_same_names_sizes_and_times_are_not_mistaken(tmp_path):
    cache, moment = tmp_path / "cache", 10**9
    folders = [by_class(tmp_path / name, {name: 4}, "bmp") for name in ("red", "blue")]
    for folder, inside in zip(folders, ("red", "blue"), strict=True):
        (folder / inside).rename(folder / "class")
        for file in (folder / "class").iterdir():
            os.utime(file, (moment, moment))
    red, blue = (load(folder, cache=cache) for folder in folders)
    assert shown(red.train_images) == ["red"] * 3
    assert shown(blue.train_images) == ["blue"] * 3
    # and in the same place
    for file in (folders[1] / "class").iterdir():
        shutil.copy(folders[0] / "class" / file.name, file)
        os.utime(file, (moment, moment))
    assert shown(load(folders[1], cache=cache).train_images) == ["red"] * 3


def test_a_disk_without_space_is_told_in_one_line(tmp_path):
    """By a limit for the size of files, of which the system tells as of a full disk."""
    folder = by_class(tmp_path / "data", {"red": 3, "blue": 3})
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
    try:
        with pytest.raises(InputError, match=r"^output_dir: takes a place with 0 MiB .* \(.*File too large\)$"):
            load(folder, cache=tmp_path / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(("numbers", "got"), [
    (np.linspace(0, 0.5, 64, dtype=np.float32), "of floats, 0 to 0.5"),
    (np.arange(64, dtype=np.int32) * 4, "of 16 bits or more, 0 to 252"),
    (np.arange(64, dtype=np.uint16) * 65, "of 16 bits or more, 0 to 4095"),
    (np.arange(64, dtype=np.int32) * 10_000, "of 16 bits or more, 0 to 630000"),
], ids=["floats", "32 bits", "12 bits in 16", "more than 16 bits"])  # fmt: skip
def test_pictures_of_which_nobody_says_what_is_white_are_refused(tmp_path, numbers, got):
    picture(tmp_path / "red" / "a.png")
    Image.fromarray(numbers.reshape(8, 8)).save(tmp_path / "red" / "odd.tif")
    said = refusal(tmp_path)
    assert said.startswith("data.path: takes pictures of 8 or 16 bits from black to white")
    assert said.endswith(f"odd.tif {got}")
