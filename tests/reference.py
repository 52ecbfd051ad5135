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


def objective(layers: Sequence[Layer], image: np.ndarray, map_index: int, *, squared: bool = False) -> float:
    """The mean over the positions of a map of the last layer; for -1 the mean over the whole layer. Or of squares."""
    feature_maps = outputs(layers, image)[-1] ** (2 if squared else 1)
    return float(feature_maps.mean() if map_index == -1 else feature_maps[..., map_index].mean())


def gradient(layers: Sequence[Layer], image: np.ndarray, map_index: int, *, squared: bool = False) -> np.ndarray:
    """The derivative of `objective` with respect to every pixel, by hand, backwards through the layers."""
    inputs = [image[..., None], *outputs(layers, image)[:-1]]
    height, width, maps = outputs(layers, image)[-1].shape
    back = np.zeros((height, width, maps))
    if map_index == -1:
        back[:] = 1 / (height * width * maps)
    else:
        back[..., map_index] = 1 / (height * width)
    if squared:
        back *= 2 * outputs(layers, image)[-1]
    for layer, x in zip(reversed(layers), reversed(inputs), strict=True):
        back = layer_backward(layer, x, back)
    return back[..., 0]


def layer_backward(layer: Layer, x: np.ndarray, back: np.ndarray) -> np.ndarray:
    """The gradient with respect to the input x of a layer, of that with respect to its output."""
    match layer:
        case Convolution(kernel, bias, activation):
            return convolve_backward(back * slope(convolve(x, kernel, bias), activation), kernel)
        case Pool(size):
            return max_pool_backward(back, x, size)


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
    squared: bool = False,
) -> Ascent:
    images: list[np.ndarray] = []
    values: list[float] = []
    calm, converged_at = 0, -1
    for step, step_size in enumerate(step_sizes):
        values.append(objective(layers, image, map_index, squared=squared))
        if step > after and abs(values[-1] - values[-2]) < criterion * abs(values[-1]):
            calm += 1
        else:
            calm = 0
        if calm >= patience and converged_at == -1:
            converged_at = step
        if not (stop and converged_at >= 0):
            g = gradient(layers, image, map_index, squared=squared)
            if g.any():
                image = standardize(image + step_size * g / (np.sqrt((g**2).mean()) + 1e-7))
        images.append(image)
    return Ascent(images, values, converged_at)


def bicubic_weights(size_in: int, size_out: int, *, bspline: bool = False) -> np.ndarray:
    """(size_out, size_in): Keys' cubic with a = -0.5 at pixel centres; wider by the ratio when it gets smaller.

    bspline: instead the cubic B-spline, which is a box of width 1 folded with itself three times.

    Weights that fall outside of the picture are left out, and every row sums to 1.
    """
    ratio = size_in / size_out
    width = max(ratio, 1.0)
    centres = (np.arange(size_out) + 0.5) * ratio
    t = np.abs(np.arange(size_in) + 0.5 - centres[:, None]) / width
    if bspline:
        # as divided differences: sum over k of (-1)^k binomial(4, k) max(t + 2 - k, 0)^3 / 6
        weights = sum(sign * np.maximum(t + 2 - k, 0) ** 3 / 6 for k, sign in enumerate((1, -4, 6, -4, 1)))
    else:
        weights = np.where(t < 1, 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2)
    weights[t >= 2] = 0
    return weights / weights.sum(axis=1, keepdims=True)


def resize(image: np.ndarray, size: int, *, bspline: bool = False) -> np.ndarray:
    """Bicubic, with antialiasing when it gets smaller."""
    weights = bicubic_weights(len(image), size, bspline=bspline)
    return weights @ image @ weights.T


def resize_to(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The same for (height, width, channels), to another shape."""
    down, across = (bicubic_weights(old, new) for old, new in zip(image.shape[:2], shape, strict=True))
    return np.einsum("ij,jkc,lk->ilc", down, image, across)


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
    squared: bool = False,
    strength: float = 1.0,
    updated: bool = False,
    mask: np.ndarray | None = None,
    bspline: bool = False,
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
                whole = before if updated else original
                detail = whole[place] - resize(resize(whole[place], size), side, bspline=bspline)
                small = resize(before[place], size)
                mean, std = small.mean(), small.std()
                ascent = ascend(layers, (small - mean) / std, map_index, [step_size] * steps, squared=squared)
                new = resize(ascent.images[-1] * std + mean, side, bspline=bspline) + detail
                picture[place] = (1 - strength) * before[place] + strength * new
            picture = standardize(picture)
            if mask is not None:
                picture = original + mask * (picture - original)
    return picture


class Stroke(NamedTuple):
    pixels: np.ndarray  # after the step
    likeness: float  # before it
    factor: float  # after it


def stroke(
    layers: Sequence[Layer],
    pixels: np.ndarray,
    features: np.ndarray,
    map_index: int,
    *,
    goal: float,
    unit: float,
    shaping: np.ndarray,
    step_size: float,
    factor: float,
    activation: str = "relu",
) -> Stroke:
    """One step towards the features (values,) of the layer before the last, which is a convolution without activation.

    r = corr(F, features) * |features|, L = r + factor * S / unit, S the mean of the map; see `core/matching.py`.
    """
    image = standardize(pixels)
    inputs = [image[..., None], *outputs(layers, image)[:-1]]
    last = outputs(layers, image)[-1]
    back = np.zeros_like(last)
    back[..., map_index] = factor / unit / last[..., map_index].size
    for number, (layer, x) in reversed(list(enumerate(zip(layers, inputs, strict=True)))):
        back = layer_backward(layer, x, back)
        if number == len(layers) - 1:
            centred = x.ravel() - x.mean()
            length = np.linalg.norm(centred)
            likeness = centred @ features / length
            slopes = (features - likeness * centred / length) / length
            back += (slopes - slopes.mean()).reshape(x.shape)
    ascent = back[..., 0]
    # of the standardization: neither mean nor spread of the pixels matter
    ascent = (ascent - ascent.mean() - image * (ascent * image).mean()) / pixels.std()
    way = (shaping @ ascent.ravel()).reshape(pixels.shape)
    after = np.clip(pixels + step_size * way / (np.sqrt((way**2).mean()) + 1e-9), 0, 1)
    reached = activate(last[..., map_index], activation).mean() / goal
    return Stroke(after, float(likeness), factor * np.exp(0.25 * np.clip(2 * (1.03 - reached), -1, 1)))


# pictures of any size, over which the CNN is slid ---------------------------------------------------------------------


def mirrored(length: int, margin: int) -> list[int]:
    """Which pixel of `length` each is of the picture continued by `margin` on both sides; the edge is not doubled."""
    return [abs(k) if k < length else 2 * (length - 1) - k for k in range(-margin, length + margin)]


class Slid(NamedTuple):
    objective: float
    gradient: np.ndarray  # times the number of positions


def slid(
    layers: Sequence[Layer],
    picture: np.ndarray,
    map_index: int,
    shift: tuple[int, int],
    *,
    side: int,
    stride: int,
) -> Slid:
    """The objective of the whole picture at once; a position sees side x side pixels, the next `stride` further on."""
    margin = min(side // 2, min(picture.shape) - 1)
    rows, columns = (mirrored(length, margin) for length in picture.shape)
    # as many positions as fit in every shift
    down, across = (1 + (len(places) - (stride - 1) - side) // stride for places in (rows, columns))
    rows = rows[shift[0] : shift[0] + (down - 1) * stride + side]
    columns = columns[shift[1] : shift[1] + (across - 1) * stride + side]
    seen = picture[np.ix_(rows, columns)]
    assert outputs(layers, seen)[-1].shape[:2] == (down, across)
    given = np.zeros(picture.shape)
    np.add.at(given, np.ix_(rows, columns), gradient(layers, seen, map_index) * down * across)
    return Slid(objective(layers, seen, map_index), given)


def neighbourhood(picture: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread around every pixel: of cells, weighted by a Gaussian, interpolated linearly."""
    cell = max(window // 7, 1)
    counts = [-(-length // cell) for length in picture.shape]
    # what is missing to whole cells is missing at both ends
    first = [-((count * cell - length) // 2) for count, length in zip(counts, picture.shape, strict=True)]
    radius = int(np.ceil(window / 2 / cell))
    away = np.arange(-radius, radius + 1) * cell
    gaussian = np.exp(-(away**2) / (2 * (window / 4) ** 2))
    gaussian /= gaussian.sum()

    def cell_mean(power: np.ndarray, i: int, j: int) -> float:
        top, left = first[0] + i * cell, first[1] + j * cell
        return power[max(top, 0) : top + cell, max(left, 0) : left + cell].mean()

    def smooth(cells: np.ndarray) -> np.ndarray:
        wide = np.pad(cells, radius, "symmetric")
        return np.array(
            [
                [(wide[i : i + 2 * radius + 1, j : j + 2 * radius + 1] * np.outer(gaussian, gaussian)).sum()
                 for j in range(counts[1])]
                for i in range(counts[0])
            ]
        )  # fmt: skip

    def interpolated(cells: np.ndarray, y: int, x: int) -> float:
        # in cells, whose middles are at whole numbers; beyond the middle of the last one it stays as it is
        places = [(p - start + 0.5) / cell - 0.5 for p, start in zip((y, x), first, strict=True)]
        u, v = (min(max(place, 0), count - 1) for place, count in zip(places, counts, strict=True))
        i, j = int(u), int(v)
        k, m = min(i + 1, counts[0] - 1), min(j + 1, counts[1] - 1)
        upper = (1 - (v - j)) * cells[i, j] + (v - j) * cells[i, m]
        lower = (1 - (v - j)) * cells[k, j] + (v - j) * cells[k, m]
        return (1 - (u - i)) * upper + (u - i) * lower

    means = []
    for power in (picture.astype(np.float64), picture.astype(np.float64) ** 2):
        cells = smooth(np.array([[cell_mean(power, i, j) for j in range(counts[1])] for i in range(counts[0])]))
        means.append(np.array([[interpolated(cells, *p) for p in row] for row in _places(picture)]))
    return means[0], np.sqrt(np.maximum(means[1] - means[0] ** 2, 0))


def _places(picture: np.ndarray) -> list[list[tuple[int, int]]]:
    height, width = picture.shape
    return [[(y, x) for x in range(width)] for y in range(height)]


def ascend_octave(
    layers: Sequence[Layer],
    picture: np.ndarray,
    map_index: int,
    step_sizes: Sequence[float],
    shifts: Sequence[tuple[int, int]],
    *,
    side: int,
    stride: int,
    window: int,
    least_contrast: float,
) -> tuple[np.ndarray, list[float]]:
    """What an octave makes of a picture, and the objective before each step."""
    mean, spread = neighbourhood(picture, window)
    contrast = np.sqrt(spread**2 + least_contrast**2)
    z, values = (picture - mean) / contrast, []
    first_mean, first_spread = neighbourhood(z, window)
    for size, shift in zip(step_sizes, shifts, strict=True):
        value, g = slid(layers, z, map_index, shift, side=side, stride=stride)
        values.append(value)
        z = z + size * g / (np.sqrt((g**2).mean()) + 1e-7)
        local_mean, local_spread = neighbourhood(z, window)
        # as much contrast as is too much is taken away
        too_much = np.maximum(local_spread / np.maximum(first_spread, 1), 1)
        z = first_mean + (z - local_mean) / too_much
    return z * contrast + mean, values
