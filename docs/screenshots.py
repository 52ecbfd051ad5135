"""The pictures of docs/tour.md and docs/tutorial.md: gives the commands that these print, and looks at the results.

python -m docs.screenshots                          # with the embedded digits
python -m docs.screenshots --data-path mnist.npz    # with real MNIST, as in docs/images

A headless Chromium opens MLflow's page and the atlas. All is made in a temporary folder, or in that of --folder, where
a command that was given is not given again. Names of pictures as arguments: only these.
"""

import argparse
import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from tests.browser import browser, until
from tests.page import PICTURES, ROOT, opened, page_of, run_page

IMAGES = ROOT / "docs" / "images"
MOST_BYTES, QUALITIES = 300_000, (85, 75, 65, 50)
# of the window, in pixels: so high that MLflow's page, which draws only what is in view, draws everything
WIDTH, HEIGHT = 1400, 3000
# of MLflow's page, so that three runs stand side by side; the pictures are made as wide as the others
CHARTS_WIDTH, SHEETS_WIDTH = 1600, 1960
PHONE = (390, 844)
PADDING, ABOVE = 6, 20
# the map of the articles, and one whose picture and evidence agree
MAP, AGREEING = 56, 97

# The commands of both texts, in their order, without what all have in common: the data set.
EVERYTHING: tuple[str, ...] = ()
BY_NOISE = ("-m", "stages=[oip]", "noise=long,short,pixels")
BY_NOISE_AND_SEED = ("-m", "stages=[oip]", "noise=long,short,pixels", "noise.seed=1,2")
BY_MAP = ("-m", "stages=[dream]", "dream.map_indices=[3],[20],[56]")
OCTAVES = ("stages=[dream]", "dream=octaves")
BY_LEVELS = ("stages=[dream_sheet]", "dream.compare.by=levels")
BY_STRENGTHS = ("stages=[dream_sheet]", "dream.compare.by=strengths")
OF_CLASSES = ("stages=[oip]", "oip.layer=Output", "oip.map_indices=[4,9]")
APART = ("-m", "stages=[oip]", "oip.layer=Output", "oip.map_indices=[4,9]", "oip.direction=[1,-1],[-1,1]")
COMMANDS = (EVERYTHING, BY_NOISE, BY_NOISE_AND_SEED, BY_MAP, OCTAVES, BY_LEVELS, BY_STRENGTHS, OF_CLASSES, APART)

# MLflow opens an advertisement over a third of the window when it is seen for the first time
CLOSED = """
    localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true');
    localStorage.setItem('mlflow.assistant.panelOpen_v1', 'false');
"""
# The rectangle around the elements `found`.
AROUND = """
    const boxes = found.map(e => e.getBoundingClientRect()).filter(box => box.width && box.height);
    const [left, top] = [Math.min(...boxes.map(b => b.left)), Math.min(...boxes.map(b => b.top))];
    const [right, bottom] = [Math.max(...boxes.map(b => b.right)), Math.max(...boxes.map(b => b.bottom))];
    return [left + scrollX, top + scrollY, right - left, bottom - top];
"""
# The rectangle around the cards with these headlines, once all of them are drawn.
CARDS = (
    """
    const drawn = card => {
        const pictures = [...card.querySelectorAll('img')], charts = [...card.querySelectorAll('.js-plotly-plot')];
        return pictures.every(image => image.complete && image.naturalWidth)
            && charts.every(chart => chart.querySelector('path.js-line, path.point'))
            && (pictures.length || charts.length || card.querySelector('.parcoords canvas, canvas'));
    };
    const cards = [...arguments].map(headline => [...document.querySelectorAll('div')]
        .filter(e => e.innerText.split('\\n')[0].trim() === headline && e.querySelector('img, .js-plotly-plot, canvas'))
        .sort((a, b) => a.innerText.length - b.innerText.length)[0]);
    if (!cards.every(card => card && drawn(card))) return null;
    document.head.insertAdjacentHTML('beforeend', '<style>.modebar-container { display: none }</style>');
    const found = cards;
"""
    + AROUND
)
# The rectangle around the elements of a selector, or the sections of an atlas page with these headlines.
ELEMENTS = "const found = [...document.querySelectorAll(arguments[0])]; if (!found.length) return null;" + AROUND
SECTIONS = (
    """
    const found = [...arguments].map(headline => [...document.querySelectorAll('#page section')]
        .find(section => section.querySelector('h2').innerText.startsWith(headline)));
    if (!found.every(section => section)) return null;
"""
    + AROUND
)
# The pictures of a card are loaded, and none of them is one of those before.
OTHERS = (
    f"const found = (() => {{ {PICTURES} }})();return found && !found.some(address => arguments[2].includes(address));"
)
# Every picture in the window is there, and they are so many at least.
LOADED = """
    const shown = [...document.images].filter(image => {
        const box = image.getBoundingClientRect();
        return box.width && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    });
    return document.readyState === 'complete' && shown.length >= arguments[0]
        && shown.every(image => image.complete && image.naturalWidth > 0);
"""
Box = tuple[float, float, float, float]


class Work:
    """A folder in which the commands are given; commands.json tells which were, and where their results are."""

    def __init__(self, folder: Path, data_path: Path | None) -> None:
        self.folder = folder
        self._record = folder / "commands.json"
        self._results: dict[str, str] = json.loads(self._record.read_text()) if self._record.exists() else {}
        self._common: tuple[str, ...] = ()
        if data_path is not None:
            # a name without folders, as it stands on the pictures
            self._common = ("experiment=mnist", f"data.path={data_path.name}")
            if not (folder / data_path.name).exists():
                (folder / data_path.name).symlink_to(data_path.resolve())

    def do(self, command: Sequence[str]) -> None:
        """Give a command unless it was given here before."""
        if self._key(command) in self._results:
            return
        sweep = command[:1] == ("-m",)
        words = ["-m", *self._common, *command[1:]] if sweep else [*self._common, *command]
        print(" ".join(["python -m pipeline", *words]), flush=True)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-m", "pipeline", *words], cwd=self.folder, env=environment, check=True)
        kind = "multirun" if sweep else "runs"
        newest = max(self.folder.glob(f"outputs/{kind}/*/*"), key=lambda path: (path.parent.name, path.name))
        self._results[self._key(command)] = str(newest.relative_to(self.folder))
        self._record.write_text(json.dumps(self._results, indent=1))

    def result(self, command: Sequence[str]) -> Path:
        """The folder of the run or sweep of a command."""
        return self.folder / self._results[self._key(command)]

    def run_id(self, command: Sequence[str], stage: str) -> str:
        """The id in MLflow of a stage of a run."""
        return json.loads((self.result(command) / "job.json").read_text())["stages"][stage]["run_id"]

    def sweep_id(self, command: Sequence[str]) -> str:
        """What the view of a sweep in MLflow is known by."""
        return json.loads((self.result(command) / "sweep.json").read_text())["id"]

    def atlas(self) -> str:
        """The address of the newest atlas in the folder."""
        return max(
            self.folder.glob("outputs/runs/*/*/atlas/atlas.html"), key=lambda page: page.stat().st_mtime
        ).as_uri()

    @staticmethod
    def _key(command: Sequence[str]) -> str:
        return " ".join(command)


class Camera:
    """A browser that takes pictures of the record's page and of the atlas."""

    def __init__(self, driver: Any, work: Work, addresses: dict[str, str]) -> None:
        self.driver, self.work, self.addresses = driver, work, addresses
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": CLOSED})
        self.resize(WIDTH, HEIGHT)

    def resize(self, width: int, height: int) -> None:
        """Give the page this size, whatever that of the window is."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < WIDTH}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    # MLflow's page
    def charts(self, stage: str, sweep: Sequence[str] | None = None, *, width: int = CHARTS_WIDTH) -> None:
        """Open the comparison of a stage, or of the jobs of a sweep, on a page of this width."""
        self.resize(width, HEIGHT)
        view = f"viewStateShareKey=sweep-{self.work.sweep_id(sweep)}" if sweep else f"viewStateShareKey={stage}-"
        (address,) = (each for each in self.addresses.values() if view in each)
        opened(self.driver, address)

    def cards(self, *headlines: str) -> Box:
        """The rectangle around the cards with these headlines."""
        return tuple(until(self.driver, CARDS, *headlines))

    def slide(self, card: str, step: int, slider: int = 0) -> None:
        """Set the slider of a card that shows pictures."""
        from selenium.webdriver.common.keys import Keys

        before = until(self.driver, PICTURES, card, 1)
        thumb = self.driver.find_elements("css selector", "[role=slider]")[slider]
        at = int(thumb.get_attribute("aria-valuenow"))
        while at < step:
            thumb.send_keys(Keys.ARROW_RIGHT)
            moved = "return Number(arguments[0].getAttribute('aria-valuenow')) > arguments[1]"
            until(self.driver, moved, thumb, at)
            at = int(thumb.get_attribute("aria-valuenow"))
        until(self.driver, OTHERS, card, 1, before)

    # the atlas
    def atlas(self, part: str = "maps", *, width: int = WIDTH, height: int = HEIGHT, dark: bool = False) -> None:
        """Open a part of the atlas, in a window of this size."""
        self.resize(width, height)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        opened(self.driver, f"{self.work.atlas()}#{part}")
        until(self.driver, "return document.querySelector('h1')?.innerText")
        until(self.driver, LOADED, 0)

    def elements(self, selector: str) -> Box:
        """The rectangle around all elements that a selector finds."""
        return tuple(until(self.driver, ELEMENTS, selector))

    def sections(self, *headlines: str) -> Box:
        """The rectangle around sections of a page of the atlas."""
        return tuple(until(self.driver, SECTIONS, *headlines))

    def taken(self, box: Box) -> Image.Image:
        """A picture of a part of the page, with a little around it."""
        left, top = max(box[0] - PADDING, 0), max(box[1] - PADDING, 0)
        right, bottom = box[0] + box[2] + PADDING, box[1] + box[3] + PADDING
        clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        # what is below the window only where it is needed: MLflow's page would draw all its charts anew
        shot = {"format": "png", "clip": {**clip, "scale": 1}, "captureBeyondViewport": bottom > HEIGHT}
        answer = self.driver.execute_cdp_cmd("Page.captureScreenshot", shot)
        return Image.open(io.BytesIO(base64.b64decode(answer["data"]))).convert("RGB")


Shot = Callable[[Camera], Image.Image]


def oip_side_by_side(camera: Camera) -> Image.Image:
    camera.charts("oip", BY_NOISE)
    camera.slide("oip/map", MAP)
    _, top, _, height = camera.cards("oip/map")
    return camera.taken((0, 0, CHARTS_WIDTH - PADDING, top + height))


def oip_contact_sheets(camera: Camera) -> Image.Image:
    camera.charts("oip", BY_NOISE, width=SHEETS_WIDTH)
    return camera.taken(camera.cards("oip/contact_sheet"))


def oip_parallel(camera: Camera) -> Image.Image:
    camera.charts("oip", BY_NOISE_AND_SEED)
    return camera.taken(camera.cards("Parallel Coordinates"))


def oip_curves(camera: Camera) -> Image.Image:
    camera.charts("oip", BY_NOISE)
    return camera.taken(camera.cards("activation", "objective_mean"))


def sweep(camera: Camera) -> Image.Image:
    camera.charts("sweeps", width=SHEETS_WIDTH)
    return camera.taken(camera.cards("sweep/activation", "sweep/oips"))


def training(camera: Camera) -> Image.Image:
    camera.charts("train")
    return camera.taken(camera.cards("loss vs test_loss", "accuracy vs test_accuracy", "learning_rate"))


def dreams_side_by_side(camera: Camera) -> Image.Image:
    camera.charts("dream", BY_MAP, width=SHEETS_WIDTH)
    return camera.taken(camera.cards("dream/picture", "dream/growing"))


def table(camera: Camera) -> Image.Image:
    camera.charts("oip", BY_NOISE)
    camera.resize(WIDTH, 900)
    # the third symbol beside the search
    symbol = "input[name=runs-view-mode][value=ARTIFACT]"
    until(camera.driver, PICTURES, "oip/map", 3)
    camera.driver.execute_script("document.querySelector(arguments[0]).click()", symbol)
    until(camera.driver, LOADED, 9)
    return camera.taken((0, 0, WIDTH - PADDING, 900 - PADDING))


def note(camera: Camera) -> Image.Image:
    address = next(address for address in camera.addresses.values() if "viewStateShareKey=oip-" in address)
    camera.resize(CHARTS_WIDTH, HEIGHT)
    page = run_page(address, camera.work.run_id(EVERYTHING, "oip"))
    opened(camera.driver, f"{page}?workflowType=machine_learning")
    more = "return [...document.querySelectorAll('button')].find(each => each.innerText.trim() === 'Show more')"
    until(camera.driver, more).click()
    sheet = "i => i.src.includes('contact_sheet.png') && i.naturalWidth > 400"
    until(camera.driver, f"return [...document.querySelectorAll('img')].find({sheet})")
    bottom = until(camera.driver, """
        const last = [...document.querySelectorAll('p')].filter(each => each.innerText.startsWith('Stands on')).pop();
        return last && last.getBoundingClientRect().bottom;
    """)  # fmt: skip
    return camera.taken((0, 0, CHARTS_WIDTH - PADDING, bottom))


def atlas_overview(camera: Camera) -> Image.Image:
    camera.atlas()
    return camera.taken((0, 0, WIDTH, 1150))


def top_of_map(index: int) -> Shot:
    """The page of a map in the atlas, down to the real images."""

    def shot(camera: Camera) -> Image.Image:
        camera.atlas(f"map-{index}")
        below = camera.sections("Class by class")
        return camera.taken((0, 0, WIDTH, below[1] - ABOVE))

    return shot


def atlas_class(camera: Camera) -> Image.Image:
    camera.atlas("class-4")
    return camera.taken((0, 0, WIDTH, 1500))


def atlas_compare(camera: Camera) -> Image.Image:
    camera.atlas("compare-4-9")
    return camera.taken(camera.elements("#page article"))


def atlas_layer(camera: Camera) -> Image.Image:
    camera.atlas("layer-Conv2D_1")
    return camera.taken((0, 0, WIDTH, 900))


def atlas_dark(camera: Camera) -> Image.Image:
    camera.atlas("maps?sort=relative&warned=any", dark=True)
    return camera.taken((0, 0, WIDTH, 1000))


def atlas_phone(camera: Camera) -> Image.Image:
    shots = []
    for part, dark in (("maps", False), (f"map-{MAP}", False), ("compare-4-9", True)):
        camera.atlas(part, width=PHONE[0], height=PHONE[1], dark=dark)
        shots.append(camera.taken((0, 0, PHONE[0] - PADDING, PHONE[1] - PADDING)))
    sheet = Image.new("RGB", (sum(shot.width + 20 for shot in shots) - 20, shots[0].height), "white")
    for number, shot in enumerate(shots):
        sheet.paste(shot, (number * (shot.width + 20), 0))
    return sheet


def of_map(*headlines: str) -> Shot:
    """Sections of the page of the map in the atlas."""

    def shot(camera: Camera) -> Image.Image:
        camera.atlas(f"map-{MAP}")
        return camera.taken(camera.sections(*headlines))

    return shot


def file(command: Sequence[str], name: str) -> Shot:
    """A picture among the results of a command."""
    return lambda camera: Image.open(camera.work.result(command) / name).convert("RGB")


def classes_apart(camera: Camera) -> Image.Image:
    """The OIPs of 4, of 9, and of each against the other."""
    of_classes, apart = camera.work.result(OF_CLASSES), camera.work.result(APART)
    sheets = [of_classes / "oip", apart / "0" / "oip", apart / "1" / "oip"]
    shots = [Image.open(folder / "contact_sheet.png").convert("RGB") for folder in sheets]
    sheet = Image.new("RGB", (sum(shot.width for shot in shots), max(shot.height for shot in shots)), "white")
    left = 0
    for shot in shots:
        sheet.paste(shot, (left, 0))
        left += shot.width
    return sheet


TOUR: dict[str, Shot] = {
    "tour_oip_side_by_side": oip_side_by_side,
    "tour_oip_contact_sheets": oip_contact_sheets,
    "tour_oip_parallel": oip_parallel,
    "tour_oip_curves": oip_curves,
    "tour_sweep": sweep,
    "tour_training": training,
    "tour_dreams": dreams_side_by_side,
    "tour_table": table,
    "tour_note": note,
    "tour_atlas_overview": atlas_overview,
    "tour_atlas_map": top_of_map(MAP),
    "tour_atlas_class": atlas_class,
    "tour_atlas_compare": atlas_compare,
    "tour_atlas_layer": atlas_layer,
    "tour_atlas_dark": atlas_dark,
    "tour_atlas_phone": atlas_phone,
}
TUTORIAL: dict[str, Shot] = {
    "tutorial_classes": of_map("Class by class"),
    "tutorial_starts": of_map("From other noise"),
    "tutorial_path": of_map("Does the OIP take"),
    "tutorial_agreeing": top_of_map(AGREEING),
    "tutorial_noise": file(BY_NOISE_AND_SEED, "summary/oips.png"),
    "tutorial_apart": classes_apart,
    "tutorial_levels": file(BY_LEVELS, "dream_sheet/contact_sheet.png"),
    "tutorial_octaves": file(OCTAVES, "dream/before_after.png"),
    "tutorial_strengths": file(BY_STRENGTHS, "dream_sheet/contact_sheet.png"),
}
SHOTS = TOUR | TUTORIAL


def main(arguments: Sequence[str] | None = None) -> None:
    """Take all pictures, or some, into docs/images."""
    parser = argparse.ArgumentParser("python -m docs.screenshots", description="the pictures of the tour and tutorial")
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as tour_table; default: all of them")
    parser.add_argument("--data-path", type=Path, metavar="FILE", help="mnist.npz; default: the embedded digits")
    parser.add_argument("--folder", type=Path, help="for the results; default: a temporary one")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(SHOTS):
        parser.error(f"no such picture: {', '.join(sorted(unknown))}; there are {', '.join(SHOTS)}")
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(TemporaryDirectory(prefix="mnist-dream-")))
        folder.mkdir(parents=True, exist_ok=True)
        work = Work(folder.resolve(), options.data_path)
        for command in COMMANDS:
            work.do(command)
        addresses = stack.enter_context(page_of(work.folder))
        for name in options.names or SHOTS:
            # a window for each, so that none has what another one left behind
            with browser(width=WIDTH, height=HEIGHT) as driver:
                _save(name, SHOTS[name](Camera(driver, work, addresses)))


def _save(name: str, picture: Image.Image) -> None:
    """Save a picture as WebP, no wider than the window and no larger than allowed."""
    picture.thumbnail((WIDTH, picture.height))
    for quality in QUALITIES:
        packed = io.BytesIO()
        picture.save(packed, "WEBP", quality=quality, method=6)
        if packed.tell() <= MOST_BYTES:
            break
    else:
        raise ValueError(f"{name} is larger than {MOST_BYTES} bytes")
    target = IMAGES / f"{name}.webp"
    target.write_bytes(packed.getvalue())
    print(f"{target.relative_to(ROOT)}: {picture.width} x {picture.height}, {packed.tell() / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
