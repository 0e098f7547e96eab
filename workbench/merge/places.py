"""Walks a merge block the way mergekit reads it, and says of each thing where it stands.

mergekit looks a parameter up from the inside out: a source's own ``parameters``, its slice's, its
module's, the block's. Shared parameters are never looked up at a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.merge.block import MergeBlock, MergeModule, MergeSlice

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """One thing wrong inside a merge block, at ``path`` within it."""

    path: Path
    fact: str
    remedy: str
    value: Any = None


@dataclass(frozen=True)
class Input:
    """A model at ``path``, and the ``parameters`` that mergekit tries for it, innermost first."""

    path: Path
    model: str
    scopes: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Group:
    """Models merged with one another, and the scopes in which shared parameters are looked up."""

    path: Path
    base: str | None
    inputs: tuple[Input, ...]
    scopes: tuple[Mapping[str, Any], ...]


def modules(config: MergeBlock) -> Iterator[tuple[Path, MergeModule | MergeBlock]]:
    """The block itself and each of its modules, with its path: all that holds models or slices."""
    yield (), config
    for name, module in (config.modules or {}).items():
        yield ("modules", name), module


def slices(config: MergeBlock) -> Iterator[tuple[Path, MergeSlice]]:
    """Each slice of the output, with its path."""
    for path, module in modules(config):
        for i, output_slice in enumerate(module.slices or []):
            yield (*path, "slices", i), output_slice


def settings(config: MergeBlock) -> Iterator[tuple[Path, Mapping[str, Any], bool]]:
    """Each ``parameters`` mapping with its path, and whether it stands at a single model."""
    for path, module in modules(config):
        yield (*path, "parameters"), module.parameters or {}, False
        for i, model in enumerate(module.models or []):
            yield (*path, "models", i, "parameters"), model.parameters or {}, True
    for path, output_slice in slices(config):
        yield (*path, "parameters"), output_slice.parameters or {}, False
        for i, source in enumerate(output_slice.sources):
            yield (*path, "sources", i, "parameters"), source.parameters or {}, True


def groups(config: MergeBlock) -> Iterator[Group]:
    """The models that are merged with one another: all of them, or each slice's sources."""
    outer = config.parameters or {}
    for path, module in modules(config):
        shared = (outer,) if module is config else (module.parameters or {}, outer)
        if module.models:
            inputs = [
                Input((*path, "models", i), m.model, (m.parameters or {}, *shared))
                for i, m in enumerate(module.models)
            ]
            if config.base_model and all(m.model != config.base_model for m in module.models):
                # mergekit adds the base to whole-model merges by itself.
                inputs.append(Input(("base_model",), config.base_model, shared))
            yield Group((*path, "models"), config.base_model, tuple(inputs), shared)
        for i, output_slice in enumerate(module.slices or []):
            here = (*path, "slices", i)
            scopes = (output_slice.parameters or {}, *shared)
            yield Group(
                here,
                output_slice.base_model or config.base_model,
                tuple(
                    Input((*here, "sources", k), s.model, (s.parameters or {}, *scopes))
                    for k, s in enumerate(output_slice.sources)
                ),
                scopes,
            )
