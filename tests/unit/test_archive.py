"""An archive as one data set: the same bytes by every engine, resumed, damaged, with what cannot be read named."""

import contextlib
import dataclasses
import functools
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgan
from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.base import cut_recording
from ecgan.datasets.ecgsyn import Ecgsyn
from ecgan.ecg.records import Record, write_record
from ecgan.ecg.simulated_patients import simulate
from ecgan.engines.base import as_done
from ecgan.engines.pool import Pool
from ecgan.errors import EcganError, Interrupted
from ecgan.files import sha256
from ecgan.references import Reference, parse_reference
from ecgan.remotes.recordings import read_anywhere
from ecgan.scoring import archive as archive_module
from ecgan.scoring import plan, shards
from ecgan.scoring.console import Manner
from ecgan.scoring.inputs import Input, expand, list_archive
from ecgan.scoring.places import content_of, models_here
from stages import archive, score

fsspec = pytest.importorskip("fsspec")
parquet = pytest.importorskip("pyarrow.parquet")

READING: dict[str, Any] = dict.fromkeys(("sampling_rate", "unit", "gain", "baseline", "annotator"))
BAD = "b/bad"
THRESHOLD = 2.0
"""Flags some."""
ENGINES = pytest.mark.parametrize(
    "engine",
    [
        pytest.param({"ECGAN_WORKERS": "2"}, id="pool"),
        pytest.param({"ECGAN_CLUSTER": "local:2"}, id="dask", marks=pytest.mark.slow),
    ],
)


@pytest.fixture(scope="module")
def record() -> Record:
    return simulate(1, seed=2, minutes=4.0, noise=1.0, variability=1.0)


@pytest.fixture(scope="module")
def model(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("model") / "run"
    data = cut_recording(Ecgsyn(), record, BeatOptions())
    ecgan.Detector("patient_specific", dataset="ecgsyn").fit(data.unlabelled()).save(folder)
    return parse_reference(str(folder))


@pytest.fixture(scope="module")
def recordings(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty recordings of ten seconds in folders below folders, one of which is none."""
    root = tmp_path_factory.mktemp("archive")
    for index in range(20):
        folder = root / "ab"[index % 2] / ("c" if index % 4 else "")
        folder.mkdir(parents=True, exist_ok=True)
        signals = record.signals[index * 3600 : (index + 1) * 3600]
        nothing = np.zeros(0, np.int64)
        write_record(folder, Record(f"r{index:02d}", signals, 360.0, record.leads, nothing, []))
    (root / f"{BAD}.csv").write_text("this is no recording\n")
    (root / "notes.txt").write_text("Neither is this.")
    return root


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECGAN_WORKERS", "1")
    monkeypatch.delenv("ECGAN_CLUSTER", raising=False)


def run(recordings: Path, model: Reference, out: Path, **options: Any) -> bool:
    options.setdefault("threshold", THRESHOLD)
    return archive.run([str(recordings)], model, out, manner=Manner(quiet=True), **READING, **options)


def hashes(out: Path) -> dict[str, str]:
    files = (file for file in out.rglob("*") if file.is_file())
    return {file.relative_to(out).as_posix(): sha256(file) for file in files}


def table(out: Path, name: str) -> list[dict[str, Any]]:
    return list(parquet.read_table(out / name).sort_by("record").to_pylist())


def watched(monkeypatch: pytest.MonkeyPatch) -> list[plan.Shard]:
    """The shards that are scored from here on."""
    tried: list[plan.Shard] = []

    def score(settings: shards.Settings, shard: plan.Shard) -> plan.Done:
        tried.append(shard)
        return shards.score_shard(settings, shard)

    monkeypatch.setattr("ecgan.scoring.archive.score_shard", score)
    return tried


@pytest.fixture(scope="module")
def finished(recordings: Path, model: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "out"
    before = os.environ.get("ECGAN_WORKERS")
    os.environ["ECGAN_WORKERS"] = "1"
    assert not run(recordings, model, out, pages=1, named=["a/r00"])
    if before is not None:
        os.environ["ECGAN_WORKERS"] = before
    return out


def test_all_recordings_are_in_it_and_one_that_is_none_is_named(finished: Path) -> None:
    rows = {row["record"]: row for row in table(finished, "recordings")}
    assert len(rows) == 21
    assert {name for name, row in rows.items() if row["status"] == "failed"} == {BAD}
    assert rows[BAD]["error"]
    assert {"a/r00", "a/c/r02", "b/c/r19"} <= rows.keys()
    beats = table(finished, "beats")
    for name, row in rows.items():
        own = [beat for beat in beats if beat["record"] == name]
        assert len(own) == (row["samples"] or 0)
        assert sum(beat["flagged"] for beat in own) == (row["flagged"] or 0)
    assert sum(row["families"] or 0 for row in rows.values()) == len(table(finished, "families")) > 0


@functools.cache
def simulated(patient: int) -> np.ndarray[Any, Any]:
    return simulate(patient, seed=3, minutes=1.0, noise=1.0, variability=1.0).signals


def mixed(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], float, list[str]]:
    """A recording of any rate, length and number of leads; parts may be missing or flat, or it is too short."""
    patient, rate = draw(st.integers(0, 2)), draw(st.sampled_from([128.0, 250.0, 360.0, 500.0]))
    long, leads = draw(st.sampled_from([0.1, 1.5, 4.0, 10.0, 25.0])), draw(st.integers(1, 3))
    own = simulated(patient)[: round(360 * long)]
    times = np.arange(round(rate * long)) / rate
    signals = np.stack([np.interp(times, np.arange(len(own)) / 360, own[:, lead % 2]) for lead in range(leads)], axis=1)
    kind, half = draw(st.sampled_from(["whole", "whole", "gap", "flat", "zero"])), len(signals) // 2
    if kind == "gap":
        signals[half : half + round(1.2 * rate), -1] = np.nan
    elif kind != "whole":
        signals[half if kind == "zero" else 0 :] = 0.25
    return signals, rate, ["II", "V1", "V5"][:leads]


@given(data=st.data())
@settings(max_examples=6)
def test_recordings_of_any_kind_in_one_shard_are_scored_as_each_alone(data: st.DataObject, model: Reference) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        inputs = []
        for index in range(data.draw(st.integers(2, 5))):
            signals, rate, leads = mixed(data.draw)
            write_record(root, Record(f"r{index}", signals, rate, leads, np.zeros(0, np.int64), []))
            inputs.append(Input(f"r{index}", f"r{index}.hea", 1, ""))
        (root / "bad.csv").write_text("this is no recording\n")
        inputs.insert(1, Input("bad", "bad.csv", 1, ""))

        contents = ((0, content_of(model.folder)),)
        wanted, reading = ("II",), tuple(READING.items())
        asked = shards.Settings(((0, model),), root, root, "", None, THRESHOLD, wanted, wanted, reading, contents)

        def score(*some: Input) -> dict[str, list[dict[str, Any]]]:
            done = shards.score_shard(asked, plan.Shard(0, some))  # which does not see the folder of the results
            return {name: parquet.read_table(io.BytesIO(part)).to_pylist() for name, part in done.content.items()}

        together, alone = score(*inputs), [score(one) for one in inputs]
        for name, rows in together.items():
            assert rows == [row for one in alone for row in one[name]]
        status = {row["record"]: row["status"] for row in together["recordings"]}
        assert list(status) == [one.name for one in inputs]
        assert status["bad"] == "failed"


def test_scores_are_those_of_a_recording_by_itself(finished: Path, recordings: Path, model: Reference) -> None:
    page = finished / "pages" / "a" / "r00.csv"
    import pandas as pd

    alone = pd.read_csv(page)
    beats = [beat for beat in table(finished, "beats") if beat["record"] == "a/r00"]
    beats.sort(key=lambda beat: beat["number"])
    assert [beat["sample"] for beat in beats] == alone["sample"].tolist()
    scores = np.array([beat["score"] for beat in beats], dtype=np.float64)
    assert np.allclose(scores, alone["score"], rtol=1e-9, equal_nan=True)


def test_pages_are_of_those_that_were_named_and_that_lead(finished: Path) -> None:
    rows = [row for row in table(finished, "recordings") if row["status"] == "scored"]
    leader = min(rows, key=lambda row: (-row["share_flagged"], -row["highest_score"], row["record"]))["record"]
    pages = {
        page.relative_to(finished / "pages").with_suffix("").as_posix() for page in finished.rglob("pages/**/*.html")
    }
    assert pages == {"a/r00", leader}


@ENGINES
@pytest.mark.slow
def test_every_engine_gives_the_same_bytes(
    finished: Path, recordings: Path, model: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine
) -> None:
    if "ECGAN_CLUSTER" in engine:
        pytest.importorskip("distributed")
    for name, value in engine.items():
        monkeypatch.setenv(name, value)
    run(recordings, model, tmp_path / "out", pages=1, named=["a/r00"])
    assert hashes(tmp_path / "out") == hashes(finished)


def test_a_process_that_does_not_see_the_results_gives_them_back(
    finished: Path, recordings: Path, model: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, out = tmp_path / "elsewhere", tmp_path / "out"
    elsewhere.mkdir()
    score, write = shards.score_shard, shards.write_one

    def there(settings: shards.Settings) -> shards.Settings:
        return dataclasses.replace(settings, out=elsewhere)

    monkeypatch.setattr("ecgan.scoring.archive.score_shard", lambda settings, one: score(there(settings), one))
    monkeypatch.setattr("ecgan.scoring.archive.write_one", lambda settings, one: write(there(settings), one))
    run(recordings, model, out, pages=1, named=["a/r00"])
    assert hashes(out) == hashes(finished)
    run(recordings, model, out, pages=1, named=["a/r00"], resume=True)  # what had failed, without the parts
    assert hashes(out) == hashes(finished)
    assert not list(elsewhere.iterdir())


def test_a_process_that_lacks_model_or_recordings_refuses(
    recordings: Path, model: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = shards.score_shard
    content = content_of(model.folder)
    changes: list[dict[str, Any]] = [
        {"models": ((0, dataclasses.replace(model, folder=tmp_path)),)},
        {"contents": ((0, "another"),)},
        {"plugins": (str(tmp_path / "none.py"),)},
    ]
    for change in changes:
        monkeypatch.setattr(
            "ecgan.scoring.archive.score_shard",
            lambda settings, one, change=change: score(dataclasses.replace(settings, **change), one),
        )
        with pytest.raises(EcganError) as error:
            run(recordings / "a", model, tmp_path / "out")
        assert error.value.hint
        assert not (tmp_path / "out").exists()
    shutil.copytree(recordings / "a", tmp_path / "archive")

    def unseen(settings: shards.Settings, one: plan.Shard) -> plan.Done:
        (tmp_path / "archive").rename(tmp_path / "aside")
        try:
            return score(settings, one)
        finally:
            (tmp_path / "aside").rename(tmp_path / "archive")

    monkeypatch.setattr("ecgan.scoring.archive.score_shard", unseen)
    with pytest.raises(EcganError, match="does not see") as error:
        run(tmp_path / "archive", model, tmp_path / "out")
    assert error.value.hint
    url = f"memory://models/{tmp_path.name}/run"
    files = {
        file.relative_to(model.folder).as_posix(): file.read_bytes()
        for file in model.folder.rglob("*")
        if file.is_file()
    }
    fsspec.filesystem("memory").pipe({f"{url.removeprefix('memory:/')}/{name}": part for name, part in files.items()})
    monkeypatch.chdir(tmp_path)
    found = models_here({0: Reference(url, tmp_path, None, "best")}, {0: content})
    assert content_of(found[0].folder) == content


def test_what_is_done_is_not_done_again_and_damaged_parts_are(
    finished: Path, recordings: Path, model: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    with pytest.raises(EcganError, match="already"):
        run(recordings, model, out)
    damaged, lost = out / "beats/part-00000.parquet", out / "families/part-00002.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    lost.unlink()
    (out / "beats/.part-00001.parquet.0.part").write_bytes(b"half")
    (out / "beats/part-00099.parquet").write_bytes(b"of another plan")
    read = read_from_here(monkeypatch)
    run(recordings, model, out, resume=True, pages=1, named=["a/r00"])
    kept = {Path(row["record"]).name for row in parquet.read_table(out / "recordings/part-00001.parquet").to_pylist()}
    wanted = {f"r{index:02d}" for index in range(20)} - kept
    assert 0 < len(wanted) < 20
    assert sorted(read) == ["bad.csv", *sorted(f"{name}.hea" for name in wanted)]
    assert hashes(out) == hashes(finished)
    assert "2 shards" in capsys.readouterr().err


@pytest.mark.parametrize("rows", [200_000, 0])
def test_a_part_that_claims_more_rows_than_its_shard_has_recordings_is_made_again(
    finished: Path, recordings: Path, model: Reference, tmp_path: Path, rows: int
) -> None:
    """Few bytes may stand for any number of rows; a manifest that was made to fit tells nothing."""
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    part = out / "recordings/part-00000.parquet"
    parts, before = parquet.read_table(part), sha256(part)
    if rows:
        parquet.write_table(parts.take([0] * rows), part)
    else:
        part.write_bytes(b"no table")
    manifest = out / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace(before, sha256(part)))
    run(recordings, model, out, resume=True)
    assert hashes(out) == hashes(finished)


def test_another_model_or_option_is_no_reason_to_go_on(
    finished: Path, recordings: Path, model: Reference, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    with pytest.raises(EcganError, match="threshold"):
        run(recordings, model, out, resume=True, threshold=3.0)
    (out / "manifest.jsonl").write_text("{}\n")
    with pytest.raises(EcganError, match="manifest"):
        run(recordings, model, out, resume=True)
    assert run(recordings / "a", model, out, force=True)
    assert len(table(out, "recordings")) == 10


def test_an_archive_that_grows_costs_what_is_new(
    recordings: Path, model: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: Record
) -> None:
    root, out = tmp_path / "archive", tmp_path / "out"
    shutil.copytree(recordings / "a", root)
    run(root, model, out)
    write_record(root, Record("new", record.signals[:3600], 360.0, record.leads, np.zeros(0, np.int64), []))
    for file in root.glob("r00.*"):
        file.unlink()
    os.utime(root / "c" / "r18.hea", (1, 1))
    os.utime(root / "c" / "r18.dat", (1, 1))
    tried = watched(monkeypatch)
    run(root, model, out, resume=True)
    names = [row["record"] for row in table(out, "recordings")]
    assert "new" in names
    assert "r00" not in names
    assert len(names) == 10
    assert ["new"] in [[one.name for one in shard.inputs] for shard in tried]
    assert len(tried) == 3  # the new one, the shard that lost one and the shard in which one changed


def test_what_had_failed_is_tried_again_and_nothing_else(
    recordings: Path, record: Record, model: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, out = tmp_path / "archive", tmp_path / "out"
    shutil.copytree(recordings / "b", root)
    write_record(root, Record("gone", record.signals[:3600], 360.0, record.leads, np.zeros(0, np.int64), []))
    signals = (root / "gone.dat").read_bytes()
    (root / "gone.dat").unlink()
    run(root, model, out)
    before = hashes(out)
    assert failed(out) == {"bad", "gone"}
    read = read_from_here(monkeypatch)
    assert not run(root, model, out, resume=True)
    assert sorted(read) == ["bad.csv", "gone.hea"]
    assert hashes(out) == before
    (root / "gone.dat").write_bytes(signals)
    read.clear()
    run(root, model, out, resume=True)
    assert sorted(read) == ["bad.csv", "gone.hea"]
    assert failed(out) == {"bad"}
    run(root, model, tmp_path / "direct")
    for name in ("recordings", "beats", "families", "episodes"):
        assert table(out, name) == table(tmp_path / "direct", name)
    (root / "bad.csv").unlink()
    read.clear()
    assert run(root, model, out, resume=True)
    assert not read
    assert not failed(out)


def failed(out: Path) -> set[str]:
    return {row["record"] for row in table(out, "recordings") if row["status"] == "failed"}


def read_from_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files of recordings that are read from here on, or are tried."""
    read: list[str] = []

    def reading(place: Path, **options: Any) -> Record:
        read.append(Path(place).name)
        return read_anywhere(place, **options)

    monkeypatch.setattr("ecgan.scoring.shards.read_anywhere", reading)
    return read


def test_a_plan_depends_on_the_recordings_alone_and_a_long_one_stands_alone() -> None:
    inputs = [Input(f"r{index}", f"r{index}.edf", 10_000, "1") for index in range(2000)]
    inputs[7] = inputs[7]._replace(size=plan.LARGE)
    made = list(plan.planned(inputs, len(inputs)))
    assert [one for shard in made for one in shard.inputs if one.size < plan.LARGE] == inputs[:7] + inputs[8:]
    assert [len(shard.inputs) for shard in made if shard.size >= plan.LARGE] == [1]
    assert max(len(shard.inputs) for shard in made) <= plan.MOST
    manifest = plan.Manifest(Path("none"), "", {}, made)
    assert manifest.left[0].inputs == (inputs[7],)


def mixed_plan(long: int, short: int) -> plan.Manifest:
    """Days, and shards of short recordings."""
    inputs = [Input(f"d{index}", f"d{index}.edf", (index % 3 + 2) * plan.LARGE, "1") for index in range(long)]
    inputs += [Input(f"r{index}", f"r{index}.edf", plan.LARGE // 4, "1") for index in range(4 * short)]
    return plan.Manifest(Path("none"), "", {}, list(plan.planned(inputs, len(inputs))))


def seconds(left: list[plan.Shard], processes: int) -> tuple[float, float]:
    """When half of the short shards and when all are done, if a process takes a second for `LARGE` bytes."""
    free, ends = [0.0] * processes, []
    for shard in left:
        free.sort()
        free[0] += shard.size / plan.LARGE
        ends += [free[0]] * (len(shard.inputs) > 1)
    return sorted(ends)[len(ends) // 2], max(free)


@pytest.mark.parametrize(("long", "short"), [(200, 400), (10, 1000), (3, 40)])
def test_neither_days_nor_short_recordings_wait_for_all_the_others(long: int, short: int) -> None:
    left = mixed_plan(long, short).left
    for processes in (1, 2, 8):
        half, end = seconds(left, processes)
        best = max(sum(shard.size for shard in left) / processes, left[0].size) / plan.LARGE
        assert half < 0.75 * best + 4
        assert end < best + 2


def wait_for_the_others(folder: Path, short: int, shard: plan.Shard) -> bool:
    """A day is done when all short ones are."""
    if len(shard.inputs) > 1:
        (folder / str(shard.number)).touch()
        return True
    end = time.monotonic() + 120
    while (done := len(list(folder.iterdir()))) < short and time.monotonic() < end:
        time.sleep(0.01)
    return done == short


@pytest.mark.slow
def test_short_recordings_end_while_a_day_is_under_way(tmp_path: Path) -> None:
    left = mixed_plan(1, 9).left
    with Pool(2) as pool:
        done = [handle.result() for _, handle in as_done(pool, partial(wait_for_the_others, tmp_path, 9), left)]
    assert all(done)
    assert len(done) == 10


def test_folders_lists_and_patterns(recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(recordings)
    (tmp_path / "list.txt").write_text("# those of a\na/r00.hea\n\na/r04.hea\nhttps://example.org/x/r00.hea?key=1\n")
    assert list(expand(["a/*.hea"])) == [f"a/r{index:02d}.hea" for index in (0, 4, 8, 12, 16)]
    assert [one.name for one in list_archive(list(expand(["**/r0[12].hea"])))] == ["a/c/r02", "b/c/r01"]
    listed = list_archive(list(expand([f"@{tmp_path / 'list.txt'}"])))
    assert len({one.name for one in listed}) == 3
    assert [one.mark == "" for one in listed] == [False, False, True]
    with pytest.raises(EcganError, match="nothing matches"):
        list(expand(["none/*.hea"]))
    with pytest.raises(EcganError, match="no recording"):
        list_archive([str(tmp_path)])
    assert len(list_archive(["a", "a/r00.hea"])) == 10
    assert len(list_archive(["."], without=Path("a").absolute())) == 11
    (tmp_path / "results/recordings").mkdir(parents=True)
    manifest = tmp_path / "results/manifest.jsonl"
    for file in (tmp_path / "own.csv", tmp_path / "results/recordings/r00.csv"):
        file.write_text("")
    plan.Manifest(manifest, "of", {}, []).write()
    assert [one.name for one in list_archive([str(tmp_path)])] == ["own"]
    for text in ("", "{}\n", "[" * 70_000, '{"file": "r00.csv"}\n'):  # an archive's own
        manifest.write_text(text)
        assert [one.name for one in list_archive([str(tmp_path)])] == ["own", "results/recordings/r00"]


@pytest.mark.slow
@ENGINES
def test_what_kills_its_process_is_named_and_the_others_are_scored(
    recordings: Path, model: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine, record: Record
) -> None:
    if "ECGAN_CLUSTER" in engine:
        pytest.importorskip("distributed")
    for name, value in engine.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("ecgan.engines.pool.ATTEMPTS", 1)
    monkeypatch.setattr("ecgan.engines.cluster.ATTEMPTS", 1)
    plugin = tmp_path / "killing.py"
    plugin.write_text(
        "import os, signal\nfrom ecgan.scoring import shards\nread = shards.read_anywhere\n"
        "def killing(place, **options):\n"
        "    if 'r04' in str(place): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return read(place, **options)\n"
        "shards.read_anywhere = killing\n"
    )
    run(recordings / "a", model, tmp_path / "out", plugins=[plugin])
    rows = table(tmp_path / "out", "recordings")
    assert [row["record"] for row in rows if row["status"] == "failed"] == ["r04"]
    assert len(rows) == 10


def _started(*arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(ecgan.__file__).parents[1])}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", *arguments, "--no-dashboard"], env=environment, **quiet)


@pytest.mark.slow
def test_a_scheduler_that_is_killed_costs_what_is_not_yet_done(
    finished: Path, recordings: Path, model: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dask = pytest.importorskip("dask")
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    scheduler = _started("dask", "scheduler", "--host", address)
    worker = _started("ecgan.engines.worker", address, "--no-nanny", "--death-timeout", "60")
    out = tmp_path / "out"

    def kill() -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end and '"done"' not in _text(out / "manifest.jsonl"):
            time.sleep(0.02)
        scheduler.kill()

    try:
        monkeypatch.setenv("ECGAN_CLUSTER", address)
        threading.Thread(target=kill).start()
        with dask.config.set({"distributed.comm.timeouts.connect": "60s"}):
            pytest.importorskip("distributed").Client(address).close()  # it has begun
        with dask.config.set({"distributed.comm.timeouts.connect": "2s"}), pytest.raises(EcganError, match="cluster"):
            run(recordings, model, out, pages=1, named=["a/r00"])
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()
    assert '"done"' in _text(out / "manifest.jsonl")
    monkeypatch.delenv("ECGAN_CLUSTER")
    run(recordings, model, out, resume=True, pages=1, named=["a/r00"])
    assert hashes(out) == hashes(finished)


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def test_no_scheduler_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    dask = pytest.importorskip("dask")
    pytest.importorskip("distributed")
    from ecgan.engines.choosing import engine

    for address in ("somewhere", "local:0", "local:two", "https://127.0.0.1:1"):
        monkeypatch.setenv("ECGAN_CLUSTER", address)
        with pytest.raises(EcganError, match="is no cluster"):
            engine()
    for address, words in (("local:100000", "more workers"), ("tls://127.0.0.1:9", "certificates")):
        monkeypatch.setenv("ECGAN_CLUSTER", address)
        with pytest.raises(EcganError, match=words) as error:
            engine()
        assert error.value.hint
    monkeypatch.setenv("ECGAN_CLUSTER", "tcp://127.0.0.1:9")
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}), pytest.raises(EcganError, match="no scheduler"):
        engine()


HEAD: dict[str, Any] = {"format": 1, "settings": "s", "told": {}}
COUNTS = {"recordings": 1, "failed": 0, "scored": 9, "flagged": 0}
SHARD: dict[str, Any] = {"shard": 0, "inputs": [["a", "a.csv", 1, "1"]]}
DONE: dict[str, Any] = {"done": 0, "key": "k", "files": {}, "counts": COUNTS}


@pytest.mark.parametrize(
    "lines",
    [
        [HEAD | {"told": [1]}, SHARD],
        [HEAD, SHARD | {"shard": "../x"}],
        [HEAD, SHARD | {"shard": True}],
        [HEAD, SHARD | {"shard": -1}],
        [HEAD, SHARD, SHARD],
        [HEAD, SHARD | {"inputs": [[[], "a.csv", "b", "1"]]}],
        [HEAD, SHARD, DONE | {"files": [1]}],
        [HEAD, SHARD, DONE | {"counts": {}}],
        [HEAD, SHARD, DONE | {"counts": {**COUNTS, "scored": "x"}}],
        [HEAD, SHARD, "[" * 100_000],
        [HEAD, SHARD, "x" * 2000],
    ],
)
def test_a_hostile_manifest_is_one_sentence(tmp_path: Path, lines: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_LONGEST", 1000)
    file = tmp_path / "manifest.jsonl"
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    with pytest.raises(EcganError, match="manifest") as error:
        plan.resumed(file, "other", {"threshold": 1}, [])
    assert error.value.hint


def test_what_fails_at_once_leaves_nothing_that_stands_in_the_way(
    recordings: Path, model: Reference, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(EcganError, match="strategy"):
        run(recordings / "a", model, out, strategy="none")
    assert not out.exists()
    with pytest.raises(EcganError):
        run(recordings / "a", model, out, resume=True, force=True)


@pytest.mark.parametrize("before", [0, 1])
def test_an_interruption_says_what_is_there(
    recordings: Path, model: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    tried = watched(monkeypatch)
    score = archive_module.score_shard

    def interrupted(settings: shards.Settings, shard: plan.Shard) -> plan.Done:
        if len(tried) == before:
            raise Interrupted(signal.SIGINT)
        return score(settings, shard)

    monkeypatch.setattr(archive_module, "score_shard", interrupted)
    with pytest.raises(Interrupted) as error:
        run(recordings, model, tmp_path / "out")
    assert (tmp_path / "out").exists() == bool(before) == bool(getattr(error.value, "__notes__", []))


def test_a_page_of_what_has_changed_is_not_linked(
    recordings: Path, model: Reference, tmp_path: Path, record: Record
) -> None:
    root, out = tmp_path / "archive", tmp_path / "out"
    shutil.copytree(recordings / "a", root)
    run(root, model, out, named=["r00", "r04"])
    (out / "beats" / "part-of-my-thesis.txt").write_text("mine")
    os.utime(root / "r00.dat", (1, 1))
    os.utime(root / "r00.hea", (1, 1))
    run(root, model, out, resume=True)
    listed = (out / "summary.html").read_text()
    assert "pages/r04.html" in listed
    assert "pages/r00.html" not in listed
    assert (out / "beats" / "part-of-my-thesis.txt").exists()
    run(root, model, out, force=True, threshold=3.0)  # pages of the old threshold lie there
    assert "pages/r04.html" not in (out / "summary.html").read_text()


def test_names_and_places_that_are_told(
    record: Record, model: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, out = tmp_path / "archive", tmp_path / "out"
    root.mkdir()
    write_record(root, Record("good", record.signals[:3600], 360.0, record.leads, np.zeros(0, np.int64), []))
    for name in (b"b\xff", b"n" * 250):
        try:
            file = Path(os.fsdecode(os.fsencode(root) + b"/" + name + b".csv"))
            np.savetxt(file, record.signals[:3600], delimiter=",", header=",".join(record.leads), comments="")
        except OSError:
            pytest.skip("every name is short text here")
    url = "https://127.0.0.1:1/x/r.hea?signature=SECRET"
    options: dict[str, Any] = {**READING, "manner": Manner(quiet=True), "threshold": THRESHOLD, "sampling_rate": 360.0}
    assert not archive.run([str(root), url], model, out, **options)
    rows = {Path(row["record"]).name: row for row in table(out, "recordings")}
    assert {name for name, row in rows.items() if row["status"] == "scored"} == {"good", "b\\xff", "n" * 250}
    assert rows["r"]["status"] == "failed"
    tried = watched(monkeypatch)
    archive.run([str(root), url.replace("SECRET", "OTHER")], model, out, resume=True, **options)
    assert len(tried) == 1  # what is behind a URL may be there now
    archive.run([str(root)], model, out, resume=True, pages=9, **options)
    assert (out / "pages" / "b\\xff.html").exists()
    assert not [file for file in out.rglob("*") if file.is_file() and b"SECRET" in file.read_bytes()]


def test_a_record_counts_once_whichever_of_its_files_are_named(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recordings)
    assert [one.name for one in list_archive(list(expand(["a/r0*"])))] == ["r00", "r04", "r08"]
    assert len(list_archive(["a/r00", "a/r00.dat", "a/r04.hea", "n" * 300, "x" * 5000])) == 4
    assert len(list_archive(["b/../a/r00", "./a/r00.hea", str(recordings / "a" / "r00"), "./a", "a/"])) == 10
    (tmp_path / "list").write_text(f"a/{'r' * 100_000}\n")
    (tmp_path / "binary").write_bytes(b"a\0b\n")
    for name in ("list", "binary"):
        with pytest.raises(EcganError, match=name):
            list(expand([f"@{tmp_path / name}"]))


def test_a_list_may_name_files_of_any_bytes(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"a.csv\nx\xff.csv\n\n# no\n")
    assert list(expand([f"@{tmp_path / 'list.txt'}"])) == ["a.csv", "x\udcff.csv"]


def test_who_waited_finds_what_the_first_one_wrote(
    finished: Path, recordings: Path, model: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    @contextlib.contextmanager
    def wait(folder: Path) -> Iterator[bool]:
        shutil.copytree(finished, folder, dirs_exist_ok=True)
        yield True

    monkeypatch.setattr("stages.archive.alone_in", wait)
    with pytest.raises(EcganError, match="already"):
        run(recordings, model, out)
    assert hashes(out) == hashes(finished)


@pytest.mark.parametrize("out", ["s3://bucket/scores", "memory://scores", "file:///tmp/scores"])
def test_results_go_into_a_folder_here(
    recordings: Path, model: Reference, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for stage in (run, score_alone):
        with pytest.raises(EcganError, match="--out") as error:
            stage(recordings / "a", model, Path(out))
        assert error.value.hint
    assert not list(tmp_path.iterdir())


def score_alone(recordings: Path, model: Reference, out: Path) -> bool:
    return score.run([recordings], model, out)
