"""``results.json`` as the report reads it: typed, checked, lenient about what it does not use."""

from __future__ import annotations

import json
import math
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workbench.errors import Problem, UserError, user_error
from workbench.report.reproductions import BothWays, Reproduction

Verdict = Literal["better", "worse", "unclear"]

#: Metrics where less is better, for results that do not say so themselves.
LOWER_IS_BETTER = frozenset(
    {"perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "brier_score", "ter"}
)


AVERAGE = "average"


_POINTS = " (points)"


def _points_name(benchmark: str) -> str:
    return f"{benchmark}{_POINTS}"


class _Part(BaseModel):
    """A part of the file. Unknown keys are kept out: a newer workbench may write more."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class Figure(_Part):
    """A figure over ``n`` of the ``of`` items that its task has."""

    n: int | None = None
    of: int | None = None

    @property
    def is_estimate(self) -> bool:
        """Whether it stands for more items than were scored."""
        return self.n is not None and self.of is not None and self.n < self.of


class Score(Figure):
    """One task's score of one output, with its 95% interval over ``n`` items."""

    metric: str = ""
    value: float | None = None
    ci95: tuple[float | None, float | None] = (None, None)
    method: str = ""
    higher_is_better: bool | None = None

    @property
    def known(self) -> bool:
        """Whether there is a value to draw."""
        return self.value is not None and math.isfinite(self.value)

    @property
    def more_is_better(self) -> bool:
        """The direction of the metric, as stated or as known by its name."""
        if self.higher_is_better is not None:
            return self.higher_is_better
        return self.metric.split(",")[0] not in LOWER_IS_BETTER


class ItemsFor(_Part):
    """Items that would bring an estimate to ± ``half_width``, with and without its controls."""

    half_width: float
    items: int
    without_control: int


class WholeSet(Score):
    """A score on all items, estimated from ``n`` of them and from the ``control``'s on all."""

    factor: float | None = None
    control: list[str] = []
    items_for: ItemsFor | None = None


class Change(Figure):
    """An output's score minus a parent's, item by item, with a 95% interval and a p-value.

    Where the scoring could end early, it did at ``look`` of ``looks``, with the verdict that it
    ``waited_for``; ``within`` is the interval that was held against ± ``margin``.
    """

    delta: float | None = None
    ci95: tuple[float | None, float | None] = (None, None)
    p: float | None = None
    method: str = ""
    gained: int | None = None
    lost: int | None = None
    look: int | None = None
    looks: int | None = None
    waited_for: str = Field("", alias="verdict")
    margin: float | None = None
    within: tuple[float | None, float | None] | None = None

    @property
    def known(self) -> bool:
        """Whether there is a change to draw."""
        return self.delta is not None and math.isfinite(self.delta)

    def verdict(self, more_is_better: bool = True) -> Verdict:
        """``better`` or ``worse`` only where the interval excludes zero."""
        low, high = self.ci95
        if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
            return "unclear"
        if low > 0:
            return "better" if more_is_better else "worse"
        if high < 0:
            return "worse" if more_is_better else "better"
        return "unclear"


class WithTemplate(_Part):
    """A model's second evaluation, with its chat template; ``missing`` says that it has none."""

    missing: str = ""
    scores: dict[str, Score] = {}
    notes: list[str] = []
    scoring_seconds: float | None = None


class Entry(_Part):
    """A base or an output; with several seeds there is one a seed.

    Leaderboard points stand among ``scores`` and ``versus`` like any task, before the tasks that
    they are made of.
    """

    id: str = ""
    name: str
    key: str = ""
    kind: str
    seed: int | None = None
    parents: list[str] = []
    path: str | None = None
    scores: dict[str, Score] = {}
    estimates: dict[str, WholeSet] = {}
    versus: dict[str, dict[str, Change]] = {}
    refused: list[str] = []
    notes: list[str] = []
    record: dict[str, Any] = {}
    config: dict[str, Any] = {}
    seconds: float | None = None
    scoring_seconds: float | None = None
    peak_memory_bytes: float | None = None
    predicted_memory_bytes: float | None = None
    reused: bool = False
    points: dict[str, Score] = {}
    with_chat_template: WithTemplate | None = None
    effects: BothWays = BothWays()

    @model_validator(mode="before")
    @classmethod
    def _points_are_scores(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("points"), dict):
            return given
        scores, versus = given.get("scores"), given.get("versus")
        if not given["points"] or not isinstance(scores, dict) or not isinstance(versus, dict):
            return given
        # The average first: what the leaderboard ranks by.
        names = sorted(given["points"], key=lambda name: name != AVERAGE)
        points = {_points_name(n): {**given["points"][n], "metric": "points"} for n in names}
        gains = given.get("points_versus") or {}
        both = {
            parent: {
                **{_points_name(n): gains.get(parent, {})[n] for n in names
                   if n in gains.get(parent, {})},
                **tasks,
            }
            for parent, tasks in versus.items()
        }  # fmt: skip
        return {**given, "scores": {**points, **scores}, "versus": both}

    @property
    def is_base(self) -> bool:
        """Whether it was there before the run."""
        return self.kind == "base"


class Suite(_Part):
    """What scored the outputs."""

    name: str = ""
    description: str = ""


class Results(_Part):
    """A whole run."""

    name: str
    key: str = ""
    created: str | float | None = None
    command: str | list[str] = ""
    recipe: str = ""
    suite: Suite | None = None
    conditions: dict[str, Any] = {}
    versions: dict[str, Any] = {}
    machine: dict[str, Any] | str = {}
    errors: list[Any] = []
    reproductions: list[Reproduction] = []
    #: What a study says, as it was written: its own views read it.
    study: dict[str, Any] | None = None
    entries: list[Entry] = Field(alias="outputs")

    @cached_property
    def tasks(self) -> list[str]:
        """Every task that scored something, in the order of the file."""
        return list(dict.fromkeys(task for entry in self.entries for task in entry.scores))

    @property
    def main_tasks(self) -> list[str]:
        """What is told first: a leaderboard's points rather than the dozens of tasks below them."""
        return [task for task in self.tasks if task.endswith(_POINTS)] or self.tasks

    @property
    def bases(self) -> list[Entry]:
        """The entries of kind base."""
        return [entry for entry in self.entries if entry.is_base]

    @property
    def outputs(self) -> list[Entry]:
        """The entries that the run made."""
        return [entry for entry in self.entries if not entry.is_base]

    @property
    def seeded(self) -> bool:
        """Whether some output was made with more than one seed."""
        names = [entry.name for entry in self.entries]
        return len(set(names)) < len(names)

    def entry(self, name: str, seed: int | None) -> Entry | None:
        """The entry of that name and seed, else the one of that name without a seed."""
        named = [entry for entry in self.entries if entry.name == name]
        same = [entry for entry in named if entry.seed == seed]
        return next(iter(same or [entry for entry in named if entry.seed is None] or named), None)

    def more_is_better(self, task: str) -> bool:
        """The direction of a task's metric."""
        return all(e.scores[task].more_is_better for e in self.entries if task in e.scores)


def parse(results: dict[str, Any], source: str = "results.json") -> Results:
    """``results`` checked and typed.

    Raises:
        UserError: every place where it is not what ``workbench run`` writes.
    """
    try:
        return Results.model_validate(results)
    except ValidationError as error:
        raise UserError(
            Problem(
                f"{source}: {'.'.join(map(str, part['loc'])) or 'the file'}: {part['msg']}",
                "the file was changed by hand, or written by something else",
                "run the recipe again: it writes the file anew",
            )
            for part in error.errors(include_url=False)
        ) from None


def read_json(run_folder: Path) -> dict[str, Any]:
    """The content of ``results.json`` in a run's folder, unchecked.

    Raises:
        UserError: it is not there, or not JSON.
    """
    path = run_folder / "results.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise user_error(
            f"{run_folder} holds no results.json",
            "it is not the folder of a run, or its run has not finished",
            "workbench show lists the runs there are; running the recipe again finishes it",
        ) from None
    except (ValueError, RecursionError) as error:
        raise user_error(
            f"{path} is not JSON: {str(error)[:200]}",
            "the file was changed by hand or cut short",
            "run the recipe again: it writes the file anew",
        ) from None
    if not isinstance(content, dict):
        raise user_error(f"{path} holds a {type(content).__name__} where a run belongs")
    return content


def load(run_folder: Path) -> Results:
    """``results.json`` of a run's folder, checked and typed (see :func:`parse`)."""
    return parse(read_json(run_folder), str(run_folder / "results.json"))
