"""The words and charts of an atlas."""

from pipeline.engine.record import StageRecord
from pipeline.engine.shows import ImageChart, LineChart, Section, Shows


def headline(record: StageRecord) -> str:
    """Return the main figure in words."""
    return f"a page about each map, {record.metrics['maps']:.0f} with OIPs"


SHOWS = Shows(
    headline=headline,
    look_at="atlas.html",
    first="dreams.png",
    page="atlas.html",
    files={
        "atlas.html": "a page about every map, in one file that needs no network",
        "dreams.png": "the photo, dreamt towards every map",
        "atlas.npz": "OIPs from other starts, agreement between seeds",
    },
    sections=(
        Section("The photo, dreamt towards every map", (ImageChart("atlas/dreams"),)),
        Section(
            "By map index: how alike OIPs of other noise are",
            (LineChart(("agreement",)),),
            height=400,
        ),
    ),
)
