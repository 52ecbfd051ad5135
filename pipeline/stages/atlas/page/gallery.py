"""The pictures of an atlas, each once, as text that an HTML file can hold."""

import base64
import io

import numpy as np
from PIL import Image

from pipeline.drawing.levels import between, image_levels

# The colours of measured values, from the smallest to the largest: dark to light, so that they can be told without
# seeing hues. The stops are those of viridis.
STOPS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
# as many as can be told apart; a palette of 256 would take more bytes than the small pictures that use it
SHADES = 64
# A dream is shown no larger: a few times as many bytes would tell nothing more. A picture beside many others: no larger
# than on the page.
DREAM_SIDE, SMALL_SIDE = 320, 112
DREAM_QUALITY = 75
# Of an image, in levels: of more it is kept as a photo is, as the noise of large pictures takes megabytes otherwise.
MOST_EXACT = 112 * 112


class Gallery:
    """Pictures by key; the same key always stands for the same picture.

    pixel_range: see `image_levels`, of all images.
    """

    def __init__(self, pixel_range: np.ndarray | None = None) -> None:
        self.addresses: dict[str, str] = {}
        self._range = pixel_range

    def image(self, key: str, picture: np.ndarray, side: int = DREAM_SIDE) -> str:
        """Add an image (height, width, channels) as the CNN takes it, in its levels, and return its key.

        Args:
            side: the longer one, in pixels, that is kept of a large image, at most.
        """
        if key in self.addresses:
            return key
        levels = image_levels(picture, self._range)
        if levels.size > MOST_EXACT:
            return self.photo(key, levels, side)
        self.addresses[key] = _png(Image.fromarray(levels))
        return key

    def shades(self, key: str, values: np.ndarray, low: float, high: float) -> str:
        """Add values (height, width) in colours, `low` dark and `high` light, and return their key."""
        if key not in self.addresses:
            shades = np.rint(between(values, low, high) / 255 * (SHADES - 1)).astype(np.intp)
            # only the colours that occur
            used, numbers = np.unique(shades, return_inverse=True)
            picture = Image.fromarray(numbers.reshape(values.shape).astype(np.uint8)).convert("P")
            picture.putpalette(PALETTE[used].tobytes())
            self.addresses[key] = _png(picture)
        return key

    def photo(self, key: str, levels: np.ndarray, side: int = DREAM_SIDE) -> str:
        """Add a photo or a dream (height, width) or (height, width, 3) uint8, and return its key."""
        if key not in self.addresses:
            picture = Image.fromarray(levels)
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
            file = io.BytesIO()
            picture.save(file, "WEBP", quality=DREAM_QUALITY, method=4)
            self.addresses[key] = _address("webp", file)
        return key


def _palette() -> np.ndarray:
    """Return the colours (SHADES, 3) uint8, linear between the stops."""
    at = np.linspace(0, len(STOPS) - 1, SHADES)
    channels = [np.interp(at, range(len(STOPS)), channel) for channel in zip(*STOPS, strict=True)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)


PALETTE = _palette()


def _png(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return _address("png", file)


def _address(kind: str, file: io.BytesIO) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
