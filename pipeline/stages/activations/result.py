"""The result of the extraction of activations."""

from dataclasses import dataclass

import numpy as np

from pipeline.runtime.names import file_names

# The arguments of `numpy.savez`, which no array can be called, and what they begin with then.
KEPT, PREFIX = ("file", "allow_pickle"), "layer:"


@dataclass(frozen=True, eq=False)
class ActivationsResult:
    """The answers of the named layers to some images.

    images: (n, height, width, channels); labels, -1 where there are none, and indices (in the data set): (n,);
    feature_maps: layer -> (n, height, width, maps), or (n, units) for a dense layer.
    """

    images: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    feature_maps: dict[str, np.ndarray]

    def arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the images and the maps, a file each; of the maps by layer, see `array_name`."""
        images = {"images": self.images, "labels": self.labels, "indices": self.indices}
        return {
            "images.npz": images,
            "feature_maps.npz": {array_name(layer): maps for layer, maps in self.feature_maps.items()},
        }

    def folders(self) -> dict[str, str]:
        """Return layer -> the folder of its pictures."""
        return dict(zip(self.feature_maps, file_names(self.feature_maps), strict=True))

    def files(self) -> dict[str, list[str]]:
        """Return layer -> the picture of every image."""
        names = [
            f"{f'class_{label}_' if label >= 0 else ''}image_{index:05d}.png"
            for label, index in zip(self.labels.tolist(), self.indices.tolist(), strict=True)
        ]
        return {layer: [f"{folder}/{name}" for name in names] for layer, folder in self.folders().items()}

    def sheets(self) -> dict[str, dict[int, str]]:
        """Return folder -> {step: picture file}.

        The step is the class, or where several images are of one class, or of none, the number of the image.
        """
        labels = self.labels.tolist()
        by_class = len(set(labels)) == len(labels) and all(label >= 0 for label in labels)
        steps = labels if by_class else range(len(labels))
        folders = self.folders()
        return {folders[layer]: dict(zip(steps, files, strict=True)) for layer, files in self.files().items()}


def array_name(layer: str) -> str:
    """Return the name of a layer's maps in their file: its own, but for those that NumPy keeps for itself."""
    return f"{PREFIX}{layer}" if layer in KEPT or layer.startswith(PREFIX) else layer
