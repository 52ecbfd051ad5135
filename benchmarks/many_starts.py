"""The engine with many starts for each map, in a process of its own, whose memory is its own.

`python -m benchmarks.many_starts MODEL.keras` prints one line of JSON.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

STARTS = 64


def in_a_process_of_its_own(model: Path) -> dict[str, float | str]:
    """seconds, peak_mib, before_mib (see `_measure`); or `refused`, and why."""
    command = [sys.executable, "-m", "benchmarks.many_starts", str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"refused": (done.stderr.strip() or "no message").splitlines()[-1]}
    found: dict[str, float | str] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _measure(path: Path) -> dict[str, float | str]:
    """One sweep with one start warms up; seconds is what the sweep with many takes then, peak_mib the largest resident
    memory of the process, before_mib that before the second sweep."""
    import keras

    from benchmarks.task import SEED
    from benchmarks.timing import timed
    from pipeline import compose, sweep_oips

    model = keras.models.load_model(path)
    config, many = compose(), compose(f"oip.starts={STARTS}")
    sweep_oips(config.oip, config.noise, model, seed=SEED)
    before = _peak_mib()
    seconds, _ = timed(lambda: sweep_oips(many.oip, many.noise, model, seed=SEED))
    return {"seconds": seconds, "before_mib": before, "peak_mib": _peak_mib()}


def _peak_mib() -> float:
    """The largest resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.is_file():
        # what getrusage says on Linux is at least what the process that started this one held
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 2**10
    # macOS counts in bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(json.dumps(_measure(Path(sys.argv[1]))))
