"""The named variants of the β-VAEGAN paper, as `ecgan init --preset NAME` writes them.

Source: the configurations that Lüer, Weber, Dolgich and Böhm released with "β-VAEGAN" (arXiv 2310.18091). Common to
all: a single lead, training on normal beats only, 85 % of them for training and validation in five folds, 500 epochs
with an evaluation every 20, Glorot normal weights, no warm-up or annealing of the divergence. Samples are brought to
160 time steps, beats by LTTB as the package pylttb does it, Wafer by interpolation. Sizes were chosen for MIT-BIH and
for Wafer; every other dataset gets those of MIT-BIH.
"""

import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecgan.config import load_params, render_params
from ecgan.config.names import defaults_of
from ecgan.errors import EcganError, nearest
from ecgan.files import write_text
from ecgan.pipeline import renew_links
from ecgan.registry import DATASETS, MODELS
from ecgan.watched import FOLDER

DATASET = "mitbih_beats"  # where none is named
WAFER = "wafer"
SCALED = ("mitbih_beats", "ptb")  # datasets whose samples lie within 0…1 as they come
RESAMPLED: dict[str, dict[str, Any]] = {  # to the 160 time steps of the paper
    **{name: {"method": "lttb", "variant": "pylttb", "length": 160} for name in SCALED},
    WAFER: {"method": "interpolate", "length": 160},
}
LEADS = {"mitbih": ["MLII"], "mitbih_beatgan": ["MLII"], "ecgsyn": ["MLII"]}  # one lead of those with several

_ADAM: dict[str, Any] = {"name": "adam", "lr": 1e-4, "betas": [0.5, 0.999], "eps": 1e-8}
_ADABELIEF: dict[str, Any] = {"name": "adabelief", "lr": 2e-4, "betas": [0.5, 0.99], "eps": 1e-16}
_PUBLISHED: dict[str, Any] = {
    "runtime": {"seed": 43324},
    "split": {"protocol": "normal_only", "test_share": 0.15, "k": 5, "folds": [0, 1, 2, 3, 4], "train_on": "normal"},
    "train": {"epochs": 500, "evaluate_every": 20, "schedule": "constant", "warmup": 0.0, "ema": 0.0},
    "detect": {"choice": "best"},
}
_BEATGAN: dict[str, Any] = {
    "discriminator_norm": "batch",
    "spectral_norm": False,
    "generator": _ADAM,
    "discriminator": _ADAM,
    "discriminator_rounds": 1,
    "discriminator_every": 1,
    "generator_rounds": 1,
    "output": "tanh",
    "batch_size": 64,
}
_PLUS: dict[str, Any] = {
    "discriminator_norm": "none",
    "spectral_norm": True,
    "generator": _ADABELIEF,
    "discriminator": _ADABELIEF,
    "discriminator_rounds": 3,
    "discriminator_every": 1,
    "generator_rounds": 1,
    "output": "sigmoid",
    "batch_size": 256,
}
_PLAIN: dict[str, Any] = {"optimizer": _ADABELIEF, "output": "sigmoid", "batch_size": 256}
_NO_SCHEDULE: dict[str, Any] = {"kl_warmup": 0, "kl_anneal": 0}


@dataclass(frozen=True)
class Preset:
    """A named variant.

    Attributes:
        spelling: Its name in the paper, an alias.
        options: The model's parameters on MIT-BIH, but for the initial weights and norms that all share.
        wafer: Those that differ on Wafer.
    """

    name: str
    spelling: str
    title: str
    model: str
    options: Mapping[str, Any]
    wafer: Mapping[str, Any] = field(default_factory=dict)

    def overrides(self, dataset: str) -> dict[str, Any]:
        """Return the values that the preset lays over the defaults for a dataset."""
        common: dict[str, Any] = {
            "width": 1.0,
            "init": {"name": "glorot_normal"},
            "norm": "batch",
            "encoder_spectral_norm": False,
        }
        module = common | dict(self.options) | (dict(self.wafer) if dataset == WAFER else {})
        values = deepcopy(_PUBLISHED)
        values["train"] |= {"leads": LEADS.get(dataset), "transformation": self._transformation(dataset)}
        if dataset in RESAMPLED:
            values["preprocess"] = {"resampling": dict(RESAMPLED[dataset])}
        if dataset == WAFER:
            values["runtime"]["seed"] = 77591
        return values | {"modules": {self.model: deepcopy(module)}}

    def _transformation(self, dataset: str) -> str:
        """Return the scaling to the range of the output; published as none (0…1 already), minmax for Wafer.

        The authors stretched samples for a tanh output to −1…1, each part of the data by its own extremes; here minmax
        does so by those of the training data.
        """
        if dataset in SCALED:
            return "none" if self.options["output"] == "sigmoid" else "minmax"
        return "minmax" if dataset == WAFER else "individual"


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("beatgan-50", "BeatGAN-50", "BeatGAN with the 50 latent dimensions that it was published with", "aegan",
               {**_BEATGAN, "latent_size": 50}, {"latent_size": 4}),
        Preset("beatgan-6", "BeatGAN-6", "BeatGAN with 6 latent dimensions", "aegan", {**_BEATGAN, "latent_size": 6}),
        Preset("beatgan-plus", "BeatGAN₊", "BeatGAN with spectral norm, AdaBelief and three discriminator steps",
               "aegan", {**_PLUS, "latent_size": 6}, {"latent_size": 4, "batch_size": 64}),
        Preset("beta-vaegan-1", "β-VAEGAN₁", "β-VAEGAN without a prior: β = 0", "vaegan",
               {**_PLUS, **_NO_SCHEDULE, "latent_size": 6, "kl_beta": 0.0}, {"latent_size": 4, "batch_size": 64}),
        Preset("beta-vaegan-2", "β-VAEGAN₂", "β-VAEGAN with β = 0.0001, the best variant of the paper", "vaegan",
               {**_PLUS, **_NO_SCHEDULE, "latent_size": 6, "kl_beta": 1e-4}, {"latent_size": 4, "batch_size": 64}),
        Preset("ae", "AE", "autoencoder without a discriminator", "autoencoder",
               {**_PLAIN, "latent_size": 4}, {"batch_size": 64}),
        Preset("vae", "VAE", "variational autoencoder without a discriminator, β = 0", "vae",
               {**_PLAIN, **_NO_SCHEDULE, "latent_size": 6, "kl_beta": 0.0}, {"latent_size": 4, "batch_size": 64}),
    )
}  # fmt: skip


def find(name: str) -> Preset:
    """Return a preset by its name or its spelling in the paper, in capitals or not.

    Raises:
        EcganError: There is none; the message names the nearest.
    """
    wanted = _plain(name)
    for preset in PRESETS.values():
        if wanted in (_plain(preset.name), _plain(preset.spelling)):
            return preset
    known = ", ".join(PRESETS)
    hint = nearest(name.lower(), list(PRESETS))
    raise EcganError(f"there is no preset {name!r}{hint or '.'}", f"Known presets: {known}.")


def render_preset(
    name: str,
    dataset: str | None = None,
    experiment: Mapping[str, Any] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
) -> str:
    """Write the commented parameters of a preset; without a dataset those for `mitbih_beats`.

    `experiment` holds values of that section; `overrides`, such as the list `plugins`, go over the preset's.
    """
    preset, dataset = find(name), DATASETS.resolve(dataset or DATASET)
    if dataset == WAFER and not preset.wafer:
        raise EcganError(f"{preset.spelling} was published for MIT-BIH only.", "Take another preset for wafer.")
    values = preset.overrides(dataset) | dict(overrides or {})
    text = render_params(dataset, [preset.model], experiment, overrides=values)
    return "".join(f"# {line}\n" for line in about(preset, dataset)) + text


def write_parameters(
    out: Path,
    dataset: str | None,
    models: list[str] | None,
    preset: str | None,
    experiment: dict[str, Any],
    *,
    plugins: list[Path],
    force: bool,
) -> list[str]:
    """Write a file of parameters for `ecgan init`: for ecgsyn, aegan and vaegan, or what the preset brings.

    Returns:
        What is to be said of it: values of shared keys that not all of its models bring, a line each.

    Raises:
        EcganError: The file is there and must not be overwritten (`force`), or preset and models are both given.
    """
    if out.is_dir():
        raise EcganError(f"{out} is a folder.", "Name a file: -o FILE.")
    if out.exists() and not force:
        raise EcganError(f"{out} is there already.", "Say --force to overwrite it, or -o FILE to write another.")
    if preset is not None and models:
        raise EcganError("--preset and -m exclude each other.", "A preset brings its model: leave -m out.")
    overrides = {"plugins": [str(path if out.parent == Path() else path.resolve()) for path in plugins]}
    if preset is None:
        text = render_params(dataset or "ecgsyn", models or ["aegan", "vaegan"], experiment, overrides=overrides)
    else:
        text = render_preset(preset, dataset, experiment, overrides=overrides)
    write_text(out, text)
    if out == Path("params.yaml") and FOLDER.is_dir():  # a project: DVC needs the links of parts that are new to it
        renew_links(load_params(out))
    return shared_defaults(models) if models and len(models) > 1 else []


def shared_defaults(models: Sequence[str]) -> list[str]:
    """Return which keys that all models share have a value that not all of them bring, a line each.

    The first model that brings one has the last word.
    """
    brought: dict[str, dict[str, Any]] = {}
    names = list(dict.fromkeys(MODELS.resolve(model) for model in models))
    for name in names:
        for section, values in defaults_of(MODELS, name).items():
            for key, value in values.items() if section != "modules" else ():
                brought.setdefault(f"{section}.{key}", {})[name] = value
    lines = []
    for key, wanted in brought.items():
        (first, value), *others = wanted.items()
        differ = [f", where {name} alone would bring {other}" for name, other in others if other != value]
        if differ or len(wanted) < len(names):
            lines.append(f"{key}: {value} is what {first} brings, and holds for all models{''.join(differ)}")
    return lines


def about(preset: Preset, dataset: str) -> list[str]:
    """Return the lines above a preset's parameters: where they come from and what differs from the paper."""
    text = (
        f"Preset {preset.name}: {preset.spelling} of Lüer, Weber, Dolgich and Böhm, β-VAEGAN (arXiv 2310.18091);"
        f" {preset.title}. "
    )
    text += f"Values are those of the authors' configuration for {'Wafer' if dataset == WAFER else 'MIT-BIH'}. "
    differences = [
        "validation is cut in two halves, one to fit thresholds and one to report",
        "the kept version is the one with the lowest loss on normal validation samples, where the authors took for"
        " each strategy the one with the best score on labelled validation samples",
    ]
    if dataset not in (*SCALED, WAFER):
        differences.insert(0, "the authors used the beats of mitbih_beats, brought to 160 time steps")
    return textwrap.wrap(f"{text}What differs: {'; '.join(differences)}.", 108, break_on_hyphens=False)


def _plain(name: str) -> str:
    """Return a name without case, separators and typography: β-VAEGAN₂ and Beta_VAEGAN-2 are `betavaegan2`."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("β", "beta")
    text = text.removesuffix("+") + ("plus" if text.endswith("+") else "")
    return "".join(letter for letter in text if letter.isalnum())
