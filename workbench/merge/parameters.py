"""Whether the parameters of a merge are ones that its method reads, and all that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from workbench.likely import did_you_mean
from workbench.merge.methods import DELLA_EPSILON, SHARES, Method, Parameter
from workbench.merge.places import Fault, Group, Path


def known(
    name: str, method: Method, path: Path, parameters: Mapping[str, Any], at_model: bool
) -> Iterator[Fault]:
    """Parameters that the method does not read where they stand, or that are of the wrong type."""
    for word, setting in parameters.items():
        parameter = method.parameters.get(word)
        if parameter is None:
            yield Fault(
                (*path, word),
                f"{name} reads no parameter {word!r}",
                did_you_mean(word, method.parameters) or _those(method),
                setting,
            )
        elif at_model and parameter.scope == "shared":
            yield Fault(
                (*path, word),
                f"{name} reads {word} once for all models, never at one of them",
                "move it to the parameters of the whole merge or of the slice",
                setting,
            )
        else:
            yield from _setting((*path, word), word, parameter, setting)


def _those(method: Method) -> str:
    read = ", ".join(method.parameters)
    return f"use one of: {read}" if read else "leave it out"


def _setting(path: Path, word: str, parameter: Parameter, setting: Any) -> Iterator[Fault]:
    if isinstance(setting, Mapping):
        for key in setting:
            if key not in ("value", "filter"):
                yield Fault((*path, key), f"{key!r} is no part of a setting", "use value, filter")
        if "value" not in setting:
            yield Fault(path, f"the setting of {word} has no value", "add value:", dict(setting))
        elif not isinstance(setting.get("filter"), str | None):
            yield Fault((*path, "filter"), "a filter is text", "quote it", setting["filter"])
        else:
            inner = setting["value"]
            values = inner if isinstance(inner, list) else [inner]
            for value in values:
                yield from _scalar((*path, "value"), word, parameter, value)
    elif isinstance(setting, list):
        if not setting:
            yield Fault(path, f"the list for {word} is empty", "give values or leave it out")
        kinds = {isinstance(entry, Mapping) for entry in setting}
        if len(kinds) > 1:
            yield Fault(path, f"{word} mixes numbers and filtered values", "use one kind")
            return
        for i, entry in enumerate(setting):
            if isinstance(entry, Mapping):
                yield from _setting((*path, i), word, parameter, entry)
            else:
                yield from _scalar((*path, i), word, parameter, entry)
    else:
        yield from _scalar(path, word, parameter, setting)


def _scalar(path: Path, word: str, parameter: Parameter, value: Any) -> Iterator[Fault]:
    kinds = {float: "a number", int: "a whole number", bool: "true or false"}
    try:
        # Lax, as mergekit reads it: YAML gives 1e-5 as text.
        got = TypeAdapter(parameter.type).validate_python(value)
    except ValidationError:
        yield Fault(path, f"{word} is {kinds[parameter.type]}, not {value!r}", "", value)
        return
    if word in SHARES and not 0 <= got <= 1:
        yield Fault(path, f"{word} is a share, and {value} is outside 0..1", "", value)


def _covers(setting: Any) -> bool:
    """Whether a setting gives a value for every tensor, whatever its name."""
    entries = setting if isinstance(setting, list) else [setting]
    return any(not isinstance(e, Mapping) or e.get("filter") in (None, "*") for e in entries)


def required(name: str, method: Method, group: Group) -> Iterator[Fault]:
    """Parameters without a default that some tensor of ``group`` would not find."""
    for word, parameter in method.parameters.items():
        if not parameter.required:
            continue
        if parameter.scope == "shared":
            if not any(word in s and _covers(s[word]) for s in group.scopes):
                yield Fault(
                    (), f"{name} needs {word} for every tensor", f"add {word} under parameters:"
                )
            continue
        for i in group.inputs:
            if parameter.scope == "non_base" and i.model == group.base:
                continue
            if not any(word in s and _covers(s[word]) for s in i.scopes):
                yield Fault(
                    i.path,
                    f"{name} needs {word} for {i.model}",
                    f"add {word} under its parameters:",
                    i.model,
                )


def della(group: Group) -> Iterator[Fault]:
    """DELLA draws each entry with a chance between density - epsilon and density + epsilon."""
    for i in group.inputs:
        if i.model == group.base:
            continue
        density = next((s["density"] for s in i.scopes if "density" in s), 1.0)
        epsilon = next((s["epsilon"] for s in i.scopes if "epsilon" in s), DELLA_EPSILON)
        if not all(isinstance(v, int | float) for v in (density, epsilon)) or density in (0, 1):
            continue
        if density + epsilon >= 1 or density - epsilon <= 0:
            yield Fault(
                i.path,
                f"density {density} plus or minus epsilon {epsilon} leaves 0..1 for {i.model}",
                "choose epsilon below both density and 1 - density",
            )
