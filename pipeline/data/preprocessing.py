"""Images as a CNN takes them: all of one size, each standardized."""

import numpy as np


def standardize(images: np.ndarray) -> np.ndarray:
    """Give every image (count, size, size) the mean 0 and the standard deviation 1; an even one becomes 0.

    Returns:
        (count, size, size, 1) float32.
    """
    images = images.astype(np.float32)[..., None]
    centred = images - images.mean(axis=(1, 2, 3), keepdims=True)
    # the same floor as tf.image.per_image_standardization
    spread = np.maximum(images.std(axis=(1, 2, 3), keepdims=True), 1 / np.sqrt(images[0].size))
    return (centred / spread).astype(np.float32)


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Enlarge (count, side, side) bicubically to (count, size, size); larger images are shrunk."""
    if images.shape[1:] == (size, size):
        return images
    from PIL import Image

    pictures = (Image.fromarray(image.astype(np.float32)) for image in images)
    return np.stack([np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC)) for picture in pictures])
