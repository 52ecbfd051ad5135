"""What bad input is answered with."""

from collections.abc import Callable

import pytest

from pipeline.runtime.errors import InputError


def refusal(make: Callable[..., object], *arguments: object) -> str:
    """The one line with which make(*arguments) refuses."""
    with pytest.raises(InputError) as caught:
        make(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message
