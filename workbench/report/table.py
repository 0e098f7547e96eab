"""The results as a table on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.report import numbers
from workbench.report.results import Entry, Results, Verdict, parse
from workbench.report.verdict import changes_of

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

STYLES: dict[Verdict, str] = {"better": "bold green", "worse": "bold red", "unclear": ""}


def results_table(results: dict[str, Any]) -> Table:
    """``results`` (as in results.json) as a table: a row an output, task and parent.

    Changes whose interval excludes zero are bold, green where better and red where worse.

    Raises:
        UserError: ``results`` is not what ``workbench run`` writes.
    """
    from rich import box
    from rich.table import Table

    run = parse(results)
    several = len(run.tasks) > 1
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
        title=None if several else _text(f"{run.name}: {', '.join(run.tasks) or 'no task'}"),
        title_justify="left",
    )
    table.add_column("output", overflow="fold", min_width=8)
    if several:
        table.add_column("task", overflow="fold", min_width=6)
    for head in ("score", "95% interval", "n"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("against", overflow="fold", min_width=6)
    for head in ("change", "95% interval", "p"):
        table.add_column(head, justify="right", no_wrap=True)
    for entry in run.entries:
        _add(table, run, entry, several)
    return table


def _add(table: Table, run: Results, entry: Entry, several: bool) -> None:
    """The rows of one output; what repeats from the row above is left blank."""
    label = entry.name if entry.seed is None or not run.seeded else f"{entry.name}@{entry.seed}"
    tasks = [task for task in run.tasks if task in entry.scores]
    if not tasks:
        table.add_row(_text(label), *([""] if several else []), numbers.NONE)
    for number, task in enumerate(tasks):
        score = entry.scores[task]
        head = [_text("" if number else label, "bold" if not entry.is_base else "")]
        if several:
            head.append(_text(task))
        head += [_text(numbers.score(score.value)), _text(_interval(score.ci95)),
                 _text(numbers.count(score.n))]  # fmt: skip
        changes = changes_of(run, entry, task)
        if not changes:
            table.add_row(*head, _text("base" if entry.is_base else ""))
        for row, (against, change, is_parent) in enumerate(changes):
            style = STYLES[change.verdict(run.more_is_better(task))]
            table.add_row(
                *(head if not row else [""] * len(head)),
                _text(against, "" if is_parent else "dim"),
                _text(numbers.signed(change.delta), style),
                _text(_interval(change.ci95, sign=True), style),
                _text(numbers.p_value(change.p)),
            )
    table.add_section()


def _interval(ci95: tuple[float | None, float | None], *, sign: bool = False) -> str:
    return numbers.interval(ci95, sign=sign).replace(" to ", "…")


def _text(words: str, style: str = "") -> Text:
    """Words as they are: no markup is read, and nothing steers the terminal."""
    from rich.text import Text

    from workbench.cli.failure import printable

    return Text(printable(words).replace("\n", "⏎").replace("\t", " "), style=style)
