"""The tables of an archive as one Parquet data set: a part a shard and table, the same bytes for the same rows."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgan.errors import needed
from ecgan.files import made, unwritable
from ecgan.remotes.recordings import told_place
from ecgan.reporting.recordings import ScoredRecording
from ecgan.scoring.families import family_columns
from ecgan.scoring.inputs import Input
from ecgan.terminal import encodable

TEXT, WHOLE, REAL, TRUTH = "string", "int64", "float64", "bool_"
"""Types of columns, as Arrow names them."""
TABLES: dict[str, dict[str, str]] = {
    "recordings": {
        **dict.fromkeys(("record", "file", "status", "error"), TEXT),
        **dict.fromkeys(("minutes", "sampling_rate_hz"), REAL),
        "leads": TEXT,
        **dict.fromkeys(("samples", "scored", "flagged"), WHOLE),
        **dict.fromkeys(("share_flagged", "highest_score"), REAL),
        **dict.fromkeys(("noisy", "families", "episodes"), WHOLE),
        **dict.fromkeys(("rate_per_min", "qrs_ms"), REAL),
        "strategy": TEXT,
        "threshold": REAL,
        "model": TEXT,
        "warnings": TEXT,
    },
    "beats": {
        "record": TEXT,
        "number": WHOLE,
        "sample": WHOLE,
        "time_s": REAL,
        "symbol": TEXT,
        "score": REAL,
        "score_std": REAL,
        "flagged": TRUTH,
        "family": WHOLE,
        "reason": TEXT,
    },
    "families": {
        "record": TEXT,
        "family": WHOLE,
        "beats": WHOLE,
        **dict.fromkeys(("share", "first_s", "last_s", "mean_score", "highest_score", "early"), REAL),
        "reason": TEXT,
    },
    "episodes": {
        "record": TEXT,
        "episode": WHOLE,
        "start_s": REAL,
        "end_s": REAL,
        "first_beat": WHOLE,
        "beats": WHOLE,
        "kind": TEXT,
        "reason": TEXT,
        "highest_score": REAL,
        "rate_per_min": REAL,
        "family": WHOLE,
    },
}
"""Type of each column of each table."""
_MOST_ROWS, _MOST_BYTES = 10_000_000, 1 << 30
"""Of the tables of a shard, which are those of 16 MiB of signals, or of one long recording."""
_COUNTED = ("samples", "scored", "flagged", "noisy", "families", "episodes", "minutes")


def part_of(out: Path, table: str, number: int) -> Path:
    """The part of a table that a shard makes."""
    return out / table / f"part-{number:05d}.parquet"


class Parts:
    """The rows of a shard, gathered recording by recording."""

    def __init__(self) -> None:
        self.columns: dict[str, dict[str, list[Any]]] = {
            table: {name: [] for name in names} for table, names in TABLES.items()
        }
        self.counts: dict[str, float] = {"recordings": 0, "failed": 0, **dict.fromkeys(_COUNTED, 0)}

    def fail(self, one: Input, message: str) -> None:
        """Note a recording that could not be scored, and why."""
        self._recording({"record": one.name, "file": told_place(one.place), "status": "failed", "error": message})
        self.counts["failed"] += 1

    def add(self, one: Input, scored: ScoredRecording, summary: Mapping[str, Any]) -> None:
        """Note what a recording's summary, beats, families and episodes are."""
        normal = summary.get("normal") or {}
        read = scored.columns["reason"] == ""
        row = {**summary, "record": one.name, "file": told_place(one.place), "status": "scored"}
        row |= {"leads": ",".join(scored.record.leads), "warnings": " ".join(scored.warnings)}
        row |= {name: normal.get(name) for name in ("rate_per_min", "qrs_ms")}
        row["highest_score"] = float(scored.columns["score"][read].max()) if read.any() else None
        self._recording(row)
        self._rows("beats", one.name, scored.columns, len(scored.columns["sample"]))
        if scored.families:
            families = family_columns(scored.families, scored.columns)
            self._rows("families", one.name, families, len(scored.families))
        if len(scored.episodes):
            self._rows("episodes", one.name, scored.episodes, len(scored.episodes))

    def _recording(self, row: Mapping[str, Any]) -> None:
        for name, values in self.columns["recordings"].items():
            values.append(row.get(name))
        self.counts["recordings"] += 1
        for name in _COUNTED:
            self.counts[name] = round(self.counts[name] + (row.get(name) or 0), 6)

    def keep(self, name: str, earlier: "Earlier") -> None:
        """Note a recording that was scored before."""
        self._recording(earlier.rows("recordings", name)[0])
        for table in TABLES.keys() - {"recordings"}:
            for row in earlier.rows(table, name):
                for column, values in self.columns[table].items():
                    values.append(row[column])

    def _rows(self, table: str, record: str, columns: Any, count: int) -> None:
        """Note `count` rows; columns that are not there hold nothing."""
        for name, values in self.columns[table].items():
            if name == "record":
                values += [record] * count
            elif name in columns:
                column = columns[name]
                values += column if isinstance(column, list) else column.tolist()
            else:
                values += [None] * count

    def encoded(self) -> dict[str, bytes]:
        """The parts of the shard by table, that of the recordings last.

        Raises:
            EcganError: pyarrow is not installed.
        """
        return {table: _encoded(table, rows) for table, rows in reversed(self.columns.items())}


class Earlier:
    """The parts of a shard as they are."""

    def __init__(self, out: Path, number: int) -> None:
        parquet = needed("pyarrow.parquet", "parquet", "--to parquet")
        self._rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for table in TABLES:
            for row in parquet.read_table(part_of(out, table, number)).to_pylist():
                self._rows.setdefault((table, row["record"]), []).append(row)

    def rows(self, table: str, name: str) -> list[dict[str, Any]]:
        """What a table says of a recording."""
        return self._rows.get((table, name), [])


def scored_in(out: Path, number: int) -> dict[str, bool]:
    """Whether each recording of a shard that is done was scored, by name."""
    parquet = needed("pyarrow.parquet", "parquet", "--to parquet")
    rows = parquet.read_table(part_of(out, "recordings", number), columns=["record", "status"]).to_pylist()
    return {row["record"]: row["status"] == "scored" for row in rows}


def is_bounded(out: Path, number: int, recordings: int) -> bool:
    """Whether the parts of a shard can be read, by what they say of their size: few bytes may claim any number of rows.

    Args:
        out: The folder of the results.
        number: The shard's.
        recordings: How many it has: so many rows are in its list.
    """
    parquet = needed("pyarrow.parquet", "parquet", "--to parquet")
    try:
        about = {table: parquet.read_metadata(part_of(out, table, number)) for table in TABLES}
    except (OSError, ValueError):  # Arrow's own are of these
        return False
    if any(one.schema.names != list(TABLES[table]) for table, one in about.items()):
        return False
    sizes = [one.row_group(group).total_byte_size for one in about.values() for group in range(one.num_row_groups)]
    most = max(one.num_rows for one in about.values())
    return bool(about["recordings"].num_rows == recordings and most <= _MOST_ROWS and sum(sizes) <= _MOST_BYTES)


def write_parts(out: Path, number: int, content: Mapping[str, bytes]) -> None:
    """Write the parts of a shard, in the order in which they come.

    Raises:
        EcganError: They cannot be written, as on a full disk.
    """
    for table, part in content.items():
        _write(part_of(out, table, number), part)


def _array(arrow: Any, values: list[Any], kind: Any) -> Any:
    r"""A column, in which NaN is nothing; bytes of file names that are no UTF-8 stand as they are shown, `\xff`."""
    try:
        return arrow.array(values, type=kind, from_pandas=True)
    except UnicodeEncodeError:
        texts = [encodable(value) if isinstance(value, str) else value for value in values]
        return arrow.array(texts, type=kind, from_pandas=True)


def _encoded(table: str, rows: Mapping[str, list[Any]]) -> bytes:
    arrow = needed("pyarrow", "parquet", "--to parquet")
    parquet = needed("pyarrow.parquet", "parquet", "--to parquet")
    types = {name: getattr(arrow, kind)() for name, kind in TABLES[table].items()}
    arrays = [_array(arrow, rows[name], kind) for name, kind in types.items()]
    buffer = arrow.BufferOutputStream()
    parquet.write_table(
        arrow.table(arrays, schema=arrow.schema(list(types.items()))), buffer, compression="zstd", version="2.6"
    )
    return bytes(buffer.getvalue().to_pybytes())


def _write(path: Path, content: bytes) -> None:
    """Write a part beside its place, and move it there: who finds it finds all of it."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")  # of several machines two may write the same part
    try:
        with made(path.parent):
            try:
                with beside.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
