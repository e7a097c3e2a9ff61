"""The inverse mappings of every kind of model: made, stored, loaded; the trained network; what classifiers say."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ecgan.config import Inverse, NetworkOptions, SearchOptions, StartedSearchOptions
from ecgan.errors import EcganError
from ecgan.inversion.base import choose, load_inversion, save_inversion
from ecgan.inversion.network import InverseNetwork, NetworkInversion
from ecgan.models.base import GenerativeModel
from ecgan.registry import MODELS
from ecgan.runs.loading import mapping_of
from ecgan.seals import seal
from tests import forking
from tests.installed import ecgan

METHODS = ["encoder", "network", "search", "network_search"]
QUICK = Inverse(
    network=NetworkOptions(steps=6, evaluate_every=3, batch_size=8),
    search=SearchOptions(iterations=4, starts=4),
)


def build(name: str, channels: int = 2, length: int = 32, **options: Any) -> Any:
    cls = MODELS.get(name)
    torch.manual_seed(0)
    sizes = {} if cls.classifies else {"latent_size": 3}
    return cls(cls.Options(width=0.125, **sizes, **options), channels=channels, length=length, classes=3).eval()


def tamed(channels: int = 1, length: int = 40) -> Any:
    """A recurrent generator whose latents leave a trace in its signals."""
    model = build("rgan", channels, length)
    with torch.no_grad():
        for parameter in model.generator.parameters():
            parameter.mul_(15)
    return model


def beats(count: int = 12, channels: int = 2, length: int = 32, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, channels, length, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def made(method: str, model: Any, folder: Path, options: Inverse = QUICK, seed: int = 1) -> Any:
    inversion = choose(method, model, options, seed=seed)
    inversion.fit(beats(channels=model.channels, length=model.length))
    save_inversion(folder, inversion, "v05")
    return inversion


@pytest.mark.parametrize(("name", "expected"), [("aegan", "encoder"), ("dcgan", "network"), ("rgan", "network")])
def test_auto_takes_the_encoder_where_there_is_one_else_the_network(name: str, expected: str) -> None:
    assert choose("auto", build(name)).name == expected


@pytest.mark.parametrize("name", ["aegan", "dcgan"])
@pytest.mark.parametrize("method", METHODS)
def test_what_was_made_is_loaded_and_gives_the_same_latents(name: str, method: str, tmp_path: Path) -> None:
    model = build(name)
    if method == "encoder" and not model.has_encoder:
        with pytest.raises(EcganError, match="no encoder"):
            choose(method, model)
        return
    inversion, x = made(method, model, tmp_path), beats(seed=5)
    again = load_inversion(tmp_path, model, "v05")
    assert again.name == method
    z = again.invert(x)
    assert z.shape == (12, 3)
    assert torch.equal(z, inversion.invert(x))
    assert json.loads((tmp_path / "inverse.json").read_text())["version"] == "v05"


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_writes_the_same_bytes(method: str, tmp_path: Path) -> None:
    model = build("vaegan")
    folders = [tmp_path / name for name in ("one", "two", "other")]
    for index, (folder, seed) in enumerate(zip(folders, (1, 1, 2), strict=True)):
        torch.manual_seed(index)  # of no consequence
        made(method, model, folder, seed=seed)
    content = [{path.name: path.read_bytes() for path in folder.rglob("*.*")} for folder in folders]
    assert content[0] == content[1]
    assert content[0] != content[2]


def test_a_search_is_repeated_by_its_seed() -> None:
    model, x = tamed(), beats(4, 1, 40)
    latents = []
    for seed in (1, 1, 2):
        inversion = choose("search", model, QUICK, seed=seed)
        inversion.fit(beats(channels=1, length=40))
        latents.append(inversion.invert(x))
    assert torch.equal(latents[0], latents[1])
    assert not torch.equal(latents[0], latents[2])


@pytest.mark.parametrize("method", ["network", "network_search"])
def test_a_network_is_refused_for_another_version(method: str, tmp_path: Path) -> None:
    model = build("dcgan")
    made(method, model, tmp_path)
    with pytest.raises(EcganError, match="version v05, not v06"):
        load_inversion(tmp_path, model, "v06")


def test_an_encoder_or_a_search_follows_every_version(tmp_path: Path) -> None:
    for method in ("encoder", "search"):
        made(method, build("aegan"), tmp_path)
        assert load_inversion(tmp_path, build("aegan"), "v06").name == method


def test_a_network_of_another_model_is_refused(tmp_path: Path) -> None:
    made("network", build("dcgan", channels=2), tmp_path)
    with pytest.raises(EcganError, match="do not fit"):
        load_inversion(tmp_path, build("dcgan", channels=1), "v05")


@pytest.mark.parametrize(
    "change",
    [
        {"method": "none"},
        {"method": "nonsense"},
        {"method": 3},
        {"bandwidth": {"signal": -1.0, "value": 1.0}},
        {"bandwidth": "wide"},
        {"search": {"iterations": "many"}},
        {"search": None},
        {"precision": "fp8"},
        {"seed": "x"},
    ],
)
def test_a_damaged_file_is_one_sentence(change: dict[str, Any], tmp_path: Path) -> None:
    model = build("aegan")
    made("search", model, tmp_path)
    path = tmp_path / "inverse.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(EcganError):
        load_inversion(tmp_path, model, "v05")


def test_a_mapping_from_before_bandwidths_still_encodes_and_says_what_a_search_lacks(tmp_path: Path) -> None:
    model = build("aegan")
    (tmp_path / "inverse.json").write_text('{"method": "encoder", "version": "v05"}')
    seal(tmp_path)
    mapping = mapping_of(model, load_inversion(tmp_path, model, "v05"), 4)
    x = beats().numpy()
    assert mapping.invert(x).shape == (12, 3)
    assert mapping.search is not None
    with pytest.raises(EcganError, match="bandwidths") as caught:
        mapping.search(x, SearchOptions(iterations=1), 0)
    assert "ecgan inverse" in caught.value.hint


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("length", [1, 2, 17, 31, 48, 320, 700])
def test_the_network_takes_any_number_of_leads_and_any_length(channels: int, length: int) -> None:
    network = InverseNetwork(channels, length, 4).eval()
    assert network(torch.zeros(3, channels, length)).shape == (3, 4)


def test_the_network_has_the_published_layers() -> None:
    layers = [layer for layer in InverseNetwork(2, 320, 5).body if isinstance(layer, nn.Conv1d)]
    found = [(layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0]) for layer in layers]
    assert found == [(2, 16, 5, 2), (16, 32, 5, 2), (32, 64, 3, 2), (64, 320, 3, 2)]
    (last,) = [layer for layer in InverseNetwork(2, 320, 5).body if isinstance(layer, nn.Linear)]
    assert (last.in_features, last.out_features) == (320 * 6, 5)


@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_the_network_learns_where_signals_come_from(loss: str) -> None:
    model = tamed()
    options = NetworkOptions(loss=loss, steps=250, evaluate_every=50, batch_size=64, reconstruction_weight=0)
    inversion = choose("network", model, Inverse(network=options), seed=0)
    assert isinstance(inversion, NetworkInversion)
    inversion.fit(beats(30, 1, 40))
    z = torch.randn(200, 3, generator=torch.Generator().manual_seed(99))
    found = inversion.invert(model.decode(z))
    assert float((found - z).square().mean()) < 0.35  # 1 would be no better than the prior's mean


def test_gradients_of_one_step_do_not_reach_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a learning rate of zero every step must see the gradient of its own batch alone."""
    norms: list[float] = []

    def note(optimizer: Any, *_: Any) -> None:
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"]]
        norms.append(float(sum(g.double().square().sum() for g in gradients)) ** 0.5)

    monkeypatch.setattr(torch.optim.Adam, "step", note)
    model = tamed()
    options = NetworkOptions(steps=30, evaluate_every=30, batch_size=64, reconstruction_weight=0)
    inversion = choose("network", model, Inverse(network=options))
    inversion.fit(beats(10, 1, 40))
    assert np.mean(norms[-5:]) < 2 * np.mean(norms[:5])  # accumulated they would be six times as large


def test_the_best_network_is_kept_and_training_stops_early(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([3.0, 1.0, 2.0, 2.5, 0.1])
    kept: list[dict[str, torch.Tensor]] = []

    def evaluate(self: NetworkInversion, *given: Any) -> None:
        real_distance = self._distance
        monkeypatch.setattr(self, "_distance", lambda z, found: torch.tensor(next(losses)))
        original(self, *given)
        monkeypatch.setattr(self, "_distance", real_distance)
        kept.append({key: value.clone() for key, value in self.network.state_dict().items()})

    original = NetworkInversion._evaluate
    monkeypatch.setattr(NetworkInversion, "_evaluate", evaluate)
    options = NetworkOptions(steps=50, evaluate_every=2, patience=2, batch_size=8, reconstruction_weight=0)
    inversion = choose("network", tamed(), Inverse(network=options))
    assert isinstance(inversion, NetworkInversion)
    inversion.fit(beats(10, 1, 40))
    assert len(kept) == 4
    assert all(torch.equal(value, kept[1][key]) for key, value in inversion.network.state_dict().items())
    assert inversion.stored()["network"] == {"step": 4, "loss": 1.0}


def test_fitting_a_network_leaves_the_model_as_it_was() -> None:
    model = build("dcgan")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    choose("network", model, QUICK).fit(beats())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model.training


def test_real_samples_count_where_their_reconstruction_does() -> None:
    model = tamed()
    x = beats(40, 1, 40)
    errors = []
    for weight in (0.0, 300.0):
        options = NetworkOptions(steps=150, evaluate_every=50, batch_size=32, reconstruction_weight=weight)
        inversion = choose("network", model, Inverse(network=options))
        inversion.fit(x)
        errors.append(float((model.decode(inversion.invert(x)) - x).square().mean()))
    assert errors[1] < errors[0]


@pytest.mark.parametrize("kind", ["uniform", "truncated_normal"])
def test_the_network_follows_the_models_prior(kind: str) -> None:
    model = build("rgan", latent=kind)
    inversion = choose("network", model, QUICK)
    assert isinstance(inversion, NetworkInversion)
    inversion.fit(beats())
    expected = (0.5, 12**-0.5) if kind == "uniform" else (0.0, 0.88)
    assert float(inversion.network.mean.mean()) == pytest.approx(expected[0], abs=0.05)
    assert float(inversion.network.scale.mean()) == pytest.approx(expected[1], abs=0.05)


def test_a_network_that_diverges_says_so() -> None:
    model = build("dcgan")
    with torch.no_grad():
        next(model.generator.parameters()).fill_(float("nan"))
    with pytest.raises(EcganError, match="diverged"):
        choose("network", model, QUICK).fit(beats())


@pytest.mark.parametrize("name", ["aegan", "dcgan", "rgan"])
def test_the_mapping_of_a_generative_model_has_all_that_detectors_ask_for(name: str) -> None:
    model = build(name)
    inversion = choose("auto", model, QUICK)
    inversion.fit(beats())
    x = beats(7).numpy()
    mapping = mapping_of(model, inversion, 3)
    assert mapping.logits is None
    assert mapping.discriminate is not None
    assert mapping.features is not None
    assert mapping.search is not None
    values = mapping.discriminate(x)
    assert values.shape == (7,)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, model.discriminate(torch.from_numpy(x)).numpy(), rtol=1e-4, atol=1e-5)
    z, path = mapping.search(x, SearchOptions(iterations=3), 0)
    assert (z.shape, path.shape) == ((7, 3), (7,))
    assert mapping.decode(z).shape == x.shape


def test_a_model_without_discriminator_has_none_in_its_mapping() -> None:
    model = build("vae")
    mapping = mapping_of(model, choose("auto", model), 3)
    assert mapping.features is None
    assert mapping.discriminate is None


def test_a_search_starts_where_it_is_told() -> None:
    model = build("aegan")
    inversion = choose("auto", model, QUICK)
    inversion.fit(beats())
    mapping = mapping_of(model, inversion, 4)
    x = beats(5).numpy()
    assert mapping.search is not None
    options = {"iterations": 1, "epsilon": 10.0}  # every sample is done where it begins
    encoded, path = mapping.search(x, StartedSearchOptions(start="mapping", **options), 0)
    np.testing.assert_array_equal(encoded, mapping.invert(x))
    assert not path.any()
    drawn, _ = mapping.search(x, StartedSearchOptions(start="prior", **options), 0)
    assert not np.array_equal(drawn, encoded)


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_a_classifier_has_no_inverse_mapping_and_the_stage_does_not_fail(method: str, tmp_path: Path) -> None:
    model = build("cnn")
    inversion = made(method, model, tmp_path)
    assert json.loads((tmp_path / "inverse.json").read_text()) == {"method": "none", "version": "v05"}
    assert inversion.name == "none"
    mapping = mapping_of(model, load_inversion(tmp_path, model, "v06"), 5)
    x = beats().numpy()
    assert mapping.logits is not None
    np.testing.assert_allclose(mapping.logits(x), model.logits(torch.from_numpy(x)).detach().numpy(), atol=1e-5)
    for call in (mapping.invert, mapping.decode):
        with pytest.raises(EcganError, match="classifier") as caught:
            call(x)
        assert "argmax" in caught.value.hint


def test_a_generative_model_does_not_take_the_mapping_of_a_classifier(tmp_path: Path) -> None:
    made("auto", build("cnn"), tmp_path)
    with pytest.raises(EcganError, match="'none', which is not one for 'aegan'"):
        load_inversion(tmp_path, build("aegan"), "v05")


def test_an_unknown_method_lists_what_there_is() -> None:
    with pytest.raises(EcganError, match="no inversion 'netwrk'") as caught:
        choose("netwrk", build("aegan"))
    assert "network_search" in caught.value.hint


def test_an_encoderless_model_is_searched_from_its_network() -> None:
    class Blind(MODELS.get("aegan")):  # type: ignore[misc]
        name = "blind"
        encode = GenerativeModel.encode

    model = Blind(Blind.Options(width=0.125, latent_size=3, latent="normal"), channels=2, length=32)
    options = QUICK.model_copy(update={"search": SearchOptions(iterations=1, epsilon=10.0)})
    results = []
    for method in ("network", "network_search"):
        inversion = choose(method, model, options, seed=3)
        inversion.fit(beats())
        results.append(inversion.invert(beats(seed=1)))
    assert torch.equal(*results)


PLUGIN = """
import torch
from ecgan.inversion.base import Inversion
from ecgan.models.base import GenerativeModel
from ecgan.registry import register_inversion


@register_inversion("origin")
class Origin(Inversion):
    \"\"\"Every beat has the latent 0.\"\"\"

    title = "the origin"

    @classmethod
    def suits(cls, model):
        return isinstance(model, GenerativeModel)

    def invert(self, x, batch_size=1024):
        return torch.zeros(len(x), self.model.prior.size, device=x.device)
"""


def test_one_file_is_an_inverse_mapping_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "origin.py").write_text(PLUGIN)
    done = ecgan(tmp_path, "init", "--plugin", "origin.py", "-m", "aegan", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    params = tmp_path / "params.yaml"
    text = params.read_text()
    assert "One of auto, encoder, network, network_search, origin," in " ".join(text.replace("#", " ").split())
    params.write_text(text.replace("method: auto", "method: origin"))
    code = (
        "from ecgan.config import load_params\n"
        "from ecgan.inversion.base import choose, load_inversion, save_inversion\n"
        "from ecgan.registry import MODELS\nfrom ecgan.testing import checks\nfrom pathlib import Path\n"
        "method = load_params('params.yaml').inverse.method\n"
        "[check() for check in checks('inversion', method)]\n"
        "model = MODELS.get('aegan')(MODELS.get('aegan').Options(), channels=1, length=32)\n"
        "save_inversion(Path('made'), choose(method, model), 'v01')\n"
        "print(load_inversion(Path('made'), model, 'v01').name)\n"
    )
    done = forking.run([sys.executable, "-c", code], tmp_path, dict(os.environ))
    assert done.stdout.split()[-1:] == ["origin"], done.stderr
    params.write_text(params.read_text().replace("plugins: [origin.py]", "plugins: []"))
    done = ecgan(tmp_path, "info", "params.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "inverse.method" in done.stderr
    assert "no inversion 'origin'" in done.stderr
