"""A project of one's own, which uses ECGAN as an installed package: what `ecgan new` writes.

Its pipeline is that of ECGAN's repository. Only what stands for the code differs: a clone names files under `deps`, a
project the folder of links `watched/stages/<stage>`, which follows the installed version; see `ecgan.watched`.
"""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ecgan.config import load_params
from ecgan.errors import EcganError
from ecgan.files import made, read_text, write_text
from ecgan.imports import ROOT
from ecgan.pipeline import renew_links
from ecgan.presets import write_parameters
from ecgan.remotes import refuse_secrets

_PARTS = Path(__file__).parent / "_project"
SOURCE = _PARTS if _PARTS.is_dir() else ROOT
"""Where `dvc.yaml` and what else a project takes over lies: in a wheel below the package, in a clone at the top."""

_HEAD = """\
# The pipeline. Commands take no hyper-parameters: each stage reads params.yaml itself and names here what it reads.
# $ECGAN_RUN is empty, or one executable that runs the command elsewhere.
# watched/ holds links to the code of a stage and to files that parameters name; `ecgan info --pipeline` renews them.
"""
_IGNORED = """\
.venv/
__pycache__/
.ecgan/

# Recordings of patients are never committed by accident
/recordings/*
!/recordings/README.md
/scores/

# What a process that was killed left half-written; the next one clears up
/reports/**/.*.new/
/reports/**/.*.old/

# Links of this machine: `ecgan info --pipeline` makes them
/watched/

# In DVC, not in Git
/data/
/models/*/*/*
/reports/**/scores.csv
/reports/**/confusion.csv
/reports/**/examples.json
/reports/**/drawn.safetensors
/reports/**/seal.json
"""
_CONFIG = """\
[core]
    analytics = false
    check_update = false
    autostage = false
"""
_REMOTE = """\
    remote = published
['remote "published"']
    url = {address}
    verify = true
"""
_README = """\
# {name}

A project of ECGAN, begun with `ecgan new`. `params.yaml` says what is done, `dvc.yaml` in which steps.

```sh
ecgan info --pipeline     # checks params.yaml; needed after a clone, and after another version of ecgan was installed
dvc repro                 # fetch, preprocess, split, train, inverse, detect, report: see reports/report/index.html
ecgan score FILE --model {run} --out scored
git add --all && git commit -m Begin && dvc exp run -S train.epochs=2     # an experiment starts from a commit
```

`python` must be that of the environment where ecgan is installed: activate it. `dvc exp run --temp` and `--queue` need
`--copy-paths watched`, since its links are not in Git. Parts of your own go into `plugins/`, recordings into
`recordings/`.
{models}"""
_MODELS = "\n`dvc pull -R models/published` brings published models; `ecgan list published` shows them.\n"


def begin(
    folder: Path, dataset: str | None, models: list[str] | None, preset: str | None, published: str | None
) -> list[str]:
    """Make a project: a pipeline, parameters, folders for parts and recordings, and a repository of Git and DVC.

    Args:
        folder: Where; made if it is not there, else empty but for `.git`.
        dataset: As `ecgan init` takes it, as are `models` and `preset`.
        models: Names of models.
        preset: Name of a preset.
        published: Address of a DVC remote with ECGAN's published models, a folder or a URL; None: none.

    Returns:
        What is to be said of it, a line each.

    Raises:
        EcganError: The folder is not empty, or there is no such dataset, model or preset; nothing is left of it.
    """
    if folder.exists() and (not folder.is_dir() or any(path.name != ".git" for path in folder.iterdir())):
        raise EcganError(f"{folder} is there already.", "Name a new folder, or an empty one.")
    remote = "" if published is None else _REMOTE.format(address=_address(published))
    experiment = {"entity": "ecgan", "project": "demo", "run": None, "data_dir": "data"}
    with made(folder), _whole(folder), contextlib.chdir(folder):
        told = _repository(remote)
        _write_files(with_models=published is not None)
        told += write_parameters(Path("params.yaml"), dataset, models, preset, experiment, plugins=[], force=False)
        params = load_params(Path("params.yaml"))
        renew_links(params)
        run = f"models/ecgan/demo/{params.models[0]}"
        write_text(Path("README.md"), _README.format(name=Path.cwd().name, run=run, models=_MODELS if remote else ""))
    return told


def pipeline() -> str:
    """Return `dvc.yaml` for a project: that of ECGAN, with a folder of links for the code of each stage."""
    text = re.sub(r"\A(?:#.*\n)+", _HEAD, read_text(SOURCE / "dvc.yaml"))
    if os.name == "nt":  # whose shell knows no $ECGAN_RUN
        text = text.replace("$ECGAN_RUN python", "python")
    above = r"^  (?P<stage>[\w-]+):\n(?:    .*\n|  +#.*\n)*?    deps:\n(?:      - (?!stages/).*\n)*"
    code = r"(?:      - (?:stages|ecgan)/.*\n)+"
    return re.sub(f"(?P<above>{above}){code}", r"\g<above>      - watched/stages/\g<stage>\n", text, flags=re.MULTILINE)


def _repository(remote: str) -> list[str]:
    """Set up Git, where there is none yet, and DVC in the current folder; return what is to be said."""
    told, known = [], any((folder / ".git").exists() for folder in (Path.cwd(), *Path.cwd().parents))
    if not known:
        try:
            subprocess.run(["git", "init", "--quiet"], check=True, capture_output=True)
            known = True
        except (OSError, subprocess.CalledProcessError):
            told = ["there is no Git here: DVC works without it, but keeps no experiments"]
    write_text(Path(".dvc/config"), _CONFIG + ("" if known else "    no_scm = true\n") + remote)
    write_text(Path(".dvc/.gitignore"), "/config.local\n/tmp\n/cache\n")
    write_text(Path(".dvcignore"), "__pycache__/\n*.py[co]\n.ecgan/\n.venv/\n")
    write_text(Path(".gitignore"), _IGNORED)
    return told


def _write_files(*, with_models: bool) -> None:
    """Write the pipeline, the folder for links, and those for parts and recordings of one's own."""
    write_text(Path("dvc.yaml"), pipeline())
    for name in ("plugins/README.md", "recordings/README.md"):
        text = re.sub(r"\[(docs/[\w.-]+)\]\(\.\./[^)]*\)", r"`\1` of ECGAN", read_text(SOURCE / name))
        write_text(Path(name), text)
    write_text(Path("plugins/peak_range.py"), read_text(SOURCE / "plugins/peak_range.py"))
    for file in SOURCE.glob("models/published/*.dvc") if with_models else ():
        write_text(file.relative_to(SOURCE), read_text(file))


def _address(published: str) -> str:
    """Return the address of a remote as DVC's configuration takes it; that of a folder from the root."""
    refuse_secrets(published)
    address = published if "://" in published else str(Path(published).expanduser().absolute())
    if re.search(r"""["'\n]""", address):
        raise EcganError(f"{address} is no address that DVC takes.", "Leave --published out; see `dvc remote add`.")
    if "://" not in published and not Path(address).is_dir():
        raise EcganError(f"there is no folder {address}.", "Name the folder `published` of a clone of ECGAN, or a URL.")
    return f'"{address}"'


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """Leave nothing in a folder that was empty but for `.git`, where the block fails."""
    before = set(folder.iterdir())
    try:
        yield
    except BaseException:
        for path in set(folder.iterdir()) - before:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
