"""The HTML page of a run: one file that opens offline and asks nothing of anyone."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from workbench.report import numbers
from workbench.report.figures import curves, graph, path, strips
from workbench.report.figures.axis import Scale, change_scale, score_scale
from workbench.report.figures.svg import glyph
from workbench.report.licences import licences
from workbench.report.results import Change, Entry, Results, Score, Verdict, load
from workbench.report.samples import choose_samples, embed
from workbench.report.verdict import ancestors, changes_of, findings, kind_word, made
from workbench.store.seal import write_text_atomically

#: Longer recipes and locks are cut on the page; the files beside it are whole.
MOST_TEXT = 200_000


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
class TaskView:
    """Everything that is shown of one task."""

    name: str
    metric: str
    more_is_better: bool
    scores: list[ScoreRow]
    changes: list[ChangeRow]
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
        self.compared = sum(len(t) for e in self.run.outputs for t in e.versus.values())

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
        return TaskView(
            name,
            next((row.score.metric for row in scores if row.score.metric), ""),
            up,
            scores,
            changes,
            score_scale(v for r in scores for v in (r.score.value, *r.score.ci95)),
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
            drawn = path.layer_path(entry) if entry.kind == "relayer" else None
            if drawn is not None:
                found.setdefault((entry.name, str(entry.record["path"])), (entry, drawn))
        return [(name, entry, drawn) for (name, _), (entry, drawn) in found.items()]

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

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Anchor and title of every section that has something to show."""
        candidates = [
            ("scores", "Scores", self.tasks),
            ("changes", "Changes", any(task.changes for task in self.tasks)),
            ("training", "Training", self.trainings),
            ("paths", "Layer paths", self.layer_paths),
            ("merges", "Merges", self.merges),
            ("items", "Item by item", self.samples),
            ("cost", "Memory and time", self.run.outputs),
            ("licences", "Licences", self.licences),
            ("conditions", "Conditions", True),
            ("reproduce", "Reproduce", True),
        ]
        return [(anchor, title) for anchor, title, content in candidates if content]


def flat(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as ``a.b`` and the value's text; lists of plain values on one line."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, str):
        yield prefix, value
    elif prefix.endswith("_bytes") and type(value) in (int, float):
        yield prefix, f"{numbers.size(value)} ({numbers.count(value)} bytes)"
    elif isinstance(value, list) and value and not any(isinstance(v, dict | list) for v in value):
        yield prefix, ", ".join(figure(v) for v in value)
    else:
        yield prefix, figure(value)


def figure(value: object) -> str:
    """A value of a record: numbers short, words as they are, the rest as JSON."""
    if isinstance(value, str):
        return value
    if type(value) is int:
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if type(value) is float:
        return f"{value:.6g}"
    if value in (None, [], {}):
        return numbers.NONE
    return json.dumps(value, ensure_ascii=False, default=str)


def as_yaml(value: object) -> str:
    """A step's config as it would stand in a recipe."""
    from io import StringIO

    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    out = StringIO()
    writer.dump(value, out)
    return out.getvalue()


def breakable(key: str) -> Markup:
    """A long name with leave to break after dots and underscores rather than in the middle."""
    text = str(escape(key))
    return Markup(text.replace(".", ".<wbr>").replace("_", "_<wbr>"))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _digest(text: str) -> str:
    """The hash by which the page's policy knows its own script and style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("workbench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "score": numbers.score,
        "signed": numbers.signed,
        "interval": numbers.interval,
        "p": numbers.p_value,
        "count": numbers.count,
        "size": numbers.size,
        "seconds": numbers.seconds,
        "moment": numbers.moment,
        "kind": kind_word,
        "flat": flat,
        "breakable": breakable,
        "figure": figure,
        "without": lambda mapping, key: {k: v for k, v in mapping.items() if k != key},
        "yaml": as_yaml,
        "ranges": path.ranges,
        "glyph": glyph,
        "cut": lambda text: text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "\n… (cut)",
        "exact": lambda value: json.dumps(value),
    }
    environment.globals |= {
        "strips": strips,
        "graphs": (graph.WIDE, graph.NARROW),
        "graph": graph.graph,
        "share": numbers.share,
        "plural": numbers.plural,
        "ancestors": ancestors,
    }
    return environment


def render(run_folder: Path) -> str:
    """The page of a run as text. The same files give the same text.

    Raises:
        UserError: results.json is missing or is not what ``workbench run`` writes.
    """
    environment = _environment()
    templates = files("workbench.report") / "templates"
    style = (templates / "report.css").read_text(encoding="utf-8")
    script = (templates / "report.js").read_text(encoding="utf-8")
    page = Page(run_folder)
    samples: dict[str, Any] | None = page.samples
    text = environment.get_template("page.html.jinja").render(
        page=page,
        run=page.run,
        # Both are files of this package, and the policy admits them by hash alone.
        style=Markup(style),
        script=Markup(script),
        style_hash=_digest(style),
        script_hash=_digest(script),
        samples=Markup(embed(samples)) if samples else "",
    )
    # JSON may hold halves of surrogate pairs, which no file can.
    return text.encode("utf-8", "replace").decode("utf-8")


def write_report(run_folder: Path) -> Path:
    """Writes ``report.html`` into a run's folder, whole or not at all; returns its path.

    Raises:
        UserError: results.json is missing or is not what ``workbench run`` writes.
    """
    target = run_folder / "report.html"
    write_text_atomically(target, render(run_folder))
    return target
