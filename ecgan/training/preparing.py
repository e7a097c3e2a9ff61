"""From samples and a fold to everything that a training sees: networks, tensors, and what the model will expect."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgan.config import Params
from ecgan.models.base import Model
from ecgan.preprocessing.leads import select_leads
from ecgan.preprocessing.processed import Processed
from ecgan.preprocessing.transformations import Transformation, fit_transformation, make_transformation
from ecgan.registry import MODELS
from ecgan.runtime import derive_seed, device
from ecgan.training.data import TrainingData
from ecgan.training.inputs import Input, to_tensor

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Prepared:
    """A training that may begin.

    Attributes:
        model: The model with its initial weights, on the device.
        data: What it is trained on, and validated on.
        expected: What it expects of its input.
        transformation: Fitted on the training samples.
        channels: Names of the channels that it sees.
        seed: Seed of the training, fold included.
    """

    model: Model
    data: TrainingData
    expected: Input
    transformation: Transformation
    channels: list[str]
    seed: int


def prepare_training(params: Params, name: str, data: Processed, *, fold: int, train: Rows, vali: Rows) -> Prepared:
    """Build a model and bring everything that its training sees onto the device.

    `params` holds `runtime`, `train` and `modules.<name>`; `train` are the rows to train on, `vali` those that versions
    may be chosen by.
    """
    seed, about = derive_seed(params.runtime.seed, "train", name, fold), data.about
    torch.manual_seed(derive_seed(seed, "weights"))
    samples, leads = select_leads(data.data, about.leads, params.train.leads)
    channels = make_transformation(params.train.transformation).channel_names(leads)
    size = {"channels": len(channels), "length": samples.shape[1], "classes": len(about.classes)}
    model = MODELS.get(name)(params.modules[name], **size)
    transformation = fit_transformation(params.train.transformation, samples[train], model.output_range)
    state = transformation.state()
    expected = Input(leads, samples.shape[1], about.sampling_rate, about.unit, about.centre, state, about.classes)
    tensors = TrainingData(
        train=to_tensor(transformation.apply(samples[train])),
        train_labels=labels_of(data, train),
        vali=to_tensor(transformation.apply(samples[vali])).to(device()),
        vali_labels=labels_of(data, vali),
    )
    return Prepared(model.to(device()), tensors, expected, transformation, channels, seed)


def labels_of(data: Processed, rows: Rows) -> Tensor:
    """Class ids of some samples (n,), on the device."""
    return torch.from_numpy(data.labels[rows]).to(device())
