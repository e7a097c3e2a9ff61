"""`ecgan-init -d mitbih_beats -m vaegan …` and the commands after it, word for word, on made-up files."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from ecgan.preprocessing.processed import load_processed
from tests.raw import made_up
from tests.raw.mitbih_beats_csv import COUNTS

from .project import Project, make

pytestmark = pytest.mark.slow


def small(path: Path, **sections: dict[str, object]) -> None:
    """Lay values over those of a file."""
    config = yaml.safe_load(path.read_text())
    for name, values in sections.items():
        config[name] |= values
    path.write_text(yaml.safe_dump(config))


def test_the_documented_sequence_works_word_for_word(tmp_path: Path) -> None:
    project: Project = make(tmp_path / "project")
    project.classic("init", "-d", "mitbih_beats", "-m", "vaegan", "ecgan", "test_project", "test_run")
    path = project.folder / "config.yml"
    named = path.read_text()
    project.classic("init", "ecgan", "test_project", "test_run", "--force")
    assert path.read_text() == named  # both are the defaults
    modules = yaml.safe_load(named)["modules"]["vaegan"] | {"width": 0.0625, "latent_size": 4, "batch_size": 16}
    small(
        path,
        runtime={"threads": 1},
        fetch={"source": made_up("mitbih_beats_csv")},
        split={"k": 2, "folds": [0]},
        train={"epochs": 1},
        modules={"vaegan": modules},
    )
    project.classic("preprocess")
    processed = load_processed(project.folder / "data/mitbih_beats/processed")
    counts = np.sum(list(COUNTS.values()), axis=0)
    assert np.bincount(processed.class_ids).tolist() == counts.tolist()
    assert processed.signals.shape == (counts.sum(), 1, 160)
    assert (processed.signals.min(), processed.signals.max()) == (0.0, 1.0)
    project.classic("train")
    reference = "models/ecgan/test_project/test_run:best"
    project.classic("detect", "-i", reference, "ecgan", "test_project", "detection_run")
    small(project.folder / "ad_config.yml", detect={"bootstrap": 50})
    assert "AUROC" in project.classic("detect").stdout
    metrics = project.json("reports/ecgan/test_project/detection_run/fold_0/metrics.json")
    assert "svm_lambda_gamma" in metrics["strategies"]
