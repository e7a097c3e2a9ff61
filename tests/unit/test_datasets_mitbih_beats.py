"""The beats of Kachuee et al.: cut from small records of the same kind, and read from files of the published form."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgan.datasets.kachuee import FetchOptions, ScaledOptions
from ecgan.datasets.mitbih_beats import FILES, MitbihBeats
from ecgan.ecg.aami import BEAT_SYMBOLS
from ecgan.ecg.records import Record, read_record, write_record
from ecgan.errors import EcganError
from tests.raw import made_up
from tests.raw.mitbih import NAMES, write
from tests.raw.mitbih_beats_csv import COUNTS, beats, text


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mitbih")
    write(folder)
    return folder


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with both published files, as a user unpacks them."""
    folder = tmp_path / "downloads" / "heartbeat"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_bytes((Path(made_up("mitbih_beats_csv")) / name).read_bytes())
    return folder


def test_every_annotated_beat_but_the_last_of_a_record(raw: Path) -> None:
    found = MitbihBeats().preprocess(raw, ScaledOptions())
    assert found.signals.shape == (len(found), 1, 187)
    about = found.about
    assert (about.sampling_rate, about.leads, about.unit, about.centre) == (120.0, ["MLII"], "0-1", 0)
    assert found.table["record"].unique().tolist() == sorted(NAMES)
    assert found.table.groupby("record")["patient"].first()["202"] == "201"
    assert set(found.table.loc[found.table["record"] == "102", "class_name"]) == {"Q"}
    for name in ("100", "114"):
        record = read_record(raw, name)
        annotated = [s for s, symbol in zip(record.samples, record.symbols, strict=True) if symbol in BEAT_SYMBOLS]
        assert found.table.loc[found.table["record"] == name, "sample"].tolist() == annotated[:-1]


def test_a_beat_is_every_third_sample_of_the_first_lead_scaled(raw: Path) -> None:
    found = MitbihBeats().preprocess(raw, ScaledOptions(records=["114"]))
    record = read_record(raw, "114")
    assert record.leads[0] == "V5"
    row = 4
    place = int(np.flatnonzero(record.samples == found.table["sample"][row])[0])
    start, following, after = (int(record.samples[place + i]) for i in range(3))
    part = record.signals[start : following + (after - following) // 5 : 3, 0]
    expected = (part - part.min()) / np.ptp(part)
    np.testing.assert_allclose(found.signals[row, 0, : len(part)], expected, atol=5.1e-5)
    assert not found.signals[row, 0, len(part) :].any()


def test_a_mark_that_is_no_beat_ends_a_beat_and_begins_none(raw: Path, tmp_path: Path) -> None:
    record = read_record(raw, "100")
    place = 6
    start, following = record.samples[place : place + 2].tolist()
    mark = start + (following - start) // 2
    symbols = [*record.symbols[: place + 1], "~", *record.symbols[place + 1 :]]
    samples = np.insert(record.samples, place + 1, mark)
    write_record(tmp_path, replace(record, samples=samples, symbols=symbols, notes=[]))
    (tmp_path / "RECORDS").write_text("100\n")
    found = MitbihBeats().preprocess(tmp_path, ScaledOptions())
    assert mark not in set(found.table["sample"])
    row = int(np.flatnonzero(found.table["sample"] == start)[0])
    steps = -(-(mark + (following - mark) // 5 - start) // 3)
    part = record.signals[start:, 0][::3][:steps]
    np.testing.assert_allclose(found.signals[row, 0, :steps], (part - part.min()) / np.ptp(part), atol=5.1e-5)
    assert not found.signals[row, 0, steps:].any()


def test_the_samples_of_a_recording_are_those_of_the_dataset(raw: Path) -> None:
    options = ScaledOptions(records=["100"])
    samples = MitbihBeats().preprocess(raw, options)
    record = read_record(raw, "100")
    beat = np.array([symbol in BEAT_SYMBOLS for symbol in record.symbols])
    mine = Record("mine", record.signals[:, :1], 360.0, ["MLII"], record.samples[beat], ["N"] * int(beat.sum()))
    assert MitbihBeats().recording_rate(options) == 360.0
    cut = MitbihBeats().cut(mine, options)
    np.testing.assert_array_equal(cut.table["sample"], samples.table["sample"])
    assert (cut.about.centre, cut.about.sampling_rate) == (0, 120.0)
    # a mark that is no beat ends a beat in the dataset, and does not exist in a recording
    marks = np.flatnonzero(~beat)
    places = np.flatnonzero(beat)[:-1]
    alike = np.array([not {place + 1, place + 2} & set(marks) for place in places])
    assert alike.sum() > 15
    np.testing.assert_array_equal(cut.signals[alike], samples.signals[alike])


def test_a_recording_with_one_peak_has_no_beat() -> None:
    one = Record("mine", np.zeros((3600, 1)), 360.0, ["MLII"], np.array([500]), ["N"])
    assert MitbihBeats().cut(one, ScaledOptions()).signals.shape == (0, 1, 187)


def test_the_published_files_are_read_instead(files: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    MitbihBeats().fetch(raw, FetchOptions(source=str(files.parent)), seed=0)
    assert sorted(path.name for path in raw.iterdir()) == sorted(FILES)
    found = MitbihBeats().preprocess(raw, ScaledOptions())
    both = np.concatenate([beats(counts, seed) for seed, counts in enumerate(COUNTS.values())])
    np.testing.assert_allclose(found.signals[:, 0], both[:, :-1], atol=5.1e-5)
    np.testing.assert_array_equal(found.class_ids, both[:, -1])
    assert found.table["class_name"].tolist() == ["NSVFQ"[label] for label in found.class_ids]
    assert found.table.columns.tolist() == ["class_name"]
    assert (found.about.sampling_rate, found.about.unit) == (120.0, "0-1")
    with pytest.raises(EcganError, match=r"preprocess\.records, .* cannot be used with mitbih_train\.csv"):
        MitbihBeats().preprocess(raw, ScaledOptions(records=["100"]))
    with pytest.raises(EcganError, match=r"preprocess\.align cannot be used with mitbih_train\.csv"):
        MitbihBeats().preprocess(raw, ScaledOptions(align="template"))


def test_a_source_without_one_of_the_files_is_refused(files: Path, tmp_path: Path) -> None:
    (files / "mitbih_test.csv").unlink()
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/100.dat").write_text("fetched before")
    with pytest.raises(EcganError, match=r"has no file mitbih_test\.csv"):
        MitbihBeats().fetch(tmp_path / "raw", FetchOptions(source=str(files)), seed=0)
    assert [file.name for file in (tmp_path / "raw").iterdir()] == ["100.dat"]
    with pytest.raises(EcganError, match=r"mitbih_test\.csv is not there"):
        MitbihBeats().preprocess(files, ScaledOptions())


def spoiled(row: int, column: int, value: float) -> Callable[[], str]:
    def make() -> str:
        rows = beats((5, 1, 1, 1, 1), 0)
        rows[row, column] = value
        return text(rows)

    return make


GOOD = text(beats((5, 1, 1, 1, 1), 0))
WRONG: dict[str, tuple[str | Callable[[], str], str]] = {
    "empty": ("", "has 0 columns, expected 187 values and the class"),
    "one column less": ("\n".join(line.split(",", 1)[1] for line in GOOD.splitlines()), "has 187 columns"),
    "a header": (",".join(f"c{i}" for i in range(188)) + "\n" + GOOD, "is no table of numbers behind row 0"),
    "a word": (GOOD.replace("e+00", "e+x", 1), "is no table of numbers"),
    "a row too long": (GOOD + GOOD.splitlines()[0] + ",1\n", "is no table of numbers"),
    "a row too short": (GOOD + "0.5,0.5\n", "row 10: the value nan is not within 0 and 1"),
    "above 1": (spoiled(3, 7, 1.5), r"row 4: the value 1\.5 is not within 0 and 1"),
    "below 0": (spoiled(3, 7, -0.1), r"row 4: the value -0\.1 is not within"),
    "NaN": (spoiled(2, 0, np.nan), "row 3: the value nan is not within"),
    "an unknown class": (spoiled(8, 187, 5.0), "row 9: there is no class 5, only 0 N, 1 S, 2 V, 3 F, 4 Q"),
    "half a class": (spoiled(8, 187, 0.5), r"row 9: there is no class 0\.5"),
    "no text": ("\x00\xff" * 300, "has 1 columns"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_file_of_another_kind_is_refused_in_words(files: Path, what: str) -> None:
    content, words = WRONG[what]
    (files / "mitbih_test.csv").write_text(content() if callable(content) else content, encoding="latin-1")
    with pytest.raises(EcganError, match=words) as caught:
        MitbihBeats().preprocess(files, ScaledOptions())
    assert "mitbih_test.csv" in caught.value.message
    assert "\n" not in caught.value.message
