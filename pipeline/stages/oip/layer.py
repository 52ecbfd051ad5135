"""The kind of layer that OIPs are of."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.settings.config import Config


def is_dense(config: "Config") -> bool:
    """Tell whether the maps are units of a dense layer, which have no positions; the output's classes are no units."""
    network = config.model.network
    return config.oip.layer in network.dense() and config.oip.layer != network.layers[-1].name
