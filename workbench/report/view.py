"""A run prepared for the templates: what is shown where, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markupsafe import Markup

from workbench.report.figures import curves, path
from workbench.report.figures.axis import Scale, change_scale, score_scale
from workbench.report.gap_view import BothWaysView, GapView
from workbench.report.licences import licences
from workbench.report.looks import stops
from workbench.report.reproduction_view import ReproductionView
from workbench.report.results import Change, Entry, Results, Score, Verdict, WholeSet, load
from workbench.report.samples import choose_samples
from workbench.report.scan_view import ScanView, scan_of
from workbench.report.study_view import StudyView
from workbench.report.verdict import changes_of, findings, made


@dataclass(frozen=True)
class ScoreRow:
    """A row of a task's scores."""

    entry: Entry
    score: Score
    parents: list[float | None]


@dataclass(frozen=True)
class ChangeRow:
    """A row of a task's changes; ``is_parent`` is false for a root base further up."""

    entry: Entry
    against: str
    change: Change
    verdict: Verdict
    is_parent: bool


@dataclass(frozen=True)
class EstimateRow:
    """A row of what a task's limited scores say of the whole task."""

    entry: Entry
    estimate: WholeSet


@dataclass(frozen=True)
class TaskView:
    """Everything that is shown of one task."""

    name: str
    metric: str
    more_is_better: bool
    scores: list[ScoreRow]
    estimates: list[EstimateRow]
    changes: list[ChangeRow]
    stops: list[tuple[Entry, str]]
    score_scale: Scale
    change_scale: Scale


@dataclass(frozen=True)
class Training:
    """The fine-tunes of one name: their curves in one panel, their facts a seed."""

    name: str
    entries: list[Entry]
    panel: Markup | None


class Page:
    """A run prepared for the template."""

    def __init__(self, run_folder: Path) -> None:
        self.run: Results = load(run_folder)
        self.folder = run_folder
        self.lock = _text(run_folder / "recipe.lock.yaml")
        self.samples = choose_samples(run_folder, self.run)
        self.made = made(self.run)
        self.findings = findings(self.run)
        self.licences = licences(self.run)
        told = set(self.run.main_tasks)
        self.compared = sum(
            len(told & set(tasks)) for e in self.run.outputs for tasks in e.versus.values()
        )

    @cached_property
    def tasks(self) -> list[TaskView]:
        """The tasks in the order of the file."""
        return [self._task(name) for name in self.run.tasks]

    def _task(self, name: str) -> TaskView:
        run = self.run
        scores = [
            ScoreRow(entry, entry.scores[name], self._parents_scores(entry, name))
            for entry in run.entries
            if name in entry.scores
        ]
        up = run.more_is_better(name)
        changes = [
            ChangeRow(entry, against, change, change.verdict(up), is_parent)
            for entry in run.outputs
            for against, change, is_parent in changes_of(run, entry, name)
        ]
        estimates = [EstimateRow(e, e.estimates[name]) for e in run.entries if name in e.estimates]
        drawn = [r.score for r in scores] + [r.estimate for r in estimates]
        return TaskView(
            name,
            next((row.score.metric for row in scores if row.score.metric), ""),
            up,
            scores,
            estimates,
            changes,
            [(entry, words) for entry in run.outputs for words in stops(run, entry, name)],
            score_scale(v for score in drawn for v in (score.value, *score.ci95)),
            change_scale(v for r in changes for v in (r.change.delta, *r.change.ci95)),
        )

    def _parents_scores(self, entry: Entry, task: str) -> list[float | None]:
        parents = (self.run.entry(name, entry.seed) for name in entry.parents)
        return [p.scores[task].value for p in parents if p is not None and task in p.scores]

    @cached_property
    def trainings(self) -> list[Training]:
        """The fine-tunes; panels of one training method share the scale of their loss."""
        groups: dict[str, list[Entry]] = {}
        for entry in self.run.outputs:
            if entry.kind == "finetune":
                groups.setdefault(entry.name, []).append(entry)
        lines = {name: curves.lines_of(entries) for name, entries in groups.items()}
        method = {name: entries[0].config.get("rl") for name, entries in groups.items()}
        trainings = []
        for name, entries in groups.items():
            alike = [line for other in groups if method[other] == method[name]
                     for line in lines[other]]  # fmt: skip
            scale = curves.loss_scale(alike)
            panel = curves.curve_panel(name, lines[name], scale) if lines[name] else None
            trainings.append(Training(name, entries, panel))
        return trainings

    @cached_property
    def layer_paths(self) -> list[tuple[str, Entry, path.LayerPath]]:
        """Each layer path once, with the names and seeds that run it."""
        found: dict[tuple[str, str], tuple[Entry, path.LayerPath]] = {}
        for entry in self.run.outputs:
            drawn = path.layer_path(entry) if entry.kind in ("relayer", "scan") else None
            if drawn is not None:
                found.setdefault((entry.name, str(entry.record["path"])), (entry, drawn))
        return [(name, entry, drawn) for (name, _), (entry, drawn) in found.items()]

    @cached_property
    def scans(self) -> list[ScanView]:
        """The scans, with their measured paths where these are still on disk."""
        entries = [entry for entry in self.run.outputs if entry.kind == "scan"]
        return [scan_of(entry, self.folder, index) for index, entry in enumerate(entries)]

    @cached_property
    def reproductions(self) -> list[ReproductionView]:
        """The published entries that outputs were held against."""
        return [ReproductionView(found, self.run.seeded) for found in self.run.reproductions]

    def gaps(self, view: ReproductionView) -> list[GapView]:
        """The entry's published differences to its published parents."""
        entry = self.run.entry(view.found.output, view.found.seed)
        kind = entry.kind if entry is not None else ""
        return [GapView(view, parent, kind) for parent in view.found.parents]

    @cached_property
    def both_ways(self) -> list[BothWaysView]:
        """The outputs that were scored with and without their chat template."""
        scored = [e for e in self.run.entries if e.with_chat_template is not None]
        return [BothWaysView(entry, self.run) for entry in scored if not entry.is_base] or [
            BothWaysView(entry, self.run) for entry in scored
        ]

    @cached_property
    def study(self) -> StudyView | None:
        """What the study says, where the run was one."""
        return StudyView({"study": self.run.study}) if self.run.study else None

    @property
    def kinds(self) -> list[str]:
        """The kinds that the graph's legend names: the usual, and a scan where there is one."""
        usual = ["base", "finetune", "relayer", "merge"]
        return [*usual, "scan"] if self.scans else usual

    @property
    def merges(self) -> list[Entry]:
        """The outputs made by merging."""
        return [entry for entry in self.run.outputs if entry.kind == "merge"]

    @property
    def most_memory(self) -> float:
        """The right end of the memory bars."""
        sizes = [entry.peak_memory_bytes or 0 for entry in self.run.entries]
        sizes += [entry.predicted_memory_bytes or 0 for entry in self.run.entries]
        return max([*sizes, 1]) * 1.02

    @property
    def errors(self) -> list[dict[str, str]]:
        """What failed: each with the output's id, fact, cause and remedy."""
        keys = ("id", "fact", "cause", "remedy")
        return [
            {key: str(error.get(key) or "") for key in keys}
            if isinstance(error, dict)
            else {"id": "", "fact": str(error), "cause": "", "remedy": ""}
            for error in self.run.errors
        ]

    def _scan_title(self, view: ScanView) -> str:
        if len(self.scans) == 1:
            return "Brain scan"
        seed = f" {view.seed}" if self.run.seeded and view.seed is not None else ""
        return f"Scan {view.name}{seed}"

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Anchor and title of every section that has something to show."""
        candidates = [
            ("scores", "Scores", self.tasks),
            ("changes", "Changes", any(task.changes for task in self.tasks)),
            ("reproduction", "Reproduction", self.reproductions),
            ("templates", "Chat template", self.both_ways),
            *((view.anchor, self._scan_title(view), True) for view in self.scans),
            ("training", "Training", self.trainings),
            ("paths", "Layer paths", self.layer_paths),
            ("merges", "Merges", self.merges),
            ("items", "Item by item", self.samples),
            ("cost", "Memory and time", self.run.outputs),
            ("licences", "Licences", self.licences),
            ("conditions", "Conditions", True),
            ("reproduce", "Reproduce", True),
        ]
        shown = [(anchor, title) for anchor, title, content in candidates if content]
        if self.study is None:
            return shown
        # The outputs are folded below the study: one anchor stands for all their sections.
        after = [pair for pair in shown if pair[0] in ("licences", "conditions", "reproduce")]
        return [*self.study.sections, ("outputs", "Outputs"), *after]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
