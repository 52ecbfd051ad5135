"""The result of an atlas."""

from dataclasses import dataclass

import numpy as np

from pipeline.core.colour import rounded, with_luma
from pipeline.engine.result import OneFileResult


@dataclass(frozen=True, eq=False)
class AtlasResult(OneFileResult):
    """The views of a layer that an atlas shows beside its OIPs and statistics.

    map_indices: (maps,) of the layer that were looked at, those of which there is an OIP.

    Other starts: start_names: (kinds,), what each kind of start image is made of; other_images: (kinds, starts, maps,
    height, width, channels) and other_activation: (kinds, starts, maps), as `all_images` and `all_activation` of the
    OIPs, of each kind and seed; agreement: (maps,), see `core.evidence.agreement`, of the starts of the kind that the
    run has, which is the first.

    predictions: (maps, outputs), what the CNN makes of the OIP, see `core.probabilities`.

    Dreams: photo: (height, width) or (height, width, 3) uint8; dreams: (maps, height, width) uint8, its luma as grey
    levels, dreamt towards each map, or (maps, height, width, 3), all of its colours.

    The network, layer by layer: layers: (layers,), names; layer_kinds: (layers,), in words; layer_shapes: (layers,), of
    the output, in words; receptive_fields: (layers, 2), how many pixels per side a node depends on, and how many
    pixels lie between two nodes, (-1, -1) where it is not known, the picture's side and 0 where it is all of it; or
    (layers, 4), the same downwards and across: height, width, and the pixels between two nodes in both directions;
    layer_weights: (layers,), their number.

    OIPs of the other convolutions, one after the other: elsewhere_layer: (pictures,), a number among `layers`;
    elsewhere_map: (pictures,), the map's index; elsewhere_images: (pictures, height, width, channels);
    elsewhere_activation and elsewhere_maximum: (pictures,), as `activation` and `data_maximum` of the OIPs.
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

    def dream(self, row: int) -> np.ndarray:
        """Return the dream of a row, in the photo's colours or its own: uint8 (height, width) or (height, width, 3)."""
        dream = self.dreams[row]
        return rounded(dream) if dream.ndim == 3 else with_luma(rounded(self.photo), dream)
