"""Small rows as those of `paper/`, on toy beats: `python -m tests.golden.paper` prints them, `--write` keeps them.

The rows in `paper/rows` were computed by the code as it was then. Where numbers have moved since, these here have too.
`--write` counts how often those of a detector or a preset have, and says in which rows of `paper/params.yaml` to write
it as `moved`, upon which these rows are due again. Where those of training have, it raises the number in
`paper/behaviour.json`, upon which all rows are.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from ecgan.arithmetic import set_arithmetic

set_arithmetic("portable")
ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "paper"))

import numpy as np  # noqa: E402
import unit  # noqa: E402

from ecgan.preprocessing.processed import save_processed  # noqa: E402
from ecgan.presets import PRESETS  # noqa: E402
from ecgan.protocols.folds import save_fold  # noqa: E402
from ecgan.protocols.making import make_folds  # noqa: E402
from ecgan.runtime import set_threads  # noqa: E402
from ecgan.samples import Samples  # noqa: E402
from ecgan.seals import seal  # noqa: E402
from ecgan.testing.toys import toy_beats, toy_samples  # noqa: E402
from tests.golden.portable import versions  # noqa: E402

KEPT = Path(__file__).parent / "paper.json"
DATASET = "mitbih_beatgan"  # by name; the beats are toys
DATA = {"dataset": DATASET, "leads": ["MLII"], "split": {"protocol": "beatgan", "k": 2, "vali_share": 0.5}}
PLAIN = {"leads": "all", "set": {"train": {"transformation": "none"}}}
TRAINED = "beatgan-50"  # stands for all that is trained
BELIEVING = [name for name, preset in PRESETS.items() if "adabelief" in str(preset.options)]
SMALL = {"batch_size": 32, "width": 0.0625}
ROWS: dict[str, dict[str, Any]] = {
    "knn": {"detector": "knn"},
    "patient_specific": {"detector": "patient_specific", **PLAIN},
    "known_normals": {"detector": "known_normals", **PLAIN},
    "known_normals, share": {
        "detector": "known_normals",
        "leads": "all",
        "set": {"train": {"transformation": "none"}, "detectors": {"known_normals": {"share": True}}},
    },
    "nearest_shape": {"detector": "nearest_shape", "set": {"train": {"transformation": "none"}}},
    "knn_rhythm": {"detector": "knn_rhythm"},
    "supervised": {"detector": "main_directions"},
    "beatgan-50": {"preset": "beatgan-50", "epochs": 2, "set": {"modules": {"aegan": SMALL}}},
    "beatgan-plus": {"preset": "beatgan-plus", "epochs": 2, "set": {"modules": {"aegan": SMALL}}},  # for `BELIEVING`
}


def samples() -> Samples:
    """Beats of two records, a quarter of them abnormal, some of these early."""
    rng = np.random.default_rng(16)
    order = rng.permutation(400)
    x = np.concatenate(
        [toy_beats(300, 2, 64), 0.94 * toy_beats(100, 2, 64) + 0.06 * toy_beats(100, 2, 64, abnormal=True)]
    )
    abnormal = order >= 300
    found = toy_samples(x[order], abnormal & (order % 2 == 0))
    labels = abnormal.astype(np.int64)
    table = found.table.assign(class_name=np.where(abnormal, "V", "N"))
    about = {"leads": ["MLII", "other"], "classes": ["N", "V"]}
    return Samples(found.signals, table, type(found.about)(**{**vars(found.about), **about}), labels)


def compute() -> dict[str, Any]:
    """AUROC, average precision and threshold of each row and strategy."""
    set_threads(1)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "data" / DATASET
        place.mkdir(parents=True)
        for name, about in ROWS.items():
            with unit.working(Path(folder) / name, Path(folder) / "data"):
                params = unit.parameters(DATA, about, seed=0)
                if not (place / "folds").exists():
                    (place / "processed").mkdir()
                    (place / "folds").mkdir()
                    data = samples()
                    save_processed(place / "processed", DATASET, data)
                    from ecgan.preprocessing.processed import load_processed

                    for fold in make_folds(load_processed(place / "processed"), params.split, 0):
                        save_fold(place / "folds" / f"fold_{fold.index}.json", fold)
                    seal(place / "folds")
                _, metrics, _ = unit.compute(params, about, 0)
            found[name] = {
                strategy: [entry["test"]["auroc"], entry["test"]["ap"], entry["threshold"]["value"]]
                for strategy, entry in metrics["strategies"].items()
            }
    return found


def main() -> int:
    """Print the rows, or keep them."""
    stdout, sys.stdout = sys.stdout, sys.stderr
    found = {"versions": versions(), "rows": compute()}
    sys.stdout = stdout
    if "--write" not in sys.argv:
        sys.stdout.write(json.dumps(found))
        return 0
    known = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else found
    others = {name for name, row in known["rows"].items() if found["rows"].get(name) != row}
    moved = known.get("moved", {})
    trained = TRAINED in others
    parts = {part for name in others for part in (BELIEVING if "preset" in ROWS[name] else [ROWS[name]["detector"]])}
    for part in sorted(parts) if not trained else ():
        moved[part] = moved.get(part, 0) + 1
        sys.stdout.write(f"Write `moved: {moved[part]}` into all rows of paper/params.yaml with {part}.\n")
    behaviour = json.loads(unit.BEHAVIOUR.read_text(encoding="utf-8"))["version"] + trained
    unit.BEHAVIOUR.write_text(json.dumps({"version": behaviour}) + "\n", encoding="utf-8")
    KEPT.write_text(json.dumps({"behaviour": behaviour, "moved": moved, **found}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    os.environ.pop("ECGAN_DEVICE", None)
    sys.exit(main())
