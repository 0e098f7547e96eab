"""``workbench eval MODEL --suite NAME``: one model's scores, with intervals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import (
    DEFAULT_HOME,
    DTypeOption,
    EightBitOption,
    FourBitOption,
    HomeOption,
    RevisionOption,
    TrustOption,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from workbench.bases.spec import ModelSpec
    from workbench.evaluate.result import Evaluation
    from workbench.leaderboard.points import PointScore


def eval(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A hub id, a local folder, tiny/NAME, or an output's name or folder.",
        ),
    ],
    suite: Annotated[
        str, typer.Option("--suite", metavar="NAME", help="A name in evals/suites, or a .yaml.")
    ] = "quick",
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            help="Score a sample of so many items for each entry of the suite: an estimate.",
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", min=1, help="Instead of the suite's.")
    ] = None,
    chat: Annotated[
        bool | None,
        typer.Option(
            "--apply-chat-template/--no-chat-template",
            help="Ask through the model's chat template, or not, instead of as the suite says.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of few-shot examples.")] = 0,
    run_code: Annotated[
        bool, typer.Option("--run-code", help="Run programs that the model writes (HumanEval).")
    ] = False,
    dtype: DTypeOption = None,
    load_in_4bit: FourBitOption = False,
    load_in_8bit: EightBitOption = False,
    revision: RevisionOption = None,
    trust_remote_code: TrustOption = False,
    home: HomeOption = DEFAULT_HOME,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write results.json and samples.parquet there."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score one model on a suite of tasks."""
    from workbench.cli.progress import open_progress
    from workbench.cli.quiet import quiet
    from workbench.cli.specs import named_model
    from workbench.errors import UserError
    from workbench.evaluate.checks import check_suite
    from workbench.evaluate.config import EvaluateConfig
    from workbench.evaluate.fetch import ensure_data
    from workbench.evaluate.suites import load_suite

    quiet()
    # What is wrong with the suite is known in a moment; a model can take minutes to load.
    problems = check_suite(suite, run_code=run_code)
    if problems:
        raise UserError(problems)
    loading = {
        "dtype": dtype,
        "revision": revision,
        "load_in_4bit": load_in_4bit,
        "load_in_8bit": load_in_8bit,
    }
    spec = named_model(model, home, loading, trust_remote_code)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    settings = EvaluateConfig(
        suite=suite,
        limit=limit,
        batch_size=batch_size,
        apply_chat_template=chat,
        seed=seed,
        run_code=run_code,
    )
    progress = open_progress()
    ensure_data(load_suite(suite), progress.line)

    from workbench.engine.realise import Loaded, tokenizer_of
    from workbench.engine.scoring import precision
    from workbench.evaluate.harness import evaluate
    from workbench.leaderboard.points import points_of

    loaded = Loaded().model(spec)
    evaluation = evaluate(
        loaded,
        tokenizer_of(spec),
        load_suite(suite),
        settings,
        precision=precision(spec.root, loaded),
        progress=progress,
        label=model,
    )
    scheme = load_suite(suite).points
    points = points_of(evaluation, scheme) if scheme else {}
    results = _results(model, spec, evaluation, points)
    if out is not None:
        _write(out, model, results, evaluation)
    if as_json:
        typer.echo(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        _print(model, evaluation, points)


def _results(
    model: str, spec: ModelSpec, evaluation: Evaluation, points: Mapping[str, PointScore]
) -> dict[str, Any]:
    """The shape of a run's ``results.json``, with one model in it."""
    return {
        "name": model,
        "key": evaluation.fingerprint,
        "conditions": evaluation.conditions,
        "outputs": [
            {
                "name": model,
                "kind": "output" if spec.steps else "base",
                "seed": None,
                "parents": [spec.root.base_model] if spec.steps else [],
                "path": None,
                "scores": {task: score.as_dict() for task, score in evaluation.scores.items()},
                "versus": {},
                "points": {name: score.as_dict() for name, score in points.items()},
                "notes": list(evaluation.notes),
            }
        ],
    }


def _write(out: Path, model: str, results: dict[str, Any], evaluation: Evaluation) -> None:
    table = evaluation.samples.copy()
    table.insert(0, "output", model)
    table.to_parquet(out / "samples.parquet", index=False)
    text = json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False)
    (out / "results.json").write_text(text + "\n", encoding="utf-8")


def _print(model: str, evaluation: Evaluation, points: Mapping[str, PointScore]) -> None:
    from rich.text import Text

    from workbench.cli.console import open_console
    from workbench.terminal import printable

    console = open_console()
    console.print(Text(printable(model), style="bold"))
    tasks = [
        (task, score.metric, f"{score.value:.4f}", "{:.4f} to {:.4f}".format(*score.ci95), score)
        for task, score in evaluation.scores.items()
    ]
    console.print(_table(("task", "metric", "score"), tasks))
    if points:
        benchmarks = [
            (name, f"{score.value:.2f}", "{:.2f} to {:.2f}".format(*score.ci95), score)
            for name, score in points.items()
        ]
        console.print(_table(("benchmark", "points"), benchmarks))
    for note in evaluation.notes:
        console.print(Text(f"note: {printable(note)}", style="yellow"))
    console.print(Text(f"conditions {evaluation.fingerprint}", style="dim"))


def _table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Table:
    """Rows of cells; the last of each is a score, which says its items and if it is an estimate."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from workbench.terminal import printable

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in (*heads, "95% interval", "items"):
        right = head in ("score", "points", "95% interval", "items")
        table.add_column(head, justify="right" if right else "left", overflow="fold")
    partial = [score.n < (score.of or score.n) for *_, score in rows]
    if any(partial):
        table.add_column("")
    for (*cells, score), part in zip(rows, partial, strict=True):
        cells += [f"{score.n} of {score.of}", "estimate"] if part else [str(score.n), ""]
        table.add_row(*(Text(printable(cell)) for cell in cells[: len(table.columns)]))
    return table
