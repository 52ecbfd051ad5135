"""The data set of a run: name, digest and shapes. The arrays stay where they are."""

from collections.abc import Mapping
from typing import Any

from pipeline.results import Dataset

LONGEST_DIGEST = 36


def described(dataset: Dataset) -> dict[str, str]:
    """The training images and labels in MLflow's words, as plain data."""
    import mlflow
    from mlflow.data.code_dataset_source import CodeDatasetSource

    found = mlflow.data.from_numpy(
        dataset.train_images,
        source=CodeDatasetSource(tags={}),
        targets=dataset.train_labels,
        name=dataset.name,
        # MLflow's own digest looks at a sample only
        digest=dataset.digest[:LONGEST_DIGEST],
    )
    return found.to_dict()


def as_input(description: Mapping[str, str]) -> Any:
    """What `log_inputs` takes, of what `described` returned."""
    from mlflow import entities

    return entities.DatasetInput(
        entities.Dataset(**description), [entities.InputTag("mlflow.data.context", "training")]
    )
