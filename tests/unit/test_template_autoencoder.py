"""The model `template_autoencoder`: what it is told of a beat, what does not matter to it, and what it learns."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ecgan
from ecgan.errors import EcganError
from ecgan.evaluation.ranking import auroc
from ecgan.models.base import model_input
from ecgan.models.template_autoencoder import (
    STEPS,
    TemplateAutoencoder,
    TemplateAutoencoderOptions,
    growing,
    shrinking,
)
from ecgan.samples import Samples

LATENT = 8


@pytest.fixture(scope="module")
def beats() -> Samples:
    return ecgan.load_dataset("ecgsyn", patients=4, minutes=1.0)


def made(beats: Samples) -> TemplateAutoencoder:
    """An untrained model whose differences are large enough to be seen."""
    torch.manual_seed(3)
    options = TemplateAutoencoderOptions(latent_size=LATENT)
    channels = beats.signals.shape[1]
    return TemplateAutoencoder(options, channels=channels, length=beats.length).eval()


def told(model: TemplateAutoencoder, beats: Samples, rows: Any = slice(None)) -> torch.Tensor:
    return torch.from_numpy(model_input(model, beats.seen(rows, model.context)))


def scaled(beats: Samples, factor: float, offset: float) -> Samples:
    return replace(beats, signals=(factor * beats.signals + offset).astype(np.float32))


def test_it_is_told_the_template_of_the_beats_own_record_and_what_counts(beats: Samples) -> None:
    model = made(beats)
    leads = beats.signals.shape[1]
    x = told(model, beats).numpy()
    assert x.shape == (len(beats), 2 * leads + 1, beats.length)
    assert model.conditions == leads + 1
    flat = beats.signals - beats.signals.mean(axis=2, keepdims=True)
    for record in np.unique(beats.records):
        own = (beats.records == record) & (beats.class_ids == 0)
        usual = np.median(flat[own], axis=0)
        assert np.abs(x[own, leads:-1] - usual).mean() < 0.15 * usual.std()
    rows = np.flatnonzero(beats.records == beats.records[0])
    alone = told(model, beats[rows]).numpy()
    assert np.array_equal(alone, x[rows])


def test_labels_do_not_count(beats: Samples) -> None:
    model = made(beats)
    other = replace(beats, labels=1 - np.minimum(beats.class_ids, 1), table=beats.table.assign(class_name="V"))
    assert torch.equal(told(model, other), told(model, beats))


@pytest.mark.parametrize(("factor", "offset"), [(1.0, 3.0), (2.5, 0.0), (-0.5, -1.0)])
def test_gain_offset_and_polarity_do_not_matter(beats: Samples, factor: float, offset: float) -> None:
    model = made(beats)
    x, changed = told(model, beats), told(model, scaled(beats, factor, offset))
    torch.testing.assert_close(model.encode(changed), model.encode(x), rtol=0, atol=2e-3)
    expected = factor * model.reconstruct(x) + offset
    torch.testing.assert_close(model.reconstruct(changed), expected, rtol=0, atol=2e-3 * abs(factor))


def test_what_belongs_to_the_next_beat_does_not_count(beats: Samples) -> None:
    """Of a beat before an early one, whose QRS the sample holds; and the early beat does not see the one before."""
    model, rate, centre = made(beats), beats.about.sampling_rate, beats.about.centre
    assert centre is not None
    row = 20
    assert beats.records is not None
    assert beats.records[row] == beats.records[row + 1]
    times = (np.arange(beats.length) - centre) / rate
    table = beats.table.copy()
    table.loc[row, "rr_next_s"] = 0.4
    early = replace(beats, table=table)
    changed = early.signals.copy()
    changed[row, :, times > 0.25] += 2.0
    before, after = (told(model, data, [row]) for data in (early, replace(early, signals=changed)))
    assert times[before[0, -1].numpy() > 0].max() == pytest.approx(0.2, abs=2 / rate)
    torch.testing.assert_close(model.encode(after), model.encode(before), rtol=0, atol=1e-3)
    table.loc[row, "rr_next_s"] = 1.0
    late = replace(beats, table=table)
    seen = [model.encode(told(model, replace(late, signals=x), [row])).detach() for x in (changed, beats.signals)]
    assert float((seen[0] - seen[1]).abs().max()) > 0.05


def test_the_template_lies_where_the_beat_lies(beats: Samples) -> None:
    model, rows = made(beats), slice(10, 14)
    signals = beats.signals.copy()
    signals[rows] = np.roll(signals[rows], 4, axis=2)
    moved = told(model, replace(beats, signals=signals), rows).numpy()
    expected = np.roll(told(model, beats, rows).numpy()[:, 1:-1], 4, axis=2)
    inner = slice(10, -10)
    np.testing.assert_allclose(moved[:, 1:-1, inner], expected[..., inner], atol=0.05)


def test_samples_that_do_not_say_enough_are_refused(beats: Samples) -> None:
    model = made(beats)
    for about in (replace(beats.about, centre=None), replace(beats.about, sampling_rate=0.0)):
        with pytest.raises(EcganError, match="takes beats of recordings"):
            told(model, replace(beats, about=about))
    with pytest.raises(EcganError, match="takes beats of recordings"):
        told(model, replace(beats, table=beats.table.drop(columns=["rr_prev_s"])))


@pytest.mark.parametrize("length", [20, 80, 125, 320])
def test_steps_are_means_and_come_back_as_lines(length: int) -> None:
    shrink, grow = shrinking(length), growing(length)
    torch.testing.assert_close(shrink.sum(dim=0), torch.ones(STEPS))
    torch.testing.assert_close(grow.sum(dim=0), torch.ones(length))
    slow = torch.sin(torch.linspace(0, 3, length))
    torch.testing.assert_close(slow @ shrink @ grow, slow, rtol=0, atol=0.08 if length < STEPS else 0.02)


def test_what_it_leaves_of_a_beat_tells_abnormal_ones_and_nothing_is_lost_on_the_way(
    beats: Samples, tmp_path: Path
) -> None:
    """Through the interface: unlabelled, saved and loaded; a few epochs on four minutes of simulated patients."""
    detector = ecgan.Detector("template_autoencoder", epochs=4, batch_size=32, latent_size=LATENT, threads=1).fit(beats)
    run = ecgan.load(detector.save(tmp_path / "run"))
    assert np.array_equal(run.decision_function(beats), detector.decision_scores_)
    found = run.explain(beats)
    assert auroc(found.components["residual"], beats.class_ids != 0) > 0.8
    normal = beats.class_ids == 0
    reconstruction = run.reconstruct(beats)
    left, there = (values[normal].astype(np.float64) for values in (beats.signals - reconstruction, beats.signals))
    assert left.std() < 0.35 * there.std()


def test_beats_are_drawn_around_the_mean_template_in_its_unit(beats: Samples) -> None:
    model, found = made(beats), []
    for factor in (1.0, 2.0):
        x = told(model, scaled(beats, factor, 0.0))
        with torch.no_grad():
            model.fit_prior(x)
            drawn = model.decode(torch.randn(32, model.prior.size, generator=torch.Generator().manual_seed(5)))
        typical = x[:, model.channels : -1].mean(dim=0)
        assert np.corrcoef(drawn.mean(dim=0).flatten(), typical.flatten())[0, 1] > 0.8
        assert float(drawn.std(dim=0).mean()) > 0.001 * float(typical.std())
        found.append(drawn)
    torch.testing.assert_close(found[1], 2 * found[0], rtol=0, atol=1e-3)
