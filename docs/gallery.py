"""Take the pictures of the page `gallery.md`: `python docs/gallery.py`, after `dvc pull` or `dvc repro`.

They show the report of the demonstration, and recordings of two of its simulated patients, ten minutes each, scored by
the published model. A headless Chromium takes them; another version of it, or other fonts, make other pictures of the
same pages.
"""

import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ecgan.ecg.records import write_record
from ecgan.ecg.simulated_patients import simulate

ROOT = Path(__file__).parent.parent
FOLDER = Path(__file__).parent / "_static" / "gallery"
REPORT = ROOT / "reports" / "report" / "index.html"
PATIENTS = (6, 2)
"""Numbers of the simulated patients, from 0; the first has ventricular, supraventricular and fusion beats."""
COLOURS = 200
"""ECG paper needs few, and so do small files."""


@dataclass(frozen=True)
class Picture:
    """A part of a page.

    Attributes:
        page: "report", "recording" or "summary".
        top: Selector of the element at whose upper edge it begins.
        height: Pixels.
        script: What is done on the page before.
        dark: Whether the reader likes it dark.
        width: Pixels.
    """

    page: str
    top: str
    height: int
    script: str = "0"
    dark: bool = False
    width: int = 1180


PICTURES = {
    "report": Picture("report", "body", 960, width=1400),
    "curves": Picture("report", "#results .pair", 770),
    "examples": Picture("report", "#beats", 690),
    "families": Picture("recording", "#by-family", 860, "decide(1, 'accepted'); decide(3, 'rejected')"),
    "recording": Picture("recording", "#recording", 860, "step(1); step(1); step(1)"),
    "beats": Picture("recording", "#flagged", 700),
    "dark": Picture("recording", "body", 960, dark=True),
    "summary": Picture("summary", "body", 440),
}


def shoot(browser, pages: dict[str, Path], pictures: dict[str, Picture]) -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of each picture.

    Args:
        browser: A `tests.chromium.Chromium`.
        pages: The page of each kind.
        pictures: What to take of them.
    """
    for name, picture in pictures.items():
        browser.open(pages[picture.page], width=picture.width, height=picture.height)
        browser.see(dark=picture.dark)
        browser.run("document.documentElement.style.scrollbarWidth = 'none'; 0")
        browser.run(f"{picture.script}; 0")
        browser.run(f"scrollBy(0, document.querySelector({picture.top!r}).getBoundingClientRect().top - 8)")
        browser.settle()
        browser.settle()
        yield name, small(browser.png())


def small(png: bytes) -> bytes:
    """The same picture in few colours."""
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()


def main() -> None:
    """Score the recordings, take the pictures and write them into `docs/_static/gallery`."""
    sys.path.insert(0, str(ROOT))
    from tests.chromium import Chromium

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        records = [simulate(patient, 0, minutes=10, noise=1.0, variability=1.0) for patient in PATIENTS]
        for record in records:
            write_record(folder, record)
        headers = [str(folder / f"{record.name}.hea") for record in records]
        command = [sys.executable, "-m", "ecgan", "score", *headers, "--annotator", "atr", "--out"]
        subprocess.run([*command, str(folder / "scores")], check=True, cwd=ROOT)
        pages = {
            "report": REPORT,
            "recording": folder / "scores" / f"{records[0].name}.html",
            "summary": folder / "scores" / "summary.html",
        }
        browser = Chromium(folder)
        FOLDER.mkdir(parents=True, exist_ok=True)
        for picture, png in shoot(browser, pages, PICTURES):
            (FOLDER / f"{picture}.png").write_bytes(png)
        browser.close()


if __name__ == "__main__":
    main()
