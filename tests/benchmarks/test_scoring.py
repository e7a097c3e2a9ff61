"""What `ecgan score` computes of cut beats: folded networks against those of training, and through onnxruntime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgan.detection.components import feature_matching, latent_norm, reconstruction_error
from ecgan.exporting.writing import export
from ecgan.inversion.base import choose
from ecgan.runs.loading import mapping_of
from ecgan.samples import Samples
from tests import making
from tests.members import member, scorer

SIZES = {"published size": {"width": 1.0, "latent_size": 50}, "width 0.25": {"width": 0.25, "latent_size": 10}}
BATCHES = {"a single beat": 1, "256 beats": 256}
WAYS = ("ours", "ours, bf16", "onnxruntime", "reference: as trained, one network after the other")

Judge = Callable[[Samples], Any]


def judge_of(way: str, size: dict[str, Any], folder: Path) -> Judge:
    """What takes beats to the components R, D and Z, which every way computes."""
    one = member("aegan", length=320, leads=1, precision="bf16" if "bf16" in way else "fp32", **size)
    run = scorer(one, strategy="lambda_gamma_grid")
    if way.startswith("ours"):
        return run.judge
    if way == "onnxruntime":
        import onnxruntime

        export(run, folder / "model.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        return lambda samples: session.run(None, {"x": samples.signals})
    model = one.trained.model
    mapping = mapping_of(model, choose("encoder", model), 256)
    assert mapping.features is not None

    def reference(samples: Samples) -> Any:
        inputs = one.trained.inputs(samples).signals
        z = mapping.invert(inputs)
        y = mapping.decode(z)
        features = [mapping.features(part) for part in (inputs, y)]
        return reconstruction_error(inputs, y), feature_matching(*features), latent_norm(z)

    return reference


@pytest.mark.benchmark(min_rounds=20)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", BATCHES)
@pytest.mark.parametrize("size", SIZES)
def test_scoring(benchmark, tmp_path: Path, size: str, count: str, way: str) -> None:
    benchmark.group = f"aegan, {size}, {count} of 1 × 320"
    benchmark.extra_info["scored"] = BATCHES[count]
    judge = judge_of(way, SIZES[size], tmp_path)
    x = np.random.default_rng(0).random((BATCHES[count], 1, 320), dtype=np.float32)
    beats = making.samples(x, leads=["MLII"])
    for _ in range(5):
        judge(beats)
    assert benchmark(judge, beats)
