"""Where a number came from: `ecgan trace` on the demonstration's results, a run as RO-Crate, its data as Croissant."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from ecgan.comparing.locks import Lock, read_lock
from ecgan.errors import EcganError
from ecgan.files import sha256
from ecgan.preprocessing.processed import save_processed
from ecgan.provenance import crate, croissant
from ecgan.provenance.here import GONE, OTHER, SAME, dvc_hash, state
from ecgan.provenance.numbers import find_number
from ecgan.provenance.tracing import lines, project_lock, trace
from stages import trace as command
from tests import making
from tests.contracts.imports import ROOT

LOCK = ROOT / "dvc.lock"
AEGAN = Path("reports/detect/aegan")


@pytest.fixture(scope="module")
def locked() -> Lock:
    return read_lock(LOCK)


def traced(locked: Lock, *asked: Any) -> dict[str, Any]:
    return trace(find_number(*asked), locked, Path("params.yaml"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demonstration's lock, parameters and reports, as Git has them, without data and models."""
    for name in ("dvc.lock", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "reports", tmp_path / "reports")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- hashes


def test_hashes_are_those_of_dvc(project: Path, locked: Lock) -> None:
    outs = locked["report"].outs
    assert len(outs) == 2
    for path, locked in outs.items():  # a file, and a folder with folders
        assert dvc_hash(Path(path)) == locked
        assert state(Path(path), locked) == SAME
    figure = next(Path("reports/report").rglob("*.svg"))
    making.flip(figure)
    assert state(Path("reports/report"), outs["reports/report"]) == OTHER
    assert state(Path("reports/none"), outs["reports/report"]) == GONE


def test_compiled_python_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = dvc_hash(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/a.cpython-311.pyc").write_text("2")
    assert dvc_hash(tmp_path) == before
    (tmp_path / "b.py").write_text("1")
    assert dvc_hash(tmp_path) != before


# --- trace


def test_a_headline_number_comes_from_the_folds_that_it_is_the_mean_of(project: Path, locked: Lock) -> None:
    found = traced(locked, "AUROC", "aegan")
    assert found["file"] == "reports/headline.json"
    assert found["value"] == json.loads(Path("reports/headline.json").read_text())["aegan"]["auroc"]
    assert found["stage"] == "report"
    assert [one["stage"] for one in found["mean_of"]] == ["detect@aegan-0", "detect@aegan-1"]
    for fold, one in enumerate(found["mean_of"]):
        measured = json.loads((AEGAN / f"fold_{fold}/metrics.json").read_text())
        assert one["value"] == measured["strategies"][measured["decides"]]["test"]["auroc"]
        assert one["command"].endswith(f"ecgan detect --model aegan --fold {fold}")
        assert one["output"]["state"] == SAME
    before = {one["stage"] for one in found["made_from"]}
    assert before == {"fetch", "preprocess", "split"} | {
        f"{name}@aegan-{k}" for name in ("train", "inverse") for k in (0, 1)
    }
    assert found["parameters"]["runtime.seed"] == {"value": 0, "same": True}
    assert not found["problems"]
    assert any("reports/headline.json" in line for line in lines(found))


@pytest.mark.parametrize(
    ("asked", "file", "key"),
    [
        (("F1", "aegan"), "reports/headline.json", "aegan.f1"),
        (("sensitivity", "aegan"), "reports/report/results.csv", "aegan, smoothed: sensitivity_mean"),
        (("auroc_std", "knn"), "reports/report/results.csv", "knn, plain: auroc_std"),
        (("MCC", "vaegan", None, "reconstruction"), "reports/report/results.csv", "vaegan, reconstruction: mcc_mean"),
        (("PPV", "knn", 1), "reports/detect/knn/fold_1/metrics.json", "strategies.plain.test.ppv"),
        (("F1 abnormal", "pca", 0), "reports/detect/pca/fold_0/metrics.json", "strategies.plain.test.f1_abnormal"),
        (("per_class.V.sensitivity", "pca", 0), None, "strategies.plain.test.per_class.V.sensitivity"),
        (("tstr.auroc", "aegan", 0), "reports/train/aegan/fold_0/generation.json", "tstr.auroc"),
    ],
)
def test_numbers_by_the_names_that_tables_have(
    project: Path, asked: tuple[Any, ...], file: str | None, key: str
) -> None:
    Path("reports/train/aegan/fold_0/generation.json").write_text('{"version": "v20", "tstr": {"auroc": 0.75}}')
    found = find_number(*asked)
    assert found.key == key
    assert file is None or found.file == Path(file)
    assert found.value is not None


def test_a_file_that_is_not_what_the_lock_says_is_named(project: Path, locked: Lock) -> None:
    file = AEGAN / "fold_1/metrics.json"
    text = file.read_text()
    value = find_number("auroc", "aegan", 1).value
    file.write_text(text.replace(str(value), "0.5"))
    found = traced(locked, "AUROC", "aegan")
    assert any(str(file) in problem for problem in found["problems"])
    assert any("mean" in problem for problem in found["problems"])


def test_parameters_that_have_changed_since_are_named(project: Path, locked: Lock) -> None:
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("seed: 0", "seed: 1"))
    found = traced(locked, "AUROC", "aegan", 0)
    assert [name for name, one in found["parameters"].items() if not one["same"]] == ["runtime.seed"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("aurok", "aegan"), ["aurok", "auroc"]),
        (("AUROC", "aegn"), ["aegn", "aegan", "vaegan"]),
        (("AUROC", "aegan", 7), ["7", "0, 1"]),
        (("AUROC", "aegan", 0, "smooth"), ["smooth", "smoothed"]),
        (("nothing", "aegan", 0), ["nothing", "auroc", "mcc"]),
    ],
)
def test_what_is_not_there_is_said_with_what_is(project: Path, asked: tuple[Any, ...], words: list[str]) -> None:
    with pytest.raises(EcganError) as caught:
        find_number(*asked)
    for word in words:
        assert word in str(caught.value)


def test_a_row_of_the_papers_tables_is_traced_by_the_lock_that_it_lies_beside(project: Path) -> None:
    row = Path("paper/rows/one/fold_0/plain.json")
    row.parent.mkdir(parents=True)
    row.write_text(
        json.dumps({"row": "one", "commit": "c0ffee", "test": {"auroc": 0.75, "per_class": {"V": {"count": 3}}}})
    )
    Path("paper/params.yaml").write_text("table:\n  rows:\n    one: {detector: pca}\n")
    made = {"path": "rows/one/fold_0", "hash": "md5", "md5": dvc_hash(row.parent)}
    stage = {
        "cmd": "python unit.py one",
        "outs": [made],
        "params": {"params.yaml": {"table.rows.one": {"detector": "pca"}}},
    }
    Path("paper/dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"table@one-0": stage}}))
    found = command.run("AUROC", str(row), Path("params.yaml"))
    assert (found["value"], found["key"], found["stage"]) == (0.75, "test.auroc", "table@one-0")
    assert found["row"] == {"commit": "c0ffee"}
    assert found["parameters"]["table.rows.one.detector"] == {"value": "pca", "same": True}
    assert not found["problems"]
    (row.parent / "records.csv").write_text("came later")
    assert any("rows/one" in problem for problem in command.run("auroc", str(row), Path("params.yaml"))["problems"])
    with pytest.raises(EcganError, match="aurok"):
        command.run("aurok", str(row), Path("params.yaml"))
    with pytest.raises(EcganError, match="one number"):
        command.run("AUROC", str(row), Path("params.yaml"), fold=0)


def test_a_result_of_no_stage_is_refused(project: Path, locked: Lock) -> None:
    shutil.copytree(AEGAN, "reports/detect/own")
    with pytest.raises(EcganError, match=r"reports/detect/own/fold_0/metrics\.json"):
        traced(locked, "AUROC", "own", 0)
    Path("dvc.lock").unlink()
    with pytest.raises(EcganError, match=r"dvc\.lock"):
        command.run("AUROC", "aegan", Path("params.yaml"))


# --- crate and croissant


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two stages, raw files to processed data, and its lock."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(crate.DIGEST, raising=False)
    Path("raw").mkdir()
    Path("raw/a.dat").write_bytes(b"signal")
    Path("folds").mkdir()
    Path("folds/fold_0.json").write_text("{}")
    labels = [0, 0, 0, 0, 1, 1]
    table = pd.DataFrame({"class_name": ["NV"[label] for label in labels], "record": "a", "sample": range(6)})
    signals = np.zeros((6, 1, 8), np.float32)
    save_processed(Path("processed"), "tiny", making.samples(signals, labels, table, classes=["N", "V"]))
    for name in ("dvc.yaml", "params.yaml", "constraints.txt", "README.md"):
        Path(name).write_text(f"# {name}\n")

    def stage(cmd: str, deps: list[str], outs: list[str], **params: Any) -> dict[str, Any]:
        sides = [[{"path": path, "hash": "md5", "md5": dvc_hash(Path(path))} for path in side] for side in (deps, outs)]
        return {"cmd": cmd, "deps": sides[0], "params": {"params.yaml": params}, "outs": sides[1]}

    Path("code.py").write_text("1")
    stages = {
        "fetch": stage("ecgan fetch", ["code.py"], ["raw"], seed=0),
        "preprocess": stage("ecgan preprocess", ["raw", "code.py"], ["processed"], seed=0, leads=["I", "II"], rate=1.5),
    }
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    return tmp_path


RAW = {"path": "raw", "title": "A dataset", "source": "doi:10.1/x", "licence": "ODC-By 1.0"}


def described(**environment: str) -> dict[str, Any]:
    pytest.importorskip("rocrate", reason="the extra crate is not installed")
    return crate.describe(project_lock(), RAW)


def test_a_crate_has_what_the_profile_requires(made: Path) -> None:
    """Requirements ("MUST") of Process, Workflow and Provenance Run Crate 0.5 and of Workflow RO-Crate 1.0."""
    found = described()
    Path(crate.FILE).write_text(json.dumps(found))
    from rocrate.rocrate import ROCrate

    read = ROCrate(str(made))
    entities = {one.id: one for one in read.get_entities()}
    assert len(entities) == len(found["@graph"])
    root = read.root_dataset
    assert {"process", "workflow", "provenance"} <= {one.id.split("/")[-2] for one in root["conformsTo"]}
    assert all(one.type == "CreativeWork" for one in root["conformsTo"])
    assert root["license"]
    assert root["name"]
    assert root["datePublished"]
    workflow = read.mainEntity
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"} == set(workflow.type)
    assert workflow["programmingLanguage"].type == "ComputerLanguage"
    by_type: dict[str, list[Any]] = {}
    for one in entities.values():
        for kind in [one.type] if isinstance(one.type, str) else one.type:
            by_type.setdefault(kind, []).append(one)
    assert all(one["instrument"] for one in by_type["CreateAction"])
    assert any(one["instrument"] is workflow for one in by_type["CreateAction"])
    assert {one["instrument"].id for one in by_type["CreateAction"]} - {workflow.id} == {
        one.id for one in workflow["hasPart"]
    }
    for one in by_type["FormalParameter"]:
        assert one["additionalType"]
        assert one["workExample"].type in ("PropertyValue", "File")
    assert set(workflow["input"]) == set(by_type["FormalParameter"])
    assert set(workflow["step"]) == set(by_type["HowToStep"])
    assert [one["name"] for one in sorted(workflow["step"], key=lambda s: int(s["position"]))] == [
        "fetch",
        "preprocess",
    ]
    assert all(one["workExample"].type == "SoftwareApplication" for one in by_type["HowToStep"])
    assert all(one["instrument"] in by_type["HowToStep"] for one in by_type["ControlAction"])
    assert all(one["object"] in by_type["CreateAction"] for one in by_type["ControlAction"])
    (engine,) = by_type["OrganizeAction"]
    assert engine["result"].id == "#run"
    assert set(engine["object"]) == set(by_type["ControlAction"])


def test_a_crate_says_what_was_read_and_made(made: Path) -> None:
    entities = {one["@id"]: one for one in described()["@graph"]}
    assert entities["raw/"]["license"] == "ODC-By 1.0"
    assert entities["raw/a.dat"]["sha256"] == sha256(Path("raw/a.dat"))
    assert entities["raw/"]["identifier"] == f"md5:{dvc_hash(Path('raw'))}"
    assert entities["constraints.txt"]["sha256"] == sha256(Path("constraints.txt"))
    step = entities["#run-preprocess"]
    assert step["description"] == "ecgan preprocess"
    assert step["result"] == {"@id": "processed/"}
    given = {one["@id"] for one in step["object"]}
    assert given == {"raw/", "#value-seed", "#value-leads", "#value-rate", "#code-preprocess"}
    assert json.loads(entities["#value-leads"]["value"]) == ["I", "II"]
    assert entities["#param-rate"]["additionalType"] == "Float"
    assert json.loads(entities["#code-preprocess"]["value"]) == {"code.py": dvc_hash(Path("code.py"))}
    assert "#image" not in entities


def test_the_same_run_gives_the_same_crate(made: Path) -> None:
    assert json.dumps(described()) == json.dumps(described())


def test_the_image_is_named_where_it_is_known(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(crate.DIGEST, "ecgan@sha256:" + "0" * 64)
    entities = {one["@id"]: one for one in described()["@graph"]}
    assert (entities["#image"]["name"], entities["#image"]["sha256"]) == ("ecgan", "0" * 64)
    assert entities["#run-fetch"]["containerImage"] == {"@id": "#image"}


def test_what_is_not_what_the_lock_says_is_not_described(made: Path) -> None:
    making.flip(Path("raw/a.dat"))
    with pytest.raises(EcganError, match=r"raw, .*fetch"):
        described()


def test_croissant_is_read_back(made: Path) -> None:
    pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    import mlcroissant

    source = croissant.Source("A dataset", "PhysioNet, doi:10.13026/C2F305", "ODC-By 1.0")
    found = croissant.describe(Path("processed"), Path("folds"), source, "0.1.0", "2026-01-02T03:04:05+00:00")
    Path(croissant.FILE).write_text(json.dumps(found))
    assert {one["@id"]: one["sha256"] for one in found["distribution"]} == {
        path.name: sha256(path)
        for path in [*Path("processed").iterdir(), Path("folds/fold_0.json")]
        if path.name != "seal.json"
    }
    read = mlcroissant.Dataset(croissant.FILE)
    assert read.metadata.url == "https://doi.org/10.13026/C2F305"
    assert not read.metadata.ctx.issues.errors
    assert not read.metadata.ctx.issues.warnings
    rows = list(read.records("samples"))
    assert [row["samples/class_name"] for row in rows] == [b"N"] * 4 + [b"V"] * 2


# --- what archives ask for


def test_the_files_for_citation_agree_and_name_what_a_person_has_to_fill_in() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    cited, archived = yaml.safe_load(text), json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert cited["version"] == archived["version"] == project["version"]
    assert cited["license"] == archived["license"] == project["license"]
    assert cited["title"] == archived["title"]
    assert cited["keywords"] == archived["keywords"]
    assert {"cff-version", "message", "type", "abstract", "authors", "references"} <= set(cited)
    assert archived["upload_type"] == "software"
    open_places = [key for key, value in archived.items() if "FILL IN" in json.dumps(value)]
    assert open_places == ["creators"]
    for place in ("authors", "orcid", "doi", "date-released", "repository-code"):
        assert any("FILL IN" in line and place in line for line in text.splitlines()), place
    page = (ROOT / "docs/reproducibility.md").read_text(encoding="utf-8")
    assert "FILL IN" in page
