"""What a training refuses before TensorFlow is imported."""

from pipeline.data.dataset import Dataset
from pipeline.runtime.errors import InputError


def check_labels(dataset: Dataset) -> None:
    """Refuse data that do not say what the images show.

    Raises:
        InputError: there are no labels.
    """
    if not dataset.has_labels:
        takes = "images with the class of each for the training of a CNN"
        raise InputError.at("data", takes=takes, got=f"{dataset.name}, without labels")


def check_xla(*, deterministic: bool) -> None:
    """Refuse to compile a training by XLA where it is to give the same bits twice: XLA cannot promise that of a pool.

    Raises:
        InputError: it is.
    """
    if deterministic:
        takes = "false, or runtime.deterministic=false with it: XLA's gradient of a pool may depend on timing"
        raise InputError.at("train.xla", takes=takes, got="true")
