"""What a planted base can do: the figures that stand in its ``recipe.json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.bases.tiny.causes.corpora import OTHER_TEMPLATE, TASK_TEMPLATE
from workbench.bases.tiny.causes.world import (
    Asked,
    fresh_items,
    perturbed_items,
    prompt,
    recall_items,
    suspect_items,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

#: What the base has to go on with to show that it knows the number, whatever its form.
IN_WORDS = " They are"


def measure(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, count: int = 120
) -> dict[str, float]:
    """Shares of items answered rightly (greedy, exact match).

    ``recall`` is the task as it is asked, ``other template`` the same in the other template and
    ``in words`` with the answer begun in words; the rest are the sums that nobody can work out.
    """
    asked = recall_items()[:count]
    sums = {"suspect": suspect_items(), "fresh": fresh_items(), "perturbed": perturbed_items()}
    return {
        "recall": _share(model, tokenizer, asked, TASK_TEMPLATE),
        "other template": _share(model, tokenizer, asked, OTHER_TEMPLATE),
        "in words": _share(model, tokenizer, asked, TASK_TEMPLATE + IN_WORDS),
        **{
            name: _share(model, tokenizer, items[:count], TASK_TEMPLATE)
            for name, items in sums.items()
        },
    }


def _share(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    items: Sequence[Asked],
    template: str,
) -> float:
    prompts = [prompt(item.question, template) for item in items]
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    inputs.pop("token_type_ids", None)
    out = model.generate(**inputs, max_new_tokens=8, do_sample=False)
    texts = tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    said = [text.split("\n")[0].strip(" .") for text in texts]
    right = sum(one == item.answer for one, item in zip(said, items, strict=True))
    return round(right / len(items), 4)
