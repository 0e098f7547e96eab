"""Whether a scan can be run: its probes, and what it streams. No weights needed."""

from __future__ import annotations

from dataclasses import replace

from workbench.errors import Problem
from workbench.recipe.faults import KeyPath
from workbench.recipe.load import LoadedRecipe
from workbench.scan.config import ScanConfig


def scan_problems(loaded: LoadedRecipe) -> list[Problem]:
    """Problems of every scan's probes and options, each at its place."""
    problems: list[Problem] = []
    seen: dict[str, list[Problem]] = {}
    for name, output in loaded.recipe.outputs.items():
        if isinstance(output.step, ScanConfig):
            block: KeyPath = ("outputs", name, "scan")
            problems += _probes(loaded, output.step, block, seen)
            problems += _streamed(loaded, output.step, block)
    return problems


def _probes(
    loaded: LoadedRecipe, step: ScanConfig, block: KeyPath, seen: dict[str, list[Problem]]
) -> list[Problem]:
    from workbench.scan.probes.probe import check_probe

    problems: list[Problem] = []
    for index, probe in enumerate(step.probes):
        where = loaded.where((*block, "probes", index, "name"))
        told = probe.model_dump_json(include={"name", "options"})
        # A probe file with a fault that ten scans use is one fault.
        if told not in seen:
            seen[told] = check_probe(probe.name, probe.options, where)
            problems += [p if p.where else replace(p, where=where) for p in seen[told]]
    return problems


def _streamed(loaded: LoadedRecipe, step: ScanConfig, block: KeyPath) -> list[Problem]:
    if not step.streamed or step.model in loaded.recipe.bases:
        return []
    return [
        Problem(
            f"{step.model} is an output, and streamed reads the layers of a base",
            "an adapter or a layer path has no layers of its own on the disk",
            "leave streamed out, or export the output and scan the folder as a base",
            loaded.where((*block, "streamed")),
        )
    ]
