"""A published difference to a parent, and the chat template's effect, prepared for the template."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from workbench.report import numbers
from workbench.report.figures.axis import Scale, change_scale
from workbench.report.figures.strips import value_strip
from workbench.report.reproduction_view import ReproductionView
from workbench.report.reproductions import Effect, Gap, Parent
from workbench.report.results import Entry, Results
from workbench.report.verdict import kind_word

TEMPLATE = {
    True: "with a chat template",
    False: "without a chat template",
    None: "nobody says how",
}


@dataclass(frozen=True)
class EffectRow:
    """An effect with its words; ``strip`` is drawn on the scale of its table."""

    words: str
    effect: Effect
    strip: Markup


class GapView:
    """An entry's published difference to one parent."""

    def __init__(self, of: ReproductionView, parent: Parent, kind: str) -> None:
        self.of = of
        self.parent = parent
        self.treatment = f"the {kind_word(kind)}"

    @property
    def main(self) -> str | None:
        """The figure that is told in a sentence: the average, else the first."""
        names = list(self.parent.gap)
        return "average" if "average" in names else names[0] if names else None

    @property
    def sentence(self) -> str:
        """The naive published difference, and how much of it each effect accounts for."""
        name = self.main
        if name is None:
            return ""
        gap = self.parent.gap[name]
        how = self.parent.chat_template
        entry, parent = how.get("entry"), how.get("parent")
        measured = (
            f"both measured {TEMPLATE[entry]}"
            if entry == parent
            else f"the first measured {TEMPLATE[entry]} and the second {TEMPLATE[parent]}"
        )
        title = self._title(name)
        lead = (
            f"Published, {self.of.found.entry} stands {self._distance(gap.published)} "
            f"{self.parent.entry} ({title}), {measured}."
        )
        return f"{lead} {self._parts(gap, entry, parent)}"

    def _parts(self, gap: Gap, entry: bool | None, parent: bool | None) -> str:
        if gap.treatment is None or gap.rest is None:
            if None in (entry, parent):
                return "Without knowing how both were measured, it cannot be taken apart."
            if entry != parent:
                return (
                    "How much of that is the chat template's cannot be told from one condition: "
                    "evaluate with apply_chat_template: both measures it."
                )
            return "It could not be taken apart: a model was not scored under that condition."
        words = f"In our scores {self.treatment} accounts for {self._said(gap.treatment)} of it"
        if gap.template is not None:
            words += f", the chat template for {self._said(gap.template)}"
        return f"{words}; {self._said(gap.rest)} was not found again."

    def _said(self, effect: Effect) -> str:
        return f"{self._figure(effect.value)} (95% interval {self.of.ends(effect.ci95)})"

    def _figure(self, value: float | None) -> str:
        return self.of.figure(value, sign=True)

    def _distance(self, value: float | None) -> str:
        """``0.36 points above``."""
        if value is None:
            return "an unknown way from"
        text = self.of.figure(abs(value))
        return f"{text}{self.of.unit} {'above' if value >= 0 else 'below'}"

    def _title(self, name: str) -> str:
        figure = self.of.found.tasks.get(name)
        return figure.title if figure and figure.title else name

    @property
    def rows(self) -> list[tuple[str, Gap]]:
        """Every figure with its parts."""
        return [(self._title(name), gap) for name, gap in self.parent.gap.items()]


class BothWaysView:
    """An output under both chat-template conditions, beside its parents."""

    def __init__(self, entry: Entry, run: Results) -> None:
        self.entry = entry
        self.run = run
        self.in_points = bool(entry.points)

    @cached_property
    def figures(self) -> list[str]:
        """The figures with an effect: the average first, where there is one."""
        found = dict.fromkeys(self.entry.effects.template)
        for effects in self.entry.effects.against.values():
            for each in effects.values():
                found |= dict.fromkeys(each)
        return sorted(found, key=lambda name: name != "average")

    @property
    def missing(self) -> list[str]:
        """Who has no chat template, in words."""
        relatives = [self.run.entry(name, self.entry.seed) for name in self.entry.effects.against]
        return [e.with_chat_template.missing for e in (self.entry, *relatives)
                if e and e.with_chat_template and e.with_chat_template.missing]  # fmt: skip

    def figure(self, value: float | None) -> str:
        """An effect in its unit's usual digits."""
        if self.in_points:
            return numbers.points(value, sign=True, decimals=2)
        return numbers.signed(value)

    def rows(self, name: str) -> list[EffectRow]:
        """The effects on one figure."""
        own = self.entry.name
        listed: list[tuple[str, Effect | None]] = []
        for parent in self.entry.effects.against:
            relative = self.run.entry(parent, self.entry.seed)
            if relative is not None:
                effect = relative.effects.template.get(name)
                listed.append((f"template, on {parent}", effect))
        listed.append((f"template, on {own}", self.entry.effects.template.get(name)))
        for parent, effects in self.entry.effects.against.items():
            listed += [
                (f"{own} − {parent}, without", effects.get("without", {}).get(name)),
                (f"{own} − {parent}, with", effects.get("with", {}).get(name)),
                (f"interaction with {parent}", effects.get("interaction", {}).get(name)),
            ]
        there = [(words, effect) for words, effect in listed if effect is not None]
        along = self._scale([effect for _, effect in there])
        return [
            EffectRow(
                words, effect, value_strip(words, effect.value, effect.ci95, along, "unclear")
            )
            for words, effect in there
        ]

    def _scale(self, effects: list[Effect]) -> Scale:
        return change_scale(end for effect in effects for end in (effect.value, *effect.ci95))

    def axis_of(self, name: str) -> Scale:
        """The scale of :meth:`rows`."""
        return self._scale([row.effect for row in self.rows(name)])
