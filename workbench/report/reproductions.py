"""``reproductions`` of results.json, and a chat template's effects, as the report reads them."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["reproduced", "not reproduced", "cannot tell"]
Ends = tuple[float | None, float | None]
NO_ENDS: Ends = (None, None)


class _Part(BaseModel):
    """A part of the file. Unknown keys are kept out: a newer workbench may write more."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class Rates(_Part):
    """How often each verdict came out at ``n`` items when ``true`` was the difference."""

    n: int
    true: float
    reproduced: float
    not_reproduced: float
    draws: int = 0


class Figure(_Part):
    """One published figure held against ours; figures in points, or from 0 to 1."""

    title: str = ""
    ours: float | None = None
    theirs: float | None = None
    rounding: float | None = None
    difference: float | None = None
    ci90: Ends = NO_ENDS
    ci95: Ends = NO_ENDS
    n: int | None = None
    of: int | None = None
    verdict: Verdict = "cannot tell"
    items_needed: int | None = None
    items_needed_if_observed: int | None = None
    power: list[Rates] = []

    @property
    def known(self) -> bool:
        """Whether there is a difference to draw."""
        return self.difference is not None and math.isfinite(self.difference)


class Condition(_Part):
    """A condition of ours and theirs; ``differs`` is ``None`` where theirs is not known."""

    what: str = ""
    ours: str = ""
    theirs: str = ""
    differs: bool | None = None


class Effect(_Part):
    """An effect with its 95% interval over ``n`` items."""

    value: float | None = None
    ci95: Ends = NO_ENDS
    p: float | None = None
    n: int | None = None
    method: str = ""


Effects = dict[str, Effect]


class BothWays(_Part):
    """What the chat template changes in a model, and what the model gains under each condition.

    ``against`` holds by parent ``without``, ``with`` and ``interaction``.
    """

    template: Effects = {}
    against: dict[str, dict[str, Effects]] = {}


class Gap(_Part):
    """A published difference to a parent and its parts."""

    published: float | None = None
    rounding: float | None = None
    treatment: Effect | None = None
    template: Effect | None = None
    rest: Effect | None = None


class Parent(_Part):
    """A published relative of an entry."""

    parent: str = ""
    entry: str = ""
    chat_template: dict[str, bool | None] = {}
    gap: dict[str, Gap] = {}
    refused: list[str] = []
    luck: dict[str, Any] | None = None

    @property
    def sentences(self) -> list[str]:
        """What is said of luck: the published gain with its interval, the best of many."""
        words = self.luck.get("words") if self.luck else None
        return [str(line) for line in words] if isinstance(words, list) else []


class Reproduction(_Part):
    """One published entry held against one output."""

    entry: str = ""
    snapshot: str = ""
    source: str = ""
    output: str = ""
    seed: int | None = None
    unit: str = "score"
    margin: float = 0.0
    flips: float = 0.0
    verdict: Verdict = "cannot tell"
    method: str = ""
    tasks: dict[str, Figure] = {}
    missing: list[str] = []
    conditions: list[Condition] = []
    parents: list[Parent] = []

    @property
    def in_points(self) -> bool:
        """Whether figures are leaderboard points."""
        return self.unit == "points"
