"""Any model or classical detector behind the conventions of scikit-learn and PyOD."""

import hashlib
import io
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.arrays import F32
from ecgan.errors import EcganError
from ecgan.evaluation.ranking import auroc
from ecgan.files import made, unfinished, write_bytes
from ecgan.notebook.arrays import labels_from, samples_from
from ecgan.notebook.explaining import Explanation
from ecgan.notebook.fitting import FOLD, fit_run
from ecgan.notebook.parameters import Chosen, choose_parameters
from ecgan.notebook.run import Run, load
from ecgan.runs.layout import PARTS, part
from ecgan.runtime import borrowed_process
from ecgan.samples import About, Samples

F64 = NDArray[np.float64]


class Detector:
    """A model, or a classical detector, that is fitted to arrays.

    Samples are arrays (n, L) of one lead, or (n, C, L), or `Samples`, which a detector with a context needs. Scores are
    higher for what is more abnormal; `predict` gives 1 for abnormal and 0 for normal, as PyOD does. The same
    parameters and samples give the same scores. What was fitted is a run as the pipeline writes it.

    Args:
        name: Name of a model (`ecgan.list_models()`) or of a classical detector (`ecgan.list_detectors()`).
        parameters: Those of the model or detector, and those of the sections `train`, `detect`, `inverse` and `runtime`
            of `params.yaml` by their names: `epochs=20, width=0.5, seed=1`. A section may be given as a mapping:
            `train={"epochs": 20}`. A number as `threshold` is a fixed one. `leads`, `sampling_rate`, `unit` and
            `centre` (index of the R peak) say what arrays do not; `dataset` and `preprocess` how recordings are cut,
            for `run_.score`.

    Attributes:
        name: Its name.
        decision_scores_: Scores of the samples that `fit` was given (n,).
        labels_: Whether each of them is called abnormal, 0 or 1, (n,).

    Raises:
        EcganError: A name is unknown, or a value is not allowed.
    """

    decision_scores_: F64
    labels_: NDArray[np.int64]

    def __init__(self, name: str, **parameters: Any) -> None:
        choose_parameters(name, parameters)
        self.name = name
        self._parameters = parameters
        self._files: dict[str, bytes] = {}
        self._run: Run | None = None

    def fit(self, x: "F32 | Samples | Any", y: Any = None) -> Self:
        """Learn from samples.

        Without labels, or where none is abnormal, all samples are learned from, and the threshold is a quantile of
        their scores (`quantile`, 0.95). With labels only normal samples are learned from (of a classifier all classes);
        a share of them (`vali_share`) and all abnormal ones validate, and the threshold is chosen on these, as in the
        pipeline (`threshold`).

        Args:
            x: Samples (n, L) of one lead or (n, C, L); or `ecgan.Samples`, such as `ecgan.load_dataset` gives, which
                detectors with a context need. Their own labels do not count.
            y: Class ids (n,): 0 is normal, every other number abnormal.

        Raises:
            EcganError: The samples are not numbers of one shape, too few, or cannot be fitted.
        """
        given = x if isinstance(x, Samples) else None
        signals = samples_from(x if given is None else given.signals)
        labels = np.zeros(len(signals), dtype=np.int64) if y is None else labels_from(y, len(signals))
        labelled = bool(labels.any())
        chosen = self._chosen(given, labelled=labelled)
        data = _completed(chosen, signals, labels, given)
        with tempfile.TemporaryDirectory(prefix="ecgan-") as place, borrowed_process(chosen.params.runtime.threads):
            fit_run(Path(place), chosen, data, labelled=labelled)
            self._files = {
                str(file.relative_to(place)): file.read_bytes()
                for file in sorted(Path(place).rglob("*"))
                if file.is_file()
            }
        self._run = None
        self.decision_scores_ = self.run_.decision_function(data)
        self.labels_ = (self.decision_scores_ >= self.threshold_).astype(np.int64)
        return self

    @property
    def run_(self) -> Run:
        """What was fitted, as `ecgan.load` gives it.

        Raises:
            EcganError: Nothing was fitted.
        """
        if not self._files:
            raise EcganError(f"{self!r} has not been fitted.", "Call fit(x) first.")
        if self._run is None:
            with tempfile.TemporaryDirectory(prefix="ecgan-") as place:
                self._write(Path(place))
                scorer = load(place).scorer
            self._run = Run(replace(scorer, reference=self.name))
        return self._run

    @property
    def threshold_(self) -> float:
        """A score from here on is called abnormal."""
        return self.run_.threshold_

    @property
    def threshold_from_(self) -> str:
        """Where the threshold comes from: training scores where there are no labels, else validation; or given."""
        return self.run_.threshold_from_

    @property
    def history_(self) -> pd.DataFrame:
        """One row an evaluated epoch of the training; empty where nothing is trained."""
        content = self._files.get(str(part(Path(), "train", FOLD) / "history.csv"))
        return pd.DataFrame() if content is None else pd.read_csv(io.BytesIO(content))

    def decision_function(self, x: Any) -> F64:
        """Score each of x (n, L) or (n, C, L), shape (n,); higher = more abnormal."""
        return self.run_.decision_function(x)

    def predict(self, x: Any) -> NDArray[np.int64]:
        """Whether each of x (n, L) or (n, C, L) is abnormal, 0 or 1, shape (n,)."""
        return self.run_.predict(x)

    def reconstruct(self, x: Any) -> F32:
        """What x (n, L) or (n, C, L) is taken for, in its shape and unit; an error where nothing is reconstructed."""
        return self.run_.reconstruct(x)

    def explain(self, x: Any) -> Explanation:
        """Return reconstructions, residuals and components of x (n, L) or (n, C, L)."""
        return self.run_.explain(x)

    def score(self, x: Any, y: Any) -> float:
        """Return the AUROC of the scores of x (n, L) or (n, C, L) with labels y (n,), 0 = normal."""
        scores = self.decision_function(x)
        abnormal = labels_from(y, len(scores)) != 0
        if abnormal.all() or not abnormal.any():
            raise EcganError("an AUROC needs normal and abnormal samples.", "Stratify: StratifiedKFold.")
        return auroc(scores, abnormal)

    def save(self, folder: Path | str, *, overwrite: bool = False) -> Path:
        """Write what was fitted as a run of the pipeline, which `ecgan.load` reads; return the folder.

        Args:
            folder: The run's folder; made if it is not there.
            overwrite: Whether a run that is there is replaced.

        Raises:
            EcganError: Nothing was fitted, or something is there already.
        """
        where = Path(folder)
        assert self.run_
        there = [where / name for name in PARTS if (where / name).exists()]
        if where.exists() and not where.is_dir():
            raise EcganError(f"{where} is no folder.", "Name a folder; it is made if it is not there.")
        if there and not overwrite:
            raise EcganError(f"{where} holds a run already.", "Name another folder, or say overwrite=True.")
        if there and not (where / "train" / "fold_0" / "config.yml").is_file():
            raise EcganError(f"{there[0]} is there, and {where} is no run.", "Name another folder.")
        with made(where), unfinished(where, "saved") as whole:  # what is there stays until all is written
            self._write(whole)
            for old in there:
                shutil.rmtree(old)
            for new in whole.iterdir():
                new.replace(where / new.name)
        return where

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the name and the parameters that were given; `deep` changes nothing."""
        return {"name": self.name, **self._parameters}

    def set_params(self, **parameters: Any) -> Self:
        """Change the name or parameters, for the next fit."""
        given = self.get_params() | parameters
        name = given.pop("name")
        choose_parameters(name, given)
        self.name, self._parameters = name, given
        return self

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags

        shapes = InputTags(two_d_array=True, three_d_array=True)
        return Tags(estimator_type="outlier_detector", target_tags=TargetTags(required=False), input_tags=shapes)

    def __sklearn_is_fitted__(self) -> bool:
        return bool(self._files)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_run": None}  # networks are loaded again from the files

    def __repr__(self) -> str:
        given = "".join(f", {key}={value!r}" for key, value in self._parameters.items())
        return f"Detector({self.name!r}{given})"

    def _chosen(self, samples: Samples | None, *, labelled: bool) -> Chosen:
        """Complete the parameters with what a dataset says of its samples."""
        given = dict(self._parameters)
        if samples is not None and samples.about.name:
            given = {"dataset": samples.about.name, "preprocess": samples.about.preprocess or {}} | given
        return choose_parameters(self.name, given, labelled=labelled)

    def _write(self, folder: Path) -> None:
        for name, content in self._files.items():
            write_bytes(folder / name, content)


def _completed(chosen: Chosen, signals: F32, labels: NDArray[np.int64], given: Samples | None) -> Samples:
    """Return samples as the stages have them: what is not known of arrays is taken from the parameters."""
    channels, length = signals.shape[1:]
    facts, about = chosen.facts, None if given is None else given.about
    if given is None and channels > length and not facts.get("leads"):
        raise EcganError(
            f"the samples have {channels} leads of {length} time steps: leads and time steps seem to be swapped.",
            "If so, x.transpose(0, 2, 1); if not, name the leads: leads=[…].",
        )
    leads = facts.get("leads") or (about.leads if about else [str(index + 1) for index in range(channels)])
    if not isinstance(leads, list) or len(leads) != channels:
        raise EcganError(f"the samples have {channels} leads; found {leads!r} as their names.", "Name each: leads=[…].")
    centre = facts.get("centre", about.centre if about else None)
    if centre is not None and not 0 <= centre < length:
        raise EcganError(
            f"centre is {centre}, the index of the R peak among {length} time steps.",
            "Give an index within the samples.",
        )
    others = [f"class {index}" for index in range(1, max(int(labels.max(initial=0)), 1) + 1)]
    classes = about.classes if about else ["normal", *others]
    if labels.max(initial=0) >= len(classes):
        raise EcganError(
            f"y holds the class {labels.max()}; the samples have {len(classes)}: {', '.join(classes)}.",
            "Name all classes: `classes=[…]`.",
        )
    described = About(
        name=chosen.params.dataset,
        sampling_rate=float(facts.get("sampling_rate", about.sampling_rate if about else 0.0)),
        leads=[str(lead) for lead in leads],
        classes=classes,
        unit=str(facts.get("unit", about.unit if about else "mV")),
        centre=centre,
    )
    digest = hashlib.sha256(signals.tobytes() + labels.tobytes() + repr(signals.shape).encode()).hexdigest()
    table = pd.DataFrame(index=range(len(signals))) if given is None else given.unlabelled().table
    table = table.assign(class_name=np.asarray(classes, dtype=object)[labels])
    return Samples(signals, table, described, labels, digest)
