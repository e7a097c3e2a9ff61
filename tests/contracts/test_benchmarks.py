"""The results of the benchmarks: what is kept of a run, and what the documentation makes of it."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

from .imports import ROOT
from .test_docs import tables


@pytest.fixture(scope="module")
def run() -> Any:
    """The script tests/benchmarks/run.py."""
    spec = importlib.util.spec_from_file_location("run_benchmarks", ROOT / "tests" / "benchmarks" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def one(way: str, median: float, topic: str = "lttb", **extra: Any) -> dict[str, Any]:
    """A benchmark as pytest-benchmark writes it."""
    return {
        "group": "1,000 series",
        "fullname": f"tests/benchmarks/test_{topic}.py::test_it[{way}]",
        "params": {"way": way, "path": "/home/somebody"},
        "extra_info": extra,
        "stats": {"median": median, "min": median / 2, "rounds": 5, "data": [median]},
    }


RAW = {
    "machine_info": {"node": "somebodys-laptop", "cpu": {"brand_raw": "CPU"}},
    "commit_info": {"author_time": "2026-01-01", "project": "somebody"},
    "datetime": "2026-01-01T00:00:00",
    "benchmarks": [one("ours", 0.0123456789, beats=64), one("reference: a loop", 1.5)],
}
HERE = {"cpu": "CPU", "cores": 2, "threads": 2, "python": "3.11", "libraries": {"numpy": "2.0"}}


def test_hosts_users_paths_and_dates_are_not_kept(run: Any) -> None:
    kept = run.merged(None, HERE, run.reduced(RAW), ["lttb"])
    assert kept["machine"] == HERE
    ours = kept["topics"]["lttb"][0]
    assert ours["median_s"] == 0.01235
    assert (ours["group"], ours["way"], ours["rounds"], ours["extra"]) == ("1,000 series", "ours", 5, {"beats": 64})
    assert not re.search(r"somebody|2026|/home", json.dumps(kept))
    assert set(run.machine()) == set(HERE)


def test_a_topic_is_replaced_whole_and_others_stay(run: Any) -> None:
    other = run.reduced({"benchmarks": [one("ours", 1.0, "beats"), one("reference: a loop", 2.0, "beats")]})
    kept = run.merged({"machine": HERE, "topics": {**other, "lttb": ["old"], "gone": []}}, HERE, {}, ["lttb", "gone"])
    assert kept["topics"] == other


def test_results_of_another_machine_never_stand_beside_those_of_this_one(run: Any) -> None:
    kept = {"machine": {**HERE, "cpu": "another"}, "topics": {"lttb": [], "beats": []}}
    assert not run.comparable(kept, HERE, ["lttb"])
    assert run.comparable(kept, HERE, ["lttb", "beats"])
    assert run.comparable({**kept, "machine": HERE}, HERE, ["lttb"])
    assert run.comparable(None, HERE, ["lttb"])


def test_a_group_has_one_reference_and_something_beside_it(run: Any) -> None:
    ours, loop = one("ours", 1.0), one("reference: a loop", 2.0)
    assert run.unfit(run.reduced({"benchmarks": [ours, loop]})) == []
    for benchmarks in ([ours], [loop], [ours, loop, one("reference: package", 3.0)]):
        assert run.unfit(run.reduced({"benchmarks": benchmarks})) == ["lttb, 1,000 series"]


def test_a_row_shows_both_times_their_ratio_and_what_was_noted(run: Any) -> None:
    kept = run.merged(None, HERE, run.reduced(RAW), ["lttb"])
    kept["topics"]["lttb"][0]["extra"] |= {"gflop": 0.5, "roof_gflops": 100.0, "peak_mb": 7}
    assert tables().benchmark("lttb", kept).splitlines() == [
        "| what | way | time | reference | its time | times as fast | beats/s | GFLOP/s | share of roof | peak mb |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        "| 1,000 series | ours | 12.3 ms | a loop | 1.5 s | 121 | 5,182 | 40.5 | 40% | 7 |",
    ]
    assert tables().benchmark("beats", kept) == "Not measured."


def test_every_topic_has_its_table_and_what_is_kept_is_fit_for_it(run: Any) -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"<!-- table: benchmark (\w+) -->", page)) == sorted(["machine", *run.topics()])
    kept = json.loads(Path(run.KEPT).read_text(encoding="utf-8"))
    assert set(kept["topics"]) <= set(run.topics())
    assert set(kept["machine"]) == set(HERE)
    assert run.unfit(kept["topics"]) == []
