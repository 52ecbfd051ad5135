"""The statistics of a layer and its atlas: how long each part takes, how large the page is, how soon it is usable.

    python -m benchmarks.atlas [--model FILE.keras] [--data-path mnist.npz] [--repeats N] [--keep FILE.html]

Without --data-path of the embedded digits. Prints Markdown. The page is opened in Chromium, if that and its driver are
there (Selenium is one of the development packages).
"""

import argparse
import os
import shutil
import statistics
import tempfile
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from benchmarks.machine import MatrixProducts
from benchmarks.timing import timed
from pipeline import About, compose, load_dataset, load_photo, map_statistics, render_atlas, survey, sweep_oips, train
from pipeline.settings.choices import Fit

# What a page says of itself in milliseconds since it was opened: when it can be used, and when all of it is there.
WHEN = """
    const [entry] = performance.getEntriesByType("navigation");
    return [entry.domInteractive, entry.domContentLoadedEventEnd, entry.loadEventEnd,
            performance.getEntriesByType("resource").length];
"""


def main() -> None:
    """Measure, and print it."""
    arguments = _arguments()
    words = [] if arguments.data_path is None else ["data=mnist", f"data.path='{arguments.data_path}'"]
    config = compose(*words)
    dataset = load_dataset(config.data, size=config.model.input_size)
    if arguments.model is not None:
        model = keras.models.load_model(arguments.model)
    else:
        model = train(config.train, config.model, dataset, seed=0).model
    products = MatrixProducts()
    photo = load_photo(config.dream.photo, size=config.atlas.dream.size, fit=Fit.crop)
    images, labels = dataset.test_images, dataset.test_labels
    about = About(name="benchmark", dataset=dataset.name, split="test", photo=config.dream.photo)
    seconds: dict[str, list[float]] = {}
    for _ in range(arguments.repeats):
        products.measure()
        look = partial(map_statistics, model, config.oip.layer, images, labels, classes=dataset.classes)
        looked, found = timed(look)
        sweep = partial(
            sweep_oips, config.oip, config.noise, model, seed=0, reference_images=images, reference_labels=labels
        )
        swept, oips = timed(sweep)
        surveyed, atlas = timed(
            partial(
                survey, config.atlas, config.oip, config.noise, config.dream, model, oips=oips, seed=0,
                reference_images=images, photo=photo,
            )
        )  # fmt: skip
        rendered, page = timed(partial(render_atlas, about, oips, found, atlas, images, labels, dataset.class_names))
        for name, value in {
            f"statistics of {len(images)} images": looked,
            "OIPs (not part of the atlas)": swept,
            "survey: other starts, other layers, evidence, dreams": surveyed,
            "page": rendered,
            "atlas in all, statistics too": looked + surveyed + rendered,
        }.items():
            seconds.setdefault(name, []).append(value)
    products.measure()
    print(f"| {len(found.mean)} maps of {config.oip.layer}, {dataset.name} | first, s | further: median, s |")
    print("|---|---|---|")
    for name, times in seconds.items():
        further = f"{statistics.median(times[1:]):.1f}" if len(times) > 1 else "-"
        print(f"| {name} | {times[0]:.1f} | {further} |")
    print(f"\nThe page has {len(page.encode()) / 1e6:.1f} MB.")
    with tempfile.TemporaryDirectory() as scratch:
        file = arguments.keep or Path(scratch, "atlas.html")
        file.write_text(page, encoding="utf-8")
        print(_first_view(file, arguments.repeats))
    print(f"TensorFlow's float32 matrix product meanwhile: {products.flops / 1e9:.0f} GFLOP/s (median)")


def _first_view(file: Path, repeats: int) -> str:
    """How soon the page can be used in Chromium, from a file."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        return "No Chromium to open it in."
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        times = []
        for _ in range(max(repeats, 3)):
            browser.get("about:blank")
            browser.get(file.resolve().as_uri())
            times.append(browser.execute_script(WHEN))
    finally:
        browser.quit()
    usable, whole = ([row[column] / 1000 for row in times] for column in (1, 2))
    requests = max(row[3] for row in times)
    return (
        f"In Chromium it can be used after {statistics.median(usable):.2f} s ({min(usable):.2f} to {max(usable):.2f}), "
        f"is there as a whole after {statistics.median(whole):.2f} s, and asks for {requests} other files."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.atlas", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, metavar="FILE.keras", help="a trained CNN; without it one is trained")
    parser.add_argument("--data-path", metavar="FILE.npz", help="MNIST; without it the embedded digits")
    parser.add_argument(
        "--repeats", type=int, default=3, metavar="N", help="rounds, the first with all compilation (3)"
    )
    parser.add_argument("--keep", type=Path, metavar="FILE.html", help="where to leave the page")
    arguments = parser.parse_args()
    if arguments.model and not arguments.model.is_file():
        parser.error(f"--model: no such file: {arguments.model}")
    return arguments


if __name__ == "__main__":
    main()
