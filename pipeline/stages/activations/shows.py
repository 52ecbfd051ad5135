"""The words and charts of activations."""

from pipeline.engine.record import StageRecord
from pipeline.engine.shows import ImageChart, Section, Shows


def headline(record: StageRecord) -> str:
    """Return the main figure in words."""
    return f"{len(record.images)} layers x {record.metrics['images']:.0f} images"


SHOWS = Shows(
    headline=headline,
    look_at="images.png",
    first="images.png",
    files={
        "images.png": "the images that were looked at",
        "LAYER/": "one picture for each image: all maps of the layer, numbered from 0 row by row",
        "feature_maps.npz": "the same as numbers",
    },
    sections=tuple(
        Section(f"{layer} (move the slider to a class)", (ImageChart(f"activations/{layer}"),))
        for layer in ("Conv2D_1", "Conv2D_2", "Conv2D_3")
    ),
    compared=2,
)
