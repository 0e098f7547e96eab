"""A published entry against another: is the gain more than noise, and more than picking the best?

Single answers are not published, so the items on which exactly one of the two is right are not
known. Two assumptions bound the noise: answers given independently of each other (the widest), and
a stated share ``differ`` of items with exactly one right (relatives share most of their answers).
The share at which the interval would just reach 0 is given with them: a reader who knows how alike
two models answer can judge alone.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from workbench.errors import Problem, UserError
from workbench.evaluate.intervals import normal_quantile
from workbench.leaderboard import ifeval
from workbench.leaderboard.luck_words import words
from workbench.leaderboard.normalise import accuracy_of
from workbench.leaderboard.published import PublishedEntry
from workbench.leaderboard.scheme import AVERAGE, Benchmark, Part, Scheme
from workbench.leaderboard.schemes import scheme_of
from workbench.leaderboard.worthless import best_of, simulate

#: Share of items on which exactly one of two relatives is right, unless stated otherwise. Two runs
#: of the same weights in two number formats already differ on about 2% (choices) to 16% (IFEval),
#: by the scatter of such pairs in the October 2024 table; a duplicated block changes more.
DIFFER = 0.05
#: Shares for which the interval and the best of n are also given, to be drawn as a curve.
CURVE = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
VARIANTS = 1000


def compare_published(
    entry: PublishedEntry,
    parent: PublishedEntry,
    *,
    scheme: str = "leaderboard-v2",
    differ: float = DIFFER,
    variants: int = VARIANTS,
    seed: int = 0,
) -> dict[str, Any]:
    """``entry`` against ``parent``, benchmark by benchmark and on average, ready for JSON.

    All figures are points. Keys: ``entry parent snapshot sources scheme n differ``;
    ``conditions`` ``[{what, entry, parent, differs}]``; ``benchmarks`` and ``average``, each with
    ``entry parent delta rounding n se ci95 p differ_to_reach_zero`` where ``se``, ``ci95`` and
    ``p`` hold a figure for ``independent`` and one for ``differ``; a benchmark also has
    ``supplies``, its points of the average's gain. ``best_of`` holds ``exact`` and ``simulated``,
    what the best of ``variants`` worthless variants of the parent would gain; ``curve`` has
    ``{differ, se, ci95, best, reached}`` for several shares; ``verdict`` is ``clear``,
    ``not clear`` or ``depends`` (on how alike the two answer), and ``words`` are sentences for a
    reader.

    Raises:
        UserError: the rows are of different snapshots, or lack benchmarks.
    """
    if not 0 < differ <= 1:
        raise ValueError(f"the share of items answered differently is {differ}")
    of = scheme_of(scheme)
    _check(entry, parent, of)
    benchmarks = {b.name: _benchmark(b, entry, parent, differ, of) for b in of.benchmarks}
    average = _average(benchmarks, entry, parent)
    start = {name: parent.scores[name] for name in of.names}
    drawn = simulate(of, start, n=variants, differ=differ, seed=seed)
    # The exact figure for normal gains of the same spread, and the chance to reach the gain.
    exact = best_of(variants, drawn["sd"][AVERAGE], average["delta"])
    found: dict[str, Any] = {
        "entry": entry.entry,
        "parent": parent.entry,
        "snapshot": entry.snapshot,
        "sources": sorted({entry.source, parent.source}),
        "scheme": of.name,
        "n": sum(b.items for b in of.benchmarks),
        "differ": differ,
        "seed": seed,
        "conditions": _conditions(entry, parent),
        "benchmarks": benchmarks,
        AVERAGE: average,
        "best_of": {"exact": asdict(exact) | {"range90": list(exact.range90)}, "simulated": drawn},
        "curve": [
            _at_share(share, of, entry, parent, average, variants)
            for share in sorted({*CURVE, differ})
        ],
        "verdict": _verdict(average),
    }
    titles = {b.name: b.title for b in of.benchmarks}
    return found | {"words": words(found, titles)}


def _check(entry: PublishedEntry, parent: PublishedEntry, scheme: Scheme) -> None:
    problems = []
    if entry.snapshot != parent.snapshot:
        problems.append(
            Problem(
                f"{entry.entry} is of snapshot {entry.snapshot} and {parent.entry} of "
                f"{parent.snapshot}",
                "figures of different snapshots were scored in different ways",
                "take both from one snapshot",
            )
        )
    for row in (entry, parent):
        missing = [name for name in scheme.names if name not in row.scores]
        if missing:
            problems.append(
                Problem(
                    f"{row.entry} ({row.snapshot}) has no figure for {', '.join(missing)}",
                    "an average's gain is made of all of them",
                    "take a snapshot that has all six",
                )
            )
    if problems:
        raise UserError(problems)


def _benchmark(
    benchmark: Benchmark,
    entry: PublishedEntry,
    parent: PublishedEntry,
    differ: float,
    scheme: Scheme,
) -> dict[str, Any]:
    ours, theirs = entry.scores[benchmark.name], parent.scores[benchmark.name]
    rounding = entry.rounding[benchmark.name] + parent.rounding[benchmark.name]
    errors = {
        "independent": math.sqrt(independent_variance(benchmark, ours, theirs)),
        "differ": math.sqrt(differing_variance(benchmark, ours, theirs, differ)),
    }
    return {
        "title": benchmark.title,
        "entry": ours,
        "parent": theirs,
        **_judged(ours - theirs, rounding, errors, differ),
        "n": benchmark.items,
        "supplies": (ours - theirs) / len(scheme.benchmarks),
    }


def _average(
    benchmarks: dict[str, dict[str, Any]], entry: PublishedEntry, parent: PublishedEntry
) -> dict[str, Any]:
    k = len(benchmarks)
    rows = list(benchmarks.values())
    errors = {
        kind: math.sqrt(sum(row["se"][kind] ** 2 for row in rows)) / k
        for kind in ("independent", "differ")
    }
    ours, theirs = (sum(row[who] for row in rows) / k for who in ("entry", "parent"))
    rounding = sum(row["rounding"] for row in rows) / k
    differ = rows[0]["differ"]
    return {
        "entry": entry.average if entry.average is not None else ours,
        "parent": parent.average if parent.average is not None else theirs,
        **_judged(ours - theirs, rounding, errors, differ),
        "n": sum(row["n"] for row in rows),
    }


def _judged(
    delta: float, rounding: float, errors: dict[str, float], differ: float
) -> dict[str, Any]:
    """A difference with its intervals: each is widened by what rounding may hide."""
    from scipy.special import ndtr

    z = normal_quantile()
    beyond = max(0.0, abs(delta) - rounding)
    found: dict[str, Any] = {"delta": delta, "rounding": rounding, "differ": differ, "se": errors}
    found["ci95"] = {
        kind: [delta - z * se - rounding, delta + z * se + rounding] for kind, se in errors.items()
    }
    found["p"] = {
        kind: float(2 * ndtr(-beyond / se)) if se else float(beyond == 0)
        for kind, se in errors.items()
    }
    # The variance grows with the share of items that differ, so this is the share at which the
    # interval would just reach 0.
    reach = differ * (beyond / (z * errors["differ"])) ** 2 if errors["differ"] else math.inf
    found["differ_to_reach_zero"] = min(1.0, reach)
    return found


def independent_variance(benchmark: Benchmark, ours: float, theirs: float) -> float:
    """The variance of a difference in points between models that answer independently."""
    return _variance_of(benchmark, ours) + _variance_of(benchmark, theirs)


def differing_variance(benchmark: Benchmark, ours: float, theirs: float, differ: float) -> float:
    """The variance of a difference in points when the two differ on that share of the items.

    With a share s of items on which exactly one is right, a paired difference d of accuracies has
    variance (s - d²) / n (McNemar 1947). Never above that of independent answers.
    """
    total = 0.0
    for part in benchmark.parts:
        gap = (ours - theirs) / 100 * (1 - part.floor)
        single = max(differ - gap**2, 0.0) / _items(part)
        if part.same_items:
            unit = sum(task.weight / task.items for task in part.tasks)
            single = max(differ - gap**2, 0.0) * part.items * unit**2
        total += (100 / (1 - part.floor)) ** 2 * single
    most = independent_variance(benchmark, ours, theirs)
    return min(total / len(benchmark.parts) ** 2, most)


def _variance_of(benchmark: Benchmark, points: float) -> float:
    """The variance of an entry's points, its parts taken to stand at the same points.

    Parts that differ have, at the same mean, no larger p(1 - p) on average: this errs to the wide
    side.
    """
    total = 0.0
    for part in benchmark.parts:
        p = accuracy_of(points, part.floor)
        if part.same_items:
            single = ifeval.variance(*ifeval.split(p))
        else:
            single = p * (1 - p) / _items(part)
        total += (100 / (1 - part.floor)) ** 2 * single
    return total / len(benchmark.parts) ** 2


def _items(part: Part) -> float:
    """Items that tell as much as the part's, copies of a question at worst counting once."""
    return part.items / part.overlap


def _at_share(
    share: float,
    scheme: Scheme,
    entry: PublishedEntry,
    parent: PublishedEntry,
    average: dict[str, Any],
    variants: int,
) -> dict[str, Any]:
    """The average's interval and the best of ``variants`` if the share were this."""
    k = len(scheme.benchmarks)

    def error(ours: PublishedEntry, theirs: PublishedEntry) -> float:
        variance = sum(
            differing_variance(b, ours.scores[b.name], theirs.scores[b.name], share)
            for b in scheme.benchmarks
        )
        return math.sqrt(variance) / k

    se = error(entry, parent)
    half = normal_quantile() * se + average["rounding"]
    # A worthless variant has the parent's own expected score.
    best = best_of(variants, error(parent, parent), average["delta"])
    return {
        "differ": share,
        "se": se,
        "ci95": [average["delta"] - half, average["delta"] + half],
        "best": best.expected,
        "best_range90": list(best.range90),
        "reached": best.reached,
    }


def _conditions(entry: PublishedEntry, parent: PublishedEntry) -> list[dict[str, Any]]:
    pairs = {
        "chat template": (entry.chat_template, parent.chat_template),
        "precision": (entry.precision, parent.precision),
    }
    return [
        {
            "what": what,
            "entry": ours,
            "parent": theirs,
            "differs": None if ours is None or theirs is None else ours != theirs,
        }
        for what, (ours, theirs) in pairs.items()
    ]


def _verdict(average: dict[str, Any]) -> str:
    """Whether the average's gain is clear of 0 under both assumptions, none, or one."""
    clear = [low > 0 or high < 0 for low, high in average["ci95"].values()]
    return "clear" if all(clear) else "depends" if any(clear) else "not clear"
