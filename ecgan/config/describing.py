"""Words for values and for what a key admits, for messages and for the comments of written files."""

import math
from functools import cache
from typing import Any

from ecgan.config.options import Options

Schema = dict[str, Any]


@cache
def schema_of(cls: type[Options]) -> Schema:
    """Return the JSON schema of a group of parameters."""
    return cls.model_json_schema()


def part(schema: Schema, root: Schema) -> Schema:
    """Follow a reference of a JSON schema."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def schema_at(cls: type[Options], path: tuple[str | int, ...]) -> Schema:
    """Return the schema of a key inside `cls`; empty where the path leaves what is known."""
    root = schema_of(cls)
    found: Schema = root
    for step in path:
        options = [part(option, root) for option in found.get("anyOf", [found])]
        field = "items" if isinstance(step, int) else "properties"
        holders = [option for option in options if field in option]
        if not holders:
            return {}
        inner = holders[0]["items"] if isinstance(step, int) else holders[0]["properties"].get(step, {})
        found = part(inner, root)
    return found


def allowed(schema: Schema, root: Schema) -> str:
    """Say in words what a JSON schema admits: "a whole number from 1 to 64"."""
    schema = part(schema, root)
    if "allowed" in schema:
        return str(schema["allowed"])
    if "anyOf" in schema:
        words = dict.fromkeys(allowed(option, root) for option in schema["anyOf"])
        return " or ".join(sorted(words, key=lambda word: word != "null"))
    if "enum" in schema:
        return "one of " + ", ".join(_plain(item) for item in schema["enum"])
    if "const" in schema:
        return f"only {_plain(schema['const'])}"
    return _typed(schema, root)


def _typed(schema: Schema, root: Schema) -> str:
    kind = schema.get("type", "")
    if kind == "array":
        head = _list_head(schema.get("minItems", 0), schema.get("maxItems"))
        item = allowed(schema.get("items", {}), root)
        return f"{head}, each {item}" if item else head
    words = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
    words |= {"null": "null", "object": "a mapping"}
    return " ".join(filter(None, [words.get(kind, ""), _range(schema)]))


def _list_head(least: int, most: int | None) -> str:
    if most is None:
        return f"a list of at least {least}" if least else "a list"
    return f"a list of {most}" if least == most else f"a list of {least} to {most}"


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}" if max(abs(low), abs(high)) < 1e6 else f"from {low} to {high}"
    bounds = [
        f"at least {low:g}" if low is not None else "",
        f"above {above:g}" if above is not None else "",
        f"at most {high:g}" if high is not None else "",
        f"below {below:g}" if below is not None else "",
    ]
    return " and ".join(filter(None, bounds))


def found(value: object) -> str:
    """Say what stands in the file: `'64' (text)`, `true`, `a list`."""
    if isinstance(value, str):
        return f"{_short(value)!r} (text)"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return "nothing" if value is None else _plain(value)


def _plain(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else (".inf" if value > 0 else "-.inf")
    return _short(str(value))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
