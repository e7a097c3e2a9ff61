"""Parameters from files: one schema, completed by what the dataset, the models and the detectors declare."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ecgan.arithmetic import Arithmetic
from ecgan.config import names
from ecgan.config.checking import Checker, flat, overlay
from ecgan.config.describing import found
from ecgan.config.inverse import Inverse
from ecgan.config.options import Options
from ecgan.config.reading import RUN_MARK, Document, read_document
from ecgan.config.schema import Detect, Detection, DetectionParams, InverseParams, Params, RunParams, Runtime
from ecgan.errors import EcganError
from ecgan.registry import (
    DATASETS,
    DETECTORS,
    INVERSIONS,
    MODELS,
    PLUGIN_HINT,
    PROTOCOLS,
    load_plugins,
    strategies_of,
)

P = TypeVar("P", bound=Options)

_BESIDE = ("input.json", "split.json", "versions.json", "seal.json")
"""Files beside the `config.yml` of a run."""

_MEND_HINT = "Mend the file and try again"
_RUN_HINT = (
    "A run's config.yml is as the training wrote it: parts of your own are named with --plugin FILE; a run of another"
    " version of ECGAN has to be trained again."
)


def load_params(path: Path | str, *, models: bool = True, plugins: bool = True) -> Params:
    """Read `params.yaml` or a `config.yml`.

    Args:
        path: The file.
        models: Whether `modules.<name>` are typed by the models, which imports torch. Without it only their
            presence is checked, and `modules` holds plain mappings.
        plugins: Whether the files listed under `plugins:` are run. The `config.yml` of a run is data: they never are,
            whoever names it.

    Raises:
        EcganError: Anything is wrong; all mistakes in one message, each with its line.
    """
    document = read_document(Path(path), hint="Write a new file with `ecgan init`.")
    return resolve_params(document, models=models, plugins=plugins and not _is_of_run(Path(path)))


def _is_of_run(path: Path) -> bool:
    """Whether a file is the configuration of a trained run: it lies in one, or its first line says so."""
    if any((path.parent / name).exists() for name in _BESIDE):
        return True
    first = path.read_text(encoding="utf-8-sig").partition("\n")[0]
    return first.startswith("#") and RUN_MARK in first


def arithmetic_of(path: Path | str) -> Arithmetic:
    """Read `runtime.arithmetic` of a file of parameters, before anything numerical is loaded.

    A file that cannot be read gives "native": whoever reads the whole of it says what is wrong.
    """
    try:
        section = read_document(Path(path), hint="").data.get("runtime")
        return Runtime.model_validate({} if section is None else section).arithmetic
    except (EcganError, ValidationError):
        return "native"


def lists_models(path: Path | str) -> bool:
    """Whether a file of parameters lists any model; whoever reads the whole of it says what is wrong with it."""
    return bool(read_document(Path(path), hint="Write a new file with `ecgan init`.").data.get("models"))


def load_detection(path: Path | str) -> DetectionParams:
    """Read the parameters of a detection, `ad_config.yml`."""
    hint = "Write a new file with `ecgan-detect -i RUN:VERSION ENTITY PROJECT NAME`."
    document = read_document(Path(path), hint=hint)
    return resolve_detection(document, hint=hint)


def load_inverse(path: Path | str) -> InverseParams:
    """Read the parameters of an inverse mapping, `inverse_config.yml`."""
    hint = "Write a new file with `ecgan-inverse -i RUN:VERSION`."
    document = read_document(Path(path), hint=hint)
    return resolve_inverse(document, hint=hint)


def resolve_params(document: Document, *, models: bool = True, plugins: bool = True, hint: str = "") -> Params:
    """Check a document that was read and complete it with the defaults; see `load_params`.

    `hint` says what to do about mistakes, where the document is no file.
    """
    return _ParamsResolver(document, models, plugins, hint).resolve()


def resolve_detection(document: Document, *, hint: str = "") -> DetectionParams:
    """Check what `ad_config.yml` holds and complete it with the defaults."""
    checker, values = _begun(DetectionParams, document, hint, "experiment", "runtime")
    detect = checker.section(Detection, ("detect",), _strategies(checker, {}))
    values |= {"detect": detect, "detectors": _detectors(checker, detect, {})}
    return _finished(checker, DetectionParams, values)


def resolve_inverse(document: Document, *, hint: str = "") -> InverseParams:
    """Check what `inverse_config.yml` holds and complete it with the defaults."""
    checker, values = _begun(InverseParams, document, hint, "runtime", "inverse")
    _check_method(checker, values["inverse"])
    return _finished(checker, InverseParams, values)


def _begun(cls: type[P], document: Document, hint: str, *sections: str) -> tuple[Checker, dict[str, Any]]:
    """Check what needs nothing else: the names of sections, the model, the plug-ins, and plain sections."""
    checker = Checker(document, hint or f"{_MEND_HINT}.")
    checker.keys(list(cls.model_fields))
    values: dict[str, Any] = {key: checker.value(cls, key) for key in ("model", "plugins")}
    _load_plugins(checker, values["plugins"])
    return checker, values | {key: _section(checker, cls, key) for key in sections}


class _ParamsResolver:
    """Resolves one `params.yaml`, section by section."""

    def __init__(self, document: Document, models: bool, plugins: bool, hint: str) -> None:
        mend = f"{_MEND_HINT}; `ecgan init` writes one with every key explained."
        foreign = "" if plugins or hint else PLUGIN_HINT
        self.checker = Checker(document, hint or (mend if plugins else _RUN_HINT), foreign)
        self.models = models
        self.plugins = plugins
        self.schema = Params if plugins else RunParams
        self.values: dict[str, Any] = {}
        self.defaults: dict[str, Any] = {}

    def resolve(self) -> Params:
        self.checker.keys(list(Params.model_fields))
        self.values["plugins"] = self.checker.value(Params, "plugins")
        if self.plugins:
            _load_plugins(self.checker, self.values["plugins"])
        self.name_parts()
        for key in ("experiment", "runtime", "split", "train", "inverse", "report"):
            self.values[key] = _section(self.checker, Params, key, self.defaults.get(key))
        _check_method(self.checker, self.values["inverse"])
        self.fill_modules()
        self.fill_detect()
        self.across()
        return _finished(self.checker, self.schema, self.values)

    def name_parts(self) -> None:
        """Resolve the names of the dataset and the models, and collect the defaults that they bring."""
        dataset = self.checker.value(Params, "dataset")
        dataset = dataset and self.checker.resolved(DATASETS, dataset, ("dataset",))
        known: list[str] = []
        for index, given in enumerate(self.checker.value(self.schema, "models") or []):
            name = self.checker.resolved(MODELS, given, ("models", index))
            if name in known:
                self.checker.add(("models", index), f"found {given!r}, which is {name!r} again; allowed: each once")
            known += [name] if name else []
        for name in reversed(known):  # the first model has the last word
            self.defaults = overlay(self.defaults, names.defaults_of(MODELS, name))
        self.values |= {"dataset": dataset, "models": known}
        if dataset:
            cls = DATASETS.get(dataset)
            self.defaults = overlay(cls.defaults, self.defaults)
            for key, kind in (("fetch", cls.Fetch), ("preprocess", cls.Preprocess)):
                self.values[key] = self.checker.section(kind, (key,), self.defaults.get(key))

    def fill_modules(self) -> None:
        """Type `modules.<name>` by the models; a listed model without a section is a mistake."""
        raw, modules = self.checker.mapping(("modules",)), {}
        for key in raw:
            name = self.checker.resolved(MODELS, key, ("modules", key))
            if name in modules:
                self.checker.add(("modules", key), f"a second section for the model {name!r}; allowed: one")
            if name:
                defaults = self.defaults.get("modules", {}).get(name, {})
                modules[name] = (
                    self.checker.section(MODELS.get(name).Options, ("modules", key), defaults)
                    if self.models
                    else overlay(defaults, self.checker.mapping(("modules", key)))
                )
        for index, name in enumerate(self.values["models"]):
            if name not in modules:
                self.checker.add(
                    ("models", index),
                    f"the model {name!r} is listed, but has no section modules.{name}"
                    f"; allowed: models with a section (`modules: {{{name}: {{}}}}` takes its defaults)",
                )
        self.values["modules"] = modules

    def fill_detect(self) -> None:
        """Check the names in `detect`, and type `detectors.<name>` by the detectors."""
        defaults = _strategies(self.checker, self.defaults.get("detect", {}))
        detect = self.checker.section(Detect, ("detect",), defaults)
        detectors = _detectors(self.checker, detect, self.defaults.get("detectors", {}))
        self.values |= {"detect": detect, "detectors": detectors}
        if detect and self.models:
            _check_kinds(self.checker, detect, self.values["models"])

    def across(self) -> None:
        """Check what concerns several sections."""
        experiment, split, models = (self.values[key] for key in ("experiment", "split", "models"))
        if experiment and experiment.run and len(models) > 1:
            text = (
                f"found {experiment.run!r}, one name for {len(models)} models; allowed: null, which takes each model's"
                " name, or one model"
            )
            self.checker.add(("experiment", "run"), text)
        place = ("split", "protocol")
        protocol = split and self.checker.resolved(PROTOCOLS, split.protocol, place)
        if not protocol:
            return
        cls = PROTOCOLS.get(protocol)
        if split.k < cls.least_folds:
            text = f"found {split.k}; allowed: at least {cls.least_folds} with the protocol {protocol!r}"
            self.checker.add(("split", "k"), text)
        if split.train_on not in cls.train_on:
            text = f"found {split.train_on!r}; allowed with the protocol {protocol!r}: {', '.join(cls.train_on)}"
            self.checker.add(("split", "train_on"), text)


def _finished(checker: Checker, cls: type[P], values: dict[str, Any]) -> P:
    checker.raise_mistakes()
    return cls.model_validate(values)


def _section(checker: Checker, cls: type[Options], key: str, defaults: dict[str, Any] | None = None) -> Any:
    """Check a section whose type `cls` says."""
    annotation = cls.model_fields[key].annotation
    assert isinstance(annotation, type)
    return checker.section(annotation, (key,), defaults)


def _load_plugins(checker: Checker, files: list[str] | None) -> None:
    try:
        load_plugins(files or [], Path(checker.document.origin).parent)
    except EcganError as error:
        checker.add(("plugins",), flat(error))


def _check_method(checker: Checker, inverse: Inverse | None) -> None:
    """Check the name of the inverse mapping, which is that of a registered one or `auto`."""
    if inverse and inverse.method != "auto":
        checker.resolved(INVERSIONS, inverse.method, ("inverse", "method"))


def _strategies(checker: Checker, defaults: dict[str, Any]) -> dict[str, Any]:
    """Put all strategies of the chosen detector before the schema's default, which names those of the default one."""
    raw = checker.document.data.get("detect")
    name = raw.get("detector") if isinstance(raw, dict) else None
    if not isinstance(name, str):
        name = defaults.get("detector", Detection.model_fields["detector"].default)
    try:
        return {"strategies": list(DETECTORS.get(name).strategies)} | defaults
    except EcganError:
        return defaults  # `_detectors` notes the unknown name


def _detectors(checker: Checker, detect: Detection | None, defaults: dict[str, Any]) -> dict[str, Any]:
    """Check the detectors that are named and type the sections of these and of all others in the file."""
    sections: dict[str, str] = {}
    for key in checker.mapping(("detectors",)):
        name = checker.resolved(DETECTORS, key, ("detectors", key))
        if name:
            sections[name] = key
    if detect:
        for name in _named_detectors(checker, detect):
            sections.setdefault(name, name)
    return {
        name: checker.section(DETECTORS.get(name).Options, ("detectors", key), defaults.get(name))
        for name, key in sections.items()
    }


def _named_detectors(checker: Checker, detect: Detection) -> list[str]:
    """Resolve the names; those in `classical` must do without a model, `detector` may be any."""
    used = []
    name = checker.resolved(DETECTORS, detect.detector, ("detect", "detector"))
    if name:
        used.append(name)
        known = strategies_of(DETECTORS.get(name))
        for index, strategy in enumerate(detect.strategies):
            if strategy not in known:
                text = f"found {found(strategy)}; allowed with the detector {name!r}: {', '.join(known)}"
                checker.add(("detect", "strategies", index), text)
    for index, given in enumerate(detect.classical):
        path = ("detect", "classical", index)
        name = checker.resolved(DETECTORS, given, path)
        if not name:
            continue
        used.append(name)
        if DETECTORS.get(name).needs_model:
            words = "scores through a trained model; allowed: detectors without one, such as knn"
            checker.add(path, f"found {given!r}, which {words}")
    if detect.threshold == "fixed":
        _check_fixed(checker, detect)
    return used


def _check_fixed(checker: Checker, detect: Detection) -> None:
    """A fixed threshold is a number on the scale of one score: others would be cut at a place that means nothing."""
    if len(detect.strategies) > 1:
        text = f"{len(detect.strategies)} strategies with one fixed threshold; allowed: the one that it is for"
        checker.add(("detect", "strategies"), text)
    if isinstance(detect, Detect) and detect.classical:
        text = f"found {', '.join(detect.classical)} beside a fixed threshold; allowed: [], or another threshold"
        checker.add(("detect", "classical"), text)


def _check_kinds(checker: Checker, detect: Detection, models: list[str]) -> None:
    """Generative models and classifiers have detectors of their own."""
    try:
        detector = DETECTORS.get(detect.detector)
    except EcganError:
        return  # noted already
    for name in models:
        classifier = getattr(MODELS.get(name), "classifies", False)
        if classifier is getattr(detector, "classifies", False):
            continue
        kind, other = ("a classifier", "argmax") if classifier else ("generative", "inverse_mapping, anogan, knn, …")
        text = f"found {detect.detector!r}, and the model {name!r} is {kind}; allowed with it: {other}"
        both = " (classifiers and generative models need a file each)" if len(models) > 1 else ""
        checker.add(("detect", "detector"), f"{text}{both}")
        return
