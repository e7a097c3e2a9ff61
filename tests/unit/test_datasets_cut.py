"""Cutting a recording of no dataset: a dataset's own record, cut at its annotations, gives the dataset's samples."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.ecgsyn import Ecgsyn, FetchOptions
from ecgan.datasets.mitbih import Mitbih
from ecgan.datasets.mitbih_beatgan import MitbihBeatgan, PreprocessOptions
from ecgan.ecg.aami import BEAT_SYMBOLS
from ecgan.ecg.records import Record, read_record
from ecgan.errors import EcganError


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
    assert dataset().recording_rate(options) == samples.sampling_rate
    cut = dataset().cut(recording(raw, options.leads), options)
    assert len(cut.data) > 20
    np.testing.assert_array_equal(cut.data, samples.data)
    np.testing.assert_array_equal(cut.positions, samples.table["sample"])
    np.testing.assert_array_equal(cut.starts, samples.table["sample"] - options.before)
    assert cut.centre == samples.centre


def test_a_model_of_fewer_leads_gets_those_leads(raw: Path) -> None:
    options = BeatOptions(leads=["MLII", "V1"], filters=["bandpass"], records=["p02"])
    samples = Ecgsyn().preprocess(raw, options)
    cut = Ecgsyn().cut(recording(raw, ["V1"]), options)
    np.testing.assert_array_equal(cut.data[:, :, 0], samples.data[:, :, 1])


@pytest.mark.parametrize("leads", [["MLII"], ["MLII", "V1"]])
def test_the_samples_are_those_of_beatgan(raw: Path, leads: list[str]) -> None:
    options = PreprocessOptions(records=["p02"])
    samples = MitbihBeatgan().preprocess(raw, options)
    assert MitbihBeatgan().recording_rate(options) == samples.sampling_rate
    cut = MitbihBeatgan().cut(recording(raw, leads), options)
    rows = np.searchsorted(cut.positions, samples.table["sample"])
    assert len(rows) > 20
    np.testing.assert_array_equal(cut.positions[rows], samples.table["sample"])
    np.testing.assert_array_equal(cut.data[rows], samples.data[:, :, : len(leads)])
    np.testing.assert_array_equal(cut.starts, cut.positions - 139)
    assert cut.centre == samples.centre


@pytest.mark.parametrize("dataset", [Ecgsyn, Mitbih, MitbihBeatgan])
def test_a_recording_without_a_whole_beat_is_refused(raw: Path, dataset: type) -> None:
    whole = recording(raw, ["MLII"])
    options = dataset.Preprocess()
    for positions in (np.zeros(0, dtype=np.int64), np.array([5, len(whole.signals) - 5])):
        none = replace(whole, samples=positions, symbols=["N"] * len(positions))
        with pytest.raises(EcganError, match=f"mine of 30 s has {len(positions)} R peaks, none of them"):
            dataset().cut(none, options)
