"""What a probe is given of one base: the model, the items, and what the treatment made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.progress import Progress, Silent
from workbench.study.questions.items import TEMPLATES, Item, Template

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Subject:
    """One base under study, with one seed of its treatment.

    ``before`` holds the base's items as :data:`workbench.evaluate.result.COLUMNS` has them
    (``task item_id doc_hash score answer target`` among others), of the tasks that count;
    ``after`` those of each output made from the base, by the arm's name (``treatment`` is the
    treatment at the study's fixed rate, ``lr=0.001`` the same at another, and what the hypothesis
    ordered in its ``arms``). ``seed`` is for all that is drawn.

    Opening ``model()`` costs nothing where the base is in memory. What it returns shares its
    tensors with every other such model: change none of them in place without putting it back.
    """

    base: str
    model: Callable[[], PreTrainedModel]
    tokenizer: PreTrainedTokenizerBase
    seed: int = 0
    suspect: Sequence[Item] = ()
    fresh: Sequence[Item] = ()
    templates: Sequence[Template] = TEMPLATES
    before: pd.DataFrame | None = None
    after: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    #: The model of an arm, by its name; raises ``KeyError`` for one that was not made.
    treated: Callable[[str], PreTrainedModel] | None = None
    #: The base run in another layer path, no weight copied.
    path: Callable[[Sequence[int]], PreTrainedModel] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=Silent)
