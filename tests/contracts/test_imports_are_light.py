"""What a command must not import: waiting for torch to show a help text is a defect."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import ecgan
from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.base import cut_recording
from ecgan.datasets.ecgsyn import Ecgsyn
from ecgan.ecg.records import write_record
from ecgan.ecg.simulated_patients import simulate
from ecgan.seals import seal

HEAVY = ("torch", "pandas", "numpy", "pydantic", "matplotlib", "sklearn", "scipy", "wfdb", "dvclive")


def imported_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(found.stdout.splitlines()[-1].split()) if found.stdout.strip() else set()


def test_the_command_line_imports_nothing_heavy() -> None:
    assert imported_by("import ecgan.cli") == set()


@pytest.mark.parametrize("command", ["generate", "score"])
def test_help_imports_neither_numpy_nor_torch(command: str) -> None:
    code = f"sys.argv = ['ecgan', '{command}', '--help']\ntry:\n    import ecgan.__main__\nexcept SystemExit:\n    pass"
    assert imported_by(code) <= {"pydantic"}


def test_the_library_imports_nothing_heavy_before_it_is_used() -> None:
    assert imported_by("import ecgan\nassert ecgan.__version__ and 'Detector' in dir(ecgan)") == set()
    assert imported_by("import ecgan\necgan.EcganError, ecgan.set_arithmetic") == set()


def test_stages_without_a_model_do_not_import_torch() -> None:
    imports = "".join(f"import stages.{stage}\n" for stage in ("fetch", "preprocess", "split", "report"))
    code = f"{imports}from ecgan.config import load_params\nload_params('params.yaml', models=False)"
    assert "torch" not in imported_by(code)


def test_classical_detection_does_not_import_torch() -> None:
    code = "import stages.detect\nfrom ecgan.registry import DETECTORS\n[DETECTORS.get(n) for n in DETECTORS.names()]"
    assert "torch" not in imported_by(code)


def test_scoring_by_a_detector_without_a_model_imports_neither_torch_nor_wfdb_nor_matplotlib(tmp_path: Path) -> None:
    """The largest part of the start; what is loaded later is loaded here too."""
    record = simulate(0, seed=2, minutes=0.5, noise=1.0, variability=1.0)
    write_record(tmp_path, record)
    data = cut_recording(Ecgsyn(), record, BeatOptions())
    ecgan.Detector("patient_specific", dataset="ecgsyn").fit(data.unlabelled()).save(tmp_path / "run")
    paths = tmp_path / f"{record.name}.hea", tmp_path / "run", tmp_path / "out"
    code = "sys.argv = ['ecgan', 'score', {!r}, '--model', {!r}, '--out', {!r}]\n".format(*map(str, paths))
    code += (
        "try:\n    import ecgan.__main__\n    ecgan.__main__.main()\nexcept SystemExit as end:\n    assert not end.code"
    )
    assert not imported_by(code) & {"torch", "wfdb", "matplotlib", "sklearn"}
    assert (tmp_path / "out" / f"{record.name}.html").is_file()


def test_reading_parameters_imports_neither_numpy_nor_torch() -> None:
    assert imported_by("import ecgan.config") <= {"pydantic"}


def test_a_recording_that_cannot_be_read_costs_no_model(tmp_path: Path) -> None:
    folder = tmp_path / "run/train/fold_0"
    folder.mkdir(parents=True)
    facts = {"leads": ["II"], "length": 300, "sampling_rate": 250.0, "unit": "mV", "centre": 100}
    (folder / "input.json").write_text(json.dumps(facts | {"transformation": {}, "classes": ["N"]}))
    seal(folder)
    (tmp_path / "bad.csv").write_text("no,numbers\n")
    (tmp_path / "counts.csv").write_text("II\n" + "".join(f"{1024 + 37 * row % 300}\n" for row in range(600)))
    (tmp_path / "lead.csv").write_text("V1\n" + "".join(f"{0.01 * (37 * row % 90):.2f}\n" for row in range(600)))
    code = f"""from pathlib import Path
from ecgan.errors import EcganError
from ecgan.references import Reference
from stages.score import run
home = Path({str(tmp_path)!r})
for name in ("bad", "counts", "lead"):
    try:
        run([home / f"{{name}}.csv"], Reference("run", home / "run", 0, "best"), home / "out", sampling_rate=250)
    except EcganError as error:
        assert {{"bad": "bad.csv", "counts": "swings by", "lead": "The model sees II"}}[name] in error.message
    else:
        raise AssertionError"""
    assert "torch" not in imported_by(code)
    assert not (tmp_path / "out").exists()


def test_models_know_of_no_processes() -> None:
    """What several processes share is arranged around them: they draw and weigh as if they were alone."""
    for file in (Path(ecgan.__file__).parent / "models").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "ecgan.sharing":
                assert {alias.name for alias in node.names} <= {"draw", "over_batch"}, file
            assert not (isinstance(node, ast.Attribute) and node.attr == "distributed"), file
            assert not (isinstance(node, ast.ImportFrom) and "distributed" in (node.module or "")), file
