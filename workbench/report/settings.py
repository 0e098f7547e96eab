"""Settings and records, whatever they hold, as lines a person can read."""

from __future__ import annotations

import json
from collections.abc import Iterator

from markupsafe import Markup, escape

from workbench.report import numbers


def flat(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as ``a.b`` and the value's text; lists of plain values on one line."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, str):
        yield prefix, value
    elif prefix.endswith("_bytes") and type(value) in (int, float):
        yield prefix, f"{numbers.size(value)} ({numbers.count(value)} bytes)"
    elif isinstance(value, list) and value and not any(isinstance(v, dict | list) for v in value):
        yield prefix, ", ".join(figure(v) for v in value)
    else:
        yield prefix, figure(value)


def figure(value: object) -> str:
    """A value of a record: numbers short, words as they are, the rest as JSON."""
    if isinstance(value, str):
        return value
    if type(value) is int:
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if type(value) is float:
        return f"{value:.6g}"
    if value in (None, [], {}):
        return numbers.NONE
    return json.dumps(value, ensure_ascii=False, default=str)


def as_yaml(value: object) -> str:
    """A step's config as it would stand in a recipe."""
    from io import StringIO

    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    out = StringIO()
    writer.dump(value, out)
    return out.getvalue()


def breakable(key: str) -> Markup:
    """A long name with leave to break after dots and underscores rather than in the middle."""
    text = str(escape(key))
    return Markup(text.replace(".", ".<wbr>").replace("_", "_<wbr>"))
