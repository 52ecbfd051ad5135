"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28 x 28 pixels."""

from functools import partial

from pipeline.data.keras_datasets import load_keras_dataset
from pipeline.data.source import DatasetSource

SOURCE = DatasetSource(
    class_names=tuple("0123456789"),
    own_arrays=partial(load_keras_dataset, "mnist"),
    digests=(
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
)
