"""`dvc.yaml`, the stages and the parameters name the same things, and dependencies point one way."""

import ast
import importlib
import inspect
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecgan.config import Document, Params, render_config, render_params, resolve_params
from ecgan.registry import MODELS, REGISTRIES, Registry, is_built_in
from ecgan.watched import KINDS, part_files, stage_code

from .deps import FILE, built_in, command, deps, written
from .imports import ROOT, direct

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
COMMANDS = ("fetch", "preprocess", "split", "train", "inverse", "detect", "report")


def test_one_word_for_stage_command_module_and_section() -> None:
    assert {command(stage) for stage in PIPELINE} == set(COMMANDS)
    for name in COMMANDS:
        assert (ROOT / "stages" / f"{name}.py").is_file()
        assert name in Params.model_fields
    for stage, entry in PIPELINE.items():
        assert entry["cmd"].startswith(f"$ECGAN_RUN python -m ecgan {command(stage)}")
        assert entry["desc"]


@pytest.mark.parametrize("stage", PIPELINE)
def test_deps_are_the_code_and_the_parts_that_the_stage_needs_and_nothing_else(stage: str) -> None:
    found = [dep for dep in PIPELINE[stage]["deps"] if not dep.startswith(("${", "models/", "reports/"))]
    assert found == deps(stage), "run `make deps`"
    assert written() == FILE.read_text()


@pytest.mark.parametrize(("registry", "name"), list(built_in()), ids=lambda value: getattr(value, "kind", value))
def test_links_and_deps_lead_to_all_that_a_part_is_made_of(registry: Registry[Any], name: str) -> None:
    folder = ROOT / "watched" / registry.kinds / name
    linked = {Path(os.path.normpath(folder / link.readlink())) for link in folder.iterdir()}
    assert linked <= part_files(registry, name), "run `make deps`"
    for stage, kinds in KINDS.items():
        if registry.kind in kinds:
            missing = part_files(registry, name) - linked - stage_code(stage)
            assert not missing, f"{stage} depends on {missing} and does not watch it; run `make deps`"


def test_a_model_has_no_link_to_what_only_others_need() -> None:
    linked = {path.name for path in (ROOT / "watched/models/aegan").iterdir()}
    assert "ecgan.models.aegan.py" in linked
    assert not linked & {"ecgan.models.vaegan.py", "ecgan.models.layers.recurrence.py", "ecgan.models.cnn.py"}
    assert not any("reporting" in dep or "figures" in dep for dep in PIPELINE["train"]["deps"])


def test_stages_read_parameters_themselves() -> None:
    for stage, entry in PIPELINE.items():
        assert not re.search(r"\$\{(?!item\})", entry["cmd"]), (
            f"{stage}: a parameter in the command, or one that is not quoted"
        )


DECLARED = {
    function.declaration.stage: (function, function.declaration)
    for name in COMMANDS
    for function in vars(importlib.import_module(f"stages.{name}")).values()
    if hasattr(function, "declaration")
}


def test_every_stage_declares_what_it_reads() -> None:
    assert set(DECLARED) == set(PIPELINE)
    for name in COMMANDS:
        for text, function in vars(importlib.import_module(f"stages.{name}")).items():
            if text.startswith("_") or getattr(function, "__module__", "") != f"stages.{name}":
                continue
            if inspect.isfunction(function) and "params" in inspect.signature(function).parameters:
                assert hasattr(function, "declaration"), f"stages/{name}.py: {text} is handed all parameters"


@pytest.mark.parametrize("stage", PIPELINE)
def test_dvc_watches_what_the_stage_declares_and_nothing_else(stage: str) -> None:
    function, declaration = DECLARED[stage]
    arguments = inspect.signature(function).parameters

    def template(match: re.Match[str]) -> str:
        return f"${{item.{match[1]}}}" if match[1] in arguments else f"${{{match[1]}}}"

    declared = [re.sub(r"\{([\w.]+)\}", template, key) for key in declaration.watched]
    assert sorted(PIPELINE[stage]["params"]) == sorted(declared)
    assert not set(declaration.watched) & set(declaration.unwatched)


@pytest.mark.parametrize("stage", PIPELINE)
def test_what_a_stage_declares_is_in_the_parameters(stage: str) -> None:
    params = resolve_params(Document("", yaml.safe_load(render_params("ecgsyn", ["aegan", "vaegan"]))))
    _, declaration = DECLARED[stage]
    narrowed = declaration.narrowed(params, {"model": "aegan", "detector": "knn"})
    assert not set(Params.model_fields) <= set(dict(narrowed))


def test_the_settings_of_a_run_are_those_that_training_declares() -> None:
    """What `train` copies for later stages is watched, and what is not watched is not copied."""
    params = resolve_params(Document("", yaml.safe_load(render_params("ecgsyn", ["aegan", "vaegan"]))))
    declaration = replace(DECLARED["train"][1], unwatched=())
    narrowed = declaration.narrowed(params, {"model": "aegan"})
    assert render_config(narrowed, "aegan", fold=0) == render_config(params, "aegan", fold=0)


LEVELS = [
    {"arithmetic", "arrays", "config", "ecg", "errors", "files", "terminal"}
    | {"engines", "imports", "progress", "quantiles", "registry", "runtime", "scratch", "seals", "sharing", "watched"},
    {"samples"},
    {"datasets", "models", "preprocessing", "protocols", "evaluation"},
    {"training", "inversion", "detection", "generation", "reporting", "tracking"},
    {"publishing", "remotes", "references", "runs"},
    {"scoring", "comparing", "exporting", "provenance", "about", "listing", "pipeline", "presets", "project"}
    | {"repository", "testing", "notebook"},
    {"completion", "commands", "cli", "__main__"},
]
LIBRARY = ROOT / "ecgan"


def room(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def level(path: Path) -> int:
    return next(index for index, names in enumerate(LEVELS) if room(path) in names)


def arrows() -> Iterator[tuple[Path, Path]]:
    """Each file of the library and each that it imports; the face of the package, which is lazy, left out."""
    for file in LIBRARY.rglob("*.py"):
        for target in direct(file):
            if LIBRARY / "__init__.py" not in (file, target):
                yield file, target


def test_the_library_points_one_way() -> None:
    for file, target in arrows():
        if file != LIBRARY / "cli.py":
            assert target.is_relative_to(LIBRARY), f"{file} imports {target}: the library does not know the stages"
        if target.is_relative_to(LIBRARY):
            assert level(target) <= level(file), f"{file} imports {target}, an arrow back up"


def test_the_library_has_no_circles_between_rooms_or_files() -> None:
    rooms: dict[str, set[str]] = {}
    files: dict[Path, set[Path]] = {}
    for file, target in arrows():
        if not target.is_relative_to(LIBRARY):
            continue
        if room(file) != room(target):
            rooms.setdefault(room(file), set()).add(room(target))
        if not (target.name == "__init__.py" and target.parent in file.parents):  # the package around a module
            files.setdefault(file, set()).add(target)
    for graph in (rooms, files):
        TopologicalSorter(graph).prepare()  # raises CycleError, which names a circle


def test_a_file_of_models_is_a_model_and_knows_no_processes() -> None:
    files = {path.stem: path for path in (LIBRARY / "models").glob("*.py") if path.stem not in ("__init__", "base")}
    assert set(files) == {name for name in MODELS.names() if is_built_in(MODELS.get(name))}
    for path in (*files.values(), *(LIBRARY / "models/layers").glob("*.py")):
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        imported = {alias.name for node in nodes if node.module == "ecgan.sharing" for alias in node.names}
        assert imported <= {"draw", "over_batch"}, path
        assert not [node for node in nodes if node.module and node.module.startswith("torch.distributed")]


def test_only_the_command_line_imports_stages_and_only_inside_functions() -> None:
    tree = ast.parse((ROOT / "ecgan" / "cli.py").read_text())
    top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert not [node for node in top if "stages" in ast.unparse(node)]


def test_every_registered_part_says_what_it_is() -> None:
    for registry in REGISTRIES:
        names = registry.names()
        assert names
        for name in names:
            cls = registry.get(name)
            assert getattr(cls, "title", None) or cls.card.title, name
            assert cls.__doc__, name
