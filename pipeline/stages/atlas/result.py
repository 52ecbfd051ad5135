"""The result of an atlas."""

from dataclasses import dataclass

import numpy as np

from pipeline.engine.result import OneFileResult


@dataclass(frozen=True, eq=False)
class AtlasResult(OneFileResult):
    """The views of a layer that an atlas shows beside its OIPs and statistics.

    map_indices: (maps,) of the layer that were looked at, those of which there is an OIP.

    Other starts: start_names: (kinds,), what each kind of start image is made of; other_images: (kinds, starts, maps,
    size, size, 1) and other_activation: (kinds, starts, maps), as `all_images` and `all_activation` of the OIPs, of
    each kind and seed; agreement: (maps,), see `core.evidence.agreement`, of the starts of the kind that the run has,
    which is the first.

    predictions: (maps, classes), what the CNN makes of the OIP.

    Dreams: photo: (height, width) or (height, width, 3) uint8; dreams: (maps, height, width) uint8, its luma as grey
    levels, dreamt towards each map.

    The network, layer by layer: layers: (layers,), names; layer_kinds: (layers,), in words; layer_shapes: (layers,), of
    the output, in words; receptive_fields: (layers, 2), how many pixels per side a node depends on, and how many
    pixels lie between two nodes, (-1, -1) where it is not known, the picture's side and 0 where it is all of it;
    layer_weights: (layers,), their number.

    OIPs of the other convolutions, one after the other: elsewhere_layer: (pictures,), a number among `layers`;
    elsewhere_map: (pictures,), the map's index; elsewhere_images: (pictures, size, size, 1); elsewhere_activation and
    elsewhere_maximum: (pictures,), as `activation` and `data_maximum` of the OIPs.
    """

    FILE = "atlas.npz"

    layer: str
    map_indices: np.ndarray
    start_names: np.ndarray
    other_images: np.ndarray
    other_activation: np.ndarray
    agreement: np.ndarray
    predictions: np.ndarray
    photo: np.ndarray
    dreams: np.ndarray
    layers: np.ndarray
    layer_kinds: np.ndarray
    layer_shapes: np.ndarray
    receptive_fields: np.ndarray
    layer_weights: np.ndarray
    elsewhere_layer: np.ndarray
    elsewhere_map: np.ndarray
    elsewhere_images: np.ndarray
    elsewhere_activation: np.ndarray
    elsewhere_maximum: np.ndarray
