"""From recordings to windows: those of the dataset, whatever the rate, the length and the gaps."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.base import Dataset
from ecgan.datasets.kachuee import ScaledOptions
from ecgan.datasets.mitbih import Mitbih
from ecgan.datasets.mitbih_beats import MitbihBeats
from ecgan.datasets.shaoxing import PreprocessOptions as WindowOptions
from ecgan.datasets.shaoxing import Shaoxing
from ecgan.ecg.aami import BEAT_SYMBOLS
from ecgan.ecg.records import Record, read_record
from ecgan.ecg.segments import segment_ends
from ecgan.ecg.simulated_patients import simulate
from ecgan.errors import EcganError
from ecgan.preprocessing.options import Cleansing, Resampling
from ecgan.preprocessing.rates import at_rate
from ecgan.scoring import windows as module
from ecgan.scoring.scorer import Scorer
from ecgan.scoring.windows import BORDER, LEFT_OUT, Windows, windows_of
from tests.raw.mitbih import write
from tests.scorers import toy_scorer

RATE = 360.0


@pytest.fixture(scope="module")
def record() -> Record:
    """Four minutes of MLII with the beats of the annotations."""
    return one_lead(simulate(1, seed=5, minutes=4, noise=1.0, variability=1.0))


def one_lead(record: Record) -> Record:
    beats = [index for index, symbol in enumerate(record.symbols) if symbol in BEAT_SYMBOLS]
    signals, symbols = record.select(["MLII"]), [record.symbols[index] for index in beats]
    return replace(record, signals=signals, leads=["MLII"], samples=record.samples[beats], symbols=symbols, notes=[])


def joined(record: Record, scorer: Scorer) -> tuple[NDArray[np.float32], NDArray[np.int64], list[str]]:
    """Data, the positions that they belong to, and all reasons."""
    parts = list(windows_of(record, scorer))
    data = np.concatenate([part.samples.signals for part in parts])
    positions = np.concatenate([part.positions[part.rows] for part in parts])
    return data, positions, [reason for part in parts for reason in part.reasons]


def only(parts: list[Windows]) -> Windows:
    (part,) = parts
    return part


@pytest.mark.parametrize(
    ("dataset", "options", "length"),
    [
        (Mitbih(), BeatOptions(), 320),
        (Mitbih(), BeatOptions(filters=["bandpass"], before=64, after=96), 160),
        (Mitbih(), BeatOptions(resampling=Resampling(method="lttb", length=80)), 80),
        (Mitbih(), BeatOptions(resampling=Resampling(method="interpolate", length=100)), 100),
        (Mitbih(), BeatOptions(align="deflection"), 320),
        (Mitbih(), BeatOptions(align="template", filters=["bandpass"]), 320),
        (MitbihBeats(), ScaledOptions(), 160),
        (MitbihBeats(), ScaledOptions(align="template"), 160),
    ],
)
def test_the_windows_are_those_of_the_dataset(
    dataset: Dataset, options: BeatOptions | ScaledOptions, length: int, tmp_path: Path
) -> None:
    write(tmp_path)
    samples = dataset.samples(tmp_path, options)
    expected = np.round(samples.signals, 4).astype(np.float32)
    name = samples.table["record"].iloc[0]
    rows = np.flatnonzero(samples.table["record"] == name)
    mine = one_lead(read_record(tmp_path, name))
    found = only(list(windows_of(mine, toy_scorer(dataset=dataset, options=options, length=length))))
    chosen = np.isin(found.positions[found.rows], samples.table["sample"].iloc[rows])
    np.testing.assert_array_equal(found.samples.signals[chosen], expected[rows])
    assert np.sum(chosen) == len(rows) > 20
    assert ("shift" in samples.table) == ("shift" in found.samples.table) == (options.align != "none")
    if options.align != "none":
        shifts = found.samples.table["shift"].to_numpy()[chosen]
        np.testing.assert_array_equal(shifts, samples.table["shift"].iloc[rows])


@pytest.mark.parametrize("rate", [360.0, 250.0, 500.0, 128.0])
def test_every_peak_has_a_row_at_its_own_position(record: Record, rate: float) -> None:
    ratio = rate / RATE
    grid = np.arange(int(len(record.signals) * ratio)) / ratio
    signals = np.interp(grid, np.arange(len(record.signals)), record.signals[:, 0])[:, None]
    slower = replace(record, signals=signals, sampling_rate=rate, samples=np.rint(record.samples * ratio).astype(int))
    found = only(list(windows_of(slower, toy_scorer())))
    whole = only(list(windows_of(record, toy_scorer())))
    np.testing.assert_array_equal(found.positions, slower.samples)
    assert len(found.rows) >= len(found.positions) - 2
    assert set(np.asarray(found.reasons)[np.setdiff1d(np.arange(len(found.positions)), found.rows)]) <= {BORDER}
    assert all(found.reasons[row] == "" for row in found.rows)
    np.testing.assert_array_equal(found.samples.table["sample"], found.positions[found.rows])
    np.testing.assert_allclose(found.samples.table["time_s"], found.positions[found.rows] / rate, atol=1e-6)
    assert found.before_s == pytest.approx(140 / RATE)
    assert found.duration_s == pytest.approx(320 / RATE)
    here = [np.flatnonzero(whole.rows == row)[0] for row in found.rows if row in whole.rows]
    mine, theirs = found.samples.signals[np.isin(found.rows, whole.rows)], whole.samples.signals[here]
    assert np.mean(np.abs(mine[..., 100:180] - theirs[..., 100:180])) < 0.04  # around the QRS complex
    assert np.ptp(mine) == pytest.approx(np.ptp(whole.samples.signals), rel=0.08)
    lead = found.samples.signals[:, 0]
    assert np.median(lead[:, 140] - np.median(lead, axis=1)) > 0.5  # the R peak is where the model expects it


def test_long_recordings_are_cut_piece_by_piece_into_the_same_windows(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options, slower in ((BeatOptions(), False), (BeatOptions(filters=["bandpass"]), True)):
        mine = record
        if slower:
            samples = np.rint(record.samples * 25 / 36).astype(np.int64)
            mine = replace(record, signals=record.signals[: 250 * 240], sampling_rate=250.0, samples=samples)
            mine = replace(mine, samples=samples[samples < len(mine.signals)])
        whole = joined(mine, toy_scorer(options=options))
        monkeypatch.setattr(module, "BLOCK_S", 50)
        parts = list(windows_of(mine, toy_scorer(options=options)))
        pieces = joined(mine, toy_scorer(options=options))
        monkeypatch.undo()
        assert len(parts) >= 3
        np.testing.assert_array_equal(np.concatenate([part.positions for part in parts]), mine.samples)
        np.testing.assert_array_equal(pieces[1], whole[1])
        np.testing.assert_allclose(pieces[0], whole[0], atol=2e-4 if slower else 0)
        assert pieces[2] == whole[2]


@pytest.mark.parametrize("align", ["deflection", "template"])
@pytest.mark.parametrize("slower", [False, True])
def test_pieces_are_aligned_as_the_whole(record: Record, align: str, slower: bool, monkeypatch) -> None:
    """Each by its own template, which is that of the whole but for noise."""
    mine = replace(record, samples=record.samples + 9)
    mine = at_rate(mine, 250.0) if slower else mine
    scorer = toy_scorer(options=BeatOptions.model_validate({"align": align}))
    (whole,) = windows_of(mine, scorer)
    monkeypatch.setattr(module, "BLOCK_S", 100)
    parts = list(windows_of(mine, scorer))
    assert len(parts) == 2
    assert sum(len(part.rows) for part in parts) == len(whole.rows)
    shifts = np.concatenate([part.samples.table["shift"] for part in parts])
    assert (np.abs(shifts - whole.samples.table["shift"]) <= 1).mean() > 0.95
    assert np.median(shifts) == pytest.approx(-9 * mine.sampling_rate / RATE, abs=1)


def test_a_beat_that_is_moved_over_the_border_is_said_to_cross_it(record: Record) -> None:
    options = BeatOptions(align="deflection")
    first = record.samples[5]
    mine = replace(record, signals=record.signals[first - 138 :], samples=record.samples[5:] - first + 138 + 4)
    (found,) = windows_of(mine, toy_scorer(options=options))
    assert found.reasons[0] == BORDER
    assert found.rows[0] == 1


def test_gaps_are_filled_where_they_are_short_and_left_out_where_they_are_not(record: Record) -> None:
    signals = record.signals.copy()
    long, short = record.samples[20], record.samples[40]
    signals[long - 100 : long + 100] = np.nan
    signals[short + 60 : short + 70] = np.nan
    found = only(list(windows_of(replace(record, signals=signals), toy_scorer())))
    whole = only(list(windows_of(record, toy_scorer())))
    assert np.isfinite(found.samples.signals).all()
    assert found.reasons[20] == "with too large gaps"
    assert 40 in found.rows
    untouched = [row for row in whole.rows if not {19, 20, 21, 39, 40, 41} & {int(row)}]
    np.testing.assert_array_equal(
        found.samples.signals[np.isin(found.rows, untouched)],
        whole.samples.signals[np.isin(whole.rows, untouched)],
    )
    kept = BeatOptions(cleansing=Cleansing(drop=False, impute="linear"))
    assert 20 in only(list(windows_of(replace(record, signals=signals), toy_scorer(options=kept)))).rows


def test_a_beat_without_any_value_does_not_stop_the_others_even_where_nothing_is_left_out(record: Record) -> None:
    signals = record.signals.copy()
    signals[record.samples[20] - 400 : record.samples[20] + 400] = np.nan
    kept = BeatOptions(cleansing=Cleansing(drop=False))
    found = only(list(windows_of(replace(record, signals=signals), toy_scorer(options=kept))))
    assert found.reasons[20] == "samples are missing"
    assert 40 in found.rows
    assert np.isfinite(found.samples.signals).all()


def test_of_peaks_that_fall_together_the_first_is_scored_and_the_others_are_named(record: Record) -> None:
    same = np.insert(record.samples, 11, record.samples[10])
    whole = only(list(windows_of(record, toy_scorer())))
    found = only(list(windows_of(replace(record, samples=same, symbols=["N"] * len(same)), toy_scorer())))
    assert [index for index, reason in enumerate(found.reasons) if reason == LEFT_OUT] == [11]
    np.testing.assert_array_equal(found.positions, same)
    np.testing.assert_array_equal(found.samples.signals, whole.samples.signals)
    near = np.insert(np.unique(record.samples) * 4, 11, record.samples[10] * 4 + 1)  # one step at the model's rate
    fast = replace(record, signals=record.signals.repeat(4, axis=0), sampling_rate=4 * RATE, samples=near)
    found = only(list(windows_of(replace(fast, symbols=["N"] * len(near)), toy_scorer())))
    assert [index for index, reason in enumerate(found.reasons) if reason == LEFT_OUT] == [11]
    assert found.samples.table["sample"].tolist() == [*near[found.rows]]
    assert 10 in found.rows


def test_flat_and_extreme_beats_are_named(record: Record) -> None:
    signals = record.signals.copy()
    signals[record.samples[10] - 300 : record.samples[10] + 300] = 0.25
    signals[record.samples[30]] = 50.0
    options = BeatOptions(cleansing=Cleansing(limit=20.0))
    found = only(list(windows_of(replace(record, signals=signals), toy_scorer(options=options))))
    assert found.reasons[10] == "flat"
    assert found.reasons[30] == "out of range"


def test_nothing_left_is_no_error_here(record: Record) -> None:
    options = BeatOptions(cleansing=Cleansing(limit=1e-6))
    found = only(list(windows_of(record, toy_scorer(options=options))))
    assert len(found.rows) == len(found.samples) == 0
    assert set(found.reasons) == {"out of range", BORDER} or set(found.reasons) == {"out of range"}


def test_a_beat_that_the_dataset_leaves_out_is_named(record: Record) -> None:
    found = only(
        list(windows_of(record, toy_scorer(dataset=MitbihBeats(), options=ScaledOptions(), length=160, centre=0)))
    )
    assert found.reasons[-1] in (BORDER, LEFT_OUT)  # it ends with the next R peak, which is not there
    assert set(found.reasons[:-1]) == {""}
    assert found.duration_s == pytest.approx(187 * 3 / RATE)


def test_windows_that_are_no_beats_cover_the_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_S", 20)
    signals = np.random.default_rng(0).normal(size=(500 * 60, 1))
    peaks = np.arange(250, 500 * 60, 500)
    record = Record("mine", signals, 500.0, ["II"], peaks, ["N"] * len(peaks))
    options = WindowOptions(leads=["II"], resampling=Resampling())
    scorer = toy_scorer(["II"], dataset=Shaoxing(), options=options, length=options.window, centre=None)
    found = only(list(windows_of(record, scorer)))
    assert len(found.rows) == len(found.positions) >= 60 * 500 // options.window
    assert found.before_s * 500 == options.window // 2
    first, last = found.positions[[0, -1]] - options.window // 2
    assert (first, last) == (0, len(signals) - options.window)


@pytest.mark.parametrize("rate", [10.0, 1e-6, 1e6, 1e9])
def test_a_rate_that_cannot_be_reached_is_refused(record: Record, rate: float) -> None:
    with pytest.raises(EcganError, match="brought to the model's 360 Hz"):
        list(windows_of(replace(record, sampling_rate=rate), toy_scorer()))


def test_no_peaks_are_no_windows(record: Record) -> None:
    none = replace(record, samples=np.zeros(0, dtype=np.int64), symbols=[])
    found = only(list(windows_of(none, toy_scorer())))
    assert len(found.samples) == len(found.positions) == len(found.reasons) == 0


def test_a_single_beat_in_an_hour_does_not_spoil_the_others(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_S", 50)
    monkeypatch.setattr(module, "_MARGIN_S", 5)
    time = record.samples / RATE
    lonely = int(np.flatnonzero(time > 70)[0])
    kept = np.flatnonzero((time < 40) | (time > 110) | (np.arange(len(time)) == lonely))
    sparse = replace(record, samples=record.samples[kept], symbols=["N"] * len(kept))
    options = ScaledOptions(resampling=Resampling())
    scorer = toy_scorer(dataset=MitbihBeats(), options=options, length=187, centre=0)
    parts = list(windows_of(sparse, scorer))
    positions = np.concatenate([part.positions for part in parts])
    np.testing.assert_array_equal(positions, sparse.samples)
    reasons = [reason for part in parts for reason in part.reasons]
    last = [int(record.samples[time < 40][-1]), int(record.samples[lonely]), int(record.samples[-1])]
    assert [int(positions[index]) for index, reason in enumerate(reasons) if reason] == last  # no beat follows these
    assert set(reasons[:-1]) == {"", LEFT_OUT}
    assert reasons[-1] in (BORDER, LEFT_OUT)
    alone = only(list(windows_of(replace(sparse, samples=sparse.samples[:1], symbols=["N"]), scorer)))
    assert alone.reasons == [LEFT_OUT]
    assert len(alone.samples) == 0


def test_a_gap_behind_a_padded_beat_is_none_in_it(record: Record) -> None:
    scorer = toy_scorer(dataset=MitbihBeats(), options=ScaledOptions(resampling=Resampling()), length=187, centre=0)
    whole = only(list(windows_of(record, scorer)))
    ends = segment_ends(record.samples)
    beat = int(np.argmin(ends - record.samples[:-1]))
    end = int(ends[beat])
    assert end < record.samples[beat] + 3 * 140  # a quarter of its window is padding
    signals = record.signals.copy()
    signals[end : record.samples[beat] + 3 * 187 + 50] = np.nan
    found = only(list(windows_of(replace(record, signals=signals), scorer)))
    assert not found.reasons[beat]
    np.testing.assert_array_equal(found.samples.signals[found.rows == beat], whole.samples.signals[whole.rows == beat])


def test_a_model_of_another_length_is_refused(record: Record) -> None:
    with pytest.raises(EcganError, match="samples of 320 steps"):
        list(windows_of(record, toy_scorer(length=300)))
