"""A real browser, headless: Debian's Chromium."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="Chromium is not installed")
# npm ci --prefix tests
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")
AXE_RUN = """
    const done = arguments[0];
    const told = v => [v.impact, v.id, v.nodes.slice(0, 3).map(n => `${n.html.slice(0, 200)} ${n.failureSummary}`)];
    axe.run(document, {resultTypes: ['violations']}).then(found => done(found.violations.map(told)));
"""
WAIT_S = 60


@contextmanager
def browser(*, width: int = 1600, height: int = 2400) -> Iterator[Any]:
    """A window that loads nothing but what lies on this machine."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    assert CHROMIUM is not None
    options.binary_location = CHROMIUM
    # without a sandbox of its own, which root and containers may not have
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--window-size={width},{height}")
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def until(driver: Any, script: str, *arguments: Any) -> Any:
    """What a script returns, as soon as that is true."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, WAIT_S, 0.2).until(
        lambda page: page.execute_script(f"return (() => {{ {script} }}).apply(null, arguments)", *arguments),
        f"never: {script}",
    )


def emulated(driver: Any, *, dark: bool = False, width: int = 1280) -> None:
    """Show what a user sees who likes the dark, or has a small screen."""
    features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def barriers(driver: Any) -> list[list[Any]]:
    """What axe-core finds on the page that is serious or worse."""
    driver.execute_script(AXE.read_text(encoding="utf-8"))
    return [each for each in driver.execute_async_script(AXE_RUN) if each[0] in ("serious", "critical")]
