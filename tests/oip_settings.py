"""Settings of an OIP sweep of the tiny CNN."""

import numpy as np

from pipeline.settings.choices import (
    Colour,
    MatchKind,
    Objective,
    PixelRange,
    Spectrum,
    StartAt,
    StartImage,
    StepSizeSchedule,
    Strategy,
)
from pipeline.settings.shared import ContrastConfig, ConvergenceConfig
from pipeline.stages.oip.faithful_settings import FaithfulConfig
from pipeline.stages.oip.noise_settings import NoiseConfig
from pipeline.stages.oip.settings import JitterConfig, OipConfig, PrecursorConfig, QualityConfig

NOISE = NoiseConfig(
    seed=0,
    kind=StartImage.waves,
    wavelengths=[3, 12],
    amplitudes=[0.5],
    decay=1.0,
    picture=None,
    label=None,
    blend=0.0,
)
PLAIN = QualityConfig(
    total_variation=0.0,
    l2=0.0,
    frequency_decay=0.0,
    diversity=0.0,
    spectrum=Spectrum.free,
    colour=Colour.data,
    jitter=JitterConfig(shift=0.0, rotation=0.0, scale=0.0),
)
OFF = FaithfulConfig(
    range=PixelRange.free,
    covariance=0.0,
    start=StartAt.noise,
    match=MatchKind.none,
    layers=None,
    images=4,
    weight=0.1,
    least=None,
    step_size=0.1,
)
OIP = OipConfig(
    layer="Conv2D_2",
    map_indices=None,
    position=None,
    direction=None,
    objective=Objective.pre_activation,
    strategy=Strategy.superposition,
    steps=16,
    stage_steps=[3, 5],
    precursor=PrecursorConfig(starts=5, steps=4),
    starts=1,
    step_size=0.3,
    step_size_schedule=StepSizeSchedule.linear,
    convergence=ConvergenceConfig(criterion=2e-2, after=5, patience=3, stop=False),
    zero_steps=5,
    restarts=0,
    quality=PLAIN,
    faithful=OFF,
    snapshots=2,
    batch_size=6,
    xla=None,
    contrast=ContrastConfig(centre=0.5, factor=1.0),
)


def without_evidence(maps: int, size: int) -> dict[str, np.ndarray]:
    """The fields of a result that only a faithful OIP, or real images with labels, fill."""
    unknown = np.full(maps, np.nan, np.float32)
    nothing = np.zeros((0, maps))
    return {
        "references": np.zeros((maps, 0), int),
        "reference_maximum": unknown,
        "goal": unknown,
        "plain_images": np.zeros((0, size, size, 1), np.float32),
        "plain_activation": unknown[:0],
        "path_layers": np.array([], np.str_),
        "path_similarity": nothing,
        "path_same": nothing,
        "path_others": nothing,
        "field_similarity": nothing,
        "field_same": nothing,
        "field_others": nothing,
        "top_class": np.full(maps, -1),
        "taken_for": np.full(maps, -1),
    }
