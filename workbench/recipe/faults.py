"""pydantic's errors in our words: what was seen, why that is no good, what to type; and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from workbench.errors import Problem, Where
from workbench.recipe.node import Node
from workbench.recipe.words import did_you_mean, explain_unknown, likely, model_at

KeyPath = tuple[str | int, ...]

#: A recipe with more faults than this is another file than was meant; each costs a search for the
#: likely word.
LISTED = 200

#: What each of pydantic's type errors asks for.
_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "none_required": "nothing",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def problems_of(error: ValidationError, root: Node, prefix: KeyPath = ()) -> list[Problem]:
    """Every error of ``error`` as a problem at its place in ``root``, one for each key.

    ``prefix`` is the path of the value that was validated.
    """
    found: dict[KeyPath, list[Any]] = {}
    for each in error.errors(include_url=False):
        found.setdefault(key_path(root, (*prefix, *each["loc"])), []).append(each)
    problems: list[Problem] = []
    unknown = [p for p, errors in found.items() if errors[0]["type"] == "extra_forbidden"]
    for path, all_errors in found.items():
        if len(problems) >= LISTED:
            rest = f"{len(found) - LISTED} more faults are not listed"
            return [*problems, Problem(rest, where=where_at(root, path))]
        # The misspelt key is told; that the right one is missing follows from it.
        wrong = [str(p[-1]) for p in unknown if p[:-1] == path]
        errors = [
            e for e in all_errors if e["type"] != "missing" or not _meant(e["loc"][-1], wrong)
        ]
        deeper = any(len(p) > len(path) and p[: len(path)] == path for p in found)
        # The other branch of a union: [q_proj, 3] is a faulty list, not a misspelt all-linear.
        if deeper and all(e["type"] == "literal_error" for e in errors):
            continue
        problems += _told(path, errors, root)
    return problems


def key_path(root: Node, loc: tuple[str | int, ...]) -> KeyPath:
    """``loc`` without the union members that pydantic writes between the keys."""
    path: KeyPath = ()
    for step in loc:
        if root.find((*path, step)) is not None:
            path = (*path, step)
    return path


def where_at(root: Node, path: KeyPath, *, key: bool = False) -> Where:
    """The place of the value at ``path``, or of its key; of what holds it where it is not given."""
    while (node := root.find(path)) is None:
        path = path[:-1]
    return (node.key or node.where) if key else node.where


def _meant(missing: object, unknown: list[str]) -> bool:
    return any(likely(word, [str(missing)]) for word in unknown)


def _told(path: KeyPath, errors: list[Any], root: Node) -> list[Problem]:
    wanted = list(dict.fromkeys(w for e in errors if (w := _wanted(e)) is not None))
    others = [e for e in errors if _wanted(e) is None]
    problems = [p for e in others for p in _other(path, e, root)]
    if wanted:
        value = root.find(path)
        given = value.data() if value else None
        choices = [str(c) for e in errors for c in _choices(e)]
        remedy = did_you_mean(given, choices) if isinstance(given, str) and choices else ""
        problems.append(
            Problem(
                f"{_name(path)} should be {' or '.join(wanted)}, not {shown(given)}",
                remedy=remedy or _instead(wanted, given, path),
                where=where_at(root, path),
            )
        )
    return problems


def _instead(wanted: list[str], given: object, path: KeyPath) -> str:
    """What to write in place of a value of the wrong type, where that can be told."""
    plain = isinstance(given, str | int | float)
    if wanted == ["true or false"] and isinstance(given, str):
        return "write true or false, without quotes"
    if wanted == ["a list"] and plain:
        return f"write [{given}]"[:80]
    if wanted == ["a text"] and plain:
        return f'write "{given}"'[:80]
    model = model_at(path)
    required = [n for n, f in model.model_fields.items() if f.is_required()] if model else []
    if plain and len(required) == 1:
        return f"write {{{required[0]}: {given}}}"[:80]
    return ""


def _choices(error: Mapping[str, Any]) -> list[str]:
    if error["type"] != "literal_error":
        return []
    listed = str(error["ctx"]["expected"]).replace(" or ", ", ").split(", ")
    return [choice.strip("'") for choice in listed]


def _wanted(error: Mapping[str, Any]) -> str | None:
    if error["type"] == "literal_error":
        choices = _choices(error)
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    return _WANTED.get(error["type"])


def _other(path: KeyPath, error: Mapping[str, Any], root: Node) -> list[Problem]:
    kind, context = error["type"], error.get("ctx", {})
    name = _name(path)
    here, key = where_at(root, path), where_at(root, path, key=True)
    if kind == "missing":
        holder = f"{name} has no" if path else "the recipe has no"
        return [Problem(f"{holder} {error['loc'][-1]}", "it is required", "add it", key)]
    if kind == "extra_forbidden":
        siblings = root.find(path[:-1])
        present = siblings.content if siblings and isinstance(siblings.content, dict) else {}
        cause, remedy = explain_unknown(str(path[-1]), model_at(path[:-1]), present)
        return [Problem(f"unknown key {str(path[-1])[:80]!r}", cause, remedy, key)]
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        fact = f"{name} should be {words} {context[bound]}, not {shown(error['input'])}"
        return [Problem(fact, where=here)]
    if kind in ("too_short", "too_long"):
        words, bound = ("at least", "min") if kind == "too_short" else ("at most", "max")
        wanted = f"{words} {context[f'{bound}_length']}"
        return [
            Problem(
                f"{name} should have {wanted} items, not {context['actual_length']}", where=here
            )
        ]
    if kind == "string_too_short":
        return [Problem(f"{name} is empty", where=here)]
    if kind == "value_error":
        return [Problem(str(context.get("error", error["msg"])), where=key)]
    fact = str(error["msg"])
    return [Problem(fact, str(context.get("cause", "")), str(context.get("remedy", "")), key)]


def _name(path: KeyPath) -> str:
    """The key that a person knows the place by: ``datasets[0].type`` rather than all above it."""
    if not path:
        return "the recipe"
    tail = [path[-1]]
    for step in reversed(path[:-1]):
        if isinstance(tail[0], str) and not isinstance(step, int):
            break
        tail.insert(0, step)
    text = ""
    for step in tail:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text[:120]


def shown(value: object) -> str:
    """A value as a message names it, never longer than a line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value[:60]!r}" + ("…" if len(value) > 60 else "")
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        text = str(value)
        return text if len(text) <= 60 else f"a list of {len(value)}"
    return str(value)[:60]
