"""Compare two files dvc.lock: python docker/compare_locks.py BEFORE AFTER.

Where both were made on one machine, every output must be the same. On another processor the last bits of trained
weights may differ, and so may all that is made of them, but never the data. A stage whose command, code or parameters
changed was another question, and so was what follows from it.

Exit codes: 0 all is the same, 1 results differ, or data for such a reason, 2 data differs or a stage is missing.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

DATA = ("fetch", "preprocess", "split")
Stages = dict[str, dict[str, Any]]


def stages(lock: Path) -> Stages:
    """Return the stages of a lock file by name, in the order in which they ran."""
    found: Stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
    return found


def hashes(stage: dict[str, Any], kind: str) -> dict[str, str]:
    """Return the hash of every path of one kind, `deps` or `outs`."""
    return {entry["path"]: entry["md5"] for entry in stage.get(kind, [])}


def touches(path: str, others: set[str]) -> bool:
    """Tell whether a path is one of the others, lies in one, or holds one."""
    return any(path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in others)


def question(stage: dict[str, Any], made: set[str]) -> Any:
    """Return what a stage was asked: command, parameters, and the dependencies that no stage made."""
    given = {path: md5 for path, md5 in hashes(stage, "deps").items() if not touches(path, made)}
    return stage["cmd"], stage.get("params"), given


def compare(name: str, old: dict[str, str], new: dict[str, str], excuse: str) -> int:
    """Print which outputs of one stage are the same; return the exit code for it."""
    paths = old.keys() | new.keys()
    differ = sorted(path for path in paths if old.get(path) != new.get(path))
    print(f"  {name}: {len(paths) - len(differ)} of {len(paths)} outputs are the same{excuse if differ else ''}")
    for path in differ:
        print(f"    differs: {path}")
    if not differ:
        return 0
    return 2 if name in DATA and not excuse else 1


def main(before: Path, after: Path) -> int:
    """Print stage by stage what is the same and what is not; return the exit code."""
    old, new = stages(before), stages(after)
    made = {path for lock in (old, new) for stage in lock.values() for path in hashes(stage, "outs")}
    affected: set[str] = set()
    code = 0
    for name in dict.fromkeys([*new, *old]):
        if name not in old or name not in new:
            print(f"  {name}: only in {after if name in new else before}")
            code = 2
            continue
        follows = any(touches(path, affected) for path in hashes(new[name], "deps"))
        other = follows or question(old[name], made) != question(new[name], made)
        first, second = hashes(old[name], "outs"), hashes(new[name], "outs")
        if other and first != second:
            affected |= second.keys()
        code = max(code, compare(name, first, second, "; it was asked for something else" if other else ""))
    return code


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
