"""results.json and samples.parquet of a run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem
from workbench.versions import machine, versions

if TYPE_CHECKING:
    from workbench.engine.entry import Entry
    from workbench.recipe.load import LoadedRecipe
    from workbench.recipe.plan import Node, Plan


def build_results(
    plan: Plan,
    entries: Mapping[str, Entry],
    failed: Mapping[str, tuple[Problem, ...]],
    loaded: LoadedRecipe,
    command: str,
    predicted: Mapping[str, int | None],
) -> dict[str, Any]:
    """What results.json says (the contract is in CONTRIBUTING.md).

    ``predicted`` holds the memory in bytes that each node was expected to need, by id.
    """
    scored = [e.evaluation for e in entries.values() if e.evaluation is not None]
    return {
        "name": plan.name,
        "key": plan.key,
        "complete": not failed and len(entries) == len(plan.nodes),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "suite": {"name": plan.suite.name, "description": plan.suite.description}
        if plan.suite
        else None,
        "conditions": scored[0].conditions if scored else {},
        "outputs": [
            _output(plan, entry, predicted.get(entry.node.id))
            for entry in (entries[i] for i in plan.nodes if i in entries)
        ],
        "reproductions": [
            found
            for claim in plan.claims
            for entry in entries.values()
            for found in entry.reproductions
            if (found["entry"], found["snapshot"], found["output"])
            == (claim.entry.entry, claim.entry.snapshot, claim.output)
        ],
        "errors": [
            {"id": name, "fact": p.fact, "cause": p.cause, "remedy": p.remedy}
            for name, problems in failed.items()
            for p in problems
        ],
        "versions": versions(),
        "machine": machine(),
        "recipe": loaded.text,
    }


def _output(plan: Plan, entry: Entry, predicted: int | None) -> dict[str, Any]:
    node = entry.node
    evaluation = entry.evaluation
    scores = {t: score.as_dict() for t, score in evaluation.scores.items()} if evaluation else {}
    return {
        "id": node.id,
        "name": node.name,
        "kind": node.kind,
        "seed": node.seed,
        "key": node.key,
        "parents": [plan.nodes[parent].name for parent in node.parents],
        "path": f"adapters/{entry.path.name}" if entry.path else None,
        "config": node.config.model_dump(mode="json", exclude_none=True),
        "record": entry.facts.get("record", _base_record(node) if node.kind == "base" else {}),
        "scores": scores,
        **({"estimates": entry.estimates} if entry.estimates else {}),
        **({"looks": evaluation.looks} if evaluation and evaluation.looks else {}),
        "versus": entry.versus,
        "refused": entry.refused,
        "points": entry.points,
        "points_versus": entry.points_versus,
        **({"with_chat_template": entry.with_template.as_dict()} if entry.with_template else {}),
        **({"effects": entry.effects} if entry.effects else {}),
        "notes": list(evaluation.notes) if evaluation else [],
        "seconds": entry.facts.get("seconds"),
        "scoring_seconds": entry.scoring.get("seconds"),
        "peak_memory_bytes": entry.facts.get("peak_memory_bytes"),
        "predicted_memory_bytes": predicted,
        "reused": entry.reused,
    }


def _base_record(node: Node) -> dict[str, Any]:
    from workbench.bases.catalogue import lookup

    entry = lookup(node.config.base_model)
    return entry.model_dump(mode="json", exclude_none=True) if entry else {}


def write_samples(entries: Mapping[str, Entry], path: Path, *, with_template: bool = False) -> None:
    """One row an item, output and seed: who answered what, and what it scored.

    Of a recipe that scores everything twice, those ``with_template`` have a file of their own.
    """
    import pandas

    frames = []
    for entry in entries.values():
        evaluation = entry.evaluation
        if with_template:
            evaluation = entry.with_template.evaluation if entry.with_template else None
        if evaluation is not None:
            frame = evaluation.samples.copy()
            frame.insert(0, "output", entry.node.name)
            frame.insert(1, "seed", entry.node.seed)
            frames.append(frame)
    if not frames:
        return
    whole = pandas.concat(frames, ignore_index=True)
    whole["seed"] = whole["seed"].astype("Int64")
    beside = path.with_name(f".{path.name}.{os.getpid()}.writing")
    whole.to_parquet(beside, index=False)
    beside.replace(path)
