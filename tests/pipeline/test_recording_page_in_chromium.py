"""The page of a scored recording in a browser: what it shows, and what keys and mouse do. Needs Chromium."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgan.reporting import packing
from ecgan.reporting.recording_page import clock, recording_page
from ecgan.scoring.decisions import read_decisions
from tests.chromium import PROGRAM, Chromium
from tests.scored import scored_recording

pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")]
PAPER, INK, FLAG, GREY = (0xFF, 0xF9, 0xF7), (0x11, 0x11, 0x11), (0xD5, 0x5E, 0x00), (0x9A, 0xA3, 0xB0)
PIXELS_A_SECOND = 25 * 96 / 25.4
"""25 mm/s, 96 pixels an inch."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture(autouse=True)
def quiet(browser):
    """Nothing is fetched but the page, and the console stays empty: no error, nothing that the policy refused."""
    yield
    assert browser.complaints == []
    assert len(browser.requests) == 1


def shown(browser):
    """Start and end of what is shown, s, and the scale in words."""
    times, _, scale = browser.text("#view-text").partition(" of ")
    start, end = (sum(float(part) * 60**i for i, part in enumerate(reversed(t.split(":")))) for t in times.split(" – "))
    return start, end, scale.partition(" · ")[2]


def chosen(browser):
    return browser.text("#beat-text").splitlines()


def cards(browser):
    """Numbers of the beats on the cards, in their order."""
    links = browser.run("[...document.querySelectorAll('#cards h3 a')].map((link) => link.textContent)")
    return [int(text.split()[-1]) for text in links]


def every_card(browser):
    """Numbers of the beats on all pages of cards."""
    found = cards(browser)
    while not browser.run("document.querySelector('[data-page=onward]').disabled"):
        browser.run("document.querySelector('[data-page=onward]').click()")
        found += cards(browser)
    return found


def share(picture, colour, off=8):
    """Share of the pixels that have this colour, more or less."""
    return (np.abs(picture - colour).max(axis=-1) <= off).mean()


def on_paper(browser):
    """What is drawn right of the names of the leads, a little above the paper included."""
    browser.place("#view")
    picture = browser.picture()
    paper = np.abs(picture - PAPER).max(axis=-1) <= 2
    rows, columns = np.flatnonzero(paper.sum(axis=1) > 100), np.flatnonzero(paper.any(axis=0))
    return picture[rows[0] - 3 : rows[-1], columns[0] + 150 : columns[-1]]


def test_it_opens_at_the_start_in_true_proportions_with_a_card_a_flagged_beat(browser):
    scored = scored_recording(seconds=60)
    browser.open(recording_page(scored))
    start, end, scale = shown(browser)
    assert (start, scale) == (0, "25 mm/s · 10 mm/mV · 100 %")
    room = browser.run("document.querySelector('#view').width") - 46  # beside the names of the leads
    assert end == pytest.approx(room / PIXELS_A_SECOND, abs=0.06)
    flagged = scored.beats[scored.beats["flagged"]].sort_values("score", ascending=False)
    assert cards(browser) == list(flagged["number"])[:12]
    assert browser.text("#card-count") == f"1–12 of {len(flagged)} flagged beats."
    assert every_card(browser) == list(flagged["number"])
    assert browser.text("#card-count") == f"13–{len(flagged)} of {len(flagged)} flagged beats."
    browser.run("document.querySelector('[data-page=first]').click()")
    assert chosen(browser) == ["No beat chosen."]
    card = browser.text(".card")
    assert "100 % of the squared error in the QRS, 100 % in MLII" in card
    assert f"reconstruction {flagged['score'].iloc[0] / 2:.4g}" in card
    assert browser.run("document.querySelectorAll('script[type=\"application/octet-stream\"]').length") == 0


def test_a_card_is_true_to_scale_and_shows_where_the_reconstruction_misses(browser):
    browser.open(recording_page(scored_recording()))
    browser.place(".card svg")
    browser.settle()
    colours = browser.run(
        "[...document.querySelectorAll('.card:first-child path')].map((path) => path.getAttribute('d'))"
    )
    heavy = colours[1]
    assert heavy.startswith("M0 0V")
    assert "M5 0V" in heavy
    area = colours[2]  # between signal and reconstruction in the first lead: 0.3 mV apart from 20 ms before R to after
    numbers = [float(n) for n in area.replace("M", " ").replace("L", " ").replace("Z", " ").split()]
    across, down = np.array(numbers[::2]), np.array(numbers[1::2])
    steps = len(across) // 2
    apart = down[steps:][::-1] - down[:steps]
    assert apart.max() == pytest.approx(3, abs=0.02)  # 0.3 mV × 10 mm/mV
    assert np.ptp(across[:steps][apart > 2.9]) == pytest.approx(10 / 250 * 25, abs=0.02)  # 40 ms × 25 mm/s
    assert np.diff(across[:steps]) == pytest.approx(25 / 250, abs=0.011)


def test_cards_are_drawn_when_they_come_into_sight(browser):
    browser.open(recording_page(scored_recording(seconds=300, flagged=1.0)), height=700)
    drawn = "[...document.querySelectorAll('.card svg')].filter((svg) => svg.childElementCount).length"
    before = browser.run(drawn)
    assert before < len(cards(browser)) / 4
    browser.place(".card:last-child")
    browser.settle()
    assert before < browser.run(drawn) < len(cards(browser))
    assert browser.run("document.querySelector('.card:last-child svg').childElementCount") > 0


def test_a_link_leads_to_a_beat(browser):
    scored = scored_recording(seconds=60, symbol="V")
    beat = scored.beats[scored.beats["flagged"] & (scored.beats["time_s"] > 10)].iloc[0]
    browser.open(recording_page(scored), f"#beat-{beat['number']}")
    assert chosen(browser)[:2] == [
        f"Beat {beat['number']} of {len(scored.beats)} · {clock(beat['time_s'])} · annotated V",
        f"score {beat['score']:.4g} ≥ {scored.threshold:.4g} · flagged",
    ]
    start, end, _ = shown(browser)
    assert beat["time_s"] == pytest.approx((start + end) / 2, abs=0.1)
    assert browser.run("document.querySelectorAll('#chosen-figure svg path').length") == 2 * (2 + 2 + 2 + 1)
    assert f"Beat {beat['number']} " in browser.text(".card.current")


def test_a_beat_without_score_says_why(browser):
    browser.open(recording_page(scored_recording(gap=(9, 10))), "#beat-13")
    assert chosen(browser)[1] == "not scored: samples are missing"


def test_keys_go_to_flagged_beats_scroll_and_zoom(browser):
    scored = scored_recording(seconds=120)
    flagged = list(scored.beats["number"][scored.beats["flagged"]])
    browser.open(recording_page(scored))
    for key, place in (("n", 0), ("n", 1), ("n", 2), ("p", 1), ("p", 0), ("p", 0)):
        browser.key(key)
        assert chosen(browser)[0].startswith(f"Beat {flagged[place]} of ")
    browser.run("document.querySelector('#view').focus()")
    browser.key("Home")
    start, end, _ = shown(browser)
    assert start == 0
    browser.key("ArrowRight")
    assert shown(browser)[0] == pytest.approx(end / 10, abs=0.1)
    browser.key("PageDown")
    assert shown(browser)[0] == pytest.approx(end, abs=0.1)
    browser.key("End")
    assert shown(browser)[1] == pytest.approx(120, abs=0.05)
    browser.key("p")
    assert chosen(browser)[0].startswith(f"Beat {flagged[-1]} of ")
    browser.key("+")
    assert shown(browser)[2] == "25 mm/s · 10 mm/mV · 140 %"
    browser.key("w")
    assert shown(browser)[:2] == (0, 120)
    assert shown(browser)[2].startswith("time squeezed to ")
    browser.key("0")
    assert shown(browser)[2] == "25 mm/s · 10 mm/mV · 100 %"


def test_arrows_scroll_without_a_click_where_the_signal_is_in_sight(browser):
    browser.open(recording_page(scored_recording(seconds=120, flagged=0.3, families=3)), height=700)
    browser.key("ArrowRight")
    assert shown(browser)[0] == 0  # the signal is below the window
    browser.key("n")
    assert browser.run("inSight()")
    start = shown(browser)[0]
    browser.key("ArrowRight")
    assert shown(browser)[0] > start
    browser.key("ArrowLeft")
    assert shown(browser)[0] == pytest.approx(start, abs=0.06)
    browser.key("PageDown")  # goes on scrolling the page
    assert shown(browser)[0] == pytest.approx(start, abs=0.06)
    for own in ("#scroll", "#episodes .scroll"):
        browser.run(f"document.querySelector({own!r}).focus(); document.querySelector('#frame').scrollIntoView()")
        browser.run("window.before = view.start; $('scroll').step = 1000")
        browser.key("ArrowRight")
        assert browser.run("view.start === before || document.activeElement.id === 'scroll'")


@pytest.mark.parametrize("link", ["#t=0,12", "#t=0,60"])
@pytest.mark.parametrize("full", [6_000_000, 10_000])
def test_every_point_lies_on_the_paper_or_is_marked_with_its_value(browser, monkeypatch, link, full):
    monkeypatch.setattr(packing, "FULL", full)
    scored = tall_recording()
    signals, rate = scored.record.signals, 250
    browser.open(recording_page(scored), link)
    marks, leads, (start, seconds, per_second, gutter) = browser.run(
        "[view.marks, leads.map(({name, base, squares}) => [name, base, base + squares / 2]),"
        " [view.start, view.seconds, view.perSecond, view.gutter]]"
    )
    seen = slice(round(start * rate), round((start + seconds) * rate))
    slack = 12 / per_second  # a bin, or a pixel
    for number, (name, low, high) in enumerate(leads):
        own = [mark for mark in marks if mark["lead"] == name]
        for side, out in ((1, signals[:, number] > high + 0.01), (-1, signals[:, number] < low - 0.01)):
            times = np.flatnonzero(out[seen]) / rate + start
            ends = [[(mark[end] - gutter) / per_second + start for end in ("from", "to")]
                    for mark in own if mark["side"] == side]  # fmt: skip
            assert all(any(a - slack <= t <= b + slack for a, b in ends) for t in times), (name, side)
        beats = np.concatenate([signals[peak - 20 : peak + 20, number] for peak in scored.beats["sample"][2:-2]])
        assert ((beats >= low) & (beats <= high)).all()  # a beat is never cut off
    assert sorted((mark["lead"], mark["text"]) for mark in marks) == [
        ("MLII", "40.00 mV".replace(".00", "")),
        ("V1", "−12 mV"),
    ]
    browser.place("#view")
    box = browser.run("(() => {const b = $('view').getBoundingClientRect(); return [b.left, b.top]})()")
    mark = next(mark for mark in marks if mark["lead"] == "MLII")
    arrow = browser.picture()[round(box[1]) + 32 : round(box[1]) + 37, round(box[0] + mark["x"]) - 1 :][:, :3]
    assert (arrow.max(axis=-1) < 90).any()


def tall_recording():
    """Beats of 5 mV among those of 1 mV, a spike of 40 mV and one of −12 mV between beats."""
    scored = scored_recording(seconds=60, flagged=0.2)
    signals = scored.record.signals
    for peak in scored.beats["sample"][scored.beats["flagged"]]:
        signals[peak - 10 : peak + 10, 0] *= 5
    between = [int(peak) - 75 for peak in scored.beats["sample"][[5, 9]]]
    signals[between[0] : between[0] + 3, 0] = 40
    signals[between[1] : between[1] + 3, 1] = -12
    return scored


def test_what_leaves_the_paper_of_a_card_or_a_family_is_marked(browser):
    scored = scored_recording(seconds=60, flagged=0.3, families=2)
    scored.explained[0].signal[50:53, 0] = 30
    scored.explained[0].reconstruction[50:53, 0] = -31
    scored.families[0].drawn[0, 20, 1] = 41
    browser.open(recording_page(scored))
    for place in ("#cards .card", "#families .family", "#normal-figure svg"):
        browser.place(place)
        browser.settle()
    texts = "[...document.querySelectorAll('{} .leaves text')].map((text) => text.textContent)"
    card = browser.run(texts.format("#cards .card:first-child"))
    assert sorted(card) == ["30 mV", "error 61 mV", "−31 mV"]
    (family,) = browser.run(texts.format("#families .family:first-child"))
    assert float(family.removesuffix(" mV")) == pytest.approx(40.25, abs=0.01)  # moved onto the mean
    assert browser.run(texts.format("#cards .card:nth-child(n+2)")) == []
    assert browser.run(texts.format("#families .family:nth-child(n+2)")) == []
    inside = browser.run(
        """[...document.querySelectorAll(".card svg.sheet")].every((svg) => {
          const paper = svg.querySelector("rect").getBBox();
          const boxes = [...svg.querySelectorAll("path")].map((path) => path.getBBox());
          return boxes.every((box) => box.y >= -0.01 && box.y + box.height <= paper.height + 0.01);
        })"""
    )
    assert inside


def test_the_mouse_drags_chooses_scrolls_and_zooms(browser):
    scored = scored_recording(seconds=120)
    browser.open(recording_page(scored))
    browser.wheel("#view", 300)
    assert shown(browser)[0] == 0  # nobody clicked into the signal: the page scrolls
    browser.drag("#view", by=-200)
    start, end, _ = shown(browser)
    assert start == pytest.approx(200 / PIXELS_A_SECOND, abs=0.06)
    browser.drag("#view")
    left = 46 / browser.run("document.querySelector('#view').clientWidth")
    time = start + (end - start) * (0.5 - left) / (1 - left)
    nearest = scored.beats.loc[(scored.beats["time_s"] - time).abs().idxmin(), "number"]
    assert chosen(browser)[0].startswith(f"Beat {nearest} of ")
    browser.wheel("#view", 300)
    assert shown(browser)[0] == pytest.approx(start + 300 / PIXELS_A_SECOND, abs=0.06)
    browser.wheel("#view", -120, ctrl=True)
    assert shown(browser)[2] == "25 mm/s · 10 mm/mV · 135 %"
    browser.drag("#overview", across=0.75)
    start, end, _ = shown(browser)
    assert (start + end) / 2 == pytest.approx(90, abs=0.7)
    browser.drag("#overview", across=0.75, by=-400)
    assert (start + end) / 2 - sum(shown(browser)[:2]) / 2 == pytest.approx(
        400 / browser.run("document.querySelector('#overview').clientWidth") * 120, abs=0.7
    )


def test_a_card_leads_to_its_beat_and_cards_are_sorted_by_time(browser):
    scored = scored_recording(seconds=120)
    browser.open(recording_page(scored))
    browser.run(
        "(() => {const order = document.querySelector('#order'); order.value = 'time';"
        " order.dispatchEvent(new Event('change'))})()"
    )
    flagged = list(scored.beats["number"][scored.beats["flagged"]])
    assert every_card(browser) == flagged
    browser.run("document.querySelector('[data-page=first]').click()")
    browser.drag(".card:nth-child(5) h3 a")
    assert chosen(browser)[0].startswith(f"Beat {flagged[4]} of ")
    assert browser.run("document.activeElement.id") == "view"
    assert browser.run("document.querySelector('#view').getBoundingClientRect().top < innerHeight")


FAMILIES = {"seconds": 120, "flagged": 0.3, "families": 3}
TEMPLATE = (0x12, 0x96, 0x7F)


def decisions(browser):
    """Decision shown on each family, in the order of the page, and the sentence that counts them."""
    items = browser.run("[...document.querySelectorAll('.family')].map((item) => ({...item.dataset}))")
    return {int(item["family"]): item["decision"] for item in items}, browser.text("#decided")


def select(browser, id_, value):
    """Choose an option of a list."""
    browser.run(f"(() => {{const e = $({id_!r}); e.value = {value!r}; e.dispatchEvent(new Event('change'))}})()")


def test_a_reader_accepts_and_rejects_families_with_mouse_and_keys(browser):
    scored = scored_recording(**FAMILIES)
    browser.open(recording_page(scored))
    browser.run("localStorage.clear()")
    browser.drag(".family[data-family='2'] [data-decision='accepted']")
    browser.run("document.querySelector(\".family[data-family='3']\").focus()")
    browser.key("r")
    found, words = decisions(browser)
    assert found == {1: "", 2: "accepted", 3: "rejected"}
    assert words == f"1 accepted ({len(scored.families[1].rows)} beats), 1 rejected, 1 open"
    pressed = "document.querySelectorAll('.family [aria-pressed=true]').length"
    assert browser.run(pressed) == 2
    browser.open(recording_page(scored))  # again, as another day
    assert decisions(browser)[0] == found
    browser.drag(".family[data-family='2'] [data-decision='accepted']")  # once more takes it back
    assert decisions(browser)[0] == {1: "", 2: "", 3: "rejected"}
    browser.drag("#forget")
    assert set(decisions(browser)[0].values()) == {""}


def test_what_was_decided_can_be_read_back(browser, tmp_path):
    scored = scored_recording(**FAMILIES, name='my "own", record')
    browser.open(recording_page(scored))
    browser.run("localStorage.clear()")
    for number, decision in ((1, "accepted"), (3, "rejected")):
        browser.drag(f".family[data-family='{number}'] [data-decision='{decision}']")
    (tmp_path / "made.csv").write_text(browser.run("decisionsText()"), encoding="utf-8")
    assert read_decisions(tmp_path / "made.csv", scored) == {1: "accepted", 3: "rejected"}
    tour = (Path(__file__).parents[2] / "docs" / "tour.md").read_text(encoding="utf-8")
    assert f"\n{(tmp_path / 'made.csv').read_text(encoding='utf-8').splitlines()[0]}\n" in tour
    browser.drag("#forget")


def test_a_page_opens_with_the_decisions_that_it_was_made_with(browser):
    scored = scored_recording(**FAMILIES, name="decided")
    families = [replace(family, decision="accepted" if family.number == 2 else "") for family in scored.families]
    browser.open(recording_page(replace(scored, families=families)))
    assert decisions(browser)[0] == {1: "", 2: "accepted", 3: ""}


def test_families_are_drawn_over_the_template_with_their_times(browser):
    scored = scored_recording(**FAMILIES)
    browser.open(recording_page(scored))
    browser.place(".family svg.sheet")
    browser.settle()
    own = ".family:first-child svg.sheet path"
    lines = browser.run(f"[...document.querySelectorAll({own!r})].map((path) => path.getAttribute('d'))")
    beats = max(line.count("M") for line in lines[2:])
    assert beats in (len(scored.families[0].drawn), 40)
    assert browser.run("document.querySelectorAll('.family:first-child .template path').length") == 4  # two leads
    ticks = browser.run("document.querySelectorAll('.family:first-child .times path')[1].getAttribute('d')")
    assert ticks.count("M") == len(scored.families[0].rows)
    assert browser.run("document.querySelectorAll('#normal-figure svg').length") == 2
    select(browser, "family-order", "beats")
    counts = {family.number: len(family.rows) for family in scored.families}
    shown = [counts[number] for number in decisions(browser)[0]]
    assert shown == sorted(shown, reverse=True)


def test_buttons_of_a_family_lead_from_beat_to_beat(browser):
    scored = scored_recording(**FAMILIES)
    rows = scored.families[1].rows
    browser.open(recording_page(scored))
    for place in (0, 1):
        browser.drag(".family[data-family='2'] [aria-label^='Next beat']")
        assert chosen(browser)[0].startswith(f"Beat {rows[place] + 1} of ")
        assert chosen(browser)[2] == "Family 2: comes 20 % early"
    browser.drag(".family[data-family='2'] [aria-label^='Previous beat']")
    assert chosen(browser)[0].startswith(f"Beat {rows[0] + 1} of ")
    select(browser, "family", "2")
    assert {number - 1 for number in every_card(browser)} == set(rows.tolist())


def test_the_template_lies_beneath_every_flagged_beat(browser):
    scored = scored_recording(seconds=30, leads=1, flagged=0.3, families=2)
    beat = scored.beats[scored.beats["flagged"] & scored.beats["time_s"].between(5, 25)].iloc[0]
    page = recording_page(scored)
    browser.open(page, f"#t={beat['time_s'] - 0.5},1")
    assert share(on_paper(browser), TEMPLATE, 40) > 0.000_05
    browser.open(recording_page(replace(scored, normal=None, families=[])), f"#t={beat['time_s'] - 0.5},1")
    assert share(on_paper(browser), TEMPLATE, 40) == 0
    browser.open(page, f"#beat-{beat['number']}")
    assert browser.run("document.querySelectorAll('#chosen-figure .template path').length") == 2


def test_the_list_is_narrowed_by_class_and_reason(browser):
    scored = scored_recording(**FAMILIES)
    symbols = {1: "V", 2: "A", 3: "E"}
    beats = scored.beats.assign(symbol=[symbols.get(number, "N") for number in scored.beats["family"]])
    rows = [set((family.rows + 1).tolist()) for family in scored.families]
    families = [
        replace(scored.families[0], reason="comes 31 % early, QRS and P wave unlike the record's"),
        *scored.families[1:],
    ]
    browser.open(recording_page(replace(scored, columns=beats, families=families)))
    offered = "[...document.querySelectorAll('#{} option')].map((option) => option.textContent)"
    ventricular, supraventricular = len(rows[0]) + len(rows[2]), len(rows[1])
    assert browser.run(offered.format("class")) == ["all", f"V ({ventricular})", f"S ({supraventricular})"]
    assert f"comes early ({sum(map(len, rows))})" in browser.run(offered.format("reason"))
    select(browser, "class", "V")
    assert set(every_card(browser)) == rows[0] | rows[2]
    select(browser, "reason", "P wave unlike the record's")
    assert set(every_card(browser)) == rows[0]
    select(browser, "family", "2")
    assert (cards(browser), browser.text("#card-count")) == ([], "No beats.")
    for name in ("class", "reason", "family"):
        select(browser, name, "")
    assert set(every_card(browser)) == rows[0] | rows[1] | rows[2]


def test_without_annotations_there_are_no_classes_to_choose(browser):
    browser.open(recording_page(scored_recording(symbol="")))
    assert browser.run("[$('class'), $('reason')].every((list) => list === null)")
    assert len(cards(browser)) == 8


def test_a_chosen_beat_is_on_the_page_of_cards_in_sight(browser):
    scored = scored_recording(seconds=120, flagged=0.5)
    browser.open(recording_page(scored))
    last = scored.beats["score"].where(scored.beats["flagged"]).idxmin()
    browser.run(f"goTo({last})")
    assert f"Beat {last + 1} " in browser.text(".card.current")
    assert browser.run("document.querySelectorAll('.card.current').length") == 1


def test_an_episode_leads_to_its_first_beat(browser):
    scored = scored_recording(**FAMILIES)
    browser.open(recording_page(scored))
    browser.drag("#episodes tbody a")
    assert chosen(browser)[0].startswith(f"Beat {scored.episodes['first_beat'].iloc[0]} of ")


def test_paper_flags_and_gaps_are_drawn(browser):
    page = recording_page(scored_recording(seconds=12, leads=1, gap=(2, 8), flagged=1.0))
    browser.open(page, "#t=8.6,2")
    there = on_paper(browser)
    browser.open(page, "#t=3.5,2")
    gone = on_paper(browser)
    assert share(there, INK, 60) > 0.003
    assert share(gone, INK, 60) == 0
    assert share(there, FLAG) > 0.002
    assert share(gone, FLAG) == 0
    for link in ("#t=1,8", "#t=0,12"):  # the line does not jump over what is missing
        browser.open(page, link)
        around = on_paper(browser)
        start, end, _ = shown(browser)
        columns = np.linspace(start + 150 / around.shape[1] * (end - start), end, around.shape[1])
        assert share(around[:, (columns > 3.5) & (columns < 7)], INK, 60) == 0
        assert share(around[:, columns > 8.3], INK, 60) > 0.003


@pytest.mark.parametrize("percent", [100, 200])
def test_squares_are_5_mm_each_way_and_the_pulse_is_1_mv_by_200_ms(browser, percent):
    page = recording_page(scored_recording(seconds=60, leads=1, gap=(0, 60), flagged=0))
    browser.open(page)
    browser.run(f"view.zoom({PIXELS_A_SECOND * percent / 100})")
    browser.settle()
    browser.place("#view")
    left, top, width, height = browser.run(
        "(() => {const b = document.querySelector('#view').getBoundingClientRect();"
        " return [b.left, b.top, b.width, b.height].map(Math.round)})()"
    )
    view = browser.picture()[top : top + height, left : left + width]
    large = 5 * 96 / 25.4 * percent / 100
    paper = view[40:-30, int(2.5 * large) :]  # beneath the marks, above the times, right of the pulse
    heavy = np.abs(paper - (0xED, 0xA9, 0xA3)).max(axis=-1) <= 4
    for lines in (np.flatnonzero(heavy.mean(axis=0) > 0.9), np.flatnonzero(heavy.mean(axis=1) > 0.9)):
        assert len(lines) >= 3
        assert np.diff(lines) == pytest.approx(large, abs=1)
        assert np.diff(lines).mean() == pytest.approx(large, abs=0.5)
    ink = np.abs(view[30:-30, : int(2.5 * large)] - INK).max(axis=-1) <= 70
    flanks = np.flatnonzero(ink.sum(axis=0) > 1.2 * large)
    assert flanks.max() - flanks.min() == pytest.approx(large, abs=2)  # 200 ms
    rows = np.flatnonzero(ink[:, flanks].any(axis=1))
    assert rows.max() - rows.min() == pytest.approx(2 * large, abs=2.5)  # 1 mV


def test_a_long_recording_shows_what_it_has(browser, monkeypatch):
    for name, value in (("FULL", 10_000), ("ENVELOPE", 1_000), ("PIECES", 6_000)):
        monkeypatch.setattr(packing, name, value)
    scored = scored_recording(seconds=120)
    page = recording_page(scored)
    browser.open(page, "#t=0,120")
    far = browser.picture()
    assert share(far, INK, 40) > 0.005
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    start, stop = data["pieces"][0]
    browser.open(page, f"#t={start / 250},{(stop - start) / 250}")
    assert share(on_paper(browser), GREY) == 0  # every sample is there
    gap = next(
        at
        for at in np.arange(0, 110, 0.1)
        if all(stop / 250 < at or start / 250 > at + 2 for start, stop in data["pieces"])
    )
    browser.open(page, f"#t={gap},2")
    assert share(on_paper(browser), GREY) > 0.01  # only minima and maxima are


@pytest.mark.parametrize(
    "changes",
    [{"flagged": 0}, {"beats": False}, {"leads": 12}, {"leads": 1}, {"reconstruct": False}, {"unit": ""},
     {"seconds": 0.4, "flagged": 0}, {"flagged": 1.0}, {"explained": 2}, {"noun": "window"},
     {"families": 3}, {"families": 1, "leads": 12, "unit": ""}],
    ids=str,
)  # fmt: skip
def test_whatever_was_scored_it_starts(browser, changes):
    scored = scored_recording(**changes)
    flagged = scored.beats[scored.beats["flagged"]]
    some = f"#beat-{flagged['number'].iloc[0]}" if len(flagged) else ""
    browser.open(recording_page(scored), some, width=420)
    assert " of 0:00:" in browser.text("#view-text")
    assert len(cards(browser)) == min(len(scored.explained), 12)
    assert browser.run("view.marks.length") == 0
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert not {"NaN", "Infinity", "undefined"} & set(browser.text("body").split())
    assert "NaN" not in browser.run("[...document.querySelectorAll('svg')].map((svg) => svg.outerHTML).join('')")
    if some:
        assert " · flagged" in browser.text("#beat-text")


def test_without_scripts_there_is_a_table_instead(browser):
    scored = scored_recording()
    browser.open(recording_page(scored), scripts=False)
    text = browser.text("main")
    assert "This browser runs no scripts" in text
    assert "Zoom" not in text
    assert "Next" not in text
    assert all(f"{score:.4g}" in text for score in scored.beats["score"][scored.beats["flagged"]])


def test_it_prints_the_twelve_cards_of_the_page_in_sight(browser):
    browser.open(recording_page(scored_recording(seconds=300, flagged=1.0)))
    first = cards(browser)
    browser.drag("[data-page=onward]")
    assert not set(first) & set(cards(browser))
    pdf = browser.pdf()
    pages = pdf.count(b"/Type /Page") - pdf.count(b"/Type /Pages")
    assert 2 <= pages <= 8
    assert browser.run("[...document.querySelectorAll('.card')].every((c) => c.querySelector('svg').childElementCount)")


def test_the_signal_is_printed_true_to_scale_and_sharp(browser):
    browser.open(recording_page(scored_recording(seconds=60)), width=1400)
    before = browser.run("[view.width, $('view').width]")
    size = "(() => {const box = $('view').getBoundingClientRect(); return [box.width, box.height, $('view').width]})()"
    browser.run("dispatchEvent(new Event('beforeprint')); 0")
    browser.call("Emulation.setEmulatedMedia", media="print")
    width, height, pixels = browser.run(size)
    assert width == pytest.approx(180 * 96 / 25.4, abs=0.5)
    assert pixels == pytest.approx(3 * width, abs=2)
    assert height == pytest.approx(browser.run("view.height"), abs=1)  # not squeezed
    assert browser.run("view.perSecond") == pytest.approx(PIXELS_A_SECOND)
    browser.call("Emulation.setEmulatedMedia", media="")
    browser.run("dispatchEvent(new Event('afterprint')); 0")
    browser.settle()
    assert browser.run("[view.width, $('view').width]") == before


def test_text_of_the_users_stays_text(browser):
    evil = "</script><img src=x onerror=\"document.title='caught'\">"
    scored = scored_recording(name=evil, lead_names=[evil, "V1"], reason=evil, symbol=evil)
    scored = replace(scored, columns=scored.beats.rename(columns={"component_reconstruction": f"component_{evil}"}))
    browser.open(recording_page(scored), "#beat-3")
    assert browser.run("document.images.length") == 0
    assert browser.run("document.title").startswith("</script><img")
    assert f"annotated {evil}" in browser.text("#beat-text")
    assert evil in browser.text(".card")
