"""Cutting a recording of no dataset: a dataset's own record, cut at its annotations, gives the dataset's samples."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.base import Dataset, cut_recording
from ecgan.datasets.ecgsyn import Ecgsyn, FetchOptions
from ecgan.datasets.folder import Folder
from ecgan.datasets.kachuee import ScaledOptions
from ecgan.datasets.mitbih import Mitbih
from ecgan.datasets.mitbih_beatgan import MitbihBeatgan, PreprocessOptions
from ecgan.datasets.mitbih_beats import MitbihBeats
from ecgan.datasets.own_recordings import PreprocessOptions as FolderOptions
from ecgan.datasets.ptb import PreprocessOptions as PtbOptions
from ecgan.datasets.ptb import Ptb
from ecgan.datasets.shaoxing import PreprocessOptions as WindowOptions
from ecgan.datasets.shaoxing import Shaoxing
from ecgan.datasets.sine import Sine
from ecgan.ecg.aami import BEAT_SYMBOLS
from ecgan.ecg.beats import rr_intervals
from ecgan.ecg.records import Record, read_record
from ecgan.errors import EcganError
from ecgan.preprocessing.options import Resampling
from ecgan.preprocessing.preparing import prepare_samples


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ecgsyn")
    Ecgsyn().fetch(folder, FetchOptions(patients=2, minutes=0.5), seed=0)
    return folder


def recording(raw: Path, leads: list[str]) -> Record:
    """Record p02 as scoring hands it over: the model's leads, and beats that are all called N."""
    record = read_record(raw, "p02")
    beats = [i for i, symbol in enumerate(record.symbols) if symbol in BEAT_SYMBOLS]
    return Record(
        name="mine",
        signals=record.select(leads),
        sampling_rate=record.sampling_rate,
        leads=leads,
        samples=record.samples[beats],
        symbols=["N"] * len(beats),
    )


@pytest.mark.parametrize("dataset", [Ecgsyn, Mitbih])
@pytest.mark.parametrize(
    "options",
    [
        BeatOptions(),
        BeatOptions(leads=["V1", "MLII"], before=64, after=96),
        BeatOptions(filters=["bandpass"], low_hz=1.0, high_hz=30.0),
    ],
    ids=["default", "window", "filter"],
)
def test_the_samples_are_those_of_the_dataset(raw: Path, dataset: type, options: BeatOptions) -> None:
    samples = Ecgsyn().preprocess(raw, options.model_copy(update={"records": ["p02"]}))
    assert dataset().recording_rate(options) == samples.about.sampling_rate
    cut = dataset().cut(recording(raw, options.leads), options)
    assert len(cut) > 20
    np.testing.assert_array_equal(cut.signals, samples.signals)
    shared = ["sample", "time_s", "rr_prev_s", "rr_next_s"]
    assert cut.table[shared].equals(samples.table[shared])
    assert cut.about.centre == samples.about.centre


def test_a_model_of_fewer_leads_gets_those_leads(raw: Path) -> None:
    options = BeatOptions(leads=["MLII", "V1"], filters=["bandpass"], records=["p02"])
    samples = Ecgsyn().preprocess(raw, options)
    cut = Ecgsyn().cut(recording(raw, ["V1"]), options)
    np.testing.assert_array_equal(cut.signals[:, 0], samples.signals[:, 1])


@pytest.mark.parametrize("leads", [["MLII"], ["MLII", "V1"]])
def test_the_samples_are_those_of_beatgan(raw: Path, leads: list[str]) -> None:
    options = PreprocessOptions(records=["p02"])
    samples = MitbihBeatgan().preprocess(raw, options)
    assert MitbihBeatgan().recording_rate(options) == samples.about.sampling_rate
    cut = MitbihBeatgan().cut(recording(raw, leads), options)
    rows = np.searchsorted(cut.table["sample"], samples.table["sample"])
    assert len(rows) > 20
    np.testing.assert_array_equal(cut.table["sample"][rows], samples.table["sample"])
    np.testing.assert_array_equal(cut.signals[rows], samples.signals[:, : len(leads)])
    assert cut.about.centre == samples.about.centre


@pytest.mark.parametrize("dataset", [Ecgsyn, Mitbih, MitbihBeatgan])
def test_a_recording_without_a_whole_beat_gives_none(raw: Path, dataset: type) -> None:
    whole = recording(raw, ["MLII"])
    options = dataset.Preprocess()
    for positions in (np.zeros(0, dtype=np.int64), np.array([5, len(whole.signals) - 5])):
        none = replace(whole, samples=positions, symbols=["N"] * len(positions))
        found = dataset().cut(none, options)
        assert found.signals.shape == (0, 1, 320)
        assert len(found.table) == 0


RATES = [360.0, 250.0, 1000.0]


def at(record: Record, rate: float) -> Record:
    """The recording as another device had sampled it."""
    count, factor = int(len(record.signals) * rate / record.sampling_rate), rate / record.sampling_rate
    times, own = np.arange(count) / factor, np.arange(len(record.signals))
    signals = np.stack([np.interp(times, own, lead) for lead in record.signals.T], axis=1)
    samples = np.minimum(np.rint(record.samples * factor).astype(np.int64), count - 1)
    return replace(record, signals=signals, sampling_rate=rate, samples=samples)


CUTS: list[tuple[Dataset, Any]] = [
    (Ecgsyn(), BeatOptions()),
    (Mitbih(), BeatOptions(filters=["bandpass"])),
    (MitbihBeatgan(), PreprocessOptions()),
    (MitbihBeats(), ScaledOptions(resampling=Resampling())),
    (Ptb(), PtbOptions(resampling=Resampling())),
    (Folder(), FolderOptions()),
    (Folder(), FolderOptions(cut="windows", window=360, step=180, filters=["baseline"])),
    (Shaoxing(), WindowOptions(leads=["II"], window=500, resampling=Resampling())),
]
KINDS = ["ecgsyn", "mitbih", "beatgan", "mitbih_beats", "ptb", "folder, beats", "folder, windows", "shaoxing"]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("dataset", "options"), CUTS, ids=KINDS)
def test_the_table_counts_the_recordings_own_time(raw: Path, dataset: Dataset, options: Any, rate: float) -> None:
    mine = at(recording(raw, ["MLII"]), rate)
    found = cut_recording(dataset, mine, options)
    assert len(found) > 10
    table = found.table
    np.testing.assert_allclose(table["time_s"], table["sample"] / rate, atol=1e-6)
    model = dataset.recording_rate(options)
    assert model is not None
    if found.about.centre is None:
        starts = table["sample"].to_numpy() / rate - found.length // 2 / model
        step = options.step / model
        np.testing.assert_allclose(starts[:-1], step * np.arange(len(starts) - 1), atol=0.51 / rate)
        assert starts[-1] + found.length / model == pytest.approx(len(mine.signals) / rate, abs=1.01 / model)
        return
    rows = np.searchsorted(mine.samples, table["sample"])
    np.testing.assert_array_equal(mine.samples[rows], table["sample"])
    previous, following = rr_intervals(mine.samples, rate)
    np.testing.assert_allclose(table["rr_prev_s"], previous[rows], atol=1e-6)
    np.testing.assert_allclose(table["rr_next_s"], following[rows], atol=1e-6)


def test_windows_of_an_odd_rate_do_not_drift(raw: Path) -> None:
    options = FolderOptions(cut="windows", window=360, step=360)
    whole = recording(raw, ["MLII"])
    long = replace(whole, signals=np.tile(whole.signals, (20, 1)), sampling_rate=359.9, samples=whole.samples[:0])
    long = replace(long, symbols=[])
    found = cut_recording(Folder(), long, options)
    last = found.table["sample"].to_numpy()[-1]
    assert len(long.signals) - last == pytest.approx(180, abs=2)


def test_a_recording_at_the_datasets_rate_is_cut_as_it_is(raw: Path) -> None:
    mine = recording(raw, ["MLII"])
    found, direct = cut_recording(Mitbih(), mine, BeatOptions()), Mitbih().cut(mine, BeatOptions())
    np.testing.assert_array_equal(found.signals, direct.signals)
    assert found.table.equals(direct.table)


def test_of_peaks_that_fall_together_the_first_one_is_there(raw: Path) -> None:
    fast = at(recording(raw, ["MLII"]), 3600.0)
    samples = np.insert(fast.samples, 6, fast.samples[5] + 3)  # a third of a step of the dataset
    twice = replace(fast, samples=samples, symbols=["N"] * len(samples))
    found, once = (cut_recording(Mitbih(), one, BeatOptions()) for one in (twice, fast))
    np.testing.assert_array_equal(found.table["sample"], once.table["sample"])
    np.testing.assert_array_equal(found.signals, once.signals)
    row = int(np.flatnonzero(found.table["sample"] == fast.samples[5])[0])
    assert found.table["rr_next_s"][row] == pytest.approx(3 / 3600, abs=1e-6)  # the intervals count every peak


@pytest.mark.parametrize("rate", [None, 500.0])
@pytest.mark.parametrize(("dataset", "options"), CUTS, ids=KINDS)
def test_gaps_stay_gaps_and_are_then_filled_or_left_out(
    raw: Path, dataset: Dataset, options: Any, rate: float | None
) -> None:
    own = dataset.recording_rate(options)
    assert own is not None
    mine = at(recording(raw, ["MLII"]), rate or own)
    hz = mine.sampling_rate
    long, short = (int(mine.samples[beat] + 0.1 * hz) for beat in (12, 24))
    signals = mine.signals.copy()
    signals[long : long + int(0.9 * hz)] = signals[short : short + max(3, int(0.02 * hz))] = np.nan
    whole, found = (cut_recording(dataset, one, options) for one in (mine, replace(mine, signals=signals)))
    assert found.table.equals(whole.table)
    missing = np.isnan(found.signals)
    share = missing.mean(axis=2).max(axis=1)
    assert 0 < share[share > 0].min() < 0.1
    assert share.max() > 0.2
    times = found.table["time_s"].to_numpy()
    far = (np.abs(times - long / hz) > 3) & (np.abs(times - short / hz) > 3)
    assert far.sum() > 10
    assert not missing[far].any()
    if rate is None:  # missing exactly where they were, but for zeros behind the end of a padded beat
        step = round(own / found.about.sampling_rate)
        before = found.length // 2 if found.about.centre is None else found.about.centre
        places = found.table["sample"].to_numpy()[:, None] + step * (np.arange(found.length) - before)
        gaps = np.isnan(signals[np.minimum(places, len(signals) - 1), 0])
        assert not (missing[:, 0] & ~gaps).any()
        assert (found.signals[:, 0][gaps & ~missing[:, 0]] == 0).all()
    np.testing.assert_allclose(found.signals[far], whole.signals[far], atol=0.02)
    prepared = prepare_samples(found, options)
    assert np.isfinite(prepared.samples.signals).all()
    np.testing.assert_array_equal(prepared.kept, share <= options.cleansing.max_missing)
    np.testing.assert_array_equal(prepared.faults["with too large gaps"], ~prepared.kept)
    np.testing.assert_array_equal(prepared.samples.table["sample"], found.table["sample"][prepared.kept])


def test_a_dataset_without_recordings_cuts_none(raw: Path) -> None:
    with pytest.raises(EcganError, match="'sine' cannot score recordings"):
        cut_recording(Sine(), recording(raw, ["MLII"]), Sine.Preprocess())
