"""Each entry's root base, and who made it where, out of the catalogue.

No name is ever read for a family here: what is not declared and not catalogued stays unplaced, with
the reason. (``guess.py`` offers a placement by name, apart and only when asked for.)
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from workbench.bases.catalogue import CatalogueEntry
from workbench.leaderboard.table import trees
from workbench.leaderboard.table.duplicates import represent
from workbench.leaderboard.table.guess import guessed_root
from workbench.leaderboard.table.names import catalogued, published_parents, resolve
from workbench.leaderboard.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

#: A name that says an instruct model was trained on, whatever the declaration says. Only counted.
INSTRUCT_NAME = r"(?i)(?:^|[-_./])(?:instruct|chat|it)(?:[-_.]|$)"
#: The words of ``cells.parents_of`` for naming no parent, as reasons.
NO_PARENT = {
    "removed": trees.REMOVED,
    "nothing": trees.NOTHING,
    "unreadable": trees.UNREADABLE,
}


def place(table: Table, *, guess: bool = False) -> Table:
    """``table`` with each entry's role, root and the root's maker, and the seams of that.

    The catalogue goes before the declaration: an official instruct model descends from its base
    whatever its card says, and a catalogued base is a root even if it declares another one. After
    both comes what a maker or a paper says elsewhere (``published_parents.yaml``). With ``guess``,
    entries that are still unplaced get the root that their name and size suggest; ``placed_by``
    tells the four apart.
    """
    frame = table.frame.copy()
    names = [resolve(name) for name in frame["model"]]
    frame["hub_id"] = [name.hub_id for name in names]
    frame["mirror"] = [name.mirror for name in names]
    declared, ends, counts = _graph(frame)
    graph = _one_spelling(declared | _published(declared))
    known = {entry.hub_id: entry for entry in catalogued().values()}
    bases = {name for name, entry in known.items() if entry.kind == "base"}
    instructs = set(known) - bases
    # An instruct model whose base was not published is where its tree begins.
    headless = {name for name in instructs if known[name].base_of_instruct is None}
    for name in instructs - headless:
        graph[name] = declared[name] = (resolve(str(known[name].base_of_instruct)).hub_id,)
    places = trees.place_all(graph, bases | headless, ends, instructs)
    alone = trees.place_all(declared, bases | headless, ends, instructs)
    by = {name: _by(place, alone.get(name), name in known) for name, place in places.items()}
    if guess:
        counts["guessed"] = _guess(frame, places, by)
    frame["parent"] = [(graph.get(name) or (None,))[0] for name in frame["hub_id"]]
    frame["placed_by"] = [by[name] for name in frame["hub_id"]]
    _fill(frame, places, known)
    prefer = ~frame["mirror"]
    frame["represents"] = represent(frame, frame["hub_id"], prefer, frame["role"] == "base")
    rings = trees.circles(graph, bases | headless)
    counts |= _counts(frame, rings)
    return table.having(frame, **counts)


def _graph(
    frame: pd.DataFrame,
) -> tuple[dict[str, tuple[str, ...]], dict[str, str], dict[str, Any]]:
    """The declared parents of each model by their one name, and why a model has none."""
    graph: dict[str, tuple[str, ...]] = {}
    ends: dict[str, str] = {}
    mirrored: Counter[str] = Counter()
    selves, differing = 0, set()
    rows = zip(
        *(frame[c] for c in ("hub_id", "parents", "declared_merge", "no_parent", "type")),
        strict=True,
    )
    for hub_id, declared, merge, nothing, kind in rows:
        above: list[str] = []
        for name in declared:
            parent = resolve(name)
            if parent.mirror:
                mirrored[name] += 1
            if parent.hub_id.lower() != hub_id.lower() and parent.hub_id not in above:
                above.append(parent.hub_id)
        if above:
            # Of two rows of one model that declare differently, the first is heard.
            if graph.get(hub_id, tuple(above)) not in ((), tuple(above)):
                differing.add(hub_id)
            graph[hub_id] = graph.get(hub_id) or tuple(above)
            continue
        graph.setdefault(hub_id, ())
        selves += bool(declared)
        ends.setdefault(hub_id, _why(bool(declared), merge, nothing, kind))
    return (
        _one_spelling(graph),
        ends,
        {
            "declared_by_a_mirror": sum(mirrored.values()),
            "mirrors_declared": dict(mirrored.most_common()),
            "self_declared": selves,
            "declared_differently_by_rows_of_one_model": len(differing),
        },
    )


def _published(declared: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Parents published elsewhere, of models that the table gives none."""
    spelt = {name.lower(): name for name in declared}
    published = {spelt.get(k.lower(), k): above for k, above in published_parents().items()}
    return {name: above for name, above in published.items() if not declared.get(name)}


def _by(place: trees.Place, alone: trees.Place | None, catalogued: bool) -> str | None:
    """What the placement rests on."""
    if place.root is None:
        return None
    if catalogued:
        return "catalogue"
    return "declaration" if alone is not None and alone.root else "published"


def _guess(frame: pd.DataFrame, places: dict[str, trees.Place], by: dict[str, str | None]) -> int:
    """Give unplaced models the root of their name, in place; how many rows got one."""
    rows = zip(frame["hub_id"], frame["architecture"], frame["parameters_b"], strict=True)
    guessed: dict[str, str] = {}
    for name, architecture, size in rows:
        if places[name].root is None and name not in guessed:
            root = guessed_root(name, architecture, size)
            if root is not None:
                guessed[name] = root
    for name, root in guessed.items():
        places[name] = trees.Place(root, 1, root)
        by[name] = "guess"
    return int(frame["hub_id"].isin(list(guessed)).sum())


def _why(declared: bool, merge: bool, nothing: str, kind: str | None) -> str:
    if merge or (kind == "merge" and declared):
        return trees.MERGE
    if not declared:
        return NO_PARENT.get(nothing, trees.NOTHING)
    return trees.PRETRAINED if kind == "pretrained" else trees.SELF


def _one_spelling(graph: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Parents spelt as the table spells them, where only the case differs."""
    spelt = {name.lower(): name for name in graph}
    return {
        name: tuple(spelt.get(parent.lower(), parent) for parent in above)
        for name, above in graph.items()
    }


def _fill(
    frame: pd.DataFrame, places: dict[str, trees.Place], known: dict[str, CatalogueEntry]
) -> None:
    import pandas as pd

    at = [places[name] for name in frame["hub_id"]]
    entries = [known.get(place.root) if place.root else None for place in at]

    def column(values: list[Any], dtype: Any = object) -> pd.Series:
        return pd.Series(values, index=frame.index, dtype=dtype)

    frame["role"] = column(
        [_role(known.get(name), p) for name, p in zip(frame["hub_id"], at, strict=True)]
    )
    frame["root"] = column([place.root for place in at])
    frame["root_kind"] = column([entry.kind if entry else None for entry in entries])
    frame["family"] = column([entry.family if entry else None for entry in entries])
    frame["lab"] = column([entry.lab.name if entry else None for entry in entries])
    frame["country"] = column([entry.country if entry else None for entry in entries])
    frame["chinese"] = column(
        [entry.country == "CN" if entry else None for entry in entries], "boolean"
    )
    sizes = [entry.parameters / 1e9 if entry and entry.parameters else None for entry in entries]
    frame["root_parameters_b"] = column(sizes, float)
    dates = [_day(entry.released) if entry else None for entry in entries]
    frame["root_released"] = pd.to_datetime(column(dates), format="%Y-%m-%d")
    frame["depth"] = column([p.depth if p.root else None for p in at], "Int64")
    frame["end"] = column([place.end for place in at])
    frame["parent_instruct"] = column([place.through for place in at])
    frame["why_unplaced"] = column([place.why for place in at])
    frame["maker_own"] = column(
        [
            bool(p.root) and owner.lower() in _owners(known[str(p.root)])
            for p, owner in zip(at, frame["submitter"], strict=True)
        ],
        bool,
    )
    frame["direct"] = _direct(frame, known) & (frame["role"] == "derived")


def _role(entry: CatalogueEntry | None, place: trees.Place) -> str:
    if entry is not None:
        return entry.kind
    return "derived" if place.root else "unplaced"


def _owners(root: CatalogueEntry) -> set[str]:
    """The organisations whose models of this tree are the maker's own."""
    return {name.partition("/")[0].lower() for name in (root.hub_id, *root.aliases)}


def _direct(frame: pd.DataFrame, known: dict[str, CatalogueEntry]) -> pd.Series:
    """Whether the declaration is the root's name, letter by letter as the root's own rows have it:
    no mirror, no later name of the same repository, no model in between. Of a root without rows of
    its own, any of its names."""
    import pandas as pd

    own = frame[(frame["hub_id"] == frame["root"]) & ~frame["mirror"]]
    named = set(zip(own["model"], own["hub_id"], strict=True))
    for root in set(frame["root"].dropna()) - set(own["hub_id"]):
        named |= {(name, root) for name in (root, *known[root].aliases)}
    pairs = zip(frame["declared_base"], frame["root"], strict=True)
    return pd.Series([pair in named for pair in pairs], index=frame.index)


def _day(released: str | None) -> str | None:
    """The first day that a release date can mean: a month stands for its first day."""
    return released if released is None or len(released) == 10 else f"{released}-01"


def _counts(frame: pd.DataFrame, rings: list[list[str]]) -> dict[str, Any]:
    reasons = frame["why_unplaced"].value_counts()
    rests_on = frame["placed_by"].value_counts()
    # OUTSIDE ends at the missing parent itself.
    missing = frame.loc[frame["why_unplaced"] == trees.OUTSIDE, "end"].value_counts()
    derived = frame[frame["role"] == "derived"]
    named = derived["model"].str.contains(INSTRUCT_NAME, regex=True)
    return {
        "roles": {str(k): int(v) for k, v in frame["role"].value_counts().items()},
        "placed_by": {str(k): int(v) for k, v in rests_on.items()},
        "unplaced_by_reason": {str(k): int(v) for k, v in reasons.items()},
        "missing_parents": {str(k): int(v) for k, v in missing.items()},
        "mirror_rows": int(frame["mirror"].sum()),
        "merges": int(frame["merged"].sum()),
        "merges_placed": int((frame["merged"] & (frame["role"] == "derived")).sum()),
        "circles": rings,
        "roots": int(frame["root"].nunique()),
        "families": int(frame["family"].nunique()),
        "derived_by_depth": {
            str(k): int(v) for k, v in derived["depth"].value_counts().sort_index().items()
        },
        "derived_from_an_instruct_model": int(derived["parent_instruct"].notna().sum()),
        "named_instruct_but_declaring_a_raw_base": int(
            (named & derived["parent_instruct"].isna() & (derived["root_kind"] == "base")).sum()
        ),
        "makers_own_derived": int(derived["maker_own"].sum()),
    }
