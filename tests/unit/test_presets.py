"""The published variants, each value against the table of the authors' configurations, typed by hand."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ecgan.config import load_params
from ecgan.errors import EcganError
from ecgan.presets import PRESETS, find, render_preset
from tests import forking

ADAM = ("adam", 1e-4, [0.5, 0.999])
ADABELIEF = ("adabelief", 2e-4, [0.5, 0.99])

# name: model, Z, Z on Wafer, norm of D, spectral, optimizer, eps, D steps, G steps, output, batch, on Wafer, β
TABLE: dict[str, tuple[Any, ...]] = {
    "beatgan-50": ("aegan", 50, 4, "batch", False, ADAM, 1e-8, 1, 1, "tanh", 64, 64, None),
    "beatgan-6": ("aegan", 6, 6, "batch", False, ADAM, 1e-8, 1, 1, "tanh", 64, 64, None),
    "beatgan-plus": ("aegan", 6, 4, "none", True, ADABELIEF, 1e-16, 3, 1, "sigmoid", 256, 64, None),
    "beta-vaegan-1": ("vaegan", 6, 4, "none", True, ADABELIEF, 1e-16, 3, 1, "sigmoid", 256, 64, 0.0),
    "beta-vaegan-2": ("vaegan", 6, 4, "none", True, ADABELIEF, 1e-16, 3, 1, "sigmoid", 256, 64, 1e-4),
    "ae": ("autoencoder", 4, 4, None, None, ADABELIEF, 1e-16, None, None, "sigmoid", 256, 64, None),
    "vae": ("vae", 6, 4, None, None, ADABELIEF, 1e-16, None, None, "sigmoid", 256, 64, 0.0),
}


def written(name: str, dataset: str | None, folder: Path) -> Any:
    """The parameters that the preset's file gives."""
    path = folder / "params.yaml"
    path.write_text(render_preset(name, dataset), encoding="utf-8")
    return load_params(path)


def test_the_table_names_every_preset() -> None:
    assert set(TABLE) == set(PRESETS)


@pytest.mark.parametrize("name", TABLE)
def test_a_file_holds_the_published_values(name: str, tmp_path: Path) -> None:
    model, size, _, norm, spectral, optimizer, eps, d_steps, g_steps, output, batch, _, beta = TABLE[name]
    params = written(name, None, tmp_path)
    assert params.dataset == "mitbih_beats"
    resampling = params.preprocess.resampling
    assert (resampling.method, resampling.variant, resampling.length) == ("lttb", "pylttb", 160)
    assert params.models == [model]
    options = params.modules[model]
    assert (options.latent_size, options.output, options.batch_size) == (size, output, batch)
    assert (options.width, options.init.name, options.norm) == (1.0, "glorot_normal", "batch")
    assert options.encoder_spectral_norm is False
    if norm is None:
        rules = [options.optimizer]
    else:
        assert (options.discriminator_norm, options.spectral_norm) == (norm, spectral)
        assert (options.discriminator_rounds, options.generator_rounds) == (d_steps, g_steps)
        assert options.discriminator_every == 1
        rules = [options.generator, options.discriminator]
    for rule in rules:
        assert (rule.name, rule.lr, rule.betas, rule.eps, rule.weight_decay) == (*optimizer, eps, 0.0)
    if beta is not None:
        assert (options.kl_beta, options.kl_warmup, options.kl_anneal) == (beta, 0, 0)
    assert (params.runtime.seed, params.train.epochs, params.train.evaluate_every) == (43324, 500, 20)
    assert (params.train.schedule, params.train.warmup, params.train.ema) == ("constant", 0.0, 0.0)
    assert params.detect.choice == "best"
    split = params.split
    assert (split.protocol, split.test_share, split.k, split.folds) == ("normal_only", 0.15, 5, [0, 1, 2, 3, 4])
    assert (split.train_on, params.train.leads) == ("normal", None)
    assert params.train.transformation == ("none" if output == "sigmoid" else "minmax")


@pytest.mark.parametrize("name", TABLE)
def test_the_authors_older_beats_are_scaled_one_by_one(name: str, tmp_path: Path) -> None:
    params = written(name, "mitbih_beatgan", tmp_path)
    assert (params.train.transformation, params.train.leads) == ("individual", ["MLII"])
    assert params.preprocess.resampling.method == "none"


def test_wafer_is_interpolated_and_an_alias_is_as_good_as_the_name(tmp_path: Path) -> None:
    wafer = written("beta-vaegan-2", "wafer", tmp_path)
    assert (wafer.preprocess.resampling.method, wafer.preprocess.resampling.length) == ("interpolate", 160)
    assert (wafer.runtime.seed, wafer.train.transformation) == (77591, "minmax")
    ptb = written("beta-vaegan-2", "ptb_beats", tmp_path)
    assert (ptb.dataset, ptb.train.transformation, ptb.preprocess.resampling.length) == ("ptb", "none", 160)


@pytest.mark.parametrize("name", TABLE)
def test_wafer_and_scaled_beats_have_values_of_their_own(name: str) -> None:
    model, _, size, *_, batch, _ = TABLE[name]
    wafer = PRESETS[name].overrides("wafer")
    assert wafer["preprocess"] == {"resampling": {"method": "interpolate", "length": 160}}
    assert wafer["modules"][model]["latent_size"] == size
    assert wafer["modules"][model]["batch_size"] == batch
    assert wafer["runtime"]["seed"] == 77591
    assert wafer["train"]["transformation"] == "minmax"
    beats = PRESETS[name].overrides("mitbih_beats")
    assert beats["preprocess"] == {"resampling": {"method": "lttb", "variant": "pylttb", "length": 160}}
    assert "preprocess" not in PRESETS[name].overrides("mitbih_beatgan")
    sigmoid = TABLE[name][9] == "sigmoid"
    assert beats["train"]["transformation"] == ("none" if sigmoid else "minmax")
    assert beats["train"]["leads"] is None
    assert beats["runtime"]["seed"] == 43324


@pytest.mark.parametrize("dataset", ["ecgsyn", "mitbih"])
def test_it_fits_the_other_datasets_at_the_published_size(dataset: str, tmp_path: Path) -> None:
    params = written("beta-vaegan-2", dataset, tmp_path)
    assert params.dataset == dataset
    assert params.modules["vaegan"].width == 1.0
    assert params.modules["vaegan"].generator.name == "adabelief"
    assert params.split.folds == [0, 1, 2, 3, 4]
    assert params.train.leads == ["MLII"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("BeatGAN-50", "beatgan-50"),
        ("BEATGAN₊", "beatgan-plus"),
        ("BeatGAN+", "beatgan-plus"),
        ("β-VAEGAN₁", "beta-vaegan-1"),
        ("β-vaegan-2", "beta-vaegan-2"),
        ("Beta_VAEGAN_2", "beta-vaegan-2"),
        ("beta-vaegan₂", "beta-vaegan-2"),
        ("AE", "ae"),
        ("Vae", "vae"),
    ],
)
def test_case_and_spelling_do_not_matter(given: str, name: str) -> None:
    assert find(given).name == name


@pytest.mark.parametrize(
    ("given", "nearest"), [("beatgan-60", "beatgan-6"), ("vaegan-2", "beta-vaegan-2"), ("beatgan", "beatgan-6")]
)
def test_an_unknown_preset_names_the_nearest_and_all(given: str, nearest: str) -> None:
    with pytest.raises(EcganError) as caught:
        find(given)
    assert f"did you mean {nearest!r}?" in caught.value.message
    assert all(name in caught.value.hint for name in PRESETS)


def test_the_file_says_where_it_comes_from_and_what_differs() -> None:
    header = " ".join(line.removeprefix("# ") for line in render_preset("beta-vaegan-2").splitlines()[:8])
    assert "β-VAEGAN₂ of Lüer, Weber, Dolgich and Böhm" in header
    assert "arXiv 2310.18091" in header
    assert "What differs: validation is cut in two halves" in header
    other = render_preset("beta-vaegan-2", "ecgsyn").splitlines()[:8]
    header = " ".join(line.removeprefix("# ") for line in other)
    assert "What differs: the authors used the beats of mitbih_beats" in header


def ecgan(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ecgan", *arguments]
    return forking.run(command, cwd, dict(os.environ))


def test_init_writes_a_preset_and_list_shows_them(tmp_path: Path) -> None:
    done = ecgan("init", "--preset", "BeatGAN₊", "lab", "study", "-l", "elsewhere", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    params = load_params(tmp_path / "params.yaml")
    assert (params.experiment.entity, params.experiment.project, params.experiment.data_dir) == (
        "lab",
        "study",
        "elsewhere",
    )
    assert params.modules["aegan"].discriminator_rounds == 3
    shown = ecgan("list", "presets", cwd=tmp_path).stdout
    assert all(name in shown for name in TABLE)
    refused = ecgan("init", "--preset", "ae", "-m", "vaegan", "--force", cwd=tmp_path)
    assert refused.returncode == 1
    assert "exclude each other" in refused.stderr
    unknown = ecgan("init", "--preset", "beatgan50x", "--force", cwd=tmp_path)
    assert unknown.returncode == 1
    assert "beatgan-50" in unknown.stderr


def test_beatgan_6_has_no_published_values_for_wafer() -> None:
    with pytest.raises(EcganError, match="published for MIT-BIH only"):
        render_preset("beatgan-6", "wafer")
