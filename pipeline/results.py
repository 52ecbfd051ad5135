"""What the stages return. Plain arrays, so that results can be kept, compared and drawn without TensorFlow."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images (count, size, size, 1) float32, each with mean 0 and standard deviation 1; labels (count,) int64."""

    name: str
    digest: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TrainResult:
    """A trained model, its weights before the first batch, and figures per epoch, each an array (epochs,).

    `history` has loss, accuracy, test_loss, test_accuracy and learning_rate (after the last batch of the epoch). `loss`
    and `accuracy` are the means over the batches while they were trained on.
    """

    model: "keras.Model"
    initial_weights: dict[str, np.ndarray]
    history: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class ActivationsResult:
    """What the named layers answer to some images.

    images: (n, size, size, 1); labels and indices (in the data set): (n,);
    feature_maps: layer -> (n, height, width, maps), or (n, units) for a dense layer.
    """

    images: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    feature_maps: dict[str, np.ndarray]


# The verdicts on a map.
CONVERGED, RISING, UNSTEADY, NEVER = "converged", "still rising", "not converged", "never triggered"


@dataclass(frozen=True, eq=False)
class OipSweepResult:
    """One original input pattern per map.

    names: (maps,), the map's index as text, "layer" for the whole layer, "direction" for a mix of maps; both of these
    have the map index -1. start_images, images: (maps, size, size, 1), standardized; snapshots: (kept, maps, size,
    size, 1), the images after snapshot_steps (kept,); objective: (steps, maps), what was ascended, before the change of
    each step; activation: (maps,), the mean activation that the final image, saved with 256 grey levels, causes in its
    map; converged_at: (maps,), step or -1; restarts: (maps,), how often the map was started again, the result being
    that of the last start; start: (maps,), the number of the start image that led to `images`;
    all_images: (maps, starts, size, size, 1), all_activation: (maps, starts), the same of every start, before any
    restart; data_maximum: (maps,), the largest mean activation that a real image causes in the map, or not a number;
    verdicts: (maps,) of CONVERGED, RISING, UNSTEADY, NEVER.
    """

    layer: str
    map_indices: np.ndarray
    names: np.ndarray
    start_images: np.ndarray
    images: np.ndarray
    snapshot_steps: np.ndarray
    snapshots: np.ndarray
    objective: np.ndarray
    activation: np.ndarray
    converged_at: np.ndarray
    restarts: np.ndarray
    start: np.ndarray
    all_images: np.ndarray
    all_activation: np.ndarray
    data_maximum: np.ndarray
    verdicts: np.ndarray

    @property
    def triggered(self) -> int:
        """The number of maps whose final image activates them."""
        return int(np.count_nonzero(self.verdicts != NEVER))

    def verdict(self, row: int) -> str:
        """All that is known of a map in words: "converged at step 48, restarted once"."""
        words = [str(self.verdicts[row])]
        if words[0] == CONVERGED:
            words = [f"{CONVERGED} at step {self.converged_at[row]}"]
        times = int(self.restarts[row])
        if times:
            words.append(f"restarted {'once' if times == 1 else f'{times} times'}")
        if self.fires_on_no_image[row]:
            words.append("fires on no image of the data set")
        return ", ".join(words)

    @property
    def fires_on_no_image(self) -> np.ndarray:
        """(maps,) bool: no real image activates the map; False where none was looked at."""
        return self.data_maximum <= 0


@dataclass(frozen=True, eq=False)
class DreamResult:
    """A photo before and after; all pictures (size, size) float32, standardized.

    frames: (turns * levels, size, size), the picture after each level of each turn, the last one being `picture`;
    objective: (turns, levels, steps), the mean over the tiles of a level, before the change of each step.
    """

    photo: np.ndarray
    picture: np.ndarray
    frames: np.ndarray
    objective: np.ndarray


StageResult = TrainResult | ActivationsResult | OipSweepResult | DreamResult
