"""The example package of the documentation: installed, listed, checked, and run through the pipeline."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests import forking
from tests.installed import ROOT, ecgan, install_project

PACKAGE = ROOT / "docs" / "examples" / "package"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    install_project(site, PACKAGE)
    return site


def test_its_parts_are_listed_with_the_package(site: Path, tmp_path: Path) -> None:
    for kind, name in (("datasets", "ecgsyn_v1"), ("models", "slim"), ("detectors", "energy")):
        done = ecgan(site, "list", kind, "--json", cwd=tmp_path)
        assert done.stderr == ""
        row = next(row for row in json.loads(done.stdout) if row["name"] == name)
        assert row["from"] == "package ecg-extras 0.1.0"
        assert row["licence"] in ("MIT", "free of rights")
    listed = ecgan(site, "list", "models", cwd=tmp_path).stdout
    assert "\nslim\tslim_autoencoder\t" in listed


def test_its_parts_conform(site: Path) -> None:
    code = (
        "from ecgan.testing import checks\n"
        "small = {'fetch': {'patients': 2, 'minutes': 0.3}}\n"
        "parts = {'dataset': ('ecgsyn_v1', small), 'model': ('slim',), 'detector': ('energy',)}\n"
        "for kind, part in parts.items():\n    for check in checks(kind, *part):\n        check()\n"
    )
    done = forking.run([sys.executable, "-c", code], site, {"PYTHONPATH": f"{site}:{ROOT}", "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-2000:]


def test_its_parts_run_through_the_pipeline_without_being_named_as_plugins(site: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> None:
        done = ecgan(site, *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr[-2000:]

    run("init", "-d", "ecgsyn_v1", "-m", "slim_autoencoder", "lab", "extras")
    path = tmp_path / "params.yaml"
    values = yaml.safe_load(path.read_text())
    assert values["models"] == ["slim"]
    assert values["plugins"] == []
    values["fetch"] |= {"patients": 6, "minutes": 0.8}
    values["split"] |= {"k": 2, "folds": [0]}
    values["train"] |= {"epochs": 2}
    values["detect"] |= {"bootstrap": 20, "classical": ["energy"]}
    values["detectors"] |= {"energy": {}}
    path.write_text(yaml.safe_dump(values))
    for stage in ("fetch", "preprocess", "split", "train", "inverse"):
        run(stage)
    run("detect")
    described = json.loads((tmp_path / "data/ecgsyn_v1/processed/dataset.json").read_text())
    assert described["leads"] == ["V1"]
    found = sorted(path.parent.parent.name for path in tmp_path.glob("reports/detect*/*/fold_0/scores.csv"))
    assert found == ["energy", "slim"]
    for scores in tmp_path.glob("reports/detect*/*/fold_0/scores.csv"):
        assert len(pd.read_csv(scores)) > 30


def test_the_documentation_names_every_file() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8").replace("\n  ", "\n")
    entries = (PACKAGE / "pyproject.toml").read_text(encoding="utf-8").partition("[project.entry-points")
    assert f"{entries[1]}{entries[2]}".partition("\n\n[tool")[0] in text
    for file in PACKAGE.rglob("*.py"):
        assert f"examples/package/{file.relative_to(PACKAGE)}" in text or file.name == "__init__.py"
