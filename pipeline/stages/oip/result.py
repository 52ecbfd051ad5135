"""The result of a sweep over the maps."""

from dataclasses import dataclass, field

import numpy as np

from pipeline.engine.result import OneFileResult

# The verdicts on a map.
CONVERGED, RISING, UNSTEADY, NEVER = "converged", "still rising", "not converged", "never triggered"
# Those on a picture that has to drive its map as much as every real image does.
REACHED, BELOW = "as much as data", "less than data"


def relative(activation: np.ndarray, maximum: np.ndarray) -> np.ndarray:
    """Compute activation / maximum, not a number where the maximum is not known, or not above 0.

    Args:
        activation, maximum: of the same shape.
    """
    known = (maximum > 0) & np.isfinite(maximum)
    return activation / np.where(known, maximum, np.nan).astype(maximum.dtype)


@dataclass(frozen=True, eq=False)
class OipSweepResult(OneFileResult):
    """One original input pattern per map.

    names: (maps,), the map's index as text, "layer" for the whole layer, "direction" for a mix of maps; both of these
    have the map index -1. start_images, images: (maps, height, width, channels), as the CNN takes them; snapshots:
    (kept, maps, height, width, channels), the images after snapshot_steps (kept,); objective: (steps, maps), what was
    ascended, before the change of each step; activation: (maps,), the mean activation that the final image, saved with
    256 grey levels, causes in its map; converged_at: (maps,), step or -1; restarts: (maps,), how often the map was
    started again, the result being that of the last start; start: (maps,), the number of the start image that led to
    `images`; all_images: (maps, starts, height, width, channels), all_activation: (maps, starts), the same of every
    start, before any restart; data_maximum: (maps,), the largest mean activation that a real image causes in the map,
    or not a number; verdicts: (maps,) of CONVERGED, RISING, UNSTEADY, NEVER, and with a goal of REACHED, BELOW.

    With `oip.faithful`: references: (maps, count), which of the training images drive each map most, -1 for none;
    reference_maximum: (maps,), the largest score by any real image; goal: (maps,), the score that `images` have to
    reach; without it not numbers; plain_images: (maps, height, width, channels) and plain_activation: (maps,), the
    picture that only drives the map, without it none.

    Evidence, of every picture as it is saved: path_layers: (convolutions,), names, up to the layer itself;
    path_similarity: (convolutions, maps), how alike the OIP and the images that activate the map most are there;
    path_same: how alike those images are among themselves; path_others: how alike they are to images of other classes
    than their own: see `core.evidence.similarities`; field_similarity, field_same,
    field_others: (convolutions before, maps), the same of what the strongest node of the map sees alone, see `field`;
    top_class: (maps,), the class of most of these images, -1 for a
    map that none drives; taken_for: (maps,), the class that the CNN takes the OIP for, -1 if that is not known. Without
    labels path_others, field_others are not numbers, and the classes -1.

    pixel_range: (2, channels), what the CNN takes of black and of white; not numbers where it takes every picture
    standardized.
    """

    FILE = "oip.npz"

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
    references: np.ndarray
    reference_maximum: np.ndarray
    goal: np.ndarray
    plain_images: np.ndarray
    plain_activation: np.ndarray
    verdicts: np.ndarray
    path_layers: np.ndarray
    path_similarity: np.ndarray
    path_same: np.ndarray
    path_others: np.ndarray
    field_similarity: np.ndarray
    field_same: np.ndarray
    field_others: np.ndarray
    top_class: np.ndarray
    taken_for: np.ndarray
    # results of earlier versions have standardized pictures
    pixel_range: np.ndarray = field(default_factory=lambda: np.full((2, 1), np.nan, np.float32))

    @property
    def triggered(self) -> int:
        """Return the number of maps whose final image activates them."""
        return int(np.count_nonzero(self.verdicts != NEVER))

    def verdict(self, row: int) -> str:
        """Return all that is known of a map in words: "converged at step 48, restarted once"."""
        words = [str(self.verdicts[row])]
        if words[0] == CONVERGED:
            words = [f"{CONVERGED} at step {self.converged_at[row]}"]
        if words[0] == BELOW:
            words = [f"{BELOW} ({self.activation[row] / self.goal[row]:.2f} of it)"]
        times = int(self.restarts[row])
        if times:
            words.append(f"restarted {'once' if times == 1 else f'{times} times'}")
        if self.fires_on_no_image[row]:
            words.append("fires on no image of the data set")
        return ", ".join(words)

    @property
    def relative_activation(self) -> np.ndarray:
        """Return (maps,), the activation as a multiple of the largest that a real image causes.

        Not a number where that is not known, or not above 0.
        """
        return relative(self.activation, self.largest_on_data)

    @property
    def path_index(self) -> np.ndarray:
        """Return (convolutions, maps): (similarity - others) / (same - others), not a number where that is not known.

        1: the OIP is as alike to the images that drive the map as these are among themselves; 0: no more than images
        of other classes are.
        """
        return _index(self.path_similarity, self.path_same, self.path_others)

    @property
    def field_index(self) -> np.ndarray:
        """Return the same (convolutions before, maps) of what the strongest node of the map sees."""
        return _index(self.field_similarity, self.field_same, self.field_others)

    @property
    def files(self) -> list[str]:
        """Return the picture file of every row: maps/map_007.png of map 7, maps/layer.png of the whole layer."""
        names = [f"map_{int(name):03d}" if name.isdigit() else name for name in self.names.tolist()]
        return [f"maps/{name}.png" for name in names]

    @property
    def fires_on_no_image(self) -> np.ndarray:
        """Return (maps,) bool: no real image activates the map; False where none was looked at."""
        return self.largest_on_data <= 0

    @property
    def largest_on_data(self) -> np.ndarray:
        """Return (maps,), the largest score by any real image that was looked at, not a number if none was."""
        return np.fmax(self.data_maximum, self.reference_maximum)


def _index(similarity: np.ndarray, same: np.ndarray, others: np.ndarray) -> np.ndarray:
    span = same - others
    return (similarity - others) / np.where(span > 0, span, np.nan)
