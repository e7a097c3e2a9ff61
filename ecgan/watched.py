"""What a stage depends on and DVC cannot find by itself, as links in the project's folder `watched/`.

DVC follows links, but no parameters that name files: `watched/<stage>` leads to the file or folder that a parameter of
the stage names, or to the empty file `none`. Each stage renews its link before it works. A link changes only together
with a parameter that the stage depends on, so `dvc.yaml`, which names the link, always watches what the last run read.
"""

import os
from pathlib import Path
from typing import Final

from ecgan.config.describing import allowed, schema_at, schema_of
from ecgan.config.options import Options
from ecgan.errors import EcganError

FOLDER: Final = Path("watched")
NOTHING: Final = "none"


def watch_file(stage: str, section: Options) -> None:
    """Let `watched/<stage>` lead to the file or folder that a section of the parameters names.

    Outside of a project with the folder `watched/` nothing happens.

    Args:
        stage: The stage.
        section: The section that it reads; a parameter that names a file has the type `FilePath`.

    Raises:
        EcganError: The section names two: a stage watches one.
    """
    if not FOLDER.is_dir():
        return
    named = {name: Path(value).expanduser() for name, value in _paths(section).items()}
    if len(named) > 1:
        raise EcganError(
            f"{stage}: the parameters {' and '.join(sorted(named))} name a file or folder each, and DVC watches one.",
            "Leave all but one of them empty (null), or put what they name into one folder.",
        )
    target = next(iter(named.values()), FOLDER / NOTHING)
    _link(FOLDER / stage, target if target.exists() else FOLDER / NOTHING)


def _paths(section: Options) -> dict[str, str]:
    """Return the parameters of a section that name a file or folder."""
    cls = type(section)
    kinds = {name: allowed(schema_at(cls, (name,)), schema_of(cls)) for name in cls.model_fields}
    return {name: value for name, value in section if value is not None and kinds[name] in ("a path", "null or a path")}


def _link(place: Path, target: Path) -> None:
    """Make a symbolic link, relative where it stays within the project; one that is right is left as it is."""
    full = Path(os.path.normpath(Path.cwd() / target))  # what lies behind a link of the user's is the user's
    inside = full.is_relative_to(Path.cwd())
    text = os.path.relpath(full, place.parent.absolute()) if inside else str(full)
    if place.is_symlink() and str(place.readlink()) == text:
        return
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    part.symlink_to(text)
    part.replace(place)
