"""The method once more, in plain NumPy and float64, one image at a time: what the compiled programs are held against.

Nothing here uses TensorFlow or the code under test. Images are (height, width), feature maps (height, width, maps).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class Convolution(NamedTuple):
    kernel: np.ndarray  # (size, size, maps in, maps out)
    bias: np.ndarray
    activation: str


class Pool(NamedTuple):
    size: int


Layer = Convolution | Pool


def standardize(image: np.ndarray) -> np.ndarray:
    """Mean 0, standard deviation 1; a standard deviation below 1/sqrt(N) counts as that."""
    return (image - image.mean()) / max(image.std(), 1 / np.sqrt(image.size))


def activate(x: np.ndarray, activation: str) -> np.ndarray:
    match activation:
        case "linear":
            return x
        case "relu":
            return np.where(x > 0, x, 0)
        case "elu":
            return np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)
        case "sigmoid":
            return 1 / (1 + np.exp(-x))
        case "tanh":
            return np.tanh(x)
        case "softmax":
            return np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    raise ValueError(activation)


def slope(x: np.ndarray, activation: str) -> np.ndarray:
    """The derivative of `activate` at x."""
    match activation:
        case "linear":
            return np.ones_like(x)
        case "relu":
            return np.where(x > 0, 1.0, 0.0)
        case "elu":
            return np.where(x > 0, 1.0, np.exp(np.minimum(x, 0)))
        case "sigmoid":
            y = activate(x, "sigmoid")
            return y * (1 - y)
        case "tanh":
            return 1 - np.tanh(x) ** 2
    raise ValueError(activation)


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """No padding, stride 1: out[y, x, m] = bias[m] + sum_ijc in[y + i, x + j, c] * kernel[i, j, c, m]."""
    windows = sliding_window_view(x, kernel.shape[:2], axis=(0, 1))  # (height, width, maps in, size, size)
    return np.einsum("yxcij,ijcm->yxm", windows, kernel) + bias


def convolve_backward(gradient: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The gradient with respect to the input of `convolve`: every output gives back to the window it came from."""
    size = len(kernel)
    height, width, _ = gradient.shape
    given = np.zeros((height + size - 1, width + size - 1, kernel.shape[2]))
    for y in range(height):
        for x in range(width):
            given[y : y + size, x : x + size] += kernel @ gradient[y, x]
    return given


def max_pool(x: np.ndarray, size: int) -> np.ndarray:
    """The maximum of every size x size block; what does not fill a block is left out."""
    height, width = x.shape[0] // size, x.shape[1] // size
    blocks = x[: height * size, : width * size].reshape(height, size, width, size, -1)
    return blocks.max(axis=(1, 3))


def max_pool_backward(gradient: np.ndarray, x: np.ndarray, size: int) -> np.ndarray:
    """The gradient of `max_pool` goes to the place of the maximum, the first one of several."""
    given = np.zeros_like(x)
    for y, x_, m in np.ndindex(gradient.shape):
        block = x[y * size : (y + 1) * size, x_ * size : (x_ + 1) * size, m]
        i, j = np.unravel_index(block.argmax(), block.shape)
        given[y * size + i, x_ * size + j, m] += gradient[y, x_, m]
    return given


def outputs(layers: Sequence[Layer], image: np.ndarray) -> list[np.ndarray]:
    """What every layer makes of an image."""
    made, x = [], image[..., None]
    for layer in layers:
        match layer:
            case Convolution(kernel, bias, activation):
                x = activate(convolve(x, kernel, bias), activation)
            case Pool(size):
                x = max_pool(x, size)
        made.append(x)
    return made


def objective(layers: Sequence[Layer], image: np.ndarray, map_index: int) -> float:
    """The mean over the positions of a map of the last layer; for -1 the mean over the whole layer."""
    feature_maps = outputs(layers, image)[-1]
    return float(feature_maps.mean() if map_index == -1 else feature_maps[..., map_index].mean())


def gradient(layers: Sequence[Layer], image: np.ndarray, map_index: int) -> np.ndarray:
    """The derivative of `objective` with respect to every pixel, by hand, backwards through the layers."""
    inputs = [image[..., None], *outputs(layers, image)[:-1]]
    height, width, maps = outputs(layers, image)[-1].shape
    back = np.zeros((height, width, maps))
    if map_index == -1:
        back[:] = 1 / (height * width * maps)
    else:
        back[..., map_index] = 1 / (height * width)
    for layer, x in zip(reversed(layers), reversed(inputs), strict=True):
        match layer:
            case Convolution(kernel, bias, activation):
                back = convolve_backward(back * slope(convolve(x, kernel, bias), activation), kernel)
            case Pool(size):
                back = max_pool_backward(back, x, size)
    return back[..., 0]


class Ascent(NamedTuple):
    images: list[np.ndarray]  # after every step
    objective: list[float]  # before the change of every step
    converged_at: int


def ascend(
    layers: Sequence[Layer],
    image: np.ndarray,
    map_index: int,
    step_sizes: Sequence[float],
    *,
    criterion: float = 0.0,
    after: int = 0,
    patience: int = 1,
    stop: bool = False,
) -> Ascent:
    images: list[np.ndarray] = []
    values: list[float] = []
    calm, converged_at = 0, -1
    for step, step_size in enumerate(step_sizes):
        values.append(objective(layers, image, map_index))
        if step > after and abs(values[-1] - values[-2]) < criterion * abs(values[-1]):
            calm += 1
        else:
            calm = 0
        if calm >= patience and converged_at == -1:
            converged_at = step
        if not (stop and converged_at >= 0):
            g = gradient(layers, image, map_index)
            if g.any():
                image = standardize(image + step_size * g / (np.sqrt((g**2).mean()) + 1e-7))
        images.append(image)
    return Ascent(images, values, converged_at)


def bicubic_weights(size_in: int, size_out: int) -> np.ndarray:
    """(size_out, size_in): Keys' cubic with a = -0.5 at pixel centres; wider by the ratio when it gets smaller.

    Weights that fall outside of the picture are left out, and every row sums to 1.
    """
    ratio = size_in / size_out
    width = max(ratio, 1.0)
    centres = (np.arange(size_out) + 0.5) * ratio
    t = np.abs(np.arange(size_in) + 0.5 - centres[:, None]) / width
    weights = np.where(t < 1, 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2)
    weights[t >= 2] = 0
    return weights / weights.sum(axis=1, keepdims=True)


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """Bicubic, with antialiasing when it gets smaller."""
    weights = bicubic_weights(len(image), size)
    return weights @ image @ weights.T


def affine(image: np.ndarray, matrix: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """out(p) = in(matrix @ (p - centre) + centre + shift), bilinear; 0 outside. p = (x, y)."""
    height, width = image.shape
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    moved = np.zeros_like(image)
    for y, x in np.ndindex(height, width):
        source_x, source_y = matrix @ (np.array([x, y]) - centre) + centre + shift
        for i in (int(np.floor(source_y)), int(np.floor(source_y)) + 1):
            for j in (int(np.floor(source_x)), int(np.floor(source_x)) + 1):
                if 0 <= i < height and 0 <= j < width:
                    moved[y, x] += (1 - abs(source_y - i)) * (1 - abs(source_x - j)) * image[i, j]
    return moved


def dream(
    layers: Sequence[Layer],
    photo: np.ndarray,
    *,
    size: int,
    levels: Sequence[int],
    map_indices: Sequence[int],
    turns: int,
    steps: int,
    step_size: float,
) -> np.ndarray:
    """Carving, tile by tile."""
    original = standardize(photo)
    picture = original.copy()
    for _ in range(turns):
        for tiles_per_side, map_index in zip(levels, map_indices, strict=True):
            side = len(photo) // tiles_per_side
            before = picture.copy()
            for row, column in np.ndindex(tiles_per_side, tiles_per_side):
                place = np.s_[row * side : (row + 1) * side, column * side : (column + 1) * side]
                detail = original[place] - resize(resize(original[place], size), side)
                small = resize(before[place], size)
                mean, std = small.mean(), small.std()
                ascent = ascend(layers, (small - mean) / std, map_index, [step_size] * steps)
                picture[place] = resize(ascent.images[-1] * std + mean, side) + detail
            picture = standardize(picture)
    return picture
