"""From samples to the folds of a protocol."""

from dataclasses import replace

from ecgan.config.schema import Split
from ecgan.protocols.base import EvaluationSets
from ecgan.protocols.folds import Fold, vali_halves
from ecgan.registry import PROTOCOLS
from ecgan.samples import Samples


def make_folds(
    samples: Samples, options: Split, seed: int, *, evaluation_sets: EvaluationSets | None = None
) -> list[Fold]:
    """Divide samples by the protocol `options.protocol` into `options.k` folds; see `Protocol.make`.

    Raises:
        EcganError: The samples do not allow the protocol, validation cannot be halved, or stored folds belong to
            other data.
    """
    protocol = PROTOCOLS.get(options.protocol)()
    folds = []
    for index, part in enumerate(protocol.make(samples, options, seed, evaluation_sets)):
        fold = Fold(index, protocol.name, seed, samples.sha256, part.train, part.vali, part.test, protocol.by_patient)
        if part.source is not None:
            part.source.check_data(samples.sha256)
            source = part.source
            fold = replace(fold, protocol=source.protocol, seed=source.seed, by_patient=source.by_patient)
        vali_halves(fold, samples)  # every later stage needs both
        folds.append(fold)
    return folds
