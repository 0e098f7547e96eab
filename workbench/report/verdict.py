"""What the comparisons say, in groups that a sentence can be made of."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.report.results import Change, Entry, Results, Verdict

KIND_WORDS = {
    "base": ("base", "bases"),
    "finetune": ("fine-tune", "fine-tunes"),
    "relayer": ("layer path", "layer paths"),
    "merge": ("merge", "merges"),
    "scan": ("brain scan", "brain scans"),
}


@dataclass(frozen=True)
class Finding:
    """One output name against one direct parent on one task, over all its seeds.

    ``verdict`` is ``better`` or ``worse`` only where every seed's interval says so; ``agreeing``
    counts the seeds whose interval excludes zero on the side most of them are on.
    """

    name: str
    against: str
    task: str
    verdict: Verdict
    changes: tuple[Change, ...]
    agreeing: int
    leaning: Verdict

    @property
    def seeds(self) -> int:
        """Over how many seeds this was found."""
        return len(self.changes)

    @property
    def is_estimate(self) -> bool:
        """Whether a change stands for more items than were scored."""
        return any(change.is_estimate for change in self.changes)

    @property
    def equivalent(self) -> float | None:
        """The margin within which every seed was found equivalent, where one was set."""
        margins = [c.margin for c in self.changes if c.waited_for == "equivalent"]
        return margins[0] if margins and len(margins) == self.seeds else None

    @property
    def deltas(self) -> list[float]:
        """The changes that are known, smallest first."""
        return sorted(c.delta for c in self.changes if c.delta is not None)


def kind_word(kind: str, number: int = 1) -> str:
    """``finetune`` -> ``fine-tune``; kinds this page does not know keep their own name."""
    one, many = KIND_WORDS.get(kind, (kind, kind))
    return one if number == 1 else many


def changes_of(results: Results, entry: Entry, task: str) -> list[tuple[str, Change, bool]]:
    """``entry``'s changes on ``task``: against whom, the change, and whether that is a parent.

    Direct parents come first, then the root bases it is compared with as well.
    """
    known = [(name, tasks[task]) for name, tasks in entry.versus.items() if task in tasks]
    rows = [(name, change, name in entry.parents) for name, change in known]
    return sorted(rows, key=lambda row: not row[2])


def findings(results: Results) -> list[Finding]:
    """Every output against every direct parent on every main task, in the order of the file."""
    found: dict[tuple[str, str, str], list[Change]] = {}
    for entry in results.outputs:
        for task in results.main_tasks:
            for against, change, is_parent in changes_of(results, entry, task):
                if is_parent and change.known:
                    found.setdefault((entry.name, against, task), []).append(change)
    return [_judge(results, *place, changes) for place, changes in found.items()]


def _judge(results: Results, name: str, against: str, task: str, changes: list[Change]) -> Finding:
    verdicts = [change.verdict(results.more_is_better(task)) for change in changes]
    better, worse = verdicts.count("better"), verdicts.count("worse")
    leaning: Verdict = "unclear" if better == worse else "better" if better > worse else "worse"
    agreeing = max(better, worse)
    verdict: Verdict = leaning if agreeing == len(verdicts) else "unclear"
    return Finding(name, against, task, verdict, tuple(changes), agreeing, leaning)


def made(results: Results) -> str:
    """``5 outputs (3 fine-tunes, 1 layer path, 1 merge) from 2 bases``; seeds count once."""
    outputs = {entry.name: entry.kind for entry in results.outputs}
    bases = {entry.name for entry in results.bases}
    kinds = dict.fromkeys(outputs.values(), 0)
    for kind in outputs.values():
        kinds[kind] += 1
    parts = ", ".join(f"{number} {kind_word(kind, number)}" for kind, number in kinds.items())
    seeds = sorted({entry.seed for entry in results.outputs if entry.seed is not None})
    words = f"{len(outputs)} output{'' if len(outputs) == 1 else 's'}"
    words += f" ({parts})" if parts else ""
    words += f" from {len(bases)} {kind_word('base', len(bases))}"
    if len(seeds) > 1:
        words += f" with seeds {', '.join(map(str, seeds))}"
    return words


def ancestors(results: Results, entry: Entry) -> list[Entry]:
    """Everything ``entry`` was made from, nearest first, each once."""
    seen: dict[int, Entry] = {}
    queue = [entry]
    while queue:
        current = queue.pop(0)
        for name in current.parents:
            parent = results.entry(name, entry.seed)
            if parent is not None and id(parent) not in seen and parent is not entry:
                seen[id(parent)] = parent
                queue.append(parent)
    return list(seen.values())
