"""An analysis of a leaderboard prepared for the templates: its sections, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from workbench.report.leaderboard_entry import EntryView
from workbench.report.leaderboard_read import Node

TITLE = "Do Chinese bases fine-tune best?"


class LeaderboardPage:
    """The whole page."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        self.root = Node(results)
        self.title = TITLE

    @property
    def file(self) -> str:
        """The table's file name, without the folders of the machine that read it."""
        return PurePosixPath(self.root.source.file.words.replace("\\", "/")).name

    @cached_property
    def entries(self) -> list[EntryView]:
        """Published entries against their parents."""
        return [EntryView(node, index) for index, node in enumerate(self.root.entries)]

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Anchor and title of each section."""
        return [(view.anchor, view.entry.entry.words) for view in self.entries]
