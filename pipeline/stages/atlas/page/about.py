"""The words of an atlas about the run that it shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.stages.oip.pictures.words import Words


@dataclass(frozen=True, kw_only=True)
class About:
    """What an atlas says of the run. Text, as the user gave it: whoever shows it has to escape it.

    Attributes:
        name: of the run.
        dataset: where the real images are from.
        split: which of them.
        photo: what the maps dreamt of.
        command: repeats the run.
        settings: name -> value.
        tags: name -> value.
        words: what the parts of the layer are called, None for maps whose mean is the score.
    """

    name: str
    dataset: str
    split: str
    photo: str
    command: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    words: Words | None = None
