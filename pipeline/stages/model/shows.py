"""The words of a CNN out of a file."""

from pipeline.engine.record import StageRecord
from pipeline.engine.shows import Shows


def headline(record: StageRecord) -> str:
    """Return what it is, in words."""
    metrics = record.metrics
    sides = " x ".join(f"{metrics[name]:.0f}" for name in ("height", "width", "channels"))
    return f"{metrics['layers']:.0f} layers, pictures {sides}"


SHOWS = Shows(
    headline=headline,
    look_at="layers.png",
    first="layers.png",
    files={
        "layers.png": "the layers of the CNN, and the shapes of what they give",
        "facts.npz": "the digest of the file, and what is known of the CNN",
        "cnn.keras": "the file, byte for byte",
        "cnn.h5": "the file, byte for byte",
        "given.weights.h5": "the file of the weights, byte for byte",
        "custom.py": "the file with layers and functions of your own",
    },
    sections=(),
)
