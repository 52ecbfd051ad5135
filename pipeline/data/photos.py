"""Pictures to arrays: any photo as RGB, and the mask that says where in it to dream."""

import contextlib
import io
import logging
import stat
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

from pipeline.data.bundled import load_sample_image
from pipeline.runtime.errors import InputError
from pipeline.runtime.lent import change
from pipeline.settings.choices import Fit

PHOTOS = ("flower", "china")

PHOTO = "flower, china or the path of a picture that Pillow reads"
MASK = "the path of a picture that Pillow reads, white where to dream, black where not"

# What Pillow takes for harmless, and warns of beyond.
MOST_PIXELS = 1024**3 // 4 // 3

# By how much the proportions of a mask may differ from the photo's.
TOLERANCE = 0.01

_OPENING = threading.RLock()


def load_photo(photo: str, *, size: int | None, fit: Fit, setting: str = "dream.photo") -> np.ndarray:
    """Load a photo as it stands upright, in the colours of sRGB, on white where it is transparent.

    16 bits are scaled to 8; wider ranges (32 bits, floats) are stretched from their smallest to their largest value.
    Of several frames or pages it is the first.

    Args:
        photo: flower, china or the path of a picture.
        size: of the square in pixels, with Fit.keep of the shorter side; None for what the photo has.
        fit: keep: the photo's proportions; crop: the largest square in the middle; stretch: all of it, made square.
        setting: the one that names the photo, for the message.
    Returns:
        (height, width, 3) uint8.
    Raises:
        InputError: no picture that can be read, or one that has too many pixels, now or when it is resized.
    """
    with opened(photo, setting, PHOTO, embedded=PHOTOS) as picture:
        # the header alone tells whether it would be too large
        _target(picture, size, fit)
        stand_upright(picture)
        return np.asarray(_resized(in_rgb(picture, "white"), _target(picture, size, fit), fit))


def photo_size(photo: str, *, setting: str = "dream.photo") -> tuple[int, int]:
    """Return (height, width) of a photo's file as it stands upright: of most kinds of files only the header is read.

    Args:
        photo, setting: as of `load_photo`.
    Raises:
        InputError: no picture that can be read.
    """
    with opened(photo, setting, PHOTO, embedded=PHOTOS) as picture:
        width, height = picture.size
        orientation = None
        with contextlib.suppress(Exception):  # as in stand_upright
            orientation = picture.getexif().get(ExifTags.Base.Orientation)
        # 5 to 8 lie on their side; Pillow gives the size of a TIFF as it stands
        on_its_side = orientation in (5, 6, 7, 8) and picture.format != "TIFF"
        return (width, height) if on_its_side else (height, width)


def load_mask(mask: str, *, photo_size: tuple[int, int], shape: tuple[int, int], fit: Fit) -> np.ndarray:
    """Load where to dream: from 0, leave the photo as it is, to 1, by grey level / 255; 0 where it is transparent.

    A mask with the proportions of the photo's file is cropped or stretched as the photo was, one with those of the
    loaded photo only resized.

    Args:
        mask: the path of a picture.
        photo_size: (height, width) of the photo's file as it stands upright.
        shape: (height, width) of the loaded photo.
        fit: as the photo was fitted.
    Returns:
        `shape`, float32.
    Raises:
        InputError: as for a photo; a mask of other proportions, or one that is black all over.
    """
    with opened(mask, "dream.mask", MASK) as picture:
        stand_upright(picture)
        height, width = photo_size
        if _alike(picture.size, (width, height)):
            how = fit
        elif _alike(picture.size, (shape[1], shape[0])):
            how = Fit.stretch
        else:
            takes = f"a picture of the photo's proportions, {width} x {height}"
            raise InputError.at("dream.mask", takes=takes, got=f"{mask} with {picture.width} x {picture.height}")
        grey = in_rgb(picture, "black").convert("L")
        share = np.asarray(_resized(grey, (shape[1], shape[0]), how), np.float32) / 255
        if not share.any():
            raise InputError.at("dream.mask", takes="a mask that is not black all over", got=mask)
        return share


def _settle_pillow() -> None:
    """Let Pillow take what it takes by itself, whatever else this process wants of it."""

    def write(module: Any, name: str) -> Callable[[Any], None]:
        return lambda value: setattr(module, name, value)

    most: int | None = MOST_PIXELS
    change(lambda: Image.MAX_IMAGE_PIXELS, write(Image, "MAX_IMAGE_PIXELS"), most)
    change(lambda: ImageFile.LOAD_TRUNCATED_IMAGES, write(ImageFile, "LOAD_TRUNCATED_IMAGES"), False)


@contextlib.contextmanager
def opened(photo: str, setting: str, takes: str, embedded: tuple[str, ...] = ()) -> Iterator[Image.Image]:
    """Open the picture, not decoded yet. What goes wrong with it to the end is refused in one line; nothing warns."""
    _settle_pillow()
    log = logging.getLogger("PIL")
    # what is ignored is so in all threads, and would stay so if two left in another order
    with _OPENING, warnings.catch_warnings():
        level = log.level
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        log.setLevel(logging.CRITICAL)
        try:
            with _embedded(photo) if photo in embedded else Image.open(_file(photo)) as picture:
                yield picture
        except InputError:
            raise
        except Exception as error:  # Pillow's plugins raise what comes: OSError, SyntaxError, NotImplementedError, ...
            raise InputError.at(setting, takes=takes, got=f"{photo}: {_reason(error)}") from error
        finally:
            log.setLevel(level)


def _embedded(photo: str) -> Image.Image:
    return Image.fromarray(load_sample_image(f"{photo}.jpg"))


def _file(photo: str) -> Path:
    """Return the path, if there is a file with content: a pipe or a device might never end."""
    path = Path(photo).expanduser()
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise ValueError("a folder")
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("no regular file")
    if found.st_size == 0:
        raise ValueError("an empty file")
    return path


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no picture of a kind that Pillow reads"
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    return " ".join(reason.split()) or type(error).__name__


def _target(picture: Image.Image, size: int | None, fit: Fit) -> tuple[int, int]:
    """Return the width and height that the picture is resized to.

    Raises:
        ValueError: none at all, or more pixels than Pillow takes for harmless.
    """
    shorter = min(picture.size)
    side = shorter if size is None else size
    if min(shorter, side) < 1:
        raise ValueError(f"{picture.width} x {picture.height} resized to {side} is no picture")
    if fit is Fit.keep:
        width, height = (round(length * side / shorter) for length in picture.size)
    else:
        width = height = side
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and width * height > most:
        raise ValueError(f"{picture.width} x {picture.height} resized to {width} x {height}: more than {most} pixels")
    return width, height


def stand_upright(picture: Image.Image) -> None:
    """Decode the picture and turn it as its EXIF data say."""
    tiles = getattr(picture, "tile", None)
    in_file = tiles[0][3] if tiles else None
    picture.load()
    # a PNG names its transparent colour in the bits of the file; Pillow compares it with the 8 bits that it has
    transparent = picture.info.get("transparency")
    if isinstance(transparent, int) and in_file in ("L;2", "L;4"):
        picture.info["transparency"] = transparent * (85 if in_file == "L;2" else 17)
    if isinstance(transparent, tuple) and in_file == "RGB;16B":
        picture.info["transparency"] = tuple(level >> 8 for level in transparent)
    # broken EXIF data raise all kinds of errors, and do not say how the photo stands
    with contextlib.suppress(Exception):
        ImageOps.exif_transpose(picture, in_place=True)


def in_rgb(picture: Image.Image, background: str) -> Image.Image:
    """Return the picture as RGB, on a background where it is transparent."""
    if picture.mode.startswith(("I", "F")):
        picture = _of_8_bits(picture)
    if not picture.has_transparency_data:
        return _in_srgb(picture)
    picture = picture.convert("LA" if picture.mode in ("1", "L", "LA") else "RGBA")
    canvas = Image.new("RGB", picture.size, background)
    canvas.paste(_in_srgb(picture), mask=picture.getchannel("A"))
    return canvas


def _of_8_bits(picture: Image.Image) -> Image.Image:
    """Return grey levels of 16 bits / 257, or any others stretched from the smallest to the largest, as L or LA."""
    values = np.asarray(picture)
    # a TIFF may have 12 bits, which Pillow leaves as they are
    most = 4095 if getattr(picture, "tag_v2", {}).get(ExifTags.Base.BitsPerSample) == (12,) else 65535
    low, high = float(values.min()), float(values.max())
    if picture.mode != "F" and low >= 0 and high <= 65535:
        # rounded, in whole numbers
        grey = ((values.astype(np.uint32) * 255 + most // 2) // most).astype(np.uint8)
    elif not np.isfinite([low, high]).all():
        raise ValueError("it has values that are not finite")
    elif low == high:
        grey = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    else:
        grey = np.rint((values.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)
    result = Image.fromarray(grey)
    if "transparency" in picture.info:
        result.putalpha(Image.fromarray(np.where(values == picture.info["transparency"], 0, 255).astype(np.uint8)))
    result.info["icc_profile"] = picture.info.get("icc_profile")
    return result


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Return the colours as RGB, from the profile embedded in the file, if there is one; transparency is dropped."""
    space = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK", "LAB": "LAB"}.get(picture.mode, "RGB")
    if picture.mode != space:
        picture = picture.convert(space)
    embedded = picture.info.get("icc_profile")
    if embedded:
        # a profile that is broken or of another colour space is ignored
        with contextlib.suppress(ImageCms.PyCMSError, OSError, TypeError):
            profile = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
            if space == "L" and profile.profile.xcolor_space.strip() == "RGB":
                picture = picture.convert("RGB")
            srgb = ImageCms.createProfile("sRGB")
            in_srgb = ImageCms.profileToProfile(picture, profile, srgb, outputMode="RGB")
            assert in_srgb is not None
            return in_srgb
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _alike(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether two (width, height) have the same proportions."""
    return abs(size[0] * other[1] / (size[1] * other[0]) - 1) <= TOLERANCE


def _resized(picture: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """Resize the picture, or the largest square in its middle, bicubically to (width, height)."""
    if fit is not Fit.crop:
        # Pillow would copy a photo that has the size already
        return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)
    side = min(picture.size)
    left, top = ((length - side) / 2 for length in picture.size)
    if size == (side, side):
        # whole pixels, as nothing is resized
        left, top = left // 1, top // 1
    return picture.resize(size, Image.Resampling.BICUBIC, (left, top, left + side, top + side))
