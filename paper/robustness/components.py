"""Trainings that differ by rounding alone: `python paper/robustness/components.py [DATASET …]`.

Each model is trained on each fold, once as it is and several times with its initial weights multiplied by
1 + 1e-7·N(0, 1), which moves most of them by one unit in the last place or not at all; seeds, data and everything else
stay. `ecgsyn` is the demonstration, `params.yaml`, ten times: ten minutes on one core. `mitbih_beatgan` is one fold and
three epochs of the defaults, five times; `ECGAN_MIRROR` names a copy of PhysioNet's files where there is no network.

The components of the fitting half of validation, of the reporting half and of test, with their labels, go to
`.ecgan/robustness/components/DATASET/MODEL_FOLD_PERTURBATION.npz`; what is there is not computed again. One thread.
"""

import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import torch

from ecgan.config import Params, load_params, render_params
from ecgan.detection.detectors.inverse_mapping import InverseMapping
from ecgan.inversion.base import choose
from ecgan.models.base import Model
from ecgan.models.layers.folding import folded
from ecgan.preprocessing.processed import load_processed
from ecgan.preprocessing.transformations import fit_transformation
from ecgan.protocols.folds import load_fold, vali_halves
from ecgan.registry import MODELS
from ecgan.runs.loading import mapping_of
from ecgan.runtime import derive_seed, reuse_memory, set_deterministic, set_threads
from ecgan.training.data import TrainingData, to_tensor
from ecgan.training.loop import Run, fit
from ecgan.training.resume import ResumeFile
from stages import fetch, paths, preprocess, split

ROOT = Path(__file__).parent.parent.parent
WORK = ROOT / ".ecgan" / "robustness"
PERTURBATIONS = {"ecgsyn": 10, "mitbih_beatgan": 5}
SIZE = 1e-7  # of a relative change; the spacing of float32 is 0.6 to 1.2 of it


def parameters(dataset: str) -> Params:
    """The parameters of a dataset's trainings, with data of their own."""
    file = ROOT / "params.yaml"
    if dataset != "ecgsyn":
        file = WORK / f"{dataset}.yaml"
        changes = {"runtime": {"threads": 1}, "split": {"folds": [0]}, "train": {"epochs": 3}}
        WORK.mkdir(parents=True, exist_ok=True)
        file.write_text(render_params(dataset, ["aegan", "vaegan"], overrides=changes), encoding="utf-8")
    params = load_params(file)
    experiment = params.experiment.model_copy(update={"data_dir": str(WORK / "data")})
    return params.model_copy(update={"experiment": experiment})


def kept(dataset: str, model: str, fold: int, number: int) -> Path:
    """Where the components of a training are."""
    return WORK / "components" / dataset / f"{model}_{fold}_{number}.npz"


def perturb(model: Model, number: int) -> None:
    """Multiply every weight by 1 + 1e-7·N(0, 1); number 0 leaves them as they are."""
    generator = torch.Generator().manual_seed(number)
    with torch.no_grad():
        for weights in model.parameters() if number else ():
            noise = torch.randn(weights.shape, dtype=torch.float64, generator=generator)
            weights.copy_((weights.double() * (1 + SIZE * noise)).float())


def components(params: Params, name: str, index: int, number: int) -> dict[str, np.ndarray]:
    """Train once; return labels and components of each part, as `fit/labels`, `test/reconstruction` and so on."""
    data, fold = load_processed(paths.processed(params)), load_fold(paths.folds(params) / f"fold_{index}.json")
    data = data.with_leads(params.train.leads)
    first, second = vali_halves(fold, data)
    rows = {"train": fold.train, "fit": first, "report": second, "test": fold.test}
    seed = derive_seed(params.runtime.seed, "train", name, index)
    torch.manual_seed(derive_seed(seed, "weights"))
    model = MODELS.get(name)(params.modules[name], channels=data.signals.shape[1], length=data.length)
    perturb(model, number)
    transformation = fit_transformation(params.train.transformation, data.signals[fold.train], model.output_range)
    parts = {part: transformation.apply(data[indices]) for part, indices in rows.items()}
    x = {part: to_tensor(parts[part].signals) for part in ("train", "fit")}
    labels = {part: samples.class_ids for part, samples in parts.items()}
    training = TrainingData(x["train"], torch.from_numpy(labels["train"]), x["fit"], torch.from_numpy(labels["fit"]))
    never = ResumeFile(WORK / "state" / f"{name}_{index}_{number}", "", seconds=float("inf"))
    progress = fit(Run(model, training, params.train, seed, params.runtime.precision, never), [])
    model.load_state_dict(progress.best)
    ready = folded(model.eval().requires_grad_(False))
    inversion = choose(params.inverse.method, ready, params.inverse, seed=0, precision=params.runtime.precision)
    mapping = mapping_of(ready, inversion, params.detect.batch_size)
    detector = InverseMapping(params.detectors["inverse_mapping"], mapping)
    detector.fit(parts.pop("train"))
    found = {f"{part}/labels": labels[part] for part in parts}
    for part, samples in parts.items():
        found |= {f"{part}/{key}": values for key, values in detector.components(samples).items()}
    return found


def main() -> int:
    """Train what is not there yet, of the named datasets or of all."""
    set_threads(1)
    set_deterministic()
    reuse_memory()
    for dataset in sys.argv[1:] or PERTURBATIONS:
        params = parameters(dataset)
        if not (paths.folds(params) / "fold_0.json").is_file():
            for stage in (fetch, preprocess, split):
                stage.run(params)
        for number, name, index in product(range(PERTURBATIONS[dataset] + 1), params.models, params.split.folds):
            out = kept(dataset, name, index, number)
            if out.is_file():
                continue
            out.parent.mkdir(parents=True, exist_ok=True)
            started = time.process_time()
            np.savez(out, **components(params, name, index, number))
            sys.stdout.write(f"{dataset} {out.stem}: {time.process_time() - started:.0f} s\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
