"""Time warp: against a loop over single beats, and what it must leave alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

import stages.fetch
import stages.preprocess
import stages.split
import stages.train
from ecgan.config import Document, Train, load_params, render_params, resolve_params
from ecgan.errors import EcganError
from ecgan.models.autoencoder import Autoencoder, AutoencoderOptions
from ecgan.training.augmentation import augment, jittered, warp, warped_times
from ecgan.training.data import TrainingData
from ecgan.training.loop import Run, fit
from ecgan.training.preparing import prepare_training
from ecgan.training.resume import ResumeFile
from tests.making import samples

SIZES = [(320, 140), (320, 160), (187, 0), (187, 186), (128, 60), (33, 16), (20, 19), (6, 3), (3, 1), (2, 0), (1, 0)]


def naive(beat: np.ndarray, left: np.ndarray, right: np.ndarray, centre: int, ticks: int) -> np.ndarray:
    """One beat (C, L), tick by tick; `left` and `right` are random numbers for the ticks that may change."""
    length = beat.shape[1]
    dropped, doubled = set(), set()
    for first, noise in ((1, left), (centre + 1, right)):
        order = [first + int(index) for index in np.argsort(noise)]
        count = min(ticks, len(order) // 2)
        dropped |= set(order[:count])
        doubled |= set(order[count : 2 * count])
    values = []
    for tick in range(length):
        if tick in dropped:
            continue
        values.append(beat[:, tick])
        if tick in doubled:
            values.append((beat[:, tick] + beat[:, tick + 1]) / 2)
    return np.stack(values, axis=1)


@pytest.mark.parametrize(("length", "centre", "ticks"), [(320, 140, 7), (320, None, 7), (187, 60, 4), (41, 3, 1)])
def test_a_batch_is_warped_as_a_loop_over_its_beats_would(length, centre, ticks) -> None:
    x = torch.randn(6, 3, length)
    torch.manual_seed(5)
    found = augment(x, Train(augment="timewarp", augment_share=0.6), centre)
    middle = length // 2 if centre is None else centre
    torch.manual_seed(5)
    chosen = torch.rand(6) < 0.6
    left, right = torch.rand(6, middle - 1), torch.rand(6, length - middle - 2)
    assert 0 < int(chosen.sum()) < 6
    for index in range(6):
        beat = x[index].numpy()
        if chosen[index]:
            beat = naive(beat, left[index].numpy(), right[index].numpy(), middle, ticks)
        np.testing.assert_array_equal(found[index].numpy(), beat)


@pytest.mark.parametrize(("length", "centre"), SIZES)
def test_the_time_map(length: int, centre: int) -> None:
    times = warped_times(50, length, centre)
    assert times.shape == (50, length)
    assert bool((times.diff(dim=1) > 0).all())
    assert bool((times[:, 0] == 0).all())
    assert bool((times[:, -1] == length - 1).all())
    assert bool((times[:, centre] == centre).all())
    assert bool(((2 * times) % 1 == 0).all())


def test_seven_ticks_on_each_side_of_a_beat_of_320_are_left_out_and_seven_interpolated() -> None:
    times = warped_times(200, 320, 140)
    for side in (times[:, :140], times[:, 140:]):
        halves = side % 1 != 0
        assert bool((halves.sum(dim=1) == 7).all())
        assert bool(((~halves).sum(dim=1) == side.shape[1] - 7).all())
    assert len(torch.unique(times, dim=0)) == 200
    used = torch.bincount(times[times % 1 != 0].long(), minlength=320)
    assert set(torch.arange(320)[used == 0].tolist()) == {0, 140, 319}  # no other tick is spared


def test_half_ticks_are_means_of_their_neighbours_and_whole_ticks_exact() -> None:
    x = torch.tensor([[[0.1, 0.2, 0.7]]])
    assert torch.equal(warp(x, torch.tensor([[0.0, 1.5, 2.0]])), torch.tensor([[[0.1, 0.45, 0.7]]]))


def test_without_augmentation_nothing_is_touched_or_drawn() -> None:
    x = torch.randn(4, 1, 64)
    torch.manual_seed(1)
    assert augment(x, Train(), 30) is x
    first = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(first, torch.rand(1))


def test_the_share_of_warped_beats_and_new_ones_every_time() -> None:
    x = torch.randn(2000, 1, 64)
    torch.manual_seed(0)
    options = Train(augment="timewarp", augment_share=0.25)
    once, twice = augment(x, options, 30), augment(x, options, 30)
    changed = (once != x).flatten(1).any(dim=1)
    assert float(changed.double().mean()) == pytest.approx(0.25, abs=0.03)
    assert not torch.equal(once, twice)
    assert bool((augment(x, Train(augment="timewarp", augment_share=1.0), 30) != x).flatten(1).any(dim=1).all())


def test_every_lead_is_warped_alike_and_values_stay_within_the_beat() -> None:
    beat = torch.randn(8, 1, 100)
    x = torch.cat([beat, 2 * beat], dim=1)
    warped = augment(x, Train(augment="timewarp", augment_share=1.0), None)
    torch.testing.assert_close(warped[:, 1], 2 * warped[:, 0])
    assert bool((warped.amax(dim=2) <= x.amax(dim=2)).all())
    assert bool((warped.amin(dim=2) >= x.amin(dim=2)).all())
    assert torch.equal(warped[:, :, [0, 50, 99]], x[:, :, [0, 50, 99]])


def test_a_jittered_beat_is_moved_and_goes_on_with_its_first_or_last_value() -> None:
    x = torch.tensor([[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]).repeat(4, 1, 1)
    found = jittered(x, torch.tensor([0, 1, -2, 9]))
    assert found[:, 0].tolist() == [[1, 2, 3, 4], [2, 3, 4, 4], [1, 1, 1, 2], [4, 4, 4, 4]]
    assert torch.equal(found[:, 1], found[:, 0] + 4)


def test_jitter_moves_every_beat_anew_by_at_most_so_many_ms() -> None:
    x = torch.arange(100.0).expand(4000, 1, 100)
    options = Train(jitter_ms=12.0)
    torch.manual_seed(0)
    once, twice = (augment(x, options, 50, 250.0) for _ in range(2))
    moves = once[:, 0, 50] - 50
    assert sorted(set(moves.tolist())) == [-3, -2, -1, 0, 1, 2, 3]
    assert float((moves == 0).double().mean()) == pytest.approx(1 / 7, abs=0.03)
    assert not torch.equal(once, twice)
    assert augment(x, Train(jitter_ms=1.0), 50, 250.0) is x  # less than half a tick
    both = augment(x, Train(augment="timewarp", augment_share=1.0, jitter_ms=12.0), 50, 250.0)
    assert bool((both % 1 == 0.5).any())
    assert bool((both[:, 0, 0] > 0).any())


def test_jitter_is_refused_where_time_is_mixed_or_has_no_unit() -> None:
    with pytest.raises(ValueError, match="jitter_ms moves values in time, which fourier has mixed"):
        Train(transformation="fourier", jitter_ms=5.0)
    params = resolve_params(
        Document(
            "here",
            {"dataset": "sine", "models": ["autoencoder"], "modules": {"autoencoder": {}}, "train": {"jitter_ms": 5.0}},
        )
    )
    data = samples(np.zeros((8, 1, 64)), np.zeros(8), classes=["N"])
    with pytest.raises(EcganError, match="jitter_ms needs samples with a sampling rate"):
        prepare_training(params, "autoencoder", data, fold=0, train=np.arange(4), vali=np.arange(4, 8))


class Watcher(Autoencoder):
    """Keeps the batches that it trains on."""

    def train_batch(self, x, optimizers, epoch, labels=None):
        self.seen = [*getattr(self, "seen", []), x.clone()]
        return super().train_batch(x, optimizers, epoch, labels)


def batches_of(path: Path, centre: int | None = 20, **options) -> list[torch.Tensor]:
    """The batches of two epochs, on beats that are ramps: a warped beat shows when each tick was read."""
    model = Watcher(AutoencoderOptions(width=0.125, batch_size=16), channels=1, length=96)
    ramps = torch.arange(96.0).expand(32, 1, 96) / 96
    data = TrainingData(ramps, torch.zeros(32, dtype=torch.int64), ramps, torch.zeros(32, dtype=torch.int64))
    train = Train(epochs=2, **options)
    resume = ResumeFile(path / "state", "x", seconds=1e9)
    fit(Run(model, data, train, 3, "fp32", resume, centre, sampling_rate=100.0), [])
    return model.seen


def test_training_sees_warped_beats_around_their_r_peak_and_validation_whole_ones(tmp_path: Path) -> None:
    whole = torch.arange(96.0) / 96
    warped = batches_of(tmp_path, augment="timewarp", augment_share=1.0)
    assert len(warped) == 4
    assert all(bool((batch[..., [0, 20, 95]] == whole[[0, 20, 95]]).all()) for batch in warped)
    assert all(bool((batch != whole).any(dim=2).all()) for batch in warped)
    moved = torch.cat(warped)[..., 48] != whole[48]
    assert bool(moved.any())
    assert not bool((torch.cat(batches_of(tmp_path, None, augment="timewarp"))[..., 48] != whole[48]).any())
    assert all(bool((batch == whole).all()) for batch in batches_of(tmp_path))


def test_training_sees_jittered_beats(tmp_path: Path) -> None:
    jittered_batches = torch.cat(batches_of(tmp_path, jitter_ms=50.0))
    moves = (96 * jittered_batches[:, 0, 48] - 48).round()
    assert set(moves.tolist()) <= set(range(-5, 6))
    assert len(set(moves.tolist())) > 5


def test_every_epoch_warps_anew_and_a_rerun_alike(tmp_path: Path) -> None:
    one, two = (batches_of(tmp_path, augment="timewarp") for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(torch.cat(one[:2]).sum(dim=0), torch.cat(one[2:]).sum(dim=0))


def test_the_stage_tells_the_training_where_the_r_peak_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class SeenError(Exception):
        pass

    def seen(job: Run, listeners: object) -> None:
        raise SeenError(job.centre, job.sampling_rate)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("stages.train.fit", seen)
    sizes = {"fetch": {"patients": 4, "minutes": 0.4}, "preprocess": {"before": 60, "after": 100}}
    Path("params.yaml").write_text(render_params("ecgsyn", ["autoencoder"], overrides=sizes | {"split": {"k": 2}}))
    params = load_params(Path("params.yaml"))
    stages.fetch.run(params)
    stages.preprocess.run(params)
    stages.split.run(params)
    with pytest.raises(SeenError) as caught:
        stages.train.run(params, "autoencoder", 0)
    assert caught.value.args == (60, 360.0)
