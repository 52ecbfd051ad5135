"""What the description of a model may name: Keras' own layers and functions, and what the user's own file has.

Keras would import modules that a description names, build what they hold, and call it. So it is looked through here
first, every name in it; what is not known to be harmless is refused.
"""

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from pipeline.core.model_files.content import SAVE

# Plain values in the clothes of a class.
VALUES = {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__"}
VALUES |= {"TensorShape"}
# Classes of Keras that hold code, or that read other files.
CODE = {"Lambda", "TFOpLambda", "SlicingOpLambda", "__lambda__", "TorchModuleWrapper", "FlaxLayer", "JaxLayer"}
CODE |= {"TFSMLayer", "__typespec__", "TypeSpec", "CompositeTensor"}
READERS = {"StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization", "FeatureSpace", "HashedCrossing"}
# What a class of Keras has to be one of.
BASES: tuple[type, ...] = (
    keras.Operation,
    keras.Initializer,
    keras.Regularizer,
    keras.constraints.Constraint,
    keras.DTypePolicy,
    keras.Optimizer,
    keras.optimizers.schedules.LearningRateSchedule,
    keras.Loss,
    keras.Metric,
    keras.random.SeedGenerator,
)
# Where functions that a description may name are, and classes that it names without a module.
FUNCTIONS = ("activations", "initializers", "regularizers", "constraints", "losses", "metrics")
CLASSES = ("layers", "models", *FUNCTIONS, "dtype_policies", "optimizers", "optimizers.schedules", "random")
ACTIVATIONS = ("activation", "recurrent_activation")
INSTEAD = f"write it as a layer of your own, with a class in model.custom=FILE.py, or of Keras' own, and {SAVE}"


class NotAllowedError(ValueError):
    """A description names what it must not, or what is not there; the message says what, and what to do."""


def check_config(config: Any, custom: Mapping[str, Any]) -> None:
    """Look through all of a model's description.

    Args:
        config: as JSON has it.
        custom: what the user's own file has, by name.
    Raises:
        NotAllowedError: see there.
    """
    for entry in _entries(config):
        name = entry.get("class_name")
        if name is not None:
            _check(entry, name, custom)
        for key in ACTIVATIONS:
            word = entry.get(key)
            if isinstance(word, str) and word not in custom and not _is_function(word, "builtins"):
                raise NotAllowedError(_missing("function", word))


def without_compilation(config: Any) -> Any:
    """Return the description without how the model was trained, also of models in it: nobody trains it here."""
    if isinstance(config, dict):
        return {key: without_compilation(value) for key, value in config.items() if key != "compile_config"}
    return [without_compilation(value) for value in config] if isinstance(config, list) else config


def _entries(config: Any) -> Iterator[dict[str, Any]]:
    todo = [config]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            yield value
            # in the order in which they stand there, so that the first one is told
            todo += reversed(list(value.values()))
        elif isinstance(value, list):
            todo += reversed(value)


def _check(entry: Mapping[str, Any], name: Any, custom: Mapping[str, Any]) -> None:
    """Refuse what a description names, unless it is known to be harmless."""
    module, registered = entry.get("module"), entry.get("registered_name")
    if not isinstance(name, str) or not isinstance(module, str | None) or not isinstance(registered, str | None):
        raise NotAllowedError(f"whose description has the class {name!r} of {module!r}; no model of Keras")
    layer = _layer_of(entry)
    if name in CODE:
        what = "a function of Python's in the file" if "ambda" in name else "other programs"
        raise NotAllowedError(f"whose {layer or name} is a {name}: it would run {what}, so it is not loaded; {INSTEAD}")
    if name in READERS:
        raise NotAllowedError(f"whose {layer or name} is a {name}, which reads other files; leave it out, and {SAVE}")
    if name in VALUES:
        return
    if name == "function":
        function = entry.get("config")
        if not isinstance(function, str):
            raise NotAllowedError("whose description has a function without a name; no model of Keras")
        if function not in custom and registered not in custom and not _is_function(function, module):
            raise NotAllowedError(_missing("function", function, module))
        return
    if name in custom or registered in custom:
        return
    found = _class_of_keras(name, module)
    if found is None:
        raise NotAllowedError(_missing("class", registered or name, module))
    if not (inspect.isclass(found) and issubclass(found, BASES)):
        raise NotAllowedError(
            f"whose description names {module}.{name}, which is no layer; no model that is loaded here"
        )


def _layer_of(entry: Mapping[str, Any]) -> str | None:
    """Return the name of a layer that an entry describes, in words."""
    config = entry.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return f"layer {name}" if isinstance(name, str) else None


def _is_function(name: str, module: str | None) -> bool:
    """Tell whether this is a function of Keras' that computes something."""
    if module in (None, "builtins"):
        homes: tuple[str, ...] = FUNCTIONS
    elif module.startswith("keras.") and module.removeprefix("keras.") in (*FUNCTIONS, "ops"):
        homes = (module.removeprefix("keras."),)
    else:
        return False
    # a word such as leaky_relu, or the name of a class that is made without arguments
    return any(callable(getattr(getattr(keras, home, None), name, None)) for home in homes)


def _class_of_keras(name: str, module: str | None) -> Any:
    """Return a class of Keras, None if it has none of this name; nothing is imported for that."""
    if module in (None, "builtins"):
        owners = [_below(keras, home) for home in CLASSES]
        owners.append(sys.modules.get("keras.src.models.functional"))
    elif module == "keras" or module.startswith("keras."):
        # the names by which Keras is imported, and those of its own files, which are all there
        owners = [_below(keras, module.partition(".")[2]), sys.modules.get(module)]
    else:
        return None
    found = [vars(owner)[name] for owner in owners if owner is not None and name in vars(owner)]
    return found[0] if found else None


def _below(owner: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        owner = vars(owner).get(part) if inspect.ismodule(owner) else None
    return owner if inspect.ismodule(owner) else None


def _missing(what: str, name: str, module: str | None = None) -> str:
    if module is not None and (module == "keras" or module.startswith("keras.")):
        return f"which needs the {what} {name} of {module}, that Keras {keras.__version__} does not have"
    short = name.rpartition(">")[2]
    home = f" (of {module})" if module not in (None, "builtins") else ""
    return (
        f"which needs the {what} {short}{home}, that is not Keras' own; write it into a Python file of yours and "
        "name that by model.custom=FILE.py"
    )
