"""A run as an ONNX file: traced, described, checked against the run, and only then written."""

import io
import json
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ecgan.arrays import F32
from ecgan.errors import EcganError, needed
from ecgan.exporting.graph import Graph, Told
from ecgan.files import check_target_file, write_bytes
from ecgan.preprocessing.inputs import bare
from ecgan.runs.loading import Trained
from ecgan.runtime import device
from ecgan.scoring.scorer import Judged, Scorer

FORMAT = 1
OPSET = 18
INPUT = "x"
TOLERANCE = 1e-3
"""Most that a value may differ, as a share of itself plus the median of the trial samples."""


def export(scorer: Scorer, out: Path, *, force: bool = False) -> list[str]:
    """Write a run as an ONNX file that has been shown to give the run's scores, or what its network expects.

    Args:
        scorer: The run, loaded in float32.
        out: The file, `.onnx`.
        force: Whether a file that is there is overwritten.

    Returns:
        Names of the outputs.

    Raises:
        EcganError: The packages are missing, the file must not be written, the run cannot be expressed, or its ONNX
            graph disagrees with it; nothing is written then.
    """
    check_target(out, force=force)
    check_packages()
    graph: Graph | Told = Told(scorer).eval() if is_told(scorer) else Graph(scorer).eval()
    content = _described(_traced(graph, scorer), scorer, graph.outputs)
    if isinstance(graph, Told):
        check_expected(content, graph, scorer)
    else:
        check_parity(content, scorer, graph.outputs)
    write_bytes(out, content)
    return graph.outputs


def is_told(scorer: Scorer) -> bool:
    """Whether the run has a model with conditions, of which nothing but the network can be exported."""
    trained = scorer.members[0].trained
    return isinstance(trained, Trained) and trained.model.conditions > 0


def check_packages() -> None:
    """Refuse to begin without the packages of the extra `onnx`."""
    for name in ("onnx", "onnxruntime"):
        needed(name, "onnx", "exporting")


def check_target(out: Path, *, force: bool) -> None:
    """Refuse a file that cannot be written or must not be, before anything is computed."""
    if out.suffix != ".onnx":
        raise EcganError(f"--out {out} is no name of an ONNX file.", "Let it end in .onnx.")
    check_target_file(out, force=force)


def _traced(graph: Graph | Told, scorer: Scorer) -> bytes:
    """Return the graph in ONNX, with a free number of samples."""
    expected = scorer.trained.expected
    channels = graph.channels if isinstance(graph, Told) else len(expected.leads)
    example = torch.zeros(2, channels, expected.length)
    names = [INPUT, *graph.outputs]
    buffer: Any = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of a tracer that cannot know which shapes are fixed; the check knows
        try:
            torch.onnx.export(
                graph.cpu(),
                (example,),
                buffer,
                dynamo=False,  # the other exporter needs two packages more, and loads the compiler
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=graph.outputs,
                dynamic_axes={name: {0: "samples"} for name in names},
            )
        except torch.onnx.OnnxExporterError as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise EcganError(
                f"{scorer.members[0].network.model.name!r} does what ONNX cannot express: {reason}.",
                "Score with `ecgan score`.",
            ) from error
    graph.to(device())  # its networks are the run's own, which the check asks
    content: bytes = buffer.getvalue()
    return content


def facts(scorer: Scorer, outputs: list[str]) -> dict[str, Any]:
    """What a user of the file must know: names and plain values."""
    trained = scorer.members[0].network
    expected = trained.expected
    found = {
        "format": FORMAT,
        "ecgan": version("ecgan"),
        "model": trained.model.name,
        "dataset": trained.params.dataset,
        "leads": expected.leads,
        "sampling_rate_hz": expected.sampling_rate,
        "length": expected.length,
        "unit": expected.unit,
        "r_peak": expected.centre,
        "classes": expected.classes,
        "detector": scorer.members[0].fitted.detector.name,
        "strategy": scorer.strategy,
        "threshold": scorer.threshold,
        "threshold_from": scorer.threshold_from,
        "folds": [member.trained.fold.index for member in scorer.members],
        "version": [member.trained.version for member in scorer.members],
        "transformation": trained.transformation.name,
        "outputs": outputs,
    }
    if is_told(scorer):
        decides = ("detector", "strategy", "threshold", "threshold_from")
        found = {key: value for key, value in found.items() if key not in decides}
        found |= {"channels": trained.model.channels, "conditions": trained.model.conditions}
    return found


def _described(content: bytes, scorer: Scorer, outputs: list[str]) -> bytes:
    """Return the graph with the facts as its metadata, a JSON value each."""
    import onnx

    model = onnx.load_model_from_string(content)
    model.doc_string = (
        "x: transformed samples with their conditions, (n, channels + conditions, steps). expected: what the model"
        " takes them for, (n, channels, steps)."
        if is_told(scorer)
        else "x: samples (n, leads, steps), cut and in the unit that the metadata name. Higher = more abnormal."
    )
    for key, value in facts(scorer, outputs).items():
        model.metadata_props.add(key=key, value=json.dumps(value, ensure_ascii=False))
    onnx.checker.check_model(model)
    described: bytes = model.SerializeToString(deterministic=True)
    return described


def trial_samples(length: int, leads: int) -> F32:
    """Samples (n, C, L) in mV of many kinds: noise, waves, steps, tiny and huge ones, and constants."""
    rng = np.random.default_rng(0)
    time = np.linspace(0, 1, length)
    waves = np.sin(2 * np.pi * (rng.uniform(1, 9, (8, leads, 1)) * time + rng.random((8, leads, 1))))
    peaks = np.exp(-(((time - rng.uniform(0.2, 0.8, (8, leads, 1))) / 0.03) ** 2))
    noise = rng.normal(size=(8, leads, length))
    sizes = np.array([1e-3, 0.1, 1, 1, 1, 2, 5, 50])[:, None, None]
    constants = np.stack([np.full((leads, length), value) for value in (0.0, 1.5, -1.0)])
    one_flat = noise[:1].copy()
    one_flat[:, 0] = 0.25
    kinds = [waves, peaks, peaks + 0.1 * waves, noise * sizes, noise.cumsum(axis=2) / 10, constants, one_flat]
    return np.concatenate(kinds).astype(np.float32)


def check_parity(content: bytes, scorer: Scorer, outputs: list[str]) -> None:
    """Refuse a graph that does not give the run's components, scores and decisions, in batches of any size.

    Raises:
        EcganError: It differs; the message says where and by how much.
    """
    import onnxruntime

    expected = scorer.trained.expected
    x = trial_samples(expected.length, len(expected.leads))
    judged = scorer.judge(bare(x, expected))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    parts = [session.run(outputs, {INPUT: part}) for part in np.split(x, [1, 3])]
    found = {name: np.concatenate(values) for name, values in zip(outputs, zip(*parts, strict=True), strict=True)}
    for name, wanted in _wanted(judged, scorer, outputs).items():
        slack = TOLERANCE * (np.abs(wanted) + np.median(np.abs(wanted)))
        off = np.abs(found[name] - wanted)
        if found[name].shape != wanted.shape or not (off <= slack).all():
            worst = int(np.argmax(off - slack))
            raise EcganError(
                f"the ONNX graph disagrees with the run: {name} of trial sample {worst} is {found[name][worst]:.6g}"
                f" instead of {wanted[worst]:.6g}.",
                "Nothing was written. A model of your own may do what ONNX cannot express.",
            )
    if not np.array_equal(found["flagged"], found["score"] >= scorer.threshold):
        raise EcganError("the ONNX graph does not decide by the run's threshold.", "Nothing was written.")


def check_expected(content: bytes, graph: Told, scorer: Scorer) -> None:
    """Refuse a graph that does not expect what the run's networks do, in batches of any size.

    Raises:
        EcganError: It differs; the message says by how much.
    """
    import onnxruntime

    length, on = scorer.trained.expected.length, device()
    x = trial_samples(length, graph.channels)
    with torch.inference_mode():
        wanted = graph(torch.from_numpy(x).to(on)).cpu().numpy()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = np.concatenate([session.run(graph.outputs, {INPUT: part})[0] for part in np.split(x, [1, 3])])
    off = np.abs(found - wanted) if found.shape == wanted.shape else np.full(wanted.shape, np.inf)
    each = (len(x), -1)
    slack = TOLERANCE * np.abs(wanted).reshape(each).max(axis=1) + TOLERANCE
    if not (off.reshape(each).max(axis=1) <= slack).all():
        raise EcganError(
            f"the ONNX graph disagrees with the run: what it expects is off by {off.max():.6g}.",
            "Nothing was written. A model of your own may do what ONNX cannot express.",
        )


def _wanted(judged: Judged, scorer: Scorer, outputs: list[str]) -> dict[str, Any]:
    names = [name for name in outputs if name in judged.components]
    return {name: judged.components[name] for name in names} | {"score": judged.scores[scorer.strategy]}
