"""Families and episodes of flagged beats, what was taken for normal, and what a reader decided."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import wfdb
from rich.console import Console

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.ecgsyn import Ecgsyn
from ecgan.detection.base import Group
from ecgan.detection.detectors.patient_specific import PatientSpecific, PatientSpecificOptions
from ecgan.detection.wording import in_words
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.notebook.scored import Scored
from ecgan.reporting.recordings import Normal, ScoredRecording
from ecgan.samples import Samples
from ecgan.scoring import families as module
from ecgan.scoring import windows as windows_module
from ecgan.scoring.batch import Outcome, Wanted, summary_frame
from ecgan.scoring.console import tell
from ecgan.scoring.decisions import read_decisions
from ecgan.scoring.episodes import episodes_of, rhythm_warnings, stretches
from ecgan.scoring.families import cluster, family_frame
from ecgan.scoring.files import write_scored
from ecgan.scoring.normal import warnings_of
from ecgan.scoring.recording import score_recording
from ecgan.scoring.scorer import Judged, Scorer
from tests.scorers import _Plain, toy_scorer

RATE, WIDE, TALL = 360.0, "wide", "tall"
PERIOD = 10
"""In each ten beats the fifth is wide and comes 35 % early; the eighth of every other ten is tall."""


def kinds_of(count: int) -> list[str]:
    kinds = ["usual"] * count
    kinds[4::PERIOD] = [WIDE] * len(kinds[4::PERIOD])
    kinds[7 :: 2 * PERIOD] = [TALL] * len(kinds[7 :: 2 * PERIOD])
    return kinds


def recording(
    count: int = 200, kinds: list[str] | None = None, seed: int = 0, gaps: np.ndarray | None = None
) -> Record:
    """One lead with beats of three shapes, annotated where they are."""
    kinds = kinds or kinds_of(count)
    rng = np.random.default_rng(seed)
    if gaps is None:
        gaps = np.where(np.array(kinds) == WIDE, 0.65, 1.0)
        gaps[1:] += np.where(np.array(kinds[:-1]) == WIDE, 0.3, 0.0)  # a pause follows
    times = 1 + np.cumsum(gaps)
    signal = rng.normal(0, 0.01, round((times[-1] + 2) * RATE))
    for time, kind in zip(times, kinds, strict=True):
        at = np.arange(round((time - 0.4) * RATE), round((time + 0.6) * RATE))
        t = at / RATE - round(time * RATE) / RATE
        width, height = {"usual": (0.012, 1.0), WIDE: (0.04, -1.6), TALL: (0.012, 2.6)}[kind]
        signal[at] += height * np.exp(-0.5 * (t / width) ** 2) + 0.2 * np.exp(-0.5 * ((t - 0.27) / 0.04) ** 2)
        if kind != WIDE:
            signal[at] += 0.15 * np.exp(-0.5 * ((t + 0.16) / 0.02) ** 2)
    samples = np.rint(times * RATE).astype(np.int64)
    return Record("made", signal[:, None], RATE, ["MLII"], samples, ["N"] * len(kinds))


class _Own(_Plain):
    """A run of `patient_specific` with the threshold 1.5."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.detector = self.members[0].fitted.detector = PatientSpecific(PatientSpecificOptions())

    def judge(self, samples: Samples, inputs: Samples | None = None) -> Judged:
        self.detector.fit(samples)
        found = self.detector.components(samples)
        return Judged(found, {self.strategy: found["total"]}, None)

    def own_normal(self, samples: Samples) -> Any:
        return self.detector.own_normal(samples)

    def describe(self, group: Group, score: float) -> str:
        return self.detector.describe(group)

    def reconstruct(self, samples: Samples) -> None:  # type: ignore[override]
        return None


def own_scorer() -> Scorer:
    return cast(Scorer, _Own(["MLII"], Ecgsyn(), BeatOptions(), 320, 1.5, 140, ("record", "rhythm")))


@pytest.fixture(scope="module")
def scored() -> ScoredRecording:
    return score_recording(recording(), own_scorer(), annotator="atr")


def test_too_few_beats_to_say_what_is_usual_are_warned_of(scored: ScoredRecording) -> None:
    whole = recording()
    few = replace(whole, samples=whole.samples[:7], symbols=whole.symbols[:7])
    told = [one for one in score_recording(few, own_scorer(), annotator="atr").warnings if "same score" in one]
    assert len(told) == 1
    assert not any("same score" in one for one in scored.warnings)


# Families


def test_beats_of_one_shape_are_one_family(scored: ScoredRecording) -> None:
    kinds = np.array(kinds_of(200))
    assert len(scored.families) == 2
    for family in scored.families:
        assert len(set(kinds[family.rows])) == 1
        assert (scored.beats["family"].to_numpy()[family.rows] == family.number).all()
    assert {kinds[family.rows[0]]: len(family.rows) for family in scored.families} == {WIDE: 20, TALL: 10}
    assert ((scored.beats["family"] > 0) == scored.beats["flagged"]).all()
    assert scored.facts["families"] == 2


def test_families_come_with_the_largest_deviation_first(scored: ScoredRecording) -> None:
    means = [family.score for family in scored.families]
    assert means == sorted(means, reverse=True)
    assert [family.number for family in scored.families] == [1, 2]
    for family in scored.families:
        own = scored.beats["score"].to_numpy()[family.rows]
        assert (family.score, family.highest) == (pytest.approx(own.mean()), own.max())


def test_the_table_of_families(scored: ScoredRecording) -> None:
    frame, beats = family_frame(scored.families, scored.beats), scored.beats
    for row, family in zip(frame.to_dict("records"), scored.families, strict=True):
        times = beats["time_s"].to_numpy()[family.rows]
        assert (row["first_s"], row["last_s"], row["beats"]) == (times[0], times[-1], len(times))
        assert row["share"] == pytest.approx(len(times) / beats["score"].notna().sum(), abs=1e-6)
    assert list(family_frame([], beats).columns) == list(frame.columns)


def test_the_reason_says_when_the_beats_come_and_what_is_unlike(scored: ScoredRecording) -> None:
    kinds = np.array(kinds_of(200))
    early, tall = sorted(scored.families, key=lambda family: kinds[family.rows[0]] != WIDE)
    assert early.early == pytest.approx(0.35, abs=0.02)
    assert early.reason.startswith("comes 35 % early")
    assert "unlike the record's" in early.reason
    assert "early" not in tall.reason
    assert "QRS unlike the record's" in tall.reason
    assert re.search("P wave .*as usual", tall.reason)


def test_mean_and_beats_of_a_family_are_those_of_its_samples(scored: ScoredRecording) -> None:
    kinds = np.array(kinds_of(200))
    for family in scored.families:
        peak = {WIDE: -1.6, TALL: 2.6}[str(kinds[family.rows[0]])]
        assert family.mean.shape == (320, 1)
        assert family.mean[np.abs(family.mean).argmax(), 0] == pytest.approx(peak, abs=0.1)
        assert family.drawn.shape == (len(family.rows), 320, 1)
        np.testing.assert_allclose(family.drawn.mean(axis=0), family.mean, atol=1e-5)


def test_without_a_detectors_own_space_shapes_are_told_apart_too() -> None:
    found = score_recording(recording(), toy_scorer(threshold=1.3), annotator="atr")
    kinds = np.array(kinds_of(200))
    assert {str(kinds[family.rows[0]]): len(family.rows) for family in found.families} == {WIDE: 20, TALL: 10}
    assert {family.reason.split(",")[0] for family in found.families} == {"early", "on time"}
    assert found.normal is not None
    assert found.normal.usual == found.facts["scored"] - found.facts["flagged"]


def test_stretches_and_one_piece_have_the_same_families(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score_recording(recording(), toy_scorer(threshold=1.3), annotator="atr")
    monkeypatch.setattr(windows_module, "BLOCK_S", 40)
    parts = score_recording(recording(), toy_scorer(threshold=1.3), annotator="atr")
    assert list(parts.beats["family"]) == list(whole.beats["family"])
    assert parts.normal is not None
    assert whole.normal is not None
    assert (parts.normal.usual, parts.normal.rate) == (whole.normal.usual, whole.normal.rate)


def test_clusters_do_not_depend_on_the_order_and_of_many_points_all_are_assigned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    true = np.repeat([0, 1, 2], [50, 30, 20])
    points = np.array([[0.0, 0], [3, 0], [0, 3]])[true] + rng.normal(0, 0.05, (100, 2))
    order = rng.permutation(100)
    for rows in (np.arange(100), order):
        found = cluster(points[rows])
        assert len(set(found)) == len(set(zip(found, true[rows], strict=True))) == 3
    np.testing.assert_array_equal(cluster(points), cluster(points.copy()))
    monkeypatch.setattr(module, "CLUSTERED", 40)
    monkeypatch.setattr(module, "CUT", 1.0)
    found = cluster(points[order])
    assert len(found) == 100
    assert len(set(found)) == len(set(zip(found, true[order], strict=True))) == 3


def test_a_few_odd_points_far_apart_are_no_family() -> None:
    rng = np.random.default_rng(2)
    odd = np.array([[2.0, 0, 0], [0, 2, 0], [0, 0, 2]])
    points = np.concatenate([rng.normal(0, 0.03, (60, 3)), odd])
    assert [int((cluster(points) == one).sum()) for one in cluster(points)[-3:]] == [1, 1, 1]


def test_there_are_never_more_families_than_can_be_looked_at() -> None:
    points = 100 * np.random.default_rng(0).normal(size=(300, 4))
    assert len(set(cluster(points))) == module.MOST
    assert set(cluster(points[:1])) == set(cluster(np.empty((3, 0)))) == {0}


# Words


def test_words_follow_the_components_and_name_what_they_do_not_know() -> None:
    usual = {"qrs": (0.0, 1.0), "p": (0.0, 1.0), "rhythm": (0.0, 1.0), "odd_thing": (0.0, 0.0), "total": (0.0, 1.0)}
    quiet = dict.fromkeys(usual, 0.0)
    assert in_words(Group(quiet, usual, 0.02)).endswith("by itself, QRS and P wave as usual")
    told = in_words(Group(quiet | {"p": 9.0, "rhythm": 9.0, "total": 9.0}, usual, 0.38))
    assert told == "comes 38 % early, P wave unlike the record's, QRS as usual"
    assert in_words(Group(quiet | {"qrs": 1.5, "p": 9.0}, usual)).startswith("P wave unlike")
    assert "odd thing is high" in in_words(Group(quiet | {"odd_thing": 0.1}, usual, -0.3))
    assert in_words(Group({}, {}, -0.3)) == "comes 30 % late"
    assert in_words(Group({}, {}, -4.4)) == "comes after 5.4 times the usual interval"
    assert in_words(Group({}, {})) == ""


# What was taken for normal


def test_normal_is_the_usual_beat_of_the_record(scored: ScoredRecording) -> None:
    normal = scored.normal
    assert normal is not None
    peak = int(np.abs(normal.template[:, 0]).argmax())
    assert normal.template[peak, 0] == pytest.approx(1.0, abs=0.08)
    assert peak == round(normal.before_s * RATE) == 140
    assert normal.rate == pytest.approx(60, abs=1)
    assert 50 < normal.qrs_ms < 100
    assert scored.facts["normal"]["usual"] == normal.usual
    json.dumps(scored.facts)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"calm": 0.03}, "3 % of the beats"),
        ({"calm_usual": 0.4}, "40 % of the beats"),
        ({"rate": 150.0}, "150 a minute"),
        ({"rate": 30.0}, "30 a minute"),
        ({"qrs_ms": 140.0}, "140 ms wide"),
        ({"spread": 0.2}, "RR intervals vary"),
        ({"clear": 0.05, "rate": 150.0}, "noise"),
    ],
)
def test_a_majority_that_may_not_be_normal_is_warned_of(change: dict[str, Any], words: str) -> None:
    good = Normal(np.zeros((320, 1), np.float32), 0.4, 0.9, 100, 0.9, 70.0, 90.0, 0.03)
    assert warnings_of(good) == []
    (warning,) = warnings_of(replace(good, **change))
    assert words in warning
    assert len(warnings_of(None)) == 1


def test_ectopic_beats_are_no_doubt_of_what_is_normal_and_fibrillation_is_one() -> None:
    kinds = ["usual"] * 70 + ["usual", "usual", WIDE] * 50
    gaps = np.concatenate([np.full(70, 0.8), np.tile([1.1, 0.8, 0.5], 50)])
    found = score_recording(recording(kinds=kinds, gaps=gaps), own_scorer(), annotator="atr")
    assert found.normal is not None
    assert found.facts["flagged"] >= 40
    assert found.normal.share < 0.5
    assert not any("normal" in warning for warning in found.warnings)
    gaps = np.random.default_rng(1).uniform(0.45, 1.3, 200)
    found = score_recording(recording(kinds=["usual"] * 200, gaps=gaps), own_scorer(), annotator="atr")
    assert any("RR intervals vary" in warning for warning in found.warnings)


@pytest.mark.parametrize("kind", ["white", "wandering"])
def test_a_recording_of_noise_alone_is_said_to_be_one(scored: ScoredRecording, kind: str) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (round(300 * RATE), 1))
    signals = noise if kind == "white" else np.cumsum(noise, axis=0)
    record = Record("noise", signals.astype(np.float32), RATE, ["MLII"], np.zeros(0, dtype=np.int64), [])
    found = score_recording(record, own_scorer())
    assert any("may be noise and no ECG" in warning for warning in found.warnings)
    assert not any("may be noise and no ECG" in warning for warning in scored.warnings)


def test_bigeminy_is_warned_of_in_summary_and_terminal() -> None:
    kinds = ["usual", WIDE] * 60
    found = score_recording(recording(kinds=kinds), own_scorer(), annotator="atr")
    assert found.warnings == found.facts["warnings"]
    assert found.warnings
    outcome = Outcome(Wanted(Path("a"), Path("a"), "a"), {"threshold": 1.5, **found.facts})
    console = Console(record=True, width=400)
    tell([outcome], Path("out"), Console(), console)
    assert found.warnings[0] in console.export_text()
    assert found.warnings[0] in summary_frame([outcome])["warnings"][0]


# Rhythms that compete


def in_runs(*runs: tuple[str, int, float]) -> Record:
    """Runs of beats of a kind: how many, and their interval."""
    kinds = [kind for kind, count, _ in runs for _ in range(count)]
    return recording(kinds=kinds, gaps=np.concatenate([np.full(count, gap) for _, count, gap in runs]))


def competing(record: Record) -> tuple[ScoredRecording, list[str]]:
    found = score_recording(record, own_scorer(), annotator="atr")
    return found, [one for one in found.warnings if "compete" in one]


def test_a_record_of_one_rhythm_has_none_that_compete(scored: ScoredRecording) -> None:
    assert scored.normal is not None
    assert scored.normal.modes == ()
    assert "modes" not in scored.facts["normal"]
    assert Scored(scored).modes.empty


@pytest.mark.parametrize(("kind", "reason"), [("usual", "a more usual rate"), (WIDE, "a narrower QRS")])
def test_a_tachycardia_of_more_than_half_is_shown_beside_what_was_taken(kind: str, reason: str) -> None:
    found, warnings = competing(in_runs(("usual", 100, 0.8), (kind, 150, 0.4)))
    normal = found.normal
    assert normal is not None
    slow, fast = normal.modes
    assert (slow.taken, fast.taken, normal.modes_by) == (True, False, "rate")
    assert (slow.rate, fast.rate) == (pytest.approx(75, abs=1), pytest.approx(150, abs=1))
    assert (slow.share, fast.share) == (pytest.approx(0.4, abs=0.02), pytest.approx(0.6, abs=0.02))
    assert slow.beats + fast.beats == found.facts["scored"]
    assert (slow.of_usual, fast.of_usual) == (1, 0)
    assert (fast.qrs_ms > slow.qrs_ms + 40) == (kind == WIDE)
    peaks = [mode.template[np.abs(mode.template).argmax(), 0] for mode in normal.modes]
    assert peaks == [pytest.approx(1.0, abs=0.1), pytest.approx(-1.6 if kind == WIDE else 1.0, abs=0.15)]
    assert reason in slow.reason
    assert "lasts longer" in fast.reason
    assert ("a narrower QRS" in slow.reason) == (kind == WIDE)
    (warning,) = warnings
    assert "not the majority" in warning
    assert "75 a minute" in warning
    assert "150 a minute" in warning
    told = json.loads(json.dumps(found.facts["normal"]))
    assert [mode["taken"] for mode in told["modes"]] == [True, False]
    assert told["odds"] > 1
    assert told["choice"].startswith("The first was taken")
    table = Scored(found).modes
    assert list(table["rate_per_min"]) == pytest.approx([75, 150], abs=1)
    assert list(table["taken"]) == [True, False]


def test_a_short_tachycardia_is_shown_and_not_warned_of() -> None:
    found, warnings = competing(in_runs(("usual", 250, 0.9), (WIDE, 60, 0.4)))
    assert found.normal is not None
    assert [mode.taken for mode in found.normal.modes] == [True, False]
    assert found.normal.modes[0].share > 0.7
    assert warnings == []


def test_two_rates_of_the_sinus_node_do_not_compete() -> None:
    found, warnings = competing(in_runs(("usual", 120, 0.95), ("usual", 130, 0.65)))
    assert found.normal is not None
    assert found.normal.modes == ()
    assert warnings == []


def test_a_choice_between_a_long_fast_rhythm_and_a_short_slow_one_is_a_close_one() -> None:
    found, warnings = competing(in_runs(("usual", 60, 0.95), ("usual", 200, 0.44)))
    assert found.normal is not None
    assert 1 <= found.facts["normal"]["odds"] < 3
    assert len(warnings) == 1
    assert "close" in warnings[0]


def test_in_bigeminy_both_kinds_of_beats_are_shown() -> None:
    found, warnings = competing(recording(kinds=["usual", WIDE] * 80))
    normal = found.normal
    assert normal is not None
    assert normal.modes_by == "shape"
    assert [mode.share for mode in normal.modes] == [pytest.approx(0.5, abs=0.01)] * 2
    assert [mode.rate for mode in normal.modes] == [pytest.approx(60 / 0.975, rel=0.02)] * 2
    assert {round(float(np.abs(mode.template).max()), 1) for mode in normal.modes} == {1.0, 1.6}
    narrow, wide = sorted(normal.modes, key=lambda mode: mode.qrs_ms)
    assert wide.qrs_ms > narrow.qrs_ms + 40
    assert "a narrower QRS" in narrow.reason
    assert wide.taken
    assert narrow.taken
    assert any("both count as usual" in one for one in warnings)


def test_a_wide_rhythm_of_the_same_rate_is_shown_and_warned_of() -> None:
    found, warnings = competing(in_runs(("usual", 90, 0.8), (WIDE, 150, 0.8)))
    normal = found.normal
    assert normal is not None
    assert normal.modes_by == "shape"
    assert [mode.taken for mode in normal.modes] == [True, True]
    assert [mode.share for mode in normal.modes] == [pytest.approx(0.625, abs=0.02), pytest.approx(0.375, abs=0.02)]
    assert len(warnings) == 1
    assert "both count as usual" in warnings[0]


def test_frequent_ectopic_beats_are_a_kind_of_their_own_and_no_doubt() -> None:
    pattern = ["usual"] * 6 + ["usual", WIDE] * 2
    found, warnings = competing(recording(kinds=pattern * 30))
    assert found.normal is not None
    assert [mode.taken for mode in found.normal.modes] == [True, False]
    assert [mode.share for mode in found.normal.modes] == [pytest.approx(0.8, abs=0.01), pytest.approx(0.2, abs=0.01)]
    assert "100 % of the beats that come when expected" in found.facts["normal"]["choice"]
    assert warnings == []


# Episodes


def beats_of(flags: str, families: list[int] | None = None) -> pd.DataFrame:
    """`x` is flagged, `.` is not, `?` was not scored, `~` cannot be read; beats come every half second, scores rise."""
    score = [np.nan if flag == "?" else float(number) for number, flag in enumerate(flags)]
    return pd.DataFrame({
        "number": np.arange(1, len(flags) + 1), "time_s": 0.5 * np.arange(len(flags)), "score": score,
        "flagged": [flag == "x" for flag in flags], "family": families or [0] * len(flags),
        "reason": ["noise" if flag == "~" else "flat" if flag == "?" else "" for flag in flags],
    })  # fmt: skip


def test_consecutive_flagged_beats_are_episodes() -> None:
    found = episodes_of(beats_of("xx.x.xxx?xx"), [])
    assert list(found["first_beat"]) == [1, 6, 10]
    assert list(found["beats"]) == [2, 3, 2]
    assert list(found["start_s"]) == [0.0, 2.5, 4.5]
    assert list(found["end_s"]) == [0.5, 3.5, 5.0]
    assert list(found["highest_score"]) == [1.0, 7.0, 10.0]
    assert list(found["rate_per_min"]) == [120.0] * 3
    assert [kind.split()[0] for kind in found["kind"]] == ["pair", "run", "pair"]
    assert len(episodes_of(beats_of("x.x.?"), [])) == 0


def test_an_episode_has_a_family_if_it_is_one(scored: ScoredRecording) -> None:
    families = [replace(scored.families[0], reason="first"), replace(scored.families[1], reason="second")]
    found = episodes_of(beats_of("xx.xx", [1, 1, 0, 1, 2]), families)
    assert found["family"].tolist() == [1, pd.NA]
    assert list(found["reason"]) == ["first", "second"]


def test_stretches_of_noise_and_irregular_rhythm_are_episodes_in_the_order_of_time() -> None:
    flags = "xx" + "~" * 21 + "." * 60 + "xxx" + "." * 60
    irregular = np.zeros(len(flags), dtype=bool)
    irregular[30:92] = True
    found = episodes_of(beats_of(flags), [], irregular=irregular)
    assert list(found["kind"]) == ["pair of beats", "noise", "irregular rhythm", "run of beats"]
    assert list(found["episode"]) == [1, 2, 3, 4]
    assert list(found["first_beat"]) == [1, 3, 31, 84]
    assert list(found["beats"]) == [2, 21, 62, 3]
    assert found["rate_per_min"].isna().tolist() == [False, True, False, False]
    assert found["family"].isna().all()
    assert found["reason"][1:3].str.len().all()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("~" * 21, [(0, 21)]), ("~" * 20, []), ("~" * 11 + "." * 4 + "~" * 11, [(0, 26)]),
     ("~" * 11 + "." * 5 + "~" * 11, []), ("~." * 40, []), ("." * 40, [])],
)  # fmt: skip
def test_a_stretch_lasts_and_short_breaks_of_it_are_bridged(flags: str, expected: list[tuple[int, int]]) -> None:
    mask = np.array([flag == "~" for flag in flags])
    assert list(stretches(0.5 * np.arange(len(flags)), mask, 10.0, 3.0)) == expected


def test_a_pause_without_beats_ends_a_stretch() -> None:
    times = np.concatenate([np.arange(40.0), 100 + np.arange(40.0)])
    assert list(stretches(times, np.ones(80, dtype=bool), 30.0, 30.0)) == [(0, 40), (40, 80)]


def test_noise_is_no_anomaly(tmp_path: Path) -> None:
    made = recording()
    noisy = (made.samples > 60 * RATE) & (made.samples < 90 * RATE)
    signals = made.signals.copy()
    signals[round(59 * RATE) : round(91 * RATE)] += np.random.default_rng(3).normal(0, 0.3, (round(32 * RATE), 1))
    found = score_recording(replace(made, signals=signals), own_scorer(), annotator="atr")
    of, quiet = found.beats[noisy], found.beats[~noisy]
    assert set(of["reason"]) == {"noise"}
    assert of["score"].max() >= found.threshold
    assert not of["flagged"].any()
    assert not of["family"].any()
    assert quiet["flagged"].sum() > 10
    assert (quiet["flagged"] == (quiet["score"] >= found.threshold))[quiet["reason"] == ""].all()
    assert found.facts["noisy"] == (found.beats["reason"] == "noise").sum() <= noisy.sum() + 4
    assert found.facts["flagged"] == found.beats["flagged"].sum()
    (episode,) = found.episodes[found.episodes["kind"] == "noise"].to_dict("records")
    assert episode["beats"] == found.facts["noisy"]
    write_scored(tmp_path, "made", found)
    assert list(pd.read_csv(tmp_path / "made.csv", keep_default_na=False)["reason"]) == list(found.beats["reason"])
    annotations = wfdb.rdann(str(tmp_path / "made"), "ecgan")
    told = [note.rstrip("\0").endswith("noise") for note in annotations.aux_note]
    np.testing.assert_array_equal(told, found.beats["reason"] == "noise")
    assert {annotations.symbol[row] for row in np.flatnonzero(told)} == {"?"}


def test_beats_whose_intervals_the_dataset_does_not_say_have_them_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made, scorer = recording(kinds=["usual"] * 30), own_scorer()
    expected, cut = score_recording(made, scorer, annotator="atr"), type(scorer.dataset).cut

    def without(self: Any, record: Record, options: Any) -> Samples:
        found = cut(self, record, options)
        return replace(found, table=found.table.drop(columns=["rr_prev_s", "rr_next_s"]))

    monkeypatch.setattr(type(scorer.dataset), "cut", without)
    found = score_recording(made, scorer, annotator="atr")
    pd.testing.assert_frame_equal(found.beats, expected.beats)


def test_irregular_rhythm_is_said_once() -> None:
    gaps = np.random.default_rng(5).uniform(0.7, 1.4, 200)
    kinds = np.array(["usual"] * 200)
    regular, irregular = (
        score_recording(recording(kinds=kinds.tolist(), gaps=rr), own_scorer(), annotator="atr")
        for rr in (np.ones(200), gaps)
    )
    assert not regular.facts["noisy"]
    assert len(regular.episodes) == 0
    assert not any("as in atrial fibrillation" in text for text in regular.warnings)
    (episode,) = irregular.episodes[irregular.episodes["kind"] == "irregular rhythm"].to_dict("records")
    assert episode["beats"] > 180
    assert any("as in atrial fibrillation" in text for text in irregular.warnings)
    assert irregular.facts["episodes"] == len(irregular.episodes)


def test_irregular_rhythm_is_warned_of_from_a_twentieth_on() -> None:
    mask = np.zeros(400, dtype=bool)
    mask[:61] = True
    found = episodes_of(beats_of("." * 400), [], irregular=mask)
    assert rhythm_warnings(found, 600.0) == []
    assert len(rhythm_warnings(found, 599.0)) == 1


# Decisions


def exported(scored: ScoredRecording, path: Path, *decisions: str, **wrong: str) -> Path:
    """What the page exports."""
    rows = [
        {"record": "made", "family": family.number, "decision": decision, "beats": len(family.rows),
         "first_beat": scored.beats["number"][family.rows[0]], "reason": 'a "b", c', **wrong}
        for family, decision in zip(scored.families, decisions, strict=True)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_annotations_are_those_of_the_accepted_families(scored: ScoredRecording, tmp_path: Path) -> None:
    path = exported(scored, tmp_path / "made.decisions.csv", "rejected", "accepted")
    decided = Scored(scored).decide(path)
    write_scored(tmp_path, "made", decided.recording)
    found = wfdb.rdann(str(tmp_path / "made"), "ecgan")
    rows = scored.families[1].rows
    assert list(found.sample) == list(scored.beats["sample"][rows])
    assert set(found.symbol) == {"Q"}
    assert all(note.rstrip("\0").endswith("flagged family 2") for note in found.aux_note)
    assert list(pd.read_csv(tmp_path / "made.families.csv")["decision"]) == ["rejected", "accepted"]
    assert json.loads((tmp_path / "made.json").read_text())["decisions"] == {"accepted": 1, "rejected": 1}
    assert len(pd.read_csv(tmp_path / "made.csv")) == len(scored.beats)
    assert Scored(scored).decide({2: "accepted"}).families["decision"].tolist() == ["", "accepted"]
    assert not scored.decided


def test_decisions_of_a_recording_with_a_name_like_a_formula_are_read(scored: ScoredRecording, tmp_path: Path) -> None:
    formula = replace(scored, record=replace(scored.record, name="=1+1"))
    path = exported(formula, tmp_path / "made.decisions.csv", "rejected", "accepted", record="'=1+1")
    assert read_decisions(path, formula) == {1: "rejected", 2: "accepted"}


def test_decisions_of_something_else_are_refused(scored: ScoredRecording, tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    with pytest.raises(EcganError, match="other families"):
        read_decisions(exported(scored, path, "accepted", "", beats="3"), scored)
    with pytest.raises(EcganError, match="decides 'perhaps'"):
        read_decisions(exported(scored, path, "perhaps", ""), scored)
    table = pd.read_csv(exported(scored, path, "accepted", ""))
    table.assign(record="another").to_csv(path, index=False)
    with pytest.raises(EcganError, match="of the recording 'another'"):
        read_decisions(path, scored)
    table.assign(record=scored.record.name).to_csv(path, index=False)
    assert read_decisions(path, scored) == {1: "accepted"}
    path.write_text("family,decision\n1,accepted\n")
    with pytest.raises(EcganError, match="holds no decisions"):
        read_decisions(path, scored)
    with pytest.raises(EcganError, match="cannot read"):
        read_decisions(tmp_path / "none.csv", scored)
    with pytest.raises(EcganError, match="no family is accepted"):
        Scored(scored).decide(exported(scored, path, "rejected", ""))
    with pytest.raises(EcganError, match="no family 9"):
        Scored(scored).decide({9: "accepted"})
    with pytest.raises(EcganError, match="cannot be 'maybe'"):
        Scored(scored).decide({1: "maybe"})
