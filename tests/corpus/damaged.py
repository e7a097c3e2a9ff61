"""What is not as it was written: a bit has flipped, a file was cut off, came, went, or was never sealed."""

from pathlib import Path

from .case import (
    DETECTED,
    FOLDS,
    FOLDS_DIR,
    INVERSE_DIR,
    PARAMS,
    PROCESSED,
    PROCESSED_DIR,
    RAW,
    RAW_DIR,
    RUN,
    TRAIN_DIR,
    TRAINED,
    Spoil,
    add,
    removed,
    replaced,
    written,
)  # fmt: skip

DETECT_DIR = f"{RUN}/detect/fold_0"
RESULTS, GENERATED = "reports/detect/aegan/fold_0", "reports/train/aegan/fold_0"
RECORD = f"{RAW_DIR}/p03"
SCORE = f"ecgan score {RECORD}.hea --model {RUN} --out scores"
EXPORT = f"ecgan export --model {RUN} --out run.onnx"
GENERATE = f"ecgan generate --model {RUN} -n 3 --out beats.csv"
DETECT = "ecgan detect --model aegan"
WEIGHTS = f"{TRAIN_DIR}/v01/model.safetensors"


def flipped(path: str, at: float, bit: int = 0) -> Spoil:
    """A file of which one bit is another, at a share of its length."""

    def spoil(project: Path) -> None:
        content = bytearray((project / path).read_bytes())
        content[int(at * len(content))] ^= 1 << bit
        (project / path).write_bytes(content)

    return spoil


def damaged(name: str, stage: str, command: str, path: str, spoil: Spoil, *words: str) -> None:
    """A case of damage: the file is named."""
    add(name, stage, command, path, *words, spoil=spoil, damaged=True)


for number, (word, do) in enumerate(
    {"score": SCORE, "export": EXPORT, "generate": GENERATE, "detect": DETECT, "inverse": "ecgan inverse"}.items()
):
    share = 0.3 + number / 10
    damaged(f"{word}_with_a_flipped_weight", DETECTED, do, WEIGHTS, flipped(WEIGHTS, share, number), "damaged")

for name in ("config.yml", "input.json", "split.json", "versions.json"):
    path = f"{TRAIN_DIR}/{name}"
    damaged(f"flipped_{name.replace('.', '_')}", DETECTED, SCORE, path, flipped(path, 0.61, 2), "damaged")
damaged("flipped_mapping", DETECTED, SCORE, f"{INVERSE_DIR}/inverse.json", flipped(f"{INVERSE_DIR}/inverse.json", 0.5))
for name in ("detector.json", "detector.safetensors"):
    path = f"{DETECT_DIR}/{name}"
    for word, do in (("score", SCORE), ("export", EXPORT)):
        damaged(f"{word}_with_a_flipped_{name.replace('.', '_')}", DETECTED, do, path, flipped(path, 0.83), "damaged")
damaged(
    "threshold_of_another_digit", DETECTED, SCORE, "detector.json", replaced(f"{DETECT_DIR}/detector.json", "9", "8")
)
damaged("flipped_seal", DETECTED, SCORE, "seal.json", flipped(f"{TRAIN_DIR}/seal.json", 0.5, 7))
damaged("seal_is_a_list", TRAINED, GENERATE, "seal.json", written(f"{TRAIN_DIR}/seal.json", "[]"))
damaged("seal_leads_out", TRAINED, GENERATE, "seal.json", replaced(f"{TRAIN_DIR}/seal.json", "config.yml", "../a.yml"))
for part, stage in ((TRAIN_DIR, TRAINED), (INVERSE_DIR, DETECTED), (DETECT_DIR, DETECTED)):
    word = part.split("/")[-2]
    do = GENERATE if word == "train" else SCORE
    damaged(f"{word}_was_never_sealed", stage, do, part, removed(f"{part}/seal.json"), "seal.json", "ecgan seal RUN")
damaged(
    "weights_that_came_later",
    TRAINED,
    f"ecgan generate --model {RUN}:v77 -n 3 --out beats.csv",
    f"{TRAIN_DIR}/v77/model.safetensors",
    lambda project: written(f"{TRAIN_DIR}/v77/model.safetensors", (project / WEIGHTS).read_bytes())(project),
)

for suffix in (".atr", ".hea", ".dat"):
    damaged(
        f"raw_file_flipped{suffix.replace('.', '_')}",
        RAW,
        "ecgan preprocess",
        f"p03{suffix}",
        flipped(RECORD + suffix, 0.4),
        "ecgan fetch",
    )
damaged(
    "record_named_twice",
    RAW,
    "ecgan preprocess",
    "RECORDS",
    replaced(f"{RAW_DIR}/RECORDS", "p05", "p03"),
    "ecgan fetch",
)
damaged(
    "record_left_out", RAW, "ecgan preprocess", "RECORDS", replaced(f"{RAW_DIR}/RECORDS", "p05\n", ""), "ecgan fetch"
)
damaged("record_lost", RAW, "ecgan preprocess", "p05.atr", removed(f"{RAW_DIR}/p05.atr"), "missing", "ecgan fetch")
damaged(
    "record_that_came_later", RAW, "ecgan preprocess", "p99.atr", written(f"{RAW_DIR}/p99.atr", b"x"), "ecgan fetch"
)
damaged("raw_files_without_a_seal", RAW, "ecgan preprocess", RAW_DIR, removed(f"{RAW_DIR}/seal.json"), "ecgan fetch")

for name, do in (("data.pkl", "split"), ("label.pkl", "split"), ("samples.csv", "split"), ("dataset.json", "split")):
    path = f"{PROCESSED_DIR}/{name}"
    damaged(f"flipped_{name.replace('.', '_')}", PROCESSED, f"ecgan {do}", path, flipped(path, 0.55, 1), "preprocess")
for word, stage, do in (
    ("train", FOLDS, "ecgan train"),
    ("detect", DETECTED, DETECT),
    ("report", DETECTED, "ecgan report"),
):
    name = "dataset.json" if word == "report" else "data.pkl"
    damaged(f"{word}_on_flipped_data", stage, do, name, flipped(f"{PROCESSED_DIR}/{name}", 0.7), "ecgan preprocess")
damaged("flipped_fold", FOLDS, "ecgan train", "fold_0.json", flipped(f"{FOLDS_DIR}/fold_0.json", 0.9), "ecgan split")
damaged(
    "flipped_fold_for_a_classical_detector",
    FOLDS,
    "ecgan detect --detector pca",
    "fold_0.json",
    flipped(f"{FOLDS_DIR}/fold_0.json", 0.4),
    "ecgan split",
)

for folder, name in (
    *((RESULTS, name) for name in ("scores.csv", "metrics.json", "examples.json", "roc.csv", "confusion.csv")),
    *((GENERATED, name) for name in ("generation.json", "drawn.safetensors")),
    (TRAIN_DIR, "history.csv"),
):
    word = name.replace(".", "_")
    damaged(
        f"report_of_a_flipped_{word}", DETECTED, "ecgan report", f"{folder}/{name}", flipped(f"{folder}/{name}", 0.5)
    )


def sparse(path: str, size: int) -> Spoil:
    """A file that says to be huge, and takes no room."""

    def spoil(project: Path) -> None:
        with (project / path).open("r+b") as file:
            file.truncate(size)

    return spoil


def pipe(path: str) -> Spoil:
    """A pipe in the place of a file, into which nobody writes."""

    def spoil(project: Path) -> None:
        import os

        (project / path).unlink(missing_ok=True)
        os.mkfifo(project / path)

    return spoil


def endless(path: str) -> Spoil:
    """A link to a device that never ends."""

    def spoil(project: Path) -> None:
        (project / path).unlink(missing_ok=True)
        (project / path).symlink_to("/dev/zero")

    return spoil


HUGE = 70 << 30

for word, path, stage, do in (
    ("data", f"{PROCESSED_DIR}/data.pkl", PROCESSED, "ecgan split"),
    ("labels", f"{PROCESSED_DIR}/label.pkl", PROCESSED, "ecgan split"),
    ("fold", f"{FOLDS_DIR}/fold_0.json", FOLDS, "ecgan train"),
    ("weights", WEIGHTS, TRAINED, GENERATE),
    ("split", f"{TRAIN_DIR}/split.json", TRAINED, GENERATE),
    ("config", f"{TRAIN_DIR}/config.yml", TRAINED, GENERATE),
    ("seal", f"{TRAIN_DIR}/seal.json", TRAINED, GENERATE),
    ("detector", f"{DETECT_DIR}/detector.safetensors", DETECTED, SCORE),
    ("record", f"{RECORD}.dat", RAW, "ecgan preprocess"),
    ("parameters", "params.yaml", PARAMS, "ecgan info params.yaml"),
):
    damaged(f"huge_{word}", stage, do, path, sparse(path, HUGE), "75,161,927,680 bytes")
    for kind, spoil in (("pipe", pipe(path)), ("endless", endless(path))):
        damaged(f"{kind}_for_{word}", stage, do, path, spoil, "no plain file")
