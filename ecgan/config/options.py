"""The base of every group of parameters: strict, immutable, documented field by field."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Typed parameters; unknown keys, wrong types and values out of range are refused.

    Each field has `Field(default, description="...")`: the description becomes the comment in the file that
    `ecgan init` writes. Lists are `list[...]` (YAML has no tuples), choices are `Literal[...]`, ranges are
    `Field(ge=..., le=...)`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())
