"""Command `score --to parquet`: a trained model and an archive → one Parquet data set, a list, pages of a few."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import ecgan
from ecgan.errors import EcganError
from ecgan.files import alone_in, check_target_folder, made, sha256
from ecgan.references import Reference
from ecgan.scoring.archive import open_manifest, score_archive
from ecgan.scoring.console import Manner, note, tell_archive
from ecgan.scoring.inputs import MANIFEST, expand, list_archive
from ecgan.scoring.places import content_of
from ecgan.scoring.plan import digest
from ecgan.scoring.runs import asked_of, leads_of
from ecgan.scoring.shards import Settings
from ecgan.scoring.usual import SENTENCE


def run(
    places: Sequence[str],
    model: Reference | Mapping[int, Reference],
    out: Path,
    *,
    leads: str | None = None,
    strategy: str | None = None,
    threshold: float | None = None,
    pages: int = 0,
    named: Sequence[str] = (),
    plugins: Sequence[Path] = (),
    resume: bool = False,
    force: bool = False,
    manner: Manner = Manner(),  # noqa: B008, it is frozen
    **reading: Any,
) -> bool:
    """Score an archive; return whether all of it could be.

    Args:
        places: Recordings, folders with folders in them, URLs, patterns, and `@FILE` for a list of these.
        model: The trained run, or the usual ones by the number of leads that they look at.
        out: The folder of the results.
        leads: The recordings' leads that stand for the model's, with commas between; `auto`; None: the same names.
        strategy: The strategy that decides; None: by validation.
        threshold: Its threshold; None: the fitted one.
        pages: So many recordings that lead the ranking get a page,
        named: and these.
        plugins: Files with parts of the user's own.
        resume: Whether what is done is kept.
        force: Whether it is done anew.
        manner: How much is told, and to whom.
        reading: How recordings are read: `sampling_rate`, `unit`, `gain`, `baseline`, `annotator`.
    """
    models = {0: model} if isinstance(model, Reference) else dict(model)
    inputs = list_archive(list(expand(places)), reading["annotator"], out)
    check = partial(_check_target, out, [one.place for one in inputs], resume=resume, force=force)
    check()
    wanted = None if leads is None else tuple(lead.strip() for lead in leads.split(","))
    contents = {count: content_of(one.folder) for count, one in models.items()}
    told: dict[str, Any] = {"model": {models[count].text: content for count, content in contents.items()}}
    told |= {"leads": leads, "strategy": strategy, "threshold": threshold}
    told |= {"ecgan": ecgan.__version__, "plugins": [sha256(file) for file in plugins], **reading}
    settings = Settings(
        models=tuple((count, replace(one, folder=one.folder.absolute())) for count, one in models.items()),
        out=out.absolute(),
        root=Path.cwd(),
        key=digest(told),
        strategy=strategy,
        threshold=threshold,
        leads=wanted,
        contents=tuple(contents.items()),
        asked=asked_of(wanted, models, {count: leads_of(one) for count, one in models.items()}),
        reading=tuple(sorted(reading.items())),
        plugins=tuple(str(file.absolute()) for file in plugins),
    )
    note([SENTENCE] if 0 not in models and not manner.quiet else [])
    with made(out), alone_in(out) as waited:
        if waited:
            check()
        manifest = open_manifest(settings, told, inputs, resume=resume)
        summary = score_archive(settings, manifest, named=named, leading=pages, shown=manner.bar)
    tell_archive(summary, out, manner)
    return not (summary.problems or summary.counts.get("failed"))


def _check_target(out: Path, places: Sequence[str], *, resume: bool, force: bool) -> None:
    """Refuse a folder that is scored itself, and one with results where it is not said what becomes of them."""
    check_target_folder(out)
    inside = os.path.join(os.path.abspath(out), "")  # noqa: PTH100, PTH118
    if any(os.path.abspath(place).startswith(inside) for place in places):  # noqa: PTH100
        raise EcganError(f"what is to be scored lies in {out}, where the results go.", "Name another: --out DIR.")
    if resume and force:
        raise EcganError("--resume goes on, and --force begins anew.", "Leave one of them out.")
    if (out / MANIFEST).exists() and not (resume or force):
        raise EcganError(
            f"{out / MANIFEST} is there already.",
            "Say --resume to go on, --force to begin anew, or name another --out DIR.",
        )
