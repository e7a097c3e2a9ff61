"""From a recording to beats: filters, R peaks, windows."""

import numpy as np
import pytest

from ecgan.ecg.beats import cut_windows
from ecgan.ecg.filters import median_baseline
from ecgan.ecg.peaks import find_r_peaks
from ecgan.ecg.simulated_patients import simulate


@pytest.mark.benchmark(group="2,000 windows of 320 steps and two leads")
@pytest.mark.parametrize("way", ["ours", "reference: a loop over beats"])
def test_windows(benchmark, way: str) -> None:
    rng = np.random.default_rng(0)
    signal, positions = rng.normal(size=(650_000, 2)), np.sort(rng.integers(200, 649_000, 2000))
    ways = {
        "ours": lambda: cut_windows(signal, positions, 140, 180)[0],
        "reference: a loop over beats": lambda: np.stack([signal[p - 140 : p + 180].T for p in positions]),
    }
    assert benchmark(ways[way]).shape == (2000, 2, 320)


def _medians(values: np.ndarray, width: int) -> np.ndarray:
    padded = np.pad(values, width // 2, mode="edge")
    return np.array([np.median(padded[start : start + width]) for start in range(len(values))])


@pytest.mark.benchmark(group="baseline of one lead, 1 minute at 360 Hz")
@pytest.mark.parametrize("way", ["ours", "reference: a loop of medians"])
def test_baseline(benchmark, way: str) -> None:
    lead = np.random.default_rng(0).normal(size=21_600).cumsum()
    ways = {
        "ours": lambda: median_baseline(lead, 360.0),
        "reference: a loop of medians": lambda: _medians(_medians(lead, 73), 217),
    }
    found = benchmark.pedantic(ways[way], rounds=3)
    np.testing.assert_array_equal(found, median_baseline(lead, 360.0))


@pytest.mark.benchmark(group="R peaks of one lead, 10 minutes at 360 Hz")
@pytest.mark.parametrize("way", ["ours", "reference: sleepecg's detector in plain Python"])
def test_r_peaks(benchmark, way: str) -> None:
    from sleepecg import detect_heartbeats

    record = simulate(0, seed=0, minutes=10.0, noise=1.0, variability=1.0)
    lead = np.tile(record.signals[:, 0], int(np.ceil(216_000 / len(record.signals))))[:216_000]
    ways = {
        "ours": lambda: find_r_peaks(lead, 360.0),
        "reference: sleepecg's detector in plain Python": lambda: detect_heartbeats(lead, 360.0, backend="python"),
    }
    assert len(benchmark.pedantic(ways[way], rounds=3)) > 300
