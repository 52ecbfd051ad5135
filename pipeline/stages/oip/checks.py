"""What a sweep cannot do, said in one line before it begins."""

import numpy as np

from pipeline.core.graph import Cnn, graph_of
from pipeline.core.noise import Shape
from pipeline.core.objectives import part_up_to
from pipeline.core.variation import SOME
from pipeline.runtime.errors import InputError
from pipeline.stages.oip.settings import OipConfig


def shape_of_layer(model: Cnn, layer: str, setting: str = "oip.layer") -> tuple[int, ...]:
    """Return the shape of a layer's output for one image.

    Raises:
        InputError: the model has no layer of that name, or its output is no maps (height, width, maps) and no units.
    """
    try:
        shape = part_up_to(model, layer).output_shape
    except ValueError as error:
        names = ", ".join(graph_of(model).names)
        raise InputError.at(setting, takes=f"a layer of the model: {names}", got=f"{layer}: {error}") from error
    if len(shape) not in (1, 3) or 0 in shape:
        takes = "a layer with maps (height, width, maps) or units"
        raise InputError.at(setting, takes=takes, got=f"{layer} with {shape}")
    return shape


def shape_of_pictures(model: Cnn) -> Shape:
    """Return (height, width, channels) of the pictures that a CNN takes.

    Raises:
        InputError: it takes any size, and none was chosen.
    """
    height, width, channels = graph_of(model).input_shape
    if 0 in (height, width, channels):
        raise InputError.at("model", takes="a CNN for pictures of one size", got=f"one for {(height, width, channels)}")
    return height, width, channels


def check_target(config: OipConfig, shape: tuple[int, ...]) -> None:
    """Refuse maps, a position or a direction that the layer does not have.

    Args:
        shape: of the layer's output for one image.
    Raises:
        InputError: there is one.
    """
    maps = shape[-1]
    for index in config.map_indices or []:
        if not -1 <= index < maps:
            takes = f"0 to {maps - 1} of {config.layer}, or -1 for the whole layer"
            raise InputError.at("oip.map_indices", takes=takes, got=index)
    if config.direction is not None and len(config.direction) != len(config.map_indices or []):
        takes = "one weight for each of oip.map_indices"
        raise InputError.at("oip.direction", takes=takes, got=config.direction)
    if config.position is None:
        return
    if len(shape) == 1:
        takes = f"null for {config.layer}, which is no map but a row of units"
        raise InputError.at("oip.position", takes=takes, got=config.position)
    if any(not 0 <= place < length for place, length in zip(config.position, shape[:2], strict=True)):
        takes = f"[row, column], 0 to {shape[0] - 1} and 0 to {shape[1] - 1} in {config.layer}"
        raise InputError.at("oip.position", takes=takes, got=config.position)


def check_images(name: str, images: np.ndarray | None, shape: Shape) -> None:
    """Refuse images that the CNN does not take.

    Args:
        name: of the argument.
        images: an array, or what gives one for a slice; None is nothing to refuse.
        shape: (height, width, channels) of the CNN's input.
    Raises:
        InputError: they have another shape, there is none, or an array holds what is no finite number.
    """
    if images is None:
        return
    takes = f"images of finite numbers, {('count', *shape)}".replace("'", "")
    if len(images.shape) != 4 or tuple(images.shape[1:]) != tuple(shape) or len(images) == 0:
        raise InputError.at(name, takes=takes, got=f"{tuple(images.shape)}")
    # what is read from files are levels
    parts = range(0, len(images), SOME) if isinstance(images, np.ndarray) else ()
    if not all(np.isfinite(images[first : first + SOME]).all() for first in parts):
        raise InputError.at(name, takes=takes, got="numbers that are not finite")


def check_labels(labels: np.ndarray | None, images: np.ndarray | None) -> None:
    """Refuse labels that are not one for each image.

    Raises:
        InputError: they are more or fewer, or no whole numbers.
    """
    if labels is None or images is None:
        return
    if np.shape(labels) != (len(images),) or not np.issubdtype(np.asarray(labels).dtype, np.integer):
        takes = f"a whole number for each of the {len(images)} reference_images"
        raise InputError.at("reference_labels", takes=takes, got=f"{np.asarray(labels).dtype} {np.shape(labels)}")
