"""Settings of OIPs that keep to the language of the data."""

from dataclasses import dataclass, field, replace

from pipeline.runtime.errors import InputError
from pipeline.settings.choices import MatchKind, PixelRange, StartAt
from pipeline.settings.ranges import LARGEST_STEP, Entries, Number, check_fields, rule


@dataclass(kw_only=True)
class FaithfulConfig:
    range: PixelRange
    covariance: float = field(metadata=rule(Number(least=0, most=1)))
    start: StartAt
    match: MatchKind
    layers: list[str] | None = field(
        metadata=rule(Entries(filled="layer, or null for the convolutions before", once=True))
    )
    images: int = field(metadata=rule(Number(least=1, most=64)))
    weight: float = field(metadata=rule(Number(above=0, most=LARGEST_STEP)))
    least: float | None = field(metadata=rule(Number(above=0, most=LARGEST_STEP)))
    step_size: float = field(metadata=rule(Number(above=0, most=LARGEST_STEP)))

    def __post_init__(self) -> None:
        check_fields("oip.faithful", self)
        if self.least is not None and self.match is MatchKind.none:
            takes = "null with oip.faithful.match=none: there is nothing that the score is weighed against"
            raise InputError.at("oip.faithful.least", takes=takes, got=self.least)

    @property
    def is_on(self) -> bool:
        """Tell whether anything is asked for here."""
        return (
            self.range is PixelRange.data
            or self.covariance > 0
            or self.start is StartAt.mean
            or self.match is not MatchKind.none
        )


def without(config: FaithfulConfig) -> FaithfulConfig:
    """Return the same settings with all of it switched off."""
    return replace(config, range=PixelRange.free, covariance=0.0, start=StartAt.noise, match=MatchKind.none, least=None)
