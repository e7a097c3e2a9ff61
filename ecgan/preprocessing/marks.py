"""Whether annotations sit where models expect them: on the peaks, unless `preprocess.align` moves them there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ecgan.config.options import Options
from ecgan.ecg.alignment import OFF_MS, SEEN, marks_off
from ecgan.ecg.beats import cut_windows
from ecgan.ecg.records import Record
from ecgan.ecg.template import evenly
from ecgan.preprocessing.options import AlignOptions
from ecgan.samples import Samples

_AROUND_S = 0.4
_MOST_NAMED = 5


def aligns(options: Options) -> bool:
    """Whether a section `preprocess` has marks moved, so that it does not matter where they are."""
    return isinstance(options, AlignOptions) and options.align != "none"


def note_marks(samples: Samples, options: Options, say: Callable[[str], None]) -> Samples:
    """Say in which records of a dataset annotations sit off the peaks; it is kept in `about.mapping`, for the reports.

    `say` is called with a sentence if there are any.
    """
    note, about = marks_note(offsets(samples, options), samples.about.leads, say), samples.about
    if not note:
        return samples
    return replace(samples, about=replace(about, mapping="; ".join(filter(None, [about.mapping, note]))))


def offsets(samples: Samples, options: Options) -> dict[str, float]:
    """Return how far the annotations of each record sit beside its peaks, ms; none where that does not matter."""
    records, about = samples.records, samples.about
    if records is None or about.centre is None or about.sampling_rate <= 0 or aligns(options):
        return {}
    names, first = np.unique(records, return_index=True)
    names = names[np.argsort(first)].tolist()
    return {name: marks_off(samples.signals[records == name], about.centre, about.sampling_rate) for name in names}


def marks_note(found: Mapping[str, float], leads: Sequence[str], say: Callable[[str], None]) -> str:
    """Return in which records annotations sit off the peaks, "" where they sit there in all; `say` is told."""
    off = {name: ms for name, ms in found.items() if abs(ms) > OFF_MS}
    if not off:
        return ""
    named = ", ".join(f"{name} {_words(ms)}" for name, ms in list(off.items())[:_MOST_NAMED])
    more = f" and {len(off) - _MOST_NAMED:,} more" if len(off) > _MOST_NAMED else ""
    where = f"{len(off):,} of {len(found):,} records"
    note = f"annotations beside the peaks of {', '.join(leads)} in {where}: {named}{more}"
    say(f"{note}; preprocess.align would move them there.")
    return note


def marks_warning(record: Record, options: Options) -> str:
    """Say whether the annotations of one recording sit off its peaks; "" where they do not, or are moved anyway."""
    if aligns(options):
        return ""
    around = round(_AROUND_S * record.sampling_rate)
    drawn = record.samples[evenly(np.arange(len(record.samples)), SEEN)]
    beats, _ = cut_windows(record.signals, drawn, around, around + 1)
    off = marks_off(beats, around, record.sampling_rate) if len(beats) else 0.0
    if abs(off) <= OFF_MS:
        return ""
    return (
        f"the annotations sit {_words(off)} the peaks (median): beats are cut beside where the model knows them; let R"
        " peaks be detected, or take a model trained with preprocess.align"
    )


def _words(ms: float) -> str:
    return f"{abs(ms):.0f} ms {'before' if ms > 0 else 'behind'}"
