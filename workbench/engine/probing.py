"""Measuring a study's hypotheses on each base, and keeping what was found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.engine.memory import PeakMemory
from workbench.store.outputs import FINDING_MANIFEST, Shelf
from workbench.study.hypothesis import Finding, Hypothesis, hypotheses
from workbench.study.subject import Subject
from workbench.versions import versions

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedModel

    from workbench.engine.entry import Entry
    from workbench.engine.scoring import Scorer
    from workbench.engine.steps import Bench
    from workbench.recipe.plan import Node, Plan
    from workbench.store.home import Home
    from workbench.study.design.matrix import Cell
    from workbench.study.questions.items import Item

FINDING = "finding.json"
#: The arm that every hypothesis knows: the treatment at the study's fixed rate.
TREATMENT = "treatment"
#: The libraries that a finding depends on: with another version, the base is probed again.
_LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes")


@dataclass
class Prober:
    """The hypotheses of one study, and the shelf of what they found."""

    plan: Plan
    scorer: Scorer | None
    shelf: Shelf
    findings: dict[str, dict[str, Finding]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    @staticmethod
    def of(plan: Plan, home: Home, scorer: Scorer | None) -> Prober | None:
        """The prober of a plan; ``None`` where there is no study, or one without hypotheses."""
        if plan.study is None:
            return None
        prober = Prober(plan, scorer, Shelf(home.findings, FINDING_MANIFEST))
        prober.findings = {name: {} for name in plan.study.hypotheses}
        return prober

    def due(self, settled: Iterable[str]) -> list[str]:
        """The bases that are not probed yet and of which every output was made, or failed."""
        assert self.plan.study is not None
        known = set(settled)
        waiting = [base for base in self.plan.study.bases if base not in self.done]
        return [base for base in waiting if base in known and known >= self._ids(base)]

    def _ids(self, base: str) -> set[str]:
        cells = self._cells(base)
        return {node.id for cell in cells for node in self.plan.by_name[cell.output]}

    def _cells(self, base: str) -> list[Cell]:
        assert self.plan.study is not None
        return [cell for cell in self.plan.study.cells if cell.base == base]

    def probe(self, bench: Bench, base: str, entries: Mapping[str, Entry]) -> dict[str, Exception]:
        """Measure every hypothesis on ``base``; what could not be measured says why in words.

        Returns the errors that no probe foresaw, by hypothesis.
        """
        assert self.plan.study is not None
        self.done.add(base)
        unforeseen: dict[str, Exception] = {}
        if base not in entries:
            return unforeseen
        # Tokenizer, items and samples are the same for all probes, and needed if one is to run.
        subject = cache(lambda: self._subject(bench, base, entries))
        for name, options in self.plan.study.hypotheses.items():
            hypothesis = hypotheses()[name]
            try:
                found = self._found(bench, hypothesis, options, base, entries, subject)
            except Exception as error:
                unforeseen[name] = error
                found = Finding(None, None, 0, f"the probe failed: {error}")
            self.findings[name][base] = found
        return unforeseen

    def _found(
        self,
        bench: Bench,
        hypothesis: Hypothesis,
        options: Mapping[str, Any],
        base: str,
        entries: Mapping[str, Entry],
        subject: Callable[[], Subject],
    ) -> Finding:
        arms = self._arms(base, hypothesis, entries)
        key = self._key(hypothesis, options, base, arms)
        label = _label(base, hypothesis.name)
        with bench.home.claim(f"probe-{label}-{key}", bench.progress):
            stored = self.shelf.find(label, key)
            if stored is None:
                bench.progress.line(f"{base}: probing {hypothesis.name}")
                given = replace(
                    subject(),
                    after={arm: self._samples(entries, nodes) for arm, nodes in arms.items()},
                    treated=lambda arm: bench.loaded.model(bench.specs[arms[arm][0].id]),
                    options={**hypothesis.options, **options},
                )
                stored = self.shelf.make(
                    label, key, lambda folder: _fill(hypothesis, given, folder)
                )
        return load(stored.folder / FINDING)

    def _arms(
        self, base: str, hypothesis: Hypothesis, entries: Mapping[str, Entry]
    ) -> dict[str, list[Node]]:
        """The nodes, one a seed, of each arm that the hypothesis may read, made and scored."""
        arms: dict[str, list[Node]] = {}
        first = self.plan.study.treatments[0] if self.plan.study else ""
        for cell in self._cells(base):
            name = _arm_of(cell, hypothesis)
            if cell.treatment != first or name is None:
                continue
            made = [n for n in self.plan.by_name[cell.output] if n.id in entries]
            if made:
                arms[name] = made
        return arms

    def _key(
        self,
        hypothesis: Hypothesis,
        options: Mapping[str, Any],
        base: str,
        arms: Mapping[str, Sequence[Node]],
    ) -> str:
        from workbench.recipe.keys import digest

        assert self.plan.study is not None
        installed = versions()

        def scored(node: Node) -> list[str]:
            return [node.key, self.scorer.key(node) if self.scorer else ""]

        return digest(
            {
                "hypothesis": [hypothesis.name, hypothesis.version, dict(options)],
                "base": scored(self.plan.nodes[base]),
                "arms": {name: [scored(node) for node in nodes] for name, nodes in arms.items()},
                "items": self.plan.study.item_identity,
                "tasks": self.plan.study.tasks,
                "seed": self.plan.study.config.seed,
                "libraries": {name: installed.get(name) for name in _LIBRARIES},
            }
        )

    def _subject(self, bench: Bench, base: str, entries: Mapping[str, Entry]) -> Subject:
        """What every probe of ``base`` is given; the arms and options are each one's own."""
        from workbench.bases.spec import PathStep
        from workbench.engine.realise import tokenizer_of

        assert self.plan.study is not None
        spec = bench.specs[base]

        def path(layers: Sequence[int]) -> PreTrainedModel:
            return bench.loaded.model(replace(spec, steps=(*spec.steps, PathStep(tuple(layers)))))

        return Subject(
            base=base,
            model=lambda: bench.loaded.model(spec),
            tokenizer=tokenizer_of(spec),
            seed=self.plan.study.config.seed,
            suspect=self._items(self.plan.study.config.suspect, self.plan.study.suspect, entries),
            fresh=self._items(self.plan.study.config.fresh, self.plan.study.fresh, entries),
            before=self._samples(entries, [self.plan.nodes[base]]),
            path=path,
            progress=bench.progress,
        )

    def _items(
        self, named: str | None, file: Path | None, entries: Mapping[str, Entry]
    ) -> Sequence[Item]:
        """The items of a file, or of a task of the suite, which are the same for every base."""
        from workbench.study.questions.item_files import read_items
        from workbench.study.questions.task_items import items_of

        if file is not None:
            return read_items(file)
        for entry in entries.values():
            if named is not None and entry.evaluation is not None:
                return items_of(entry.evaluation.samples, named)
        return ()

    def _samples(self, entries: Mapping[str, Entry], nodes: Sequence[Node]) -> pd.DataFrame:
        """The items of the tasks that count, each with the seed of the output that answered."""
        import pandas as pd

        assert self.plan.study is not None
        frames = []
        for node in nodes:
            evaluation = entries[node.id].evaluation
            if evaluation is not None:
                frame = evaluation.samples
                frames.append(
                    frame[frame["task"].isin(self.plan.study.tasks)].assign(seed=node.seed)
                )
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _arm_of(cell: Cell, hypothesis: Hypothesis) -> str | None:
    """What a hypothesis calls a cell; ``None`` for one that another hypothesis ordered."""
    if cell.fixed:
        return TREATMENT
    if cell.arm:
        return cell.arm if cell.hypothesis == hypothesis.name else None
    return f"lr={cell.rate:g}" if cell.rate is not None else None


def _label(base: str, hypothesis: str) -> str:
    clean = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in base)
    return f"{hypothesis.replace('_', '-')}-{clean[-60:]}"


def _fill(hypothesis: Hypothesis, subject: Subject, folder: Path) -> dict[str, Any]:
    import time

    clock = time.monotonic()
    with PeakMemory() as memory:
        found = hypothesis.measure(subject)
    text = json.dumps(asdict(found), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / FINDING).write_text(text + "\n", encoding="utf-8")
    return {
        "hypothesis": hypothesis.name,
        "version": hypothesis.version,
        "base": subject.base,
        "seconds": round(time.monotonic() - clock, 3),
        "peak_memory_bytes": memory.bytes,
    }


def load(file: Path) -> Finding:
    """A finding as it was kept."""
    facts = json.loads(file.read_text(encoding="utf-8"))
    ends = facts["ci95"]
    return Finding(**{**facts, "ci95": tuple(ends) if ends is not None else None})
