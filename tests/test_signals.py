"""Signals whose exception is changed or dropped on its way, as native code does."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from pipeline.runtime.progress import no_progress
from pipeline.runtime.signals import listen, lost_stop, raise_lost_stop, stoppable, stopped_is_stopped


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    told = sys.unraisablehook
    # a test run in the background ignores it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    listen()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    sys.unraisablehook = told


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    signal.sigtimedwait([], 0.01)


def fail_by_a_signal(number: signal.Signals) -> None:
    try:
        send(number)
    except BaseException as error:
        raise ImportError("numpy could not be imported") from error


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_an_exception_that_was_made_of_a_signals_is_that_of_the_signal(
    number: signal.Signals, kind: type[BaseException]
) -> None:
    with pytest.raises(kind) as caught, stopped_is_stopped():
        fail_by_a_signal(number)
    assert isinstance(caught.value.__cause__, ImportError)
    if kind is SystemExit:
        assert caught.value.args == (143,)
    # what fails later is an error again
    with pytest.raises(OSError, match="full"), stopped_is_stopped():
        raise OSError("full")


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_whose_exception_was_dropped_ends_the_stage_at_its_next_step(
    number: signal.Signals, kind: type[BaseException]
) -> None:
    progress = stoppable(no_progress)
    progress("oip", 1, 3)
    with contextlib.suppress(BaseException):
        send(number)
    with pytest.raises(kind):
        progress("oip", 2, 3)
    progress("oip", 3, 3)


def test_a_signals_exception_that_arrives_is_not_raised_twice() -> None:
    with pytest.raises(KeyboardInterrupt), stopped_is_stopped():
        send(signal.SIGINT)
    assert lost_stop() is None


def test_what_a_destructor_drops_is_told_by_nobody_and_raised_again(capfd: pytest.CaptureFixture[str]) -> None:
    class Interrupted:
        def __del__(self) -> None:
            send(signal.SIGTERM)

    dropped = Interrupted()
    del dropped
    assert "SystemExit" not in capfd.readouterr().err
    with pytest.raises(SystemExit, match="143"):
        raise_lost_stop()
    raise_lost_stop()


def test_errors_without_a_signal_stay_what_they_are() -> None:
    with pytest.raises(ValueError, match="x"), stopped_is_stopped():
        raise ValueError("x")


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listen()
    send(signal.SIGINT)
    assert lost_stop() is None
