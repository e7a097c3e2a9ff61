"""Files of parameters with every key explained, and the resolved parameters of one run."""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ecgan.config.checking import overlay
from ecgan.config.describing import allowed, schema_at, schema_of
from ecgan.config.loading import resolve_detection, resolve_inverse, resolve_params
from ecgan.config.options import Options
from ecgan.config.reading import RUN_MARK, Document
from ecgan.config.schema import DetectionParams, InverseParams, Params, Runtime, Train
from ecgan.registry import DETECTORS, INVERSIONS, PROTOCOLS, strategies_of

_WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*[A-Za-z0-9_./-]|[A-Za-z_]")
_READ_OTHERWISE = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # by programs that read YAML 1.1
_LATER = {"plugins", "inverse", "detect", "detectors", "report"}  # what no training depends on
RUN_SECTIONS = [key for key in Params.model_fields if key not in _LATER]
"""What a trained run depends on, in the order of its `config.yml`."""


def render_params(
    dataset: str,
    models: Sequence[str],
    experiment: Mapping[str, Any] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
) -> str:
    """Write the commented YAML for a dataset and models, named or by alias, with the defaults that these bring.

    `experiment` holds values of that section; `overrides`, as `{"train": {"epochs": 3}}`, are laid over the defaults.

    Raises:
        EcganError: A name is unknown or a value does not fit.
    """
    values: dict[str, Any] = {"experiment": dict(experiment or {}), "dataset": dataset}
    values |= {"models": list(models), "modules": {name: {} for name in models}}
    document = Document("the new file", overlay(values, dict(overrides or {})))
    return render(resolve_params(document, hint="Nothing was written."))


def render(params: Params) -> str:
    """Write complete parameters as commented YAML; reading it back gives equal parameters."""
    models = f"model{'s' * (len(params.models) > 1)} {', '.join(params.models)}"
    title = f"# Parameters of the pipeline: dataset {params.dataset}, {models}."
    usage = "# `ecgan init` writes such a file; every stage reads its own section. `dvc repro` needs every key."
    return _document([title, usage], params, list(type(params).model_fields))


def render_config(params: Params, model: str | None, *, fold: int | None = None) -> str:
    """Write the parameters that one trained run depends on: its `config.yml`.

    What only later stages read (inverse, detect, detectors, report) is left out, so that changing it leaves the
    file as it is; `load_params(…, plugins=False)` reads it. There are no comments: their words are no parameters, and
    the file is an output of a stage.

    Args:
        params: The parameters of the pipeline, or as much of them as the stage `train` declares.
        model: The model of the run; None where a classical detector scores without one.
        fold: The fold of the run; None keeps all.
    """
    run = params_of_run(params, model, fold)
    name = model or run["experiment"].run
    what = f"trained run of {name}" if name else "run of a detector without a model"
    title = f"# Parameters of one {what}. {RUN_MARK}: nothing it names is executed."
    run["train"] = run["train"].model_copy(update={"tracker": "local"})  # where metrics are logged changes no model
    lines = [line for key, value in run.items() for line in _entry(key, value, "", (key,), None)]
    return "\n".join([title, *lines]) + "\n"


def params_of_run(params: Params, model: str | None, fold: int | None) -> dict[str, Any]:
    """Return the sections that one trained run depends on; arguments as for `render_config`."""
    models = [] if model is None else [model]
    own: dict[str, Any] = {"models": models, "modules": {name: params.modules[name] for name in models}}
    if model is None:  # a classical detector is not trained: only what its samples go through says anything
        own["train"] = Train(leads=params.train.leads, transformation=params.train.transformation)
    else:
        own["experiment"] = params.experiment.model_copy(update={"run": params.run_name(model)})
    if fold is not None:
        own["split"] = params.split.model_copy(update={"folds": [fold]})
    return {key: own[key] if key in own else getattr(params, key) for key in RUN_SECTIONS}


def render_detection(
    model: str,
    entity: str,
    project: str,
    name: str,
    *,
    detector: str | None = None,
    runtime: Runtime | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> str:
    """Write the commented parameters of a detection (`ad_config.yml`) with a model: `models/ecgan/demo/aegan:best`.

    Entity, project and name are the folders of the results. Without detector and runtime the defaults are taken;
    `overrides` are laid over them.
    """
    values: dict[str, Any] = {"model": model, "experiment": {"entity": entity, "project": project, "name": name}}
    values |= {"detect": {"detector": detector}} if detector else {}
    values |= {"runtime": runtime.model_dump()} if runtime else {}
    params = resolve_detection(Document("the new file", overlay(values, dict(overrides or {}))))
    title = "# Parameters of one detection with a trained model: `ecgan-detect FILE`."
    return _document([title], params, list(DetectionParams.model_fields))


def render_inverse(model: str, *, runtime: Runtime | None = None, overrides: Mapping[str, Any] | None = None) -> str:
    """Write the commented parameters of an inverse mapping (`inverse_config.yml`), as `render_detection` does."""
    values: dict[str, Any] = {"model": model} | ({"runtime": runtime.model_dump()} if runtime else {})
    params = resolve_inverse(Document("the new file", overlay(values, dict(overrides or {}))))
    title = "# Parameters of one inverse mapping of a trained model: `ecgan-inverse FILE`."
    return _document([title], params, list(InverseParams.model_fields))


def _document(header: list[str], params: Options, keys: list[str]) -> str:
    choices = _choices(params)
    lines = list(header)
    for key in keys:
        description = type(params).model_fields[key].description or ""
        lines += ["", *_comment(f"--- {key}: {description}", "")]
        lines += _entry(key, getattr(params, key), "", (key,), choices)
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any, indent: str, path: tuple[str, ...], choices: dict[str, str] | None) -> list[str]:
    """Write a key and its value; without `choices`, what the keys admit, there are no comments."""
    key_text = _scalar(key)
    if isinstance(value, Options):
        fields = sorted(type(value).model_fields, key=lambda name: isinstance(getattr(value, name), Options))
        inner = [line for name in fields for line in _field(value, name, f"{indent}  ", path, choices)]
        return [f"{indent}{key_text}:", *inner] if inner else [f"{indent}{key_text}: {{}}"]
    if isinstance(value, dict) and any(isinstance(item, (Options, dict)) for item in value.values()):
        inner = [
            line for name, item in value.items() for line in _entry(name, item, f"{indent}  ", (*path, name), choices)
        ]
        return [f"{indent}{key_text}:", *inner]
    return [f"{indent}{key_text}: {_flow(value)}"]


def _field(
    options: Options, name: str, indent: str, path: tuple[str, ...], choices: dict[str, str] | None
) -> list[str]:
    """Write one key of a section below a comment that says what it means and what it may be."""
    cls = type(options)
    here = (*path, name)
    value = getattr(options, name)
    if choices is None:
        return _entry(name, value, indent, here, None)
    admitted = choices.get(".".join(here)) or allowed(schema_at(cls, (name,)), schema_of(cls))
    words = [_sentence(cls.model_fields[name].description or "")]
    if admitted and admitted not in ("text", "a mapping") and not isinstance(value, Options):
        words.append(_sentence(admitted))
    return [*_comment(" ".join(filter(None, words)), indent), *_entry(name, value, indent, here, choices)]


def _sentence(text: str) -> str:
    first = text[:1].upper() if text[:1].isascii() else text[:1]
    return f"{first}{text[1:]}{'' if text.endswith(('.', '!', '?')) or not text else '.'}"


def _choices(params: Options) -> dict[str, str]:
    """Return what the registries admit for keys whose type is only text."""
    detect = getattr(params, "detect", None)
    choices = {"split.protocol": "one of " + ", ".join(PROTOCOLS.names())} if hasattr(params, "split") else {}
    if hasattr(params, "inverse"):
        choices["inverse.method"] = "one of " + ", ".join(["auto", *INVERSIONS.names()])
    if detect is not None:
        strategies = ", ".join(strategies_of(DETECTORS.get(detect.detector)))
        choices["detect.strategies"] = f"a list of {strategies}"
    return choices


def _comment(text: str, indent: str) -> list[str]:
    prefix = f"{indent}# "
    return textwrap.wrap(
        text, _WIDTH, initial_indent=prefix, subsequent_indent=prefix, break_long_words=False, break_on_hyphens=False
    )


def _flow(value: Any) -> str:
    if isinstance(value, Options):
        value = value.model_dump()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(str(key))}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """Write a scalar so that YAML 1.1 and 1.2 read the same."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _READ_OTHERWISE:
        return str(value)
    return _quoted(value)


def _float(value: float) -> str:
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    sign = "" if exponent.startswith("-") else "+"  # YAML 1.1 wants a point and a sign
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign}{exponent.removeprefix('+')}"


def _quoted(text: str) -> str:
    unprintable = r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]"
    return re.sub(unprintable, lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))
