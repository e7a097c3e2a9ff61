"""Run the benchmarks and keep what they say in reports/benchmarks/benchmarks.json: `make bench`.

A topic is a file `test_<topic>.py`. Without arguments all run; `run.py lttb beats` runs two, and leaves what is kept of
the others, if it comes from the same machine, threads and libraries. A topic is replaced whole, and only when all that
was run has passed. `run.py -k WORDS` runs single benchmarks, shows their times and keeps nothing.

The file holds what a reader needs to compare, and no host, user, path or date.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
KEPT = ROOT / "reports" / "benchmarks" / "benchmarks.json"
LIBRARIES = ("dvc", "numpy", "onnxruntime", "scikit-learn", "scipy", "torch")
DIGITS = 4
OPTIONS = (
    "--benchmark-only",
    "--benchmark-max-time=1",
    "--benchmark-group-by=group",
    "--benchmark-columns=median,min,rounds",
    "--benchmark-sort=fullname",
    "-p",
    "no:xdist",
    "-v",
)

Topics = dict[str, list[dict[str, Any]]]


def topics() -> list[str]:
    """Return the names of all topics."""
    return sorted(file.stem.removeprefix("test_") for file in HERE.glob("test_*.py"))


def machine() -> dict[str, Any]:
    """Return what times depend on besides the code: processor, cores, threads and libraries."""
    from cpuinfo import get_cpu_info

    there = {name: importlib.metadata.version(name) for name in LIBRARIES if _installed(name)}
    threads = re.search(r"^THREADS = (\d+)", (HERE / "conftest.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert threads is not None
    return {
        "cpu": get_cpu_info().get("brand_raw", platform.machine()),
        "cores": os.cpu_count(),
        "threads": int(threads[1]),
        "python": platform.python_version(),
        "libraries": there,
    }


def reduced(raw: dict[str, Any]) -> Topics:
    """Return what is kept of the JSON of pytest-benchmark: by topic, one entry a benchmark, in the order of the run.

    Times are seconds a call. Whatever a benchmark notes in `benchmark.extra_info` stands in `extra`.
    """
    found: Topics = {}
    for one in raw["benchmarks"]:
        topic = Path(one["fullname"].split("::")[0]).stem.removeprefix("test_")
        times = one["stats"]
        found.setdefault(topic, []).append(
            {
                "group": one["group"],
                "way": one["params"]["way"],
                "median_s": _short(times["median"]),
                "min_s": _short(times["min"]),
                "rounds": times["rounds"],
                "extra": {key: _short(value) for key, value in one["extra_info"].items()},
            }
        )
    return found


def unfit(ran: Topics) -> list[str]:
    """Return the groups that have not one reference and something beside it, by topic and name."""
    found = []
    for topic, rows in ran.items():
        for group in dict.fromkeys(row["group"] for row in rows):
            ways = [row["way"].startswith("reference: ") for row in rows if row["group"] == group]
            if sum(ways) != 1 or all(ways):
                found.append(f"{topic}, {group}")
    return found


def merged(kept: dict[str, Any] | None, here: dict[str, Any], ran: Topics, asked: list[str]) -> dict[str, Any]:
    """Return the file's new content: the topics that were asked for as they ran now, the others as they were kept."""
    others = {} if kept is None else {topic: rows for topic, rows in kept["topics"].items() if topic not in asked}
    everything = {**others, **ran}
    return {"machine": here, "topics": {topic: everything[topic] for topic in sorted(everything)}}


def comparable(kept: dict[str, Any] | None, here: dict[str, Any], asked: list[str]) -> bool:
    """Whether results from here may stand beside those that stay in the file."""
    return kept is None or kept["machine"] == here or not set(kept["topics"]) - set(asked)


def main() -> int:
    """Run what was asked for; return 0 if all of it passed."""
    parser = argparse.ArgumentParser(description="Run the benchmarks.", epilog="Example: run.py lttb beats")
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help=f"one of {', '.join(topics())}; all by default")
    parser.add_argument("-k", metavar="WORDS", help="only benchmarks with these words in their name; nothing is kept")
    arguments = parser.parse_args()
    asked = arguments.topics or topics()
    if unknown := sorted(set(asked) - set(topics())):
        parser.error(f"there is no topic {unknown[0]}; there are {', '.join(topics())}")
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else None
    if not arguments.k and not comparable(kept, machine(), asked):
        parser.error("the results that are kept come from another machine or other libraries; run all topics")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.json"
        command = [sys.executable, "-m", "pytest", *(f"{HERE / f'test_{topic}.py'}" for topic in asked), *OPTIONS]
        command += ["-k", arguments.k] if arguments.k else [f"--benchmark-json={raw}"]
        natively = os.environ | {"ECGAN_TEST_ARITHMETIC": "native"}
        code = subprocess.run(command, cwd=ROOT, env=natively, check=False).returncode
        if code or arguments.k:
            return code
        if not raw.is_file() or not raw.stat().st_size:
            parser.error("nothing ran: every benchmark was skipped, for the reasons above")
        ran = reduced(json.loads(raw.read_text(encoding="utf-8")))
    if wrong := unfit(ran):
        parser.error(f"one way of each group is the reference, others stand beside it; not so in: {'; '.join(wrong)}")
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    content = merged(kept, machine(), ran, asked)
    KEPT.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return subprocess.run([sys.executable, ROOT / "docs" / "tables.py"], cwd=ROOT, check=False).returncode


def _installed(name: str) -> bool:
    return any(True for _ in importlib.metadata.distributions(name=name))


def _short(value: Any) -> Any:
    """Round a number to the digits that mean something."""
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
