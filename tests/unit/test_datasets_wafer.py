"""Wafer: every format of the archive, what is refused, and where the files come from."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from ecgan.config import load_params, render_params
from ecgan.datasets import wafer
from ecgan.datasets.sources import SourceOptions
from ecgan.datasets.ucr import read_series
from ecgan.datasets.wafer import Wafer, content_sha256
from ecgan.errors import EcganError
from tests.raw.wafer import LENGTH, arff, series, ts, tsv, write

FORMATS = {
    ".arff": arff,
    ".ts": ts,
    ".tsv": tsv,
    ".txt": lambda values, labels: tsv(values, labels).replace("\t", "  "),
}


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Wafer.zip in a mirror; what is expected of the published series is set to what is in it."""
    write(tmp_path / "files")
    file = tmp_path / "mirror/www.timeseriesclassification.com/aeon-toolkit/Wafer.zip"
    file.parent.mkdir(parents=True)
    pack(file, tmp_path / "files")
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "mirror"))
    train, test = (read_series(tmp_path / "files" / f"Wafer_{name}", LENGTH) for name in ("TRAIN.arff", "TEST.tsv"))
    labels = wafer.hashlib.sha256(test.labels[1:].astype("<i8").tobytes()).hexdigest()
    monkeypatch.setattr(wafer, "_TRAIN", content_sha256(train))
    monkeypatch.setattr(wafer, "_TEST_LABELS", labels)
    monkeypatch.setattr(wafer, "_COUNTS", {"TRAIN": (60, 30), "TEST": (40, 20)})
    return file


def pack(file: Path, folder: Path) -> None:
    with zipfile.ZipFile(file, "w") as opened:
        for name in ("Wafer_TRAIN.arff", "Wafer_TEST.tsv"):
            opened.write(folder / name, f"Wafer/{name}")
        opened.writestr("Wafer/Wafer.txt", "about it")


def fetch(raw: Path, source: Path | None = None) -> None:
    Wafer().fetch(raw, SourceOptions(source=None if source is None else str(source)), seed=0)


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_every_format_gives_the_same_series(tmp_path: Path, suffix: str) -> None:
    values, labels = series(7, 2, seed=3)
    file = tmp_path / f"Wafer_TRAIN{suffix}"
    file.write_text(FORMATS[suffix](values, labels))
    read = read_series(file, LENGTH)
    assert np.allclose(read.values, values, atol=1e-7)
    assert np.array_equal(read.labels, labels)


def test_training_and_test_files_are_merged_and_the_negative_label_is_abnormal(tmp_path: Path) -> None:
    write(tmp_path)
    samples = Wafer().preprocess(tmp_path, Wafer.Preprocess())
    (train, train_labels), (test, test_labels) = series(90, 30, seed=1), series(60, 20, seed=2)
    assert samples.signals.shape == (150, 1, LENGTH)
    assert np.allclose(samples.signals[:, 0], np.concatenate([train, test]), atol=1e-7)
    assert np.array_equal(samples.class_ids == 1, np.concatenate([train_labels, test_labels]) == -1)
    assert samples.table["class_name"].value_counts().to_dict() == {"normal": 100, "abnormal": 50}
    assert samples.table.iloc[90].to_dict()["part"] == "TEST"
    assert samples.table.iloc[90]["row"] == 1
    assert (samples.about.unit, samples.about.sampling_rate) == ("1", 0.0)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text.replace("@data", "@date"), "no line @data"),
        (lambda text: text.partition("@data")[0] + "@data\n", "no data rows"),
        (lambda text: text.replace("@attribute att5 numeric\n", ""), "declares 152 attributes"),
        (lambda text: text.replace("@data\n", "@data\n1,2,3\n"), "rows of equally many numbers"),
        (lambda text: text.replace("@data\n", f"@data\n{'?,' * LENGTH}1\n"), "rows of equally many numbers"),
        (lambda text: text.replace("@data\n", f"@data\n{'nan,' * LENGTH}1\n"), "data row 1, holds NaN"),
        (lambda text: text.replace("@data\n", f"@data\n{'1e999,' * LENGTH}1\n"), "data row 1, holds NaN"),
        (lambda text: text.replace("@data\n", f"@data\n{'1,' * LENGTH}0.5\n"), "label 0.5"),
        (lambda text: text[: text.index("@data") + 3000], "rows of equally many numbers"),
    ],
)
def test_files_that_are_damaged_are_refused_in_one_sentence(tmp_path: Path, spoil, words: str) -> None:
    file = tmp_path / "Wafer_TRAIN.arff"
    file.write_text(spoil(arff(*series(5, 2, seed=3))))
    with pytest.raises(EcganError, match=words):
        read_series(file, LENGTH)


def test_series_of_another_length_are_refused(tmp_path: Path) -> None:
    (tmp_path / "Wafer_TRAIN.txt").write_text("1 0.5 0.25\n-1 0.5 0.125\n")
    with pytest.raises(EcganError, match="rows of 3 numbers; expected 152 values"):
        read_series(tmp_path / "Wafer_TRAIN.txt", LENGTH)


def test_a_label_of_another_set_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "Wafer_TEST.tsv").write_text(tsv(*series(5, 2, seed=3)).replace("-1\t", "2\t"))
    with pytest.raises(EcganError, match="Wafer_TEST has the label 2"):
        Wafer().preprocess(tmp_path, Wafer.Preprocess())


def test_the_archive_is_unpacked_pinned_and_removed(tmp_path: Path, archive: Path) -> None:
    fetch(tmp_path / "raw")
    names = sorted(file.name for file in (tmp_path / "raw").iterdir())
    assert names == ["SHA256SUMS.txt", "Wafer_TEST.tsv", "Wafer_TRAIN.arff"]
    pins = (tmp_path / "raw/SHA256SUMS.txt").read_text().split()
    assert pins[:2] == [wafer.hashlib.sha256(archive.read_bytes()).hexdigest(), "Wafer.zip"]
    archive.unlink()
    fetch(tmp_path / "raw")  # all is there: the archive is not asked for


def test_a_damaged_file_is_taken_from_the_archive_again(tmp_path: Path, archive: Path) -> None:
    fetch(tmp_path / "raw")
    (tmp_path / "raw/Wafer_TEST.tsv").write_text("damaged")
    fetch(tmp_path / "raw")
    assert (tmp_path / "raw/Wafer_TEST.tsv").read_bytes() == (tmp_path / "files/Wafer_TEST.tsv").read_bytes()


def test_an_archive_that_changed_since_the_first_time_is_refused(tmp_path: Path, archive: Path) -> None:
    fetch(tmp_path / "raw")
    (tmp_path / "raw/Wafer_TEST.tsv").unlink()
    (tmp_path / "files/Wafer_TEST.tsv").write_text(tsv(*series(60, 20, seed=9)))
    pack(archive, tmp_path / "files")
    with pytest.raises(EcganError, match=r"Wafer\.zip has changed: its SHA-256 is") as caught:
        fetch(tmp_path / "raw")
    assert "SHA256SUMS.txt" in caught.value.hint
    assert not (tmp_path / "raw/Wafer_TEST.tsv").exists()


@pytest.mark.parametrize(
    ("count", "abnormal", "words"), [(89, 30, "has 89 series"), (90, 30, "not the published ones")]
)
def test_other_series_than_the_published_are_refused(
    tmp_path: Path, archive: Path, count: int, abnormal: int, words: str
) -> None:
    (tmp_path / "files/Wafer_TRAIN.arff").write_text(arff(*series(count, abnormal, seed=9)))
    pack(archive, tmp_path / "files")
    with pytest.raises(EcganError, match=words):
        fetch(tmp_path / "raw")
    assert not list((tmp_path / "raw").iterdir())


def test_the_users_own_files_are_taken_from_a_folder_or_an_archive(tmp_path: Path) -> None:
    write(tmp_path / "mine/deeper")
    pack(tmp_path / "mine.zip", tmp_path / "mine/deeper")
    for source in (tmp_path / "mine", tmp_path / "mine.zip"):
        (tmp_path / "raw").mkdir(exist_ok=True)
        (tmp_path / "raw/left").write_text("from before")
        fetch(tmp_path / "raw", source)
        assert sorted(file.name for file in (tmp_path / "raw").iterdir()) == ["Wafer_TEST.tsv", "Wafer_TRAIN.arff"]


def test_sources_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(EcganError, match=r"fetch\.source: there is no folder or archive"):
        fetch(tmp_path / "raw", tmp_path / "absent")
    write(tmp_path / "mine")
    (tmp_path / "mine/Wafer_TEST.tsv").unlink()
    write(tmp_path / "raw")
    there = {file: file.read_bytes() for file in (tmp_path / "raw").iterdir()}
    with zipfile.ZipFile(tmp_path / "half.zip", "w") as half:
        half.write(tmp_path / "mine/Wafer_TRAIN.arff", "Wafer_TRAIN.arff")
    for source in ("mine", "half.zip"):
        with pytest.raises(EcganError, match=f"{source} has no file Wafer_TEST"):
            fetch(tmp_path / "raw", tmp_path / source)
        assert {file: file.read_bytes() for file in (tmp_path / "raw").iterdir()} == there
    with pytest.raises(EcganError, match="holds the folder"):
        fetch(tmp_path / "mine/raw", tmp_path / "mine")
    (tmp_path / "mine/copy").mkdir()
    write(tmp_path / "mine/copy")
    with pytest.raises(EcganError, match=r"'Wafer_TRAIN\.arff' twice"):
        fetch(tmp_path / "raw", tmp_path / "mine")


def test_init_gives_a_length_that_the_models_take(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(render_params("wafer", ["vaegan"]))
    params = load_params(tmp_path / "params.yaml")
    assert (params.preprocess.resampling.method, params.preprocess.resampling.length) == ("interpolate", 160)
    assert params.train.transformation == "minmax"
