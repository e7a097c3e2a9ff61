"""Every model refuses signals of another shape, wherever its method comes from."""

from typing import Any

import pytest
import torch
from torch import Tensor

from ecgan.errors import EcganError
from ecgan.models.aegan import Aegan
from ecgan.models.base import GenerativeModel


def model(cls: type[Any] = Aegan) -> Any:
    return cls(cls.Options(width=0.0625, latent_size=3), channels=2, length=64).eval()


@pytest.mark.parametrize("method", ["encode", "features", "discriminate", "validation_scores", "fit_prior"])
@pytest.mark.parametrize("shape", [(4, 1, 64), (4, 2, 96), (2, 64), (4, 64, 2)])
def test_other_shapes_are_refused_in_words(method: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(EcganError) as caught:
        getattr(model(), method)(torch.zeros(shape))
    assert "'aegan' was built for 2 leads of 64 time steps" in caught.value.message
    assert str(shape) in caught.value.message


def test_training_refuses_them_before_a_step_is_taken() -> None:
    subject = model()
    before = {key: value.clone() for key, value in subject.state_dict().items()}
    with pytest.raises(EcganError, match="was given samples of shape"):
        subject.train_batch(torch.zeros(4, 2, 96), subject.optimizers(), 0)
    assert all(torch.equal(value, before[key]) for key, value in subject.state_dict().items())


def test_a_method_of_a_mixin_is_guarded_once_and_keeps_its_name() -> None:
    class Mixin:
        def encode(self, x: Tensor) -> Tensor:
            """Encode."""
            return self.encoder(x)  # type: ignore[attr-defined, no-any-return]

    class Mixed(Mixin, Aegan):
        pass

    with pytest.raises(EcganError, match="was given samples"):
        model(Mixed).encode(torch.zeros(4, 2, 96))
    assert Mixed.encode.__doc__ == "Encode."
    assert model(Mixed).encode(torch.zeros(4, 2, 64)).shape == (4, 3)


def test_a_model_without_an_encoder_is_still_told_apart() -> None:
    class NoEncoder(Aegan):
        encode = GenerativeModel.encode

    assert model().has_encoder
    assert not model(NoEncoder).has_encoder
