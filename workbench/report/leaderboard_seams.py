"""What the data lacks and what was done about it, prepared for the template."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.leaderboard_rows import share_bar
from workbench.report.leaderboard_read import Node

ROLES = {
    "base": "raw bases",
    "instruct": "makers’ own instruct models",
    "derived": "placed under a known base",
    "unplaced": "not placed",
}
#: What a place rests on.
PLACED_BY = {
    "declaration": "by the base that the hub declares",
    "published": "by a parent that the maker published elsewhere",
    "guess": "by name and size, guessed",
}
#: What was repaired or is missing: the key, and the words for it.
REPAIRS = {
    "rows_left_out": "rows left out because a score or the name is missing",
    "exact_duplicates_merged": "exact duplicates merged",
    "superseded_rows_dropped": "rows dropped because a later one of the same model replaces them",
    "models_in_several_rows": "models in several rows (precision, template or revision differ)",
    "averages_off": "averages that are not the mean of their six scores",
    "flagged": "rows flagged by the leaderboard",
    "not_available": "rows whose weights are no longer on the hub",
    "merges": "merges",
    "merges_placed": "merges that could be placed",
    "mirror_rows": "rows that are a copy of another’s weights",
    "declared_by_a_mirror": "bases declared by the name of a mirror (such as unsloth/…), resolved",
    "self_declared": "rows that declare themselves as their base",
    "makers_own_derived": "derived models of the base’s own maker, left out of the answers",
    "named_instruct_but_declaring_a_raw_base": "derived models named after an instruct model that "
    "declare the raw base",
    "derived_from_an_instruct_model": "derived models made from a maker’s instruct model",
    "with_gain_over_base": "derived models with a gain over base",
    "with_gain_over_instruct": "derived models with a gain over instruct",
}
#: Lists that are shown folded, with their titles.
LISTS = {
    "missing_parents": "declared parents that are neither in the table nor in the catalogue",
    "mirrors_declared": "mirrors that were resolved",
    "missing_values": "empty cells by column",
    "derived_by_depth": "derived models by declarations from the root",
    "roots_without_a_score": "roots that the table has no score of",
    "roots_without_an_instruct_score": "roots whose instruct model the table has no score of",
    "superseded_rows": "rows that were replaced",
}


@dataclass(frozen=True)
class Count:
    """A count: its words, its place, a bar for its share, and whether it details the one above."""

    words: str
    node: Node
    bar: Markup
    below: bool = False


class SeamsView:
    """Where the rows went, what was repaired, what is missing."""

    def __init__(self, seams: Node) -> None:
        self.node = seams
        whole = seams.rows.number or 0.0
        roles = dict(seams.roles.pairs())
        self.places = []
        for key in [*(k for k in ROLES if k in roles), *(k for k in roles if k not in ROLES)]:
            self.places.append(_count(ROLES.get(key, key), roles[key], whole, key))
            if key == "unplaced":
                self.places += [
                    _count(why, node, whole, "why")
                    for why, node in seams.unplaced_by_reason.pairs()
                ]
            if key == "derived":
                self.places += [
                    _count(PLACED_BY[how], node, whole, "why")
                    for how, node in seams.placed_by.pairs()
                    if how in PLACED_BY
                ]
        self.repairs = [
            (words, seams[key]) for key, words in REPAIRS.items() if seams[key].number is not None
        ]
        self.lists = [(title, seams[key]) for key, title in LISTS.items() if seams[key]]
        self.circles = list(seams.circles)


def _count(words: str, node: Node, whole: float, style: str) -> Count:
    part = node.number or 0.0
    said = f"{words}: {numbers.count(part)} of {numbers.count(whole)} rows"
    mark = {"unplaced": "bar-odd", "why": "bar-even"}.get(style, "bar")
    return Count(words, node, share_bar(part, whole, said, mark), below=style == "why")
