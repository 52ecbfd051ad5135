"""Several processes that do the same at the same moment."""

from pathlib import Path

from commands import END_S, execute, wait_for

TOGETHER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
number, place = int(sys.argv[2]), Path(sys.argv[3])
{before}
(place / f"{{number}}.ready").touch()
while not (place / "go").exists():
    time.sleep(0.001)
{code}
"""


def at_once(folder: Path, code: str, count: int, before: str = "") -> list[int | None]:
    """Run code in forked processes, which begin with it when all are there; returns their exit codes.

    Args:
        folder: in which they work. What they wait for lies beside it.
        code: sees its `number`, and may import what lies in tests/.
        before: is run by each, before it waits for the others.
    """
    place = folder.with_name(f"{folder.name}-at-once")
    place.mkdir()
    program, tests = TOGETHER.format(before=before, code=code), str(Path(__file__).parent)
    processes = [execute(folder, "-c", program, tests, str(number), str(place)) for number in range(count)]
    for number, process in enumerate(processes):
        wait_for((place / f"{number}.ready").exists, process)
    (place / "go").touch()
    for process in processes:
        _, errors = process.communicate(timeout=END_S)
        assert process.returncode == 0, errors
    return [process.returncode for process in processes]
