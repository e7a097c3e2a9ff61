"""The tour's commands work, on a simulated recording in the place of the real one, and print what the page says."""

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ecgan.cli import app
from ecgan.ecg.records import write_record
from ecgan.ecg.simulated_patients import simulate

from .imports import ROOT

TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"<!-- run -->\n```bash\n(.*?)```\n\n```text\n(.*?)```", TOUR, re.DOTALL)
MODELS = ("models/published/patient-specific", "models/published/patient-specific-mlii")
STORE = ROOT / "published/files/md5"


def bring(model: str, project: Path) -> None:
    """Do what `dvc pull` does, for one published model."""
    (tracked,) = yaml.safe_load((ROOT / f"{model}.dvc").read_text(encoding="utf-8"))["outs"]

    def stored(md5: str) -> Path:
        return STORE / md5[:2] / md5[2:]

    for entry in json.loads(stored(tracked["md5"]).read_text(encoding="utf-8")):
        target = project / model / entry["relpath"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(stored(entry["md5"]), target)


def run(line: str) -> str:
    words = shlex.split(line)
    if words[0] == "ecgan":
        done = CliRunner().invoke(app, words[1:], env={"COLUMNS": "100", "NO_COLOR": "1"})
        assert done.exit_code == 0, done.output
        return done.output
    words[0] = {"python": sys.executable}.get(words[0], words[0])
    return subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ}).stdout


def decide(families: Path, target: Path, columns: str) -> int:
    """Accept the first family and reject the others, in a file like the one on the page; return the beats accepted."""
    with families.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    beats = list(csv.DictReader((families.parent / "119.csv").open(encoding="utf-8", newline="")))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, next(csv.reader([columns])), extrasaction="ignore")
        writer.writeheader()
        for number, row in enumerate(rows):
            first = next(beat["number"] for beat in beats if beat["family"] == row["family"])
            decision = "rejected" if number else "accepted"
            writer.writerow({**row, "record": "119", "decision": decision, "first_beat": first})
    return int(rows[0]["beats"])


@pytest.mark.slow
@pytest.mark.skipif(not STORE.is_dir(), reason="nothing is published in this checkout")
def test_the_commands_of_the_tour_do_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in MODELS:
        bring(model, tmp_path)
    record = replace(simulate(6, 0, minutes=3, noise=1.0, variability=1.0), name="119")
    (tmp_path / "recordings").mkdir()
    write_record(tmp_path / "recordings", record)
    monkeypatch.chdir(tmp_path)
    scored, cut, decided, classes = COMMANDS

    printed = run(scored[0])
    for line in scored[1].splitlines():
        if line.startswith(("no --model", "Record ", "wrote ")):
            assert " ".join(line.split()) in " ".join(printed.split())
    table = run(cut[0])
    assert table.splitlines()[0] == cut[1].splitlines()[0]
    header = next(line for line in TOUR.splitlines() if line.startswith('"record","family"'))
    accepted = decide(Path("scores/119.families.csv"), Path("119.decisions.csv"), header)
    again, count = decided[0].splitlines()
    run(again)
    assert int(run(count)) == accepted
    assert set(json.loads(run(classes[0]).replace("'", '"'))) == {"N", "S", "V", "F"}


def test_the_numbers_of_the_tour_agree_with_each_other() -> None:
    """They were printed once, by the real record: 445 and 3 beats of two families, 444 of them ventricular."""
    scored, cut, decided, classes = (printed for _, printed in COMMANDS)
    beats = [int(row.split(",")[1]) for row in cut.splitlines()[1:]]
    assert f" {sum(beats)} " in scored
    assert decided.splitlines()[-1] == str(beats[0])
    flagged = json.loads(classes.replace("'", '"'))
    assert sum(row["flagged"] for row in flagged.values()) == sum(beats)
    assert sum(row["scored"] for row in flagged.values()) == 1987
