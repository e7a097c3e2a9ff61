"""Parts from installed packages: found, told where they come from, and no trouble for those who do not need them."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests import forking
from tests.installed import ROOT, ecgan, install

DETECTOR = """
from ecgan.config.options import Options
from ecgan.detection.base import Detector, State
from ecgan.registry import register_detector

@register_detector({names})
class Mine(Detector):
    title = "mean of the values [0, 1]"
    source = "Someone, 2026"
    Options = Options
    def fit(self, train): pass
    def components(self, x): return {{"mean": x.signals.mean(axis=(1, 2), dtype="float64")}}
    def state(self): return State()
    def restore(self, state): pass
"""


def detector(target: Path, package: str, *names: str, entry: str | None = None, licence: str = "") -> None:
    module = package.replace("-", "_")
    text = DETECTOR.format(names=", ".join(map(repr, names)))
    entries = {"ecgan.detectors": {entry or names[0]: f"{module}.parts"}}
    install(target, package, {f"{module}/__init__.py": "", f"{module}/parts.py": text}, entries, licence=licence)


def broken(target: Path, package: str, name: str, text: str, group: str = "ecgan.detectors") -> None:
    module = package.replace("-", "_")
    install(target, package, {f"{module}.py": text}, {group: {name: module}})


def asked(target: Path, code: str) -> str:
    """Run code where the packages are installed, and return what it printed or the sentence that it ended with."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), str(ROOT)])}
    script = (
        "from pathlib import Path\nfrom ecgan.errors import EcganError\nfrom ecgan.registry import *\n"
        f"from ecgan.registry import load_plugins\ntry:\n    {code}\nexcept EcganError as error:\n    print(error)\n"
    )
    done = forking.run([sys.executable, "-c", script], target, environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def listed(tmp_path: Path):
    def rows(kind: str = "detectors") -> tuple[dict[str, dict[str, str]], str]:
        done = ecgan(tmp_path, "list", kind, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return {row["name"]: row for row in json.loads(done.stdout)}, done.stderr

    return rows


def test_a_package_that_is_installed_meanwhile_is_found(tmp_path: Path) -> None:
    """As in a notebook, by `%pip install`."""
    detector(tmp_path, "early", "first")
    detector(tmp_path / "later", "late", "second")
    code = (
        "import shutil; print('second' in DETECTORS.names()); "
        "[shutil.move(one, '.') for one in Path('later').iterdir()]; print({'first', 'second'} <= {*DETECTORS.names()})"
    )
    assert asked(tmp_path, code) == "False\nTrue\n"


def test_a_part_is_listed_with_package_version_licence_and_aliases(tmp_path: Path, listed) -> None:
    detector(tmp_path, "her-parts", "average", "mean", licence="Apache-2.0")
    rows, errors = listed()
    assert errors == ""
    assert rows["average"] == {
        "name": "average",
        "other names": "mean",
        "what": "mean of the values [0, 1]",
        "source": "Someone, 2026",
        "licence": "Apache-2.0",
        "from": "package her-parts 1.0",
    }
    assert rows["knn"]["from"] == "ecgan"


def test_the_entry_point_alone_is_loaded_when_its_name_is_asked_for(tmp_path: Path) -> None:
    detector(tmp_path, "her-parts", "average")
    broken(tmp_path, "his-parts", "other", "raise RuntimeError('loaded')")
    code = "print(DETECTORS.get('average').__module__, DETECTORS.failures)"
    assert asked(tmp_path, code) == "her_parts.parts {}\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_part_that_fails_to_load_disturbs_only_those_who_ask_for_it(
    tmp_path: Path, listed, text: str, reason: str
) -> None:
    detector(tmp_path, "her-parts", "average")
    broken(tmp_path, "his-parts", "other", text)
    rows, errors = listed()
    assert {"average", "knn"} <= set(rows)
    assert "other" not in rows
    (line,) = errors.splitlines()
    assert line.startswith("warning: ")
    assert all(fact in line for fact in ("'other'", "his-parts 1.0", reason))
    found = asked(tmp_path, "DETECTORS.get('other')")
    assert reason in found
    assert "uninstall" in found
    unknown = asked(tmp_path, "DETECTORS.get('averag')")
    assert all(fact in unknown for fact in ("'average'", "Failed to load: other", "`ecgan list detectors`"))


def test_a_broken_dataset_leaves_the_commands_of_other_datasets_alone(tmp_path: Path) -> None:
    broken(tmp_path, "his-parts", "other", "1 / 0", group="ecgan.datasets")
    assert ecgan(tmp_path, "init", "-d", "ecgsyn", "-m", "aegan", cwd=tmp_path).returncode == 0
    checked = ecgan(tmp_path, "info", "params.yaml", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    wanted = ecgan(tmp_path, "init", "-d", "other", "-o", "other.yaml", cwd=tmp_path)
    assert wanted.returncode == 1
    assert all(fact in wanted.stderr for fact in ("dataset 'other'", "his-parts 1.0", "failed to load"))
    assert "Traceback" not in wanted.stderr
    assert not (tmp_path / "other.yaml").exists()


@pytest.mark.parametrize("name", ["knn", "inverse_mapping"])
def test_a_package_cannot_take_the_name_of_a_built_in_part(tmp_path: Path, listed, name: str) -> None:
    detector(tmp_path, "her-parts", name)
    rows, errors = listed()
    assert rows[name]["from"] == "ecgan"
    assert f"the detector name {name!r} is registered twice" in errors
    assert f"of ecgan.detection.detectors.{name} and Mine of her_parts.parts" in errors


def test_a_name_that_two_packages_claim_is_an_error_that_names_both(tmp_path: Path, listed) -> None:
    detector(tmp_path, "her-parts", "average")
    detector(tmp_path, "his-parts", "average")
    rows, errors = listed()
    assert "average" not in rows
    found = asked(tmp_path, "DETECTORS.get('average')")
    for text in (errors, found):
        assert "the detector name 'average' is registered twice" in text
        assert "her_parts.parts" in text
        assert "his_parts.parts" in text


def plugin(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "mine.py").write_text(DETECTOR.format(names=", ".join(map(repr, names))))


def test_a_plugin_and_a_package_of_the_same_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    detector(tmp_path, "her-parts", "average")
    plugin(tmp_path / "plugins", "average")
    found = ecgan(tmp_path, "list", "detectors", "--plugin", "plugins/mine.py", cwd=tmp_path)
    assert found.returncode == 1
    assert "'average' is registered twice" in found.stderr
    assert all(fact in found.stderr for fact in ("her_parts.parts", "her-parts 1.0", "plugins/mine.py"))


def test_a_plugin_cannot_take_an_alias_of_a_part_that_was_not_yet_loaded(tmp_path: Path) -> None:
    plugin(tmp_path / "plugins", "mine", "beatgan")
    file = tmp_path / "plugins" / "mine.py"
    file.write_text(file.read_text().replace("register_detector", "register_model"))
    found = asked(tmp_path, "load_plugins(['plugins/mine.py'], Path())")
    assert "'beatgan' is registered twice" in found
    assert all(fact in found for fact in ("Aegan of ecgan.models.aegan", "Mine of"))


def test_two_files_of_the_same_name_are_two_plugins(tmp_path: Path) -> None:
    plugin(tmp_path / "a", "first")
    plugin(tmp_path / "b", "second")
    code = "load_plugins(['a/mine.py', 'b/mine.py', 'a/mine.py'], Path()); print(*DETECTORS.names())"
    assert {"first", "second"} <= set(asked(tmp_path, code).split())
    plugin(tmp_path / "b", "first")
    clash = asked(tmp_path, "load_plugins(['a/mine.py', 'b/mine.py'], Path())")
    assert "a/mine.py" in clash
    assert "b/mine.py" in clash


def test_a_plugin_is_listed_with_its_file(tmp_path: Path) -> None:
    plugin(tmp_path / "plugins", "average")
    done = ecgan(tmp_path, "list", "detectors", "--json", "--plugin", "plugins/mine.py", cwd=tmp_path)
    row = next(row for row in json.loads(done.stdout) if row["name"] == "average")
    assert row["from"] == f"plug-in {tmp_path / 'plugins' / 'mine.py'}"
    assert row["licence"] == ""


def test_dvc_watches_the_files_and_the_version_of_a_package(tmp_path: Path) -> None:
    detector(tmp_path, "her-parts", "average")
    module, project = tmp_path / "her_parts", tmp_path / "project"
    (module / "parts.py").write_text("from .helping import x\nimport numpy\n" + (module / "parts.py").read_text())
    (module / "helping.py").write_text("import her_parts.deeper as x\n")
    (module / "deeper.py").write_text("")
    (module / "unused.py").write_text("")
    (project / "watched").mkdir(parents=True)
    code = (
        f"import os; from ecgan.watched import watch_part; os.chdir({str(project)!r}); watch_part(DETECTORS, 'average')"
    )
    assert asked(tmp_path, code) == ""
    links = {link.resolve().relative_to(tmp_path) for link in (project / "watched/detectors/average").iterdir()}
    files = {f"her_parts/{name}.py" for name in ("__init__", "parts", "helping", "deeper")}
    assert {str(link) for link in links} == files | {"her_parts-1.0.dist-info/METADATA"}
    (tmp_path / "her_parts-1.0.dist-info").rename(tmp_path / "her_parts-2.0.dist-info")
    assert not all(link.exists() for link in (project / "watched/detectors/average").iterdir())  # so DVC sees it
    asked(tmp_path, code)
    links = {link.resolve().relative_to(tmp_path) for link in (project / "watched/detectors/average").iterdir()}
    assert Path("her_parts-2.0.dist-info/METADATA") in links
    assert len(links) == 5
