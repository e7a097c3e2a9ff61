"""From samples and a fold to everything that a training sees: networks, tensors, and what the model will expect."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgan.config import Params
from ecgan.errors import EcganError
from ecgan.models.base import Model, model_input
from ecgan.preprocessing.inputs import Input
from ecgan.preprocessing.transformations import Transformation, fit_transformation, make_transformation
from ecgan.registry import MODELS
from ecgan.runtime import derive_seed, device
from ecgan.samples import Samples
from ecgan.training.data import TrainingData, to_tensor

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Prepared:
    """A training that may begin: a model with its initial weights, what it sees and expects, its seed (of the fold)."""

    model: Model
    data: TrainingData
    expected: Input
    transformation: Transformation
    channels: list[str]
    seed: int


def prepare_training(params: Params, name: str, data: Samples, *, fold: int, train: Rows, vali: Rows) -> Prepared:
    """Build a model and bring everything that its training sees onto the device.

    `params` holds `runtime`, `train` and `modules.<name>`; `train` are the rows to train on, `vali` those that versions
    may be chosen by.

    Raises:
        EcganError: `train` asks for what the samples do not have.
    """
    seed = derive_seed(params.runtime.seed, "train", name, fold)
    torch.manual_seed(derive_seed(seed, "weights"))
    data = data.with_leads(params.train.leads)
    if params.train.jitter_ms and not data.about.sampling_rate:
        raise EcganError("train.jitter_ms needs samples with a sampling rate, and these have none.", "Set it to 0.")
    channels = make_transformation(params.train.transformation).channel_names(data.about.leads)
    size = {"channels": len(channels), "length": data.length, "classes": len(data.about.classes)}
    model = MODELS.get(name)(params.modules[name], **size)
    seen = data.seen(train, model.context)
    transformation = fit_transformation(params.train.transformation, seen.signals, model.output_range)
    tensors = TrainingData(
        train=to_tensor(model_input(model, transformation.apply(seen))),
        train_labels=labels_of(data.facts(train)),
        vali=to_tensor(model_input(model, transformation.apply(data.seen(vali, model.context)))).to(device()),
        vali_labels=labels_of(data.facts(vali)),
    )
    return Prepared(model.to(device()), tensors, Input.of(data, transformation), transformation, channels, seed)


def labels_of(samples: Samples) -> Tensor:
    """Class ids of samples (n,), on the device."""
    return torch.from_numpy(samples.class_ids).to(device())
