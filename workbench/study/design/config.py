"""What a recipe may say under ``study:``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from workbench.output_config import OutputConfig
from workbench.schema import Strict

#: A difference in score between two groups of bases that nobody would act on.
MARGIN = 0.03
#: The SD of the gain between families that ``check`` assumes before anything is measured. Public
#: before/after tables have 0.02 (one task, alike sizes) to 0.15 (many tasks, all sizes).
SPREAD = 0.05

ALL = "all"

Rate = Annotated[float, Field(gt=0, le=1)]


class StudyBaseConfig(Strict):
    """What is said of one base; the catalogue answers for what is left out.

    ``group`` is one of the study's two. ``compute`` is log10 of parameters times training tokens,
    both in billions. ``cause`` is what was planted in it: only for bases made to be found out.
    """

    group: Annotated[str, Field(min_length=1)] | None = None
    family: Annotated[str, Field(min_length=1)] | None = None
    compute: float | None = None
    cause: Annotated[str, Field(min_length=1)] | None = None


class HypothesisConfig(Strict):
    """A hypothesis by its name, with whatever options its own file takes."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(min_length=1)

    @property
    def options(self) -> dict[str, Any]:
        """What was given beside the name."""
        return dict(self.model_extra or {})


def _by_name(given: object) -> object:
    return {"name": given} if isinstance(given, str) else given


HypothesisEntry = Annotated[HypothesisConfig, BeforeValidator(_by_name)]
Hypotheses = Literal["all"] | list[HypothesisEntry]


class StudyConfig(Strict):
    """The same treatment across the bases of the recipe, and what is asked of the two groups.

    ``asked`` names the group that the question is about and ``others`` the rest. The ``treatment``
    is one or more outputs, written once: ``base`` in them stands for each base in turn, and later
    ones may be made from earlier ones. With ``learning_rates`` every fine-tune is made at each, and
    each base's best is chosen on other items than it is judged on; hypotheses use ``fixed_rate``.

    ``tasks`` of the suite count (all of them by default). ``suspect`` are items that bases may have
    seen before, a file or a task of the suite; ``fresh`` is a file of items like them that none can
    have seen. ``hypotheses`` are registered and corrected as one family (Holm); those under
    ``explore`` are not (Benjamini-Hochberg). ``margin`` is the difference in score that does not
    matter, ``spread`` the standard deviation of the gain between families that ``check`` assumes
    for its power. ``bayesian`` asks for a Bayesian mixed model beside the estimates, which needs
    bambi. ``seed`` draws permutations, bootstraps and the halves of the items.
    """

    question: str = Field(min_length=1)
    asked: str = Field(default="Chinese", min_length=1)
    others: str = Field(default="others", min_length=1)
    bases: dict[str, StudyBaseConfig] = Field(default_factory=dict)
    treatment: dict[str, OutputConfig]
    learning_rates: Annotated[list[Rate], Field(min_length=1)] | None = None
    fixed_rate: Rate | None = None
    tasks: Annotated[list[str], Field(min_length=1)] | None = None
    suspect: Annotated[str, Field(min_length=1)] | None = None
    fresh: Annotated[str, Field(min_length=1)] | None = None
    hypotheses: Hypotheses = Field(default_factory=list)
    explore: Hypotheses = Field(default_factory=list)
    margin: Annotated[float, Field(gt=0, lt=1)] = MARGIN
    alpha: Annotated[float, Field(ge=0.001, le=0.2)] = 0.05
    power: Annotated[float, Field(ge=0.5, le=0.99)] = 0.8
    spread: Annotated[float, Field(gt=0, lt=1)] = SPREAD
    bayesian: bool = False
    #: numpy takes no larger one.
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    @model_validator(mode="after")
    def _two_groups(self) -> StudyConfig:
        if self.asked.casefold() == self.others.casefold():
            raise ValueError(
                f"asked and others are both {self.asked!r}; "
                "a study compares two groups, which need two names"
            )
        return self
