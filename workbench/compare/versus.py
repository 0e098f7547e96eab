"""Comparisons in the shape that ``results.json`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workbench.compare.paired import Delta, compare
from workbench.errors import StepFailed

if TYPE_CHECKING:
    from workbench.evaluate.result import Evaluation


def versus(
    child: Evaluation | None, parents: Mapping[str, Evaluation]
) -> tuple[dict[str, dict[str, dict[str, Any]]], list[str]]:
    """``{parent: {task: {delta, ci95, p, n, of, method, gained, lost}}}``, and what was refused.

    A parent under other conditions is left out of the first and named in the second. A child that
    was not scored is compared with nothing.
    """
    compared: dict[str, dict[str, dict[str, Any]]] = {}
    refused: list[str] = []
    if child is None:
        return compared, refused
    for name, parent in parents.items():
        try:
            deltas = compare(child, parent)
        except StepFailed as error:
            refused += [f"{name}: {problem.fact}" for problem in error.problems]
            continue
        compared[name] = {task: _facts(delta) for task, delta in deltas.items()}
    return compared, refused


def _facts(delta: Delta) -> dict[str, Any]:
    """What is known of a comparison: one that had no looks says nothing of looks."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(delta).items()
        if value is not None
    }
