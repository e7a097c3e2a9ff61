"""A run of the pipeline as an RO-Crate, by the profile Provenance Run Crate 0.5; its root is the project's folder.

What DVC noted of a run (`dvc.lock`) in terms that other programs know: the workflow and its steps, what each was given
and made, with hashes; parameters, licence of the data, code, environment. https://w3id.org/ro/wfrun/provenance/0.5
"""

import json
import os
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ecgan.comparing.locks import Lock, Stage, from_outside, pipeline_order
from ecgan.errors import EcganError, needed
from ecgan.files import sha256
from ecgan.provenance.here import SAME, Commit, commit_of, state

FILE: Final = "ro-crate-metadata.json"
DIGEST: Final = "ECGAN_IMAGE_DIGEST"
"""Variable that names the container's image and digest, `ecgan@sha256:…`, where it is known."""

_PROFILES: Final = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_TERMS: Final = "https://w3id.org/ro/terms/workflow-run/context"
_ENCODINGS: Final = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
    ".lock": "application/yaml",
    ".svg": "image/svg+xml",
    ".html": "text/html",
}
_WORKFLOW, _PARAMS, _PINS = "dvc.yaml", "params.yaml", "constraints.txt"
_RUN, _ENGINE, _AGENT, _CODE = "#run", "https://dvc.org/", "#developers", "#code"

Ref = dict[str, str]


def describe(lock: Lock, data: Mapping[str, str], more: Iterable[str] = ()) -> dict[str, Any]:
    """Describe the run that a lock tells of.

    The same lock and commit give the same text: nothing in it is the time or the place of the call. Where a profile
    asks for a time, it is that of the commit that holds `dvc.lock`.

    Args:
        lock: The lock of the project in the working directory.
        data: Of the dataset: `path` of the raw files, `title`, `source`, `licence`.
        more: Further files of the project that belong to it.

    Returns:
        The RO-Crate metadata document, to be written as `ro-crate-metadata.json`.

    Raises:
        EcganError: The package rocrate is missing, or an output is not here or not what the lock says.
    """
    _check(lock)
    rocrate = needed("rocrate.rocrate", "crate", "a crate")
    crate = rocrate.ROCrate(version="1.1")
    _Described(crate, lock, commit_of("dvc.lock"), data).add(more)
    found: dict[str, Any] = crate.metadata.generate()
    found["@context"] = ["https://w3id.org/ro/crate/1.1/context", _TERMS]
    found["@graph"].sort(key=lambda entity: (entity["@id"] != FILE, entity["@id"] != "./", entity["@id"]))
    return found


def _check(lock: Lock) -> None:
    """Refuse to describe what is not there."""
    for name, stage in lock.items():
        for path, locked in stage.outs.items():
            if (found := state(Path(path), locked)) != SAME:
                hint = "`dvc pull` brings what is published, `dvc repro` makes it anew."
                raise EcganError(f"{path}, which stage {name} made, is {found}.", hint)


class _Described:
    """Fills a crate; entities refer to each other by their id, and each is added once."""

    def __init__(self, crate: Any, lock: Lock, commit: Commit, data: Mapping[str, str]) -> None:
        self.crate, self.lock, self.commit, self.data = crate, lock, commit, data
        self.made: set[str] = set()
        self.inputs: dict[str, Ref] = {}

    def add(self, more: Iterable[str]) -> None:
        """Add everything."""
        self._about()
        self._software()
        order = pipeline_order(self.lock)
        steps = [self._step(place, name) for place, name in enumerate(order)]
        if Path("README.md").is_file():
            self._file("README.md", about={"@id": "./"})
        self._file(_PARAMS, exampleOfWork={"@id": f"#param-{_PARAMS}"})
        for path in ("dvc.lock", *more):
            self._file(path)
        outs = [self._output(path, locked) for name in order for path, locked in self.lock[name].outs.items()]
        self._parameter(_PARAMS, "File", {"@id": _PARAMS})
        self._workflow(order)
        values = [ref for name in order for ref in self._values(self.lock[name])]
        self._action(_RUN, "The pipeline", "dvc repro", _WORKFLOW, [{"@id": _PARAMS}, *values], outs)
        self._thing(
            "#engine-run",
            "OrganizeAction",
            name="Run of DVC",
            instrument={"@id": _ENGINE},
            object=[{"@id": f"#control-{name}"} for name in order],
            result={"@id": _RUN},
            **self._when(),
        )
        self.crate.root_dataset["mentions"] = [{"@id": _RUN}, *steps, {"@id": "#engine-run"}]

    def _about(self) -> None:
        root = self.crate.root_dataset
        root["name"] = "A run of the ECGAN pipeline"
        root["description"] = "What each stage of the pipeline was given and made, as DVC noted it in dvc.lock."
        root["license"] = {"@id": "https://spdx.org/licenses/MIT"}
        root["author"] = {"@id": _AGENT}
        root["conformsTo"] = [{"@id": name} for name in _PROFILES]
        root["datePublished"] = self.commit.date or "1970-01-01"
        for name, (title, number) in _PROFILES.items():
            self._thing(name, "CreativeWork", name=title, version=number)
        self._thing("https://spdx.org/licenses/MIT", "CreativeWork", name="MIT License")
        self._thing(_AGENT, "Organization", name="The ECGAN developers")
        self.crate.metadata["conformsTo"] = [
            {"@id": "https://w3id.org/ro/crate/1.1"},
            {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
        ]

    def _software(self) -> None:
        self._thing(_ENGINE, "SoftwareApplication", name="DVC", url=_ENGINE, softwareVersion=version("dvc"))
        self._thing(f"{_ENGINE}#language", "ComputerLanguage", name="DVC pipeline", url=_ENGINE)
        facts = {"version": self.commit.name} if self.commit.name else {}
        self._thing(
            _CODE, "SoftwareSourceCode", name=f"ECGAN {version('ecgan')}", programmingLanguage="Python", **facts
        )
        if Path(_PINS).is_file():
            self._file(_PINS, description="Versions of all packages that CI and the image install", sha=True)
        image, _, digest = os.environ.get(DIGEST, "").partition("@")
        if digest:
            kind = {"@id": "https://w3id.org/ro/terms/workflow-run#DockerImage"}
            sha = digest.removeprefix("sha256:")
            self._thing("#image", "ContainerImage", name=image, sha256=sha, additionalType=kind)

    def _workflow(self, order: list[str]) -> None:
        from rocrate.model import ComputationalWorkflow

        tools = [{"@id": f"#ecgan-{word}"} for word in dict.fromkeys(map(_word, order))]
        facts = {
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            "name": "The pipeline of ECGAN",
            "programmingLanguage": {"@id": f"{_ENGINE}#language"},
            "hasPart": tools,
            "step": [{"@id": f"#step-{name}"} for name in order],
            "input": list(self.inputs.values()),
            "encodingFormat": _ENCODINGS[".yaml"],
            "conformsTo": {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"},
            "isPartOf": {"@id": _CODE},
        }
        facts |= {"version": self.commit.name} if self.commit.name else {}
        workflow = self.crate.add(ComputationalWorkflow(self.crate, dest_path=_WORKFLOW, properties=facts))
        self.crate.root_dataset["mainEntity"] = workflow

    def _step(self, place: int, name: str) -> Ref:
        """Add a stage: tool, step, what ran it and what it did; return the last."""
        stage, tool = self.lock[name], f"#ecgan-{_word(name)}"
        facts: dict[str, Any] = {"softwareVersion": version("ecgan"), "isPartOf": {"@id": _CODE}}
        facts |= {"softwareRequirements": {"@id": _PINS}} if Path(_PINS).is_file() else {}
        self._thing(tool, "SoftwareApplication", name=f"ecgan {_word(name)}", **facts)
        self._thing(f"#step-{name}", "HowToStep", name=name, position=str(place), workExample={"@id": tool})
        read = from_outside(self.lock, name)
        given = [self._output(path, found) for path, found in stage.deps.items() if path not in read]
        hashes = json.dumps(read, sort_keys=True)
        code = self._thing(f"#code-{name}", "PropertyValue", name="MD5 of the code, by its path", value=hashes)
        outs = [self._output(path, locked) for path, locked in stage.outs.items()]
        done = self._action(f"#run-{name}", name, stage.command, tool, [*given, *self._values(stage), code], outs)
        control = {"instrument": {"@id": f"#step-{name}"}, "object": done}
        self._thing(f"#control-{name}", "ControlAction", name=f"DVC runs {name}", **control)
        return done

    def _action(self, key: str, name: str, command: str, tool: str, given: list[Ref], made: list[Ref]) -> Ref:
        facts: dict[str, Any] = {"instrument": {"@id": tool}, "object": _once(given), "result": _once(made)}
        facts |= {"containerImage": {"@id": "#image"}} if "#image" in self.made else {}
        return self._thing(key, "CreateAction", name=name, description=command, **facts, **self._when())

    def _when(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"agent": {"@id": _AGENT}}
        return facts | ({"endTime": self.commit.date} if self.commit.date else {})

    def _values(self, stage: Stage) -> list[Ref]:
        """Add the parameters that a stage read; all stages read the same file, so that a name has one value."""
        found = []
        for name, value in stage.params.items():
            key, plain = f"#value-{name}", value if isinstance(value, (bool, int, float, str)) else json.dumps(value)
            self._thing(key, "PropertyValue", name=name, value=plain, exampleOfWork={"@id": f"#param-{name}"})
            self._parameter(name, _type(plain), {"@id": key})
            found.append({"@id": key})
        return found

    def _parameter(self, name: str, kind: str, example: Ref) -> None:
        """Add what the workflow may be given."""
        key = f"#param-{name}"
        self.inputs[name] = self._thing(key, "FormalParameter", name=name, additionalType=kind, workExample=example)

    def _output(self, path: str, locked: str) -> Ref:
        """Add what a stage wrote, a part of it, or a folder that holds several."""
        if Path(path).is_file():
            return self._file(path, md5=locked)
        facts: dict[str, Any] = {"name": path, "identifier": f"md5:{locked}"}
        if path == self.data["path"]:
            facts["description"] = f"{self.data['title']}; source: {self.data['source']}"
            facts["license"] = self.data["licence"]
            facts["hasPart"] = [
                self._file(file.as_posix(), sha=True) for file in sorted(Path(path).rglob("*")) if file.is_file()
            ]
        return self._data(f"{path}/", "Dataset", facts)

    def _file(self, path: str, *, sha: bool = False, **facts: Any) -> Ref:
        facts |= {"name": path, "contentSize": str(Path(path).stat().st_size)}
        facts |= {"encodingFormat": _ENCODINGS.get(Path(path).suffix, "application/octet-stream")}
        facts |= {"sha256": sha256(Path(path))} if sha else {}
        return self._data(path, "File", facts)

    def _data(self, key: str, kind: str, facts: Mapping[str, Any]) -> Ref:
        """Add a file or folder of the project."""
        from rocrate.model import DataEntity

        if key not in self.made:
            self.made.add(key)
            self.crate.add(DataEntity(self.crate, key, {"@type": kind, **facts}))
        return {"@id": key}

    def _thing(self, key: str, kind: str, **facts: Any) -> Ref:
        """Add something that is no file."""
        from rocrate.model import ContextEntity

        if key not in self.made:
            self.made.add(key)
            self.crate.add(ContextEntity(self.crate, key, {"@type": kind, **facts}))
        return {"@id": key}


def _word(stage: str) -> str:
    """The subcommand that a stage runs."""
    return stage.partition("@")[0].removesuffix("-classical")


def _type(value: Any) -> str:
    kinds = {bool: "Boolean", int: "Integer", float: "Float"}
    return kinds.get(type(value), "Text")


def _once(refs: Iterable[Ref]) -> list[Ref] | Ref:
    """Return each reference once; a single one as it is, as RO-Crate has it."""
    found = [{"@id": key} for key in dict.fromkeys(ref["@id"] for ref in refs)]
    return found[0] if len(found) == 1 else found
