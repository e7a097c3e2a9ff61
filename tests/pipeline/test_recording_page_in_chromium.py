"""The page of a scored recording in a browser: what its script makes of it. Needs Chromium (Debian: chromium)."""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape

import matplotlib.image
import numpy as np
import pytest

from ecgan.reporting import packing
from ecgan.reporting.recording_page import clock, recording_page
from tests.scored import scored_recording

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium here")]
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--force-device-scale-factor=1",
    "--virtual-time-budget=4000", "--enable-logging=stderr",
)  # fmt: skip
PAPER = (0xFF, 0xF9, 0xF7)


class Browser:
    def __init__(self, folder):
        self.folder = folder

    def run(self, page, hash_, *arguments, width=1200):
        file = self.folder / "page.html"
        file.write_text(page, encoding="utf-8")
        command = [BROWSER, *QUIET, f"--user-data-dir={self.folder / 'profile'}", f"--window-size={width},1000"]
        done = subprocess.run(
            [*command, *arguments, f"{file.as_uri()}{hash_}"], capture_output=True, text=True, timeout=120, check=True,
            env={**os.environ, "HOME": str(self.folder)},
        )  # fmt: skip
        assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]  # errors, refused by the policy
        return done.stdout

    def dom(self, page, hash_="", **options):
        return self.run(page, hash_, "--dump-dom", **options)

    def picture(self, page, hash_="", **options):
        file = self.folder / "picture.png"
        self.run(page, hash_, f"--screenshot={file}", **options)
        return np.rint(255 * matplotlib.image.imread(file)[..., :3]).astype(int)


@pytest.fixture
def browser(tmp_path):
    return Browser(tmp_path)


def content(dom, name):
    """Text of the element with this id."""
    inner = re.search(rf'<([a-z]+)[^>]*\bid="{name}"[^>]*>(.*?)</\1>', dom, re.DOTALL)[2]
    return unescape(re.sub(r"<[^>]*>", "", inner))


def cards(dom):
    """Numbers of the beats on the cards, in their order."""
    return [int(number) for number in re.findall(r'<li class="card[^>]*>.*?href="#beat-(\d+)"', dom, re.DOTALL)]


def share(picture, colour, off=8):
    """Share of the pixels that have this colour, more or less."""
    return (np.abs(picture - colour).max(axis=-1) <= off).mean()


def on_paper(picture):
    """What is drawn on the paper of the main view, right of the names of the leads; paper can be seen in each row."""
    paper = np.abs(picture - PAPER).max(axis=-1) <= 2
    rows, columns = np.flatnonzero(paper.sum(axis=1) > 100), np.flatnonzero(paper.any(axis=0))
    return picture[rows[0] - 3 : rows[-1], columns[0] + 150 : columns[-1]]


def test_it_opens_at_the_start_in_true_proportions_with_a_card_a_flagged_beat(browser):
    scored = scored_recording(seconds=60)
    dom = browser.dom(recording_page(scored))
    start, rest = content(dom, "view-text").split(" – ")
    assert start == "0:00:00.0"
    assert rest.endswith(" of 0:01:00 · 25 mm/s · 10 mm/mV · 100 %")
    seconds = float(rest.split(" ")[0].split(":")[2])
    width = int(re.search(r'<canvas id="view"[^>]*\bwidth="(\d+)"', dom)[1])
    assert seconds == pytest.approx((width - 46) / (25 * 96 / 25.4), abs=0.06)  # 25 mm/s beside the names of the leads
    flagged = scored.beats[scored.beats["flagged"]].sort_values("score", ascending=False)
    assert cards(dom) == list(flagged["number"])
    assert content(dom, "card-count") == f"{len(flagged)} shown"
    assert content(dom, "beat-text") == "No beat chosen."
    assert "100 % of the squared error in the QRS, 100 % in MLII" in content(dom, "cards")
    assert f"reconstruction {flagged['score'].iloc[0] / 2:.4g}" in content(dom, "cards")
    assert 'id="data-signal"' not in dom  # read and given back to the memory


def test_a_link_leads_to_a_beat(browser):
    scored = scored_recording(seconds=60, symbol="V")
    beat = scored.beats[scored.beats["flagged"]].iloc[2]
    dom = browser.dom(recording_page(scored), f"#beat-{beat['number']}")
    lines = content(dom, "beat-text").splitlines()
    assert lines[0] == f"Beat {beat['number']} of {len(scored.beats)} · {clock(beat['time_s'])} · annotated V"
    assert lines[1] == f"score {beat['score']:.4g} ≥ {scored.threshold:.4g} · flagged"
    start, end = (float(text.split(":")[2]) for text in content(dom, "view-text").split(" of ")[0].split(" – "))
    assert beat["time_s"] == pytest.approx((start + end) / 2, abs=0.1) or end == 60 or start == 0
    figure = re.search(r'<div id="chosen-figure">(.*?)</div>', dom, re.DOTALL)[1]
    assert figure.count("<path") == 2 + 2 * (2 + 2 + 1)  # grids; areas, lines and pulse of each lead
    assert 'class="card current"' in dom


def test_a_beat_without_score_says_why(browser):
    dom = browser.dom(recording_page(scored_recording(gap=(9, 10))), "#beat-13")
    assert "not scored: samples are missing" in content(dom, "beat-text")


def test_farther_out_only_time_is_squeezed(browser):
    dom = browser.dom(recording_page(scored_recording(seconds=600)), "#t=0,9999")
    assert re.fullmatch(
        r"0:00:00 – 0:10:00 of 0:10:00 · time squeezed to \d\.\d+ mm/s · 10 mm/mV", content(dom, "view-text")
    )


def test_paper_flags_and_gaps_are_drawn(browser):
    page = recording_page(scored_recording(seconds=12, leads=1, gap=(2, 8), flagged=1.0))
    there, gone = (on_paper(browser.picture(page, f"#t={start},2")) for start in (8.6, 3.5))
    ink, flag = (0x11, 0x11, 0x11), (0xD5, 0x5E, 0x00)
    assert share(there, ink, 60) > 0.003
    assert share(gone, ink, 60) == 0
    assert share(there, flag) > 0.002
    assert share(gone, flag) == 0


def test_a_long_recording_shows_what_it_has(browser, monkeypatch):
    for name, value in (("FULL", 10_000), ("ENVELOPE", 1_000), ("PIECES", 6_000)):
        monkeypatch.setattr(packing, name, value)
    scored = scored_recording(seconds=120)
    page = recording_page(scored)
    best = scored.beats.loc[scored.beats["score"].idxmax()]
    far = browser.picture(page, "#t=0,120")
    assert share(far, (0x11, 0x11, 0x11), 40) > 0.005
    near = browser.picture(page, f"#beat-{best['number']}")
    grey = (0x9A, 0xA3, 0xB0)
    assert share(near, grey) > 0.003  # minima and maxima around the piece with every sample
    assert share(near[:, 500:700], grey) < share(near[:, 60:200], grey)


@pytest.mark.parametrize(
    "changes",
    [{"flagged": 0}, {"beats": False}, {"leads": 12}, {"leads": 1}, {"reconstruct": False}, {"unit": ""},
     {"seconds": 0.4, "flagged": 0}, {"flagged": 1.0}],
    ids=str,
)  # fmt: skip
def test_whatever_was_scored_it_starts(browser, changes):
    scored = scored_recording(**changes)
    flagged = scored.beats[scored.beats["flagged"]]
    some = f"#beat-{flagged['number'].iloc[0]}" if len(flagged) else ""
    dom = browser.dom(recording_page(scored), some, width=420)
    assert " of 0:00:" in content(dom, "view-text")
    assert len(cards(dom)) == len(scored.explained) == len(flagged)
    if some:
        assert " · flagged" in content(dom, "beat-text")
        assert not re.search(r"NaN|Infinity|undefined", dom[: dom.index('<script type="application/json"')])


def test_text_of_the_users_stays_text(browser):
    evil = "</script><img src=x onerror=\"document.title='caught'\">"
    scored = scored_recording(name=evil, lead_names=[evil, "V1"], reason=evil, symbol=evil)
    scored = replace(scored, beats=scored.beats.rename(columns={"component_reconstruction": f"component_{evil}"}))
    dom = browser.dom(recording_page(scored), "#beat-3")
    assert "<img" not in dom
    assert "<title>caught" not in dom
    assert evil in content(dom, "beat-text")
