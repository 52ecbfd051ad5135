"""The words and charts of statistics."""

from pipeline.engine.record import StageRecord
from pipeline.engine.shows import ImageChart, LineChart, Section, Shows


def headline(record: StageRecord) -> str:
    """Return the main figure in words."""
    return f"{record.metrics['maps']:.0f} maps x {record.metrics['images']:.0f} images"


SHOWS = Shows(
    headline=headline,
    look_at="top_images.png",
    first="classes.png",
    files={
        "classes.png": "the mean activation of every map (columns) over the images of each class (rows)",
        "top_images.png": "of every map the images that activate it most; bright is what its strongest node sees",
        "statistics.npz": "all of it as numbers: selectivity, correlations, accuracy without a map, and more",
    },
    sections=(
        Section("Mean activation by class and map", (ImageChart("statistics/classes"),)),
        Section("The images that activate each map most", (ImageChart("statistics/top_images"),), height=900),
        Section(
            "By map index",
            (LineChart(("mean",)), LineChart(("selectivity",)), LineChart(("accuracy_drop",))),
            height=400,
            columns=3,
        ),
    ),
)
