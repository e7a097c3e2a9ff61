"""From the 44 raw records of MIT-BIH to 97,568 beats on disk; needs ECGAN_MIRROR."""

import os
from pathlib import Path

import pytest

from ecgan.datasets.mitbih_beatgan import MitbihBeatgan, PreprocessOptions
from ecgan.preprocessing.processed import save_processed

pytestmark = [
    pytest.mark.mirror,
    pytest.mark.skipif(not os.environ.get("ECGAN_MIRROR"), reason="set ECGAN_MIRROR to a mirror of MIT-BIH"),
]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "raw"
    MitbihBeatgan().fetch(folder, None, seed=0)
    MitbihBeatgan().preprocess(folder, PreprocessOptions(records=["100"]))  # imports what is imported on first use
    return folder


@pytest.mark.benchmark(group="mitbih_beatgan, raw records to processed beats")
@pytest.mark.parametrize("way", ["two workers", "reference: one worker"])
def test_mitbih(benchmark, monkeypatch, raw: Path, tmp_path: Path, way: str) -> None:
    monkeypatch.setenv("ECGAN_WORKERS", "2" if way == "two workers" else "1")

    def run() -> int:
        samples = MitbihBeatgan().samples(raw, PreprocessOptions())
        save_processed(tmp_path, "mitbih_beatgan", samples)
        return len(samples)

    assert benchmark.pedantic(run, rounds=3) == 97_568
