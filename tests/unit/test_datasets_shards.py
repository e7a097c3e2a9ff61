"""Datasets cut shard by shard: the same files, nothing is cut twice, and one bad recording stops no others."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import Field

from ecgan.datasets import cuts
from ecgan.datasets.base import Card, Dataset
from ecgan.datasets.cuts import Cut, Cuts, Recording, grouped
from ecgan.datasets.shards import Work, write_dataset
from ecgan.errors import EcganError
from ecgan.files import sha256
from ecgan.preprocessing.options import RecordingOptions, SampleOptions
from ecgan.preprocessing.processed import load_about, load_processed, save_processed
from ecgan.samples import About, Samples

NAMES = [f"r{number:02d}" for number in range(12)]


class ToyOptions(RecordingOptions, SampleOptions):
    """How toy recordings are cut."""

    gain: float = Field(1.0, description="factor")


def cut_one(calls: list[str], raw: Path, gain: float, name: str) -> Cut:
    calls.append(name)
    content = (raw / f"{name}.bin").read_bytes()
    if len(content) % 128:
        raise EcganError(f"{raw / name}.bin is damaged.", "Fetch it again.")
    signals = gain * np.frombuffer(content, dtype=np.float64).reshape(-1, 2, 8)
    label = int(name[1:]) % 2
    table = pd.DataFrame({"class_name": "NV"[label], "record": name, "sample": np.arange(len(signals)), "code": "007"})
    about = About(100.0, ["I", "II"], ["N", "V"], mapping="every other one normal")
    warnings = ["it hums"] if name == "r03" else []
    return Samples(signals, table, about, np.full(len(signals), label, dtype=np.int64)), warnings


class Toy(Dataset):
    """Recordings of noise."""

    name = "toy"
    card = Card("toy", "made up", "none", "small")
    Preprocess = ToyOptions

    def __init__(self) -> None:
        self.calls: list[str] = []

    def fetch(self, raw: Path, options: Any, *, seed: int) -> None:
        """Make the recordings; the tenth sample of one is flat."""
        rng = np.random.default_rng(seed)
        raw.mkdir()
        for name in NAMES:
            values = rng.normal(size=(int(rng.integers(5, 30)), 2, 8))
            values[0] = 0.0 if name == "r05" else values[0]
            (raw / f"{name}.bin").write_bytes(values.tobytes())
        (raw / "RECORDS").write_text("\n".join(NAMES))

    def cuts(self, raw: Path, options: ToyOptions) -> Cuts:
        """Cut each recording."""
        there = [name for name in NAMES if (raw / f"{name}.bin").is_file()]
        recordings = [Recording(name, name, name) for name in there]
        return Cuts(recordings, partial(cut_one, self.calls, raw, options.gain), ["a note"])


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuts, "MOST_RECORDINGS", 3)


@pytest.fixture
def work(tmp_path: Path) -> Any:
    toy = Toy()
    toy.fetch(tmp_path / "raw", None, seed=0)

    def make(folder: str = "processed", code: Path = Path(__file__), **options: Any) -> tuple[list[str], list[str]]:
        """Cut the dataset; return which recordings were read, in their order, and what was said."""
        said: list[str] = []
        raw = tmp_path / "raw"
        digests = {file.name: sha256(file) for file in sorted(raw.iterdir())}
        toy.calls.clear()
        job = Work(toy, raw, ToyOptions(**options), tmp_path / "shards", digests, [code])
        write_dataset(tmp_path / folder, job, said.append)
        return sorted(toy.calls), said

    return make


def same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same bytes."""
    files = sorted(file.name for file in one.iterdir())
    return files == sorted(file.name for file in other.iterdir()) and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in files
    )


def test_shards_give_the_bytes_of_one_piece(work: Any, tmp_path: Path) -> None:
    read, said = work()
    assert read == NAMES
    assert any("1 flat" in text for text in said)
    toy = Toy()
    save_processed(tmp_path / "whole", "toy", toy.samples(tmp_path / "raw", ToyOptions()))
    assert same(tmp_path / "processed", tmp_path / "whole")
    data = load_processed(tmp_path / "processed")
    assert list(dict.fromkeys(data.table["record"])) == NAMES
    mapping = data.about.mapping
    assert [part in mapping for part in ("every other one normal", "a note", "r03", "1 flat")] == [True] * 4
    assert (tmp_path / "processed" / "samples.csv").read_text().count(",007\n") == len(data)


def test_what_is_cut_is_not_cut_again(work: Any, tmp_path: Path) -> None:
    content = (tmp_path / "raw" / "r07.bin").read_bytes()
    (tmp_path / "raw" / "r07.bin").write_bytes(content[:-3])
    with pytest.raises(EcganError, match="r07"):
        work()
    assert not (tmp_path / "processed").exists()
    (tmp_path / "raw" / "r07.bin").write_bytes(content)
    read, said = work()
    assert "r07" in read
    assert "r00" not in read
    assert any("already" in text for text in said)
    assert work("again")[0] == []
    assert same(tmp_path / "processed", tmp_path / "again")


def test_other_code_cuts_anew_and_leaves_no_shard_of_the_old(work: Any, tmp_path: Path) -> None:
    work()
    before = {folder.name for folder in (tmp_path / "shards").iterdir()}
    (tmp_path / "code.py").write_text("# other code")
    assert work(code=tmp_path / "code.py")[0] == NAMES
    after = {folder.name for folder in (tmp_path / "shards").iterdir()}
    assert len(after) == len(before)
    assert not after & before


@pytest.mark.parametrize("name", ["data.pkl", "shard.json", "seal.json"])
def test_a_damaged_shard_is_cut_again(name: str, work: Any, tmp_path: Path) -> None:
    work()
    folder = sorted((tmp_path / "shards").iterdir())[0]
    recordings = sorted(json.loads((folder / "shard.json").read_text())["inputs"]["recordings"])
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    assert work("again")[0] == recordings
    assert same(tmp_path / "processed", tmp_path / "again")


def test_other_files_parameters_and_tables_are_other_shards(work: Any, tmp_path: Path) -> None:
    work()
    file = tmp_path / "raw" / "r02.bin"
    file.write_bytes(bytes(128) + file.read_bytes())
    read, _ = work()
    assert "r02" in read
    assert len(read) < len(NAMES)
    assert work(gain=2.0)[0] == NAMES
    (tmp_path / "raw" / "RECORDS").write_text("another list")
    assert work(gain=2.0)[0] == NAMES
    assert all((folder / "seal.json").is_file() for folder in (tmp_path / "shards").iterdir())


def test_one_bad_recording_is_named_and_stops_no_others(work: Any, tmp_path: Path) -> None:
    for name in ("r04", "r09"):
        (tmp_path / "raw" / f"{name}.bin").write_bytes(b"no numbers")
    with pytest.raises(EcganError, match="r04"):
        work()
    _, said = work(on_error="leave_out")
    about = load_about(tmp_path / "processed")
    assert list(about.left_out) == ["r04", "r09"]
    assert "2 of 12 recordings (r04, r09)" in about.mapping
    assert any("r09" in text for text in said)
    assert not {"r04", "r09"} & set(load_processed(tmp_path / "processed").table["record"])
    assert work("again", on_error="leave_out")[0] == []
    for name in NAMES:
        (tmp_path / "raw" / f"{name}.bin").write_bytes(b"no numbers")
    with pytest.raises(EcganError, match="12 of 12 recordings"):
        work(on_error="leave_out")


def test_what_another_process_does_not_see_is_not_left_out(
    work: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "raw"

    def elsewhere(function: Any, groups: Any, *_: Any, **__: Any) -> Any:
        there.rename(tmp_path / "aside")
        try:
            yield from map(function, groups)
        finally:
            (tmp_path / "aside").rename(there)

    monkeypatch.setattr("ecgan.datasets.shards.each", elsewhere)
    with pytest.raises(EcganError, match="does not see") as error:
        work(on_error="leave_out")
    assert error.value.hint
    monkeypatch.undo()
    assert len(work(on_error="leave_out")[0]) == len(NAMES)


def test_groups_are_soon_the_same_behind_a_recording_that_is_gone() -> None:
    recordings = [Recording(f"{number:05d}", None, "") for number in range(2000)]
    before = {tuple(one.name for one in group) for group in grouped(recordings, lambda _: 1)}
    after = {tuple(one.name for one in group) for group in grouped(recordings[1:], lambda _: 1)}
    assert sum(map(len, before)) == 2000
    assert len(after - before) < 0.2 * len(before)


def test_a_subclass_with_a_preprocess_of_its_own_is_asked_for_it(tmp_path: Path) -> None:
    class Own(Toy):
        def preprocess(self, raw: Path, options: Any) -> Samples:
            return super().preprocess(raw, options)[:4]

    own = Own()
    own.fetch(tmp_path / "raw", None, seed=0)
    write_dataset(tmp_path / "out", Work(own, tmp_path / "raw", ToyOptions(), tmp_path / "shards"))
    assert len(load_processed(tmp_path / "out")) == 4
