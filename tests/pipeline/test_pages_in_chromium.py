"""Report, recording and summary for every reader: read aloud, dark, without colours, printed. Needs Chromium."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from ecgan.reporting.build import build
from ecgan.reporting.index_page import ListedRecording, index_page
from ecgan.reporting.recording_page import recording_page
from tests.chromium import AXE, PROGRAM, Chromium
from tests.scored import scored_recording

pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")]
PAPER = (0xFF, 0xF9, 0xF7)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def pages():
    file = Path(__file__).parent.parent / "unit" / "test_reporting_report.py"
    spec = importlib.util.spec_from_file_location("report_inputs", file)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    facts = {"flagged_by_class": {"N": {"scored": 30, "flagged": 12}}, "warnings": ["Look at this."]}
    listed = [ListedRecording("one", "one.html", 0.5, 38, 36, 12), ListedRecording("two", None, remark="no beats")]
    return {
        "report": build(made.inputs())["index.html"],
        "recording": recording_page(scored_recording(flagged=0.4, families=3, facts=facts)),
        "summary": index_page(listed),
    }


@pytest.mark.skipif(AXE is None, reason="axe-core is not installed")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["report", "recording", "summary"])
def test_nothing_keeps_people_from_reading_it(browser, pages, name, dark):
    browser.open(pages[name], width=1400)
    browser.see(dark=dark)
    assert browser.findings() == []


@pytest.mark.parametrize("name", ["report", "recording", "summary"])
def test_links_in_text_are_underlined_and_headers_have_words(browser, pages, name):
    browser.open(pages[name], width=1400)
    browser.see()
    lines = browser.run(
        "[...document.querySelectorAll('a:not(nav a)')].map((link) => getComputedStyle(link).textDecorationLine)"
    )
    assert set(lines) <= {"underline"}
    assert lines or name == "report"
    assert browser.run("[...document.querySelectorAll('th')].every((head) => head.textContent.trim())")


@pytest.mark.parametrize("name", ["report", "recording", "summary"])
def test_every_table_fits_at_1400_pixels_and_every_page_at_390(browser, pages, name):
    browser.open(pages[name], width=1400)
    assert browser.run(
        "[...document.querySelectorAll('.scroll')].every((part) => part.scrollWidth <= part.clientWidth)"
    )
    browser.open(pages[name], width=390)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")


def test_dark_pages_keep_ecg_paper_light(browser, pages):
    browser.open(pages["recording"], width=1200, height=1200)
    browser.see(dark=True)
    browser.place("#frame")
    browser.settle()
    picture = browser.picture()
    assert picture[:, 2].max() < 60  # the margin of the page
    assert (np.abs(picture - PAPER).max(axis=-1) <= 2).mean() > 0.02
    browser.place(".family svg.sheet")
    browser.settle()
    assert (np.abs(browser.picture() - PAPER).max(axis=-1) <= 2).mean() > 0.02
    assert browser.run("getComputedStyle(document.querySelector('.legend')).backgroundColor") == "rgb(255, 255, 255)"
    browser.see()


def test_curves_differ_without_colour(browser, pages):
    """Lines of the ROC diagram: no two have the same dashes and marker."""
    browser.open(pages["report"], width=1400)
    looks = browser.run(
        """[...document.querySelector("#results svg").querySelectorAll("path")].map((path) => path.style)
          .filter((style) => style.fill === "none" && parseFloat(style.strokeWidth) === 1.8)
          .map((style) => style.strokeDasharray)"""
    )
    assert len(looks) == 3
    assert len(set(looks)) == 3


def test_hundreds_of_flagged_beats_are_a_few_screens(browser):
    browser.open(recording_page(scored_recording(seconds=600, flagged=1.0)), width=1400)
    height, nodes = browser.run("[document.documentElement.scrollHeight, document.querySelectorAll('*').length]")
    assert height < 5000
    assert nodes < 1000
