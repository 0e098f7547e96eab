"""Finds what mergekit would ignore without a word, or refuse after hours. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.likely import did_you_mean
from workbench.merge.block import MergeBlock
from workbench.merge.methods import METHODS, Method
from workbench.merge.parameters import della, known, required
from workbench.merge.places import Fault, Group, Path, groups, modules, settings, slices


def faults(config: MergeBlock) -> list[Fault]:
    """All that is wrong with a merge block by itself, without any model's configuration."""
    method = METHODS.get(config.merge_method)
    if method is None:
        return [
            Fault(
                ("merge_method",),
                f"mergekit has no method {config.merge_method!r}",
                did_you_mean(config.merge_method, METHODS) or f"use one of: {', '.join(METHODS)}",
                config.merge_method,
            )
        ]
    found = list(_shape(config))
    if found:
        return found
    found = [*_names(config)]
    for path, parameters, at_model in settings(config):
        found += known(config.merge_method, method, path, parameters, at_model)
    if found:
        return found
    for group in groups(config):
        found += _contract(config.merge_method, method, group)
        found += required(config.merge_method, method, group)
        if "epsilon" in method.parameters and "density" in method.parameters:
            found += della(group)
    return found


def _shape(config: MergeBlock) -> Iterator[Fault]:
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


def _names(config: MergeBlock) -> Iterator[Fault]:
    places: list[tuple[Path, str | None]] = [(("base_model",), config.base_model)]
    for path, output_slice in slices(config):
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
    for path, module in modules(config):
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


def _contract(name: str, method: Method, group: Group) -> Iterator[Fault]:
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
