"""The words that a setting may take."""

from enum import Enum


class Activation(Enum):
    relu = "relu"
    sigmoid = "sigmoid"
    elu = "elu"
    tanh = "tanh"


class Regularizer(Enum):
    none = "none"
    l1 = "l1"
    l2 = "l2"


class Optimizer(Enum):
    rmsprop = "rmsprop"
    nadam = "nadam"
    adamax = "adamax"
    adamw = "adamw"


class Precision(Enum):
    float32 = "float32"
    mixed_bfloat16 = "mixed_bfloat16"


class LearningRateSchedule(Enum):
    none = "none"
    exponential = "exponential"
    power = "power"
    cosine = "cosine"


class Split(Enum):
    train = "train"
    test = "test"


class ColorMap(Enum):
    magma = "magma"
    viridis = "viridis"
    inferno = "inferno"
    jet = "jet"
    gray = "gray"


class MapScaling(Enum):
    raw = "raw"
    standardized = "standardized"


class Objective(Enum):
    activation = "activation"
    pre_activation = "pre_activation"
    l2 = "l2"


class StepSizeSchedule(Enum):
    constant = "constant"
    linear = "linear"
    cosine = "cosine"


class StartImage(Enum):
    waves = "waves"
    fourier = "fourier"
    pixels = "pixels"
    picture = "picture"
    digit = "digit"


class Strategy(Enum):
    superposition = "superposition"
    coarse_to_fine = "coarse_to_fine"
    precursor = "precursor"


class Spectrum(Enum):
    free = "free"
    data = "data"


class Colour(Enum):
    data = "data"
    free = "free"


class OipPictures(Enum):
    all = "all"
    sheets = "sheets"


class PixelRange(Enum):
    free = "free"
    data = "data"


class StartAt(Enum):
    noise = "noise"
    mean = "mean"


class MatchKind(Enum):
    none = "none"
    maps = "maps"
    distributions = "distributions"


class Fit(Enum):
    keep = "keep"
    crop = "crop"
    stretch = "stretch"


class DreamMethod(Enum):
    carving = "carving"
    octaves = "octaves"


class Correction(Enum):
    original = "original"
    updated = "updated"


class Enlargement(Enum):
    bspline = "bspline"
    bicubic = "bicubic"


class Ink(Enum):
    light = "light"
    dark = "dark"
    either = "either"


class Compare(Enum):
    maps = "maps"
    levels = "levels"
    strengths = "strengths"


class TrackingBackend(Enum):
    none = "none"
    mlflow = "mlflow"
