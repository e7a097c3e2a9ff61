"""The base of every group of parameters: strict, immutable, documented field by field."""

from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr

from ecgan.errors import EcganError


class UndeclaredError(EcganError, AttributeError):
    """A stage reads a parameter (`key`, with dots) that it does not declare, and that DVC does not watch for it."""

    def __init__(self, stage: str, key: str) -> None:
        super().__init__(
            f"the stage {stage!r} reads the parameter {key!r}, which it does not declare.",
            f"Name it in @reads({stage!r}, …) of stages/{stage.partition('-')[0]}.py, and in the stage's params in"
            " dvc.yaml.",
        )


class Options(BaseModel):
    """Typed parameters; unknown keys, wrong types and values out of range are refused.

    Each field has `Field(default, description="...")`: the description becomes the comment in the file that
    `ecgan init` writes. Lists are `list[...]` (YAML has no tuples), choices are `Literal[...]`, ranges are
    `Field(ge=..., le=...)`. What a stage is handed has only the fields that it declares (`ecgan.config.declaring`).
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())

    _reader: tuple[str, str] = PrivateAttr(("", ""))

    def limited(self, kept: dict[str, Any], stage: str, path: str) -> Self:
        """Return a copy with only the fields `kept`; reading another one is an error, which names the stage.

        `path` says where this group stands: `"train."`, or `""` for all parameters.
        """
        copy = self.model_copy()
        copy.__dict__.clear()
        copy.__dict__.update(kept)
        copy._reader = (stage, path)
        return copy

    if not TYPE_CHECKING:  # the type checker knows the fields; this is for those that are not there

        def __getattr__(self, name: str) -> Any:
            if name in type(self).model_fields and self._reader[0]:
                raise UndeclaredError(self._reader[0], f"{self._reader[1]}{name}")
            return super().__getattr__(name)
