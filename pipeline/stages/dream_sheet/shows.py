"""The words and charts of several dreams."""

from pipeline.engine.record import StageRecord
from pipeline.engine.shows import ImageChart, LineChart, Section, Shows


def headline(record: StageRecord) -> str:
    """Return the main figure in words."""
    return f"{record.params['dream.photo']}, {record.metrics['dreams']:.0f} dreams"


SHOWS = Shows(
    headline=headline,
    look_at="contact_sheet.png",
    first="contact_sheet.png",
    files={
        "contact_sheet.png": "one photo, dreamt in several ways",
        "dreams/": "each of them by itself",
    },
    sections=(
        Section("All dreams", (ImageChart("dream_sheet/contact_sheet"),)),
        Section("One dream (move the slider to its map or number)", (ImageChart("dream_sheet/dream"),)),
        Section(
            "Objective at the first and the last step, by map or number",
            (LineChart(("objective_first",)), LineChart(("objective_last",))),
            height=400,
            columns=2,
        ),
    ),
    compared=4,
)
