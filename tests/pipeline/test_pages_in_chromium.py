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


def long_list():
    """What an archive's list says of 2,000 recordings, one of which could not be scored."""
    for row in range(2000):
        warning = "Look at this." if row % 5 == 4 else ""
        yield ListedRecording(
            f"a/{row:04d}", f"pages/{row}.html" if row < 3 else None, 0.2, 12, 11, row % 9, 1, 0, warning, 0, False
        )
    yield ListedRecording("broken", None, remark="no beats", failed=True)


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
        "list": index_page(long_list()),
    }


@pytest.mark.skipif(AXE is None, reason="axe-core is not installed")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["report", "recording", "summary", "list"])
def test_nothing_keeps_people_from_reading_it(browser, pages, name, dark):
    browser.open(pages[name], width=1400)
    browser.see(dark=dark)
    assert browser.findings() == []


@pytest.mark.parametrize("name", ["report", "recording", "summary", "list"])
def test_links_in_text_are_underlined_and_headers_have_words(browser, pages, name):
    browser.open(pages[name], width=1400)
    browser.see()
    lines = browser.run(
        "[...document.querySelectorAll('a:not(nav a)')].map((link) => getComputedStyle(link).textDecorationLine)"
    )
    assert set(lines) <= {"underline"}
    assert lines or name == "report"
    assert browser.run("[...document.querySelectorAll('th')].every((head) => head.textContent.trim())")


@pytest.mark.parametrize("name", ["report", "recording", "summary", "list"])
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


def test_a_long_list_is_sorted_searched_and_turned_over(browser, pages):
    browser.open(pages["list"], width=1400)
    first = "document.querySelector('tbody tr').innerText.split('\\t')"
    press = "document.querySelectorAll('{}')[{}].click()".format
    assert browser.text("#range") == "1 to 100 of 2,001"
    assert browser.run(first)[0] == "a/0000"
    browser.run(press("[data-turn]", 3))
    assert browser.text("#range") == "2,001 to 2,001 of 2,001"
    assert browser.run(first)[0] == "broken"
    browser.run(press("th button", 4))  # most flagged first, from the first page on
    assert browser.text("#range") == "1 to 100 of 2,001"
    assert browser.run(first)[4] == "8"
    browser.run("document.getElementById('words').value = 'LOOK'")
    browser.run("document.getElementById('words').dispatchEvent(new Event('input'))")
    browser.run("new Promise((done) => setTimeout(done, 300))")
    assert browser.text("#range") == "1 to 100 of 400"
    assert browser.run("document.querySelectorAll('tbody tr').length") == 100
    assert browser.requests[1:] == []
    assert browser.complaints == []
