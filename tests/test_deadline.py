"""How long a backend is waited for in all: seconds that are much shorter than those of the pipeline."""

import threading
import time

import pytest

from pipeline.tracking import deadline
from pipeline.tracking.deadline import Deadline, WithDeadline


class Backend:
    """Fails as often as it is told, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked = 0

    def create_run(self) -> str:
        return self.get_run()

    def get_run(self, answer: str = "run") -> str:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return answer


class RefusalError(Exception):
    status = 400

    def get_http_status_code(self) -> int:
        return self.status


class TooManyError(RefusalError):
    status = 429


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(deadline, "PAUSE_S", 0.05)
    monkeypatch.setattr(deadline, "PROMPT_S", 0.05)


def test_answers_and_failures_come_through():
    patient = WithDeadline(Backend(), Deadline(1))
    assert patient.get_run() == "run"
    assert patient.get_run(answer="other") == "other"
    error = RefusalError()
    with pytest.raises(RefusalError) as raised:
        WithDeadline(Backend(error), Deadline(1)).get_run()
    assert raised.value is error


@pytest.mark.parametrize("error", [ConnectionError(), TooManyError()])
def test_what_may_work_the_next_time_is_asked_once_more(error):
    backend = Backend(error)
    assert WithDeadline(backend, Deadline(1)).get_run() == "run"
    assert backend.asked == 2
    backend = Backend(error, ValueError("second"))
    with pytest.raises(ValueError, match="second"):
        WithDeadline(backend, Deadline(1)).get_run()
    assert backend.asked == 2


def test_what_would_be_there_twice_and_what_was_refused_are_asked_once():
    for error, call in ((ConnectionError(), "create_run"), (RefusalError(), "get_run")):
        backend = Backend(error)
        with pytest.raises(type(error)):
            getattr(WithDeadline(backend, Deadline(1)), call)()
        assert backend.asked == 1


def test_prompt_answers_cost_nothing_and_slow_ones_use_the_time_up():
    patient = Deadline(0.5)
    for _ in range(50):
        patient.call(lambda: time.sleep(0.001))
    assert patient.left == pytest.approx(0.5, abs=0.1)

    def slowly() -> None:
        for _ in range(50):
            patient.call(lambda: time.sleep(0.2))

    with pytest.raises(TimeoutError, match="no answer, or only slow ones"):
        slowly()
    assert patient.left == 0


def test_a_call_that_never_returns_is_given_up():
    forever = threading.Event()
    patient = Deadline(0.2)
    with pytest.raises(TimeoutError):
        patient.call(forever.wait)
    assert patient.left == 0
    forever.set()


def test_without_a_limit_everything_is_waited_for_and_asked_once():
    backend = Backend(ConnectionError())
    with pytest.raises(ConnectionError):
        WithDeadline(backend, Deadline(None)).get_run()
    assert backend.asked == 1
