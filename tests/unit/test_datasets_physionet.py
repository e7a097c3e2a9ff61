"""Any PhysioNet database of annotated beats, on simulated ones laid out by address in a mirror."""

import hashlib
import json
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from ecgan.datasets import databases
from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.mitbih import Mitbih
from ecgan.datasets.physionet import FetchOptions, Physionet, PreprocessOptions
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.samples import Samples
from tests.raw import made_up
from tests.raw.mitbih import write as write_mitbih
from tests.raw.physionet import NAMES, record, write_database, write_sums

Lay = Callable[..., Path]


@pytest.fixture
def lay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lay:
    """Lay databases out in a mirror."""
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "mirror"))

    def write(name: str, records: list[Record], version: str = "1.0.0", annotator: str = "atr") -> Path:
        place = tmp_path / "mirror/physionet.org/files" / name / version
        write_database(place, records, annotator)
        return place

    return write


def fetched(raw: Path, **options: str) -> list[str]:
    Physionet().fetch(raw, FetchOptions.model_validate(options), seed=0)
    return sorted(file.relative_to(raw).as_posix() for file in raw.rglob("*") if file.is_file())


def cut(raw: Path, **options: object) -> Samples:
    return Physionet().preprocess(raw, PreprocessOptions.model_validate(options))


def files_of(*names: str, annotator: str = "atr") -> list[str]:
    ends = ("dat", "hea", annotator)
    return sorted([*(f"{name}.{end}" for name in names for end in ends), "RECORDS", "SHA256SUMS.txt", "database.json"])


def test_a_database_comes_by_its_name(lay: Lay, tmp_path: Path) -> None:
    place = lay("svdb", [record(0, "800"), record(1, "801")])
    (place / "800.qrs").write_bytes(b"\0\0")
    (place / "index.html").write_text("not wanted")
    write_sums(place)
    assert fetched(tmp_path / "raw") == files_of("800", "801")
    assert json.loads((tmp_path / "raw/database.json").read_text())["name"] == "svdb"
    found = cut(tmp_path / "raw")
    assert found.table["record"].unique().tolist() == found.table["patient"].unique().tolist() == ["800", "801"]
    assert (found.about.leads, found.about.classes) == (["*"], ["N", "S", "V", "F", "Q"])
    assert set(found.table["lead"]) == {"ECG1"}
    assert set(found.table.loc[found.table["symbol"] == "S", "class_name"]) == {"S"}


def test_it_comes_over_http_as_well(lay: Lay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay("svdb", [record(0, "800")])

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "mirror")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        monkeypatch.setenv("ECGAN_MIRROR", f"http://127.0.0.1:{server.server_address[1]}")
        assert fetched(tmp_path / "raw") == files_of("800")
    finally:
        server.shutdown()
        server.server_close()


def test_the_version_is_part_of_the_address(lay: Lay, tmp_path: Path) -> None:
    lay("svdb", [record(0, "800")])
    lay("svdb", [record(0, "810")], version="1.1.0")
    assert fetched(tmp_path / "raw", version="1.1.0") == files_of("810")
    assert fetched(tmp_path / "raw") == files_of("800")  # the other version's list of hashes does not stay
    with pytest.raises(EcganError, match=r"svdb/2\.0\.0/SHA256SUMS\.txt"):
        fetched(tmp_path / "raw", version="2.0.0")


def test_another_database_takes_the_place_of_the_first(lay: Lay, tmp_path: Path) -> None:
    lay("svdb", [record(0, "800")])
    lay("edb", [record(0, "e0103", 250.0, ("V4", "MLIII"))])
    fetched(tmp_path / "raw")
    assert fetched(tmp_path / "raw", database="edb") == files_of("e0103")


@pytest.mark.parametrize(("key", "value"), [("database", "../x"), ("version", "1.0/.."), ("annotator", "a/b")])
def test_names_that_lead_elsewhere_are_refused(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=key):
        FetchOptions.model_validate({key: value})


def change(place: Path) -> None:
    """The database is published anew under the same version, with other samples in 800.dat."""
    content = bytearray((place / "800.dat").read_bytes())
    content[30] ^= 1
    (place / "800.dat").write_bytes(content)
    write_sums(place)


def test_the_list_of_the_first_fetch_is_the_one_that_counts(lay: Lay, tmp_path: Path) -> None:
    place, raw = lay("svdb", [record(0, "800")]), tmp_path / "raw"
    fetched(raw)
    change(place)
    assert fetched(raw) == files_of("800")
    (raw / "800.dat").unlink()
    with pytest.raises(EcganError, match=r"800\.dat was refused"):
        fetched(raw)


def test_a_list_that_was_kept_elsewhere_counts_from_the_first_fetch_on(lay: Lay, tmp_path: Path) -> None:
    place, kept = lay("svdb", [record(0, "800")]), tmp_path / "svdb.sha256"
    kept.write_bytes((place / "SHA256SUMS.txt").read_bytes())
    assert fetched(tmp_path / "first", sums=str(kept)) == files_of("800")
    change(place)
    with pytest.raises(EcganError, match=r"800\.dat was refused"):
        fetched(tmp_path / "second", sums=str(kept))
    assert "800.dat" not in [file.name for file in (tmp_path / "second").iterdir()]
    fetched(tmp_path / "third")  # whoever has no list takes what is there
    with pytest.raises(EcganError, match=r"800\.dat was refused"):
        fetched(tmp_path / "third", sums=str(kept))
    with pytest.raises(EcganError, match=r"fetch\.sums: there is no file"):
        fetched(tmp_path / "fourth", sums=str(tmp_path / "absent"))


def test_files_that_the_user_has_are_taken_and_checked(tmp_path: Path) -> None:
    source = Path(made_up("physionet"))
    raw = tmp_path / "raw"
    assert fetched(raw, source=str(source)) == files_of(*NAMES)
    packed = tmp_path / "svdb.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in source.iterdir():
            archive.write(file, f"mit-bih-supraventricular-1.0.0/{file.name}")
    assert fetched(raw, source=str(packed)) == files_of(*NAMES)
    other = tmp_path / "other"
    write_database(other, [record(0, "800")])
    (other / "800.hea").write_text((other / "800.hea").read_text() + "# edited\n")
    with pytest.raises(EcganError, match=r"800\.hea of .* is not the file"):
        fetched(raw, source=str(other))


def test_records_are_brought_to_one_rate_and_positions_stay_those_of_the_record(lay: Lay, tmp_path: Path) -> None:
    made = record(0, "800")
    lay("svdb", [made])
    fetched(tmp_path / "raw")
    found = cut(tmp_path / "raw")
    assert (found.about.sampling_rate, found.signals.shape[1:], found.about.centre) == (360.0, (1, 320), 140)
    own = set(made.samples.tolist())
    assert set(found.table["sample"]) <= own
    np.testing.assert_allclose(found.table["time_s"], found.table["sample"] / 128, atol=1e-6)
    at_peak = made.signals[found.table["sample"], 0]
    np.testing.assert_allclose(found.signals[:, 0, 140], at_peak, atol=0.25)  # a third of a sample beside
    slow = cut(tmp_path / "raw", rate_hz=128, before=50, after=64)
    assert slow.signals.shape[1:] == (1, 114)
    at_peak = made.signals[slow.table["sample"], 0]
    np.testing.assert_allclose(slow.signals[:, 0, 50], at_peak, atol=6e-5)


def test_a_mark_of_rhythm_at_a_beat_does_not_cost_the_beat(lay: Lay, tmp_path: Path) -> None:
    made = record(0, "800")
    lay("svdb", [made])
    fetched(tmp_path / "raw")
    before = cut(tmp_path / "raw")
    beat = next(place for place, symbol in enumerate(made.symbols) if symbol == "N" and place > 5)
    samples = np.insert(made.samples, beat, made.samples[beat])
    marked = replace(made, samples=samples, symbols=[*made.symbols[:beat], "+", *made.symbols[beat:]], notes=[])
    lay("edb", [marked])
    fetched(tmp_path / "raw", database="edb")
    assert cut(tmp_path / "raw").table.equals(before.table)


def test_leads_go_by_name_or_are_the_first_of_each_record(lay: Lay, tmp_path: Path) -> None:
    first, second = record(0, "e0103", 250.0, ("V4", "MLIII")), record(1, "e0104", 250.0, ("MLIII", "V5"))
    lay("edb", [first, second])
    fetched(tmp_path / "raw", database="edb")
    found = cut(tmp_path / "raw", rate_hz=250, before=80, after=112)
    assert found.table.groupby("record")["lead"].first().to_dict() == {"e0103": "V4", "e0104": "MLIII"}
    assert found.about.leads == ["*"]
    named = cut(tmp_path / "raw", rate_hz=250, before=80, after=112, leads=["MLIII"])
    assert (named.about.leads, set(named.table["record"])) == (["MLIII"], {"e0103", "e0104"})
    assert "lead" not in named.table
    row = np.flatnonzero(named.table["record"] == "e0103")[0]
    at = int(named.table["sample"][row])
    np.testing.assert_allclose(named.signals[row, 0], first.signals[at - 80 : at + 112, 1], atol=6e-5)
    lacking = cut(tmp_path / "raw", rate_hz=250, before=80, after=112, leads=["V5"])
    assert lacking.about.mapping.endswith("left out for want of a lead: e0103")


def test_patients_with_several_records_are_read_from_the_headers_of_incartdb(lay: Lay, tmp_path: Path) -> None:
    leads = ("I", "II")
    place = lay("incartdb", [record(index, f"I0{index + 1}", 260.0, leads) for index in range(3)])
    for name, patient in (("I01", "patient 1"), ("I02", "patient 1"), ("I03", "patient 12")):
        header = place / f"{name}.hea"
        header.write_text(header.read_text() + f"# <age>: 65 <sex>: F <diagnoses> angina\n# {patient}\n# PVCs\n")
    write_sums(place)
    fetched(tmp_path / "raw", database="incartdb")
    found = cut(tmp_path / "raw")
    patients = found.table.groupby("record")["patient"].first().to_dict()
    assert patients == {"I01": "patient 1", "I02": "patient 1", "I03": "patient 12"}
    assert found.about.leads == ["II"]


def test_paced_records_and_those_without_annotations_are_left_out_and_named(lay: Lay, tmp_path: Path) -> None:
    paced = record(1, "sel101")
    symbols = ["/" if place == 7 else symbol for place, symbol in enumerate(paced.symbols)]
    place = lay("qtdb", [record(0, "sel100"), replace(paced, symbols=symbols), record(2, "sel30")])
    (place / "sel30.atr").unlink()
    write_sums(place)
    raw = tmp_path / "raw"
    fetched(raw, database="qtdb")
    found = cut(raw)
    assert set(found.table["record"]) == {"sel100"}
    assert "for want of annotations: sel30" in found.about.mapping
    assert "as paced: sel101" in found.about.mapping
    assert set(cut(raw, paced=True).table["record"]) == {"sel100", "sel101"}
    assert set(cut(raw, records=["sel101"]).table["record"]) == {"sel101"}
    with pytest.raises(EcganError, match=r"sel30\.atr is not there"):
        cut(raw, records=["sel30"])


def test_another_annotator(lay: Lay, tmp_path: Path) -> None:
    lay("qtdb", [record(0, "sel100")], annotator="man")
    raw = tmp_path / "raw"
    assert fetched(raw, database="qtdb", annotator="man") == files_of("sel100", annotator="man")
    assert len(cut(raw))
    fetched(raw, database="qtdb", annotator="q1c")
    with pytest.raises(EcganError, match=r"no record .* annotator 'q1c'"):
        cut(raw)


def test_a_gain_of_zero_means_two_hundred(lay: Lay, tmp_path: Path) -> None:
    place = lay("ltdb", [record(0, "14046")])
    raw = tmp_path / "raw"
    fetched(raw, database="ltdb")
    expected = cut(raw)
    header = place / "14046.hea"
    assert " 200.0(0)/mV " in header.read_text()
    header.write_text(header.read_text().replace(" 200.0(0)/mV ", " 0 "))
    write_sums(place)
    fetched(tmp_path / "other", database="ltdb")
    np.testing.assert_array_equal(cut(tmp_path / "other").signals, expected.signals)


def test_records_may_lie_in_folders(lay: Lay, tmp_path: Path) -> None:
    lay("nsrdb", [record(0, "a/16265"), record(1, "b/16265")])
    fetched(tmp_path / "raw", database="nsrdb")
    found = cut(tmp_path / "raw")
    assert found.table["record"].unique().tolist() == ["a/16265", "b/16265"]


def test_minutes_shorten_long_records(lay: Lay, tmp_path: Path) -> None:
    lay("svdb", [record(0, "800")])
    fetched(tmp_path / "raw")
    whole, part = cut(tmp_path / "raw"), cut(tmp_path / "raw", minutes=0.2)
    assert 0 < len(part) < len(whole)
    assert part.table["time_s"].max() < 12
    assert part.table["sample"].tolist() == whole.table["sample"].tolist()[: len(part)]


def test_one_long_record_is_read_at_a_time(lay: Lay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay("svdb", [record(index, f"80{index}") for index in range(3)])
    fetched(tmp_path / "raw")
    monkeypatch.setenv("ECGAN_WORKERS", "3")
    together, most, lock = 0, [], threading.Lock()
    beats = Physionet.beats

    def watched(self: Physionet, record: Record, options: PreprocessOptions) -> Samples:
        nonlocal together
        with lock:
            together += 1
            most.append(together)
        try:
            threading.Event().wait(0.05)
            return beats(self, record, options)
        finally:
            with lock:
                together -= 1

    monkeypatch.setattr(Physionet, "beats", watched)
    cut(tmp_path / "raw")
    assert max(most) > 1
    most.clear()
    monkeypatch.setattr("ecgan.datasets.cuts.MOST_BYTES", 1000)
    cut(tmp_path / "raw")
    assert max(most) == 1


def test_mitbih_is_a_use_of_it(lay: Lay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "mirror/physionet.org/files/mitdb/1.0.0"
    write_mitbih(place)
    registry = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in place.iterdir()}
    monkeypatch.setattr(databases, "load_registry", lambda name: registry if name == "mitdb-1.0.0" else {})
    raw, own = tmp_path / "raw", tmp_path / "own"
    assert fetched(raw, database="mitdb") == sorted([*registry, "database.json"])  # by the list of the package
    Mitbih().fetch(own, Mitbih.Fetch(), seed=0)
    mine, theirs = cut(raw), Mitbih().preprocess(own, BeatOptions())
    np.testing.assert_array_equal(mine.signals, theirs.signals)
    np.testing.assert_array_equal(mine.class_ids, theirs.class_ids)
    assert mine.table.equals(theirs.table)
    assert "as paced: 102" in mine.about.mapping


def test_a_copy_without_a_list_of_records_is_that_of_its_annotated_headers(tmp_path: Path) -> None:
    source, raw = tmp_path / "mine", tmp_path / "raw"
    write_database(source, [record(0, "800"), record(1, "801"), record(2, "802")])
    for name in ("RECORDS", "801.atr", "SHA256SUMS.txt"):
        (source / name).unlink(missing_ok=True)
    fetched(raw, source=str(source))
    assert cut(raw).table["record"].unique().tolist() == ["800", "802"]
    (source / "RECORDS").write_text("800\n802\n800\n")
    fetched(raw, source=str(source))
    with pytest.raises(EcganError, match="'800' twice"):
        cut(raw)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EcganError, match="no list RECORDS"):
        fetched(raw, source=str(tmp_path / "empty"))
