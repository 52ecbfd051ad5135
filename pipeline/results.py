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


def relative(activation: np.ndarray, maximum: np.ndarray) -> np.ndarray:
    """activation / maximum, not a number where the maximum is not known, or not above 0."""
    known = (maximum > 0) & np.isfinite(maximum)
    return activation / np.where(known, maximum, np.nan).astype(maximum.dtype)


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
    def relative_activation(self) -> np.ndarray:
        """(maps,): the activation as a multiple of the largest that a real image causes; not a number where that is not
        known, or not above 0."""
        return relative(self.activation, self.data_maximum)

    @property
    def files(self) -> list[str]:
        """The picture file of every row: that of map 7 is maps/map_007.png, that of the whole layer maps/layer.png."""
        names = [f"map_{int(name):03d}" if name.isdigit() else name for name in self.names.tolist()]
        return [f"maps/{name}.png" for name in names]

    @property
    def fires_on_no_image(self) -> np.ndarray:
        """(maps,) bool: no real image activates the map; False where none was looked at."""
        return self.data_maximum <= 0


@dataclass(frozen=True, eq=False)
class DreamResult:
    """A photo before and after.

    photo: as it was given, (height, width, 3) RGB or (height, width) grey levels; picture: (height, width) float32, its
    luma after the dream, in standard deviations of the photo's luma above its mean; frames: (rounds, small height,
    small width) uint8, the same as grey levels after each level of each turn, or each octave, at most as large as
    `frame_size` says;
    objective: (turns, levels, steps), or (1, octaves, steps), before the change of each step, the mean over the tiles
    of a level; tile_maps: (tiles, maps), the maps that each tile was driven towards, level by level, (0, 0) for
    octaves; zoom: (frames, height, width) or (frames, height, width, 3) uint8, a flight into the dream, empty if none
    was asked for.
    """

    photo: np.ndarray
    picture: np.ndarray
    frames: np.ndarray
    objective: np.ndarray
    tile_maps: np.ndarray
    zoom: np.ndarray

    @property
    def frame_files(self) -> list[str]:
        """The picture file of every frame."""
        turns, rounds, _ = self.objective.shape
        if self.tile_maps.shape[1] == 0:
            return [f"octaves/octave_{number + 1}.png" for number in range(rounds)]
        return [f"levels/turn_{turn + 1}_level_{number + 1}.png" for turn in range(turns) for number in range(rounds)]


@dataclass(frozen=True, eq=False)
class DreamSheetResult:
    """One photo dreamt in several ways.

    photo: as in `DreamResult`; names: (dreams,), what each does differently; steps: (dreams,), its map index, or its
    number; pictures: (dreams, height, width) uint8, the luma of each as grey levels; begun, objective: (dreams,), the
    objective at the first step, and at the last one of the last round.
    """

    photo: np.ndarray
    names: np.ndarray
    steps: np.ndarray
    pictures: np.ndarray
    begun: np.ndarray
    objective: np.ndarray

    @property
    def files(self) -> list[str]:
        """The picture file of every dream: "map 7" is dreams/map_007.png."""
        named = zip(self.names.tolist(), self.steps.tolist(), strict=True)
        names = [f"map {step:03d}" if name.startswith("map ") else name for name, step in named]
        return [f"dreams/{name.replace(',', '').replace(' ', '_')}.png" for name in names]


@dataclass(frozen=True, eq=False)
class MapStatistics:
    """What every map of a layer answers to labelled images. An image's activation: the mean over the map.

    The units of a dense layer are maps of one position, which sees the whole image.

    mean, deviation: (maps,), of the activation over the images; active_share: (maps,), the share of images that bring
    a node of the map above 0; class_means, class_deviations: (maps, classes), over the images of a class, not a
    number if it has none; class_positions: (classes, maps, height, width), the mean of every node over the images of
    a class, the articles' FCP of that class; preferred_class: (maps,), the class with the largest mean, -1 if none is
    above the others; selectivity: (maps,), 0 (no class more than another) to 1 (one class only), not a number where a
    class mean is negative or all are 0, see `core.statistics.preference`; position_means: (maps, height, width), over
    the images; correlation: (maps, maps), Pearson's, of the activations over the images, not a number for a map that
    is constant; accuracy: (classes,), share of the images of a class that the model gets right; confusion: (classes,
    classes) int64, numbers of images, rows the true class, columns the predicted one; ablated_accuracy: (maps,
    classes), the accuracy when this map's output is set to zero and everything else stays.

    Of the images that activate a map most, most first, of equal ones the first, (maps, top) or as many as there are
    images: top_indices, among the images; top_activations; top_rows, top_columns, of the strongest node, the first of
    several; top_nodes, the activation of that node. top_crops: (maps, top, 4) int64, (top, left, bottom, right) of the
    pixels that this node depends on, bottom and right being the first beyond; clipped at the borders, so that
    image[top:bottom, left:right] is what the node sees, though smaller where the convolutions pad.

    All floating point numbers are float64.
    """

    layer: str
    classes: int
    mean: np.ndarray
    deviation: np.ndarray
    active_share: np.ndarray
    class_means: np.ndarray
    class_deviations: np.ndarray
    class_positions: np.ndarray
    preferred_class: np.ndarray
    selectivity: np.ndarray
    top_indices: np.ndarray
    top_activations: np.ndarray
    top_rows: np.ndarray
    top_columns: np.ndarray
    top_nodes: np.ndarray
    top_crops: np.ndarray
    position_means: np.ndarray
    correlation: np.ndarray
    accuracy: np.ndarray
    confusion: np.ndarray
    ablated_accuracy: np.ndarray


@dataclass(frozen=True, eq=False)
class AtlasResult:
    """What an atlas of a layer shows beside its OIPs and statistics.

    map_indices: (maps,) of the layer that were looked at, those of which there is an OIP.

    Other starts: start_names: (kinds,), what each kind of start image is made of; other_images: (kinds, starts, maps,
    size, size, 1) and other_activation: (kinds, starts, maps), as `all_images` and `all_activation` of the OIPs, of
    each kind and seed; agreement: (maps,), see `core.evidence.agreement`, of the starts of the kind that the run has,
    which is the first.

    Evidence: predictions: (maps, classes), what the CNN makes of the OIP; path_layers: (convolutions,), names, up to
    the layer itself; path_similarity: (convolutions, maps), how alike the OIP and the images that activate the map
    most are there; path_same: how alike those images are among themselves; path_others: how alike they are to images
    of other classes than their own: see `core.evidence.similarities`.

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

    layer: str
    map_indices: np.ndarray
    start_names: np.ndarray
    other_images: np.ndarray
    other_activation: np.ndarray
    agreement: np.ndarray
    predictions: np.ndarray
    path_layers: np.ndarray
    path_similarity: np.ndarray
    path_same: np.ndarray
    path_others: np.ndarray
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


StageResult = (
    TrainResult | ActivationsResult | OipSweepResult | DreamResult | DreamSheetResult | MapStatistics | AtlasResult
)
