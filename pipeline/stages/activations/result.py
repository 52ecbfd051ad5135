"""The result of the extraction of activations."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ActivationsResult:
    """The answers of the named layers to some images.

    images: (n, size, size, 1); labels and indices (in the data set): (n,);
    feature_maps: layer -> (n, height, width, maps), or (n, units) for a dense layer.
    """

    images: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    feature_maps: dict[str, np.ndarray]

    def arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the images and the maps, a file each."""
        images = {"images": self.images, "labels": self.labels, "indices": self.indices}
        return {"images.npz": images, "feature_maps.npz": self.feature_maps}

    def sheets(self) -> dict[str, dict[int, str]]:
        """Return layer -> {step: picture file}.

        The step is the class, or where several images are of one class the number of the image.
        """
        labels = self.labels.tolist()
        steps = labels if len(set(labels)) == len(labels) else range(len(labels))
        return {
            layer: {
                step: f"{layer}/class_{label}_image_{index:05d}.png"
                for step, label, index in zip(steps, labels, self.indices, strict=True)
            }
            for layer in self.feature_maps
        }
