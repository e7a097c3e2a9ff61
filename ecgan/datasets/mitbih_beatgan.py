"""The beats of BeatGAN, rebuilt from the raw MIT-BIH records.

The set was published with Zhou et al., "BeatGAN: anomalous rhythm detection using adversarially generated time
series", IJCAI 2019. It has 97,568 beats of two leads and 320 samples: N 86,717, S 3,026, V 7,008, F 802, Q 15.
This is how they come about:

1. all records but the four paced ones; the lead MLII first (record 114 has it second);
2. both leads band-passed to 3-45 Hz by a zero-phase FIR filter of order 108;
3. R peaks of the first lead by Hamilton's rules, shifted to the maximum within 0.05 s;
4. a beat is the window of 140 samples before and 180 from the annotation on, taken one sample late (the authors'
   positions count from 1);
5. an abnormal beat is always kept, a normal one if an R peak lies less than ten samples from its annotation.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ecgan.config.schema import FilePath
from ecgan.datasets.annotated import cut_beats, labelled
from ecgan.datasets.base import Card
from ecgan.datasets.cuts import Cuts
from ecgan.datasets.mitbih import CARD_SOURCE, LICENCE, SAMPLING_RATE, OfMitbih
from ecgan.ecg.aami import CLASSES, DESCRIPTIONS
from ecgan.ecg.files.npy import load_npy
from ecgan.ecg.filters import fir_bandpass
from ecgan.ecg.hamilton import correct_r_peaks, detect_r_peaks
from ecgan.ecg.peaks import distance
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.preprocessing.filtering import across_gaps
from ecgan.preprocessing.options import AlignOptions, RecordingOptions, SampleOptions
from ecgan.registry import register_dataset
from ecgan.samples import About, Samples

F64 = NDArray[np.float64]

LEADS = ["MLII", "other"]
"""Second channel: whatever lead the record has beside MLII (V1 in most; V2, V4 or V5 in five)."""

_LENGTH = 320
_SHIFT = 1
"""The authors' positions count from 1: seen from the annotation, their window begins one sample later."""
_BEFORE = 140 - _SHIFT
_NEAR = 10


class PreprocessOptions(RecordingOptions, SampleOptions, AlignOptions):
    """Where the beats come from."""

    npy: FilePath | None = Field(
        None, description="folder with the authors' N_samples.npy … Q_samples.npy; null: cut from the raw records"
    )
    records: list[str] | None = Field(None, description="records to cut; null: the 44 of the published set")

    @model_validator(mode="after")
    def _aligned_where_cut(self) -> Self:
        if self.npy is not None and self.align != "none":
            raise ValueError("align moves marks before beats are cut, and npy holds beats; allowed: align none")
        return self


@register_dataset("mitbih_beatgan")
class MitbihBeatgan(OfMitbih):
    """97,568 filtered beats of 320 samples and two leads; see the module's description for the rule."""

    card = Card(
        title="MIT-BIH Arrhythmia Database, beats as cut by BeatGAN",
        source=CARD_SOURCE,
        licence=LICENCE,
        size="94 MB raw; 97,568 beats of 320 x 2: N 86,717, S 3,026, V 7,008, F 802, Q 15",
    )
    Preprocess = PreprocessOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "split": {"protocol": "beatgan"},
        "train": {"transformation": "individual", "leads": ["MLII"], "epochs": 20},
    }

    def cuts(self, raw: Path, options: PreprocessOptions) -> Cuts | None:
        """Cut the beats from the raw records, unless the authors' arrays are read."""
        return super().cuts(raw, options) if options.npy is None else None

    def preprocess(self, raw: Path, options: PreprocessOptions) -> Samples:
        """Cut the beats from the raw records, or read the authors' arrays."""
        return super().preprocess(raw, options) if options.npy is None else _read_arrays(Path(options.npy))

    def beats(self, record: Record, options: PreprocessOptions) -> Samples:
        """Cut the beats of both leads, and keep those that the set has."""
        record = replace(record, signals=_leads(record), leads=list(LEADS))
        beats = self.cut(record, options)
        return beats[_confirmed(record, beats)]

    def cut(self, record: Record, options: PreprocessOptions) -> Samples:
        """Filter a recording and cut the window around its beats; rule 5 asks for a second opinion only in the set.

        The filter treats each lead for itself, so that a model of the lead MLII alone gets the same beats.
        """
        signals = _filtered(record.signals, record.sampling_rate)
        return cut_beats(record, signals, _BEFORE, _LENGTH - _BEFORE, "beatgan", options.align)


def _confirmed(record: Record, beats: Samples) -> NDArray[np.bool_]:
    """Say which beats the set keeps, rule 5: abnormal ones, and normal ones that have an R peak nearby; shape (n,)."""
    signal = _filtered(record.signals[:, :1], record.sampling_rate)[:, 0]
    peaks = correct_r_peaks(signal, detect_r_peaks(signal, record.sampling_rate), record.sampling_rate)
    near = distance(beats.table["sample"].to_numpy(np.int64) + _SHIFT, peaks) < _NEAR
    return np.asarray(near | (beats.class_ids != 0))


def _filtered(signals: F64, rate: float) -> F64:
    return across_gaps(lambda values: fir_bandpass(values, rate, 3.0, 45.0, order=int(0.3 * rate)), signals)


def _leads(record: Record) -> NDArray[np.float64]:
    """MLII and the other lead, shape (T, 2)."""
    if "MLII" not in record.leads or len(record.leads) != 2:
        raise EcganError(
            f"record {record.name} has the leads {', '.join(record.leads)}; this set needs MLII and one more.",
            "Take the record out of `preprocess.records`.",
        )
    return record.select(sorted(record.leads, key=lambda lead: lead != "MLII"))


def _read_arrays(folder: Path) -> Samples:
    """Read the authors' arrays: one file a class, each of shape (n, 2, 320).

    They carry no record and no position, so that the table has nothing but the class, and protocols that go by
    patient do not apply.
    """
    parts = [_read_array(folder / f"{name}_samples.npy") for name in CLASSES]
    labels = np.repeat(np.arange(len(CLASSES), dtype=np.int64), [len(part) for part in parts])
    about = About(SAMPLING_RATE, list(LEADS), CLASSES, centre=_BEFORE)
    samples = Samples(np.concatenate(parts), pd.DataFrame(index=range(len(labels))), about)
    return labelled(samples, labels, CLASSES, DESCRIPTIONS["beatgan"])


def _read_array(file: Path) -> NDArray[np.float64]:
    if not file.is_file():
        raise EcganError(
            f"the file {file} is not there.",
            "preprocess.npy names the folder that holds N_samples.npy, S_, V_, F_ and Q_samples.npy.",
        )
    array = load_npy(file)
    if array.dtype.kind not in "fiu" or array.shape[1:] != (len(LEADS), _LENGTH):
        found = f"{array.dtype} of shape {array.shape}"
        raise EcganError(
            f"{file} holds {found}; expected numbers of shape (n, {len(LEADS)}, {_LENGTH}).",
            "Fetch it again: `ecgan fetch`.",
        )
    return array.astype(np.float64)
