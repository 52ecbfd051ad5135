"""A map at a glance: what the overview shows of it, and every place that names it."""

from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.stages.atlas.page.gallery import Gallery
from pipeline.stages.atlas.page.numbers import Number, brief, known, times, unknown
from pipeline.stages.atlas.page.source import Source
from pipeline.stages.atlas.page.warnings import RULES, Evidence, Rule, relative_score, warnings_for
from pipeline.stages.oip.result import BELOW, CONVERGED, NEVER, REACHED, RISING, UNSTEADY

NO_OIP = "no OIP"
# The share of all OIPs above which a warning is one of the layer.
MOST = 0.5
# a sign of its own shape for each verdict, and a word or two that fit below a picture
SIGNS = {REACHED: "●", BELOW: "▲", CONVERGED: "●", RISING: "▲", UNSTEADY: "■", NEVER: "✕", NO_OIP: "○"}
SHORT = {
    REACHED: "as much as data",
    BELOW: "less than data",
    CONVERGED: "converged",
    RISING: "rising",
    UNSTEADY: "unsteady",
    NEVER: "never",
    NO_OIP: "no OIP",
}

NO_MAXIMUM = "no real image activates it, or none was looked at"
NO_SELECTIVITY = "a class mean is negative, or all are 0"


@dataclass(frozen=True)
class Card:
    """A map at a glance.

    picture: a key, or nothing without an OIP; plain, plain_relative: the picture beside it that only drives the map, or
    nothing, and its score as a multiple of the largest by a real image; verdict: one of the verdicts, or `NO_OIP`;
    told: the whole verdict;
    preferred: the class's number, -1 for none; predicted: what the CNN takes the OIP for, -1 if it was not asked;
    general: the warnings that most maps of the layer have, and so do not tell it from others.
    """

    index: int
    label: str
    picture: str
    verdict: str
    told: str
    score: Number
    relative: Number
    maximum: Number
    preferred: int
    preferred_name: str
    predicted: int
    selectivity: Number
    agreement: Number
    warnings: tuple[Rule, ...]
    plain: str = ""
    plain_relative: Number = field(default_factory=lambda: unknown(NO_MAXIMUM))
    general: tuple[Rule, ...] = ()

    @property
    def sign(self) -> str:
        """Return the sign of its verdict."""
        return SIGNS[self.verdict]

    @property
    def has_oip(self) -> bool:
        """Tell whether there is an OIP of the map."""
        return bool(self.picture)

    @property
    def keys(self) -> str:
        """Return the keys of the warnings of its own, for the script."""
        return " ".join(rule.key for rule in self.warnings)

    @property
    def general_keys(self) -> str:
        """Return the keys of the general warnings, for the script."""
        return " ".join(rule.key for rule in self.general)


def cards(source: Source, gallery: Gallery) -> list[Card]:
    """Make a card for each map of the layer; those without an OIP come last."""
    made = _with_general([_card(source, index, gallery) for index in range(source.maps)])
    return sorted(made, key=lambda card: not card.has_oip)


def _with_general(made: list[Card]) -> list[Card]:
    """Make general what more than half of all OIPs are warned of: a flag on every card would say nothing."""
    count = sum(card.has_oip for card in made)
    general = {rule for rule in RULES if sum(rule in card.warnings for card in made) > MOST * count}
    return [
        replace(
            card,
            warnings=tuple(rule for rule in card.warnings if rule not in general),
            general=tuple(rule for rule in card.warnings if rule in general),
        )
        for card in made
    ]


def _card(source: Source, index: int, gallery: Gallery) -> Card:
    statistics, oips = source.statistics, source.oips
    row = source.oip_rows.get(index)
    preferred = int(statistics.preferred_class[index]) if source.labelled else -1
    predicted, agreement = -1, unknown("there are no pictures from other seeds")
    if (at := source.atlas_rows.get(index)) is not None:
        atlas = source.atlas
        agreement = known(atlas.agreement[at], agreement.reason, brief)
        predicted = _largest(source.predictions[at])
    selectivity = float(statistics.selectivity[index]) if source.labelled else np.nan
    label, name = source.map_label(index), source.name(preferred) if preferred >= 0 else "none"
    if row is None:
        nothing = unknown("the run made no OIP of it")
        return Card(index, label, "", NO_OIP, "the run made no OIP of it", nothing, nothing, nothing, preferred, name,
                    -1, known(selectivity, NO_SELECTIVITY, brief), nothing, ())  # fmt: skip
    # without labels there are no images of other classes
    before = [n for n, name in enumerate(oips.path_layers.tolist()) if name != oips.layer and source.labelled]
    early = np.array([oips.path_similarity[before, row], oips.path_others[before, row]])
    relative = relative_score(oips.activation[row], oips.largest_on_data[row])
    # where no real image drives the map both are the same
    beside = len(oips.plain_images) > 0 and bool(oips.goal[row] > 0)
    evidence = Evidence(
        verdict=str(oips.verdicts[row]),
        fires_on_no_image=bool(oips.fires_on_no_image[row]),
        relative=relative,
        early_similarity=early[0].tolist(),
        early_others=early[1].tolist(),
        agreement=agreement.value,
        preferred=preferred,
        predicted=predicted,
        selectivity=selectivity,
    )
    return Card(
        index=index,
        label=label,
        picture=gallery.image(f"oip-{index}", oips.images[row]),
        verdict=evidence.verdict,
        told=oips.verdict(row),
        score=known(oips.activation[row], "it is not a number"),
        relative=known(relative, NO_MAXIMUM, times),
        maximum=known(oips.largest_on_data[row], "no real image was looked at"),
        preferred=preferred,
        preferred_name=name,
        predicted=predicted,
        selectivity=known(selectivity, NO_SELECTIVITY, brief),
        agreement=agreement,
        warnings=warnings_for(evidence),
        plain=gallery.image(f"plain-{index}", oips.plain_images[row]) if beside else "",
        plain_relative=known(
            relative_score(oips.plain_activation[row], oips.largest_on_data[row]) if beside else np.nan,
            NO_MAXIMUM,
            times,
        ),
    )


def _largest(values: np.ndarray) -> int:
    """Return the number of the largest; -1 if none is a number."""
    return -1 if np.isnan(values).all() else int(np.nanargmax(values))
