"""What a repository of somebody else would run and write is said before it does; the own one is in order."""

import json
import os
from pathlib import Path

import pytest

from ecgan import cli
from ecgan.errors import EcganError
from ecgan.repository import findings

LIST = "0c/" + "d" * 30 + ".dir"
RUN = "$ECGAN_RUN python -m ecgan fetch"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository in which everything stays where it is."""
    top = tmp_path / "clone"
    files = {
        ".dvc/config": "[core]\n    remote = here\n    analytics = false\n['remote \"here\"']\n    url = ../store\n",
        ".git/config": '[core]\n\tbare = false\n[remote "origin"]\n\turl = https://a.example/x\n[user]\n',
        ".git/hooks/pre-commit.sample": "#!/bin/sh\n",
        "dvc.yaml": "stages:\n  a:\n    cmd: $ECGAN_RUN python -m ecgan train ${item}\n"
        "    matrix: {model: '${models}'}\n"
        "    deps: [src]\n    outs:\n    - models/${item.model}:\n        cache: true\n    params: [models]\n",
        "params.yaml": "experiment: {entity: a, data_dir: data}\nplugins: []\nmodels: [aegan]\n",
        "store/files/md5/0a/" + "b" * 30 + ".dir": json.dumps([{"md5": "0" * 32, "relpath": "train/fold_0/a.json"}]),
        "data.dvc": "outs:\n- md5: abc\n  path: data\n",
    }
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    (top / "near").symlink_to("data.dvc")
    return top


def test_the_own_repository_and_one_in_order_have_nothing_to_say(clone: Path) -> None:
    assert findings(clone) == []
    assert [line for line in findings(ROOT) if not line.startswith(".git")] == []


BAD = {
    "up": (f"store/files/md5/{LIST}", [{"md5": "0", "relpath": "a/../../../home/x"}], "'a/../../../home/x'"),
    "absolute": (f".dvc/cache/{LIST}", [{"md5": "0", "relpath": "/etc/cron.d/x"}], "/etc/cron.d/x"),
    "old layout": (f"store/{LIST}", [{"md5": "0", "relpath": "..\\..\\x"}], "x"),
    "git": (f"store/{LIST}", [{"md5": "0", "relpath": ".git/hooks/post-checkout"}], "post-checkout"),
    "no text": (f"store/{LIST}", [{"md5": "0", "relpath": ["x"]}], "['x']"),
    "no list": (f"store/{LIST}", {"relpath": "x"}, "no list"),
    "tracked outside": ("evil.dvc", "outs:\n- path: ../../x\n", "'../../x'"),
    "tracked at the root": ("a/evil.dvc", "outs:\n- path: /tmp/x\n", "'/tmp/x'"),
    "imported": ("evil.dvc", "deps:\n- path: x\n  repo:\n    url: ssh://h/x\nouts:\n- path: x\n", "ssh://h/x"),
    "in git": ("evil.dvc", "outs:\n- path: .git/hooks\n", "'.git/hooks'"),
    "command": ("sub/dvc.yaml", "stages: {a: {cmd: curl x | sh}}", "'curl x | sh'"),
    "commands": ("dvc.yaml", "stages: {a: {cmd: [$ECGAN_RUN python -m ecgan fetch, touch x]}}", "'touch x'"),
    "hidden command": ("dvc.yaml", "stages: {a: {cmd: $ECGAN_RUN python -m ecgan fetch; id}}", "fetch; id"),
    "command of each": ("dvc.yaml", "stages: {a: {foreach: [1], do: {cmd: id}}}", "'id'"),
    "unquoted": ("dvc.yaml", f"stages: {{a: {{cmd: '{RUN} ${{item.model}}'}}}}", "item.model"),
    "out with options": ("dvc.yaml", "stages: {a: {cmd: $ECGAN_RUN python -m ecgan fetch, outs: [../x]}}", "'../x'"),
    "out as a key": ("dvc.yaml", f"stages: {{a: {{cmd: {RUN}, outs: [{{../y: {{cache: false}}}}]}}}}", "../y"),
    "lock": ("dvc.lock", "stages: {a: {cmd: x, outs: [{path: ../../z, md5: a}]}}", "'../../z'"),
    "plug-in": ("params.yaml", "plugins: [evil.py]\n", "evil.py"),
    "folder of data": ("params.yaml", "experiment: {data_dir: ../../home}\n", "'../../home'"),
    "remote elsewhere": (".dvc/config", "['remote \"a\"']\n    url = s3://b/c\n", "s3://b/c"),
    "cache elsewhere": (".dvc/config", "[cache]\ndir = /home/x\n", "/home/x"),
    "plug-ins of hydra": (".dvc/config.local", "[hydra]\nplugins_path = here\n", "hydra.plugins_path"),
    "hook": (".git/hooks/post-checkout", "#!/bin/sh\n", "post-checkout"),
    "monitor": (".git/config", "[core]\n\tfsmonitor = ./x\n", "core.fsmonitor"),
    "in one line": (".git/config", "[core] sshCommand = ./x\n", "core.sshcommand"),
    "filter": (".git/config", '[filter "a"]\n\tsmudge = ./x\n', "filter.smudge"),
    "ext": (".git/config", '[remote "a"]\n\turl = ext::sh -c x\n', "ext::sh"),
    "no yaml": ("dvc.yaml", "stages: [", "dvc.yaml: cannot be looked into"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "word"), BAD.values(), ids=list(BAD))
def test_what_leaves_or_runs_is_found(clone: Path, name: str, content: object, word: str) -> None:
    (clone / name).parent.mkdir(parents=True, exist_ok=True)
    (clone / name).write_text(content if isinstance(content, str) else json.dumps(content))
    found = findings(clone)
    assert any(line.startswith(name.split(" ")[0]) and word in line for line in found), found


@pytest.mark.parametrize("target", ["/etc", "../..", "../other", ".git"])
def test_links_that_leave_are_found(clone: Path, target: str) -> None:
    (clone / "models").symlink_to(target)
    (line,) = findings(clone)
    assert line.startswith("models")
    assert repr(target) in line


def test_huge_and_endless_files_are_told_and_not_read(clone: Path) -> None:
    (clone / "dvc.lock").touch()
    os.truncate(clone / "dvc.lock", 1 << 40)
    os.mkfifo(clone / "a.dvc")
    (clone / "store/0c").mkdir()
    os.mkfifo(clone / "store" / LIST)
    found = findings(clone)
    assert [line.split(":")[0] for line in found] == ["a.dvc", "dvc.lock", f"store/{LIST}"]


def test_the_command_fails_where_something_is_found(
    clone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["ecgan", "info", "--repository", str(clone)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    (clone / "evil.dvc").write_text("outs:\n- path: /x\n")
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    assert "'/x'" in capsys.readouterr().out
    with pytest.raises(EcganError, match="no folder"):
        findings(clone / "none")
