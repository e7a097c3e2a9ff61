"""Records: what is written is read back; what is damaged is named."""

from pathlib import Path

import numpy as np
import pytest

from ecgan.ecg.records import Record, read_leads, read_record, write_record
from ecgan.errors import EcganError


def make(name: str = "r1", length: int = 2000, scale: float = 1.0) -> Record:
    rng = np.random.default_rng(7)
    return Record(
        name=name,
        signals=np.round(scale * rng.normal(0, 0.5, (length, 2)) * 200) / 200,
        sampling_rate=360.0,
        leads=["MLII", "V1"],
        samples=np.array([18, 300, 700, 1500], dtype=np.int64),
        symbols=["+", "N", "V", "A"],
        notes=["(N", "", "", ""],
    )


@pytest.mark.parametrize("storage", ["212", "16"])
def test_a_record_reads_back_as_it_was_written(tmp_path: Path, storage: str) -> None:
    record = make()
    write_record(tmp_path, record, storage=storage)
    found = read_record(tmp_path, "r1")
    np.testing.assert_allclose(found.signals, record.signals, atol=1e-12)
    np.testing.assert_array_equal(found.samples, record.samples)
    assert (found.symbols, found.notes, found.leads) == (record.symbols, record.notes, record.leads)
    assert found.sampling_rate == 360.0
    assert read_leads(tmp_path, "r1") == ["MLII", "V1"]


def test_missing_samples_stay_missing(tmp_path: Path) -> None:
    record = make()
    record.signals[100:110, 1] = np.nan
    write_record(tmp_path, record)
    np.testing.assert_array_equal(np.isnan(read_record(tmp_path, "r1").signals), np.isnan(record.signals))


def test_a_record_without_annotations_can_be_written_and_read(tmp_path: Path) -> None:
    bare = Record("r1", np.zeros((50, 1)), 250.0, ["I"], np.zeros(0, dtype=np.int64), [])
    write_record(tmp_path, bare)
    assert read_record(tmp_path, "r1").symbols == []


def test_writing_leaves_only_the_three_files(tmp_path: Path) -> None:
    write_record(tmp_path, make())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["r1.atr", "r1.dat", "r1.hea"]


def test_a_failed_write_leaves_the_earlier_record_whole(tmp_path: Path) -> None:
    write_record(tmp_path, make())
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(EcganError, match=r"reaches .* mV; format 212 at 200 steps per mV holds 10\.2 mV"):
        write_record(tmp_path, make(scale=50.0))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_leads_are_selected_by_name_in_the_asked_order() -> None:
    record = make()
    np.testing.assert_array_equal(record.select(["V1", "MLII"]), record.signals[:, ::-1])
    with pytest.raises(EcganError, match=r"no lead 'V11', did you mean 'V1'\?") as caught:
        record.select(["V11"])
    assert "MLII, V1" in caught.value.hint


@pytest.mark.parametrize("suffix", [".hea", ".dat", ".atr"])
def test_a_missing_file_is_named(tmp_path: Path, suffix: str) -> None:
    write_record(tmp_path, make())
    (tmp_path / f"r1{suffix}").unlink()
    with pytest.raises(EcganError, match=rf"r1{suffix} is not there"):
        read_record(tmp_path, "r1")


@pytest.mark.parametrize("suffix", [".hea", ".dat", ".atr"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_file_that_was_cut_off_is_one_sentence(tmp_path: Path, suffix: str, share: float) -> None:
    write_record(tmp_path, make())
    file = tmp_path / f"r1{suffix}"
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(EcganError, match=r"damaged|cut off"):
        read_record(tmp_path, "r1")


def test_one_wrong_byte_in_the_signal_is_seen(tmp_path: Path) -> None:
    write_record(tmp_path, make())
    file = tmp_path / "r1.dat"
    content = bytearray(file.read_bytes())
    content[300] ^= 1
    file.write_bytes(content)
    with pytest.raises(EcganError, match="checksum"):
        read_record(tmp_path, "r1")


def test_units_become_millivolts(tmp_path: Path) -> None:
    write_record(tmp_path, make())
    header = tmp_path / "r1.hea"
    header.write_text(header.read_text().replace("/mV", "/uV"))
    np.testing.assert_allclose(read_record(tmp_path, "r1").signals, make().signals / 1000)
    header.write_text(header.read_text().replace("/uV", "/mmHg"))
    with pytest.raises(EcganError, match="'mmHg', which is no voltage"):
        read_record(tmp_path, "r1")
