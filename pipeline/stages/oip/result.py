"""The result of a sweep over the maps."""

from dataclasses import dataclass

import numpy as np

from pipeline.engine.result import OneFileResult

# The verdicts on a map.
CONVERGED, RISING, UNSTEADY, NEVER = "converged", "still rising", "not converged", "never triggered"


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
    have the map index -1. start_images, images: (maps, size, size, 1), standardized; snapshots: (kept, maps, size,
    size, 1), the images after snapshot_steps (kept,); objective: (steps, maps), what was ascended, before the change of
    each step; activation: (maps,), the mean activation that the final image, saved with 256 grey levels, causes in its
    map; converged_at: (maps,), step or -1; restarts: (maps,), how often the map was started again, the result being
    that of the last start; start: (maps,), the number of the start image that led to `images`;
    all_images: (maps, starts, size, size, 1), all_activation: (maps, starts), the same of every start, before any
    restart; data_maximum: (maps,), the largest mean activation that a real image causes in the map, or not a number;
    verdicts: (maps,) of CONVERGED, RISING, UNSTEADY, NEVER.
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
    verdicts: np.ndarray

    @property
    def triggered(self) -> int:
        """Return the number of maps whose final image activates them."""
        return int(np.count_nonzero(self.verdicts != NEVER))

    def verdict(self, row: int) -> str:
        """Return all that is known of a map in words: "converged at step 48, restarted once"."""
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
    def relative_activation(self) -> np.ndarray:
        """Return (maps,), the activation as a multiple of the largest that a real image causes.

        Not a number where that is not known, or not above 0.
        """
        return relative(self.activation, self.data_maximum)

    @property
    def files(self) -> list[str]:
        """Return the picture file of every row: maps/map_007.png of map 7, maps/layer.png of the whole layer."""
        names = [f"map_{int(name):03d}" if name.isdigit() else name for name in self.names.tolist()]
        return [f"maps/{name}.png" for name in names]

    @property
    def fires_on_no_image(self) -> np.ndarray:
        """Return (maps,) bool: no real image activates the map; False where none was looked at."""
        return self.data_maximum <= 0
