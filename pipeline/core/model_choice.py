"""What of a model out of a file is looked at. Needs neither TensorFlow nor Keras."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Chosen:
    """Which input takes the picture and which output gives the classes, by name; None for the only one.

    side: (height, width) of pictures, where the model takes any; constants: the numbers that fill other inputs, by
    name.
    """

    input: str | None = None
    output: str | None = None
    side: tuple[int, int] | None = None
    constants: tuple[tuple[str, float], ...] = ()
