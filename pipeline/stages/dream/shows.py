"""The words and charts of a dream."""

from pipeline.engine.record import StageRecord
from pipeline.engine.shows import ImageChart, LineChart, Section, Shows


def headline(record: StageRecord) -> str:
    """Return the main figure in words."""
    params = record.params
    if params["dream.method"] == "octaves":
        count = int(params["dream.octaves.count"])
        return f"{params['dream.photo']}, {count} octave{'s' if count > 1 else ''}"
    return f"{params['dream.photo']}, levels {params['dream.levels']}"


SHOWS = Shows(
    headline=headline,
    look_at="before_after.png",
    first="before_after.png",
    files={
        "before_after.png": "the photo, and what the CNN made of it",
        "dream.png": "the dream with the photo's own contrast; dream_soft.png and dream_strong.png with others",
        "levels/, octaves/": "the picture after each level of each turn, or after each octave",
        "growing.webp": "the same, moving",
    },
    sections=(
        Section("Dream", (ImageChart("dream/picture"),)),
        Section("How it grew (move the slider through levels and turns)", (ImageChart("dream/growing"),)),
        Section(
            "Objective of each level, by ascent step",
            tuple(LineChart((f"objective_level_{level}",)) for level in (1, 2, 3)),
            height=400,
            columns=3,
        ),
    ),
    compared=5,
)
