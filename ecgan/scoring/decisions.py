"""What a reader decided of the families of a recording: exported by its page, read back, applied."""

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ecgan.errors import EcganError
from ecgan.files import LARGEST_JSON, read_text, restored
from ecgan.reporting.recordings import ACCEPTED, REJECTED, ScoredRecording

COLUMNS = ("family", "decision", "beats", "first_beat")
"""Of the file that a page exports; the last two say which family was meant. More columns do not matter."""

_AGAIN = "Score the recording without --decisions, decide in the page that is written, and export again."


def read_decisions(path: Path, scored: ScoredRecording) -> dict[int, str]:
    """Read the decisions that the page of this recording exported, by number of the family.

    Raises:
        EcganError: The file cannot be read, is of another recording, of other families, or accepts none.
    """
    hint = "Name the file that the page exported."
    lines = io.StringIO(read_text(path, hint, most=LARGEST_JSON), newline="")
    try:
        rows = [{name: restored(cell) for name, cell in row.items()} for row in csv.DictReader(lines)]
    except csv.Error as error:
        raise EcganError(f"cannot read {path}: {error}.", hint) from None
    if not rows or any(row.get(name) is None for name in COLUMNS for row in rows):
        raise EcganError(f"{path} holds no decisions: it needs rows with the columns {', '.join(COLUMNS)}.", _AGAIN)
    numbers = scored.beats["number"].to_numpy()
    known = {str(family.number): (str(len(family.rows)), str(numbers[family.rows[0]])) for family in scored.families}
    for row in rows:
        if row.get("record") not in (None, "", scored.record.name):
            raise EcganError(f"{path} decides of the recording {row['record']!r}, not {scored.record.name!r}.", _AGAIN)
        if known.get(row["family"]) != (row["beats"], row["first_beat"]):
            raise EcganError(f"{path} is of other families than this scoring found: family {row['family']}.", _AGAIN)
        if row["decision"] not in ("", ACCEPTED, REJECTED):
            raise EcganError(
                f"{path} decides {row['decision']!r} of family {row['family']}.", f"Known: {ACCEPTED}, {REJECTED}."
            )
    return {int(row["family"]): row["decision"] for row in rows if row["decision"]}


def decide(scored: ScoredRecording, decisions: Mapping[int, str]) -> ScoredRecording:
    """Return the recording with decisions, `accepted` or `rejected` by number of the family; the others stay open.

    Raises:
        EcganError: A family is not there, a decision is none, or no family is accepted.
    """
    numbers = [family.number for family in scored.families]
    for number, decision in decisions.items():
        if number not in numbers:
            raise EcganError(
                f"there is no family {number}; there are {len(numbers)}.",
                "Export it again from the page of this recording.",
            )
        if decision not in (ACCEPTED, REJECTED):
            raise EcganError(f"family {number} cannot be {decision!r}.", f"Known: {ACCEPTED}, {REJECTED}.")
    if ACCEPTED not in decisions.values():
        raise EcganError("no family is accepted: there would be no annotation.", "Accept one at least.")
    families = [replace(family, decision=decisions.get(family.number, "")) for family in scored.families]
    return replace(scored, families=families, facts={**scored.facts, "decisions": _counts(decisions)})


def _counts(decisions: Mapping[int, str]) -> dict[str, int]:
    return {name: sum(decision == name for decision in decisions.values()) for name in (ACCEPTED, REJECTED)}
