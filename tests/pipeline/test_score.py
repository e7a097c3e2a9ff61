"""`ecgan score` after a training: the scores of the pipeline, on files as users have them."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from scipy.signal import resample_poly
from scipy.stats import spearmanr

import ecgan
from ecgan.cli import app
from ecgan.ecg.records import read_record, write_record
from ecgan.errors import EcganError
from ecgan.scoring.files import SUFFIXES

from .project import Project, make

pytestmark = pytest.mark.slow
RUN = "models/lab/tiny/aegan"
RAW = "data/ecgsyn/raw"
TRAIN = {"epochs": 3, "generation": {"metrics": [], "figures": False}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make(tmp_path_factory.mktemp("score") / "project")
    project.params(split={"k": 2, "folds": [0, 1]}, train=TRAIN)
    for stage in ("fetch", "preprocess", "split"):
        project.ecgan(stage)
    for stage in ("train", "inverse", "detect"):
        project.ecgan(stage, "--model", "aegan")
    return project


@pytest.fixture(scope="module")
def annotated(project: Project) -> Path:
    """All records of the dataset, scored at their annotations with the first fold."""
    project.ecgan("score", RAW, "--model", f"{RUN}/fold_0", "--annotator", "atr", "--out", "annotated")
    return project.folder / "annotated"


def beats(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False, na_values={"score": [""]})


def hashes(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def test_annotated_beats_have_the_scores_of_detect(project: Project, annotated: Path) -> None:
    samples = pd.read_csv(project.folder / "data/ecgsyn/processed/samples.csv", dtype={"record": str})
    found = pd.read_csv(project.folder / "reports/detect/aegan/fold_0/scores.csv")
    found = found.join(samples[["record", "sample", "symbol"]], on="index")
    compared, decides = 0, json.loads((annotated / "p02.json").read_text())["strategy"]
    for record, rows in found.groupby("record"):
        mine = beats(annotated / f"{record}.csv").set_index("sample")
        here = mine.loc[rows["sample"]]
        assert list(here["symbol"]) == list(rows["symbol"])
        for name in ("reconstruction", "discrimination", "latent"):
            np.testing.assert_allclose(here[f"component_{name}"].astype(float), rows[name], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(here["score"], rows[decides], rtol=1e-4)
        np.testing.assert_allclose(
            here["strategy_svm_lambda_gamma"].astype(float), rows["svm_lambda_gamma"], rtol=1e-3, atol=1e-4
        )
        assert np.mean(here["flagged"].to_numpy() == rows[f"{decides}_predicted"].to_numpy()) == 1
        compared += len(rows)
    assert compared == len(found) > 50


def test_every_beat_has_a_row_and_the_summary_counts_them(project: Project, annotated: Path) -> None:
    table, summary = beats(annotated / "p02.csv"), json.loads((annotated / "p02.json").read_text())
    record = read_record(project.folder / RAW, "p02")
    assert list(table["sample"]) == list(record.samples[1:])  # without the rhythm mark
    assert list(table["symbol"]) == record.symbols[1:]
    assert list(table["number"]) == list(range(1, len(table) + 1))
    np.testing.assert_allclose(table["time_s"], table["sample"] / 360, atol=1e-6)
    unscored = table[table["score"].isna()]
    assert set(unscored["reason"]) <= {"its window crosses the border of the recording"}
    assert not unscored["flagged"].any()
    assert summary["samples"] == len(table)
    assert summary["scored"] == table["score"].notna().sum()
    assert summary["flagged"] == table["flagged"].sum()
    classes = summary["flagged_by_class"]
    assert sum(entry["scored"] for entry in classes.values()) == summary["scored"]
    assert sum(entry["flagged"] for entry in classes.values()) == summary["flagged"]
    assert "V" in classes
    threshold = project.json(f"{RUN}/detect/fold_0/detector.json")["strategies"][summary["strategy"]]["threshold"]
    assert (summary["threshold"], summary["threshold_from"]) == (threshold["value"], "validation, best_f1")
    assert (table["flagged"] == (table["score"] >= summary["threshold"])).all()


def test_annotations_open_beside_the_record(project: Project, annotated: Path, tmp_path: Path) -> None:
    for suffix in (".hea", ".dat"):
        shutil.copy(project.folder / RAW / f"p02{suffix}", tmp_path)
    shutil.copy(annotated / "p02.ecgan", tmp_path)
    record, found = wfdb.rdrecord(str(tmp_path / "p02")), wfdb.rdann(str(tmp_path / "p02"), "ecgan")
    table = beats(annotated / "p02.csv")
    assert found.fs == record.fs == 360
    assert list(found.sample) == list(table["sample"])
    expected = np.where(table["score"].isna(), "?", np.where(table["flagged"] == 1, "Q", "N"))
    assert list(found.symbol) == list(expected)
    for note, score in zip(found.aux_note, table["score"], strict=True):
        if np.isfinite(score):
            assert float(note.split()[1]) == pytest.approx(score, rel=1e-3)
            assert note.startswith("score ")
        else:
            assert note.startswith("not scored: ")


def test_the_page_is_whole_and_needs_nothing_else(annotated: Path) -> None:
    page = (annotated / "p02.html").read_text()
    assert page.rstrip().endswith("</html>")
    assert "p02" in page


def test_decisions_of_a_reader_become_annotations(project: Project, annotated: Path) -> None:
    families = pd.read_csv(annotated / "p02.families.csv", keep_default_na=False)
    table = beats(annotated / "p02.csv")
    assert families["beats"].sum() == table["flagged"].sum() > 0
    first = table[table["family"] > 0].groupby("family")["number"].min()
    exported = families[["family", "beats", "reason"]].assign(record="p02", decision="rejected")
    exported["first_beat"] = list(first[families["family"]])
    exported.loc[0, "decision"] = "accepted"
    exported.to_csv(project.folder / "p02.decisions.csv", index=False)
    chosen = (f"{RAW}/p02.hea", "--model", f"{RUN}/fold_0", "--annotator", "atr", "--decisions", "p02.decisions.csv")
    project.ecgan("score", *chosen, "--out", "decided")
    found = wfdb.rdann(str(project.folder / "decided/p02"), "ecgan")
    assert list(found.sample) == list(table.loc[table["family"] == families["family"][0], "sample"])
    pd.testing.assert_frame_equal(beats(project.folder / "decided/p02.csv"), table)
    assert project.json("decided/p02.json")["decisions"]["accepted"] == 1
    done = project.ecgan("score", RAW, *chosen[1:], "--out", "never", ok=False)
    assert done.returncode == 1
    assert "--decisions is of one recording" in done.stderr
    assert not (project.folder / "never").exists()


def test_noise_is_not_flagged_and_a_long_one_is_an_episode(project: Project) -> None:
    data = ecgan.load_dataset("ecgsyn", patients=4, minutes=0.8)
    ecgan.Detector("patient_specific").fit(data).save(project.folder / "models/lab/tiny/patient")
    record = read_record(project.folder / RAW, "p02")
    signals, rng = record.signals.copy(), np.random.default_rng(0)
    signals[15 * 360 : 30 * 360] += rng.normal(0, 0.5, (15 * 360, signals.shape[1]))
    (project.folder / "noisy").mkdir()
    write_record(project.folder / "noisy", replace(record, signals=signals))
    more = ("--annotator", "atr", "--strategy", "plain", "--threshold", "1.2", "--out", "noise")
    project.ecgan("score", "noisy/p02.hea", "--model", "models/lab/tiny/patient", *more)
    table, summary = beats(project.folder / "noise/p02.csv"), project.json("noise/p02.json")
    noisy = table["reason"] == "noise"
    assert table["time_s"][noisy].between(14, 31).all()
    assert noisy[table["time_s"].between(16, 29)].mean() > 0.9
    assert summary["noisy"] == noisy.sum()
    assert table["score"][noisy].max() >= summary["threshold"]
    assert not table["flagged"][noisy].any()
    above = table["score"] >= summary["threshold"]
    assert (table["flagged"] == (above & ~noisy)).all()
    assert table["flagged"].any()
    episodes = pd.read_csv(project.folder / "noise/p02.episodes.csv")
    assert list(episodes["kind"]).count("noise") == 1


@pytest.fixture(scope="module")
def formats(project: Project) -> Path:
    """Record p02 as WFDB, CSV, NPY and EDF, each scored with both folds."""
    from pyedflib import highlevel

    folder = project.folder / "formats"
    folder.mkdir()
    record = read_record(project.folder / RAW, "p02")
    for suffix in (".hea", ".dat"):
        shutil.copy(project.folder / RAW / f"p02{suffix}", folder / f"p02{suffix}")
    times = np.arange(len(record.signals)) / 360
    table = pd.DataFrame({"time_s": times, **dict(zip(record.leads, record.signals.T, strict=True))})
    table.to_csv(folder / "text.csv", index=False, float_format="%.6f")
    np.save(folder / "array.npy", record.signals[:, 0])
    whole = len(record.signals) // 360 * 360
    headers = highlevel.make_signal_headers(
        record.leads, dimension="mV", sample_frequency=360, physical_min=-10.0, physical_max=10.0
    )
    highlevel.write_edf(str(folder / "edf.edf"), record.signals[:whole].T.copy(), headers)
    project.ecgan("score", "formats/p02.hea", "formats/text.csv", "formats/edf.edf", "--model", RUN, "--out", "out")
    lead = ("--sampling-rate", "360", "--leads", "1")
    project.ecgan("score", "formats/array.npy", *lead, "--model", RUN, "--out", "out")
    return project.folder / "out"


@pytest.mark.parametrize("name", ["text", "array", "edf"])
def test_formats_give_the_same_scores(formats: Path, name: str) -> None:
    one, other = beats(formats / "p02.csv"), beats(formats / f"{name}.csv")
    assert len(one) > 30
    assert abs(len(one) - len(other)) <= 1  # EDF holds whole seconds
    both = one.merge(other, on="sample", suffixes=("", "_other")).dropna(subset=["score", "score_other"])
    assert len(both) >= len(one) - 4
    np.testing.assert_allclose(both["score_other"], both["score"], rtol=0.02)
    assert (both["symbol"] == "").all()


@pytest.fixture(scope="module")
def alone(project: Project, formats: Path) -> None:
    """The same record, scored with each fold by itself."""
    for fold in (0, 1):
        project.ecgan("score", "formats/p02.dat", "--model", f"{RUN}/fold_{fold}", "--out", f"fold_{fold}")


@pytest.mark.usefixtures("alone")
def test_all_folds_score_together(project: Project, formats: Path) -> None:
    each = np.stack([beats(project.folder / f"fold_{fold}/p02.csv")["score"] for fold in (0, 1)])
    both = beats(formats / "p02.csv")
    np.testing.assert_allclose(both["score"], each.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(pd.to_numeric(both["score_std"]), each.std(axis=0), rtol=1e-3, atol=1e-7)
    assert "score_std" not in beats(project.folder / "fold_0/p02.csv")
    thresholds = [project.json(f"fold_{fold}/p02.json")["threshold"] for fold in (0, 1)]
    assert project.json("out/p02.json")["threshold"] == pytest.approx(np.mean(thresholds))
    assert project.json("out/p02.json")["folds"] == [0, 1]


def test_another_sampling_rate_hardly_changes_the_order(project: Project, formats: Path) -> None:
    record = read_record(project.folder / RAW, "p02")
    slower = resample_poly(record.signals, 25, 36, padtype="line")
    np.save(project.folder / "formats/slow.npy", slower[:, 0])
    lead = ("--sampling-rate", "250", "--leads", "1")
    project.ecgan("score", "formats/slow.npy", *lead, "--model", RUN, "--out", "out")
    one, other = beats(formats / "p02.csv"), beats(formats / "slow.csv")
    assert len(one) == len(other)
    np.testing.assert_allclose(other["time_s"], one["time_s"], atol=0.012)
    both = one["score"].notna() & other["score"].notna()
    assert spearmanr(one["score"][both], other["score"][both]).statistic > 0.95
    assert project.json("out/slow.json")["sampling_rate_hz"] == 250


def test_the_same_recording_gives_the_same_bytes(project: Project, formats: Path) -> None:
    project.ecgan("score", "formats/p02.hea", "--model", RUN, "--out", "again")
    again = hashes(project.folder / "again")
    ends = ("csv", "ecgan", "episodes.csv", "families.csv", "html", "json")
    assert set(again) == {f"p02.{end}" for end in ends}
    assert again.items() <= hashes(formats).items()


def test_a_batch_scores_what_it_can_and_names_what_it_cannot(project: Project) -> None:
    folder = project.folder / "batch"
    folder.mkdir()
    record = read_record(project.folder / RAW, "p03")
    write_record(folder, record)
    shutil.copy(project.folder / RAW / "p04.dat", folder / "headless.dat")
    for suffix in (".hea", ".dat"):
        shutil.copy(project.folder / RAW / f"p05{suffix}", folder)
    data = (folder / "p05.dat").read_bytes()
    (folder / "p05.dat").write_bytes(data[: len(data) // 2])
    np.savetxt(folder / "flat.csv", np.zeros((7200, 1)), header="MLII", comments="")
    np.savetxt(folder / "missing.csv", np.full((7200, 1), np.nan), header="MLII", comments="")
    np.savetxt(folder / "short.csv", record.signals[:200, :1], header="MLII", comments="")
    np.savetxt(folder / "other.csv", record.signals[:7200, :1], header="V9", comments="")
    names = ["p03.hea", "headless.dat", "p05.hea", "flat.csv", "missing.csv", "short.csv", "other.csv", "p03.dat"]
    done = project.ecgan(
        *("score", *[f"batch/{name}" for name in names], "--sampling-rate", "360", "--model", RUN, "--out", "some"),
        ok=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert {file.name for file in (project.folder / "some").iterdir()} == {
        *(f"p03{suffix}" for suffix in SUFFIXES),
        "summary.csv",
        "summary.html",
    }
    summary = pd.read_csv(project.folder / "some/summary.csv", dtype={"record": str}).set_index("record")
    assert list(summary.index) == ["p03", "headless", "p05", "flat", "missing", "short", "other"]  # p03 once
    assert summary.loc["p03", "status"].startswith("scored")
    words = {"headless": "headless.hea", "p05": "p05", "flat": "flat", "missing": "missing", "short": "0.556 s"}
    words["other"] = "V9"
    for name, word in words.items():
        assert word in summary.loc[name, "status"], name
        assert np.isnan(summary.loc[name, "scored"])
        assert summary.loc[name, "status"] in done.stderr
    assert "--leads V9" in done.stderr
    assert "p03" in done.stdout


def test_other_programs_get_a_line_of_json_a_recording(project: Project, formats: Path) -> None:
    np.savetxt(project.folder / "flat.csv", np.zeros((7200, 1)), header="MLII", comments="")
    names = ["formats/p02.hea", "flat.csv", "formats/text.csv"]
    common = ("--model", f"{RUN}/fold_0", "--sampling-rate", "360", "--json")
    done = project.ecgan("score", *names, *common, "--out", "told", ok=False)
    assert done.returncode == 1
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["record"] for one in told] == ["p02", "flat", "text"]
    assert [one["status"] for one in told] == ["scored", "failed", "scored"]
    assert len({tuple(one) for one in told}) == 1  # the same keys, in the same order
    summary = project.json("told/p02.json")
    shared = set(told[0]) & set(summary)
    assert {"flagged", "share_flagged", "threshold", "leads", "warnings"} <= shared
    assert {key: told[0][key] for key in shared} == {key: summary[key] for key in shared}
    assert sorted(told[0]["files"].values()) == sorted(f"told/p02{suffix}" for suffix in SUFFIXES)
    assert "flat" in told[1]["error"]
    assert told[1]["hint"]
    assert (told[1]["flagged"], told[1]["files"], told[1]["warnings"]) == (None, None, [])
    alone = project.ecgan("score", "flat.csv", *common, "--out", "nothing", ok=False)
    assert json.loads(alone.stdout)["error"] == told[1]["error"]
    assert alone.returncode == 1


def test_how_much_is_told_is_asked_for(project: Project, formats: Path) -> None:
    asked = ("score", "formats/p02.hea", "--model", f"{RUN}/fold_0", "--force", "--out", "asked")
    usual, quiet, verbose = (project.ecgan(*asked, *more) for more in ((), ("--quiet",), ("--verbose",)))
    assert quiet.stdout == ""
    assert {line for line in quiet.stderr.splitlines() if not line.startswith("warning: ")} == set()
    assert verbose.stdout == usual.stdout
    more = [line for line in verbose.stderr.splitlines() if line not in usual.stderr.splitlines()]
    assert len(more) == 2
    assert RUN in more[0]
    assert "threshold" in more[0]
    for word in ("formats/p02.hea", "360 Hz", "reading", "scores", "files"):
        assert word in more[1]
    assert project.ecgan(*asked, "--quiet", "--verbose", ok=False).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["formats/p02.hea", "--model", "models/nowhere"], "models/nowhere"),
        (["formats/p02.hea", "--model", RUN, "--leads", "V9"], "V9"),
        (["formats/p02.hea", "--model", RUN, "--leads", "MLII,V1"], "MLII,V1"),
        (["formats/p02.hea", "--model", RUN, "--strategy", "recon"], "reconstruction"),
        (["formats/p02.hea", "--model", RUN, "--threshold", "nan"], "finite"),
        (["formats/p02.hea", "--model", RUN, "--annotator", "xyz"], "xyz"),
        (["formats/nothing.edf", "--model", RUN], "nothing.edf"),
        (["formats/array.npy", "--model", RUN], "sampling rate"),
        (["formats/array.npy", "--sampling-rate", "360", "--model", RUN], "--leads 1"),
        (["formats/array.npy", "--sampling-rate", "0", "--leads", "1", "--model", RUN], "0 Hz"),
        (["formats/array.npy", "--sampling-rate", "20", "--leads", "1", "--model", RUN], "20 Hz"),
        (["empty", "--model", RUN], "empty"),
        (["formats/p02.hea", "--model", RUN, "--out", "taken"], "taken"),
        (["formats/text.csv", "--model", RUN, "--out", "formats"], "written over"),
        (["formats/text.csv", "--model", RUN, "--out", "formats", "--force"], "written over"),
        (["formats/p02.hea", "--model", RUN, "--out", "out"], "--force"),
    ],
)
def test_what_is_not_possible_is_one_sentence_and_writes_nothing(
    project: Project, formats: Path, arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    Path("empty").mkdir(exist_ok=True)
    Path("taken").write_text("precious")
    before = (hashes(formats), hashes(Path("formats")), sorted(path.name for path in Path().iterdir()))
    out = [] if "--out" in arguments else ["--out", "never"]
    with pytest.raises(EcganError) as caught:
        app(["score", *arguments, *out], standalone_mode=False)
    assert words in str(caught.value)
    assert (hashes(formats), hashes(Path("formats")), sorted(path.name for path in Path().iterdir())) == before
    assert Path("taken").read_text() == "precious"


@pytest.mark.usefixtures("alone")
def test_strategy_and_threshold_can_be_chosen(project: Project) -> None:
    chosen = ("--strategy", "svm_lambda", "--threshold", "-1000")
    project.ecgan("score", "formats/p02.hea", "--model", f"{RUN}/fold_0", *chosen, "--out", "chosen")
    table, summary = beats(project.folder / "chosen/p02.csv"), project.json("chosen/p02.json")
    usual = beats(project.folder / "fold_0/p02.csv")
    pd.testing.assert_series_equal(table["score"], pd.to_numeric(usual["strategy_svm_lambda"]), check_names=False)
    assert summary["strategy"] == "svm_lambda"
    assert (summary["threshold"], summary["threshold_from"]) == (-1000, "given")
    assert (table["flagged"] == table["score"].notna()).all()
    assert {"component_reconstruction", "component_discrimination"} <= set(table.columns)
    assert not {"component_latent", "strategy_reconstruction"} & set(table.columns)  # only what was asked for


def test_a_run_without_detection_says_what_to_do(project: Project) -> None:
    shutil.copytree(project.folder / RUN, project.folder / "models/lab/tiny/bare")
    shutil.rmtree(project.folder / "models/lab/tiny/bare/detect")
    done = project.ecgan("score", "formats/p02.hea", "--model", "lab/tiny/bare", "--out", "never", ok=False)
    assert done.returncode == 1
    assert "`ecgan detect`" in done.stderr
    assert not (project.folder / "never").exists()


def test_a_plug_in_that_the_run_needs_is_named_and_taken(project: Project, formats: Path) -> None:
    folder = project.folder / "models/lab/tiny/own"
    shutil.copytree(project.folder / RUN, folder)
    for config in folder.glob("train/fold_*/config.yml"):
        config.write_text(config.read_text().replace("dataset: ecgsyn", "dataset: wards"))
    project.ecgan("seal", "models/lab/tiny/own")
    (project.folder / "wards.py").write_text(
        "from ecgan.datasets.ecgsyn import Ecgsyn\nfrom ecgan.registry import register_dataset\n\n\n"
        "@register_dataset('wards')\nclass Wards(Ecgsyn):\n    '''Records of our wards.'''\n"
    )
    arguments = ("score", "formats/p02.hea", "--model", "lab/tiny/own", "--out", "own")
    done = project.ecgan(*arguments, ok=False)
    assert done.returncode == 1
    assert "wards" in done.stderr
    assert "--plugin FILE" in done.stderr
    project.ecgan(*arguments, "--plugin", "wards.py")
    pd.testing.assert_frame_equal(beats(project.folder / "own/p02.csv"), beats(formats / "p02.csv"))
    assert project.json("own/p02.json")["dataset"] == "wards"


def test_classical_detectors_on_latents_score_too(project: Project) -> None:
    project.params(split={"k": 2, "folds": [0, 1]}, detect={"detector": "knn", "bootstrap": 0, "classical": []})
    project.ecgan("detect", "--model", "aegan", "--fold", "0")
    found = pd.read_csv(project.folder / "reports/detect/aegan/fold_0/scores.csv")
    samples = pd.read_csv(project.folder / "data/ecgsyn/processed/samples.csv", dtype={"record": str})
    found = found.join(samples[["record", "sample"]], on="index")
    record = found["record"].iloc[0]
    source = f"{RAW}/{record}.hea"
    project.ecgan("score", source, "--model", f"{RUN}/fold_0", "--annotator", "atr", "--out", "knn")
    rows = found[found["record"] == record]
    mine = beats(project.folder / f"knn/{record}.csv").set_index("sample").loc[rows["sample"]]
    np.testing.assert_allclose(mine["score"], rows["plain"], rtol=1e-4)
    assert project.json(f"knn/{record}.json")["detector"] == "knn"


@pytest.mark.parametrize("detector", ["patient_specific", "knn"])
def test_a_detector_without_a_model_scores_recordings_as_it_was_detected(project: Project, detector: str) -> None:
    project.params(split={"k": 2, "folds": [0, 1]}, detect={"bootstrap": 0, "classical": [detector]})
    project.ecgan("detect", "--detector", detector, "--fold", "0")
    found = pd.read_csv(project.folder / f"reports/detect/{detector}/fold_0/scores.csv")
    samples = pd.read_csv(project.folder / "data/ecgsyn/processed/samples.csv", dtype={"record": str})
    found = found.join(samples[["record", "sample"]], on="index")
    record = found["record"].iloc[0]
    run = f"models/lab/tiny/{detector}"
    project.ecgan("score", f"{RAW}/{record}.hea", "--model", run, "--annotator", "atr", "--out", f"of_{detector}")
    rows = found[found["record"] == record]
    mine = beats(project.folder / f"of_{detector}/{record}.csv").set_index("sample").loc[rows["sample"]]
    np.testing.assert_allclose(mine["score"], rows["plain"], rtol=1e-4, atol=1e-5)
    assert mine["flagged"].tolist() == rows["plain_predicted"].tolist()
