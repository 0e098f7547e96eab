"""What a hypothesis is: a probe of one base, a rule for what it shows, and its positive control.

A hypothesis is a file in :mod:`workbench.study.hypotheses` with one class derived from
:class:`Hypothesis`; nothing else has to be touched. Its module imports torch inside its functions
only: ``workbench check`` reads every hypothesis.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal

from workbench.study.subject import Subject

#: What must be there before a probe can run.
Need = Literal["suspect", "fresh", "scores", "treatment", "chat_template", "rates"]


@dataclass(frozen=True)
class Arm:
    """One more training that a hypothesis orders for every base: the treatment with ``changes``.

    ``changes`` are fields of ``finetune:``; ``labels`` changes every data set's ``labels``.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    labels: Literal["given", "random", "format"] = "given"


@dataclass(frozen=True)
class Finding:
    """What a probe found in one base: its statistic, the 95% interval, and the n behind it.

    ``value`` is ``None`` where the probe could not measure; ``words`` then say why. ``parts`` hold
    the sub-tests and whatever else a reader may ask for, JSON only; ``decide`` reads them.
    """

    value: float | None
    ci95: tuple[float, float] | None
    n: int
    words: str
    parts: Mapping[str, Any] = field(default_factory=dict)


class Hypothesis(ABC):
    """One explanation of why a base takes a fine-tune well or badly.

    ``control`` names the planted causes that the probe must find. ``sign`` is +1 where more of the
    statistic should go with more gain, -1 where with less. ``margin``, in the statistic's unit, is
    the difference between groups that does not matter.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    statistic: ClassVar[str]
    unit: ClassVar[str]
    procedure: ClassVar[str]
    rule: ClassVar[str]
    cost: ClassVar[str]
    paper: ClassVar[str]
    control: ClassVar[tuple[str, ...]]
    sign: ClassVar[int] = 1
    margin: ClassVar[float]
    needs: ClassVar[tuple[Need, ...]] = ()
    arms: ClassVar[tuple[Arm, ...]] = ()
    #: Defaults of what a recipe may set beside ``name``; anything else is refused.
    options: ClassVar[Mapping[str, Any]] = {}
    #: Raised when the same base would give another finding.
    version: ClassVar[int] = 1

    @abstractmethod
    def measure(self, subject: Subject) -> Finding:
        """Probe one base. The same subject and seed give the same finding."""

    @abstractmethod
    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        """Whether the cause shows in this base; ``None`` where that cannot be told.

        ``peers`` are the findings in the other bases of the study, for rules that need something
        to compare with.
        """


@cache
def hypotheses() -> Mapping[str, Hypothesis]:
    """Every hypothesis there is, by name, in the order of their names."""
    from workbench.study import hypotheses as room

    found: dict[str, Hypothesis] = {}
    for module in pkgutil.iter_modules(room.__path__):
        if module.name.startswith("_"):
            continue
        content = vars(importlib.import_module(f"{room.__name__}.{module.name}"))
        for value in content.values():
            own = isinstance(value, type) and value.__module__ == f"{room.__name__}.{module.name}"
            if own and issubclass(value, Hypothesis):
                found[value.name] = value()
    return dict(sorted(found.items()))
