"""CIFAR-10: 50,000 training and 10,000 test images of things and animals, 32 x 32 pixels, in colour."""

from functools import partial

from pipeline.data.keras_datasets import load_keras_dataset
from pipeline.data.source import DatasetSource

SOURCE = DatasetSource(
    class_names=(
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
    own_arrays=partial(load_keras_dataset, "cifar10"),
)
