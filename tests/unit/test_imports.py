"""What a file imports, read from its source."""

from pathlib import Path

from ecgan.imports import closure, direct

SOURCE = """
from typing import TYPE_CHECKING
import typing
if TYPE_CHECKING:
    import own.checked
elif typing.TYPE_CHECKING:
    import own.checked
else:
    import own.checked
if typing.TYPE_CHECKING:
    from own import checked
import own.top, json
class Class:
    def method(self):
        for _ in ():
            with open("x"):
                from own.loop import x
        else:
            from .relative import x
        try:
            import own.tried
        except ValueError:
            import own.handled
        else:
            import own.otherwise
        finally:
            from . import last
        match self:
            case 1:
                async def inner():
                    if not inner:
                        pass
                    elif inner:
                        import own.inner.deep
"""


def test_imports_are_found_wherever_they_stand_but_for_those_of_the_type_checker(tmp_path: Path) -> None:
    names = [
        "checked",
        "top",
        "loop",
        "relative",
        "tried",
        "handled",
        "otherwise",
        "last",
        "unused",
        "inner/__init__",
        "inner/deep",
        "__init__",
    ]
    package = tmp_path / "own"
    (package / "inner").mkdir(parents=True)
    for name in names:
        (package / f"{name}.py").touch()
    file = package / "first.py"
    file.write_text(SOURCE)
    tops = (("own", package),)
    expected = {package / f"{name}.py" for name in names if name not in ("checked", "unused")}
    assert direct(file, tops) == expected
    (package / "last.py").write_text("import own.unused")
    assert closure([file], tops) == expected | {file, package / "unused.py"}
