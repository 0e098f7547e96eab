"""``results["study"]`` prepared for the templates: its sections, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from markupsafe import Markup

from workbench.report.figures.study_power import power_curve
from workbench.report.leaderboard_read import Node
from workbench.report.study_estimands import Estimand, EstimandsView
from workbench.report.study_forest import ForestView
from workbench.report.study_hypotheses import HypothesesView
from workbench.report.study_numbers import unit_of
from workbench.report.study_paradox import ParadoxView
from workbench.report.study_parts import PartsView
from workbench.report.study_planted import PlantedView
from workbench.report.study_rates import RatesView
from workbench.report.study_sides import Sides

TITLE = "Do these bases fine-tune better?"


#: How the figures of a published table are called.
PUBLISHED = {
    "final": "after",
    "gain": "gain",
    "gain_at_start": "gain at equal start",
    "before_at_compute": "before, at equal compute",
    "final_at_compute": "after, at equal compute",
    "gain_at_compute": "gain at equal compute",
}


class StudyView:
    """The whole study. What is missing in the file is an empty part, which is not shown."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        self.whole = Node(results)
        self.root = self.whole.study
        self.title = self.root.question.words or TITLE
        self.sides = Sides(self.root)
        self.estimands = EstimandsView(self.root, self.sides)
        self.forest = ForestView(self.root, self.estimands, self.sides)
        self.paradox = ParadoxView(self.root, self.sides)
        self.parts = PartsView(self.root, self.estimands, self.sides)
        self.hypotheses = HypothesesView(self.root, self.sides)
        self.planted = PlantedView(self.root)
        self.rates = RatesView(self.root, self.sides)
        #: The units of what the templates write themselves.
        self.points, self.as_it_is = unit_of("score"), unit_of("")

    @property
    def answer(self) -> list[str]:
        """The sentences of the answer."""
        return self.sentences(self.root.answer)

    @property
    def lede(self) -> list[str]:
        """What is told first: of planted bases, whether the probes found what was planted."""
        planted = self.sentences(self.root.planted["words"]) if self.planted else []
        if planted and not any(planted[0] in sentence for sentence in self.answer):
            return planted[:1]
        return self.answer

    def untold(self, sentences: list[str]) -> list[str]:
        """Those that are not in the first lines."""
        return [one for one in sentences if not any(one in told for told in self.lede)]

    @staticmethod
    def sentences(node: Node) -> list[str]:
        """A text or a list of texts."""
        return [node.words] if node.words else [line.words for line in node if line.words]

    @cached_property
    def power(self) -> Markup | None:
        """The power curve."""
        return power_curve(self.root.power)

    @property
    def has_power(self) -> bool:
        """Whether anything is known of what the design could see."""
        power = self.root.power
        known = power.smallest.number is not None or power.can_answer.raw is False
        return known or bool(power["words"]) or self.power is not None

    @property
    def file(self) -> str:
        """The table's file name, without the folders of the machine that read it."""
        return PurePosixPath(self.root.source.file.words.replace("\\", "/")).name

    @property
    def gaps(self) -> bool:
        """Whether a run collapsed or is missing."""
        return bool(self.root.collapsed) or bool(self.root.holes)

    @property
    def with_collapsed(self) -> list[Estimand]:
        """The estimands that would have another value with the collapsed runs."""
        known = [
            card for card in self.estimands.cards if card.node.with_collapsed.number is not None
        ]
        return [card for card in known if card.node.value.number is not None]

    @property
    def source(self) -> dict[str, Any]:
        """What a table was read from."""
        found = {key: node.raw for key, node in self.root.source.pairs()}
        return found | ({"file": self.file} if self.file else {})

    @property
    def published(self) -> list[tuple[str, Node]]:
        """Each task's figures as papers print them."""
        return [(task, node) for task, node in self.root.published.pairs() if node.pairs()]

    @property
    def published_figures(self) -> list[str]:
        """The figures that some task has."""
        return list(
            dict.fromkeys(name for _, node in self.published for name, one in node.pairs() if one)
        )

    @staticmethod
    def published_title(name: str) -> str:
        """How such a figure is called."""
        return PUBLISHED.get(name, name)

    @property
    def conditions(self) -> dict[str, Any]:
        """The conditions without what is told elsewhere."""
        told = ("rules", "cannot_be_concluded", "notes")
        return {k: node.raw for k, node in self.root.conditions.pairs() if k not in told}

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Anchor and title of each section that is shown."""
        root = self.root
        shown = [
            ("planted", "Planted causes", bool(self.planted)),
            ("bases", "Bases", bool(self.forest.columns)),
            ("paradox", "Three answers", bool(self.paradox)),
            ("why", "Why", bool(self.hypotheses.kinds)),
            ("power", "Power", self.has_power),
            (
                "change",
                "What would change it",
                bool(root.would_change) or bool(root.conditions.cannot_be_concluded),
            ),
            ("influence", "Families", bool(self.parts.influence)),
            ("tasks", "Tasks", bool(self.parts.tasks)),
            ("rates", "Learning rates", bool(self.rates)),
            ("gaps", "Gaps", self.gaps),
            ("published", "As published", bool(self.published)),
            ("design", "Design", True),
        ]
        return [(f"study-{anchor}", title) for anchor, title, present in shown if present]
