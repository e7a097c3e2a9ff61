"""What each stage of `dvc.yaml` must list under `deps`, read from the imports; `make deps` writes it, a test compares.

A folder is listed whole where every file of it is needed. What a part is made of besides stands in `watched/`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from ecgan.imports import ROOT
from ecgan.registry import REGISTRIES, STRATEGIES, is_built_in
from ecgan.watched import stage_code, watch_inversion, watch_part, watch_strategies

FILE = ROOT / "dvc.yaml"
LINKS = {
    "fetch": ["watched/fetch", "watched/datasets/${dataset}"],
    "preprocess": ["watched/preprocess", "watched/datasets/${dataset}"],
    "split": ["watched/split", "watched/datasets/${dataset}", "watched/protocols/${split.protocol}"],
    "train": ["watched/models/${item.model}"],
    "inverse": ["watched/models/${item.model}", "watched/inversions/${inverse.method}"],
    "detect": [
        "watched/models/${item.model}",
        "watched/detectors/${detect.detector}",
        "watched/inversions/${inverse.method}",
        "watched/strategies",
    ],
    "detect-classical": ["watched/detectors/${item.detector}"],
    "report": ["watched/datasets/${dataset}"],
}


def command(stage: str) -> str:
    return stage.partition("-")[0]


def deps(stage: str) -> list[str]:
    """The code and links that a stage depends on, as `dvc.yaml` lists them."""
    needed = stage_code(stage)
    own = [ROOT / "stages" / name for name in ("__init__.py", "paths.py", f"{command(stage)}.py")]
    assert {file for file in needed if file.is_relative_to(ROOT / "stages")} == set(own)
    entries = sorted(
        (ROOT / "ecgan").iterdir(), key=lambda entry: (entry.name != "__init__.py", entry.is_file(), entry)
    )
    library = [path for entry in entries for path in compact(entry, needed)]
    return [str(path.relative_to(ROOT)) for path in (*own, *library)] + LINKS[stage]


def compact(entry: Path, needed: set[Path]) -> Iterator[Path]:
    """What is needed of a file or folder, as few paths."""
    files = set(entry.rglob("*.py")) if entry.is_dir() else {entry}
    if files and files <= needed:
        yield entry
    elif entry.is_dir():
        for inner in sorted(entry.iterdir()):
            yield from compact(inner, needed)


def written() -> str:
    """`dvc.yaml` as it should be: data that a stage depends on as they are, code and links from the imports."""
    stages = yaml.safe_load(FILE.read_text())["stages"]

    def renewed(match: re.Match[str]) -> str:
        data = [dep for dep in stages[match[2]]["deps"] if dep.startswith(("${", "models/", "reports/"))]
        return match[1] + "".join(f"      - {dep}\n" for dep in (*data, *deps(match[2])))

    pattern = r"^(  ([\w-]+):\n(?:    .*\n|  +#.*\n)*?    deps:\n)(?:      - .*\n)+"
    return re.sub(pattern, renewed, FILE.read_text(), flags=re.MULTILINE)


def built_in() -> Iterator[tuple[object, str]]:
    for registry in (one for one in REGISTRIES if one is not STRATEGIES):  # they share one folder
        yield from ((registry, name) for name in registry.names() if is_built_in(registry.get(name)))


if __name__ == "__main__":
    FILE.write_text(written())
    for part in built_in():
        watch_part(*part)  # type: ignore[arg-type]
    watch_inversion("auto")
    watch_strategies(yaml.safe_load((ROOT / "params.yaml").read_text())["detect"]["strategies"])
