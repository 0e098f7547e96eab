"""Running a recipe: make what is missing, score everything, compare, write the run's folder."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.bases.spec import ModelSpec
from workbench.engine.entry import Entry
from workbench.engine.failures import explain
from workbench.engine.judging import compare
from workbench.engine.order import by_root
from workbench.engine.probing import Prober
from workbench.engine.realise import Loaded
from workbench.engine.results import build_results, write_samples
from workbench.engine.scoring import Scorer
from workbench.engine.steps import Bench, clean_work, make
from workbench.engine.studying import registered, study_results
from workbench.engine.templated import score_with_template
from workbench.errors import Problem, WorkbenchError
from workbench.progress import Progress
from workbench.store.home import Home
from workbench.store.outputs import OUTPUT_MANIFEST, Shelf, Stored
from workbench.store.seal import write_text_atomically

if TYPE_CHECKING:
    from workbench.recipe.load import LoadedRecipe
    from workbench.recipe.plan import Node, Plan

#: The items of the second evaluations, beside ``samples.parquet``.
WITH_TEMPLATE = "samples_with_chat_template.parquet"

OpenProgress = Callable[[Path], Progress]


@dataclass
class Outcome:
    """What a run came to. ``problems`` is empty when every output was made and scored."""

    folder: Path
    results: dict[str, Any]
    problems: tuple[Problem, ...]
    did_nothing: bool = False


@dataclass
class _Run:
    bench: Bench
    shelf: Shelf
    scorer: Scorer | None
    templated: Scorer | None
    prober: Prober | None
    log: Path
    entries: dict[str, Entry] = field(default_factory=dict)
    failed: dict[str, tuple[Problem, ...]] = field(default_factory=dict)


def run_recipe(
    recipe: Path,
    home: Home,
    *,
    sets: Sequence[str] = (),
    open_progress: OpenProgress,
    command: str,
) -> Outcome:
    """Make and score everything that ``recipe`` names; what is there already is not made again.

    Raises:
        UserError: the recipe is wrong or the home cannot be written to; nothing has been made.
        StepFailed: a stored output that this run needs is damaged, or data sets to score on are
            neither cached nor to be had; each is named with the command that fetches it.
    """
    from workbench.evaluate.fetch import ensure_data
    from workbench.recipe.estimate import estimate
    from workbench.recipe.load import load_recipe
    from workbench.recipe.room import made, memory_warnings

    loaded = load_recipe(recipe, sets)
    plan = _plan_with_bases_here(loaded, home)
    home.prepare()
    folder = home.runs / f"{plan.name}-{plan.key}"
    scorer, templated = Scorer.of(plan, home), Scorer.with_template(plan, home)
    shelf = Shelf(home.outputs, OUTPUT_MANIFEST)
    finished = _finished(folder, plan, shelf, scorer, templated)
    if finished is not None:
        return Outcome(folder, finished, (), did_nothing=True)

    registration = registered(home, plan)
    folder.mkdir(exist_ok=True)
    _write_inputs(folder, loaded, plan)
    log = folder / "run.log"
    progress = open_progress(log)
    estimates = estimate(plan)
    warnings = memory_warnings(
        plan, estimates=estimates, there=made(plan, home.root), scored=plan.nodes if scorer else ()
    )
    incomplete = [claim.words for claim in plan.claims if claim.missing]
    for remark in (*loaded.notices, *warnings, *incomplete):
        progress.line(f"note: {remark}")
    if scorer is not None and scorer.has_to_score(plan):
        # Before anything is made: what was made would wait for its scores.
        ensure_data(scorer.suite, progress.line)
    bench = Bench(plan, home, progress, Loaded(progress))
    run = _Run(bench, shelf, scorer, templated, Prober.of(plan, home, scorer), log)
    predicted = {name: each.memory_bytes for name, each in estimates.items()}
    results: dict[str, Any] = {}
    for node in by_root(plan):
        _do(run, node)
        _probe(run)
        results = build_results(plan, run.entries, run.failed, loaded, command, predicted)
        write_text_atomically(folder / "results.json", _dump(results))
    if run.prober is not None:
        results["study"] = study_results(
            plan, run.entries, run.failed, run.prober, registration, progress
        )
        write_text_atomically(folder / "results.json", _dump(results))
    write_samples(run.entries, folder / "samples.parquet")
    if templated is not None:
        write_samples(run.entries, folder / WITH_TEMPLATE, with_template=True)
    return Outcome(folder, results, tuple(p for ps in run.failed.values() for p in ps))


def _plan_with_bases_here(loaded: LoadedRecipe, home: Home) -> Plan:
    """The checked plan, every base downloaded: then its exact revision is in all keys."""
    from workbench.bases.locate import locate, read_config
    from workbench.recipe.check import checked_plan

    plan = checked_plan(loaded, home.root)
    absent = [config for config in loaded.recipe.bases.values() if read_config(config) is None]
    for config in absent:
        locate(config)
    return checked_plan(loaded, home.root) if absent else plan


def _do(run: _Run, node: Node) -> None:
    """Make and score one node, or say why that was not possible."""
    broken = [parent for parent in node.parents if parent not in run.entries]
    if broken:
        run.failed[node.id] = (
            Problem(f"{node.id} was not made", f"its parent {broken[0]} failed", ""),
        )
        return
    label = node.id
    try:
        entry = _base_entry(run, node) if node.kind == "base" else _output_entry(run, node)
        run.entries[node.id] = entry
        if run.scorer is not None:
            label = f"scoring {node.id}"
            run.scorer.score(run.bench, node, entry)
            if run.templated is not None:
                entry.with_template = score_with_template(run.templated, run.bench, node)
            compare(run.bench.plan, entry, run.entries)
    except Exception as error:
        _log_trace(run.log, error)
        run.failed[node.id] = explain(error, label, run.bench.home.root, run.log)
        for problem in run.failed[node.id]:
            run.bench.progress.line(str(problem))


def _probe(run: _Run) -> None:
    """Measure a study's hypotheses on each base of which all is made: it is still in memory."""
    if run.prober is None:
        return
    for base in run.prober.due({*run.entries, *run.failed}):
        for name, error in run.prober.probe(run.bench, base, run.entries).items():
            _log_trace(run.log, error)
            label = f"{base}: {name}"
            run.failed[label] = explain(error, label, run.bench.home.root, run.log)
            for problem in run.failed[label]:
                run.bench.progress.line(str(problem))


def _base_entry(run: _Run, node: Node) -> Entry:
    from workbench.engine.lineage import anywhere

    # Named as in the manifests of what is made from it, or it would be loaded a second time.
    run.bench.specs[node.id] = ModelSpec(anywhere(node.config))
    return Entry(node=node, facts={}, path=None, reused=True)


def _output_entry(run: _Run, node: Node) -> Entry:
    bench = run.bench
    reused = True
    with bench.home.claim(f"{node.name}-{node.key}", bench.progress):
        stored = run.shelf.find(node.name, node.key)
        if stored is None:
            reused = False
            bench.progress.line(f"{node.id}: making it ({node.kind})")
            stored = run.shelf.make(node.name, node.key, lambda folder: make(bench, node, folder))
            clean_work(bench, node)
    bench.specs[node.id] = _spec(bench, stored)
    if not reused:
        bench.progress.line(f"{node.id}: made in {stored.facts['seconds']:.1f} s")
    return Entry(node=node, facts=stored.facts, path=stored.folder, reused=reused)


def _spec(bench: Bench, stored: Stored) -> ModelSpec:
    from workbench.engine.lineage import anywhere, spec_of_folder

    bases = (node.config for node in bench.plan.nodes.values() if node.kind == "base")
    trusted = {anywhere(base).base_model for base in bases if base.trust_remote_code}
    return spec_of_folder(stored.folder, check_files=False, trusted=trusted)


def _finished(
    folder: Path, plan: Plan, shelf: Shelf, scorer: Scorer | None, templated: Scorer | None
) -> dict[str, Any] | None:
    """The results of this very run if it ended well and all it made is still there and whole."""
    try:
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = (
        isinstance(results, dict)
        and results.get("complete") is True
        and (scorer is None or (folder / "samples.parquet").exists())
        and (folder / "report.html").exists()
        and all(
            shelf.find(node.name, node.key) is not None
            for node in plan.nodes.values()
            if node.kind != "base"
        )
        and (scorer is None or all(scorer.is_scored(node) for node in plan.nodes.values()))
        and (templated is None or _all_templated(results, plan, templated))
    )
    return results if whole else None


def _all_templated(results: dict[str, Any], plan: Plan, scorer: Scorer) -> bool:
    """Whether each node was scored with its chat template, or has none."""
    without = {
        output.get("id")
        for output in results["outputs"]
        if (output.get("with_chat_template") or {}).get("missing")
    }
    return all(i in without or scorer.is_scored(node) for i, node in plan.nodes.items())


def _write_inputs(folder: Path, loaded: LoadedRecipe, plan: Plan) -> None:
    from workbench.recipe.lock import lock

    write_text_atomically(folder / "recipe.yaml", loaded.text)
    write_text_atomically(folder / "recipe.lock.yaml", lock(loaded, plan))


def _dump(results: dict[str, Any]) -> str:
    return json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _log_trace(log: Path, error: Exception) -> None:
    if isinstance(error, WorkbenchError):
        return
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{stamp} {''.join(traceback.format_exception(error))}\n")
