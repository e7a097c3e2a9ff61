"""Results on disk, checked before a report is made of them."""

from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from ecgan.errors import EcganError
from ecgan.files import check_numbers, found_words, read_json, read_table

AGAIN = "Run the stage that wrote it again."


class _Part(BaseModel):
    """Keys that a report needs; there may be others."""

    model_config = ConfigDict(strict=True, extra="ignore")


class PerClass(_Part):
    """What became of one class in the test set."""

    count: int
    flagged: int


class Tested(_Part):
    """Figures of the test set; the report shows more where there are more."""

    per_class: dict[str, PerClass]
    auroc: float | None
    ap: float | None
    f1_abnormal: float | None
    f1_weighted: float | None
    mcc: float | None
    sensitivity: float | None
    ppv: float | None


class Validated(_Part):
    """Figures of validation."""

    auroc: float | None


class Decided(_Part):
    """The decision threshold."""

    method: str
    value: float | None


class Strategy(_Part):
    """One strategy of a detection."""

    supervision: Literal["U", "S"]
    threshold: Decided
    parameters: dict[str, Any]
    test: Tested
    validation: Validated


class Metrics(_Part):
    """What a report needs of `metrics.json`."""

    method: str
    detector: str
    fold: int
    seed: int
    dataset: str
    protocol: str
    class_mapping: str
    version: str | None
    select_by: str | None
    counts: dict[str, dict[str, int]]
    strategies: dict[str, Strategy]


def read_metrics(path: Path) -> dict[str, Any]:
    """Read `metrics.json` of a detection.

    Raises:
        EcganError: It is missing, broken, or lacks what a report shows.
    """
    found = read_json(path)
    try:
        Metrics.model_validate(found)
    except ValidationError as error:
        raise EcganError(f"{path} holds no results: {found_words(error)}.", AGAIN) from None
    if not found["strategies"]:
        raise EcganError(f"{path} holds no results: strategies is empty.", AGAIN)
    result: dict[str, Any] = found
    return result


def read_results(path: Path, columns: list[str], words: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a table of results.

    Args:
        path: The file.
        columns: Columns that it must have.
        words: Columns that hold text; all others hold numbers.

    Raises:
        EcganError: It is missing, is no table, lacks a column, or holds text among numbers.
    """
    table = read_table(path, dict.fromkeys(words, str), hint=AGAIN)
    for name in columns:
        if name not in table:
            raise EcganError(f"{path} lacks the column {name!r}; it has {', '.join(map(str, table))}.", AGAIN)
    for name in [str(name) for name in table if name not in words]:
        check_numbers(path, table, name, hint=AGAIN)
    return table
