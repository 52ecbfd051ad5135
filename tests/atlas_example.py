"""A small atlas out of seeded numbers, with what a real one may lack: OIPs, images of a class, numbers."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from oip_settings import without_evidence

from pipeline.core.statistics import preference
from pipeline.stages.atlas.page import About
from pipeline.stages.atlas.result import AtlasResult
from pipeline.stages.oip.pictures.words import Words
from pipeline.stages.oip.result import CONVERGED, NEVER, RISING, UNSTEADY, OipSweepResult
from pipeline.stages.statistics.result import MapStatistics

SIZE, CLASSES = 28, 10
# a class without images; maps: one that its OIP leaves at zero, one that no image activates, one without an OIP
MISSING_CLASS, NEVER_MAP, UNUSED_MAP, BARE_MAP = 7, 3, 5, 2
MAP_WORDS = Words("Conv2D_2", "map", "maps", "mean activation", "mean over a map of Conv2D_2")
UNIT_WORDS = Words("Dense_1", "unit", "units", "activation", "value of a unit of Dense_1")


def example(
    *,
    maps: int = 12,
    sides: int = 3,
    dense: bool = False,
    without: Sequence[int] = (BARE_MAP,),
    class_names: Sequence[str] = tuple("0123456789"),
    text: Mapping[str, Any] | None = None,
    layers: Sequence[str] = ("Conv2D_1", "Max_Pool_1", "Conv2D_2", "Dense_1"),
    starts: tuple[int, int] = (2, 3),
    photo: bool = True,
    early: bool = True,
) -> dict[str, Any]:
    """The arguments of `render_atlas`.

    sides: of a map; dense: a map is a unit, of one position; without: maps that have no OIP; text: fields of `About`;
    starts: kinds and starts of each; photo: whether there are dreams; early: whether there are other convolutions.
    """
    random = np.random.default_rng(0)
    sides = 1 if dense else sides
    here = "Dense_1" if dense else "Conv2D_2"
    given = {
        "name": "wavelengths=3,7",
        "dataset": "digits",
        "split": "test images",
        "photo": "flower",
        "command": "python -m pipeline stages=[oip]",
        "settings": {"oip.steps": "9"},
        "tags": {"stage": "atlas"},
        "words": UNIT_WORDS if dense else MAP_WORDS,
    } | dict(text or {})
    labels = random.permutation(np.repeat([label for label in range(CLASSES) if label != MISSING_CLASS], 4))
    images = random.standard_normal((len(labels), SIZE, SIZE, 1)).astype(np.float32)
    indices = np.array([-1, *(index for index in range(maps) if index not in without)])
    return {
        "about": About(**given),
        "oips": _oips(random, here, indices, layers, early=early),
        "statistics": _statistics(random, here, maps, sides, labels),
        "atlas": _atlas(random, here, indices[1:], layers, starts, photo=photo, early=early),
        "images": images,
        "labels": labels,
        "class_names": class_names,
    }


def _oips(
    random: np.random.Generator, layer: str, indices: np.ndarray, layers: Sequence[str], *, early: bool
) -> OipSweepResult:
    count, convolutions = len(indices), 2 if early else 0
    pictures = random.standard_normal((7, count, SIZE, SIZE, 1)).astype(np.float32)
    verdicts = np.array([RISING] * count, dtype="U20")
    verdicts[indices == 1], verdicts[indices == 4] = CONVERGED, UNSTEADY
    verdicts[indices == NEVER_MAP] = NEVER
    activation = np.where(verdicts == NEVER, 0.0, 2 + np.arange(count) / 8)
    maximum = np.full(count, 2.5)
    maximum[indices == UNUSED_MAP], maximum[indices == -1] = 0, np.nan
    return OipSweepResult(
        layer=layer,
        map_indices=indices,
        names=np.array(["layer" if index < 0 else str(index) for index in indices]),
        start_images=pictures[0],
        images=pictures[1],
        snapshot_steps=np.array([0, 1, 4, 8]),
        snapshots=pictures[2:6],
        objective=np.cumsum(random.standard_normal((9, count)) + 1, axis=0).astype(np.float32),
        activation=activation,
        converged_at=np.where(verdicts == CONVERGED, 6, -1),
        restarts=(indices == 4).astype(int),
        start=np.zeros(count, int),
        all_images=pictures[1][:, None],
        all_activation=activation[:, None],
        data_maximum=maximum,
        verdicts=verdicts,
        **without_evidence(count, SIZE)
        | {
            "path_layers": np.array([layers[0], layers[2]][:convolutions]),
            # the first row is the whole layer
            "path_similarity": np.linspace(-0.1, 0.6, convolutions * count).reshape(convolutions, count),
            "path_same": np.full((convolutions, count), 0.7),
            "path_others": np.full((convolutions, count), 0.1),
        },
    )


def _statistics(random: np.random.Generator, layer: str, maps: int, sides: int, labels: np.ndarray) -> MapStatistics:
    present = np.arange(CLASSES) != MISSING_CLASS
    used = np.arange(maps) != UNUSED_MAP
    positions = random.random((CLASSES, maps, sides, sides)) * used[:, None, None]
    positions[~present] = np.nan
    class_means = positions.mean(axis=(2, 3)).T
    confusion = np.diag(np.where(present, 4, 0))
    # of the fours three are right and one is taken for a nine, of the nines one for a four
    confusion[4, 4], confusion[4, 9], confusion[9, 9], confusion[9, 4] = 3, 1, 3, 1
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = confusion.diagonal() / confusion.sum(axis=1)
    correlation = np.clip(np.corrcoef(random.standard_normal((maps, 40))), -1, 1).reshape(maps, maps)
    correlation[~used], correlation[:, ~used] = np.nan, np.nan
    preferred = preference(class_means)
    top = 3
    corner = random.integers(0, 10, (maps, top, 2))
    crops = np.concatenate([corner, corner + 18], axis=2) if sides > 1 else np.array([0, 0, SIZE, SIZE])
    return MapStatistics(
        layer=layer,
        classes=CLASSES,
        mean=np.nanmean(class_means, axis=1),
        deviation=np.nanstd(class_means, axis=1),
        active_share=used * 0.5,
        class_means=class_means,
        class_deviations=class_means / 2,
        class_positions=positions,
        preferred_class=preferred.classes,
        selectivity=preferred.selectivity,
        top_indices=random.integers(0, len(labels), (maps, top)),
        top_activations=np.sort(random.random((maps, top)))[:, ::-1],
        top_rows=random.integers(0, sides, (maps, top)),
        top_columns=random.integers(0, sides, (maps, top)),
        top_nodes=(random.random((maps, top)) + 1) * used[:, None],
        top_crops=np.broadcast_to(crops, (maps, top, 4)),
        position_means=np.nanmean(positions, axis=0),
        correlation=correlation,
        accuracy=accuracy,
        confusion=confusion,
        ablated_accuracy=accuracy - 0.01 * (np.arange(maps)[:, None] % 3),
    )


def _atlas(
    random: np.random.Generator,
    layer: str,
    indices: np.ndarray,
    layers: Sequence[str],
    starts: tuple[int, int],
    *,
    photo: bool,
    early: bool,
) -> AtlasResult:
    count = len(indices)
    elsewhere = 4 if early else 0
    predictions = random.dirichlet(np.ones(CLASSES) / 4, count)
    return AtlasResult(
        layer=layer,
        map_indices=indices,
        start_names=np.array([f"waves of {3 + kind} cells" for kind in range(starts[0])]),
        other_images=random.standard_normal((*starts, count, SIZE, SIZE, 1)).astype(np.float32),
        other_activation=random.random((*starts, count)) + 2,
        agreement=np.where(indices == 1, np.nan, np.linspace(0.1, 0.9, count)),
        predictions=predictions,
        photo=random.integers(0, 256, (24, 32, 3), dtype=np.uint8),
        dreams=random.integers(0, 256, (count if photo else 0, 24, 32), dtype=np.uint8),
        layers=np.array(layers),
        layer_kinds=np.array(["convolution", "pool", "convolution", "dense"]),
        layer_shapes=np.array(["26 x 26 x 4", "13 x 13 x 4", "3 x 3 x 12", "5"]),
        receptive_fields=np.array([[3, 1], [4, 2], [-1, -1], [SIZE, 0]]),
        layer_weights=np.array([40, 0, 1, 3005]),
        elsewhere_layer=np.zeros(elsewhere, int),
        elsewhere_map=np.arange(elsewhere),
        elsewhere_images=random.standard_normal((elsewhere, SIZE, SIZE, 1)).astype(np.float32),
        elsewhere_activation=np.full(elsewhere, 1.5),
        elsewhere_maximum=np.array([1.0, 2.0, 0.0, np.nan])[:elsewhere],
    )


def of_shape(given: Mapping[str, Any], height: int, width: int, channels: int) -> dict[str, Any]:
    """The same atlas, of pictures of another shape; what a node sees is scaled to it."""
    random = np.random.default_rng(1)

    def changed(result: Any) -> Any:
        values = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
        return dataclasses.replace(
            result, **{name: again(value) for name, value in values.items() if np.shape(value)[-3:] == (SIZE, SIZE, 1)}
        )

    def again(images: np.ndarray) -> np.ndarray:
        return random.standard_normal((*images.shape[:-3], height, width, channels)).astype(np.float32)

    statistics = given["statistics"]
    scale = np.array([height, width, height, width]) / SIZE
    crops = np.rint(statistics.top_crops * scale).astype(int)
    maps, sides = len(statistics.mean), statistics.position_means.shape[1]
    across = sides if sides == 1 else 2 * sides
    return dict(given) | {
        "oips": changed(given["oips"]),
        "atlas": changed(given["atlas"]),
        "images": again(given["images"]),
        "statistics": dataclasses.replace(
            statistics,
            top_crops=crops,
            position_means=random.random((maps, sides, across)),
            class_positions=random.random((statistics.classes, maps, sides, across)),
        ),
    }


def of_classes(given: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The same atlas, of the first classes only; of none: of data without labels."""
    statistics, labels = given["statistics"], given["labels"]
    chosen = {
        name: getattr(statistics, name)[:, :count] for name in ("class_means", "class_deviations", "ablated_accuracy")
    }
    preferred = preference(chosen["class_means"]) if count else None
    maps = len(statistics.mean)
    return dict(given) | {
        "class_names": tuple(given["class_names"])[:count],
        "labels": labels % count if count else np.full_like(labels, -1),
        "atlas": dataclasses.replace(given["atlas"], predictions=given["atlas"].predictions[:, : max(count, 3)]),
        "statistics": dataclasses.replace(
            statistics,
            **chosen,
            classes=count,
            class_positions=statistics.class_positions[:count],
            preferred_class=np.full(maps, -1) if preferred is None else preferred.classes,
            selectivity=np.full(maps, np.nan) if preferred is None else preferred.selectivity,
            accuracy=statistics.accuracy[:count],
            confusion=statistics.confusion[:count, :count],
        ),
    }


ATTACKS = (
    "<script>window.hit = 1</script>",
    "</script><script>window.hit = 1</script>",
    "\" onerror=\"window.hit = 1\" onfocus='window.hit = 1' x='",
    "'\"><img src=x onerror=window.hit=1>",
    "{{ 7 * 191 }}</template></title></style><!--",
)
TEXTS = ("name", "dataset", "split", "photo", "command")


def attacked(attack: str) -> dict[str, Any]:
    """An example with the text wherever a user can give one."""
    text: dict[str, Any] = dict.fromkeys(TEXTS, attack) | {"settings": {attack: attack}, "tags": {attack: attack}}
    return example(
        text=text,
        class_names=[f"{attack}{label}" for label in range(CLASSES)],
        layers=(f"{attack}1", f"{attack}2", "Conv2D_2", f"{attack}3"),
    )
