"""The sine set: how many of each class, what they look like, and what the seed decides."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from ecgan.datasets.sine import FetchOptions, Sine, generate
from ecgan.errors import EcganError
from ecgan.preprocessing.preparing import prepare


def test_the_set_has_the_published_size_and_counts() -> None:
    series, classes = generate(FetchOptions(), seed=0)
    assert series.shape == (30_000, 128)
    assert np.bincount(classes).tolist() == [24_000, 3_000, 3_000]


def test_none_of_them_is_left_out(tmp_path: Path) -> None:
    Sine().fetch(tmp_path, FetchOptions(), seed=0)
    options = Sine.Preprocess()
    samples = prepare(Sine().preprocess(tmp_path, options), options)
    assert samples.table["class_name"].value_counts().to_dict() == {
        "normal": 24_000,
        "noise": 3_000,
        "superimposed": 3_000,
    }


def test_normal_series_are_sine_waves_within_their_ranges() -> None:
    options = FetchOptions(samples=200)
    series, classes = generate(options, seed=1)
    time = np.linspace(0, 25, 128)
    grid = np.linspace(0, 3, 3001)
    for wave in series[classes == 0][:20]:
        fits = [np.linalg.lstsq(np.stack([np.sin(f * time), np.cos(f * time), np.ones(128)], 1), wave) for f in grid]
        left = [float(fit[1][0]) if len(fit[1]) else 0.0 for fit in fits]
        best = fits[int(np.argmin(left))][0]
        assert min(left) < 0.02 * max(128 * wave.var(), 1e-3)
        assert np.hypot(best[0], best[1]) <= 3.05
    assert np.abs(series[classes == 0]).max() <= 4.0


def test_superimposed_series_are_means_of_three_and_so_smaller() -> None:
    series, classes = generate(FetchOptions(), seed=2)
    power = [series[classes == kind].var(axis=1).mean() for kind in (0, 2)]
    assert power[1] / power[0] == pytest.approx(1 / 3, abs=0.03)


@pytest.mark.parametrize(("noise", "mean", "deviation"), [("gaussian", 0, 1), ("uniform", 0.5, 12**-0.5)])
def test_noise_has_its_mean_and_deviation(noise: str, mean: float, deviation: float) -> None:
    series, classes = generate(FetchOptions(noise=noise), seed=3)  # type: ignore[arg-type]
    found = series[classes == 1]
    assert found.mean() == pytest.approx(mean, abs=0.01)
    assert found.std() == pytest.approx(deviation, abs=0.01)
    correlation = np.corrcoef(found[:, :-1].ravel(), found[:, 1:].ravel())[0, 1]
    assert abs(correlation) < 0.02


def test_the_seed_decides_the_series(tmp_path: Path) -> None:
    options = FetchOptions(samples=50)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        Sine().fetch(tmp_path / name, options, seed=seed)
    first, again, other = ((tmp_path / name / "series.npy").read_bytes() for name in "abc")
    assert first == again != other


def test_other_options_leave_nothing_of_the_old_files(tmp_path: Path) -> None:
    (tmp_path / "left").write_text("from before")
    Sine().fetch(tmp_path, FetchOptions(samples=50), seed=1)
    Sine().fetch(tmp_path, FetchOptions(samples=40, length=64), seed=1)
    samples = Sine().preprocess(tmp_path, Sine.Preprocess())
    assert samples.signals.shape == (40, 1, 64)
    assert samples.table["class_name"].tolist() == ["normal"] * 32 + ["noise"] * 4 + ["superimposed"] * 4
    assert sorted(file.name for file in tmp_path.iterdir()) == ["classes.npy", "series.npy"]


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    Sine().fetch(tmp_path, FetchOptions(samples=50), seed=1)
    for classes in (np.zeros(49, dtype=np.int64), np.full(50, 3)):
        np.save(tmp_path / "classes.npy", classes)
        with pytest.raises(EcganError, match="do not belong together"):
            Sine().preprocess(tmp_path, Sine.Preprocess())


def test_a_set_that_does_not_fit_into_memory_is_refused() -> None:
    with pytest.raises(ValidationError, match="at most 100,000,000"):
        FetchOptions(samples=1_000_000, length=128)
