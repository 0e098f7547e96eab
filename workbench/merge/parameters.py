"""Finds what mergekit would ignore without a word, or refuse after hours. No torch.

mergekit looks a parameter up from the inside out: a source's own ``parameters``, its slice's, its
module's, the block's. Shared parameters are never looked up at a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from workbench.merge.methods import DELLA_EPSILON, METHODS, SHARES, Method, Parameter

if TYPE_CHECKING:
    from workbench.merge.config import MergeConfig, MergeModule, MergeSlice

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """One thing wrong inside a merge block, at ``path`` within it."""

    path: Path
    fact: str
    remedy: str
    value: Any = None


@dataclass(frozen=True)
class _Input:
    """A model at ``path``, and the ``parameters`` that mergekit tries for it, innermost first."""

    path: Path
    model: str
    scopes: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class _Group:
    """Models merged with one another, and the scopes in which shared parameters are looked up."""

    path: Path
    base: str | None
    inputs: tuple[_Input, ...]
    scopes: tuple[Mapping[str, Any], ...]


def faults(config: MergeConfig) -> list[Fault]:
    """All that is wrong with a merge block by itself, without any model's configuration."""
    method = METHODS.get(config.merge_method)
    if method is None:
        return [
            Fault(
                ("merge_method",),
                f"mergekit has no method {config.merge_method!r}",
                likely(config.merge_method, METHODS),
                config.merge_method,
            )
        ]
    found = list(_shape(config))
    if found:
        return found
    found = [*_names(config)]
    for path, parameters, at_model in _written(config):
        found += _known(config.merge_method, method, path, parameters, at_model)
    if found:
        return found
    for group in _groups(config):
        found += _contract(config.merge_method, method, group)
        found += _required(config.merge_method, method, group)
        if "epsilon" in method.parameters and "density" in method.parameters:
            found += _della(group)
    return found


def likely(word: str, known: Iterable[str]) -> str:
    """``did you mean ...?`` where a known word is close, else the list of them."""
    known = list(known)
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"use one of: {', '.join(known)}" if known else "leave it out"


def _shape(config: MergeConfig) -> Iterator[Fault]:
    given = [n for n in ("models", "slices", "modules") if getattr(config, n)]
    if len(given) != 1:
        fact = f"both {' and '.join(given)} are given" if given else "nothing to merge is given"
        yield Fault((given[-1],) if given else (), fact, "give one of models, slices or modules")
    if config.tokenizer and config.tokenizer_source:
        yield Fault(
            ("tokenizer_source",),
            "tokenizer and tokenizer_source are both given",
            "keep tokenizer, whose source says the same",
        )
    for name, module in (config.modules or {}).items():
        if (module.slices is None) == (module.models is None):
            yield Fault(
                ("modules", name),
                f"module {name} needs slices or models, and not both",
                "give one of the two",
            )


def _names(config: MergeConfig) -> Iterator[Fault]:
    places: list[tuple[Path, str | None]] = [(("base_model",), config.base_model)]
    for path, output_slice in _slices(config):
        places.append(((*path, "base_model"), output_slice.base_model))
        for i, source in enumerate(output_slice.sources):
            places.append(((*path, "sources", i, "model"), source.model))
            first, after = source.layer_range
            if first >= after:
                yield Fault(
                    (*path, "sources", i, "layer_range"),
                    f"layer_range [{first}, {after}] holds no layer",
                    "the second number is the layer after the last",
                    source.layer_range,
                )
    for path, module in _modules(config):
        for i, model in enumerate(module.models or []):
            places.append(((*path, "models", i, "model"), model.model))
    for path, name in places:
        for mark, what, remedy in (
            ("+", "an adapter", "give the adapter as an output of its own and name that here"),
            ("@", "a revision", "declare it under bases: with revision, and name that here"),
        ):
            # A local folder may carry either sign in its name.
            if name and mark in name and not name.startswith(("/", ".", "~")):
                yield Fault(path, f"{name!r} carries {what} after the {mark}", remedy, name)
    for token, entry in ((config.tokenizer and config.tokenizer.tokens) or {}).items():
        where = ("tokenizer", "tokens", token, "source")
        one = entry.source
        if (
            not (one is None or isinstance(one, str))
            and one.kind == "model_token"
            and (not one.model or (one.token is None) == (one.token_id is None))
        ):
            yield Fault(where, "a model_token needs model and one of token, token_id", "")


def _modules(config: MergeConfig) -> Iterator[tuple[Path, MergeModule | MergeConfig]]:
    yield (), config
    for name, module in (config.modules or {}).items():
        yield ("modules", name), module


def _slices(config: MergeConfig) -> Iterator[tuple[Path, MergeSlice]]:
    for path, module in _modules(config):
        for i, output_slice in enumerate(module.slices or []):
            yield (*path, "slices", i), output_slice


def _written(config: MergeConfig) -> Iterator[tuple[Path, Mapping[str, Any], bool]]:
    """Each ``parameters`` mapping with its path, and whether it stands at a single model."""
    for path, module in _modules(config):
        yield (*path, "parameters"), module.parameters or {}, False
        for i, model in enumerate(module.models or []):
            yield (*path, "models", i, "parameters"), model.parameters or {}, True
    for path, output_slice in _slices(config):
        yield (*path, "parameters"), output_slice.parameters or {}, False
        for i, source in enumerate(output_slice.sources):
            yield (*path, "sources", i, "parameters"), source.parameters or {}, True


def _groups(config: MergeConfig) -> Iterator[_Group]:
    outer = config.parameters or {}
    for path, module in _modules(config):
        shared = (outer,) if module is config else (module.parameters or {}, outer)
        if module.models:
            inputs = [
                _Input((*path, "models", i), m.model, (m.parameters or {}, *shared))
                for i, m in enumerate(module.models)
            ]
            if config.base_model and all(m.model != config.base_model for m in module.models):
                # mergekit adds the base to whole-model merges by itself.
                inputs.append(_Input(("base_model",), config.base_model, shared))
            yield _Group((*path, "models"), config.base_model, tuple(inputs), shared)
        for i, output_slice in enumerate(module.slices or []):
            here = (*path, "slices", i)
            scopes = (output_slice.parameters or {}, *shared)
            yield _Group(
                here,
                output_slice.base_model or config.base_model,
                tuple(
                    _Input((*here, "sources", k), s.model, (s.parameters or {}, *scopes))
                    for k, s in enumerate(output_slice.sources)
                ),
                scopes,
            )


def _known(
    name: str, method: Method, path: Path, parameters: Mapping[str, Any], at_model: bool
) -> Iterator[Fault]:
    for word, setting in parameters.items():
        parameter = method.parameters.get(word)
        if parameter is None:
            yield Fault(
                (*path, word),
                f"{name} reads no parameter {word!r}",
                likely(word, method.parameters),
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


def _contract(name: str, method: Method, group: _Group) -> Iterator[Fault]:
    models = [i.model for i in group.inputs]
    for i in group.inputs:
        if models.count(i.model) > 1 and i is group.inputs[models.index(i.model)]:
            yield Fault(
                i.path,
                f"{i.model} is named {models.count(i.model)} times in one merge",
                "mergekit tells inputs apart by model: make a second output of it",
                i.model,
            )
    base = None if method.base == "ignored" else group.base
    if base is None and method.base == "required":
        yield Fault((), f"{name} needs a base_model", "add base_model: with the common ancestor")
        return
    if base is not None and base not in models:
        yield Fault(
            group.path,
            f"the base_model {base} is not among the sources of this slice",
            "add it to sources with the layers it gives",
        )
        return
    others = len(models) - (base is not None)
    for what, count, least, most in (
        (
            "models including the base" if base else "models",
            len(models),
            method.fewest,
            method.most,
        ),
        ("models beside the base", others, method.fewest_others, method.most_others),
    ):
        if (least is not None and count < least) or (most is not None and count > most):
            wanted = f"{least}" if least == most else f"{least or 0} to {most}"
            wanted = wanted if most is not None else f"at least {least}"
            yield Fault(
                group.path,
                f"{name} takes {wanted} of the {what}, not {count}",
                "name as many, or choose another method",
            )


def _covers(setting: Any) -> bool:
    """Whether a setting gives a value for every tensor, whatever its name."""
    entries = setting if isinstance(setting, list) else [setting]
    return any(not isinstance(e, Mapping) or e.get("filter") in (None, "*") for e in entries)


def _required(name: str, method: Method, group: _Group) -> Iterator[Fault]:
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


def _della(group: _Group) -> Iterator[Fault]:
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
