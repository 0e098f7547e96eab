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
    from workbench.bases.spec import ModelSpec
    from workbench.evaluate.result import Evaluation


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
    results = _results(model, spec, evaluation)
    if out is not None:
        _write(out, model, results, evaluation)
    if as_json:
        typer.echo(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        _print(model, evaluation)


def _results(model: str, spec: ModelSpec, evaluation: Evaluation) -> dict[str, Any]:
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


def _print(model: str, evaluation: Evaluation) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from workbench.cli.console import open_console
    from workbench.terminal import printable

    console = open_console()
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in ("task", "metric"):
        table.add_column(head, overflow="fold")
    for head in ("score", "95% interval", "items"):
        table.add_column(head, justify="right")
    if any(score.is_estimate for score in evaluation.scores.values()):
        table.add_column("")
    for task, score in evaluation.scores.items():
        low, high = score.ci95
        cells = (
            task,
            score.metric,
            f"{score.value:.4f}",
            f"{low:.4f} to {high:.4f}",
            f"{score.n} of {score.of}" if score.is_estimate else str(score.n),
            "estimate" if score.is_estimate else "",
        )
        table.add_row(*(Text(printable(cell)) for cell in cells[: len(table.columns)]))
    console.print(Text(printable(model), style="bold"))
    console.print(table)
    for note in evaluation.notes:
        console.print(Text(f"note: {printable(note)}", style="yellow"))
    console.print(Text(f"conditions {evaluation.fingerprint}", style="dim"))
