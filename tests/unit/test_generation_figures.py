"""Figures of generated signals, the walk through the latents, and what one training run writes of them."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from ecgan.config import Generation, Options, Train
from ecgan.config.names import defaults_of
from ecgan.errors import EcganError
from ecgan.generation import embedding
from ecgan.generation.classifying import RealParts
from ecgan.generation.drawing import collect
from ecgan.generation.drawn import Drawn, load_drawn, save_drawn
from ecgan.generation.embedding import check_installed, embed
from ecgan.generation.figures import _kept, draw, embedding_figure, samples_figure, walk_figure
from ecgan.generation.sampling import require_generative
from ecgan.generation.walk import latent_walk
from ecgan.generation.watch import Watch
from ecgan.models.base import ClassifierModel, GenerativeModel
from ecgan.models.layers.latents import Prior
from ecgan.registry import MODELS
from ecgan.runtime import derive_seed
from ecgan.training.data import TrainingData

LENGTH, CHANNELS = 24, 2
RNG = np.random.default_rng(2)


class Linear(GenerativeModel):
    """x = A z with known columns; two of them have no effect."""

    name = "linear"
    Options = Options
    output_range = None

    def __init__(self, effects: list[float]) -> None:
        super().__init__(Options(), channels=CHANNELS, length=LENGTH)
        generator = torch.Generator().manual_seed(0)
        columns = torch.randn(len(effects), CHANNELS, LENGTH, generator=generator)
        columns /= columns.square().mean(dim=(1, 2), keepdim=True).sqrt()
        self.columns = nn.Parameter(columns * torch.tensor(effects)[:, None, None])
        self.prior = Prior("normal", len(effects))

    def optimizers(self) -> dict:
        return {}

    def train_batch(self, x: Tensor, optimizers: dict, epoch: int, labels: Tensor | None = None) -> dict:
        return {}

    def decode(self, z: Tensor) -> Tensor:
        return torch.einsum("bz,zcl->bcl", z, self.columns)


class Encoding(Linear):
    def encode(self, x: Tensor) -> Tensor:
        return x[:, 0, : self.prior.size]


class Classes(ClassifierModel):
    name = "classes"
    Options = Options

    def optimizers(self) -> dict:
        return {}

    def train_batch(self, x: Tensor, optimizers: dict, epoch: int, labels: Tensor | None = None) -> dict:
        return {}

    def logits(self, x: Tensor) -> Tensor:
        return x[:, 0, :2]


def real(counts: tuple[int, int, int, int] = (30, 20, 30, 20)) -> RealParts:
    return RealParts(*(RNG.normal(size=(n, CHANNELS, LENGTH)).astype(np.float32) for n in counts))


def texts(svg: str) -> str:
    return " ".join(ElementTree.fromstring(svg).itertext())


def test_the_walk_takes_the_coordinates_with_the_largest_effect_through_one_deviation_to_both_sides() -> None:
    model = Linear([1.0, 0.0, 3.0, 2.0] + [0.01] * 10)
    walk = latent_walk(model, torch.zeros(1, CHANNELS, LENGTH), seed=0)
    assert walk.coordinates[:3] == [2, 3, 0]
    assert len(walk.coordinates) == 10
    assert walk.signals.shape == (10, 11, CHANNELS, LENGTH)
    assert walk.steps == pytest.approx(np.linspace(-1, 1, 11), abs=1e-6)
    span = walk.signals[0, -1] - walk.signals[0, 0]  # two deviations of the prior, which is N(0, 1)
    expected = 2 * model.columns[2].detach().numpy()
    assert np.abs(span - expected).max() < 0.1 * np.abs(expected).max()
    np.testing.assert_allclose(
        walk.signals[:, 5], np.broadcast_to(walk.signals[0, 5], walk.signals[:, 5].shape), atol=1e-5
    )


def test_with_an_encoder_the_walk_starts_at_the_mean_of_the_latents() -> None:
    model = Encoding([1.0, 2.0])
    x = torch.randn(200, CHANNELS, LENGTH, generator=torch.Generator().manual_seed(1)) * torch.tensor(0.5) + 4
    walk = latent_walk(model, x, seed=0)
    z = x[:, 0, :2].double()
    middle = torch.einsum("z,zcl->cl", z.mean(dim=0), model.columns.double()).detach().numpy()
    np.testing.assert_allclose(walk.signals[0, 5], middle, rtol=1e-3, atol=1e-3)
    step = torch.einsum("z,zcl->cl", torch.tensor([0.0, float(z[:, 1].std())]).double(), model.columns.double())
    np.testing.assert_allclose(walk.signals[0, -1] - walk.signals[0, 5], step.detach().numpy(), rtol=1e-3, atol=1e-3)


def test_all_figures_are_the_same_bytes_again_and_small(tmp_path: Path) -> None:
    model, parts = Linear([1.0, 2.0, 0.5]), real((300, 200, 300, 200))
    options = Generation(samples=300)
    save_drawn(tmp_path / "first", collect(model, parts, ["MLII", "V1"], options, seed=4))
    torch.manual_seed(99)
    drawn = collect(model, parts, ["MLII", "V1"], options, seed=4)
    save_drawn(tmp_path / "again", drawn)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "first").read_bytes()
    first = draw(load_drawn(tmp_path / "first"))
    assert first == draw(drawn)
    assert set(first) == {"samples", "walk", "embedding"}
    for name, svg in first.items():
        assert len(svg) < 100_000, name
    assert "Generated" in texts(first["samples"])
    assert "V1" in texts(first["samples"])
    assert "t-SNE" in texts(first["embedding"])
    for words in ("real normal (200)", "real abnormal (200)", "generated (200)"):
        assert words in texts(first["embedding"])


def test_the_walk_is_on_the_scale_of_all_real_signals() -> None:
    parts = real()
    parts.test_normal[20, 0, 3] = 40.0  # not one of the twelve that are drawn
    drawn = collect(Linear([1.0, 2.0]), parts, ["I", "II"], Generation(embeddings=[]), seed=0)
    walk = latent_walk(Linear([1.0, 2.0]), torch.from_numpy(parts.test_normal), derive_seed(0, "walk"))
    assert draw(drawn)["walk"] == walk_figure(walk, parts.test_normal, ["I", "II"])


def test_nothing_to_be_drawn_is_kept_too(tmp_path: Path) -> None:
    save_drawn(tmp_path / "none", None)
    assert load_drawn(tmp_path / "none") is None
    assert draw(None) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"extremes": np.zeros(3, dtype=np.float32)},
        {"real": np.zeros((2, 3, LENGTH), dtype=np.float32)},
        {"generated": np.full((2, 1, LENGTH), np.nan, dtype=np.float32)},
        {"groups": ["real normal"]},
        {"leads": []},
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, change: dict) -> None:
    drawn = collect(Linear([1.0]), real(), ["I", "II"], Generation(embeddings=["pca"]), seed=0)
    save_drawn(tmp_path / "drawn", Drawn(**{**vars(drawn), **change}))
    with pytest.raises(EcganError, match="figures are drawn from"):
        load_drawn(tmp_path / "drawn")


@pytest.mark.parametrize("content", [None, b"", b"x" * 40])
def test_a_missing_or_damaged_file_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "drawn").write_bytes(content)
    with pytest.raises(EcganError, match="drawn") as caught:
        load_drawn(tmp_path / "drawn")
    assert "ecgan train" in caught.value.hint


@pytest.mark.parametrize("counts", [(30, 20, 30, 0), (30, 20, 0, 20), (30, 0, 1, 0), (1, 1, 2, 2)])
def test_figures_of_few_signals_and_of_one_class(counts: tuple[int, int, int, int]) -> None:
    """A group without signals, such as a batch without anomalies, is left out and does not break the rest."""
    found = draw(collect(Linear([1.0]), real(counts), ["I", "II"], Generation(), seed=0))
    assert {"samples", "walk"} <= set(found)
    assert ("Real, normal" in texts(found["samples"])) == (counts[2] > 0)
    if "embedding" in found:
        assert ("real abnormal" in texts(found["embedding"])) == (counts[3] > 0)


def test_what_is_alike_is_close_in_every_plane() -> None:
    near, far = (RNG.normal(size=(60, 1, 32)) + shift for shift in (0, 6))
    x = np.concatenate([near, far]).astype(np.float32)
    for method in ("pca", "tsne"):
        points = embed(x, method, seed=1)
        assert points.shape == (120, 2)
        middles = points[:60].mean(axis=0), points[60:].mean(axis=0)
        assert np.linalg.norm(middles[0] - middles[1]) > 2 * points[:60].std(), method
        with threadpool_limits(2):
            assert np.array_equal(embed(x, method, seed=1), points), method
    np.testing.assert_allclose(np.abs(embed(x, "pca", 0)), np.abs(embed(x, "pca", 5)))
    with pytest.raises(EcganError, match="too few"):
        embed(x[:4], "tsne", 0)


def test_a_missing_extra_is_one_sentence_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "find_spec", lambda name: None)
    check_installed(["pca", "tsne"])
    with pytest.raises(EcganError, match="umap") as caught:
        watch(Linear([1.0]), embeddings=["umap"])
    assert "pip install 'ecgan[umap]'" in caught.value.hint
    watch(Linear([1.0]), embeddings=["umap"], figures=False)


def test_umap_is_used_where_it_is_installed() -> None:
    pytest.importorskip("umap", reason="the extra 'umap' is not installed")
    x = real((60, 1, 1, 1)).train_normal
    assert np.array_equal(embed(x, "umap", 0), embed(x, "umap", 0))


def test_traces_keep_their_peaks() -> None:
    trace = np.zeros(1000, dtype=np.float32)
    trace[[333, 334]] = [9.0, -9.0]
    rows = _kept(trace, 64)
    assert len(rows) <= 66
    assert {0, 333, 334, 999} <= set(rows.tolist())
    assert np.array_equal(_kept(trace[:50], 64), np.arange(50))


def test_every_signal_and_step_is_drawn() -> None:
    x = real().train_normal
    paths = samples_figure({"Real": x, "Generated": x[:3]}, ["I", "II"]).count("<path")
    assert paths - 1 == (12 + 3) * 2  # the ground is one
    walk = latent_walk(Linear([1.0, 2.0]), torch.zeros(1, CHANNELS, LENGTH), 0)
    svg = walk_figure(walk, x, ["I", "II"])
    assert svg.count("<path") - 1 == 2 * 11
    assert "lead I" in texts(svg)
    points = {"pca": RNG.normal(size=(5, 2))}
    svg = embedding_figure(points, ["real normal"] * 2 + ["generated"] * 3)
    dots = [path.get("d", "") for path in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}path")]
    assert sorted(d.count("M") for d in dots if d.count("h") + d.count("l") >= 2 and d.count("M") > 1) == [2, 3]


def test_leads_beyond_the_third_are_said_to_be_left_out() -> None:
    x = RNG.normal(size=(4, 12, 50)).astype(np.float32)
    svg = samples_figure({"Generated": x}, [f"lead {n}" for n in range(12)])
    assert svg.count("<path") - 1 == 4 * 3
    assert "9 more, not drawn" in texts(svg)


def watch(model: GenerativeModel | ClassifierModel, **options) -> Watch:
    parts = real()
    data = TrainingData(
        train=torch.from_numpy(np.concatenate([parts.train_normal, parts.train_abnormal])),
        train_labels=torch.tensor([0] * 30 + [2] * 20),
        vali=torch.from_numpy(np.concatenate([parts.train_abnormal, parts.train_normal])) + 1,
        vali_labels=torch.tensor([1] * 20 + [0] * 30),
    )
    report = (
        torch.from_numpy(np.concatenate([parts.test_normal, parts.test_abnormal])),
        torch.tensor([0] * 30 + [3] * 20),
    )
    asked = Generation(**{"metrics": ["mmd", "tstr", "trts"], "figures": True} | options)
    return Watch(model, data, report, Train(generation=asked), ["I", "II"], seed=0)


def test_real_signals_come_from_the_part_that_they_may_come_from() -> None:
    job = watch(Linear([1.0]), samples=16)
    assert job.monitor is not None
    data = {name: {row.tobytes() for row in part} for name, part in vars(job.monitor.real).items()}
    assert {name: len(rows) for name, rows in data.items()} == dict.fromkeys(data, 16)
    whole = watch(Linear([1.0]), samples=512)
    assert whole.monitor is not None
    assert [len(part) for part in vars(whole.monitor.real).values()] == [30, 20, 30, 20]
    assert not data["train_abnormal"] & data["test_abnormal"]


def test_the_kept_version_is_the_one_that_is_described(tmp_path: Path) -> None:
    job = watch(Linear([1.0, 1.0]), embeddings=["pca"])
    other = Linear([500.0, 500.0])
    drawn = job.write(tmp_path / "far", other.state_dict(), "v07")
    far = json.loads((tmp_path / "far" / "generation.json").read_text())
    job.write(tmp_path / "near", Linear([1.0, 1.0]).state_dict(), "v01")
    near = json.loads((tmp_path / "near" / "generation.json").read_text())
    assert far["version"] == "v07"
    assert far["mmd_median"] > near["mmd_median"]
    assert {"trained", "tested", "real", "tstr", "trts", "classifier", "bandwidth_median"} <= set(near)
    assert drawn is not None
    assert draw(drawn) == draw(load_drawn(tmp_path / "far/drawn.safetensors"))


def test_what_the_pipeline_declares_is_there_for_a_classifier_and_without_figures(tmp_path: Path) -> None:
    model = Classes(Options(), channels=CHANNELS, length=LENGTH, classes=2)
    job = watch(model)
    assert job.columns(1) == {}
    assert job.write(tmp_path / "a", {}, "v01") is None
    assert json.loads((tmp_path / "a/generation.json").read_text()) == {}
    assert load_drawn(tmp_path / "a/drawn.safetensors") is None
    without = watch(Linear([1.0]), figures=False)
    assert without.write(tmp_path / "b", Linear([1.0]).state_dict(), "v01") is None
    assert load_drawn(tmp_path / "b/drawn.safetensors") is None
    with pytest.raises(EcganError, match="classes is a classifier") as caught:
        require_generative(model)
    assert "aegan" in caught.value.hint


def test_nothing_is_computed_that_nobody_asks_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watched = watch(Linear([1.0]), metrics=[], figures=False)
    assert watched.columns(1) == {}
    assert watched.write(tmp_path, watched.model.state_dict(), "v01") is None
    assert json.loads((tmp_path / "generation.json").read_text()) == {}
    assert load_drawn(tmp_path / "drawn.safetensors") is None
    assert capsys.readouterr().err == ""


GENERATORS = {"dcgan", "rdcgan", "rgan", "diffusion"}


def test_models_that_are_made_to_detect_generate_nothing_beside_it() -> None:
    brought = {name: defaults_of(MODELS, name).get("train", {}).get("generation", {}) for name in MODELS.names()}
    asked = {name: Generation(**options) for name, options in brought.items()}
    assert {name for name, options in asked.items() if options.metrics and options.figures} == GENERATORS
    assert {name for name, options in asked.items() if options.metrics or options.figures} == GENERATORS
