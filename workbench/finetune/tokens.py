"""Making a tokenizer ready to train with: chat template, the token that ends, the one that pads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.bases.load import choose_pad
from workbench.errors import user_error
from workbench.finetune.config import FinetuneConfig
from workbench.finetune.template import needs_template, no_template_problem, template_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def prepare_tokenizer(config: FinetuneConfig, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """Set template, EOS and pad on ``tokenizer`` in place; return what the record says of them.

    Raises ``UserError`` when a token does not exist or conversations have no template.
    """
    if config.chat_template is not None:
        tokenizer.chat_template = template_text(config.chat_template)
    if needs_template(config) and not tokenizer.chat_template:
        problem = no_template_problem(f"base {config.base_model!r}")
        raise user_error(problem.fact, problem.cause, problem.remedy)
    vocabulary = tokenizer.get_vocab()
    if config.eos_token is not None:
        if config.eos_token not in vocabulary:
            raise user_error(
                f"eos_token: {config.eos_token!r} is no token of this tokenizer",
                remedy="its special tokens: " + ", ".join(map(repr, tokenizer.all_special_tokens)),
            )
        tokenizer.eos_token = config.eos_token
    if tokenizer.eos_token_id is None:
        raise user_error(
            f"the tokenizer of {config.base_model!r} has no EOS token",
            "without one no answer has an end, and the model never stops",
            "name the token that ends an answer with eos_token:",
        )
    # No row of the embeddings is taken for a pad: adapters leave the vocabulary as it is.
    choose_pad(tokenizer, rows=None)
    return {
        "eos_token": tokenizer.eos_token,
        "pad_token": tokenizer.pad_token,
        "pad_is_eos": tokenizer.pad_token_id == tokenizer.eos_token_id,
    }
