"""Scores in one unit: points from 0 to 100, whatever the export writes them in.

Shares (0 to 1) are told from points (0 to 100) by the whole table, not by a column: the points of
weak models on a hard task can all lie below 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.errors import Problem, Where
from workbench.leaderboard.normalise import normalise
from workbench.leaderboard.table.columns import SCORES, SPELLINGS

if TYPE_CHECKING:
    import pandas as pd

#: What guessing gives, where the whole benchmark has one floor.
FLOORS: Mapping[str, float] = {"ifeval": 0.0, "math": 0.0, "gpqa": 1 / 4, "mmlu_pro": 1 / 10}
#: BBH and MuSR are normalised subtask by subtask, which their raw mean no longer shows: points as
#: a polynomial of the raw mean (highest power first), fitted to the 2,409 models whose raw subtask
#: scores are in the public table of hlzhang109/prescriptive-scaling. The second figure is the
#: error that 95 of 100 of those models stay below, in points.
FITTED: Mapping[str, tuple[tuple[float, ...], float]] = {
    "bbh": ((132.42, -36.65), 1.5),
    "musr": ((313.34, -133.05, 11.54), 1.9),
}
#: The export rounds scores and average to two decimals (older ones differ by up to 0.007).
ROUNDING = 0.02


def to_points(frame: pd.DataFrame, file: str) -> list[Problem]:
    """Give ``frame`` the six columns of points in place, from points, shares or raw scores."""
    raw = [f"{name}_raw" for name in SCORES]
    if set(SCORES) <= set(frame.columns):
        return _as_points(frame, list(SCORES), file)
    notices = _as_shares(frame, raw, file)
    for name in SCORES:
        frame[name] = _normalised(name, frame[f"{name}_raw"])
    bounds = ", ".join(f"{SPELLINGS[name][0]} {error}" for name, (_, error) in FITTED.items())
    notices.append(
        Problem(
            "the six scores are computed from the raw ones",
            "BBH and MUSR are normalised subtask by subtask, and the raw means do not show "
            f"the subtasks: 95 of 100 models lie within this many points of the truth: {bounds}",
            where=Where(file, 1),
        )
    )
    return notices


def _normalised(name: str, raw: pd.Series) -> pd.Series:
    if name in FLOORS:
        return raw.map(lambda share: normalise(share, FLOORS[name]))
    value = 0.0 * raw
    for coefficient in FITTED[name][0]:
        value = value * raw + coefficient
    # Below guessing a polynomial may rise again.
    return value.clip(lower=0.0).where(raw.isna() | (raw > 0.25), 0.0)


def _as_points(frame: pd.DataFrame, columns: list[str], file: str) -> list[Problem]:
    most = frame[columns].max().max()
    if not 0 < most <= 1:
        return []
    frame[columns] = 100 * frame[columns]
    fact = f"no score is above {most:g}: they are read as shares of 1, and multiplied by 100"
    return [Problem(fact, where=Where(file, 1))]


def _as_shares(frame: pd.DataFrame, columns: list[str], file: str) -> list[Problem]:
    most = frame[columns].max().max()
    if not most > 1:
        return []
    frame[columns] = frame[columns] / 100
    fact = f"raw scores go up to {most:g}: they are read as percent, and divided by 100"
    return [Problem(fact, where=Where(file, 1))]


def check_average(frame: pd.DataFrame, file: str) -> tuple[list[Problem], int]:
    """Compare the average with the mean of the six, in place; how many rows differ.

    Where the export has no average, or one in another unit, the mean of the six is it. Where single
    rows differ, the average that the export states stays: it is what the leaderboard ranked by.
    """
    mean = frame[list(SCORES)].mean(axis=1)
    if "average" not in frame:
        frame["average"] = mean
        return [Problem("no average: the mean of the six scores is taken", where=Where(file, 1))], 0
    stated = frame["average"]
    if stated.isna().any():
        frame["average"] = stated.fillna(mean)
    where = Where(file, 1)
    if 0 < stated.max() <= 1 < mean.max():
        frame["average"] = 100 * frame["average"]
        stated = 100 * stated
        notice = [
            Problem("the average is read as a share of 1, and multiplied by 100", where=where)
        ]
    else:
        notice = []
    off = ((frame["average"] - mean).abs() > ROUNDING) & stated.notna()
    if not off.any():
        return notice, 0
    worst = (frame["average"] - mean).abs().idxmax()
    notice.append(
        Problem(
            f"the average of {int(off.sum())} of {len(frame)} rows is not the mean of the six "
            f"scores (by more than {ROUNDING} points)",
            f"the largest difference is {frame['average'][worst] - mean[worst]:+.2f} points, "
            f"of {frame['model'][worst]}; the stated averages are used",
            where=Where(file, int(frame["row"][worst])),
        )
    )
    return notice, int(off.sum())
