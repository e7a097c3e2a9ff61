"""The result of one detection: `detect` writes it, and `report` reads it, checked."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from ecgan.errors import EcganError
from ecgan.evaluation.examples import Example, examples_from_json, examples_text
from ecgan.files import check_numbers, found_words, read_json, read_table, write_frame, write_json, write_text
from ecgan.seals import check_seal, seal

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
    context: str = "none"  # what results of before do not say
    version: str | None
    select_by: str | None
    counts: dict[str, dict[str, int]]
    strategies: dict[str, Strategy]


@dataclass(frozen=True, eq=False)
class Result:
    """One method on one fold.

    Attributes:
        metrics: `metrics.json`, see `Metrics`.
        scores: `scores.csv`: index, label, class, components, and each strategy's score and `<strategy>_predicted`.
        roc: `roc.csv`: `fpr` and one column of true positive rates for each strategy.
        pr: `pr.csv`: `recall` and one column of precisions for each strategy.
        confusion: `confusion.csv`: one row a test sample, its class `actual` and what it was called, `predicted`.
        examples: `examples.json`: samples worth looking at; may be empty.
        history: `history.csv` of the training: epoch, losses, `vali_loss`, `vali_auroc`, `vali_ap`; None for what is
            not trained. It is the stage `train` that writes it.
    """

    metrics: dict[str, Any]
    scores: pd.DataFrame
    roc: pd.DataFrame
    pr: pd.DataFrame
    confusion: pd.DataFrame
    examples: list[Example] = field(default_factory=list)
    history: pd.DataFrame | None = None

    def write(self, folder: Path) -> None:
        """Write everything but the history, `metrics.json` and the seal last."""
        for name in _TABLES:
            write_frame(folder / f"{name}.csv", getattr(self, name))
        write_text(folder / "examples.json", examples_text(self.examples))
        write_json(folder / "metrics.json", self.metrics)
        seal(folder)

    @classmethod
    def read(cls, folder: Path, history: Path | None = None) -> Self:
        """Read what `write` wrote, and the history of the training.

        Raises:
            EcganError: A file is missing, damaged, or lacks what a report shows.
        """
        check_seal(folder, AGAIN, only=["metrics.json", "examples.json", *(f"{name}.csv" for name in _TABLES)])
        metrics = read_metrics(folder / "metrics.json")
        strategies = list(metrics["strategies"])
        scores = ["label", "class", *strategies, *(f"{name}_predicted" for name in strategies)]
        columns = {"scores": scores, "roc": ["fpr", *strategies], "pr": ["recall", *strategies], "confusion": _SIDES}
        tables = {
            name: read_results(folder / f"{name}.csv", columns[name], ("class", *_SIDES) if name in _NAMED else ())
            for name in _TABLES
        }
        examples = examples_from_json(read_json(folder / "examples.json"), str(folder / "examples.json"))
        trained = None if history is None else read_results(history, ["epoch"])
        return cls(metrics=metrics, **tables, examples=examples, history=trained)


_SIDES = ["actual", "predicted"]
_TABLES = ("scores", "roc", "pr", "confusion")
_NAMED = ("scores", "confusion")  # hold names of classes


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
