"""The leaderboard's own export, CSV or Parquet as on the hub, as one table with our columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem, UserError, Where
from workbench.leaderboard.table import cells as say
from workbench.leaderboard.table.columns import RAW, SCORES, SPELLINGS, Headers, match
from workbench.leaderboard.table.duplicates import drop_duplicates, missing_values, several_rows
from workbench.leaderboard.table.table import Table
from workbench.leaderboard.table.units import check_average, to_points
from workbench.tables.cells import each, figures, flags, text_of
from workbench.tables.files import Cells, counted, read_cells

if TYPE_CHECKING:
    import pandas as pd

#: The figure of parameters that stands for weights the export could not count (or counted as none).
UNCOUNTED = 0
#: Rows from which on the share of a yes-or-no column is evidence of its sense.
SOME = 20
FLAGGED = "has been flagged"


def read_table(path: Path) -> Table:
    """The entries of an export, scores in points, duplicates gone, every repair counted.

    Raises:
        UserError: the file is missing, no table, truncated or wrongly encoded; it lacks columns
            (all of them are named, with those that look alike); no row can be used.
    """
    read = read_cells(path)
    file = str(path)
    headers = match(read.columns, file)
    problems = list(headers.problems)
    if not read.lines:
        fact = f"{path} has no rows"
        problems.append(Problem(fact, "it has a header and nothing below", "export it again"))
    if problems:
        raise UserError(problems)
    frame, notices, left_out = _frame(read, headers, file)
    counts = {"rows_read": len(read.lines), "rows_left_out": left_out}
    notices += to_points(frame, file)
    notices += _out_of_range(frame, file, counts)
    if frame.empty:
        fact, why = f"no row of {path} can be used", "each lacks a score or a model's name"
        remedy = "see whether the columns are what their headers say"
        raise UserError([Problem(fact, why, remedy), *notices])
    told, counts["averages_off"] = check_average(frame, file)
    notices += told
    frame, doubles = drop_duplicates(frame.reset_index(drop=True))
    notices += _turn_round(frame, "not_merged" in headers.of, file)
    seams = counts | {"rows": len(frame)} | doubles | several_rows(frame)
    seams["missing_values"] = missing_values(frame)
    seams["flagged"] = _count(frame["flagged"])
    seams["not_available"] = _count(~frame["available"])
    seams["file_kind"] = read.kind
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Table(frame, path, sha256, seams, (*read.notices, *headers.notices, *notices))


def _count(column: pd.Series) -> int | None:
    """How many are true; ``None`` where the export does not say."""
    return None if column.isna().all() else int(column.sum())


def _frame(read: Cells, headers: Headers, file: str) -> tuple[pd.DataFrame, list[Problem], int]:
    import pandas as pd

    def column(name: str) -> list[Any]:
        header = headers.of.get(name)
        return [None] * len(read.lines) if header is None else list(read.columns[header])

    frame = pd.DataFrame({"row": read.lines})
    names = column("fullname") if "fullname" in headers.of else column("model_cell")
    frame["model"] = [say.name_of(cell) for cell in names]
    frame["submitter"] = [name.partition("/")[0] if "/" in name else "" for name in frame["model"]]
    notices: list[Problem] = []
    unusable = frame["model"].map(lambda name: not say.NAME.fullmatch(name))
    if unusable.any():
        notices.append(_left_out("no model's name", list(frame["row"][unusable]), file))
    wanted = [*SCORES, *RAW, "average"]
    scores = SCORES if set(SCORES) <= set(headers.of) else RAW
    for name in wanted:
        if name not in headers.of or (name in RAW and scores is SCORES):
            continue
        frame[name], bad = figures(column(name))
        empty = frame[name].isna() & (name != "average" or "average" not in headers.of)
        if bad:
            title = SPELLINGS[name][0]
            sample = str(column(name)[bad[0]])[:40]
            rows = [read.lines[at] for at in bad]
            notices.append(_left_out(f"{title} that is no figure ({sample!r})", rows, file))
        if name in scores:
            gaps = [at for at in frame.index[empty] if at not in set(bad)]
            if gaps:
                rows = [read.lines[at] for at in gaps]
                notices.append(_left_out(f"no {SPELLINGS[name][0]}", rows, file))
            unusable |= frame[name].isna()
        elif bad:
            unusable[frame.index.isin(bad)] = True
    _describe(frame, column, headers.of)
    return frame[~unusable].copy(), notices, int(unusable.sum())


def _left_out(what: str, lines: list[int], file: str) -> Problem:
    rows = "1 row is" if len(lines) == 1 else f"{len(lines)} rows are"
    return Problem(f"{rows} left out: {what}", counted(lines), where=Where(file, lines[0]))


def _describe(frame: pd.DataFrame, column: Any, of: Mapping[str, str]) -> None:
    """All that is no score, with empty columns for what the export lacks."""
    import pandas as pd

    told = {"symbol", "type"} & set(of)
    pairs = list(zip(column("symbol"), column("type"), strict=True))
    kinds = each(pairs, lambda pair: say.type_of(*pair))
    frame["type"] = pd.Series(kinds if told else None, index=frame.index, dtype=object)
    for name in ("precision", "architecture", "weight_type", "revision"):
        values = each(column(name), text_of)
        frame[name] = pd.Series(values, index=frame.index, dtype=object)
    for name in ("flagged", "available", "moe", "chat_template"):
        frame[name] = flags(column(name))
    # The leaderboard also wrote it beside the name.
    frame["marked"] = pd.array([FLAGGED in str(cell) for cell in column("model_cell")], "boolean")
    frame["merged"] = flags(column("merged" if "merged" in of else "not_merged"))
    if "merged" not in of:
        frame["merged"] = ~frame["merged"]
    for name in ("parameters_b", "likes"):
        frame[name], _ = figures(column(name))
    frame["parameters_b"] = frame["parameters_b"].where(frame["parameters_b"] > UNCOUNTED)
    for name in ("submitted", "released"):
        frame[name] = say.dates(column(name))
    told_parents = each(column("declared"), say.parents_of)
    frame["parents"] = [parents for parents, _, _ in told_parents]
    frame["declared_base"] = pd.Series(
        [parents[0] if parents else None for parents, _, _ in told_parents], dtype=object
    )
    frame["declared_merge"] = [merge for _, merge, _ in told_parents]
    frame["no_parent"] = [why for _, _, why in told_parents]


def _out_of_range(frame: pd.DataFrame, file: str, counts: dict[str, int]) -> list[Problem]:
    wrong = ((frame[list(SCORES)] < 0) | (frame[list(SCORES)] > 100)).any(axis=1)
    if not wrong.any():
        return []
    rows = [int(row) for row in frame["row"][wrong]]
    counts["rows_left_out"] += len(rows)
    frame.drop(index=frame.index[wrong], inplace=True)
    return [_left_out("a score outside 0 to 100 points", rows, file)]


def _turn_round(frame: pd.DataFrame, of_2024: bool, file: str) -> list[Problem]:
    """Turn the columns round, in place, that hold the opposite of their header.

    Until 2025 the leaderboard's code wrote ``not flagged`` under "Flagged" and ``not a mixture``
    under "MoE", and ``not merged`` under what some exports head "Merged" and others "Not_Merged"
    (the page's boxes hid what was not true). A column is turned in an export that has "Not_Merged",
    or if a table of some size says of most entries what is true of few; "Merged", if it is said
    less often of rows typed as merges than of others.
    """
    notices = []
    for name in ("flagged", "moe"):
        told = frame[name].dropna()
        if len(told) and (of_2024 or (len(told) >= SOME and told.mean() > 0.5)):
            frame[name] = ~frame[name]
            notices.append(_turned(SPELLINGS[name][0], f"{told.mean():.0%} of all rows", file))
    typed = frame["type"] == "merge"
    told = frame["merged"].notna()
    inside, outside = frame["merged"][typed & told], frame["merged"][~typed & told]
    if len(inside) and len(outside) and inside.mean() < outside.mean():
        frame["merged"] = ~frame["merged"]
        notices.append(_turned("Merged", "fewer rows of type merge than of others", file))
    frame["merged"] = frame["merged"].fillna(False) | typed | frame["declared_merge"]
    frame["flagged"] = frame["flagged"].mask(frame["marked"], True)
    frame.drop(columns="marked", inplace=True)
    return notices


def _turned(title: str, share: str, file: str) -> Problem:
    return Problem(
        f"{title!r} is read as its opposite",
        f"it holds for {share}; the leaderboard's exports of 2024 wrote the opposite there",
        where=Where(file, 1),
    )
