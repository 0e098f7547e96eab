"""A study's answers on the terminal: in plain words, then the estimands side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Figures of a published table that are worth their place on a terminal.
PUBLISHED = (
    ("before_at_compute", "before"),
    ("final_at_compute", "after"),
    ("gain_at_compute", "gain"),
)


def print_study(study: Mapping[str, Any], folder: Path, report: Path) -> None:
    """The answer, each estimand with interval and verdict, the figures as published, the paths."""
    from rich.text import Text

    from workbench.cli.console import open_console
    from workbench.terminal import printable

    console = open_console()
    console.print(Text(printable(study["question"]), style="bold"))
    for sentence in study["answer"]:
        console.print(Text(printable(sentence)))
    console.print()
    console.print(_estimands(study))
    for head, sentences in (
        ("Why these differ", study["paradox"]["words"]),
        ("What the design can tell", study["power"]["words"]),
        ("What would change the answer", study["would_change"]),
    ):
        if sentences:
            console.print()
            console.print(Text(head, style="bold"))
        for sentence in sentences:
            console.print(Text(printable(sentence)))
    if (table := _published(study)) is not None:
        console.print()
        console.print(table)
    console.print(f"results: {folder / 'results.json'}", soft_wrap=True)
    console.print(f"report: {report}", soft_wrap=True)


def _grid() -> Any:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)


def _estimands(study: Mapping[str, Any]) -> Any:
    """Differences in points, but for the two that are no difference of scores."""
    from workbench.report import numbers
    from workbench.terminal import printable

    table = _grid()
    groups = study["groups"]
    table.add_column(printable(f"{groups['asked']} less {groups['others']}"), overflow="fold")
    for head in ("difference", "95% interval", "p"):
        table.add_column(head, justify="right")
    table.add_column("verdict")
    for one in study["estimands"]:
        points = one["unit"] == "score"
        write = _points if points else numbers.signed
        low, high = one["ci95"] or (None, None)
        table.add_row(
            printable(one["title"]),
            write(one["value"]),
            f"{write(low)} to {write(high)}" if one["ci95"] else numbers.NONE,
            numbers.p_value(one["p"]),
            one["verdict"],
        )
    return table


def _points(score: object) -> str:
    from workbench.report import numbers

    return numbers.points(100 * score if isinstance(score, float) else None, sign=True)


def _published(study: Mapping[str, Any]) -> Any | None:
    """Least squares at equal compute by task, with classic errors, as papers print them."""
    from workbench.report import numbers
    from workbench.terminal import printable

    tasks = study.get("published") or {}
    rows = [
        (task, [found[name] for name, _ in PUBLISHED])
        for task, found in tasks.items()
        if all(found[name] for name, _ in PUBLISHED)
    ]
    if not rows:
        return None
    table = _grid()
    table.add_column("at equal compute, least squares with classic errors", overflow="fold")
    for _, head in PUBLISHED:
        table.add_column(f"{head} ± se", justify="right")
    table.add_column("bases", justify="right")
    for task, found in rows:
        cells = [f"{numbers.signed(one['value'])} ± {one['se']:.3f}" for one in found]
        table.add_row(printable(task), *cells, numbers.count(found[0]["n"]))
    return table
