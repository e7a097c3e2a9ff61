"""The documentation says what the program does: tables, names, links and commands."""

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ecgan.cli import app
from ecgan.registry import DATASETS, DETECTORS, MODELS, PROTOCOLS, REGISTRIES, STRATEGIES
from tests.benchmarks import curves

from .imports import ROOT

PAGES = sorted(
    [
        *(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "plugins/README.md")),
    ]
)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@cache
def tables() -> Any:
    """The script docs/tables.py."""
    spec = importlib.util.spec_from_file_location("docs_tables", ROOT / "docs" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_tables_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert tables().renewed(text) == text, "run: python docs/tables.py"


def builtin(registry: Any) -> list[str]:
    return [name for name in registry.names() if registry.get(name).__module__.startswith("ecgan.")]


def test_every_model_and_detector_has_a_section_with_its_parameters() -> None:
    for page, kind, registry in (("models", "model", MODELS), ("detectors", "detector", DETECTORS)):
        text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        headings = re.findall(r"^### (\w+)$", text, re.MULTILINE)
        for name in builtin(registry):
            assert name in headings, f"docs/{page}.md has no section on {name}"
            assert f"<!-- table: {kind} {name} -->" in text


def test_every_strategy_has_a_row_that_says_whether_it_learns_from_labels() -> None:
    text = (ROOT / "docs/detectors.md").read_text(encoding="utf-8").partition("\n## Strategies\n")[2]
    for name in builtin(STRATEGIES):
        letter = "S" if STRATEGIES.get(name).labelled else "U"
        assert re.search(rf"^\| `{name}` \| .+ \| {letter} \|$", text, re.MULTILINE), name


def test_every_protocol_has_a_section_with_its_rule() -> None:
    text = (ROOT / "docs" / "protocols.md").read_text(encoding="utf-8")
    for name in builtin(PROTOCOLS):
        assert f"\n## {name}\n\n<!-- table: protocol {name} -->\n" in text


def test_the_lists_of_records_in_the_documentation_are_those_of_the_program() -> None:
    text = " ".join((ROOT / "docs" / "protocols.md").read_text(encoding="utf-8").split())
    sets = DATASETS.get("mitbih")().evaluation_sets()
    for name, records in zip(("DS1", "DS2"), sets, strict=True):
        assert f"{name} {' '.join(records)}" in text


def test_the_picture_of_the_structure_names_every_part_of_the_code() -> None:
    text = (ROOT / "docs" / "structure.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`[\w-]+`(?:, )?)+)", text, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    library = {
        path.stem for path in (ROOT / "ecgan").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    stages = {path.stem for path in (ROOT / "stages").glob("*.py")}
    hidden = {"__init__", "__main__"}
    assert (library | stages) - hidden == named
    for package in library - hidden - {"commands", "completion"}:
        assert package in text.split("## The library")[1].split("Imports go downwards")[0], f"{package} is not drawn"
    for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]:
        assert stage in text.split("A stage is the same word")[0], f"{stage} is not drawn"


def test_the_readme_names_every_part() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"<!-- results -->.*?<!-- /results -->", "", text, flags=re.DOTALL)
    for registry in REGISTRIES:
        for name in builtin(registry):
            assert re.search(rf"\b{name}\b", text), f"README.md does not name the {registry.kind} {name}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target.split("#")[0]).exists(), f"{page.name} links to {target}"


@cache
def options_of(command: str) -> str:
    done = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert done.exit_code == 0, f"there is no command `ecgan {command}`"
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_and_their_options_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"(?:`|^)(?:ECGAN_\w+=\S+ )?ecgan ([a-z]+[^`\n#]*)", text, re.MULTILINE):
        command, *words = line.split()
        known = options_of(command)
        for word in words:
            if word.startswith("-") and len(word) > 1:
                assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", known), f"{page.name}: ecgan {line}"


@pytest.mark.parametrize("name", curves.FIGURES)
def test_figures_of_benchmarks_are_drawn_from_what_was_measured(name: str) -> None:
    assert (curves.FOLDER / name).read_text(encoding="utf-8") == curves.FIGURES[name]()
