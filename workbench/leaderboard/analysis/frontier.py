"""The best score to date of Chinese bases and of others, and the gap between them.

Over the day of submission to the leaderboard, and over the day the base was released. The press's
figures stand beside it as what they are: other benchmarks, other models.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.leaderboard.analysis.groups import SIZE_CLASSES, size_class
from workbench.leaderboard.analysis.suspects import BENCHMARKS

if TYPE_CHECKING:
    import pandas as pd

SCORES = {"average": "average of the six", "mmlu_pro": "MMLU-PRO"}
ALL = "all sizes"
AXES = {"submitted": "day of submission", "root_released": "day the base was released"}

PRESS = {
    "source": "Stanford HAI, Artificial Intelligence Index Report 2025, chapter 2 (MMLU: best US "
    "model minus best Chinese model)",
    "url": "https://hai.stanford.edu/ai-index/2025-ai-index-report/technical-performance",
    "figures": [
        {"when": "end of 2023", "benchmark": "MMLU", "gap": 17.5},
        {"when": "end of 2024", "benchmark": "MMLU", "gap": 0.3},
    ],
    "not_comparable": (
        "The press compares the best American with the best Chinese model of any kind, closed ones "
        "included, on MMLU. This table has open weights only, MMLU-PRO in place of MMLU, "
        "fine-tunes by their base's country, and others of all countries, not America alone."
    ),
}

RULE = (
    "All entries placed under a root in the catalogue: bases, official instruct models and "
    "fine-tunes alike. Gap: best to date on Chinese bases minus best to date on others; negative "
    "where others lead. A best has no interval of its own kind: the one given is the two models' "
    "item-sampling error alone, as if they answered independently, so it is too wide for that and "
    "knows nothing of which models were submitted."
)


def frontier(frame: pd.DataFrame, suspects: Set[str] = frozenset()) -> dict[str, Any]:
    """Staircases by axis, size class and score, the gaps at their steps; the press's figures."""
    placed = frame[frame["root"].notna() & frame["chinese"].notna() & frame["represents"]]
    placed = placed.assign(chinese=placed["chinese"].astype(bool))
    known = placed["root_parameters_b"].notna()
    classes = placed["root_parameters_b"].where(known, 0.0).map(size_class).where(known, "unknown")
    without = placed[~placed["model"].isin(suspects)]
    series = []
    for axis, axis_title in AXES.items():
        for size in (ALL, *(name for name, _ in SIZE_CLASSES)):
            rows = placed if size == ALL else placed[classes == size]
            for score, title in SCORES.items():
                facts = {"axis": axis, "axis_title": axis_title, "size": size}
                series.append(
                    {**facts, "score": score, "score_title": title, **_one(rows, axis, score)}
                )
    said = _said(series)
    if len(without) < len(placed):
        # The top of the table is where odd profiles are: what it looks like without them.
        said += _said(
            [
                {"axis_title": axis_title, "size": ALL, "score_title": title}
                | _one(without, axis, score)
                for axis, axis_title in AXES.items()
                for score, title in SCORES.items()
            ],
            "Without the entries that rise on one benchmark only, by",
        )
    return {"rule": RULE, "series": series, "press": PRESS, "said": said}


def _one(rows: pd.DataFrame, axis: str, score: str) -> dict[str, Any]:
    rows = rows[rows[axis].notna() & rows[list(BENCHMARKS)].notna().all(axis=1)]
    stairs = {
        side: _stairs(rows[rows["chinese"] == chinese], axis, score)
        for side, chinese in (("chinese", True), ("other", False))
    }
    return {
        **stairs,
        "gap": _gaps(stairs["chinese"], stairs["other"], score),
        "n": {
            side: int((rows["chinese"] == chinese).sum())
            for side, chinese in (("chinese", True), ("other", False))
        },
    }


def _stairs(rows: pd.DataFrame, axis: str, score: str) -> list[dict[str, Any]]:
    """The entries that were the best when they came."""
    found: list[dict[str, Any]] = []
    best = -np.inf
    ordered = rows.sort_values([axis, score, "model"], ascending=[True, False, True])
    for _, row in ordered.iterrows():
        if row[score] > best:
            best = float(row[score])
            day = row[axis].date().isoformat()
            found.append(
                {"date": day, "value": best, "model": row["model"], "se": _error(row, score)}
            )
    return found


def _gaps(chinese: list[dict[str, Any]], other: list[dict[str, Any]], score: str) -> list[Any]:
    """The gap at each day on which it changed, once both sides have an entry."""
    days = sorted({step["date"] for step in (*chinese, *other)})
    found = []
    for day in days:
        ours = [step for step in chinese if step["date"] <= day]
        theirs = [step for step in other if step["date"] <= day]
        if ours and theirs:
            gap = ours[-1]["value"] - theirs[-1]["value"]
            reach = 1.96 * float(np.hypot(ours[-1]["se"], theirs[-1]["se"]))
            found.append({"date": day, "value": gap, "ci95": [gap - reach, gap + reach]})
    return found


def _error(row: pd.Series, score: str) -> float:
    """The standard error of items of one entry, in points, from the points alone.

    The benchmarks' variances are those of :mod:`workbench.leaderboard.luck`.
    """
    from workbench.leaderboard.luck import independent_variance
    from workbench.leaderboard.schemes import scheme_of

    benchmarks = [
        benchmark
        for benchmark in scheme_of("leaderboard-v2").benchmarks
        if score in (benchmark.name, "average")
    ]
    # Of a difference between two that stand alike: twice the variance of one.
    total = sum(independent_variance(b, row[b.name], row[b.name]) / 2 for b in benchmarks)
    return float(np.sqrt(total) / len(benchmarks))


def _said(series: list[dict[str, Any]], opening: str = "By") -> list[str]:
    """What the staircases say, one sentence an axis, for all sizes."""
    found = []
    for one in series:
        if one["size"] != ALL or not one["gap"]:
            continue
        first, last = one["gap"][0], one["gap"][-1]
        if first is last:
            continue
        found.append(
            f"{opening} the {one['axis_title']}, {one['score_title']}: the best on a Chinese base "
            f"was {_apart(first['value'])} the best on another on {first['date']}, and "
            f"{_apart(last['value'])} it on {last['date']}."
        )
    return found


def _apart(gap: float) -> str:
    return f"{abs(gap):.1f} points {'above' if gap >= 0 else 'below'}"
