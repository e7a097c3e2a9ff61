"""Parts that break one promise each: (the broken part, the check that finds it, words of its message)."""

from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from ecgan.config.options import Options
from ecgan.datasets.base import Card
from ecgan.detection.base import OwnNormal, State
from ecgan.ecg.beats import beat_table
from ecgan.errors import EcganError
from ecgan.preprocessing.options import AlignOptions, SampleOptions
from ecgan.samples import About, Samples

from .toy_parts import (
    ToyAdapter,
    ToyClassifier,
    ToyDataset,
    ToyDetector,
    ToyGuest,
    ToyInversion,
    ToyModel,
    ToyNamer,
    ToyOptions,
    ToyProtocol,
    ToyStrategy,
)


class Undescribed(ToyOptions):
    """One field without a description."""

    rate: float = Field(1.0)


class Softplus(ToyOptions):
    """A choice that the model does not know."""

    output: Literal["tanh", "sigmoid", "softplus"] = Field("tanh", description="last activation")


class NoDescription(ToyModel):
    Options = Undescribed


class NoBatchSize(ToyModel):
    class Options(Options):
        """No batch size."""

        latent_size: int = Field(3, description="Z")
        output: Literal["tanh"] = Field("tanh", description="last activation")


class UnknownDefault(ToyModel):
    defaults: ClassVar[Any] = {"train": {"epoch": 3}}


class WrongErrorForLengths(ToyModel):
    def __init__(self, options: Any, *, channels: int, length: int, classes: int = 2) -> None:
        if length % 32:
            raise ValueError(f"bad length {length}")
        super().__init__(options, channels=channels, length=length, classes=classes)


class RefusalWithoutALength(ToyModel):
    def __init__(self, options: Any, *, channels: int, length: int, classes: int = 2) -> None:
        if length % 32:
            raise EcganError(f"{length} does not fit.")
        super().__init__(options, channels=channels, length=length, classes=classes)


class OneLeadOnly(ToyModel):
    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x[:, :2].flatten(1))


class NotANumberForOneSample(ToyModel):
    def validation_scores(self, x: Tensor) -> Tensor:
        return super().validation_scores(x) / x.flatten(1).std(dim=0).mean()


class ScoresWithAColumn(ToyModel):
    def validation_scores(self, x: Tensor) -> Tensor:
        return super().validation_scores(x)[:, None]


class TensorForLoss(ToyModel):
    def validation_loss(self, x: Tensor, labels: Tensor, scores: Tensor) -> Any:
        return scores.mean()


class ScrambledOrder(ToyModel):
    def validation_scores(self, x: Tensor) -> Tensor:
        return super().validation_scores(x).sort().values


class ScoresOfTheBatch(ToyModel):
    def validation_scores(self, x: Tensor) -> Tensor:
        scores = super().validation_scores(x)
        return scores / scores.max()


class DrawnScores(ToyModel):
    def validation_scores(self, x: Tensor) -> Tensor:
        z = self.encode(x)
        return (self.decode(z + torch.randn_like(z)) - x).square().mean(dim=(1, 2))


class CountsEvaluations(ToyModel):
    def __init__(self, options: Any, **size: Any) -> None:
        super().__init__(options, **size)
        self.register_buffer("count", torch.zeros(()))

    def validation_scores(self, x: Tensor) -> Tensor:
        self.count += 1
        return super().validation_scores(x)


class NoisyReconstruction(ToyModel):
    def reconstruct(self, x: Tensor, seed: int = 0) -> Tensor:
        return x + 0.1 * torch.randn(1, *x.shape[1:], device=x.device)


class FlatReconstruction(ToyModel):
    def reconstruct(self, x: Tensor, seed: int = 0) -> Tensor:
        return x.flatten(1)


class AnyShape(ToyModel):
    def features(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), -1)[:, :8]

    features.refuses_other_shapes = True  # type: ignore[attr-defined]


class BoundToTheCpu(ToyModel):
    def decode(self, z: Tensor) -> Tensor:
        return super().decode(z) * torch.ones(self.length, device="cpu")


class NotANumberLoss(ToyModel):
    def train_batch(self, x: Tensor, optimizers: Any, epoch: int, labels: Tensor | None = None) -> Any:
        return {"pair": super().train_batch(x, optimizers, epoch)["pair"] * np.nan}


class AttachedLoss(ToyModel):
    def train_batch(self, x: Tensor, optimizers: Any, epoch: int, labels: Tensor | None = None) -> Any:
        super().train_batch(x, optimizers, epoch)
        return {"pair": F.mse_loss(self.decode(self.encode(x)), x)}


class NeedsFour(ToyModel):
    def train_batch(self, x: Tensor, optimizers: Any, epoch: int, labels: Tensor | None = None) -> Any:
        return super().train_batch(x.unflatten(0, (-1, 4)).flatten(0, 1), optimizers, epoch)


class NeedsSinglePrecision(ToyModel):
    def train_batch(self, x: Tensor, optimizers: Any, epoch: int, labels: Tensor | None = None) -> Any:
        self.encode(x).detach().cpu().numpy()
        return super().train_batch(x, optimizers, epoch)


class ForgottenParameter(ToyModel):
    def __init__(self, options: Any, **size: Any) -> None:
        super().__init__(options, **size)
        self.scale = nn.Parameter(torch.ones(()))


class TwoOptimizers(ToyModel):
    def optimizers(self) -> Any:
        return super().optimizers() | {"both": torch.optim.Adam(self.parameters(), 1e-3)}


class NoGradient(ToyModel):
    def discriminate(self, x: Tensor) -> Tensor:
        return super().discriminate(x).detach().requires_grad_()  # type: ignore[union-attr]


class UnknownChoice(ToyModel):
    Options = Softplus

    def decode(self, z: Tensor) -> Tensor:
        return F.softplus(super().decode(z)) if self.options.output == "softplus" else super().decode(z)


class HardCodedRange(ToyModel):
    output_range = (-1.0, 1.0)


class KeepsAnAttribute(ToyModel):
    offset = 0.0

    def train_batch(self, x: Tensor, optimizers: Any, epoch: int, labels: Tensor | None = None) -> Any:
        self.offset += 1.0
        return super().train_batch(x, optimizers, epoch)

    def validation_scores(self, x: Tensor) -> Tensor:
        return super().validation_scores(x) + self.offset


class ForgetsThePrior(ToyModel):
    def fit_prior(self, x: Tensor) -> None:
        self.centre = self.encode(x).mean(dim=0).cpu()

    def sample_latents(self, count: int) -> Tensor:
        return getattr(self, "centre", 0.0) + torch.randn(count, self.prior.size)


class UnseededNoise(ToyModel):
    def train_batch(self, x: Tensor, optimizers: Any, epoch: int, labels: Tensor | None = None) -> Any:
        noise = np.random.default_rng().normal(0, 0.1, x.shape).astype(np.float32)
        return super().train_batch(x + torch.from_numpy(noise).to(x.device), optimizers, epoch)


class OtherwiseAfterResuming(ToyModel):
    steps = 0

    def train_batch(self, x: Tensor, optimizers: Any, epoch: int, labels: Tensor | None = None) -> Any:
        self.steps += 1
        return super().train_batch(x / self.steps, optimizers, epoch)


class StepsWhenNotDue(ToyModel):
    @property
    def every(self) -> dict[str, int]:
        return {"critic": 2}

    def optimizers(self) -> Any:
        self.all = super().optimizers()
        return self.all

    def train_batch(self, x: Tensor, optimizers: Any, epoch: int, labels: Tensor | None = None) -> Any:
        return super().train_batch(x, self.all, epoch)


class WaitsForAnother(ToyModel):
    @property
    def every(self) -> dict[str, int]:
        return {"discriminator": 2}


class TimeFirst(ToyModel):
    def decode(self, z: Tensor) -> Tensor:
        return super().decode(z).transpose(1, 2)


class BeyondTheRange(ToyModel):
    def decode(self, z: Tensor) -> Tensor:
        return 3 * super().decode(z)


class OneSided(ToyModel):
    def decode(self, z: Tensor) -> Tensor:
        return super().decode(z).square()


class LatentsWithTime(ToyModel):
    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x)[:, :, None]

    def decode(self, z: Tensor) -> Tensor:
        return super().decode(z.flatten(1))


class FeatureMaps(ToyModel):
    def features(self, x: Tensor) -> Tensor:
        return x


class LogitsWithAColumn(ToyModel):
    def discriminate(self, x: Tensor) -> Tensor:
        return self.critic(x.flatten(1))


class UnseededLatents(ToyModel):
    def sample_latents(self, count: int) -> Tensor:
        generator = torch.Generator()
        generator.seed()
        return torch.randn(count, self.prior.size, generator=generator)


class OneLatentForAll(ToyModel):
    def sample_latents(self, count: int) -> Tensor:
        return torch.zeros(count, self.prior.size)


class TakesAnyLatent(ToyModel):
    def decode(self, z: Tensor) -> Tensor:
        return super().decode(z[:, : self.prior.size])


class ThreeClasses(ToyClassifier):
    def __init__(self, options: Any, **size: Any) -> None:
        super().__init__(options, **size)
        self.linear = nn.Linear(self.channels * self.length, 3)


class OtherScores(ToyClassifier):
    def validation_scores(self, x: Tensor) -> Tensor:
        return -super().validation_scores(x)


class InfiniteWeights(ToyClassifier):
    def begin(self, labels: Tensor) -> None:
        self.weights = 1 / torch.bincount(labels, minlength=self.classes).float()

    def train_batch(self, x: Tensor, optimizers: Any, epoch: int, labels: Tensor | None = None) -> Any:
        return {
            "cross_entropy": super().train_batch(x, optimizers, epoch, labels)["cross_entropy"] * self.weights.sum()
        }


MODELS = [
    (NoDescription, "options_have_defaults_and_descriptions", "Options.rate to have a description, found none"),
    (NoBatchSize, "options_have_defaults_and_descriptions", "batch_size"),
    (UnknownDefault, "init_writes_a_valid_file", "epoch"),
    (WrongErrorForLengths, "leads_and_lengths_are_built_or_refused", "ValueError: bad length 20"),
    (RefusalWithoutALength, "leads_and_lengths_are_built_or_refused", "to name a length that fits"),
    (OneLeadOnly, "leads_and_lengths_are_built_or_refused", "raised RuntimeError"),
    (NotANumberForOneSample, "one_sample_works", "validation_scores of one sample to be finite"),
    (ScoresWithAColumn, "scores_have_shape_and_are_finite", "to be (12,), found (12, 1)"),
    (TensorForLoss, "scores_have_shape_and_are_finite", "validation_loss to be a float, found Tensor"),
    (ScrambledOrder, "answers_keep_the_order_of_samples", "validation_scores of permuted samples"),
    (ScoresOfTheBatch, "answers_do_not_depend_on_neighbours", "validation_scores of a sample by itself"),
    (DrawnScores, "answers_are_not_drawn_at_random", "validation_scores to be the same twice"),
    (CountsEvaluations, "evaluation_changes_nothing", "expected scoring to leave count as it is"),
    (AnyShape, "other_shapes_are_refused", "one lead too few in features to be refused with EcganError"),
    (BoundToTheCpu, "networks_follow_the_device", "every tensor on the model's device"),
    (NotANumberLoss, "losses_are_finite_detached_scalars", "the loss 'pair' to be finite, found nan"),
    (AttachedLoss, "losses_are_finite_detached_scalars", "the loss 'pair' to be detached"),
    (NeedsFour, "a_batch_of_two_trains", "raised RuntimeError"),
    (NeedsSinglePrecision, "training_in_bfloat16_is_finite", "expected to work, but raised TypeError"),
    (ForgottenParameter, "every_parameter_has_one_optimizer_and_learns", "of the parameter scale to be 1, found 0"),
    (TwoOptimizers, "every_parameter_has_one_optimizer_and_learns", "to be 1, found 2"),
    (NoGradient, "every_parameter_has_one_optimizer_and_learns", "training to change the parameter critic.weight"),
    (StepsWhenNotDue, "only_optimizers_that_are_due_step", "expected critic.weight to wait"),
    (WaitsForAnother, "only_optimizers_that_are_due_step", "to name optimizers"),
    (UnknownChoice, "every_choice_of_an_option_trains", "with output = 'softplus'"),
    (HardCodedRange, "every_choice_of_an_option_trains", "with output = 'sigmoid': expected output on both sides"),
    (KeepsAnAttribute, "saved_weights_give_equal_answers", "validation_scores to be the same after saving"),
    (ForgetsThePrior, "saved_weights_give_equal_answers", "generated latents after saving"),
    (UnseededNoise, "a_rerun_gives_equal_bytes", "found other bytes"),
    (OtherwiseAfterResuming, "a_resumed_training_gives_equal_bytes", "after taking the training up again"),
    (NoisyReconstruction, "reconstructions_have_the_shape_of_samples", "to draw from its seed alone"),
    (FlatReconstruction, "reconstructions_have_the_shape_of_samples", "the shape of reconstructions"),
    (TimeFirst, "decoded_latents_have_the_shape_of_samples", "shape of decoded latents"),
    (BeyondTheRange, "decoded_latents_have_the_shape_of_samples", "within output_range (-1.0, 1.0)"),
    (OneSided, "decoded_latents_have_the_shape_of_samples", "on both sides of the middle"),
    (LatentsWithTime, "encoded_samples_have_the_shape_of_latents", "to be (12, 3), found (12, 3, 1)"),
    (FeatureMaps, "features_and_logits_have_one_row_a_sample", "dimensions and rows of features"),
    (LogitsWithAColumn, "features_and_logits_have_one_row_a_sample", "the shape of discriminate to be (12,)"),
    (UnseededLatents, "generation_is_seeded", "the same latents from the same seed"),
    (OneLatentForAll, "generation_is_seeded", "other latents from another seed"),
    (TakesAnyLatent, "latents_of_another_size_are_refused", "found that it was accepted"),
    (ThreeClasses, "logits_have_one_column_a_class", "for 2 classes to be (12, 2), found (12, 3)"),
    (OtherScores, "logits_have_one_column_a_class", "validation_scores to be the abnormal log-odds"),
    (InfiniteWeights, "a_class_without_training_samples_is_no_problem", "found inf"),
]


class NoDefault(ToyDetector):
    class Options(Options):
        """One field without a default."""

        neighbours: int = Field(description="how many")


class SinglePrecision(ToyDetector):
    def components(self, samples: Any) -> Any:
        return {"distance": super().components(samples)["distance"].astype(np.float32)}


class UnknownMetric(ToyDetector):
    class Options(Options):
        """A choice that the detector does not know."""

        metric: Literal["l1", "l2"] = Field("l2", description="distance")

    def components(self, samples: Any) -> Any:
        return {"distance": {"l2": super().components(samples)["distance"]}[self.options.metric]}


class MissingComponent(ToyDetector):
    strategies = ("reconstruction",)


class UpsideDown(ToyDetector):
    def components(self, samples: Any) -> Any:
        return {"distance": -super().components(samples)["distance"]}


class SortedScores(ToyDetector):
    def components(self, samples: Any) -> Any:
        return {"distance": np.sort(super().components(samples)["distance"])}


class Ranks(ToyDetector):
    def components(self, samples: Any) -> Any:
        distance = super().components(samples)["distance"]
        return {"distance": distance / distance.max()}


class TwoLeadsOnly(ToyDetector):
    def fit(self, train: Any) -> None:
        self.mean = train.signals.reshape(len(train), 2, -1)[:, :2].mean(axis=0, dtype=np.float64)


class CentresInPlace(ToyDetector):
    def components(self, samples: Any) -> Any:
        found = super().components(samples)
        samples.signals[:] -= 0.5
        return found


class ScoresAnything(ToyDetector):
    def components(self, samples: Any) -> Any:
        return {"distance": np.abs(samples.signals.mean(axis=(1, 2), dtype=np.float64) - self.mean.mean())}


class UnseededDetector(ToyDetector):
    def fit(self, train: Any) -> None:
        super().fit(train[np.random.permutation(len(train))[:20]])  # noqa: NPY002


class Learning(ToyDetector):
    def components(self, samples: Any) -> Any:
        found = super().components(samples)
        self.mean = self.mean + 0.01
        return found


class LosesState(ToyDetector):
    scale = 1.0

    def fit(self, train: Any) -> None:
        super().fit(train)
        self.scale = float(train.signals.std())

    def components(self, samples: Any) -> Any:
        return {"distance": super().components(samples)["distance"] / self.scale}


class RoundedState(ToyDetector):
    def state(self) -> State:
        return State(arrays={"mean": self.mean.round(3)})


class ClassesAsText(ToyNamer):
    def classify(self, samples: Any) -> Any:
        return super().classify(samples).astype(str)


class RanksInItsRecord(ToyAdapter):
    """It declares the record, and looks at what of it is scored instead of at all of it."""

    def components(self, samples: Any) -> Any:
        distance = ToyDetector.components(self, samples)["distance"]
        return {"distance": distance / pd.Series(distance).groupby(samples.records).transform("max").to_numpy()}


class OtherRecords(ToyAdapter):
    """What is usual is that of all records that are scored together."""

    def components(self, samples: Any) -> Any:
        usual = np.median(ToyDetector.components(self, samples.around)["distance"])
        return {"distance": ToyDetector.components(self, samples)["distance"] / usual}


class ForgetsSamples(ToyAdapter):
    """Of one sample it says nothing."""

    def own_normal(self, samples: Any) -> OwnNormal:
        count = len(samples) - 1
        return OwnNormal(np.zeros((count, 2)), np.ones(count, dtype=bool), np.zeros(count, dtype=np.int64))


class ForgetsItsStates(ToyDetector):
    """What it says that noise is told by is no component."""

    states = ("noise",)


class NoiseAsNumbers(ToyDetector):
    """What cannot be read is told as a number."""

    states = ("distance",)

    def unreadable(self, components: Any) -> Any:
        return components["distance"]


class OneMoreWithAModel(ToyGuest):
    """A model brings a component of its own."""

    def components(self, samples: Any) -> Any:
        found = ToyDetector.components(self, samples)
        return found if self.mapping is None else found | {"latent": found["distance"]}


DETECTORS = [
    (NoDefault, "options_have_defaults_and_descriptions", "Options.neighbours to have a default, found none"),
    (SinglePrecision, "components_are_finite_float64_of_shape_n", "to be float64, found float32"),
    (UnknownMetric, "every_choice_of_an_option_works", "with metric = 'l1', expected finite components, found: 'l1'"),
    (MissingComponent, "strategies_weigh_what_is_there", "found no reconstruction"),
    (UpsideDown, "abnormal_beats_score_higher", "found AUROC 0.0"),
    (SortedScores, "scores_keep_the_order_of_samples", "to be permuted alike"),
    (Ranks, "scores_do_not_depend_on_neighbours", "of a sample by itself"),
    (TwoLeadsOnly, "one_and_three_leads_work", "expected to work, but raised"),
    (CentresInPlace, "samples_are_left_as_they_are", "to leave its samples"),
    (ScoresAnything, "other_shapes_are_refused", "one lead too few to be refused with EcganError, found that it was"),
    (UnseededDetector, "a_rerun_gives_equal_bytes", "expected a rerun to give the same 'distance'"),
    (Learning, "scoring_twice_gives_equal_bytes", "to be the same twice"),
    (OneMoreWithAModel, "a_model_changes_no_names", "the components with a model"),
    (LosesState, "saved_state_gives_equal_bytes", "the component 'distance' to be the same after saving"),
    (RoundedState, "saved_state_gives_equal_bytes", "to be the same after saving"),
    (RanksInItsRecord, "scores_do_not_depend_on_neighbours", "of a sample by itself"),
    (OtherRecords, "scores_depend_on_nothing_outside_the_record", "of a record by itself"),
    (ForgetsItsStates, "states_are_told_of_each_sample", "expected components ('noise',)"),
    (NoiseAsNumbers, "states_are_told_of_each_sample", "the type of what unreadable gives"),
    (ForgetsSamples, "normal_is_told_of_each_sample", "the number of points"),
    (ClassesAsText, "classes_are_named", "the type of classify to be int64"),
]


class NoLicence(ToyDataset):
    card = Card("toy", "made here", " ", "tiny")


class NoFetchDescription(ToyDataset):
    class Fetch(Options):
        """One field without a description."""

        count: int = Field(12)


class UnknownSection(ToyDataset):
    defaults: ClassVar[Any] = {"split": {"protocols": "beatgan"}}


class UnseededFetch(ToyDataset):
    def fetch(self, raw: Any, options: Any, *, seed: int) -> None:
        super().fetch(raw, options, seed=int(np.random.default_rng().integers(1 << 30)))


class NoNormalClass(ToyDataset):
    def preprocess(self, raw: Any, options: Any) -> Any:
        samples = super().preprocess(raw, options)
        samples.labels[:] = 1
        return samples


class OtherNames(ToyDataset):
    def preprocess(self, raw: Any, options: Any) -> Any:
        samples = super().preprocess(raw, options)
        samples.about.classes.reverse()
        return samples


class UnseededPreprocess(ToyDataset):
    def preprocess(self, raw: Any, options: Any) -> Any:
        samples = super().preprocess(raw, options)
        samples.signals[:] += np.random.default_rng().normal(0, 0.1, samples.signals.shape)
        return samples


class PlainOptions(ToyDataset):
    Preprocess = Options


class TimeStepsFirst(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        cut = super().cut(record, options)
        return replace(cut, signals=cut.signals.transpose(0, 2, 1))


class OtherTimes(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        cut = super().cut(record, options)
        return replace(cut, table=cut.table.assign(time_s=cut.table["time_s"] + 0.01))


class NoTimes(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        cut = super().cut(record, options)
        return replace(cut, table=cut.table.drop(columns="time_s"))


class OtherPeaks(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        cut = super().cut(record, options)
        positions = cut.table["sample"] + 1
        return replace(cut, table=cut.table.assign(sample=positions, time_s=positions / record.sampling_rate))


class Missing(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        cut = super().cut(record, options)
        return replace(cut, signals=np.where(cut.signals > 0.9, np.nan, cut.signals))


class ToyAligned(SampleOptions, AlignOptions):
    pass


class NotAligned(ToyDataset):
    Preprocess = ToyAligned


class AlwaysShifts(NotAligned):
    def cut(self, record: Any, options: Any) -> Any:
        cut = super().cut(record, options)
        return replace(cut, table=cut.table.assign(shift=0))


class NotMoved(NotAligned):
    def cut(self, record: Any, options: Any) -> Any:
        cut = super().cut(record, options)
        return cut if options.align == "none" else replace(cut, table=cut.table.assign(shift=0))


class Backwards(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        cut = super().cut(record, options)
        return cut[np.arange(len(cut))[::-1]]


class Wrapped(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        places = (record.samples[:, None] - 12 + np.arange(32)) % len(record.signals)
        return windows(record, places, np.arange(len(record.samples)))


class BehindTheEnd(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        rows = np.flatnonzero(record.samples >= 12)
        places = np.minimum(record.samples[rows, None] - 12 + np.arange(32), len(record.signals) - 1)
        return windows(record, places, rows)


def windows(record: Any, places: Any, rows: Any) -> Samples:
    """Windows (n, 32) of places in a record around its beats at rows (n,), the R peak at 12."""
    table = beat_table(record, rows, annotated=False)
    about = About(record.sampling_rate, record.leads, [], centre=12)
    return Samples(record.signals[places].transpose(0, 2, 1), table, about)


class Noisy(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        cut = super().cut(record, options)
        return replace(cut, signals=cut.signals + np.random.default_rng().normal(0, 1e-3, cut.signals.shape))


class Detrending(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        np.subtract(record.signals, record.signals.mean(axis=0), out=record.signals)
        return super().cut(record, options)


class NeedsBeats(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        assert record.samples[0] >= 0
        return super().cut(record, options)


class NeedsLength(ToyDataset):
    def cut(self, record: Any, options: Any) -> Any:
        assert record.signals[10] is not None
        return super().cut(record, options)


class CutsAnything(ToyDataset):
    def recording_rate(self, options: Any) -> float | None:
        return None


DATASETS = [
    (PlainOptions, "preprocess_has_the_options_of_samples", "SampleOptions, found Options"),
    (TimeStepsFirst, "recordings_are_cut_as_described", "expected C, the leads of the samples to be 1, found 32"),
    (NoTimes, "recordings_are_cut_as_described", "found no time_s"),
    (OtherTimes, "recordings_are_cut_as_described", "`time_s` to be the position in seconds"),
    (OtherPeaks, "recordings_are_cut_as_described", "positions that are R peaks"),
    (Missing, "recordings_are_cut_as_described", "expected finite signals"),
    (Backwards, "recordings_are_cut_as_described", "expected ascending positions"),
    (Wrapped, "recordings_are_not_crossed_at_their_border", "starts within the recording, found -10"),
    (BehindTheEnd, "recordings_are_not_crossed_at_their_border", "end within 3000 time steps"),
    (NotAligned, "recordings_are_aligned_where_asked", "a column shift with align deflection, found none"),
    (AlwaysShifts, "recordings_are_aligned_where_asked", "no column shift where align is none"),
    (NotMoved, "recordings_are_aligned_where_asked", "1 samples later to be the same with align deflection"),
    (Noisy, "recordings_are_cut_the_same_again", "signals and table to be the same"),
    (Detrending, "recordings_are_cut_the_same_again", "left as it was"),
    (
        NeedsBeats,
        "recordings_without_beats_are_no_crash",
        "crash: expected a recording without R peaks to give nothing",
    ),
    (NeedsLength, "recordings_without_beats_are_no_crash", "of three time steps to give nothing or an EcganError"),
    (CutsAnything, "recordings_are_refused_where_there_are_none", "without a recording_rate to be refused"),
    (NoLicence, "the_card_is_complete", "expected the card to say the licence, found ' '"),
    (NoFetchDescription, "options_have_defaults_and_descriptions", "Fetch.count to have a description"),
    (UnknownSection, "init_writes_a_valid_file", "protocols"),
    (UnseededFetch, "fetching_again_gives_equal_bytes", "seed.txt to be the same when fetched again"),
    (NoNormalClass, "samples_fit_their_description", "expected normal samples, which have the label 0"),
    (OtherNames, "samples_fit_their_description", "class_name in the table"),
    (UnseededPreprocess, "preprocessing_again_gives_equal_bytes", "data.pkl to be the same again"),
]


class Untitled(ToyProtocol):
    title = ""


class Overlapping(ToyProtocol):
    def cut(self, *arguments: Any) -> Any:
        folds = super().cut(*arguments)
        return [type(fold)(fold.train, fold.test, fold.test) for fold in folds]


class TrainsOnAll(ToyProtocol):
    def cut(self, samples: Any, *arguments: Any) -> Any:
        labels = np.where(np.arange(len(samples)) % 7, 0, samples.class_ids)
        return super().cut(replace(samples, labels=labels), *arguments)


class SplitsPatients(ToyProtocol):
    def cut(self, samples: Any, *arguments: Any) -> Any:
        table = samples.table.assign(patient=np.arange(len(samples)).astype(str))
        return super().cut(replace(samples, table=table), *arguments)


class UnseededProtocol(ToyProtocol):
    def cut(self, samples: Any, options: Any, rng: Any, sets: Any) -> Any:
        return super().cut(samples, options, np.random.default_rng(), sets)


class AcceptsAnything(ToyProtocol):
    def make(self, samples: Any, options: Any, seed: int, sets: Any) -> Any:
        return self.cut(samples, options, np.random.default_rng(seed), sets)


PROTOCOLS = [
    (Untitled, "it_says_what_it_does", "expected a title"),
    (Overlapping, "folds_are_partitions", "in more than one of train, vali and test to be 0"),
    (TrainsOnAll, "folds_are_partitions", "no abnormal sample in training"),
    (SplitsPatients, "patients_stay_together_where_promised", "every patient in one part of a fold"),
    (UnseededProtocol, "the_seed_decides", "from the same seed, found another"),
    (AcceptsAnything, "samples_without_abnormal_ones_are_refused", "found that it was accepted"),
]


class Untitled(ToyInversion):
    title = " "


class ForAnyModel(ToyInversion):
    @classmethod
    def suits(cls, model: Any) -> bool:
        return True


class LatentsInDouble(ToyInversion):
    def invert(self, x: Tensor, batch_size: int = 1024) -> Tensor:
        return super().invert(x).double()


class LatentsOfTheBatch(ToyInversion):
    def invert(self, x: Tensor, batch_size: int = 1024) -> Tensor:
        return super().invert(x) - super().invert(x).mean(dim=0)


class DrawnLatents(ToyInversion):
    def fit(self, train: Tensor) -> None:
        super().fit(train)
        self.mean = self.mean + torch.rand_like(self.mean)


class Finetunes(ToyInversion):
    def fit(self, train: Tensor) -> None:
        super().fit(train)
        with torch.no_grad():
            self.model.decoder.weight.mul_(2)


class ForgetsItsMean(ToyInversion):
    def restore(self, folder: Any, stored: dict[str, Any]) -> None:
        super().restore(folder, stored | {"mean": [0.0, 0.0, 0.0]})


INVERSIONS = [
    (Untitled, "it_says_what_it_is", "expected a title"),
    (ForAnyModel, "classifiers_do_not_suit", "a classifier not to suit"),
    (LatentsInDouble, "latents_have_one_row_a_sample", "torch.float64"),
    (LatentsOfTheBatch, "latents_do_not_depend_on_neighbours", "the latent of a sample by itself"),
    (DrawnLatents, "a_rerun_gives_equal_bytes", "to draw from its seed"),
    (Finetunes, "the_model_is_left_as_it_is", "decoder.weight to be left as it is"),
    (ForgetsItsMean, "a_saved_mapping_gives_equal_bytes", "the same latents after saving"),
]


class NeedsOneWord(ToyStrategy):
    needs = "ab"  # type: ignore[assignment]


class RoundedScores(ToyStrategy):
    def score(self, components: Any) -> Any:
        return super().score(components).astype(np.float32)


class UpsideDown(ToyStrategy):
    def score(self, components: Any) -> Any:
        return -super().score(components)


class ScoresByRank(ToyStrategy):
    def score(self, components: Any) -> Any:
        return super().score(components).argsort().argsort().astype(np.float64)


class WritesIntoComponents(ToyStrategy):
    def score(self, components: Any) -> Any:
        components["a"] += 1
        return super().score(components)


class LooksAtLabels(ToyStrategy):
    def fit(self, components: Any, labels: Any) -> None:
        self.mean = float(components["a"][labels == 0].mean())


class DividesByTheExtent(ToyStrategy):
    def fit(self, components: Any, labels: Any) -> None:
        with np.errstate(divide="ignore"):
            self.mean = np.ptp(components["a"])

    def score(self, components: Any) -> Any:
        with np.errstate(divide="ignore"):
            return super().score(components)


class DrawnUnit(ToyStrategy):
    def fit(self, components: Any, labels: Any) -> None:
        self.mean = float(np.random.random())  # noqa: NPY002


class ForgetsItsUnit(ToyStrategy):
    def restore(self, state: State) -> None:
        self.mean = 1.0


STRATEGIES = [
    (NeedsOneWord, "it_says_what_it_is", "a tuple of names"),
    (RoundedScores, "scores_are_finite_float64_of_shape_n", "float32"),
    (UpsideDown, "higher_components_score_higher", "to score higher"),
    (ScoresByRank, "scores_do_not_depend_on_neighbours", "the score of a sample by itself"),
    (WritesIntoComponents, "components_are_left_as_they_are", "'a' to be left as it is"),
    (LooksAtLabels, "labels_count_only_where_it_says_so", "the same scores with other labels"),
    (DividesByTheExtent, "a_constant_component_is_no_problem", "finite scores of constants"),
    (DrawnUnit, "a_rerun_gives_equal_bytes", "a rerun to give the same scores"),
    (ForgetsItsUnit, "saved_state_gives_equal_bytes", "the same scores after saving"),
]

BROKEN = [
    *(("model", *entry) for entry in MODELS),
    *(("detector", *entry) for entry in DETECTORS),
    *(("dataset", *entry) for entry in DATASETS),
    *(("protocol", *entry) for entry in PROTOCOLS),
    *(("inversion", *entry) for entry in INVERSIONS),
    *(("strategy", *entry) for entry in STRATEGIES),
]
