"""Folders of trained models: they may come from anywhere."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .case import DETECTED, INVERSE_DIR, RUN, TRAIN_DIR, TRAINED, add, case, cut_off, removed, replaced, written

INVERSE = "ecgan inverse"
DETECT = "ecgan detect --model aegan"
GENERATE = f"ecgan generate --model {RUN} -n 4 --out beats.npy"
CONFIG, INPUT, SPLIT = f"{TRAIN_DIR}/config.yml", f"{TRAIN_DIR}/input.json", f"{TRAIN_DIR}/split.json"
VERSIONS, WEIGHTS = f"{TRAIN_DIR}/versions.json", f"{TRAIN_DIR}/v01/model.safetensors"
MAPPING = f"{INVERSE_DIR}/inverse.json"


def described(
    name: str, path: str, change: dict[str, Any], *words: str, stage: str = TRAINED, do: str = INVERSE
) -> None:
    """A JSON file of a run of which keys are changed; ... leaves a key out."""

    def spoil(project: Path) -> None:
        found = json.loads((project / path).read_text()) | change
        (project / path).write_text(json.dumps({key: value for key, value in found.items() if value is not ...}))

    add(name, stage, do, Path(path).name, *words, spoil=spoil)


def weights(name: str, change: Callable[[dict[str, Any]], Any], *words: str) -> None:
    """Weights of which some are changed."""

    def spoil(project: Path) -> None:
        from safetensors.numpy import load, save

        tensors = load((project / WEIGHTS).read_bytes())
        change(tensors)
        (project / WEIGHTS).write_bytes(save(tensors))

    add(name, TRAINED, INVERSE, f"{TRAIN_DIR}/v01", *words, spoil=spoil)


def first(tensors: dict[str, Any]) -> str:
    return next(name for name, values in sorted(tensors.items()) if values.ndim == 3)


def without(tensors: dict[str, Any]) -> None:
    del tensors[first(tensors)]


def reshaped(tensors: dict[str, Any]) -> None:
    tensors[first(tensors)] = np.zeros((7, 7, 7), dtype=np.float32)


def as_whole_numbers(tensors: dict[str, Any]) -> None:
    tensors[first(tensors)] = tensors[first(tensors)].astype(np.int64)


def not_finite(tensors: dict[str, Any]) -> None:
    tensors[first(tensors)][:] = np.nan


add("no_config", TRAINED, INVERSE, "config.yml", spoil=removed(CONFIG))
add("no_input", TRAINED, INVERSE, "input.json", spoil=removed(INPUT))
add("no_split", TRAINED, INVERSE, "split.json", spoil=removed(SPLIT))
add("no_versions", TRAINED, INVERSE, "versions.json", spoil=removed(VERSIONS))
add("no_weights", TRAINED, INVERSE, "v01", spoil=removed(WEIGHTS))
add(
    "config_with_an_unknown_key",
    TRAINED,
    INVERSE,
    "config.yml",
    "'epoch'",
    spoil=replaced(CONFIG, "  epochs:", "  epoch:"),
)
add(
    "config_of_an_unknown_model",
    TRAINED,
    INVERSE,
    "config.yml",
    "'mine'",
    "--plugin",
    spoil=replaced(CONFIG, "models: [aegan]", "models: [mine]"),
    lines=3,
)
add(
    "config_of_another_width",
    TRAINED,
    INVERSE,
    "v01",
    "do not fit",
    spoil=replaced(CONFIG, "width: 0.0625", "width: 0.125"),
)
add(
    "config_runs_python",
    TRAINED,
    INVERSE,
    "config.yml",
    "tag",
    spoil=replaced(CONFIG, "dataset: ecgsyn", "dataset: !!python/name:os.system"),
)
add("empty_config", TRAINED, GENERATE, "config.yml", "empty", spoil=written(CONFIG, ""))
add("truncated_weights", TRAINED, INVERSE, WEIGHTS, spoil=cut_off(WEIGHTS, 3000))
add("weights_cut_in_the_header", TRAINED, INVERSE, WEIGHTS, spoil=cut_off(WEIGHTS, 20))
add("empty_weights", TRAINED, GENERATE, WEIGHTS, spoil=written(WEIGHTS, b""))
add(
    "weights_with_a_huge_header",
    TRAINED,
    INVERSE,
    WEIGHTS,
    spoil=written(WEIGHTS, (1 << 60).to_bytes(8, "little") + b"{}"),
)
add("weights_are_a_picture", TRAINED, INVERSE, WEIGHTS, spoil=written(WEIGHTS, b"\x89PNG\r\n\x1a\n" + b"\0" * 100))
weights("weights_missing", without, "do not fit")
weights("weights_of_another_shape", reshaped, "do not fit", "(7, 7, 7)")
weights("weights_too_many", lambda it: it.update(extra=np.zeros(3, dtype=np.float32)), "do not fit", "extra")
weights("weights_are_whole_numbers", as_whole_numbers, "do not fit", "int64")
weights("weights_are_not_finite", not_finite, "finite")


@case(TRAINED, INVERSE, WEIGHTS)
def pickle_named_safetensors(project: Path) -> None:
    import pickle

    from .processed import _Command

    (project / WEIGHTS).write_bytes(pickle.dumps(_Command(), protocol=4))


described("best_version_is_missing", VERSIONS, {"best": "v77"}, "'v77'")
described("version_leads_out", VERSIONS, {"best": "../../v01"}, "'../../v01'")
described("version_is_a_number", VERSIONS, {"best": 1}, "best")
described("criterion_is_missing", VERSIONS, {"criterion": ...}, "criterion", "missing")
described("length_of_zero", INPUT, {"length": 0}, "length")
described("length_is_a_word", INPUT, {"length": "long"}, "length", "'long'")
described("length_of_another_model", INPUT, {"length": 10**9}, "length")
described("no_leads_at_all", INPUT, {"leads": []}, "leads")
described("rate_is_nothing", INPUT, {"sampling_rate": None}, "sampling_rate")
described("unknown_transformation", INPUT, {"transformation": {"name": "mine", "target": [0, 1]}}, "'mine'")
described("transformation_without_a_range", INPUT, {"transformation": {"name": "individual"}}, "target")
described("transformation_of_no_range", INPUT, {"transformation": {"name": "individual", "target": [1, 1]}}, "target")
described("transformation_lacks_numbers", INPUT, {"transformation": {"name": "minmax", "target": [0.0, 1.0]}}, "minmax")
described(
    "transformation_of_words",
    INPUT,
    {"transformation": {"name": "minmax", "target": [0.0, 1.0], "low": ["a"], "high": ["b"]}},
    "low",
)
add("range_is_not_a_number", TRAINED, INVERSE, "input.json", "NaN", spoil=replaced(INPUT, "-1.0", "NaN"))
add(
    "split_of_other_data",
    TRAINED,
    INVERSE,
    "fold 0",
    "other data",
    "000000000000",
    spoil=lambda project: written(SPLIT, re.sub(r"[0-9a-f]{64}", "0" * 64, (project / SPLIT).read_text()))(project),
)
add("split_is_not_json", TRAINED, INVERSE, "split.json", "not JSON", spoil=written(SPLIT, "no"))
described("no_method", MAPPING, {"method": ...}, stage=DETECTED, do=DETECT)
described("unknown_method", MAPPING, {"method": "mine"}, "'mine'", stage=DETECTED, do=DETECT)
described("method_of_a_classifier", MAPPING, {"method": "none"}, "'none'", stage=DETECTED, do=DETECT)
described(
    "bandwidth_below_zero", MAPPING, {"bandwidth": {"signal": -1.0, "value": 1.0}}, "-1.0", stage=DETECTED, do=DETECT
)
described("precision_of_the_mapping_is_unknown", MAPPING, {"precision": "fp8"}, "'fp8'", stage=DETECTED, do=DETECT)
add("no_mapping", TRAINED, DETECT, INVERSE_DIR, "ecgan inverse")
add("mapping_is_not_json", DETECTED, DETECT, "inverse.json", "not JSON", spoil=written(MAPPING, "encoder"))
add("report_without_results", TRAINED, "ecgan report", "reports/detect/aegan/fold_0", "ecgan detect")
add(
    "scores_are_missing",
    DETECTED,
    "ecgan report",
    "scores.csv",
    spoil=removed("reports/detect/aegan/fold_0/scores.csv"),
)
add(
    "scores_are_words",
    DETECTED,
    "ecgan report",
    "scores.csv",
    spoil=written("reports/detect/aegan/fold_0/scores.csv", "so,it,is\n1,2,3\n"),
)
add(
    "metrics_are_a_list",
    DETECTED,
    "ecgan report",
    "metrics.json",
    spoil=written("reports/detect/aegan/fold_0/metrics.json", "[1]"),
)
add(
    "metrics_are_empty",
    DETECTED,
    "ecgan report",
    "metrics.json",
    spoil=written("reports/detect/aegan/fold_0/metrics.json", "{}"),
)
add(
    "examples_are_a_list",
    DETECTED,
    "ecgan report",
    "examples.json",
    spoil=written("reports/detect/aegan/fold_0/examples.json", "[1]"),
)
add("history_is_missing", DETECTED, "ecgan report", "history.csv", spoil=removed(f"{TRAIN_DIR}/history.csv"))
