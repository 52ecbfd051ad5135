"""Spectra of pictures of any shape: what they are multiplied by, and what magnitudes they are given.

Of several channels each has a spectrum of its own: behind the first axis that of a picture is (channels, height,
width // 2 + 1). Of a single channel that axis is left out.
"""

import numpy as np
import tensorflow as tf

# Images at a time.
SOME = 1000


def frequencies(shape: tuple[int, int]) -> np.ndarray:
    """Compute the frequencies of `rfft2` in periods per picture; the mean's, 0, counts as 1.

    Of a picture that is not square they are those of the longer side, so that a wave has the same frequency in every
    direction.

    Args:
        shape: (height, width) of a picture in pixels.
    Returns:
        (height, width // 2 + 1) float64.
    """
    height, width = shape
    longer = max(height, width)
    across = np.fft.rfftfreq(width) * longer
    down = np.fft.fftfreq(height) * longer
    return np.maximum(np.hypot(down[:, None], across), 1.0)


def frequency_filter(shape: tuple[int, int], decay: float) -> np.ndarray:
    """Compute 1 / f^decay for the frequencies f of a real spectrum, see `frequencies`.

    Args:
        shape: (height, width) of a picture in pixels.
        decay: 0 leaves all as they are, more favours long waves.
    Returns:
        (height, width // 2 + 1) float32.
    """
    return (frequencies(shape) ** -decay).astype(np.float32)


def magnitudes_of(images: np.ndarray) -> np.ndarray:
    """Return the magnitudes of the spectra of images (count, height, width, channels), the images the first axis."""
    if images.shape[3] == 1:
        return np.abs(np.fft.rfft2(images[..., 0]))
    return np.abs(np.fft.rfft2(np.moveaxis(images, 3, 1)))


def filtered(images: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    """Return the pictures with their spectra multiplied by `factors`.

    Args:
        images: (batch, height, width, channels) float32.
        factors: (height, width // 2 + 1) float32, of all channels.
    Returns:
        (batch, height, width, channels) float32.
    """
    return _from_spectrum(_spectrum(images) * tf.cast(factors, tf.complex64), images)


def with_magnitudes(images: tf.Tensor, magnitudes: tf.Tensor) -> tf.Tensor:
    """Return the pictures with these magnitudes and the phases that they have.

    For the spectrum S of a picture:  S <- magnitudes * S / (|S| + 1e-8)

    Args:
        images: (batch, height, width, channels) float32.
        magnitudes: (height, width // 2 + 1) float32, of several channels with these before it.
    Returns:
        (batch, height, width, channels) float32.
    Reference:
        Fel et al., 2023, "Unlocking Feature Visualization for Deep Networks with MAgnitude Constrained Optimization".
    """
    spectrum = _spectrum(images)
    phases = spectrum / tf.cast(tf.abs(spectrum) + 1e-8, tf.complex64)
    return _from_spectrum(phases * tf.cast(magnitudes, tf.complex64), images)


def _spectrum(images: tf.Tensor) -> tf.Tensor:
    if images.shape[3] == 1:
        return tf.signal.rfft2d(images[..., 0])
    return tf.signal.rfft2d(tf.transpose(images, (0, 3, 1, 2)))


def _from_spectrum(spectrum: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Return the pictures that have these spectra.

    Args:
        spectrum: (batch, [channels,] height, width // 2 + 1) complex64.
        like: (batch, height, width, channels), pictures of their size.
    Returns:
        (batch, height, width, channels) float32.
    """
    pictures = tf.signal.irfft2d(spectrum, like.shape[1:3])
    return pictures[..., None] if like.shape[3] == 1 else tf.transpose(pictures, (0, 2, 3, 1))
