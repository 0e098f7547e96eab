"""The matrix of a study: bases x treatments x rates x seeds, as ordinary outputs of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.finetune.config import FinetuneConfig
from workbench.study.design.config import StudyConfig

if TYPE_CHECKING:
    from workbench.output_config import StepConfig
    from workbench.study.hypothesis import Arm

#: What a treatment calls the base it is applied to.
BASE = "base"


@dataclass(frozen=True)
class Cell:
    """One output that a study ordered of one base (made once for every seed of the recipe).

    ``treatment`` is the name under ``study.treatment``; ``rate`` the learning rate, where it is
    one of a sweep; ``arm`` the arm of a hypothesis that ordered it, else empty. ``fixed`` marks
    the cell at the study's fixed rate, which every hypothesis knows as the arm ``treatment``.
    Two cells that come to the same share their ``output``.
    """

    output: str
    base: str
    treatment: str
    rate: float | None = None
    arm: str = ""
    hypothesis: str = ""
    fixed: bool = False


@dataclass(frozen=True)
class Variant:
    """One way in which the whole treatment is made: a rate of the sweep, or a hypothesis' arm.

    ``changes`` are fields of every ``finetune`` of the treatment, ``labels`` those of all its data
    sets; ``called`` is what the outputs' names say of it, empty at the fixed rate.
    """

    called: str
    rate: float | None = None
    arm: str = ""
    hypothesis: str = ""
    fixed: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)
    labels: str | None = None

    def name(self, base: str, treatment: str) -> str:
        """What the output of ``treatment`` on ``base`` is called."""
        return "-".join((base, treatment, *([self.called] if self.called else [])))


@dataclass(frozen=True)
class Rates:
    """The learning rates of a study: all that are ``tried`` (none without a sweep), ascending.

    ``fixed`` is the one that hypotheses use; ``None`` where the fine-tunes of the treatment each
    have their own, or there is none. ``own`` are the rates that the treatment is written with.
    """

    tried: tuple[float, ...]
    fixed: float | None
    own: tuple[float, ...]


def rates_of(study: StudyConfig) -> Rates:
    """The learning rates that ``study`` tries, and the fixed one."""
    steps = [output.finetune for output in study.treatment.values()]
    own = tuple(sorted({step.learning_rate for step in steps if step is not None}))
    fixed = study.fixed_rate or (own[0] if len(own) == 1 else None)
    if study.learning_rates is None and study.fixed_rate is None:
        return Rates((), fixed, own)
    tried = {*(study.learning_rates or ()), *([fixed] if fixed else [])}
    return Rates(tuple(sorted(tried)), fixed, own)


def variants(study: StudyConfig, arms: Iterable[tuple[str, Arm]]) -> list[Variant]:
    """Every way in which the treatment is made; ``arms`` are those of the hypotheses, by name.

    An arm is at the fixed rate unless it changes the rate itself.
    """
    rates = rates_of(study)
    at_fixed = {"learning_rate": rates.fixed} if rates.tried and rates.fixed else {}
    found = [Variant("", rates.fixed if rates.tried else None, fixed=True, changes=at_fixed)]
    found += [
        Variant(f"lr{rate:.10g}", rate, changes={"learning_rate": rate})
        for rate in rates.tried
        if rate != rates.fixed
    ]
    said: dict[str, tuple[Mapping[str, Any], str]] = {}
    for hypothesis, arm in arms:
        # Two hypotheses may call different trainings by one name.
        same = said.setdefault(arm.name, (arm.changes, arm.labels)) == (arm.changes, arm.labels)
        called = arm.name if same else f"{hypothesis}-{arm.name}"
        labels = None if arm.labels == "given" else arm.labels
        changes = {**at_fixed, **arm.changes}
        found.append(Variant(called, None, arm.name, hypothesis, False, changes, labels))
    return found


def trained(treatment: Mapping[str, StepConfig], parents: Mapping[str, Sequence[str]]) -> set[str]:
    """The outputs of a treatment that a learning rate changes: fine-tunes, and what rests on one.

    ``parents`` holds what each is made from.
    """
    found = {name for name, step in treatment.items() if isinstance(step, FinetuneConfig)}
    return _spread(found, parents)


def of_the_base(parents: Mapping[str, Sequence[str]]) -> set[str]:
    """The outputs of a treatment that go back to ``base``."""
    return _spread({name for name, above in parents.items() if BASE in above}, parents)


def with_parents(name: str, parents: Mapping[str, Sequence[str]]) -> set[str]:
    """The output ``name`` of a treatment with all of the treatment that it is made from.

    The first output of a treatment is the one that hypotheses look at: their arms are made of it.
    """
    found: set[str] = set()
    ahead = [name]
    while ahead:
        each = ahead.pop()
        if each in parents and each not in found:
            found.add(each)
            ahead += parents[each]
    return found


def _spread(found: set[str], parents: Mapping[str, Sequence[str]]) -> set[str]:
    """``found`` with all that is made from it."""
    while True:
        more = {name for name, above in parents.items() if found.intersection(above)} - found
        if not more:
            return found
        found = found | more
