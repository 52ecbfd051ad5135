"""Fashion-MNIST: 60,000 training and 10,000 test images of clothes, in MNIST's format."""

from functools import partial

from pipeline.data.keras_datasets import load_keras_dataset
from pipeline.data.source import DatasetSource

SOURCE = DatasetSource(
    class_names=(
        *("T-shirt", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
    own_arrays=partial(load_keras_dataset, "fashion_mnist"),
)
