"""Photos and masks: every kind of picture file by its pixels, and one line on what cannot be read."""

import io
import os
import struct
import tempfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from users import ordinary_user

from pipeline.data.photos import load_mask, load_photo, photo_size
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import Fit

WHITE, BLACK, RED, GREEN, BLUE = (255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)


def array(*rows: list) -> np.ndarray:
    return np.array(rows, np.uint8)


def of(pixels: np.ndarray | list, mode: str | None = None, kind: str = "PNG", **options) -> bytes:
    """A picture file of these pixels."""
    picture = Image.fromarray(np.asarray(pixels)) if mode is None else Image.new(mode, np.shape(pixels)[1::-1])
    if mode is not None:
        picture.putdata([tuple(pixel) if np.ndim(pixel) else pixel for row in pixels for pixel in row])
    return encoded(picture, kind, **options)


def even(mode: str, colour, kind: str, **options) -> bytes:
    """A picture file of 16 x 16 pixels of one colour."""
    return encoded(Image.new(mode, (16, 16), colour), kind, **options)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, depth: int, colour: int, rows: list[bytes], transparent: bytes = b"") -> bytes:
    """A PNG written by hand; without rows its header promises what is not there."""
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))]
    if transparent:
        parts.append(chunk(b"tRNS", transparent))
    if rows:
        parts.append(chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def tiff_of_12_bits(first: int, second: int) -> bytes:
    fields = [(256, 2), (257, 1), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 3)]
    content = (first << 12 | second).to_bytes(3, "big") + b"\0"
    ifd = struct.pack("<H", len(fields)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields)
    return b"II*\0" + struct.pack("<I", 12) + content + ifd + struct.pack("<I", 0)


def palette(*colours: tuple[int, int, int], kind: str = "PNG", **options) -> bytes:
    """A picture file of one row, each pixel another entry of the palette."""
    picture = Image.new("P", (len(colours), 1))
    picture.putpalette([level for colour in colours for level in colour])
    picture.putdata(list(range(len(colours))))
    return encoded(picture, kind, **options)


def ycck(y: int, cb: int, cr: int, k: int) -> bytes:
    """A JPEG whose four channels hold these values, and whose Adobe marker says YCCK."""
    # Pillow writes CMYK the way Adobe does, inverted
    content = bytearray(even("CMYK", (255 - y, 255 - cb, 255 - cr, 255 - k), "JPEG", quality=100))
    transform = content.index(b"Adobe") + 11
    assert content[transform] == 0
    content[transform] = 2
    return bytes(content)


def frames(kind: str, **options) -> bytes:
    """A red picture, followed by a blue one."""
    first, second = (Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE))
    return encoded(first, kind, save_all=True, append_images=[second], **options)


def swapping() -> bytes:
    """The profile of sRGB with its red and its green exchanged."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return srgb.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")


def linear_grey() -> bytes:
    """A grey profile whose levels are proportional to light."""
    d50 = struct.pack(">3i", 63190, 65536, 54061)
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 12)
    body = tags + b"XYZ \0\0\0\0" + d50 + b"curv\0\0\0\0\0\0\0\0"
    header = struct.pack(">I4xI4s4s4s12x4s", 128 + len(body), 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"acsp")
    return header.ljust(68, b"\0") + d50 + bytes(48) + body


def load(folder: Path, content: bytes, *, size: int | None = None, fit: Fit = Fit.keep) -> np.ndarray:
    """Whatever the kind of file, its name says nothing of it."""
    (folder / "photo").write_bytes(content)
    pixels = load_photo(str(folder / "photo"), size=size, fit=fit)
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    return pixels


COLOURS = array([RED, GREEN, BLUE], [WHITE, (10, 100, 200), BLACK])
GREYS = array([0, 77, 255])
WORDS = np.array([[0, 65535, 32896, 40000, 128, 129]], np.uint16)  # 32896 = 128 * 257
BYTES_OF_WORDS = [0, 255, 128, 156, 0, 1]  # 40000 / 257 = 155.6, 128 / 257 = 0.498, 129 / 257 = 0.502
WIDE = [[0, 20000, 100000, 40000]]  # a fifth, all, two fifths of the way: 51, 255, 102
HALF = [(200, 100, 0, 255), (200, 100, 0, 0), (200, 100, 0, 51)]  # 51 / 255 = 1/5
ON_WHITE = [(200, 100, 0), WHITE, (244, 224, 204)]  # the last: 255 - (255 - 200) / 5, ...

EXACT = {
    "PNG": (of(COLOURS), COLOURS),
    "BMP": (of(COLOURS, kind="BMP"), COLOURS),
    "TIFF": (of(COLOURS, kind="TIFF"), COLOURS),
    "TIFF, LZW": (of(COLOURS, kind="TIFF", compression="tiff_lzw"), COLOURS),
    "PPM": (of(COLOURS, kind="PPM"), COLOURS),
    "WebP": (of(COLOURS, kind="WEBP", lossless=True), COLOURS),
    "JPEG 2000": (of(np.tile(COLOURS, (16, 16, 1)), kind="JPEG2000"), np.tile(COLOURS, (16, 16, 1))),
    "grey": (of(GREYS), [0, 77, 255]),
    "1 bit": (of([[0, 255, 255, 0]], "1"), [0, 255, 255, 0]),
    "palette": (palette(BLUE, (1, 2, 3), WHITE), [BLUE, (1, 2, 3), WHITE]),
    "GIF": (of(GREYS, kind="GIF"), [0, 77, 255]),
    "RGBA": (of([HALF], "RGBA"), ON_WHITE),
    "RGBA, TIFF": (of([HALF], "RGBA", "TIFF"), ON_WHITE),
    "LA": (of([[(100, 255), (100, 0), (100, 51)]], "LA"), [100, 255, 224]),
    "PA": (encoded(Image.new("PA", (2, 1), (0, 51)), "TIFF"), [204, 204]),
    "palette, one colour transparent": (palette(BLUE, RED, GREEN, transparency=1), [BLUE, WHITE, GREEN]),
    "palette, an alpha each": (palette(BLUE, RED, transparency=b"\xff\x33"), [BLUE, (255, 204, 204)]),
    "GIF, one colour transparent": (palette(BLUE, RED, GREEN, kind="GIF", transparency=1), [BLUE, WHITE, GREEN]),
    "tRNS of grey": (of(array([0, 77, 78]), transparency=77), [0, 255, 78]),
    "tRNS of RGB": (of([[RED, (1, 2, 3), (1, 2, 4)]], "RGB", transparency=(1, 2, 3)), [RED, WHITE, (1, 2, 4)]),
    "tRNS of 1 bit": (png(8, 1, 1, 0, [b"\x0f"], b"\0\0"), [255] * 8),
    "tRNS of 2 bits": (png(4, 1, 2, 0, [b"\x1b"], b"\0\1"), [0, 255, 170, 255]),
    "tRNS of 4 bits": (png(2, 1, 4, 0, [b"\x23"], b"\0\3"), [34, 255]),
    "tRNS of 16 bits": (png(3, 1, 16, 0, [WORDS[:, :3].astype(">u2").tobytes()], b"\x80\x80"), [0, 255, 255]),
    "tRNS of RGB, 16 bits": (png(2, 1, 16, 2, [b"\1\0\2\0\3\0\1\0\2\0\4\0"], b"\1\0\2\0\3\0"), [WHITE, (1, 2, 4)]),
    "RGB, 16 bits": (png(1, 1, 16, 2, [b"\xff\xff\x80\x80\0\0"]), [(255, 128, 0)]),
    "RGBA, 16 bits": (png(1, 1, 16, 6, [b"\xff\xff\x80\x80\0\0\x33\x33"]), [(255, 230, 204)]),
    "16 bits, PNG": (of(WORDS), BYTES_OF_WORDS),
    "16 bits, TIFF": (of(WORDS, kind="TIFF"), BYTES_OF_WORDS),
    "16 bits, TIFF, big-endian": (of(WORDS.astype(">u2"), kind="TIFF"), BYTES_OF_WORDS),
    "16 bits, PGM": (of(WORDS, kind="PPM"), BYTES_OF_WORDS),
    "16 bits in 32": (of(WORDS.astype(np.int32), kind="TIFF"), BYTES_OF_WORDS),
    "12 bits": (tiff_of_12_bits(4095, 819), [255, 51]),
    "32 bits": (of(np.array(WIDE, np.int32), kind="TIFF"), [0, 51, 255, 102]),
    "32 bits, negative": (of(np.array(WIDE, np.int32) - 100000, kind="TIFF"), [0, 51, 255, 102]),
    "32 bits, all alike": (of(np.full((1, 2), 70000, np.int32), kind="TIFF"), [255, 255]),
    "floats": (of(np.array([[-1, -0.6, 1, -0.2]], np.float32), kind="TIFF"), [0, 51, 255, 102]),
    "floats, the widest": (of(np.array([[-3e38, 0.6e38, 3e38]], np.float32), kind="TIFF"), [0, 153, 255]),
    "floats, all alike": (of(np.full((1, 2), 77.4, np.float32), kind="TIFF"), [77, 77]),
    "floats, all large": (of(np.full((1, 2), 300, np.float32), kind="TIFF"), [255, 255]),
    "floats, all negative": (of(np.full((1, 2), -3, np.float32), kind="TIFF"), [0, 0]),
    "CMYK, TIFF": (of([[(0, 255, 255, 0), (255, 0, 0, 0), (0, 0, 0, 55)]], "CMYK", "TIFF"), [RED, (0, 255, 255), 200]),
}  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), EXACT.values(), ids=EXACT)
def test_pixels_are_those_of_the_file(tmp_path, content, expected):
    pixels = load(tmp_path, content)
    if isinstance(expected, list):
        expected = [[colour if np.ndim(colour) else [colour] * 3 for colour in expected]]
    np.testing.assert_array_equal(pixels, expected)


ABOUT = {
    # JPEG rounds in YCbCr, so that each colour is known to 2 or 3 levels
    "JPEG": (even("RGB", (10, 100, 200), "JPEG", quality=95), (10, 100, 200), 3),
    "JPEG, grey": (even("L", 77, "JPEG"), (77, 77, 77), 1),
    "WebP with losses": (even("RGB", (10, 100, 200), "WEBP"), (10, 100, 200), 4),
    "CMYK, red": (even("CMYK", (0, 255, 255, 0), "JPEG", quality=95), RED, 3),
    "CMYK, cyan": (even("CMYK", (255, 0, 0, 0), "JPEG", quality=95), (0, 255, 255), 3),
    "CMYK, grey": (even("CMYK", (0, 0, 0, 155), "JPEG", quality=95), (100, 100, 100), 3),
    # the inks of red are those of which the inverse is cyan: Y = 0.701 * 255, Cb = 128 + 0.169 * 255, Cr = 0
    "YCCK, red": (ycck(179, 171, 0, 255), RED, 3),
    "YCCK, half as bright": (ycck(179, 171, 0, 128), (128, 0, 0), 3),
    "YCbCr": (even("YCbCr", (76, 85, 255), "TIFF"), RED, 3),
    # L * 2.55, a + 128, b + 128 of white and of red (54, 81, 70), in whole numbers: a step is worth some levels
    "LAB, white": (even("LAB", (255, 128, 128), "TIFF"), WHITE, 1),
    "LAB, red": (even("LAB", (138, 209, 198), "TIFF"), RED, 5),
    # the matrix of a profile is rounded to 1/65536
    "profile": (even("RGB", (200, 50, 10), "PNG", icc_profile=swapping()), (50, 200, 10), 1),
    "profile, with alpha": (even("RGBA", (200, 50, 10, 51), "PNG", icc_profile=swapping()), (214, 244, 206), 1),
    "profile, palette": (palette(*[(200, 50, 10)] * 9, icc_profile=swapping()), (50, 200, 10), 1),
    "profile of colours, grey": (even("L", 77, "PNG", icc_profile=swapping()), (77, 77, 77), 1),
    # sRGB: 1.055 * (55 / 255) ^ (1 / 2.4) - 0.055 = 0.5017
    "profile of greys": (even("L", 55, "PNG", icc_profile=linear_grey()), (128, 128, 128), 1),
    "profile of greys, with alpha": (even("LA", (55, 51), "PNG", icc_profile=linear_grey()), (230, 230, 230), 1),
    "profile of greys, 16 bits": (
        of(np.full((2, 2), 55 * 257, np.uint16), icc_profile=linear_grey()), (128, 128, 128), 1,
    ),
    "broken profile": (even("RGB", (200, 50, 10), "PNG", icc_profile=b"no profile"), (200, 50, 10), 0),
    "truncated profile": (even("RGB", (200, 50, 10), "PNG", icc_profile=swapping()[:300]), (200, 50, 10), 0),
    "profile of another space": (even("RGB", (200, 50, 10), "PNG", icc_profile=linear_grey()), (200, 50, 10), 0),
    "profile of another space, CMYK": (even("CMYK", (0, 255, 255, 0), "TIFF", icc_profile=swapping()), RED, 0),
    "animated GIF": (frames("GIF"), RED, 0),
    "animated PNG": (frames("PNG"), RED, 0),
    "animated WebP": (frames("WEBP", lossless=True), RED, 0),
    "TIFF of two pages": (frames("TIFF"), RED, 0),
    "MPO": (frames("MPO"), RED, 3),
}  # fmt: skip


@pytest.mark.parametrize(("content", "colour", "tolerance"), ABOUT.values(), ids=ABOUT)
def test_an_even_colour_is_that_of_the_file(tmp_path, content, colour, tolerance):
    pixels = load(tmp_path, content)
    np.testing.assert_allclose(pixels, np.broadcast_to(colour, pixels.shape), atol=tolerance)


# what a photo looks like in the file, from how it stands upright
LYING = {
    1: lambda pixels: pixels,
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: np.swapaxes(pixels, 0, 1),
    6: lambda pixels: np.rot90(pixels, 1),  # to be turned clockwise by 90 degrees
    7: lambda pixels: np.swapaxes(np.rot90(pixels, 2), 0, 1),
    8: lambda pixels: np.rot90(pixels, -1),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", LYING)
def test_a_photo_stands_as_its_camera_says(tmp_path, orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = np.ascontiguousarray(LYING[orientation](COLOURS))
    options = {"lossless": True} if kind == "WEBP" else {}
    content = of(lying, kind=kind, exif=exif, **options)
    np.testing.assert_array_equal(load(tmp_path, content), COLOURS)
    assert photo_size(str(tmp_path / "photo")) == (2, 3)


@pytest.mark.parametrize("orientation", LYING)
def test_the_size_of_a_jpeg_is_that_of_the_upright_photo(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (30, 20)).save(path, exif=exif)
    assert photo_size(str(path)) == load_photo(str(path), size=None, fit=Fit.keep).shape[:2]
    assert photo_size(str(path)) == ((20, 30) if orientation < 5 else (30, 20))


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0junk", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3"]
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_broken_exif_data_are_ignored_without_a_warning(tmp_path, capfd, exif, kind):
    content = of(np.zeros((2, 3, 3), np.uint8), kind=kind, exif=exif)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert load(tmp_path, content).shape == (2, 3, 3)
        assert photo_size(str(tmp_path / "photo")) == (2, 3)
    assert not warned
    assert capfd.readouterr() == ("", "")


# sizes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fit", "size", "shape"),
    [
        (Fit.keep, None, (20, 50)),
        (Fit.crop, None, (20, 20)),
        (Fit.stretch, None, (20, 20)),
        (Fit.keep, 30, (30, 75)),
        (Fit.keep, 7, (7, 18)),  # 17.5
        (Fit.keep, 1, (1, 2)),  # 2.5
        (Fit.crop, 30, (30, 30)),
        (Fit.stretch, 30, (30, 30)),
    ],
)
def test_the_size_is_that_of_the_shorter_side(tmp_path, fit, size, shape):
    photo = np.full((20, 50, 3), (10, 100, 200), np.uint8)
    for pixels, expected in ((photo, shape), (np.swapaxes(photo, 0, 1), shape[::-1])):
        loaded = load(tmp_path, of(pixels), size=size, fit=fit)
        np.testing.assert_array_equal(loaded, np.full((*expected, 3), (10, 100, 200)))


def test_unscaled_the_crop_is_made_of_pixels_of_the_photo(tmp_path):
    columns = np.tile(np.arange(0, 250, 50, dtype=np.uint8), (2, 1))
    np.testing.assert_array_equal(load(tmp_path, of(columns), fit=Fit.crop)[..., 0], columns[:, 1:3])
    np.testing.assert_array_equal(load(tmp_path, of(columns.T), fit=Fit.crop)[..., 0], columns.T[1:3])


def test_crop_takes_the_square_in_the_middle_and_the_others_the_whole_picture(tmp_path):
    photo = np.full((60, 180), 100, np.uint8)
    photo[:, :60], photo[:, 120:] = 0, 255
    cropped = load(tmp_path, of(photo), size=60, fit=Fit.crop)
    np.testing.assert_array_equal(cropped, np.full((60, 60, 3), 100))
    for fit, width in ((Fit.stretch, 30), (Fit.keep, 90)):
        whole = load(tmp_path, of(photo), size=30, fit=fit)
        assert whole.shape == (30, width, 3)
        third = width // 3
        for first, grey in ((0, 0), (third, 100), (2 * third, 255)):
            # bicubic: an edge is felt two pixels away
            np.testing.assert_array_equal(whole[:, first + 2 : first + third - 2], grey)


@pytest.mark.parametrize(("name", "shape"), [("flower", (427, 640, 3)), ("china", (427, 640, 3))])
def test_the_embedded_photos_are_pictures(name, shape):
    pixels = load_photo(name, size=None, fit=Fit.keep)
    assert pixels.shape == shape
    assert photo_size(name) == shape[:2]
    assert pixels.min() == 0
    assert pixels.max() > 240
    assert np.ptp(pixels.astype(int), axis=-1).max() > 100  # they are in colour


# refusals ----------------------------------------------------------------------------------------------------------


def refusal(photo: str | Path, *, size: int | None = 28, fit: Fit = Fit.crop) -> str:
    """The reason in the one line with which a photo is refused."""
    with pytest.raises(InputError) as caught:
        load_photo(str(photo), size=size, fit=fit)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    start = f"dream.photo: takes flower, china or the path of a picture that Pillow reads; got {photo}: "
    assert message.startswith(start)
    return message.removeprefix(start)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_what_is_no_file_is_refused_with_what_it_is(tmp_path):
    assert refusal(tmp_path) == "a folder"
    assert refusal(tmp_path / "nothing.jpg") == "No such file or directory"
    assert refusal(tmp_path / ("long" * 99)) == "File name too long"
    assert refusal("/dev/zero") == "no regular file"
    assert refusal("~nobody-here/photo.jpg") == "Could not determine home directory."
    assert "null" in refusal("photo\0.jpg")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "photo.png")
    assert refusal(tmp_path / "photo.png") == "no regular file"


def test_what_is_no_picture_is_refused(tmp_path):
    assert refusal(written(tmp_path / "photo.jpg", b"")) == "an empty file"
    assert refusal(written(tmp_path / "photo.jpg", b"no picture\n")) == "no picture of a kind that Pillow reads"


def test_a_photo_that_may_not_be_read_is_refused():
    # not in pytest's folder, which others may not even enter
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = written(Path(folder, "photo.png"), of(COLOURS))
        with ordinary_user():
            load_photo(str(path), size=28, fit=Fit.crop)
        path.chmod(0)
        with ordinary_user():
            assert refusal(path) == "Permission denied"


def test_the_name_of_another_setting_stands_in_front(tmp_path):
    with pytest.raises(InputError, match=r"^noise\.picture: takes flower, china or the path"):
        load_photo(str(tmp_path), size=28, fit=Fit.crop, setting="noise.picture")
    with pytest.raises(InputError, match=r"^noise\.picture: takes flower, china or the path"):
        photo_size(str(tmp_path), setting="noise.picture")


def test_a_name_of_two_lines_makes_no_second_line(tmp_path):
    with pytest.raises(InputError) as caught:
        load_photo(str(tmp_path / "two\nlines"), size=28, fit=Fit.crop)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "TGA"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_a_truncated_file_is_refused_and_nothing_is_printed(tmp_path, capfd, kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = of(noise, kind=kind)
    assert refusal(written(tmp_path / "photo", content[: int(share * len(content))]))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("side", [50000, 10000])  # for 10000 Pillow would only warn
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, capfd, side):
    path = written(tmp_path / "bomb.png", png(side, side, 8, 2, []))
    # there are no pixels in it: whoever had looked for them would complain of that
    for refused in (refusal(path, size=None, fit=Fit.keep), refusal(path)):
        assert "exceeds limit of" in refused
        assert f"{side * side} pixels" in refused
    with pytest.raises(InputError, match="exceeds limit of"):
        photo_size(str(path))
    assert capfd.readouterr() == ("", "")


def test_a_photo_that_would_become_too_large_is_refused_before_it_is_decoded(tmp_path):
    path = written(tmp_path / "strip.png", png(1, 20000, 8, 2, []))
    refused = refusal(path, size=560, fit=Fit.keep)
    assert refused == "1 x 20000 resized to 560 x 11200000: more than 89478485 pixels"
    assert "too" not in refusal(path, size=560)  # the square in its middle would be small enough


def test_a_strip_has_a_small_crop_and_its_own_size(tmp_path):
    strip = np.zeros((20000, 1), np.uint8)
    assert load(tmp_path, of(strip)).shape == (20000, 1, 3)
    assert load(tmp_path, of(strip), size=56, fit=Fit.crop).shape == (56, 56, 3)


def test_a_picture_without_pixels_is_refused(tmp_path):
    assert refusal(written(tmp_path / "photo.pgm", b"P5 5 0 255\n"))
    assert refusal(written(tmp_path / "photo.png", png(0, 5, 8, 2, [b""] * 5)))
    path = written(tmp_path / "photo", of(COLOURS))
    assert refusal(path, size=0) == "3 x 2 resized to 0 is no picture"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_floats_that_are_not_finite_are_refused(tmp_path, value):
    path = written(tmp_path / "photo.tiff", of(np.array([[0, value]], np.float32), kind="TIFF"))
    assert refusal(path) == "it has values that are not finite"


# masks -------------------------------------------------------------------------------------------------------------


def mask(folder: Path, content: bytes, photo: tuple[int, int], shape: tuple[int, int], fit: Fit) -> np.ndarray:
    share = load_mask(str(written(folder / "mask", content)), photo_size=photo, shape=shape, fit=fit)
    assert share.dtype == np.float32
    assert share.shape == shape
    assert 0 <= share.min() <= share.max() <= 1
    return share


@pytest.mark.parametrize(
    ("pixels", "mode", "share"),
    [
        ([[WHITE, BLACK, (51, 51, 51)]], "RGB", [1, 0, 0.2]),
        ([[RED, GREEN, BLUE]], "RGB", [76 / 255, 150 / 255, 29 / 255]),  # their luma, as whole grey levels
        ([[(255, 255, 255, 255), (255, 255, 255, 0), (255, 255, 255, 51)]], "RGBA", [1, 0, 0.2]),
        ([[255, 0, 51]], "L", [1, 0, 0.2]),
        ([[255, 0, 255]], "1", [1, 0, 1]),
    ],
)
def test_a_mask_is_its_grey_levels_and_0_where_it_is_transparent(tmp_path, pixels, mode, share):
    np.testing.assert_allclose(mask(tmp_path, of(pixels, mode), (1, 3), (1, 3), Fit.keep), [share], atol=1e-6)


def test_a_mask_of_the_files_proportions_is_fitted_as_the_photo_was(tmp_path):
    thirds = np.zeros((60, 180), np.uint8)
    thirds[:, 60:120] = 255  # white in the middle
    cropped = mask(tmp_path, of(thirds), (120, 360), (30, 30), Fit.crop)
    assert (cropped[:, 2:-2] == 1).all()  # bicubic: an edge is felt two pixels away
    stretched = mask(tmp_path, of(thirds), (120, 360), (30, 30), Fit.stretch)
    kept = mask(tmp_path, of(thirds), (120, 360), (30, 90), Fit.keep)
    for share in (stretched, kept):
        third = share.shape[1] // 3
        for first, expected in ((0, 0), (third, 1), (2 * third, 0)):
            assert (share[:, first + 2 : first + third - 2] == expected).all()


@pytest.mark.parametrize("fit", [Fit.crop, Fit.stretch])
def test_a_mask_of_the_loaded_photos_proportions_is_only_resized(tmp_path, fit):
    halves = np.zeros((60, 60), np.uint8)
    halves[:, 30:] = 255
    share = mask(tmp_path, of(halves), (120, 360), (30, 30), fit)
    assert (share[:, :13] == 0).all()
    assert (share[:, 17:] == 1).all()


def test_a_mask_lies_on_the_photo_pixel_by_pixel(tmp_path):
    photo = np.tile(np.array([0, 255, 0, 51, 102], np.uint8), (2, 1))
    for fit in Fit:
        loaded = load(tmp_path, of(photo), fit=fit)[..., 0]
        np.testing.assert_array_equal(mask(tmp_path, of(photo), (2, 5), loaded.shape, fit), loaded / np.float32(255))


def test_proportions_may_differ_by_one_per_cent(tmp_path):
    white = np.full((100, 150), 255, np.uint8)
    for width in (149, 150, 151):
        assert mask(tmp_path, of(white[:, :1].repeat(width, 1)), (200, 300), (20, 30), Fit.keep).min() == 1
    for width, height in ((148, 100), (152, 100), (100, 150)):
        path = written(tmp_path / "mask", of(np.full((height, width), 255, np.uint8)))
        with pytest.raises(InputError) as caught:
            load_mask(str(path), photo_size=(200, 300), shape=(20, 30), fit=Fit.keep)
        got = f"got {path} with {width} x {height}"
        assert str(caught.value) == f"dream.mask: takes a picture of the photo's proportions, 300 x 200; {got}"


def test_a_mask_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = array([255, 0], [0, 0], [0, 51])
    lying = np.ascontiguousarray(np.rot90(upright))
    np.testing.assert_allclose(mask(tmp_path, of(lying, exif=exif), (3, 2), (3, 2), Fit.keep), upright / 255, atol=1e-6)


@pytest.mark.parametrize("name", ["black", "transparent", "black in the crop"])
def test_a_mask_that_is_black_all_over_is_refused(tmp_path, name):
    pixels = np.zeros((20, 60, 4), np.uint8)
    if name == "transparent":
        pixels[..., :3] = 255
    if name == "black in the crop":
        pixels[:, :10] = 255
    path = written(tmp_path / "mask", of(pixels))
    with pytest.raises(InputError) as caught:
        load_mask(str(path), photo_size=(20, 60), shape=(20, 20), fit=Fit.crop)
    assert str(caught.value) == f"dream.mask: takes a mask that is not black all over; got {path}"


@pytest.mark.parametrize("name", ["nothing.png", "flower"])
def test_a_mask_that_cannot_be_read_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        load_mask(name, photo_size=(2, 2), shape=(2, 2), fit=Fit.keep)
    takes = "the path of a picture that Pillow reads, white where to dream, black where not"
    assert str(caught.value) == f"dream.mask: takes {takes}; got {name}: No such file or directory"
