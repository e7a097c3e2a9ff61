"""The examples of docs/examples that need no pipeline to show what they are for."""

from pathlib import Path

import numpy as np
import pytest

import ecgan
from ecgan.evaluation.ranking import auroc
from ecgan.preprocessing.processed import load_processed, save_processed
from ecgan.registry import DATASETS, load_plugins

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    load_plugins(["my_findings.py", "my_record_detector.py"], EXAMPLES)


def test_unseen_patients_are_compared_with_themselves() -> None:
    """What is usual in other patients says less of a patient who is not among them than their own usual beat."""
    beats = ecgan.load_dataset("ecgsyn", patients=10, minutes=0.6)
    assert beats.records is not None
    learned = np.isin(beats.records, np.unique(beats.records)[:3])
    unseen, figures = beats[~learned], {}
    for name in ("own_beat", "knn"):
        scores = ecgan.Detector(name).fit(beats[learned]).decision_function(unseen)
        figures[name] = auroc(scores, unseen.class_ids != 0)
    assert figures["own_beat"] > figures["knn"] + 0.02


def test_a_sample_has_several_labels(tmp_path: Path) -> None:
    dataset = DATASETS.get("strips")()
    dataset.fetch(tmp_path, dataset.Fetch(strips=200), seed=0)
    save_processed(tmp_path, "strips", dataset.samples(tmp_path, dataset.Preprocess()))
    strips = load_processed(tmp_path)
    both = strips.table["finding_fast"] + strips.table["finding_wide"] == 2
    assert set(strips.table.loc[both, "class_name"]) == {"fast+wide"}
    assert ((strips.table["class_name"] == "normal") == (strips.class_ids == 0)).all()
    normal = strips[strips.class_ids == 0]
    scores = ecgan.Detector("pca").fit(normal).decision_function(strips)
    by_finding = {name: auroc(scores, strips.table[f"finding_{name}"].to_numpy() == 1) for name in ("fast", "wide")}
    assert np.all(np.array(list(by_finding.values())) > 0.5)
