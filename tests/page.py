"""MLflow's page as `make ui` starts it, and what a browser asks it: for the tests, and for docs/screenshots.py."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# the pictures in the card with this headline, when so many are loaded
PICTURES = """
    const [headline, count] = arguments;
    const card = [...document.querySelectorAll('div')]
        .filter(e => e.innerText.split('\\n')[0].trim() === headline && e.querySelector('img'))
        .sort((a, b) => a.innerText.length - b.innerText.length)[0];
    if (!card) return null;
    card.scrollIntoView();
    const found = [...card.querySelectorAll('img')];
    const loaded = found.length >= count && found.every(i => i.complete && i.naturalWidth > 0);
    return loaded ? found.map(i => i.src) : null;
"""
# scrolls down step by step, as the page draws only what is in view
SCROLL = """
    for (const e of document.querySelectorAll('div'))
        if (e.scrollHeight > e.clientHeight + 200 && getComputedStyle(e).overflowY !== 'visible')
            e.scrollTop = e.scrollTop + e.clientHeight + 1 >= e.scrollHeight ? 0 : e.scrollTop + 200;
"""
# true when so many charts with lines were drawn
CURVES = f"""
    window.drawn = window.drawn || new Set();
    for (const line of document.querySelectorAll('.js-plotly-plot .scatterlayer path.js-line'))
        window.drawn.add(line.closest('.js-plotly-plot'));
    {SCROLL}
    return window.drawn.size >= arguments[0];
"""
# true when all these words were to be read
WORDS = f"""
    window.read = window.read || new Set();
    for (const word of arguments)
        if (document.body.innerText.includes(word)) window.read.add(word);
    {SCROLL}
    return [...arguments].every(word => window.read.has(word));
"""


@contextmanager
def page_of(folder: Path) -> Iterator[dict[str, str]]:
    """The page of the record under folder/outputs, until the block is left: what it prints, name -> address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    page = subprocess.Popen(
        [sys.executable, "-m", "pipeline.ui", "--port", str(port)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert page.stdout is not None
        found: dict[str, str] = {}
        for line in page.stdout:
            if line.startswith("Ctrl-C"):
                break
            if match := re.fullmatch(r"(http\S+)  mnist-dream/(.+)\n", line):
                found[match[2]] = match[1]
        yield found
    finally:
        page.terminate()
        page.wait()


def opened(driver: Any, address: str) -> None:
    """Load an address anew, also one that differs from that of the page in its fragment alone."""
    driver.get("about:blank")
    driver.get(address)


def run_page(address: str, run_id: str) -> str:
    """The address of a run, from that of the charts of its experiment."""
    root, _, rest = address.partition("/#/")
    return f"{root}/#/experiments/{rest.split('/')[1]}/runs/{run_id}"


def table_page(address: str) -> str:
    """The address of the table of maps by runs, from that of the charts."""
    return re.sub(r"compareRunsMode=CHART.*", "compareRunsMode=ARTIFACT", address)
