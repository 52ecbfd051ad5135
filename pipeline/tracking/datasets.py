"""The data set of a run: name, digest and shapes. The arrays stay where they are."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.data.dataset import DatasetSplit
from pipeline.settings.choices import Split

LONGEST_DIGEST = 36
# split -> what MLflow calls the purpose of the data
CONTEXTS = {"train": "training", "test": "testing"}
CONTEXT = "context"


def described(split: DatasetSplit) -> dict[str, str]:
    """Return images and labels in MLflow's words, as plain data; and what they were looked at for."""
    import mlflow
    from mlflow.data.code_dataset_source import CodeDatasetSource

    dataset = split.dataset
    images, labels = dataset.split(Split(split.split))
    found = mlflow.data.from_numpy(
        # of their type and shape: those that are bytes would become numbers
        np.broadcast_to(images.dtype.type(0), images.shape),
        source=CodeDatasetSource(tags={}),
        targets=labels if dataset.has_labels else None,
        name=dataset.name,
        # MLflow's own digest looks at a sample only
        digest=dataset.digest[:LONGEST_DIGEST],
    )
    return {**found.to_dict(), CONTEXT: CONTEXTS[split.split]}


def as_input(description: Mapping[str, str]) -> Any:
    """Return what `log_inputs` takes, of what `described` returned."""
    from mlflow import entities

    fields = dict(description)
    # marks of earlier versions are of trainings alone
    context = fields.pop(CONTEXT, CONTEXTS["train"])
    return entities.DatasetInput(entities.Dataset(**fields), [entities.InputTag("mlflow.data.context", context)])
