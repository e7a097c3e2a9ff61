"""Each bad input ends in one sentence and an exit code, and leaves the project as it was."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ecgan
from ecgan import registry
from ecgan.seals import NAME, seal
from tests.making import flip

from . import (
    commands,
    comparisons,
    configurations,
    damaged,
    datasets,
    folds,
    processed,
    recordings,
    records,
    references,
    runs,
)
from .case import CASES, DETECTED, RUN, TRAIN_DIR, Case, spoil
from .project import make_all, run

KINDS = (
    commands,
    comparisons,
    configurations,
    damaged,
    datasets,
    folds,
    processed,
    recordings,
    records,
    references,
    runs,
)
ROOT = Path(__file__).parents[2]

JARGON = re.compile(
    r"Traceback|site-packages|\w(?:Error|Exception)\b|Errno|pydantic|numpy|pandas|torch\b|reshape|ndarray|dtype|NoneType"
    r"|object has no|not subscriptable|invalid literal|could not convert|codec|size mismatch|state_dict|HeaderToo"
    r"|InvalidHeader|out of bounds|broadcast|to unpack|Input should|Field required|type=|\bNone\b|\binf\b|0x[0-9a-f]+"
)


@pytest.fixture(scope="session")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("projects")
    make_all(top)
    return top


@pytest.fixture
def project(projects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(projects / request.param, folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("ECGAN_MIRROR", raising=False)
    monkeypatch.setattr("ecgan.datasets.transfer._WAIT", 0.0)
    return folder


@pytest.fixture(autouse=True)
def _plugins_are_forgotten() -> Iterator[None]:
    parts = registry.REGISTRIES
    before = [(dict(part._entries), dict(part._aliases)) for part in parts]
    yield
    for part, (entries, aliases) in zip(parts, before, strict=True):
        for name in set(part._entries) - set(entries):
            if part._entries[name].__module__.startswith(registry._PLUGIN):
                del part._entries[name]
        part._aliases = {key: name for key, name in part._aliases.items() if name in part._entries or key in aliases}
    for name in [name for name in sys.modules if name.startswith(registry._PLUGIN)]:
        del sys.modules[name]


def tree(folder: Path) -> dict[str, str]:
    """Every file with its hash and every folder; aside locks, which a process leaves, and shards that are taken up."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name == ".ecgan" or name.startswith((".ecgan/lock", ".ecgan/shards")):
            continue
        about = path.lstat()
        if path.is_symlink() and not path.exists():
            found[name] = f"a link to {path.readlink()}"
        elif path.is_dir():
            found[name] = "folder"
        elif not stat.S_ISREG(path.stat().st_mode) or about.st_size > 1 << 30:
            found[name] = f"{stat.filemode(about.st_mode)} {about.st_size}"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def check(case: Case, status: int, said: str) -> None:
    """One sentence, in the user's words, with what the case wants named."""
    assert status == case.status, said
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert "Traceback" not in plain
    found = JARGON.search(plain)
    own_words = case.status == 1 and not case.python  # Typer has its own
    assert found is None or not own_words, f"{found.group()!r} is no word for a user: {plain}"
    one = " ".join(plain.split())
    for word in case.words:
        assert word in one, f"{word!r} is not said: {plain}"
    if case.status == 2:
        assert "Usage:" in plain
        return
    lines = plain.strip().splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    assert len(starts) == 1, plain
    doing = lines[: starts[0]]  # what a long step said of itself when it began
    assert case.before or (len(doing) <= 1 and not any(line.endswith(".") for line in doing)), plain
    assert len(lines) - starts[0] - 1 <= case.lines, plain
    assert len(lines[starts[0]]) <= 600, f"no sentence: {len(lines[starts[0]])} characters"
    assert lines[starts[0]].rstrip().endswith((".", "?")) or case.lines > 1, f"no sentence: {lines[starts[0]]}"


@pytest.mark.parametrize(
    ("case", "project"), [(case, case.stage) for case in CASES], indirect=["project"], ids=[case.name for case in CASES]
)
def test_bad_input_is_one_sentence(
    case: Case, project: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(case, project)
    if (project / case.mirror).exists() or "://" in case.mirror:
        monkeypatch.setenv("ECGAN_MIRROR", case.mirror)
    before = tree(project)
    capfd.readouterr()
    status = run(case.command)
    check(case, status, capfd.readouterr().err)
    assert tree(project) == before


READERS = {  # what is read next by which command
    "data/ecgsyn/raw": "ecgan preprocess",
    "data/ecgsyn/processed": "ecgan split",
    "data/ecgsyn/folds": "ecgan train",
    TRAIN_DIR: "ecgan inverse",
    f"{RUN}/inverse/fold_0": "ecgan detect --model aegan",
    f"{RUN}/detect/fold_0": f"ecgan score data/ecgsyn/raw/p01.hea --model {RUN} --out scored",
    "reports/detect/aegan/fold_0": "ecgan report",
    "reports/train/aegan/fold_0": "ecgan report",
    "models/published/own": "ecgan score data/ecgsyn/raw/p01.hea --model published:own --out scored",
}
NOT_READ = ("fold_1.json", "folds/seal.json", "train/aegan/fold_0/metrics.json", "/plots/")  # by these commands
OF_MANY = ("p02", "p04", "p05", "p06", "p07", "p08")  # records like the first


@pytest.mark.parametrize("project", [DETECTED], indirect=True)
def test_one_flipped_byte_in_whatever_file_is_named_by_who_reads_it_next(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Raw, processed, folds, the three parts of a model, reports, a published model: every file, one byte."""
    assert run(("ecgan", "publish", RUN, "own", "--no-push")) == 0
    told = []
    for place, command in READERS.items():
        for path in sorted(file for file in Path(place).rglob("*") if file.is_file()):
            if any(name in path.as_posix() for name in NOT_READ) or path.stem in OF_MANY:
                continue
            content = path.read_bytes()
            flip(path, len(path.as_posix()) * 7919 % len(content))
            capfd.readouterr()
            status = run(tuple(command.split()))
            said = capfd.readouterr().err
            path.write_bytes(content)
            assert status == 1, f"{command} did not notice that {path} has changed"
            named = path.parent.as_posix() if path.name == NAME else path.as_posix()  # a seal may name what it is of
            assert named in " ".join(said.split()), said
            told.append((path, command))
    assert {place for place in READERS if any(path.is_relative_to(place) for path, _ in told)} == set(READERS)
    assert not Path("scored").exists()


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 100
    assert all(kind.__doc__ for kind in KINDS)


SEPARATE = ("unknown_key", "pickle_runs_a_command", "weights_of_another_shape")
APART = [case for case in CASES if case.name in SEPARATE]


@pytest.mark.parametrize(
    ("case", "project"), [(case, case.stage) for case in APART], indirect=["project"], ids=[case.name for case in APART]
)
@pytest.mark.slow
def test_the_same_in_a_process_of_its_own(case: Case, project: Path) -> None:
    assert len(APART) == len(SEPARATE)
    spoil(case, project)
    before = tree(project)
    command = [sys.executable, "-m", *case.command]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    check(case, done.returncode, done.stderr)
    assert tree(project) == before


RUN_CONFIG = f"{TRAIN_DIR}/config.yml"
FROM_RUNS = (
    f"ecgan info {RUN_CONFIG}",
    f"ecgan info {RUN_CONFIG} --pipeline",
    "ecgan info other.yaml",
    "ecgan info marked.yml",
    f"ecgan score data/ecgsyn/raw/p03.hea --model {RUN} --out scores",
    f"ecgan score data/ecgsyn/raw/p03.hea --model file://HERE/{RUN} --out copied",
    f"ecgan generate --model {RUN} -n 2 --out beats.npy",
    f"ecgan export --model {RUN} --out run.onnx",
    "ecgan inverse",
    "ecgan detect --model aegan",
    f"ecgan compare {RUN} {RUN}",
    f"ecgan publish {RUN} mine --no-push",
    f"ecgan seal {RUN}",
    f"ecgan train {RUN_CONFIG}",
    f"ecgan fetch {RUN_CONFIG}",
    f"ecgan-detect -i {RUN} a b c",
    f"ecgan-inverse -i {RUN}",
)


@pytest.mark.parametrize("project", [DETECTED], indirect=True)
def test_nothing_that_the_configuration_of_a_run_names_is_executed(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    proof = project / "executed"
    text = (project / RUN_CONFIG).read_text() + "plugins: [evil.py]\n"
    (project / RUN_CONFIG).write_text(text)
    (project / "other.yaml").write_text(text.partition("\n")[2])
    (project / "marked.yml").write_text(text)
    seal(project / TRAIN_DIR)
    for folder in (project, project / TRAIN_DIR):
        (folder / "evil.py").write_text(f"open({str(proof)!r}, 'a').write(__file__)\n")
    ended = {}
    for command in FROM_RUNS:
        ended[command] = run(tuple(command.replace("HERE", str(project)).split()))
        assert not proof.exists(), command
    told = capfd.readouterr().err
    refused = {command for command, code in ended.items() if code} - {f"ecgan info {RUN_CONFIG} --pipeline"}
    assert refused <= {command for command in FROM_RUNS if "export" in command}, told
    ecgan.load(project / RUN)
    assert not proof.exists()
    (project / "params.yaml").write_text(
        (project / "params.yaml").read_text().replace("plugins: []", "plugins: [evil.py]")
    )
    assert run(("ecgan", "info", "params.yaml")) == 0
    assert proof.exists(), "the project's own parameters name what is run"


@pytest.mark.parametrize("project", [DETECTED], indirect=True)
def test_a_run_without_seals_is_used_once_its_owner_seals_it(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    seals = sorted((project / RUN).rglob("seal.json"))
    before = [file.read_bytes() for file in seals]
    for file in seals:
        file.unlink()
    score = ("ecgan", "score", "data/ecgsyn/raw/p03.hea", "--model", RUN, "--out", "scores")
    assert run(score) == 1
    assert "ecgan seal" in capfd.readouterr().err
    assert run(("ecgan", "seal", RUN)) == 0
    assert [file.read_bytes() for file in seals] == before, "what training wrote and what sealing writes is the same"
    assert run(score) == 0
