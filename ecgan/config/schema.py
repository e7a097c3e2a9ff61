"""Every section of `params.yaml` and of a run's `config.yml`: keys, types, ranges, defaults and their meaning."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SerializeAsAny, ValidationInfo, field_validator

from ecgan.arithmetic import Arithmetic
from ecgan.config.generation import Generation
from ecgan.config.inverse import Inverse
from ecgan.config.options import Options
from ecgan.files import is_portable

_FOLDER_NAME = "a folder name: letters, digits, spaces and . _ + -, beginning with a letter or digit, without '..'"
_SAFE = re.compile(r"[^\W_](?:[\w .+-]*[\w+-])?")


def _folder_name(name: str) -> str:
    if not _SAFE.fullmatch(name) or ".." in name or len(name) > 100 or not is_portable(name):
        raise ValueError(f"allowed: {_FOLDER_NAME}")
    return name


def _file_path(path: str) -> str:
    if not path.strip() or "\0" in path:
        raise ValueError("allowed: a path")
    return path


def _arithmetic(data: dict[str, Any]) -> Arithmetic:
    return "native" if data.get("precision") == "bf16" else "portable"


def _distinct(items: list[Any]) -> list[Any]:
    for item in items:
        if items.count(item) > 1:
            raise ValueError(f"{item!r} is listed twice; allowed: every item once")
    return items


FolderName = Annotated[str, AfterValidator(_folder_name), Field(json_schema_extra={"allowed": "a folder name"})]
FilePath = Annotated[str, AfterValidator(_file_path), Field(json_schema_extra={"allowed": "a path"})]
Names = Annotated[list[str], AfterValidator(_distinct)]


class Experiment(Options):
    """Where results go."""

    entity: FolderName = Field("ecgan", description="Person or group: the first folder below models/ and reports/.")
    project: FolderName = Field("demo", description="Project: the second folder.")
    run: FolderName | None = Field(
        None, description="Name of the run, the third folder; null takes each model's name (needed for several models)."
    )
    data_dir: FilePath = Field("data", description="Folder of raw data, processed data and folds.")


class Runtime(Options):
    """What changes the last bits of every result."""

    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of everything that is drawn at random.")
    threads: int = Field(2, ge=1, le=1024, description="Threads of PyTorch and of the numerical libraries.")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="Number format of the networks' arithmetic.")
    arithmetic: Arithmetic = Field(
        default_factory=_arithmetic,
        description="The same bits on every x86-64 processor with AVX2, or as fast as this one allows; bf16 is native.",
    )

    @field_validator("arithmetic")
    @classmethod
    def _kernels_are_there(cls, arithmetic: str, info: ValidationInfo) -> str:
        if arithmetic == "portable" and info.data.get("precision") == "bf16":
            raise ValueError("not every processor computes in bf16; allowed: native, or the precision fp32")
        return arithmetic


class Split(Options):
    """How samples are divided into training, validation and test."""

    protocol: str = Field("normal_only", description="Rule of the split.")
    k: int = Field(5, ge=1, le=1000, description="Number of folds that are made (at least 2, unless they are fixed).")
    folds: Annotated[list[int], AfterValidator(_distinct)] = Field(
        default_factory=lambda data: list(range(data["k"])),
        min_length=1,
        description="Folds that are run, counted from 0; by default all k.",
    )
    test_share: float = Field(
        0.15,
        gt=0,
        lt=1,
        description="Share of the normal samples (normal_only) or of all (stratified) kept for testing.",
    )
    vali_share: float = Field(
        0.1, gt=0, lt=1, description="Share for validation (beatgan; the other protocols take one of k parts)."
    )
    train_on: Literal["normal", "all"] = Field(
        "normal", description="Whether training sees normal samples only; 'all' with stratified and interpatient."
    )
    source: FilePath | None = Field(
        None, validate_default=True, description="Folder of the fold_<k>.json files that the protocol 'fixed' takes."
    )

    @field_validator("folds")
    @classmethod
    def _folds_exist(cls, folds: list[int], info: ValidationInfo) -> list[int]:
        k = info.data.get("k")
        for fold in folds:
            if k is not None and not 0 <= fold < k:
                raise ValueError(f"there is no fold {fold}; allowed: 0 to {k - 1}, since split.k is {k}")
        return folds

    @field_validator("source")
    @classmethod
    def _source_where_fixed(cls, source: str | None, info: ValidationInfo) -> str | None:
        protocol = info.data.get("protocol")
        if protocol == "fixed" and source is None:
            raise ValueError("the protocol 'fixed' needs it; allowed: the folder that holds fold_0.json and so on")
        if protocol not in (None, "fixed") and source is not None:
            raise ValueError(f"the protocol {protocol!r} does not read it; allowed: null, or the protocol 'fixed'")
        return source


class Train(Options):
    """How models are trained; batch sizes and learning rates belong to the models."""

    epochs: int = Field(100, ge=1, le=1_000_000, description="Passes over the training data.")
    leads: Annotated[Names, Field(min_length=1)] | None = Field(
        None, description="Leads that are used, by name and in this order; null takes all."
    )
    transformation: Literal["none", "minmax", "standard", "individual", "whitening", "fourier"] = Field(
        "individual",
        description="Learned from the training data: minmax and standard scale a lead, whitening takes the correlation"
        " out of its time steps; individual scales each sample and lead, fourier gives spectra.",
    )
    schedule: Literal["constant", "cosine", "one_cycle"] = Field(
        "constant",
        description="Course of the learning rates: constant, down to 0 along a cosine, or up for 30 % of the steps and"
        " down again.",
    )
    warmup: float = Field(
        0.0, ge=0, lt=1, description="Share of the steps in which constant and cosine rise from 0 to the learning rate."
    )
    ema: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Decay of the moving average of the weights that is validated and kept; 0 keeps the weights.",
    )
    select_by: Literal["loss", "auroc", "ap"] = Field(
        "loss",
        description="What makes a version the best one on validation data; auroc and ap look at abnormal labels.",
    )
    evaluate_every: int = Field(1, ge=1, description="Epochs between two evaluations on validation data.")
    patience: int = Field(0, ge=0, description="Evaluations without improvement before training stops; 0 never stops.")
    augment: Literal["none", "timewarp"] = Field(
        "none",
        description="Augmentation of training beats; timewarp leaves out and interpolates ticks around the R peak.",
    )
    augment_share: float = Field(
        0.5, gt=0, le=1, description="Share of the beats of a batch that are augmented, anew in every epoch."
    )
    jitter_ms: float = Field(
        0.0,
        ge=0,
        le=200,
        description="The window of each training beat is moved at random, anew in every epoch, by at most so many ms.",
    )
    tracker: Literal["local", "wandb", "mlflow"] = Field(
        "local",
        description="Where metrics and models are logged besides local files: Weights & Biases or MLflow (extras).",
    )
    generation: Generation = Field(Generation(), description="Metrics and figures of generated signals.")

    @field_validator("augment", "jitter_ms")
    @classmethod
    def _time_is_there(cls, value: str | float, info: ValidationInfo) -> str | float:
        transformation = info.data.get("transformation")
        if value not in ("none", 0) and transformation in ("whitening", "fourier"):
            what, without = ("timewarp", "none") if isinstance(value, str) else ("jitter_ms", "0")
            raise ValueError(
                f"{what} moves values in time, which {transformation} has mixed; allowed: {without}, or another"
                " transformation"
            )
        return value


class Detection(Options):
    """How samples are scored and told apart."""

    detector: str = Field(
        "inverse_mapping", description="Detector of the trained models; a classical one, such as knn, sees latents."
    )
    strategies: Annotated[Names, Field(min_length=1)] = Field(
        ["reconstruction", "smoothed", "lambda_grid", "lambda_gamma_grid", "svm_lambda", "svm_lambda_gamma"],
        description="How the components of a score are weighed.",
    )
    choice: Literal["stable", "best"] = Field(
        "stable",
        description="How weights and support vector machines are chosen on validation: the simplest that is as good as"
        " any by AUROC, on a scale of ranks, or as published, the best F1 on a scale of extremes.",
    )
    classical: Names = Field(
        ["knn", "pca"], description="Detectors without a trained model, computed on the same folds for comparison."
    )
    threshold: Literal["best_f1", "quantile", "alarms_per_hour", "alarms_by_patient", "fixed"] = Field(
        "best_f1",
        description="Decision threshold: the best F1 on validation, a quantile of the normal validation scores, a "
        "budget of false alarms on validation, in all or in each patient, or a fixed number.",
    )
    alarms_per_hour: float = Field(
        60.0,
        gt=0,
        description="False alarms an hour on validation that 'alarms_per_hour' and 'alarms_by_patient' allow.",
    )
    quantile: float = Field(
        0.95,
        gt=0,
        lt=1,
        description="Share of normal samples below the threshold 'quantile', or of patients in budget.",
    )
    threshold_value: float | None = Field(
        None,
        allow_inf_nan=False,
        validate_default=True,
        description="The threshold 'fixed' of the one strategy: scores from here on are abnormal.",
    )
    svm_samples: int = Field(
        10_000, ge=10, description="Most validation samples that a support vector machine learns from."
    )
    bootstrap: int = Field(1000, ge=0, le=1_000_000, description="Replicates behind the intervals; 0 leaves them out.")
    batch_size: int = Field(256, ge=1, description="Samples that are scored at once.")

    @field_validator("threshold_value")
    @classmethod
    def _value_where_fixed(cls, value: float | None, info: ValidationInfo) -> float | None:
        threshold = info.data.get("threshold")
        if threshold == "fixed" and value is None:
            raise ValueError("the threshold 'fixed' needs it; allowed: a number, in the unit of the scores")
        if threshold not in (None, "fixed") and value is not None:
            raise ValueError(f"the threshold {threshold!r} does not read it; allowed: null, or the threshold 'fixed'")
        return value


class Detect(Detection):
    """How the pipeline scores: as `Detection`, and which version of each model."""

    version: Literal["best", "latest"] = Field("best", description="Version of the model that is used.")


class Report(Options):
    """What the report shows."""

    beats: int = Field(
        2, ge=0, le=4, description="Beats of each kind (caught, missed, false alarm, explained) drawn for each method."
    )


class Params(Options):
    """All parameters of the pipeline.

    `fetch` and `preprocess` are typed by the dataset, `modules.<name>` by each model, `detectors.<name>` by each
    detector. Read with `load_params`; where that was told not to look at models, `modules` holds plain mappings.
    """

    experiment: Experiment = Field(Experiment(), description="Where results go.")
    dataset: str = Field(description="The dataset; `ecgan list` names them.")
    plugins: list[FilePath] = Field(
        [], description="Python files with your own datasets, models and detectors, relative to this file."
    )
    runtime: Runtime = Field(Runtime(), description="Seed, threads and precision: they change every number.")
    fetch: SerializeAsAny[Options] = Field(Options(), description="Getting the raw data.")
    preprocess: SerializeAsAny[Options] = Field(Options(), description="Cutting samples out of the raw data.")
    split: Split = Field(Split(), description="Training, validation and test data.")
    train: Train = Field(Train(), description="Training; batch sizes and learning rates are with each model.")
    models: Annotated[Names, Field(min_length=1)] = Field(
        description="Models that are trained; `ecgan list` names them."
    )
    modules: dict[str, Any] = Field(
        {}, description="Each model's own parameters, one section for every model that is listed."
    )
    inverse: Inverse = Field(Inverse(), description="Mapping a signal to its latent.")
    detect: Detect = Field(Detect(), description="Scoring test samples and telling normal from abnormal.")
    detectors: dict[str, SerializeAsAny[Options]] = Field({}, description="Each detector's own parameters.")
    report: Report = Field(Report(), description="Tables, figures and the page.")

    def run_name(self, model: str) -> str:
        """Return the folder name of a model's run: `experiment.run`, or the model's name where that is null."""
        return self.experiment.run or model


class RunParams(Params):
    """The parameters of one trained run, its `config.yml`: one model, or none where a classical detector scores."""

    models: Names = Field(description="The model that was trained.")


class DetectionExperiment(Options):
    """Where the results of a detection go."""

    entity: FolderName = Field("ecgan", description="Person or group: the first folder below reports/.")
    project: FolderName = Field("demo", description="Project: the second folder.")
    name: FolderName = Field("detection", description="Name of the detection: the third folder.")


class DetectionParams(Options):
    """The parameters of one detection with a trained model (`ad_config.yml`)."""

    model: FilePath = Field(description="The trained model: its run's folder, with :best, :latest or :v12 behind it.")
    experiment: DetectionExperiment = Field(DetectionExperiment(), description="Where results go.")
    plugins: list[FilePath] = Field([], description="Python files with your own parts, relative to this file.")
    runtime: Runtime = Field(Runtime(), description="Seed, threads and precision: they change every number.")
    detect: Detection = Field(Detection(), description="Scoring samples and telling normal from abnormal.")
    detectors: dict[str, SerializeAsAny[Options]] = Field({}, description="Each detector's own parameters.")


class InverseParams(Options):
    """The parameters of one inverse mapping of a trained model (`inverse_config.yml`)."""

    model: FilePath = Field(description="The trained model: its run's folder, with :best, :latest or :v12 behind it.")
    plugins: list[FilePath] = Field([], description="Python files with your own parts, relative to this file.")
    runtime: Runtime = Field(Runtime(), description="Seed, threads and precision: they change every number.")
    inverse: Inverse = Field(Inverse(), description="Mapping a signal to its latent.")
