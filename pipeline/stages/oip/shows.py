"""The words and charts of OIPs."""

from pipeline.engine.record import StageRecord
from pipeline.engine.shows import SETTINGS, ImageChart, LineChart, ParallelChart, Section, Shows


def headline(record: StageRecord) -> str:
    """Return the main figure in words."""
    return f"{record.metrics['triggered']:.0f} of {record.metrics['maps']:.0f} maps got an OIP"


SHOWS = Shows(
    headline=headline,
    look_at="contact_sheet.png",
    first="contact_sheet.png",
    files={
        "contact_sheet.png": "of every map the image that drives it most, its score (mean activation) and verdict",
        "contact_sheet_contrast.png": "the same with the contrast of the middle grey levels enhanced",
        "maps/": "each of these images by itself; the slider of the comparison moves over them",
        "evolution.png": "how some of them emerged, from the noise on the left to the last step",
        "emergence.gif": "all of them emerging",
        "objective.png": "what ascended, step by step, of every map",
    },
    sections=(
        Section("One map (move the slider to its index)", (ImageChart("oip/map"),)),
        Section("All maps", (ImageChart("oip/contact_sheet"),)),
        Section(
            SETTINGS,
            (
                ParallelChart(
                    ("noise.wavelengths", "noise.seed", "oip.steps", "oip.step_size"),
                    ("triggered", "converged", "mean_activation"),
                ),
            ),
            height=400,
        ),
        Section(
            "How far to believe them, by map index: path index (1: as natural as data), score / largest on the data",
            (LineChart(("path_index_by_map",)), LineChart(("relative_activation",))),
            height=400,
            columns=2,
        ),
        Section(
            "Activation by map index, objective by ascent step",
            (LineChart(("activation",)), LineChart(("objective_mean",))),
            height=400,
            columns=2,
        ),
    ),
    compared=6,
    objective_value="mean_activation",
    sweep_metrics=("triggered", "mean_activation"),
    sweep_files={
        "activation.png": "a row for each job, a column for each map: bright is a high activation",
        "oips.png": "the pictures of some maps, job by job",
    },
    sweep_sections=(
        Section("Activation of every map, job by job", (ImageChart("sweep/activation"),)),
        Section("The OIPs of every job", (ImageChart("sweep/oips"),), height=900),
    ),
)
