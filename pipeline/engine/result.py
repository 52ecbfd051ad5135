"""The face of a stage's result, by which it can be kept and compared."""

import dataclasses
from typing import Any, ClassVar, Protocol

import numpy as np


class Result(Protocol):
    """A result of a stage. One that also has a `model`, a Keras model, has that saved beside its arrays; of one that
    has `copies`, the files in it, by the names that they get, are copied byte for byte."""

    def arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """Return file -> name -> array."""


class OneFileResult:
    """A result whose fields, arrays, numbers and texts, are kept in one file of arrays."""

    FILE: ClassVar[str]

    def arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """Return every field as an array, under its own name."""
        fields: Any = self
        return {self.FILE: {field.name: np.asarray(getattr(self, field.name)) for field in dataclasses.fields(fields)}}
