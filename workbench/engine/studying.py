"""A run's study: what is written down before its first result, and the analysis after its last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.store.outputs import EVALUATION_MANIFEST

if TYPE_CHECKING:
    import pandas as pd

    from workbench.engine.entry import Entry
    from workbench.engine.probing import Prober
    from workbench.errors import Problem
    from workbench.progress import Progress
    from workbench.recipe.plan import Node, Plan
    from workbench.store.home import Home
    from workbench.study.design.matrix import Cell
    from workbench.study.scores.frame import Scored

#: Bases whose tokens differ by no more than this share have read the same amount.
MATCHED = 0.02


def registered(home: Home, plan: Plan) -> dict[str, Any] | None:
    """The study's registration, written now if this is the first run; ``None`` without a study.

    Raises:
        UserError: the record of earlier registrations cannot be read.
    """
    if plan.study is None:
        return None
    from workbench.study.design.registration import register, registered_keys

    keys = registered_keys(home, plan.name) | {node.key for node in plan.nodes.values()}
    return register(home, plan, _seen(home, keys))


def _seen(home: Home, keys: set[str]) -> int:
    """How many models of these keys have a score in ``home``."""
    seen = set()
    for manifest in home.evaluations.glob(f"*/{EVALUATION_MANIFEST}"):
        try:
            facts = json.loads(manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        seen.add(facts.get("model_key"))
    return len(seen & keys)


def study_results(
    plan: Plan,
    entries: Mapping[str, Entry],
    failed: Mapping[str, tuple[Problem, ...]],
    prober: Prober,
    registration: Mapping[str, Any] | None,
    progress: Progress,
) -> dict[str, Any] | None:
    """``results["study"]`` from what was made and scored; ``None`` where nothing was."""
    from workbench.study.analyse import analyse
    from workbench.study.design.settings import Settings
    from workbench.study.scores.frame import frame_of

    study = plan.study
    if study is None:
        return None
    scored = {i: e.evaluation for i, e in entries.items() if e.evaluation is not None}
    made = [
        _scored(cell, node, scored[node.id].samples, entries[node.id].facts)
        for cell in study.cells
        if not cell.arm
        for node in plan.by_name[cell.output]
        if node.id in scored
    ]
    before = {base: scored[base].samples for base in study.bases if base in scored}
    if not made:
        return None
    framed = frame_of(
        study.bases,
        before,
        made,
        tasks=study.tasks,
        seed=study.config.seed,
        fixed_rate=study.fixed_rate,
    )
    given = study.config
    settings = Settings(
        question=given.question,
        asked=given.asked,
        others=given.others,
        margin=given.margin,
        alpha=given.alpha,
        power=given.power,
        spread=given.spread,
        seed=given.seed,
        registered=study.registered,
        facts=study.bases,
        bayesian=given.bayesian,
    )
    return analyse(
        framed.frame,
        settings=settings,
        findings=prober.findings,
        registration=registration,
        rates=framed.rates,
        matched=matched(plan, entries),
        collapsed=framed.collapsed,
        holes=_holes(plan, failed),
        conditions={**next(iter(scored.values())).conditions, "notes": framed.notes},
        progress=progress,
    )


def _scored(cell: Cell, node: Node, samples: pd.DataFrame, facts: Mapping[str, Any]) -> Scored:
    from workbench.study.scores.frame import Scored

    seen = trained_on(facts.get("record", {}))
    return Scored(
        output=node.id,
        base=cell.base,
        treatment=cell.treatment,
        seed=node.seed,
        rate=cell.rate,
        fixed=cell.fixed,
        samples=samples,
        tokens=seen.get("tokens"),
        bytes=seen.get("bytes"),
    )


def trained_on(record: Mapping[str, Any]) -> dict[str, int]:
    """What a fine-tune read, over all its epochs; empty for what is none.

    ``steps`` of the optimiser, ``tokens``, ``supervised_tokens`` and ``bytes`` of text.
    """
    epochs = record.get("epochs")
    # Outputs of earlier versions did not count bytes.
    if epochs is None or "total_bytes" not in record:
        return {}
    return {
        "steps": int(record["steps"]),
        "tokens": round(epochs * record["total_tokens"]),
        "supervised_tokens": round(epochs * record["supervised_tokens"]),
        "bytes": round(epochs * record["total_bytes"]),
    }


def matched(plan: Plan, entries: Mapping[str, Entry]) -> dict[str, Any] | None:
    """Whether all bases read the same number of tokens, and how much text that was for each.

    The first seed of the treatment's first output at the fixed rate stands for all: others read as
    much. ``None`` where the treatment trains nothing.
    """
    study = plan.study
    if study is None:
        return None
    read: dict[str, dict[str, int]] = {}
    for cell in study.cells:
        if not cell.fixed or cell.treatment != study.treatments[0]:
            continue
        nodes = [n for n in plan.by_name[cell.output] if n.id in entries]
        seen = trained_on(entries[nodes[0].id].facts.get("record", {})) if nodes else {}
        if seen:
            read[cell.base] = seen
    if not read:
        return None
    tokens = [seen["tokens"] for seen in read.values()]
    text = [seen["bytes"] for seen in read.values()]
    apart = max(tokens) / max(min(tokens), 1) - 1
    words = (
        f"Every base read {min(tokens):,} tokens"
        if max(tokens) == min(tokens)
        else f"Bases read {min(tokens):,} to {max(tokens):,} tokens"
        + (" (matched within 2%)" if apart <= MATCHED else ", which are not matched")
    )
    words += (
        f", {min(text):,} bytes of text."
        if max(text) == min(text)
        else f", and {min(text):,} to {max(text):,} bytes of text: tokenizers cut it differently."
    )
    if apart > MATCHED:
        words += " sample_packing: true with max_steps gives every base the same tokens."
    return {"words": words, "matched": apart <= MATCHED, "bases": read}


def _holes(plan: Plan, failed: Mapping[str, tuple[Problem, ...]]) -> list[dict[str, Any]]:
    """The outputs and findings of the study that are missing, and why."""
    study = plan.study
    assert study is not None
    base_of = {cell.output: cell.base for cell in study.cells}
    holes = []
    for name, problems in failed.items():
        base = (
            base_of.get(plan.nodes[name].name, name) if name in plan.nodes else name.split(":")[0]
        )
        holes += [
            {"base": base, "output": name, "fact": p.fact, "cause": p.cause} for p in problems
        ]
    return holes
