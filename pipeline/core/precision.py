"""What a training computes with: mixed precision, XLA. Its weights are float32 throughout; so is the CNN in the end."""

import keras

FULL = "float32"


class TrainedWith(keras.callbacks.Callback):
    """Lets the layers compute in another precision while they are trained, and in float32 whenever they are asked.

    In mixed precision the factors of products are rounded to bfloat16, as is what a layer hands on. The last layer,
    whose answers the loss is computed of, keeps float32, as do the weights and the optimizer.

    Reference:
        Micikevicius et al., 2018, "Mixed Precision Training".
    """

    def __init__(self, model: keras.Model, *, precision: str, xla: bool) -> None:
        """Set what the model is compiled by.

        Args:
            model: compiled with its optimizer; changed in place until its training ends.
            precision: "float32" or "mixed_bfloat16".
            xla: whether XLA compiles the steps of the training.
        """
        super().__init__()
        self.precision = precision
        if xla:
            model.jit_compile = True

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._compute_in(self.precision)

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        self._compute_in(FULL)

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        self._compute_in(self.precision)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._compute_in(FULL)
        self.model.jit_compile = False

    def _compute_in(self, precision: str) -> None:
        """Set what the layers compute in when they are next traced; compiled functions keep what they have."""
        if self.precision != FULL:
            for layer in self.model.layers[:-1]:
                layer.dtype_policy = precision
