"""The results as a table on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from workbench.report import looks, numbers
from workbench.report.figures import equivalence
from workbench.report.gap_view import GapView
from workbench.report.reproduction_view import ReproductionView
from workbench.report.results import Entry, Results, Verdict, parse
from workbench.report.verdict import changes_of

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

STYLES: dict[Verdict, str] = {"better": "bold green", "worse": "bold red", "unclear": ""}
HELD_STYLES = {"reproduced": "bold green", "not reproduced": "bold red", "cannot tell": ""}
#: Names longer than this are folded.
WIDEST_NAME = 28


def results_table(results: dict[str, Any]) -> Table:
    """``results`` (as in results.json) as tables below each other, one a task.

    A row holds an output's score and its change against one parent; further parents, and the base
    it goes back to (dim), follow below. Changes whose interval excludes zero are bold, green where
    better and red where worse. Fits 80 columns; names are folded where they must be. Of a
    leaderboard's suite the points are told and not the dozens of tasks behind them, of a study what
    it says and not its dozens of outputs.

    Raises:
        UserError: ``results`` is not what ``workbench run`` writes.
    """
    from rich.table import Table

    run = parse(results)
    if isinstance(results.get("study"), dict):
        from workbench.report.study_table import study_table

        return study_table(results)
    whole = Table.grid()
    for task in run.main_tasks or [""]:
        metric = next((e.scores[task].metric for e in run.entries if task in e.scores), "")
        heading = _text(task, "bold")
        heading.append_text(_text(f"  {metric}" if metric else "", "dim"))
        whole.add_row(heading)
        whole.add_row(_task_table(run, task))
        for words in _remarks(run, task):
            whole.add_row(_text(words, "dim"))
        whole.add_row("")
    for held in (ReproductionView(found, run.seeded) for found in run.reproductions):
        whole.add_row(_text(f"{held.mark} {held.lead}", "bold"))
        whole.add_row(_held_table(held))
        for words in (*held.open_figures, *_gaps(run, held)):
            whole.add_row(_text(words))
        if held.unlike:
            whole.add_row(_text(f"measured under other conditions: {', '.join(held.unlike)}"))
        whole.add_row("")
    for entry in run.entries:
        for words in entry.refused:
            whole.add_row(_text(f"{_label(run, entry)} against {words}", "dim"))
    return whole


def _held_table(held: ReproductionView) -> Table:
    """Published figures beside ours."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1), pad_edge=False)
    table.add_column("figure", overflow="fold", max_width=WIDEST_NAME)
    for head in ("published", "ours", "difference", "90% CI"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column(f"within {held.margin}")
    for row in held.rows:
        figure = row.figure
        style = HELD_STYLES[figure.verdict]
        table.add_row(
            _text(figure.title or row.name),
            _text(held.figure(figure.theirs)),
            _text(held.figure(figure.ours)),
            _text(held.figure(figure.difference, sign=True)),
            _text(held.ends(figure.ci90).replace(" to ", "…")),
            _text(f"{equivalence.WORDS[figure.verdict]} {figure.verdict}", style),
        )
    return table


def _gaps(run: Results, held: ReproductionView) -> list[str]:
    """What published differences to the entry's parents are made of."""
    entry = run.entry(held.found.output, held.found.seed)
    kind = entry.kind if entry is not None else ""
    gaps = (GapView(held, parent, kind) for parent in held.found.parents)
    return [gap.sentence for gap in gaps if gap.sentence]


def _remarks(run: Results, task: str) -> Iterator[str]:
    """What is to be known of figures that stand for more items than were scored."""
    scored = [entry for entry in run.entries if task in entry.scores]
    if any(entry.scores[task].is_estimate for entry in scored):
        yield "estimate: a score from n of the task's items, where n is written n/all"
    for entry in scored:
        if task in entry.estimates:
            yield f"{_label(run, entry)}: {looks.whole_set(entry.estimates[task])}"
        for words in looks.stops(run, entry, task):
            yield f"{_label(run, entry)} {words}"


def _task_table(run: Results, task: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
    )
    # The tables of several tasks stand below each other: their columns are made equally wide,
    # by blanks after the head. A fixed width would push the numbers out of a narrow terminal.
    labels = [_label(run, entry) for entry in run.entries]
    against = [name for entry in run.entries for name in entry.versus]
    table.add_column(_head("output", labels), overflow="fold", max_width=WIDEST_NAME)
    for head, width in (("score", 5), ("95% CI", 11), ("n", 3)):
        table.add_column(head, justify="right", no_wrap=True, min_width=width)
    table.add_column(_head("against", against), overflow="fold", max_width=WIDEST_NAME)
    for head, width in (("change", 6), ("95% CI", 13), ("p", 6)):
        table.add_column(head, justify="right", no_wrap=True, min_width=width)
    for entry in run.entries:
        _add(table, run, entry, task)
    return table


def _head(head: str, names: list[str]) -> str:
    return head.ljust(min(WIDEST_NAME, max(map(len, names), default=0)))


def _label(run: Results, entry: Entry) -> str:
    return f"{entry.name}@{entry.seed}" if run.seeded and entry.seed is not None else entry.name


def _add(table: Table, run: Results, entry: Entry, task: str) -> None:
    """The rows of one output; what repeats from the row above is left blank."""
    label = _text(_label(run, entry), "" if entry.is_base else "bold")
    score = entry.scores.get(task)
    if score is None:
        table.add_row(label, numbers.NONE)
        return
    head = [
        label,
        _text(numbers.score(score.value)),
        _text(_interval(score.ci95)),
        _text(looks.items(score).replace(" of ", "/")),
    ]
    changes = changes_of(run, entry, task)
    if not changes:
        table.add_row(*head, _text("(base)" if entry.is_base else "", "dim"))
    for row, (against, change, is_parent) in enumerate(changes):
        style = STYLES[change.verdict(run.more_is_better(task))]
        table.add_row(
            *(head if not row else [""] * len(head)),
            _text(against, "" if is_parent else "dim"),
            _text(numbers.signed(change.delta), style),
            _text(_interval(change.ci95, sign=True), style),
            _text(numbers.p_value(change.p)),
        )


def _interval(ci95: tuple[float | None, float | None], *, sign: bool = False) -> str:
    return numbers.interval(ci95, sign=sign).replace(" to ", "…")


def _text(words: str, style: str = "") -> Text:
    """Words as they are: no markup is read, and nothing steers the terminal."""
    from rich.text import Text

    from workbench.terminal import printable

    return Text(printable(words).replace("\n", "⏎").replace("\t", " "), style=style)
