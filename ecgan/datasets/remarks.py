"""What readers warn of while a dataset is cut: on the terminal, and in a few words with the samples."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ecgan.samples import Samples
from ecgan.terminal import say

_TOLD, _NAMED = 5, 3


def note_warnings(samples: Samples, found: Mapping[str, Sequence[str]]) -> Samples:
    """Say what readers warned of; which recordings it was is kept in `about.mapping`, for the reports.

    Args:
        samples: What was cut.
        found: The warnings of each recording, by its name, in the order of the recordings.
    """
    by_text: dict[str, list[str]] = {}
    for name, texts in found.items():
        for text in texts:
            by_text.setdefault(text, []).append(name)
    if not by_text:
        return samples
    for text, names in list(by_text.items())[:_TOLD]:
        say(f"warning: {_list(names, len(found))}: {text}")
    if len(by_text) > _TOLD:
        say(f"warning: and {len(by_text) - _TOLD:,} warnings more, of other kinds")
    warned = [name for name, texts in found.items() if texts]
    note = f"readers warned of {_list(warned, len(found))}"
    mapping = "; ".join(filter(None, [samples.about.mapping, note]))
    return replace(samples, about=replace(samples.about, mapping=mapping))


def _list(names: Sequence[str], count: int) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{len(names):,} of {count:,} recordings ({', '.join(names[:_NAMED])}{more})"
