"""How the wheel is built: the stages go below the package, and with them what `ecgan new` makes a project of."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROJECT = ("dvc.yaml", "plugins/README.md", "plugins/peak_range.py", "recordings/README.md")


class Hook(BuildHookInterface):  # type: ignore[type-arg]
    """An editable installation needs none of it: its files lie in the clone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files; a tree without them, as in a layer of the image, gives a wheel without them."""
        if version == "editable":
            return
        root = Path(self.root)
        published = [path.relative_to(root).as_posix() for path in root.glob("models/published/*.dvc")]
        places = {"stages": "ecgan/_stages"} | {name: f"ecgan/_project/{name}" for name in (*PROJECT, *published)}
        build_data["force_include"] |= {name: place for name, place in places.items() if (root / name).exists()}
