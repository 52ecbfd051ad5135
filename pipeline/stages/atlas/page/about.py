"""The words of an atlas about the run that it shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.stages.oip.pictures.words import Words


@dataclass(frozen=True, kw_only=True)
class About:
    """Text, as the user gave it: whoever shows it has to escape it.

    name: of the run; dataset, split: where the real images are from; photo: what the maps dreamt of; command: repeats
    the run; settings, tags: name -> value; words: what the parts of the layer are called, None for maps whose mean is
    the score.
    """

    name: str
    dataset: str
    split: str
    photo: str
    command: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    words: Words | None = None
