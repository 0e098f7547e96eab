"""Reading YAML as plain data that still knows its lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import Where, user_error

#: A suite or task file beyond this is no settings file, and parsing it would only take time.
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class PlainYaml:
    """``data`` in Python's own types; ``where`` finds the line of a key."""

    data: Any
    path: Path
    tree: Any

    def where(self, keys: tuple[int | str, ...]) -> Where:
        """The line of the deepest of ``keys`` that the file has."""
        node, line, column = self.tree, 0, 0
        for key in keys:
            marks = getattr(getattr(node, "lc", None), "data", None) or {}
            if key in marks:
                line, column = marks[key][0] + 1, marks[key][1] + 1
            try:
                node = node[key]
            except (KeyError, IndexError, TypeError):
                break
        return Where(str(self.path), line, column)


def read_yaml(path: Path) -> PlainYaml:
    """Parse a file; tags such as lm-eval's ``!function`` become their text, nothing is called.

    Raises:
        UserError: unreadable, too large, or not YAML, with the line where there is one.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise user_error(
                f"{path} has {size:,} bytes", "a settings file is far smaller", "check the path"
            )
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise user_error(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise user_error(f"{path} is not text", "it is not UTF-8", "check the path") from None
    try:
        tree = YAML(typ="rt").load(text)
        data = _plain(tree, depth=0)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise user_error(
            f"not valid YAML: {error.problem or error.context}",
            where=Where(str(path), line, column),
        ) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise user_error(f"not valid YAML: {error}", where=Where(str(path))) from None
    return PlainYaml(data, path, tree)


def _plain(node: Any, depth: int, seen: list[int] | None = None) -> Any:
    """``node`` without ruamel's types. ``seen`` counts what aliases multiply."""
    seen = seen if seen is not None else [0]
    seen[0] += 1
    if depth > 50 or seen[0] > 100_000:
        raise ValueError("nested too deeply, or aliases that multiply without end")
    if isinstance(node, dict):
        return {str(k): _plain(v, depth + 1, seen) for k, v in node.items()}
    if isinstance(node, (list, tuple)):
        return [_plain(v, depth + 1, seen) for v in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(getattr(node, "value", node))
