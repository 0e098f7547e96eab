"""One row of a plot: a whisker for the 95% interval and a mark for the value.

Rows of a table carry one strip each and the head carries the ticks, so that the plot and the table
are one thing: the numbers stand beside the marks, and both wrap together on a narrow screen.
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import Scale, finite, tick_text
from workbench.report.figures.svg import kind_class, mark, percent, tag
from workbench.report.results import Change, Entry, Score, Verdict

HEIGHT = 34
MIDDLE = HEIGHT / 2
CAP = 4


def axis(scale: Scale, *, sign: bool = False) -> Markup:
    """The ticks' labels, for the head of the column of strips."""
    labels = [
        tag("text", tick_text(tick, sign=sign), x=percent(scale.at(tick)), y=14, class_="tick")
        for tick in scale.ticks
    ]
    return tag("svg", *labels, class_="strip axis", height=20, aria_hidden="true")


def score_strip(
    entry: Entry, score: Score, scale: Scale, parents: Iterable[float | None]
) -> Markup:
    """A score; short bars stand where the parents' scores are."""
    if not score.known or score.value is None:
        return _blank(scale, "no score")
    words = (
        f"{score.metric} {numbers.score(score.value)}, 95% interval "
        f"{numbers.interval(score.ci95)}, n = {numbers.count(score.n)}"
    )
    hover = f"{_who(entry)}: {words}\nexact: {score.value!r} {_exact(score.ci95)}"
    if score.method:
        hover += f"\n{score.method}"
    return _strip(
        words,
        tag("title", hover),
        _grid(scale),
        *(_parent(scale, value) for value in finite(parents)),
        _whisker(scale, score.ci95, kind_class(entry.kind)),
        mark(
            entry.kind,
            scale.at(score.value),
            MIDDLE,
            class_=f"mark {kind_class(entry.kind)}",
            data_value=repr(score.value),
        ),
    )


def change_strip(
    entry: Entry, against: str, change: Change, scale: Scale, verdict: Verdict
) -> Markup:
    """A change against a parent, beside the line where nothing changed."""
    if not change.known or change.delta is None:
        return _blank(scale, "no comparison")
    words = (
        f"change {numbers.signed(change.delta)}, 95% interval "
        f"{numbers.interval(change.ci95, sign=True)}, p {numbers.p_value(change.p)}, "
        f"n = {numbers.count(change.n)}"
    )
    hover = f"{_who(entry)} against {against}: {words}"
    hover += f"\nexact: {change.delta!r} {_exact(change.ci95)}, p = {change.p!r}"
    if change.method:
        hover += f"\n{change.method}"
    return _strip(
        words,
        tag("title", hover),
        _grid(scale, zero=True),
        _whisker(scale, change.ci95, verdict),
        mark(
            "finetune",
            scale.at(change.delta),
            MIDDLE,
            class_=f"mark {verdict}",
            data_value=repr(change.delta),
        ),
    )


def value_strip(
    words: str,
    value: float | None,
    ci95: tuple[float | None, float | None],
    scale: Scale,
    style: str = "",
) -> Markup:
    """A value beside the line at zero; ``words`` say what it is."""
    if value is None:
        return _blank(scale, "no value")
    said = f"{words}: {numbers.signed(value)}, 95% interval {numbers.interval(ci95, sign=True)}"
    return _strip(
        said,
        tag("title", said),
        _grid(scale, zero=True),
        _whisker(scale, ci95, style),
        mark("finetune", scale.at(value), MIDDLE, class_=f"mark {style}", data_value=repr(value)),
    )


def memory_strip(predicted: float | None, measured: float | None, most: float) -> Markup:
    """Measured memory as a bar, and a tick where it was predicted to end."""
    drawn = finite([predicted, measured])
    words = f"predicted {numbers.size(predicted)}, measured {numbers.size(measured)}"
    bars: list[Markup] = []
    if measured is not None and measured in drawn:
        bars.append(tag("rect", x=0, y=11, height=12, width=percent(measured / most), class_="bar"))
    if predicted is not None and predicted in drawn:
        x = percent(predicted / most)
        bars.append(tag("line", x1=x, x2=x, y1=6, y2=28, class_="predicted"))
    return _strip(words, tag("title", words), *bars, style="strip memory")


def _who(entry: Entry) -> str:
    return entry.name if entry.seed is None else f"{entry.name} (seed {entry.seed})"


def _exact(ci95: tuple[float | None, float | None]) -> str:
    return f"[{ci95[0]!r}, {ci95[1]!r}]"


def _grid(scale: Scale, *, zero: bool = False) -> Markup:
    return Markup("").join(
        tag(
            "line",
            x1=percent(scale.at(tick)),
            x2=percent(scale.at(tick)),
            y1=0,
            y2=HEIGHT,
            class_="zero" if zero and tick == 0 else "grid",
        )
        for tick in scale.ticks
    )


def _parent(scale: Scale, value: float) -> Markup:
    x = percent(scale.at(value))
    return tag("line", x1=x, x2=x, y1=MIDDLE - 9, y2=MIDDLE + 9, class_="parent")


def _whisker(scale: Scale, ci95: tuple[float | None, float | None], style: str) -> Markup:
    ends = finite(ci95)
    if len(ends) != 2:
        return Markup("")
    low, high = (percent(scale.at(end)) for end in ends)
    lines = [tag("line", x1=low, x2=high, y1=MIDDLE, y2=MIDDLE)]
    lines += [tag("line", x1=x, x2=x, y1=MIDDLE - CAP, y2=MIDDLE + CAP) for x in (low, high)]
    return tag("g", *lines, class_=f"whisker {style}")


def _blank(scale: Scale, words: str) -> Markup:
    return _strip(words, _grid(scale))


def _strip(words: str, *parts: Markup, style: str = "strip") -> Markup:
    return tag("svg", *parts, class_=style, height=HEIGHT, role="img", aria_label=words)
