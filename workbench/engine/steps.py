"""Making one output: the right room is called, and what it made is described."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from workbench.bases.config import BaseConfig, DType
from workbench.bases.spec import AdapterStep, ModelSpec, PathStep
from workbench.engine.lineage import lineage_of
from workbench.engine.memory import PeakMemory
from workbench.engine.order import bases_below
from workbench.engine.realise import Loaded, decoders, last_path, tokenizer_of
from workbench.progress import Progress
from workbench.versions import versions

if TYPE_CHECKING:
    from workbench.recipe.plan import Node, Plan
    from workbench.store.home import Home

Made = tuple[dict[str, Any], ModelSpec]


@dataclass
class Bench:
    """What the steps of a run share: plan, home, the one loaded base, the models so far."""

    plan: Plan
    home: Home
    progress: Progress
    loaded: Loaded
    specs: dict[str, ModelSpec] = field(default_factory=dict)

    def parent(self, node: Node, name: str) -> Node:
        """The parent of ``node`` that the recipe calls ``name``."""
        return next(p for p in map(self.plan.nodes.__getitem__, node.parents) if p.name == name)


def make(bench: Bench, node: Node, folder: Path) -> dict[str, Any]:
    """Make ``node`` in the empty ``folder``; returns the facts for its manifest."""
    began = datetime.now(UTC)
    clock = time.monotonic()
    with PeakMemory() as memory:
        record, spec = _KINDS[node.kind](bench, node, folder)
    facts = {
        "name": node.name,
        "id": node.id,
        "kind": node.kind,
        "seed": node.seed,
        "key": node.key,
        "config": node.config.model_dump(mode="json", exclude_none=True),
        "parents": [
            {"name": parent.name, "id": parent.id, "key": parent.key}
            for parent in map(bench.plan.nodes.__getitem__, node.parents)
        ],
        "lineage": lineage_of(spec, folder),
        "record": record,
        "created": began.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - clock, 3),
        "peak_memory_bytes": memory.bytes,
        "memory_kind": memory.kind,
        "versions": versions(),
    }
    _write_card(bench, node, folder, facts)
    return facts


def _finetune(bench: Bench, node: Node, folder: Path) -> Made:
    from workbench.finetune.train import train

    parent = bench.specs[bench.parent(node, node.config.base_model).id]
    work = bench.home.work / f"{node.name}-{node.key}"
    record = train(
        node.config,
        bench.loaded.model(parent),
        tokenizer_of(parent),
        seed=node.seed or 0,
        path=last_path(parent),
        out=folder,
        work=work,
        progress=bench.progress,
        base_name=parent.root.base_model,
    )
    return record, parent.then(AdapterStep(folder), folder)


def _relayer(bench: Bench, node: Node, folder: Path) -> Made:
    from workbench.bases.stack import find_stack
    from workbench.relayer.path import resolve
    from workbench.relayer.reference import storage_bytes

    parent = bench.specs[bench.parent(node, node.config.model).id]
    before = bench.loaded.model(parent)
    count = len(find_stack(before).layers)
    path = resolve(node.config, count)
    spec = parent.then(PathStep(path), folder)
    after = bench.loaded.model(spec)
    tokenizer_of(parent).save_pretrained(folder)
    record = {
        "path": list(path),
        "parent_layers": count,
        "parameter_bytes": storage_bytes(after),
        "parent_parameter_bytes": storage_bytes(before),
    }
    return record, spec


def _merge(bench: Bench, node: Node, folder: Path) -> Made:
    from workbench.bases.identity import chat_template_text
    from workbench.bases.locate import locate
    from workbench.engine.materialise import materialise
    from workbench.merge.bridge import merge

    folders: dict[str, Path] = {}
    differences: dict[str, float] = {}
    parents = [bench.plan.nodes[parent] for parent in node.parents]
    with tempfile.TemporaryDirectory(dir=bench.home.work, prefix="merge-") as scratch:
        for number, parent in enumerate(parents):
            spec = bench.specs[parent.id]
            if not spec.steps:
                folders[parent.name] = locate(spec.root)
                continue
            folders[parent.name] = Path(scratch) / str(number)
            record = materialise(spec, folders[parent.name], bench.loaded)
            if record["max_logit_difference"] is not None:
                differences[parent.name] = record["max_logit_difference"]
        record = merge(node.config, folders, seed=node.seed, out=folder, progress=bench.progress)
    record["adapter_max_logit_difference"] = differences
    if node.config.chat_template in (None, "auto"):
        # The first parent's that has one: a recipe's lies over its base, not in the base's folder.
        for parent in parents:
            spec = bench.specs[parent.id]
            if spec.root.chat_template is not None and not spec.steps:
                text = chat_template_text(spec.root.chat_template)
                (folder / "chat_template.jinja").write_text(text, encoding="utf-8")
                record["chat_template_from"] = parent.name
            if record["chat_template_from"] == parent.name:
                break
    # Scored at the precision of its parents, or no comparison with them would be fair.
    first = bench.specs[parents[0].id].root
    root = BaseConfig(
        base_model=str(folder),
        dtype=_computes_in(first),
        load_in_4bit=first.load_in_4bit,
        load_in_8bit=first.load_in_8bit,
    )
    return record, ModelSpec(root)


def _computes_in(root: BaseConfig) -> DType:
    """The precision that ``dtype: auto`` means for ``root``, whatever a merge of it is written in.

    A quantised base's does not depend on its checkpoint, nor does that of a merge loaded alike.
    """
    from workbench.bases.locate import read_config

    if root.dtype != "auto" or root.load_in_4bit or root.load_in_8bit:
        return root.dtype
    config = read_config(root) or {}
    for part in (config, config.get("text_config") or {}):
        for key in ("dtype", "torch_dtype"):
            if part.get(key) in get_args(DType):
                return cast(DType, part[key])
    return "auto"


def _scan(bench: Bench, node: Node, folder: Path) -> Made:
    from workbench.scan.run import scan

    parent = bench.specs[bench.parent(node, node.config.model).id]
    work = bench.home.work / f"{node.name}-{node.key}"
    record = scan(
        node.config,
        decoders(parent, node.config, work, bench.loaded),
        tokenizer_of(parent),
        out=folder,
        work=work,
        progress=bench.progress,
        model=parent.root.base_model,
    )
    tokenizer_of(parent).save_pretrained(folder)
    return record, parent.then(PathStep(tuple(record["path"])), folder)


_KINDS: Mapping[str, Callable[[Bench, Node, Path], Made]] = {
    "finetune": _finetune,
    "relayer": _relayer,
    "merge": _merge,
    "scan": _scan,
}


def clean_work(bench: Bench, node: Node) -> None:
    """Drop a finished output's training checkpoints: its folder now holds all that is needed."""
    shutil.rmtree(bench.home.work / f"{node.name}-{node.key}", ignore_errors=True)


def _write_card(bench: Bench, node: Node, folder: Path, facts: dict[str, Any]) -> None:
    from workbench.store.card import CardFacts, model_card

    roots = base_names(bench.plan, node)
    facts_of_card = CardFacts(
        name=node.name,
        kind=node.kind,
        seed=node.seed,
        key=node.key,
        roots=roots,
        parents=[bench.plan.nodes[parent].name for parent in node.parents],
        config=facts["config"],
        record=facts["record"],
        versions=facts["versions"],
        on_base=[bench.plan.nodes[parent].kind for parent in node.parents] == ["base"],
    )
    (folder / "README.md").write_text(model_card(facts_of_card), encoding="utf-8")


def base_names(plan: Plan, node: Node) -> list[str]:
    """What the bases of ``node`` are called on the hub (or in ``tiny/``), each once, in order."""
    configs = (plan.nodes[base].config for base in bases_below(plan, node))
    return list(dict.fromkeys(config.base_model for config in configs))
