"""The family trees of a placed table as nested lists, for a reader to walk.

A model stands below the first parent by which it was placed (declared, the catalogue's, or one
published elsewhere), so that a merge of several stands once. One node a model: where the table has
it in several rows, the row that speaks for it gives the figures, and ``rows`` says how many there
are.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from workbench.leaderboard.table import Table
from workbench.leaderboard.table.names import published_parents

if TYPE_CHECKING:
    import pandas as pd

#: Models that nobody could place head a tree, too, if at least so many others descend from them.
LEAST_BELOW = 3


def forest(table: Table) -> list[dict[str, Any]]:
    """Trees with at least one descendant, largest first, ready for JSON.

    Each has ``root family lab country chinese placed`` (false for a head that could not be
    placed itself), ``models`` (descendants with a row) and ``tree``, a node: ``model score``
    (points, ``None`` without a row), ``role type rows gain_base gain_instruct merged community
    placed_by children``; ``community`` is whether the analysis counts it as one, ``placed_by`` what
    its place rests on (catalogue, declaration, published).
    """
    frame = table.frame
    rows = frame.groupby("hub_id").size()
    speaking = {str(row.hub_id): row for row in frame[frame["represents"]].itertuples()}
    spelt = {name.lower(): name for name in speaking}
    below: dict[str, list[str]] = defaultdict(list)
    tops: list[str] = []
    for name, row in speaking.items():
        above = _parent(row)
        above = spelt.get(above.lower(), above) if above else None
        if above is None:
            tops.append(name)
        else:
            below[above].append(name)
    absent = [name for name in below if name not in speaking]
    while absent:
        # A parent that the table lacks may be known to descend from one that it has.
        name = absent.pop()
        above = published_parents().get(name, (None,))[0]
        if above is None:
            tops.append(name)
            continue
        if above not in below and above not in speaking:
            absent.append(above)
        below[above].append(name)
    trees = []
    for top in tops:
        seen: set[str] = set()
        node = _node(top, speaking, below, rows, seen)
        placed = _placed(top, below, speaking)
        if len(seen) > (1 if placed else LEAST_BELOW):
            trees.append(_tree(top, node, sum(n in speaking for n in seen - {top}), placed, frame))
    return sorted(trees, key=lambda tree: (-tree["models"], tree["root"]))


def _parent(row: Any) -> str | None:
    """The one parent a model stands below; ``None`` for the head of a tree."""
    if row.role == "base" or row.hub_id == row.root or not isinstance(row.parent, str):
        return None
    return row.parent


def _placed(top: str, below: dict[str, list[str]], speaking: dict[str, Any]) -> bool:
    known = [speaking[name] for name in (top, *below.get(top, ())) if name in speaking]
    return any(row.role != "unplaced" for row in known)


def _node(
    name: str,
    speaking: dict[str, Any],
    below: dict[str, list[str]],
    rows: pd.Series,
    seen: set[str],
) -> dict[str, Any]:
    seen.add(name)
    row = speaking.get(name)
    # A circle of declarations ends where it closes.
    children = [
        _node(child, speaking, below, rows, seen)
        for child in below.get(name, ())
        if child not in seen
    ]
    children.sort(key=lambda node: (-(node["score"] or 0.0), node["model"]))
    return {
        "model": name,
        "score": None if row is None else float(row.average),
        "role": None if row is None else row.role,
        "type": None if row is None else row.type,
        "merged": None if row is None else bool(row.merged),
        "community": row is not None and row.role == "derived" and not row.maker_own,
        "placed_by": row.placed_by if row is not None and isinstance(row.placed_by, str) else None,
        "rows": int(rows.get(name, 0)),
        "gain_base": None if row is None else _number(row.gain_base),
        "gain_instruct": None if row is None else _number(row.gain_instruct),
        "children": children,
    }


def _tree(
    top: str, node: dict[str, Any], models: int, placed: bool, frame: pd.DataFrame
) -> dict[str, Any]:
    of = frame[frame["root"] == top].head(1)
    facts = dict.fromkeys(("family", "lab", "country", "chinese"))
    if len(of):
        first = of.iloc[0]
        facts = {key: first[key] for key in facts} | {"chinese": bool(first["chinese"])}
    return {"root": top, **facts, "placed": placed, "models": models, "tree": node}


def _number(value: Any) -> float | None:
    number = float(value)
    return None if number != number else number
