"""The page of a scored recording: it holds what was recorded, within stated bounds; nothing of it is executed."""

import base64
import hashlib
import html
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgan.files import write_frame
from ecgan.reporting import packing
from ecgan.reporting.deviation import deviation
from ecgan.reporting.packing import envelope, quantise
from ecgan.reporting.recording_page import clock, in_words, recording_page
from ecgan.reporting.recordings import Explained, Mode
from ecgan.scoring.episodes import episodes_of
from tests.scored import AFTER, BEFORE, decoded, embedded, scored_recording, with_families


def signal_of(page):
    data, blocks = embedded(page)
    steps = np.frombuffer(blocks["signal"], "<i2").reshape(len(data["leads"]), -1)
    return data, np.stack([decoded(values, lead) for values, lead in zip(steps, data["leads"], strict=True)], axis=1)


def text_of(page):
    """What a reader without JavaScript sees."""
    body = page[page.index("<body>") :]
    body = re.sub(r"<script.*?</script>", "", body, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, tuple(name for name, _ in attrs)))


# What is embedded


@pytest.mark.parametrize("leads", [1, 2, 12])
def test_the_signal_comes_back_within_half_a_microvolt(leads):
    scored = scored_recording(leads=leads, gap=(3, 4.5))
    data, signal = signal_of(recording_page(scored))
    np.testing.assert_array_equal(np.isnan(signal), np.isnan(scored.record.signals))
    assert np.isnan(signal[:, 0]).sum() == 375
    assert np.nanmax(np.abs(signal - scored.record.signals)) <= 0.000_501
    assert (data["bin"], data["pieces"], data["rate"], data["length"]) == (1, [], 250.0, len(signal))
    assert [lead["name"] for lead in data["leads"]] == scored.record.leads


def test_a_lead_far_from_zero_keeps_its_shape_and_says_its_step():
    scored = scored_recording()
    scored.record.signals[:, 1] = 400 + 30 * scored.record.signals[:, 1]
    page = recording_page(scored)
    data, signal = signal_of(page)
    step = data["leads"][1]["step"]
    assert 0 < step <= np.ptp(scored.record.signals[:, 1]) / 60_000
    assert np.abs(signal[:, 1] - scored.record.signals[:, 1]).max() <= step * 0.51
    assert data["leads"][0]["step"] == 0.001
    lead = data["leads"][1]
    assert lead["base"] <= np.median(signal[:, 1]) <= lead["base"] + 0.5 * lead["squares"]
    assert lead["squares"] <= packing.TALLEST


@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(np.nan) | st.just(np.inf), min_size=1, max_size=40),
    st.sampled_from([None, 0.001]),
)
def test_quantised_values_are_at_most_half_a_step_away(values, smallest):
    values = np.array(values)
    steps, step, offset = quantise(values, smallest)
    back = decoded(steps, {"step": step, "offset": offset})
    there = np.isfinite(values)
    assert (np.isnan(back) == ~there).all()
    assert steps.dtype == np.int16
    reach = np.abs(values[there]).max(initial=0)
    assert (np.abs(back - values)[there] <= 0.5001 * step + 1e-12 * reach).all()
    if smallest and reach <= 32:
        assert (step, offset) == (smallest, 0.0)


@given(
    st.lists(st.floats(-3, 3), min_size=1, max_size=50),
    st.dictionaries(st.integers(0, 49), st.floats(-60, 60), max_size=5),
    st.lists(st.booleans(), min_size=50, max_size=50),
)
def test_all_of_a_lead_or_all_of_its_beats_are_on_the_paper(values, wild, beats):
    values = np.array([wild.get(at, value) for at, value in enumerate(values)] + [0.0] * 2000)  # rare, as extremes are
    read = np.array(beats[: len(values) - 2000] + [True] * 2000)
    base, squares = packing._paper(values, read)
    assert 4 <= squares <= packing.TALLEST
    assert base / 0.5 == round(base / 0.5)
    inside = (values >= base) & (values <= base + 0.5 * squares)
    if np.ptp(values) <= 4:
        assert inside.all()
    if np.ptp(values[read]) <= 8:
        assert inside[read].all()
    assert inside[-2000:].all()


def test_a_lead_that_does_not_fit_is_drawn_where_most_of_it_is():
    values = np.concatenate([np.linspace(-1, 5, 1000), np.linspace(5, 40, 20), np.full(30, -30.0)])
    base, squares = packing._paper(values, np.ones(len(values), bool))
    assert base <= -1
    assert 5 <= base + 0.5 * squares <= 9
    assert packing._paper(values, np.arange(len(values)) < 1000)[1] <= 14
    assert packing._paper(np.full(9, np.nan), np.ones(9, bool)) == (-1.0, 4)


@pytest.mark.parametrize(
    ("reason", "found"),
    [
        (
            "comes 21 % early, QRS unlike the record's, P wave and ST–T somewhat unlike the record's, a pause follows",
            {"comes early", "a pause follows", *(f"{w} unlike the record's" for w in ("QRS", "P wave", "ST–T"))},
        ),
        ("QRS, P wave and ST–T unlike the record's", {f"{w} unlike the record's" for w in ("QRS", "P wave", "ST–T")}),
        (
            "comes after 5.4 times the usual interval, QRS and P wave as usual",
            {"comes after … times the usual interval"},
        ),
        ("reconstruction error 3.2 × the threshold on average", {"reconstruction error … × the threshold on average"}),
        ("", set()),
    ],
)
def test_what_families_may_share_is_told_without_numbers(reason, found):
    assert set(packing.kinds(reason)) == found


def test_symbols_have_their_classes():
    scored = scored_recording()
    symbols = ["N", "L", "V", "E", "A", "x", ""]
    beats = scored.beats.assign(symbol=[symbols[at % 7] for at in range(len(scored.beats))])
    data, _ = embedded(recording_page(replace(scored, columns=beats)))
    named = dict(zip(data["symbols"], data["classes"], strict=True))
    assert named == {"N": "N", "L": "N", "V": "V", "E": "V", "A": "S", "x": "x", "": ""}


def test_every_beat_is_embedded():
    scored = scored_recording(symbol="V")
    data, blocks = embedded(recording_page(scored))
    beats = scored.beats
    for name, kind in (("number", "<i4"), ("sample", "<i4"), ("flagged", "u1")):
        np.testing.assert_array_equal(np.frombuffer(blocks[f"beat-{name}"], kind), beats[name].astype(int))
    np.testing.assert_array_equal(np.frombuffer(blocks["beat-score"], "<f8"), beats["score"])
    for name in ("symbol", "reason"):
        codes = np.frombuffer(blocks[f"beat-{name}"], "<u2")
        assert [data[f"{name}s"][code] for code in codes] == list(beats[name])
    assert data["threshold"] == scored.threshold


@pytest.mark.parametrize("reconstruct", [True, False])
def test_cards_hold_signal_and_reconstruction_of_the_flagged_beats(reconstruct):
    scored = scored_recording(reconstruct=reconstruct)
    data, blocks = embedded(recording_page(scored))
    values = np.frombuffer(blocks["cards"], "<i2")
    assert [card["row"] for card in data["cards"]] == [sample.row for sample in scored.explained]
    assert data["cards"]
    for card, sample in zip(data["cards"], scored.explained, strict=True):
        shape = (card["traces"], card["leads"], card["steps"])
        traces = decoded(values[card["at"] : card["at"] + np.prod(shape)].reshape(shape), card)
        np.testing.assert_allclose(traces[0].T, sample.signal, atol=0.000_51)
        assert (card["start"], card["duration"]) == (sample.start_s, sample.duration_s)
        if reconstruct:
            np.testing.assert_allclose(traces[1].T, sample.reconstruction, atol=0.000_51)
            assert [region[0] for region in card["regions"] if region[3] == 1] == ["QRS"]
        else:
            assert (len(traces), card["regions"], card["shares"]) == (1, [], [])
        score = scored.beats["score"][sample.row]
        assert card["components"] == pytest.approx([score / 2, score / 3])
    assert data["components"] == ["reconstruction", "discrimination"]
    assert data["around"] == [-BEFORE / 250, AFTER / 250]


def test_a_long_recording_is_embedded_in_part_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(packing, "FULL", 10_000)
    monkeypatch.setattr(packing, "ENVELOPE", 1_000)
    monkeypatch.setattr(packing, "PIECES", 6_000)
    scored = scored_recording(seconds=60, gap=(3, 4.5))
    page = recording_page(scored)
    data, blocks = embedded(page)
    bins = np.frombuffer(blocks["signal"], "<i2").reshape(2, 2, -1)  # lead, minimum and maximum, bin
    assert bins.size <= 1_000 + 8
    size = data["bin"]
    for lead, (low, high) in enumerate(bins):
        for at in range(bins.shape[2]):
            part = scored.record.signals[at * size : (at + 1) * size, lead]
            if np.isnan(part).all():
                assert low[at] == high[at] == -32768
            else:
                np.testing.assert_allclose(
                    [low[at], high[at]], 1000 * np.array([np.nanmin(part), np.nanmax(part)]), atol=0.51
                )
    pieces = np.frombuffer(blocks["pieces"], "<i2").reshape(2, -1)
    assert 0 < pieces.size <= 6_000
    whole = np.concatenate([scored.record.signals[start:stop] for start, stop in data["pieces"]])
    np.testing.assert_allclose(decoded(pieces, {"step": 0.001, "offset": 0}).T, whole, atol=0.000_51)
    best = scored.beats.loc[scored.beats["score"].idxmax(), "sample"]
    assert any(start <= max(best - 500, 0) and min(best + 500, 15_000) <= stop for start, stop in data["pieces"])
    assert f"every {size} samples ({4 * size} ms)" in text_of(page)
    flagged = int(scored.beats["flagged"].sum())
    whole_beats = sum(
        any(start <= max(p - 500, 0) and min(p + 500, 15_000) <= stop for start, stop in data["pieces"])
        for p in scored.beats.loc[scored.beats["flagged"], "sample"]
    )
    said = int(re.search(r"within 2 s of (\d+) of the (\d+) flagged beats, those with the highest", text_of(page))[1])
    assert 0 < said <= whole_beats < flagged


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=60), st.integers(1, 9))
def test_an_envelope_is_the_minimum_and_maximum_of_what_is_there(values, size):
    low, high = envelope(np.array(values, np.int16), size)
    for at in range(-(-len(values) // size)):
        part = [value for value in values[at * size : (at + 1) * size] if value != -32768] or [-32768]
        assert (low[at], high[at]) == (min(part), max(part))
    assert len(low) == len(high) == -(-len(values) // size)


@pytest.mark.parametrize(("cards", "values", "shown"), [(5, 10**9, 5), (1000, 4 * 640, 4), (1000, 639, 0)])
def test_cards_are_limited_and_the_number_left_out_is_said(monkeypatch, cards, values, shown):
    monkeypatch.setattr(packing, "CARDS", cards)
    monkeypatch.setattr(packing, "CARD_VALUES", values)
    scored = scored_recording(flagged=1.0)  # 640 values a card: 160 steps, two leads, twice
    page = recording_page(scored)
    flagged = int(scored.beats["flagged"].sum())
    rows = [card["row"] for card in embedded(page)[0]["cards"]]
    assert rows == list(scored.beats["score"].sort_values(ascending=False).index[:shown])
    assert f"{shown} of {flagged} flagged beats are shown one by one" in text_of(page)
    assert f"the other {flagged - shown} are marked" in text_of(page)


def test_a_reconstruction_that_is_not_finite_is_left_out():
    scored = scored_recording()
    scored.explained[0].reconstruction[:] = np.nan
    scored.explained[1].reconstruction[10] = np.inf
    data, blocks = embedded(recording_page(scored))
    assert data["cards"][0]["regions"] == []
    values = np.frombuffer(blocks["cards"], "<i2")
    assert (values[320:640] == -32768).all()
    assert (values[:320] != -32768).all()
    assert sum(region[3] for region in data["cards"][1]["regions"]) == pytest.approx(1)


# What is written


def test_the_header_says_what_was_scored_by_what():
    scored = replace(scored_recording(), leads=["II", "V1"], threshold=0.51234)
    text = text_of(recording_page(scored))
    for words in ("Record made up", "Duration 0:00:30", "MLII (as II), V1", "250 Hz", "Model a model", "mitbih",
                  "lambda_grid", "Threshold 0.5123", "Peaks annotations (atr)", "Research software"):  # fmt: skip
        assert words in text
    flagged, unscored = int(scored.beats["flagged"].sum()), int(scored.beats["score"].isna().sum())
    assert f"{len(scored.beats)} beats" in text
    assert f"{flagged} flagged ({100 * flagged / (len(scored.beats) - unscored):.1f} %)" in text
    assert f"{unscored} not scored" in text


def test_windows_are_not_called_beats_and_have_no_qrs():
    page = recording_page(scored_recording(noun="window", facts={}))
    assert "beat" not in text_of(page).lower().replace("beats from", "")
    assert "38 windows" in text_of(page)
    regions = embedded(page)[0]["cards"][0]["regions"]
    assert [region[0] for region in regions][:2] == ["0 to 0.08 s", "0.08 to 0.16 s"]
    assert len(regions) == 8


def test_facts_of_each_class_are_a_table_and_counts_are_said_once():
    by_class = {"N": {"scored": 1500, "flagged": 3}, "V": {"scored": 20, "flagged": 18}}
    facts = {
        "model_rate_hz": 360.0,
        "samples": 77777,
        "not_scored": {"flat": 77777},
        "beats_from": "detected in MLII",
        "flagged_by_class": by_class,
    }
    text = text_of(recording_page(scored_recording(facts=facts)))
    assert "Flagged by class Class scored flagged N 1,500 3 V 20 18" in text
    assert "N 3 of 1,500 flagged V 18 of 20 flagged" in text[: text.index("Recording and model")]
    assert "Model rate 360 Hz Beats from detected in MLII" in text
    assert "77,777" not in text


def test_warnings_stand_above_everything_else():
    page = recording_page(scored_recording(facts={"warnings": ["No beats from <0:00:10>.", "Another."]}))
    text = text_of(page)
    assert text.index("No beats from") < text.index("Another.") < text.index("38 beats")
    assert "<0:00:10>" not in page
    assert "Warnings" not in text
    assert 'id="warnings"' in page
    assert 'id="warnings"' not in recording_page(scored_recording(facts={}))


def test_the_spread_over_folds_is_a_component():
    scored = scored_recording()
    beats = scored.beats.assign(score_std=scored.beats["score"] / 10, strategy_other=1.0)
    data, _ = embedded(recording_page(replace(scored, columns=beats)))
    assert data["components"] == ["reconstruction", "discrimination", "standard deviation over folds"]
    assert data["cards"][0]["components"][2] == pytest.approx(beats["score"].max() / 10)


def test_without_javascript_there_is_a_table_of_the_flagged_beats():
    scored = scored_recording()
    page = recording_page(scored)
    table = re.search(r"<noscript>(.*?)</noscript>", page, re.DOTALL)[1]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)[1:]]
    flagged = scored.beats[scored.beats["flagged"]]
    assert [int(row[0]) for row in rows] == list(flagged["number"])
    assert [row[1] for row in rows] == [clock(time) for time in flagged["time_s"]]
    assert [row[2] for row in rows] == [f"{score:.4g}" for score in flagged["score"]]
    assert {row[4] for row in rows} == {"QRS 100 %, MLII 100 %"}


def test_reasons_are_counted():
    scored = scored_recording(gap=(10, 12))
    missing = int((scored.beats["reason"] == "samples are missing").sum())
    text = text_of(recording_page(scored))
    assert missing >= 3
    assert f"{missing} samples are missing 2 the window crosses" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"flagged": 0}, "No beat was flagged."),
        ({"beats": False}, "0 beats 0 flagged 0 not scored"),
        ({"flagged": 1.0}, "flagged (100.0 %)"),
        ({"gap": (0, 30), "leads": 1, "flagged": 0}, "samples are missing"),
        ({"seconds": 0.4}, "1 beat 0 flagged 1 not scored"),
    ],
)
@pytest.mark.filterwarnings("ignore:All-NaN slice")
def test_the_ends_of_what_can_happen(changes, words):
    page = recording_page(scored_recording(**changes))
    assert words in text_of(page)
    data, _ = embedded(page)
    assert all(4 <= lead["squares"] <= packing.WHOLE for lead in data["leads"])


@pytest.mark.parametrize(
    ("unit", "words"), [("mV", "signal reconstruction"), ("", "signal (no unit)"), ("z", "signal (z)")]
)
def test_what_is_not_in_millivolts_says_so(unit, words):
    page = recording_page(scored_recording(unit=unit))
    assert words in text_of(page)
    assert embedded(page)[0]["unit"] == unit


# Families, and what was taken for normal


def test_families_are_in_the_page_first_and_without_scripts_too():
    scored = scored_recording(seconds=120, families=3, flagged=0.3)
    page, text = recording_page(scored), text_of(recording_page(scored))
    places = [text.index(words) for words in ("Taken for normal", "Families of flagged beats", "The whole recording",
                                              "Episodes", "Flagged beats")]  # fmt: skip
    assert places == sorted(places)
    with_score = int(scored.beats["score"].notna().sum())
    for family in scored.families:
        count, (first, last) = len(family.rows), scored.beats["time_s"].to_numpy()[family.rows[[0, -1]]]
        item = re.search(rf'<li class="card family" data-family="{family.number}".*?</li>', page, re.DOTALL)[0]
        words = " ".join(re.sub("<[^>]*>", " ", item).split())
        assert f"Family {family.number} · {count} beats ({100 * count / with_score:.1f} %)" in words or count > 10
        assert f"Comes {10 * family.number} % early" in words
        assert f"annotated N {count}" in words
        assert f"{clock(first, 0)} – {clock(last, 0)}" in words
    assert "Usual beats 30 (80 % of those scored) Their rate 75 a minute Their QRS about 90 ms" in text
    assert f"{len(scored.families)} families {len(scored.episodes)} episodes" in text


def test_means_beats_and_template_are_embedded():
    scored = scored_recording(seconds=120, families=2, flagged=0.3)
    data, blocks = embedded(recording_page(scored))
    np.testing.assert_array_equal(np.frombuffer(blocks["beat-family"], "<u2"), scored.beats["family"])
    own = data["template"]
    template = decoded(np.frombuffer(blocks["template"], "<i2"), own).reshape(own["leads"], own["steps"])
    np.testing.assert_allclose(template.T, scored.normal.template, atol=0.000_51)
    assert own["before"] == scored.normal.before_s
    values = np.frombuffer(blocks["families"], "<i2")
    for told, family in zip(data["families"], scored.families, strict=True):
        shape = (len(told["leads"]), told["traces"], own["steps"])
        traces = decoded(values[told["at"] : told["at"] + np.prod(shape)].reshape(shape), told)
        np.testing.assert_allclose(traces[:, 0].T, family.mean[:, told["leads"]], atol=0.000_51)
        np.testing.assert_allclose(traces[:, 1:], np.broadcast_to(traces[:, :1], traces[:, 1:].shape), atol=0.001_1)
        assert told["traces"] == 1 + len(family.drawn)
        assert (told["beats"], told["first"]) == (len(family.rows), family.rows[0] + 1)
    assert all(card["shift"] == 0 for card in data["cards"])


def test_rhythms_that_compete_are_both_in_the_page():
    scored = scored_recording(seconds=120, leads=2, families=2, flagged=0.3)
    slow = Mode(scored.normal.template + 1, 60, 0.4, 1.0, True, 75.0, 90.0, 3.0, "a narrower QRS")
    fast = Mode(scored.normal.template + 2, 90, 0.6, 0.0, False, 150.0, 150.0, 1.0, "it lasts longer")
    both = replace(
        scored,
        normal=replace(scored.normal, modes=(slow, fast), modes_by="rate"),
        facts={**scored.facts, "normal": {"choice": "The first was taken."}},
    )
    page, text = recording_page(both), text_of(recording_page(both))
    assert "Two rhythms compete for it The first was taken." in text
    assert "1: taken for normal Beats 60 (40 % of those scored) Of the usual ones 100 % Rate 75 a minute" in text
    assert "2: not taken Beats 90 (60 % of those scored)" in text
    assert [f'id="mode-figure-{number}"' in page for number in (1, 2, 3)] == [True, True, False]
    data, blocks = embedded(page)
    own = data["template"]
    assert own["modes"] == 2
    values = decoded(np.frombuffer(blocks["template"], "<i2"), own).reshape(3, own["leads"], own["steps"])
    for found, expected in zip(values, (scored.normal, slow, fast), strict=True):
        np.testing.assert_allclose(found.T, expected.template, atol=0.000_51)
    alone = recording_page(scored)
    assert "compete" not in text_of(alone)
    assert "mode-figure" not in re.sub("<script.*?</script>", "", alone, flags=re.DOTALL)


def test_what_is_drawn_of_families_is_bounded(monkeypatch):
    monkeypatch.setattr(packing, "FAMILY_VALUES", 4 * 3 * 160 * 5)
    data, blocks = embedded(recording_page(scored_recording(seconds=300, leads=12, families=4, flagged=1.0)))
    assert all(len(family["leads"]) == 3 for family in data["families"])
    assert all(family["traces"] == 5 for family in data["families"])
    assert len(blocks["families"]) <= 2 * packing.FAMILY_VALUES


def test_warnings_stand_above_the_counts():
    facts = {"warnings": ["The majority may not be normal."], "normal": {"usual": 77777}}
    page = recording_page(scored_recording(facts=facts))
    text = text_of(page)
    assert text.index("may not be normal") < text.index("38 beats")
    assert "77777" not in text
    assert "77,777" not in text
    assert 'id="warnings"' not in recording_page(scored_recording())


def test_decisions_belong_to_one_recording_and_its_families():
    keys = {
        embedded(recording_page(scored))[0]["record"]
        for scored in (scored_recording(families=2), scored_recording(families=3), scored_recording(name="other"))
    }
    assert len(keys) == 3
    scored = scored_recording(families=2)
    decided = replace(scored, families=[replace(scored.families[0], decision="accepted"), scored.families[1]])
    data, _ = embedded(recording_page(decided))
    assert [family["decision"] for family in data["families"]] == ["accepted", ""]
    assert data["record"] == embedded(recording_page(scored))[0]["record"]


def test_the_longest_episodes_are_listed_in_time(monkeypatch):
    monkeypatch.setattr("ecgan.reporting.recording_page.EPISODES", 3)
    scored = scored_recording(seconds=240, families=2, flagged=0.5)
    page = recording_page(scored)
    beats = [int(number) for number in re.findall(r'<tr data-beat="(\d+)"', page)]
    assert len(beats) == 3
    assert beats == sorted(beats)
    assert set(beats) <= set(scored.episodes.nlargest(3, "beats", keep="first")["first_beat"])
    assert f"the 3 longest of {len(scored.episodes)}" in text_of(page)


def test_noise_and_irregular_rhythm_are_in_the_page():
    scored = scored_recording(seconds=240, families=2)
    scored.beats.loc[20:40, "reason"] = "noise"
    scored.beats.loc[20:40, "flagged"] = False
    scored = replace(scored, columns=scored.beats)
    irregular = np.arange(len(scored.beats)) >= 100
    episodes = episodes_of(scored.beats, scored.families, irregular=irregular)
    text = text_of(recording_page(replace(scored, episodes=episodes)))
    assert "21 not flagged for noise" in text
    assert "– irregular rhythm, as in atrial fibrillation" in text
    assert "– noise" in text
    rows = re.findall(r"<tr data-beat=.*?</tr>", recording_page(replace(scored, episodes=episodes)))
    kinds = [re.findall(r"<td[^>]*>(.*?)</td>", row)[2] for row in rows]
    assert kinds == list(episodes.sort_values("episode")["kind"])


def test_page_and_table_say_the_same_of_an_episode(tmp_path):
    scored = scored_recording(seconds=240, families=3, flagged=0.5)
    scored.beats["family"] = np.where(scored.beats["flagged"], np.arange(len(scored.beats)) // 3 % 3 + 1, 0)
    scored = replace(scored, columns=scored.beats, episodes=episodes_of(scored.beats, scored.families))
    rows = re.findall(r"<tr data-beat=.*?</tr>", recording_page(scored))
    cells = [[html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows]
    write_frame(tmp_path / "e.csv", scored.episodes)
    table = pd.read_csv(tmp_path / "e.csv", keep_default_na=False, dtype=str)
    reasons = {str(family.number): family.reason for family in scored.families}
    assert len(cells) == len(table) > 5
    assert {"several"} < {row[6] for row in cells}
    for row, (_, said) in zip(cells, table.iterrows(), strict=True):
        assert row[6] == (said["family"] or "several")
        assert row[7] == said["reason"]
        assert said["reason"] == reasons[said["family"]] if said["family"] else said["reason"] in reasons.values()
    alone = replace(scored, families=[])
    rows = re.findall(r"<tr data-beat=.*?</tr>", recording_page(replace(alone, episodes=episodes_of(alone.beats, []))))
    assert {re.findall(r"<td[^>]*>(.*?)</td>", row)[6] for row in rows} <= {"–", *reasons}


# Safe, alone, the same again

EVIL = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onload='x'",
    "<!--",
    "{{ 7*7 }}",
    "\u2028",
    "ÄÖ 心",
]


@settings(max_examples=30, deadline=None)
@given(words=st.lists(st.sampled_from(EVIL) | st.text(max_size=12), min_size=8, max_size=8))
def test_no_text_of_the_users_becomes_markup(words):
    name, first, second, model, reason, symbol, fact, unit = words
    scored = scored_recording(
        seconds=4,
        name=name,
        lead_names=[first, second],
        reason=reason,
        symbol=symbol,
        facts={"peaks": fact},
        unit=unit or "x",
    )
    scored = with_families(scored, 1)
    scored = replace(scored, families=[replace(scored.families[0], reason=reason)])
    harmless = recording_page(with_families(scored_recording(seconds=4, unit="x", symbol="x"), 1))
    page = recording_page(replace(scored, model=model, dataset=fact, strategy=reason))
    assert Counter(Tags(page).found) == Counter(Tags(harmless).found)
    data, _ = embedded(page)
    assert [lead["name"] for lead in data["leads"]] == [first, second]
    assert symbol in data["symbols"]
    page.encode()


def test_the_page_fetches_nothing_and_runs_only_its_own_script():
    page = recording_page(scored_recording())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    for (text,), kind in ((script, "script"), (style, "style")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert set(re.findall(r"https?://[^\s\"']*", page)) == {"http://www.w3.org/2000/svg"}  # a name, not an address
    attributes = {name for _, names in Tags(page).found for name in names}
    assert not attributes & {"src", "href", "style", "srcset", "action"}
    assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"@import|url\(|\bfetch\(|XMLHttpRequest|\beval\(|innerHTML|document\.write", page)


def test_the_same_recording_makes_the_same_bytes():
    assert recording_page(scored_recording()) == recording_page(scored_recording())


# Where it deviates


def sample_with(error, *, start=0.0, duration=0.64, leads=2):
    signal = np.zeros((160, leads), np.float32)
    return Explained(0, start, duration, signal, signal - np.broadcast_to(error, signal.shape).astype(np.float32))


def test_shares_follow_the_squared_error_and_add_up():
    error = np.zeros((160, 2))
    error[10, 0], error[60, 1], error[100, 1] = 1, 2, 1  # at 0.04, 0.24 and 0.4 s
    split = deviation(sample_with(error, start=7), 7.24)
    assert [region.name for region in split.regions] == ["before QRS", "QRS", "after QRS"]
    assert [region.share for region in split.regions] == pytest.approx([1 / 6, 4 / 6, 1 / 6])
    assert split.leads == pytest.approx([1 / 6, 5 / 6])
    edges = [(region.start_s, region.stop_s) for region in split.regions]
    assert [edge for pair in edges for edge in pair] == pytest.approx([0, 0.18, 0.18, 0.30, 0.30, 0.64])


@given(st.floats(-2, 3), st.sampled_from([0.3, 0.64, 1.9, 2.5, 10.0]), st.integers(0, 159))
def test_regions_cover_the_sample_wherever_the_peak_is(peak, duration, step):
    error = np.full((160, 2), 0.01)
    error[step] = 1
    split = deviation(sample_with(error, duration=duration), peak)
    assert sum(region.share for region in split.regions) == pytest.approx(1)
    assert (split.regions[0].start_s, split.regions[-1].stop_s) == pytest.approx((0, duration))
    for one, other in zip(split.regions, split.regions[1:], strict=False):
        assert one.stop_s == other.start_s
    at = step * duration / 160
    largest = max(split.regions, key=lambda region: region.share)
    assert largest.start_s - 1e-9 <= at < largest.stop_s or largest.share < 0.9


def test_a_perfect_reconstruction_deviates_nowhere():
    assert deviation(sample_with(0.0), 0.2).regions == []


# Words


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [
        (0, 1, "0:00:00.0"),
        (59.96, 1, "0:01:00.0"),
        (3599.99, 0, "1:00:00"),
        (86_461.24, 1, "24:01:01.2"),
        (7, 0, "0:00:07"),
    ],
)
def test_clock(seconds, decimals, text):
    assert clock(seconds, decimals) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "yes"), (12345, "12,345"), (0.1 + 0.2, "0.3"), ([0, 1], "0, 1"), ({"a": 1.5}, "a: 1.5"),
     ([], "–"), ("x", "x"), (np.float32(0.5), "0.5"), (np.bool_(False), "no")],
)  # fmt: skip
def test_facts_in_words(value, text):
    assert in_words(value) == text
