"""Settings of a dream of the tiny CNN."""

from pipeline.settings.choices import (
    Compare,
    Correction,
    DreamMethod,
    Enlargement,
    Fit,
    Ink,
    Objective,
    StepSizeSchedule,
)
from pipeline.settings.shared import ContrastConfig, ConvergenceConfig, OctavesConfig
from pipeline.stages.dream.settings import CompareConfig, DreamConfig, FaithfulConfig, ZoomConfig

DREAM = DreamConfig(
    photo="flower",
    mask=None,
    fit=Fit.crop,
    size=48,
    color=False,
    method=DreamMethod.carving,
    layer="Conv2D_2",
    objective=Objective.pre_activation,
    map_indices=[3, 0],
    levels=[1, 2],
    overlap=0.0,
    tiles=None,
    tile_maps=None,
    auto_maps=None,
    correction=Correction.original,
    enlargement=Enlargement.bicubic,
    octaves=OctavesConfig(count=2, scale=1.5, least_contrast=0.2),
    faithful=FaithfulConfig(references=0, covariance=0.5, least_contrast=0.3, most_contrast=0.8, ink=Ink.either),
    turns=2,
    steps=4,
    step_size=0.2,
    step_size_schedule=StepSizeSchedule.constant,
    strength=[1.0],
    convergence=ConvergenceConfig(criterion=2e-4, after=10, patience=4, stop=False),
    contrast=ContrastConfig(centre=0.46, factor=0.8),
    frame_size=1024,
    zoom=ZoomConfig(frames=0, factor=1.1, steps=2, size=56),
    compare=CompareConfig(by=Compare.maps, strengths=[0.5, 1.0]),
)
