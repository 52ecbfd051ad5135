"""Matplotlib, whatever a file or the environment says of how it is to draw."""

import os

from pipeline.runtime.errors import InputError

# Where windows are opened; here none is.
VARIABLE = "MPLBACKEND"


def import_matplotlib() -> None:
    """Import it, before Keras does, without the name of a backend that it may not have.

    Raises:
        InputError: a settings file that it cannot read, which it looks for in the folder of this process first.
    """
    backend = os.environ.pop(VARIABLE, None)
    try:
        import matplotlib as mpl  # noqa: F401
    except UnicodeError as error:
        raise InputError.at("matplotlibrc", takes="text in UTF-8, or no such file", got=str(error)) from error
    finally:
        if backend is not None:
            os.environ[VARIABLE] = backend
