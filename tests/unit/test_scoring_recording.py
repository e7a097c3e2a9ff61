"""Scoring one recording: leads, R peaks, the table, what is explained, and what cannot be scored."""

import re
from dataclasses import replace

import numpy as np
import pytest

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.folder import Folder
from ecgan.datasets.own_recordings import PreprocessOptions as FolderOptions
from ecgan.ecg.aami import BEAT_SYMBOLS
from ecgan.ecg.records import Record
from ecgan.ecg.simulated_patients import simulate
from ecgan.errors import EcganError
from ecgan.reporting.recordings import ScoredRecording
from ecgan.samples import Samples
from ecgan.scoring import recording as module
from ecgan.scoring import windows
from ecgan.scoring.leads import choose_leads, columns
from ecgan.scoring.recording import score_recording
from tests.scorers import toy_scorer


@pytest.fixture(scope="module")
def record() -> Record:
    """Two minutes of MLII and V1 with annotations."""
    found = simulate(1, seed=8, minutes=2, noise=1.0, variability=1.0)
    beats = [index for index, symbol in enumerate(found.symbols) if symbol in BEAT_SYMBOLS]
    symbols = [found.symbols[index] for index in beats]
    return replace(found, samples=found.samples[beats], symbols=symbols, notes=[])


def bare(record: Record, **changes: object) -> Record:
    """The record without annotations."""
    return replace(record, samples=np.zeros(0, dtype=np.int64), symbols=[], **changes)  # type: ignore[arg-type]


def test_detected_beats_have_scores_and_no_symbols(record: Record) -> None:
    scored = score_recording(bare(record), toy_scorer())
    table = scored.beats
    assert abs(len(table) - len(record.samples)) <= 1
    assert set(table["symbol"]) == {""}
    assert scored.record.leads == scored.leads == ["MLII"]
    assert scored.record.signals.shape == (len(record.signals), 1)
    assert scored.facts["beats_from"] == "detected in MLII, V1"
    np.testing.assert_array_equal(scored.record.samples, table["sample"])
    np.testing.assert_array_equal(table["score"].notna(), table["reason"] == "")
    np.testing.assert_array_equal(table["flagged"], table["score"].fillna(-1) >= 1.0)
    np.testing.assert_array_equal(table["component_size"], table["score"])
    assert scored.facts["scored"] + sum(scored.facts["not_scored"].values()) == len(table)
    assert "flagged_by_class" not in scored.facts


def test_beats_are_found_in_all_leads_and_marked_in_those_of_the_model(record: Record) -> None:
    """The model sees MLII alone, which is noise for half of the time."""
    signals = record.signals.copy()
    signals[60 * 360 :, 0] = np.random.default_rng(0).normal(size=60 * 360)
    for turned in (False, True):
        leads = ["V1", "MLII"] if turned else ["MLII", "V1"]
        scored = score_recording(
            bare(record, signals=signals[:, ::-1] if turned else signals, leads=leads), toy_scorer()
        )
        samples = scored.record.samples
        assert np.mean(np.abs(samples[:, None] - record.samples).min(axis=0) <= 54) > 0.98
        assert abs(len(samples) - len(record.samples)) <= 4
        clean = samples[samples < 55 * 360]
        assert np.mean(np.abs(clean[:, None] - record.samples).min(axis=1) <= 4) > 0.9
        assert scored.facts["beats_from"] == f"detected in {', '.join(leads)}"


def of_the_recording(scored: ScoredRecording) -> list[str]:
    """What is warned of beside that the model knows simulated ECG only."""
    first, *others = scored.warnings
    assert "simulated" in first
    return others


def test_a_long_stretch_without_beats_is_a_warning(record: Record) -> None:
    assert of_the_recording(score_recording(bare(record), toy_scorer())) == []
    signals = record.signals.copy()
    for begin in (20, 60):
        signals[begin * 360 : (begin + 15) * 360] *= 0.08  # a contact that is nearly lost
    (warning,) = of_the_recording(score_recording(bare(record, signals=signals), toy_scorer()))
    assert re.search(r"0:00:(19|20) to 0:00:3[56], 0:00:(59|60) to 0:01:1[56]", warning)
    kept = (record.samples < 60 * 360) | (record.samples > 70 * 360)
    some = replace(record, samples=record.samples[kept], symbols=[record.symbols[row] for row in np.flatnonzero(kept)])
    (warning,) = of_the_recording(score_recording(some, toy_scorer(), annotator="atr"))
    assert re.search(r"0:00:59 to 0:01:1[01]", warning)


def test_annotations_are_taken_only_when_they_are_asked_for(record: Record) -> None:
    shifted = replace(record, samples=record.samples[5:25], symbols=record.symbols[5:25])
    assert len(score_recording(shifted, toy_scorer()).beats) > 50
    scored = score_recording(shifted, toy_scorer(), annotator="atr")
    assert list(scored.beats["sample"]) == list(record.samples[5:25])
    assert list(scored.beats["symbol"]) == record.symbols[5:25]
    counted = scored.facts["flagged_by_class"]
    assert sum(entry["scored"] for entry in counted.values()) == 20
    assert sum(entry["flagged"] for entry in counted.values()) == scored.facts["flagged"]


def test_leads_go_to_the_model_in_its_order_and_under_its_names(record: Record) -> None:
    turned = replace(record, signals=record.signals[:, ::-1], leads=["V1", "MLII"])
    one = score_recording(record, toy_scorer(["MLII", "V1"], threshold=0.0), annotator="atr")
    other = score_recording(turned, toy_scorer(["MLII", "V1"], threshold=0.0), annotator="atr")
    np.testing.assert_array_equal(one.beats["score"], other.beats["score"])
    np.testing.assert_array_equal(one.explained[0].signal, other.explained[0].signal)
    swapped = score_recording(record, toy_scorer(["MLII", "V1"]), leads=["V1", "MLII"], annotator="atr")
    assert swapped.record.leads == ["V1", "MLII"]
    assert swapped.leads == ["MLII", "V1"]
    np.testing.assert_array_equal(swapped.record.signals, record.signals[:, ::-1])
    single = score_recording(record, toy_scorer(), leads=["V1"], annotator="atr")
    assert single.record.leads == ["V1"]
    assert single.beats["score"].max() != one.beats["score"].max()


def test_a_lead_of_any_name_is_called_as_in_the_recording(record: Record) -> None:
    turned = replace(record, signals=record.signals[:, ::-1], leads=["V5", "MLII"])
    scored = score_recording(turned, toy_scorer(["MLII", "*"]), annotator="atr")
    assert (scored.leads, scored.record.leads) == (["MLII", "V5"], ["MLII", "V5"])


def test_the_highest_scores_are_explained_first_and_not_all(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXPLAINED", 7)
    scored = score_recording(record, toy_scorer(threshold=0.1), annotator="atr")
    table = scored.beats
    assert len(scored.explained) == 7
    rows = [one.row for one in scored.explained]
    assert table["flagged"].iloc[rows].all()
    assert list(table["score"].iloc[rows]) == sorted(table["score"].dropna(), reverse=True)[:7]
    for one in scored.explained:
        start = round(one.start_s * 360)
        window = record.signals[start : start + round(one.duration_s * 360), :1]  # (L, C)
        np.testing.assert_allclose(one.signal, window, atol=1e-4)
        assert start == table["sample"].iloc[one.row] - 140
        assert one.reconstruction is not None
        np.testing.assert_allclose(one.reconstruction, window.mean(), atol=1e-3)


def test_an_aligned_beat_is_explained_where_it_was_cut(record: Record) -> None:
    scorer = toy_scorer(options=BeatOptions(align="deflection"), threshold=0.1)
    beside = replace(record, samples=record.samples + 9)
    scored = score_recording(beside, scorer, annotator="atr")
    signal = record.signals[:, record.leads.index("MLII")]
    assert list(scored.beats["sample"]) == list(beside.samples)
    for one in scored.explained[:20]:
        start = round(one.start_s * 360)
        np.testing.assert_allclose(one.signal[:, 0], signal[start : start + 320], atol=1e-4)


def test_annotations_beside_the_peaks_are_warned_of(record: Record) -> None:
    beside = replace(record, samples=record.samples + 9)

    def beside_the_peaks(scored: ScoredRecording) -> list[str]:
        return [warning for warning in scored.warnings if "25 ms behind" in warning]

    assert not beside_the_peaks(score_recording(record, toy_scorer(), annotator="atr"))
    assert len(beside_the_peaks(score_recording(beside, toy_scorer(), annotator="atr"))) == 1
    assert not beside_the_peaks(score_recording(beside, toy_scorer()))
    aligned = toy_scorer(options=BeatOptions(align="template"))
    assert not beside_the_peaks(score_recording(beside, aligned, annotator="atr"))


def test_nothing_flagged_is_nothing_explained(record: Record) -> None:
    scored = score_recording(record, toy_scorer(threshold=1e9), annotator="atr")
    assert scored.explained == []
    assert not scored.beats["flagged"].any()


def test_pieces_of_a_long_recording_are_one_table(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score_recording(record, toy_scorer(threshold=0.8), annotator="atr")
    monkeypatch.setattr(windows, "BLOCK_S", 30)
    pieces = score_recording(record, toy_scorer(threshold=0.8), annotator="atr")
    assert whole.beats.equals(pieces.beats)
    assert [one.row for one in whole.explained] == [one.row for one in pieces.explained]
    for one, other in zip(whole.explained, pieces.explained, strict=True):
        np.testing.assert_array_equal(one.signal, other.signal)


def test_pieces_that_are_cut_side_by_side_are_the_same(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "BLOCK_S", 30)
    alone = score_recording(record, toy_scorer(threshold=0.8), annotator="atr")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("ECGAN_WORKERS", "2")
    assert score_recording(record, toy_scorer(threshold=0.8), annotator="atr").beats.equals(alone.beats)


def test_a_run_that_looks_at_the_record_is_given_all_of_it(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = toy_scorer(threshold=0.8, context=("record", "rhythm"))
    given: list[Samples] = []
    judge = scorer.judge
    monkeypatch.setattr(scorer, "judge", lambda samples, inputs: given.append(samples) or judge(samples))
    whole = score_recording(record, toy_scorer(threshold=0.8), annotator="atr")
    monkeypatch.setattr(windows, "BLOCK_S", 30)
    found = score_recording(record, scorer, annotator="atr")
    assert found.beats.equals(whole.beats)
    (samples,) = given
    scored = found.beats[found.beats["reason"] == ""]
    assert samples.table["sample"].tolist() == scored["sample"].tolist()
    assert samples.around is not None
    np.testing.assert_array_equal(samples.around.signals, samples.signals)
    rows = np.searchsorted(record.samples, samples.table["sample"])
    np.testing.assert_allclose(samples.table["rr_prev_s"][1:], (np.diff(record.samples) / 360)[rows[1:] - 1], atol=1e-6)


def test_what_a_run_with_a_context_reconstructs_stands_in_its_record(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = toy_scorer(threshold=0.8, context=("record", "rhythm"))
    given: list[Samples] = []
    reconstruct = scorer.reconstruct
    monkeypatch.setattr(scorer, "reconstruct", lambda samples: given.append(samples) or reconstruct(samples))
    found = score_recording(record, scorer, annotator="atr")
    (samples,) = given
    assert samples.around is not None
    assert len(samples.around) == found.beats["score"].notna().sum()
    assert samples.places is not None
    np.testing.assert_array_equal(samples.around.signals[samples.places], samples.signals)


def test_a_stretch_without_a_beat_that_can_be_scored_is_passed_over(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals = record.signals.copy()
    signals[40 * 360 : 80 * 360] = np.nan
    monkeypatch.setattr(windows, "BLOCK_S", 20)
    found = score_recording(replace(record, signals=signals), toy_scorer(threshold=0.8), annotator="atr").beats
    assert found["sample"].tolist() == record.samples.tolist()
    gone = (found["time_s"] > 41) & (found["time_s"] < 79)
    assert set(found["reason"][gone]) == {"with too large gaps"}
    assert found["score"][~gone].notna().sum() > 70


def test_a_long_recording_without_any_beat_is_one_sentence(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "BLOCK_S", 20)
    with pytest.raises(EcganError, match="p02 of 120 s has 0 R peaks") as caught:
        score_recording(bare(record), toy_scorer(), annotator="atr")
    assert "longer recording" in caught.value.hint


def test_a_dead_first_lead_does_not_hide_the_beats_of_the_second(record: Record) -> None:
    noise = np.random.default_rng(0).normal(scale=1e-6, size=len(record.signals))
    gone = np.where(np.arange(len(noise)) % 400 < 200, np.nan, noise)
    signals = np.stack([gone, record.signals[:, 0]], axis=1)
    with pytest.raises(EcganError, match="too large gaps"):  # the beats are found, and named as what they are
        score_recording(bare(record, signals=signals), toy_scorer(["MLII", "V1"]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signals": np.full((7200, 2), 0.3)}, "flat in lead MLII: every value is 0.3 mV"),
        ({"signals": np.full((7200, 2), np.nan)}, "no values in lead MLII"),
        ({"signals": np.random.default_rng(0).normal(size=(200, 2))}, "lasts 0.556 s, less than the 0.889 s"),
        ({"signals": np.zeros((0, 2))}, "lasts 0 s"),
        ({"sampling_rate": 0.0}, "sampling rate of 0 Hz"),
        ({"sampling_rate": float("nan")}, "sampling rate of nan Hz"),
        ({"sampling_rate": 40.0}, "at least 80 Hz"),
        ({"leads": ["I", "II"]}, "'MLII', did you mean 'II'? The model sees MLII; the recording has I, II"),
        (
            {"signals": np.where(np.arange(7200) % 720 < 360, np.nan, np.sin(np.arange(7200)))[:, None].repeat(2, 1)},
            "0 R",
        ),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(record: Record, changes: dict[str, object], words: str) -> None:
    with pytest.raises(EcganError) as caught:
        score_recording(bare(record, **changes), toy_scorer())
    assert words in caught.value.message
    assert caught.value.message.count("\n") == 0


def test_beats_of_which_none_can_be_scored_are_an_error_with_the_reasons(record: Record) -> None:
    signals = record.signals.copy()
    for position in record.samples:
        signals[max(0, position - 100) : position + 10] = np.nan
    with pytest.raises(EcganError, match=r"none of the \d+ beats of p02 .*\d+ × with too large gaps"):
        score_recording(replace(record, signals=signals), toy_scorer(), annotator="atr")


@pytest.mark.parametrize(
    ("have", "expected", "given", "found"),
    [
        (["V1", "MLII"], ["MLII"], None, [1]),
        (["V1", "MLII"], ["MLII", "V1"], None, [1, 0]),
        (["ECG II", "ECG V1"], ["II"], None, [0]),
        (["I", "II"], ["MLII"], ["II"], [1]),
        (["1"], ["MLII"], ["1"], [0]),
        (["a", "b", "c"], ["MLII", "V1"], ["c", "a"], [2, 0]),
    ],
)
def test_leads_by_name_or_as_they_are_given(
    have: list[str], expected: list[str], given: list[str] | None, found: list[int]
) -> None:
    assert choose_leads(have, expected, given) == found


@pytest.mark.parametrize(("chosen", "copied"), [([0, 1, 2], False), ([1, 2], False), ([2], False), ([1, 0], True)])
def test_leads_side_by_side_are_not_copied(chosen: list[int], copied: bool) -> None:
    signals = np.arange(12.0).reshape(4, 3)
    found = columns(signals, chosen)
    np.testing.assert_array_equal(found, signals[:, chosen])
    assert np.shares_memory(found, signals) is not copied


@pytest.mark.parametrize(
    ("have", "expected", "given", "words", "hint"),
    [
        (["I", "V5"], ["MLII"], None, "The model sees MLII; the recording has I, V5.", "--leads I"),
        (["V5", "MLII"], ["MLII", "V1"], None, "no lead 'V1'", "--leads MLII,V5"),
        (["II"], ["MLII", "V1"], None, "no lead 'MLII'", "--leads II,LEAD"),
        (["II", "V1"], ["MLII"], ["II", "V1"], "each of the model's 1: MLII", "--leads II"),
        (["II", "V1"], ["MLII", "V1"], ["II", "II"], "each of the model's 2", "--leads II,V1"),
        (["II", "V1"], ["MLII"], ["V9"], "no lead 'V9'", "--leads V1"),
        (["I", "II", "V1"], ["MLII"], None, "did you mean 'II'", "--leads II"),
        (["I", "aVF", "V1"], ["MLII", "V1"], ["I", "aVL"], "did you mean 'aVF'", "--leads I,aVF"),
        (["ECG II", "Lead II"], ["II"], None, "could be each of", "--leads 'ECG II'"),
    ],
)
def test_wrong_leads_name_both_sides_and_the_option(
    have: list[str], expected: list[str], given: list[str] | None, words: str, hint: str
) -> None:
    with pytest.raises(EcganError) as caught:
        choose_leads(have, expected, given)
    assert words in caught.value.message
    assert hint in caught.value.hint


def test_windows_need_no_r_peaks(record: Record) -> None:
    slow = replace(record, signals=record.signals[::8], sampling_rate=45.0)
    options = FolderOptions(cut="windows", rate_hz=45.0, window=90, step=90)
    scored = score_recording(slow, toy_scorer(dataset=Folder(), options=options, length=90, centre=None))
    assert (scored.noun, scored.facts["beats_from"]) == ("window", "windows")
    assert len(scored.beats) == -(-len(slow.signals) // 90)
    with pytest.raises(EcganError, match="sampling rate of 45 Hz"):
        score_recording(slow, toy_scorer())


def test_counts_of_a_converter_are_not_scored_as_millivolts(record: Record) -> None:
    counts = np.rint(record.signals * 200 + 1024)
    with pytest.raises(EcganError, match="no ECG") as caught:
        score_recording(bare(record, signals=counts, assumed=["MLII"]), toy_scorer())
    assert all(word in caught.value.hint for word in ("--gain", "--unit"))
    said = score_recording(bare(record, signals=counts), toy_scorer())  # the file says mV
    assert any("no ECG" in warning and "MLII" in warning for warning in said.facts["warnings"])
    other = score_recording(bare(record, signals=record.signals, assumed=["MLII", "V1"]), toy_scorer())
    assert not any("no ECG" in warning for warning in other.facts["warnings"])
    beside = np.stack([record.signals[:, 0], counts[:, 1]], axis=1)  # in a lead that is not looked at
    assert score_recording(bare(record, signals=beside, assumed=["V1"]), toy_scorer()).facts["scored"]


def test_beats_that_no_heart_has_are_told(record: Record) -> None:
    marks = np.arange(400, len(record.signals) - 400, 50)
    fast = replace(record, samples=marks, symbols=["N"] * len(marks))
    assert any(
        "no heart" in warning for warning in score_recording(fast, toy_scorer(), annotator="atr").facts["warnings"]
    )
    found = score_recording(record, toy_scorer(), annotator="atr")
    assert not any("no heart" in warning for warning in found.facts["warnings"])
