"""The figures that README and docs quote, as they were measured last, and how today's stand to them."""

import json
from collections.abc import Mapping
from pathlib import Path

# name -> ratio or share; never a time, which is the machine's.
FILE = Path(__file__).parent / "recorded.json"


def compared(figures: Mapping[str, float], *, keep: bool) -> str:
    """Return a line for each figure: today's, the recorded one, and the ratio of the two.

    Args:
        figures: name -> ratio or share, measured now.
        keep: write them down as the recorded ones.
    """
    known: dict[str, float] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    lines = ["| figure | now | recorded | now / recorded |", "|---|---|---|---|"]
    for name, value in figures.items():
        before = known.get(name)
        told = "- | -" if before is None else f"{before:.3g} | {value / before:.2f}"
        lines.append(f"| {name} | {value:.3g} | {told} |")
    if keep:
        rounded = {name: float(f"{value:.4g}") for name, value in {**known, **figures}.items()}
        FILE.write_text(json.dumps(rounded, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return "\n".join(lines)
