"""What each of mergekit's methods reads and needs, as data, so that a check needs no torch.

Derived from the registry of mergekit 0.1.5; ``tests/merge`` asserts that the two are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: ``shared``: read once for a tensor; ``input``: for each model; ``non_base``: all but the base.
Scope = Literal["shared", "input", "non_base"]


@dataclass(frozen=True)
class Parameter:
    """A parameter's type and scope. ``required`` ones have no default in mergekit."""

    type: type[float] | type[int] | type[bool]
    scope: Scope = "shared"
    required: bool = False


@dataclass(frozen=True)
class Method:
    """A method's inputs and parameters. ``base`` says what becomes of ``base_model``.

    ``random`` methods draw from torch's generator, so they need a seed. ``most`` and ``fewest``
    count all models including the base; the ``others`` leave it out.
    """

    base: Literal["required", "optional", "ignored"] = "required"
    fewest: int = 1
    most: int | None = None
    fewest_others: int | None = None
    most_others: int | None = None
    random: bool = False
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


_WEIGHT = {"weight": Parameter(float, "non_base", required=True)}

_TASK_VECTORS = {
    "int8_mask": Parameter(bool),
    "normalize": Parameter(bool),
    "rescale": Parameter(bool),
    "lambda": Parameter(float),
    **_WEIGHT,
    "density": Parameter(float, "non_base"),
}

_T = {"t": Parameter(float, required=True)}

METHODS: Mapping[str, Method] = {
    "linear": Method(
        base="ignored",
        parameters={
            "weight": Parameter(float, "input", required=True),
            "normalize": Parameter(bool),
        },
    ),
    "slerp": Method(fewest=2, most=2, parameters=_T),
    "nuslerp": Method(
        base="optional",
        fewest_others=2,
        most_others=2,
        parameters={
            **_WEIGHT,
            "nuslerp_row_wise": Parameter(bool),
            "nuslerp_flatten": Parameter(bool),
        },
    ),
    "multislerp": Method(
        base="optional",
        fewest_others=1,
        parameters={
            **_WEIGHT,
            "normalize_weights": Parameter(bool),
            "eps": Parameter(float),
        },
    ),
    "karcher": Method(
        base="ignored", parameters={"max_iter": Parameter(int), "tol": Parameter(float)}
    ),
    "nearswap": Method(fewest=2, most=2, parameters=_T),
    "arcee_fusion": Method(fewest=2, most=2, random=True),
    "model_stock": Method(fewest=3, parameters={"filter_wise": Parameter(bool)}),
    "passthrough": Method(base="ignored", most=1, parameters={"scale": Parameter(float, "input")}),
    "ram": Method(parameters={"epsilon": Parameter(float)}),
    "ramplus_tl": Method(
        parameters={"r": Parameter(float), "alpha": Parameter(float), "epsilon": Parameter(float)}
    ),
    "sce": Method(parameters={"int8_mask": Parameter(bool), "select_topk": Parameter(float)}),
    "task_arithmetic": Method(parameters=_TASK_VECTORS),
    "ties": Method(parameters=_TASK_VECTORS),
    "dare_ties": Method(random=True, parameters=_TASK_VECTORS),
    "dare_linear": Method(random=True, parameters=_TASK_VECTORS),
    "breadcrumbs": Method(parameters={**_TASK_VECTORS, "gamma": Parameter(float, "non_base")}),
    "breadcrumbs_ties": Method(parameters={**_TASK_VECTORS, "gamma": Parameter(float, "non_base")}),
    "della": Method(
        random=True, parameters={**_TASK_VECTORS, "epsilon": Parameter(float, "non_base")}
    ),
    "della_linear": Method(
        random=True, parameters={**_TASK_VECTORS, "epsilon": Parameter(float, "non_base")}
    ),
}

#: Shares of a tensor's entries: outside 0..1 mergekit clips or fails after hours.
SHARES = frozenset({"density", "gamma", "select_topk"})

#: DELLA's default, needed to tell whether ``density`` plus or minus it leaves the open interval.
DELLA_EPSILON = 0.15
