"""What readers warn of while a dataset is cut: on the terminal, and in a few words with the samples."""

from collections.abc import Callable, Mapping, Sequence

from ecgan import terminal

_TOLD, _NAMED = 5, 3


def warnings_note(found: Mapping[str, Sequence[str]]) -> str:
    """Say what readers warned of; return of which recordings they did, in a few words for the reports, "" of none.

    `found` has the warnings of each recording, by its name, in the order of the recordings.
    """
    by_text: dict[str, list[str]] = {}
    for name, texts in found.items():
        for text in texts:
            by_text.setdefault(text, []).append(name)
    if not by_text:
        return ""
    for text, names in list(by_text.items())[:_TOLD]:
        terminal.say(f"warning: {_list(names, len(found))}: {text}")
    if len(by_text) > _TOLD:
        terminal.say(f"warning: and {len(by_text) - _TOLD:,} warnings more, of other kinds")
    warned = [name for name, texts in found.items() if texts]
    return f"readers warned of {_list(warned, len(found))}"


def left_out_note(found: Mapping[str, str], count: int, say: Callable[[str], None]) -> str:
    """Say which of so many recordings could not be used, and why; return it in a few words for the reports.

    `found` has the reason by the name of the recording.
    """
    if not found:
        return ""
    for name, why in list(found.items())[:_TOLD]:
        say(f"left out {name}: {why}")
    note = f"{_list(list(found), count)} left out, which could not be used"
    say(f"{note}.")
    return note


def _list(names: Sequence[str], count: int) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{len(names):,} of {count:,} recordings ({', '.join(names[:_NAMED])}{more})"
