"""Scoring nodes, and keeping the evaluations so that none is computed twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.bases.config import BaseConfig
from workbench.engine.extent import Extent, extent_of
from workbench.engine.memory import PeakMemory
from workbench.errors import StepFailed
from workbench.store.outputs import EVALUATION_MANIFEST, Shelf
from workbench.versions import versions

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from workbench.compare.stopping import UntilClear
    from workbench.engine.entry import Entry
    from workbench.engine.steps import Bench
    from workbench.evaluate.config import EvaluateConfig
    from workbench.evaluate.result import Evaluation
    from workbench.evaluate.suites import Suite
    from workbench.recipe.plan import Node, Plan
    from workbench.store.home import Home

#: Settings that say how many items are scored, of which a node's :class:`Extent` speaks.
_NOT_OF_THE_ITEMS = {"suite", "sequential", "parents_whole"}
#: The libraries that a score depends on: with another version, the model is scored again.
_SCORING_LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes", "lm-eval")


@dataclass
class Scorer:
    """The suite of one run and the shelf of its evaluations."""

    plan: Plan
    suite: Suite
    settings: EvaluateConfig
    shelf: Shelf

    @staticmethod
    def of(plan: Plan, home: Home) -> Scorer | None:
        """The scorer of a plan; ``None`` where its recipe scores nothing.

        Of ``apply_chat_template: both`` it is the one without; :meth:`with_template` is the other.
        """
        if plan.evaluate is None or plan.suite is None:
            return None
        settings = plan.evaluate
        if settings.apply_chat_template == "both":
            settings = settings.model_copy(update={"apply_chat_template": False})
        return Scorer(plan, plan.suite, settings, Shelf(home.evaluations, EVALUATION_MANIFEST))

    @staticmethod
    def with_template(plan: Plan, home: Home) -> Scorer | None:
        """The second scorer of a plan that wants both; ``None`` for any other."""
        first = Scorer.of(plan, home)
        if first is None or plan.evaluate is None or plan.evaluate.apply_chat_template != "both":
            return None
        settings = plan.evaluate.model_copy(update={"apply_chat_template": True})
        return Scorer(plan, first.suite, settings, first.shelf)

    @cached_property
    def _identity(self) -> str:
        from workbench.evaluate.config import STEP_VERSION
        from workbench.evaluate.suites import suite_identity

        installed = versions()
        return json.dumps(
            {
                "suite": suite_identity(self.suite),
                "settings": self.settings.model_dump(mode="json", exclude=_NOT_OF_THE_ITEMS),
                "version": STEP_VERSION,
                "libraries": {name: installed.get(name) for name in _SCORING_LIBRARIES},
                "accelerator": _accelerator(),
            },
            sort_keys=True,
            default=str,
        )

    def key(self, node: Node) -> str:
        """Hash of the model, the suite, the settings and the libraries: 12 hex digits.

        Of a scoring that can end early on account of a comparison, also of what it is compared
        with. A model scored on a limit has one key whether or not its parents were scored further.
        """
        extent = extent_of(self.plan, node, self.settings)
        facts = extent.facts(self.settings)
        if extent.against is not None:
            facts["against"] = self.key(extent.against)
        text = json.dumps([node.key, self._identity, *([facts] if facts else [])], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def is_scored(self, node: Node) -> bool:
        """Whether the evaluation of ``node`` is there and whole."""
        return self.shelf.find(_label(node), self.key(node)) is not None

    def has_to_score(self, plan: Plan) -> bool:
        """Whether any base or output of the plan is not scored yet, or is and that is damaged."""
        try:
            return not all(self.is_scored(node) for node in plan.nodes.values())
        except StepFailed:
            return True

    def score(self, bench: Bench, node: Node, entry: Entry) -> None:
        """Put the evaluation of ``node`` into ``entry``, from the shelf or by scoring it now."""
        entry.evaluation, entry.scoring = self.evaluated(bench, node)
        entry.known = self.known(node, entry.evaluation)

    def known(self, node: Node, evaluation: Evaluation) -> Evaluation:
        """The scores of ``node`` on all items, under otherwise equal settings, if there are any.

        ``evaluation`` itself where it is whole, else one on the shelf from a run without a limit;
        ``evaluation`` again where there is none.
        """
        from workbench.evaluate.result import Evaluation

        if self.settings.limit is None or not _is_partial(evaluation):
            return evaluation
        settings = self.settings.model_copy(update={"limit": None, "sequential": None})
        stored = self.shelf.find(_label(node), replace(self, settings=settings).key(node))
        return Evaluation.load(stored.folder) if stored else evaluation

    def evaluated(self, bench: Bench, node: Node) -> tuple[Evaluation, dict[str, Any]]:
        """The evaluation of ``node`` and the facts of its scoring."""
        from workbench.evaluate.result import Evaluation

        label, key = _label(node), self.key(node)
        with bench.home.claim(f"score-{label}-{key}", bench.progress):
            stored = self.shelf.find(label, key)
            if stored is None:
                stored = self.shelf.make(label, key, lambda f: self._fill(bench, node, f))
        return Evaluation.load(stored.folder), dict(stored.facts)

    def _fill(self, bench: Bench, node: Node, folder: Path) -> dict[str, Any]:
        import time

        from workbench.engine.realise import tokenizer_of
        from workbench.evaluate.harness import evaluate

        spec = bench.specs[node.id]
        extent = extent_of(self.plan, node, self.settings)
        templated = bench.plan.evaluate is not None and (
            bench.plan.evaluate.apply_chat_template == "both" and self.settings.apply_chat_template
        )
        clock = time.monotonic()
        with PeakMemory() as memory:
            model = bench.loaded.model(spec)
            evaluation = evaluate(
                model,
                tokenizer_of(spec),
                self.suite,
                self.settings,
                precision=precision(spec.root, model),
                label=f"scoring {node.id}" + (" with its chat template" if templated else ""),
                progress=bench.progress,
                whole=extent.whole,
                stopping=self._stopping(extent),
            )
            evaluation.save(folder)
        for words in _ended_early(evaluation):
            bench.progress.line(f"{node.id}: {words}")
        return {
            "id": node.id,
            "model_key": node.key,
            "seconds": round(time.monotonic() - clock, 3),
            "peak_memory_bytes": memory.bytes,
            "memory_kind": memory.kind,
        }

    def _stopping(self, extent: Extent) -> UntilClear | None:
        """What ends a scoring early; nothing where the parent itself could not be scored."""
        from workbench.compare.stopping import UntilClear
        from workbench.evaluate.result import Evaluation

        if extent.against is None or self.settings.sequential is None:
            return None
        parent = self.shelf.find(_label(extent.against), self.key(extent.against))
        if parent is None:
            return None
        return UntilClear(Evaluation.load(parent.folder), self.settings.sequential)


def _is_partial(evaluation: Evaluation) -> bool:
    return any(score.is_estimate for score in evaluation.scores.values())


def _ended_early(evaluation: Evaluation) -> Iterator[str]:
    for task, facts in evaluation.looks.items():
        looks, n = len(facts["ends"]), evaluation.scores[task].n
        if facts["look"] < looks:
            yield f"{task} was clear at look {facts['look']} of {looks}, after {n} items"


def precision(root: BaseConfig, model: PreTrainedModel) -> dict[str, Any]:
    """The numbers a model computes in: as loaded, whatever the config left to ``auto``."""
    quantisation = "nf4" if root.load_in_4bit else "int8" if root.load_in_8bit else "none"
    return {"dtype": str(model.dtype).removeprefix("torch."), "quantisation": quantisation}


def _label(node: Node) -> str:
    """A folder name for a node; a base's name may be a hub id or a path."""
    if node.kind != "base":
        return node.name
    clean = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in node.name)
    return f"base-{clean[-60:]}"


def _accelerator() -> bool:
    """Whether an NVIDIA driver is loaded: scores on a GPU and on a CPU differ in the last bits."""
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()
