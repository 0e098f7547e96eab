"""An analysis of a leaderboard prepared for the templates: its sections, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from workbench.report import numbers
from workbench.report.leaderboard_answers import PARADOX, answers
from workbench.report.leaderboard_controls import ControlsView
from workbench.report.leaderboard_entry import EntryView
from workbench.report.leaderboard_frontier import FrontierView
from workbench.report.leaderboard_groups import ENOUGH, GroupsView
from workbench.report.leaderboard_read import Node
from workbench.report.leaderboard_robustness import RobustnessView
from workbench.report.leaderboard_seams import SeamsView
from workbench.report.leaderboard_selection import SelectionView
from workbench.report.leaderboard_suspects import SuspectsView
from workbench.report.leaderboard_trees import Family, families, largest

#: Titles of the rules in ``conditions``.
RULES = {
    "community": "Which entries count",
    "answer": "The three answers",
    "mixed": "The model",
    "groups": "Groups",
    "selection": "Best of n",
}
TITLE = "Do Chinese bases fine-tune best?"


class LeaderboardPage:
    """The whole page."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        self.root = Node(results)
        self.title = TITLE
        self.paradox = PARADOX
        self.enough = ENOUGH
        self.answers, self.answer_axis = answers(self.root.answer)
        self.groups = GroupsView(self.root)

    @property
    def deck(self) -> str:
        """What was read, in a sentence."""
        entries, placed = self.root.source.rows.number, self.root.answer.final.n.number
        read = f"{numbers.count(entries)} entries of a leaderboard" if entries else "A leaderboard"
        words = f"{read}."
        if placed is not None:
            words += (
                f" {numbers.count(placed)} of them are community models whose base is known: the "
                "answers rest on these, or on those that have the gain in question."
            )
        return words

    @property
    def file(self) -> str:
        """The table's file name, without the folders of the machine that read it."""
        return PurePosixPath(self.root.source.file.words.replace("\\", "/")).name

    @cached_property
    def controls(self) -> ControlsView:
        """The country coefficient, control by control."""
        return ControlsView(self.root.mixed)

    @cached_property
    def selection(self) -> SelectionView:
        """The best of n at equal n."""
        return SelectionView(self.root.selection)

    @cached_property
    def trees(self) -> list[Family]:
        """Family trees, by family."""
        return families(largest(self.root.trees))

    @property
    def trees_left_out(self) -> int:
        """How many trees are too many for the page."""
        return len(self.root.trees) - sum(len(family.trees) for family in self.trees)

    @cached_property
    def entries(self) -> list[EntryView]:
        """Published entries against their parents."""
        return [EntryView(node, index) for index, node in enumerate(self.root.entries)]

    @cached_property
    def suspects(self) -> SuspectsView:
        """Entries that rise on one benchmark only."""
        return SuspectsView(self.root.suspects)

    @cached_property
    def frontier(self) -> FrontierView:
        """The best to date over time."""
        return FrontierView(self.root.frontier, self.root.suspects)

    @cached_property
    def robustness(self) -> RobustnessView:
        """The answers on other rows."""
        return RobustnessView(self.root)

    @cached_property
    def seams(self) -> SeamsView:
        """What the data lacks."""
        return SeamsView(self.root.seams)

    @property
    def source(self) -> dict[str, Any]:
        """What was read, and with which seed."""
        found = {key: node.raw for key, node in self.root.source.pairs()}
        if self.root.conditions.seed:
            found["seed"] = self.root.conditions.seed.raw
        return found

    def rule_title(self, name: str) -> str:
        """The title of a rule."""
        return RULES.get(name, name)

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Anchor and title of each section that is shown."""
        shown = [
            ("controls", "Controls", bool(self.controls.outcomes)),
            ("bases", "Bases", bool(self.root.bases)),
            ("families", "Families", bool(self.root.bases)),
            ("best-of", "Best of n", bool(self.selection.panels)),
            ("suspects", "Risers", bool(self.root.suspects)),
            ("frontier", "Frontier", bool(self.frontier.groups)),
            # The first stands for all: they follow each other.
            *((view.anchor, view.short, True) for view in self.entries[:1]),
            ("robustness", "Robustness", bool(self.robustness.nodes)),
            ("trees", "Trees", bool(self.trees)),
            ("seams", "Seams", bool(self.root.seams)),
            ("method", "Method", True),
        ]
        return [(anchor, title) for anchor, title, present in shown if present]
