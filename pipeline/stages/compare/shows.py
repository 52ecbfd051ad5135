"""The words and charts of a comparison."""

from pipeline.engine.record import StageRecord
from pipeline.engine.shows import ImageChart, LineChart, Section, Shows


def headline(record: StageRecord) -> str:
    """Return the main figures in words."""
    metrics = record.metrics
    said = [f"{metrics['matched']:.0f} of {metrics['maps']:.0f} maps matched"]
    if "mean_correlation" in metrics:
        said.append(f"mean correlation {metrics['mean_correlation']:.3f}")
    if "cka" in metrics:
        said.append(f"CKA {metrics['cka']:.3f}")
    if "changed_share" in metrics:
        said.append(f"{metrics['changed_share']:.2%} of the images another class")
    return ", ".join(said)


SHOWS = Shows(
    headline=headline,
    look_at="compare.html",
    first="maps.png",
    page="compare.html",
    files={
        "compare.html": "the two CNNs side by side, in one file that needs no network",
        "maps.png": "matched maps: the OIPs of both, and the images that activate them most",
        "cka.png": "how alike every layer of one is to every layer of the other (linear CKA)",
        "changed.png": "the images that the two take for different classes",
        "maps.csv": "which map is which, with the correlation of their activations",
        "compare.npz": "all of it as numbers: correlations of all maps, CKA, probabilities, OIPs",
        "other.keras": "the file of the second CNN, byte for byte",
        "other.h5": "the file of the second CNN, byte for byte",
        "other_custom.py": "the file with layers and functions of your own of the second CNN",
        "snapshots.npz": "the weights of epochs of the first CNN, byte for byte",
        "other_snapshots.npz": "the weights of epochs of the second CNN, byte for byte",
    },
    sections=(
        Section("Matched maps: OIPs and top images of both", (ImageChart("compare/maps"),), height=900),
        Section("Linear CKA of all layers", (ImageChart("compare/cka"),)),
        Section("Images with another class", (ImageChart("compare/changed"),)),
        Section("By map index: correlation with its partner", (LineChart(("correlation",)),), height=400),
    ),
)
