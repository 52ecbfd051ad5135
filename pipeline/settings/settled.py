"""What settings leave to the CNN, written into them, so that they say in the record what was done."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from pipeline.core.layers import Network
from pipeline.runtime.errors import InputError
from pipeline.settings.model import ModelConfig
from pipeline.settings.process import RuntimeConfig
from pipeline.stages.registry import MODEL, TRAINING

# So many layers are shown where a CNN out of a file has more convolutions and none were named.
MOST_LAYERS = 6


def settle(composed: DictConfig) -> None:
    """Write into composed settings what follows from the CNN.

    Args:
        composed: changed where it says null, or where a wave of the presets is shorter than a pixel of a CNN out of a
            file; and where the training is asked for beside other stages, though the CNN comes out of a file.
    Raises:
        InputError: a file that cannot be read; a training of a CNN that comes out of a file.
    """
    model = _typed(ModelConfig, composed.model)
    if model is None:
        # what is wrong is told with all the rest
        return
    if model.is_from_file:
        composed.stages = _without_training(list(composed.stages))
    elif MODEL in composed.stages:
        takes = f"no {MODEL} without model.path or model.weights; {TRAINING} makes the CNN"
        raise InputError.at("stages", takes=takes, got=MODEL)
    if model.path is not None:
        runtime = _typed(RuntimeConfig, composed.runtime)
        if runtime is not None:
            from pipeline.runtime.tensorflow import start_tensorflow

            # before the model is read: threads can be set once
            start_tensorflow(runtime)
        _settle_waves(composed, min(model.input_shape[:2]))
    if composed.model.layer is None or composed.model.layers is None:
        _settle_layers(composed, model.network)


def _typed(kind: type, group: DictConfig) -> Any:
    """Return a group of settings; None if it is not whole, or of other types."""
    try:
        return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), group))
    except InputError:
        raise
    except Exception:
        return None


def _without_training(stages: list[str]) -> list[str]:
    if stages == [TRAINING]:
        takes = f"no {TRAINING} with a CNN out of a file, which is not trained; {MODEL} is its stage"
        raise InputError.at("stages", takes=takes, got=stages)
    named = [MODEL if name == TRAINING else name for name in stages]
    return list(dict.fromkeys(named))


def _settle_waves(composed: DictConfig, side: int) -> None:
    """Let no wave be shorter than a pixel: of so many cells per side as there are pixels each is one."""

    def longer(cells: list[int]) -> list[int]:
        return list(dict.fromkeys(min(one, side) for one in cells))

    composed.atlas.wavelengths = [longer(cells) for cells in composed.atlas.wavelengths]
    waves = longer(composed.noise.wavelengths)
    # where each has an amplitude of its own it is not known which of two is meant
    if len(waves) == len(composed.noise.wavelengths) or len(composed.noise.amplitudes) == 1:
        composed.noise.wavelengths = waves


def _settle_layers(composed: DictConfig, network: Network) -> None:
    """Write the last convolution, and the convolutions to show, where none are named."""
    convolutions = network.convolutions()
    if composed.model.layer is None and not convolutions:
        takes = "a CNN with a convolution, or a layer of it for oip, statistics, dream and activations"
        raise InputError.at("model.layer", takes=takes, got=f"{composed.model.path}, which has none")
    if composed.model.layer is None:
        composed.model.layer = convolutions[-1]
    if composed.model.layers is None:
        # the first, the last, and some evenly in between
        shown = convolutions or [composed.model.layer]
        last = len(shown) - 1
        count = min(MOST_LAYERS, len(shown))
        places = dict.fromkeys(round(number * last / max(count - 1, 1)) for number in range(count))
        composed.model.layers = [shown[place] for place in places]
