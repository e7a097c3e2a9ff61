"""The rows of `paper/`: they are what the code computes, what is asked for, and what DVC knows."""

import ast
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.forking import run
from tests.golden.portable import versions

PAPER = ROOT / "paper"
KNOWN = json.loads((ROOT / "tests" / "golden" / "paper.json").read_text(encoding="utf-8"))
ASKED = yaml.safe_load((PAPER / "params.yaml").read_text(encoding="utf-8"))
TABLES = {name: table for name, table in ASKED.items() if name not in ("raw", "data", "optional")}
ROWS = sorted((PAPER / "rows").rglob("*.json"))
HINT = "if numbers are meant to move: python -m tests.golden.paper --write"


def python(*arguments: str) -> str:
    """What a script says, in a process that finds the scripts of `paper/`."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{PAPER}"}
    done = run([sys.executable, *arguments], ROOT, environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


INTERRUPTED = """
import sys, time
from pathlib import Path
import unit
unit.NOTED_S = 0.05
def work(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    time.sleep(0.3)
try:
    with unit.counted(Path(sys.argv[1])):
        work(0.5)
        raise KeyboardInterrupt
except KeyboardInterrupt:
    pass
with unit.counted(Path(sys.argv[1])) as spent:
    work(0.1)
print(spent())
"""


def test_what_a_row_cost_before_it_was_interrupted_counts(tmp_path: Path) -> None:
    assert float(python("-c", INTERRUPTED, str(tmp_path / "cpu.txt"))) > 0.59


@pytest.mark.skipif(KNOWN["versions"] != versions(), reason="the numbers are those of other versions")
@pytest.mark.slow
def test_numbers_do_not_move_unless_behaviour_says_so() -> None:
    found = json.loads(python("-m", "tests.golden.paper"))["rows"]
    for name, row in KNOWN["rows"].items():
        assert found[name] == row, f"{name} has moved; {HINT}"
    assert json.loads((PAPER / "behaviour.json").read_text(encoding="utf-8"))["version"] == KNOWN["behaviour"], HINT


def test_rows_say_how_often_their_detector_or_preset_has_moved() -> None:
    version, tables = KNOWN["behaviour"], {**TABLES, **ASKED["optional"]["tables"]}
    for table in tables.values():
        for name, row in table["rows"].items():
            if part := row.get("detector") or row.get("preset"):
                assert row.get("moved", 0) == KNOWN["moved"].get(part, 0), name
    for file in ROWS:
        row = json.loads(file.read_text(encoding="utf-8"))
        asked = tables[row["table"]]["rows"][row["row"]]
        moved = KNOWN["moved"].get(asked.get("preset") or row["detector"], 0)
        assert row["behaviour"] == version + moved == version + asked.get("moved", 0)


def test_what_is_asked_for_is_what_dvc_runs() -> None:
    stages = yaml.safe_load((PAPER / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert set(stages) == {"raw", "data", *TABLES}
    for name, table in TABLES.items():
        assert table["units"] == list(table["rows"]), name
        place = f"rows/{table['data']}/{ASKED['data'][table['data']]['split']['protocol']}/"
        (out,) = stages[name]["outs"]
        assert next(iter(out)).startswith(place)
        assert stages[name]["deps"] == [f"data/{table['data']}", "behaviour.json"]
        assert stages[name]["params"] == [f"{name}.rows.${{item.row}}", f"data.{table['data']}"]


def test_a_row_lies_where_its_name_says_and_tells_how_it_came_about() -> None:
    for file in ROWS:
        row = json.loads(file.read_text(encoding="utf-8"))
        assert file.stem == row["strategy"]
        assert file.parent.name == f"fold_{row['fold']}_seed_{row['seed']}"
        assert file.parent.parent.name == row["row"]
        assert row["row"] in TABLES[row["table"]]["rows"]
        assert row["supervision"] in ("U", "S")
        assert row["context"]
        assert len(row["parameters_sha256"]) == len(row["data_sha256"]) == 64
        assert row["commit"]
        assert row["cpu_seconds"]["detect"] > 0
        assert file.stat().st_size < 8192


def test_rows_of_a_table_were_computed_on_the_same_data() -> None:
    hashes: dict[Any, set[str]] = {}
    for file in ROWS:
        row = json.loads(file.read_text(encoding="utf-8"))
        hashes.setdefault((row["dataset"], row["protocol"]), set()).add(row["data_sha256"])
    assert all(len(found) == 1 for found in hashes.values())


def test_every_look_at_ds2_is_counted() -> None:
    looks = (PAPER / "looks.csv").read_text(encoding="utf-8")
    for file in (PAPER / "rows" / "mitbih").rglob("*.json"):
        row = json.loads(file.read_text(encoding="utf-8"))
        again = f", behaviour {row['behaviour']}" if row["behaviour"] > 1 else ""
        named = (
            f'"paper {row["table"]}: {row["row"]}, {row["strategy"]}, seed {row["seed"]}{again}",{row["commit"][:7]},'
        )
        assert named in looks


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["rnu"], 2), (["rnu", "wafer@knn-0-77591"], 2)])
def test_what_make_does_not_know_computes_nothing(arguments: list[str], code: int) -> None:
    nothing = "import sys, make; make.run = make.changed = lambda *_: sys.exit('rows were asked for'); make.main()"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{PAPER}"}
    done = run([sys.executable, "-c", nothing, *arguments], ROOT, environment)
    assert done.returncode == code
    assert "{run,check,list}" in done.stdout + done.stderr


def test_a_check_names_what_differs_but_for_seconds_and_commit() -> None:
    code = (
        "import make; old = {'commit': 'a', 'cpu_seconds': 1, 'test': {'auroc': 0.5, 'ap': float('nan')}};"
        "new = {'commit': 'b', 'cpu_seconds': 2, 'test': {'auroc': 0.5, 'ap': float('nan')}};"
        "print(make.compared(old, new, 'plain')); new['test']['auroc'] = 0.25; print(make.compared(old, new, 'plain'))"
    )
    assert python("-c", code).splitlines() == ["[]", "['plain test auroc: was 0.5, is 0.25']"]


def test_a_row_needs_its_own_data_and_no_other() -> None:
    code = (
        "import make; stale = {'raw@mitdb', 'raw@wafer', 'data@mitbih_beatgan', 'data@mitbih', 'data@wafer'};"
        "told = lambda names, stale: print("
        "{data: [one[-1] for one in every] for data, every in make.preparing(names, stale).items()});"
        "told(['beatgan@pca-0-0', 'beatgan@knn-0-0'], stale); told(['beatgan@pca-0-0'], stale - {'raw@mitdb'});"
        "told(['svdb@patient_specific-0-0'], stale)"
    )
    wanted = [
        {"mitbih_beatgan": ["raw@mitdb", "data@mitbih_beatgan"]},
        {"mitbih_beatgan": ["data@mitbih_beatgan"]},
        {"svdb": ["svdb", "svdb"]},
    ]
    assert [ast.literal_eval(line) for line in python("-c", code).splitlines()] == wanted


def test_rows_whose_data_cannot_be_had_do_not_stop_the_others() -> None:
    code = """
import subprocess, make

def call(*command):
    fails = "raw@wafer" in command
    if "repro" in command and not fails:
        computed.append(command[-1])
    return subprocess.CompletedProcess(command, int(fails), "", "no wafer here")

computed = []
make.call, make.changed = call, lambda: {"raw@wafer", "data@wafer"}
print(make.run(["wafer@pca-0-0", "beatgan@pca-0-0", "wafer@knn-0-0"]))
print(computed)
"""
    *told, failed, computed = python("-c", code).splitlines()
    assert (failed, ast.literal_eval(computed)) == ("2", ["beatgan@pca-0-0"])
    assert any("wafer" in line and "no wafer here" in line for line in told)


@pytest.mark.parametrize(("kind", "pattern"), [("run", "beatgan@kn-*"), ("check", "nobody@*"), ("check", "svdb@*")])
def test_a_pattern_that_names_no_row_or_none_to_compare_is_told(kind: str, pattern: str) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{PAPER}"}
    done = run([sys.executable, "-m", "make", kind, pattern], ROOT, environment)
    assert done.returncode == 1
    assert pattern in done.stderr
    assert "Traceback" not in done.stderr


def test_rows_begin_with_fold_0_of_every_table() -> None:
    names = python("-c", "import make; print('\\n'.join(make.names()))").splitlines()
    assert len(names) == len(set(names))
    first = sum(len(table["units"]) for table in TABLES.values()) + len(ASKED["optional"]["tables"])
    seeds = {name: (table["folds"][0], table["seeds"][0]) for name, table in TABLES.items()}
    for name in names[:first]:
        table = name.partition("@")[0]
        fold, seed = seeds.get(table, (0, 0))
        assert name.endswith(f"-{fold}-{seed}"), name


def test_dvc_of_the_project_does_not_see_the_paper() -> None:
    assert (PAPER / ".dvc" / "config").is_file()
    assert "paper" not in Path(ROOT / "dvc.yaml").read_text(encoding="utf-8")
