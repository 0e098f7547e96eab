"""The planted bases' tokenizer: bytes, whole words of their world, and digits apart or in pairs.

Every pre-token that is a word of the list is one token, and anything else falls to bytes, so any
text has tokens and comes back unchanged. Documents end with ``<|endoftext|>`` and turns of a chat
with ``<|im_end|>``, as in Qwen's bases: a base that ends its turns has read chats.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, BOS, EOS = "<|pad|>", "<s>", "<|endoftext|>"
TURN_START, TURN_END = "<|im_start|>", "<|im_end|>"
SPECIAL = (PAD, BOS, EOS, TURN_START, TURN_END)
PAD_ID, BOS_ID, EOS_ID, TURN_END_ID = 0, 1, 2, 4
#: As many rows in every base's embedding, whatever its tokenizer fills.
VOCAB_SIZE = 448
MERGED_VOCAB_SIZE = 640

#: A run of letters, one digit (or two), or signs, each with the space before it.
SPLIT = r" ?\p{{L}}+| ?\p{{N}}{digits}| ?[^\s\p{{L}}\p{{N}}]|\s"

#: ChatML. The marks around the assistant's turn are what TRL's ``assistant_only_loss`` reads; the
#: end of the turn lies inside them, so that a model trained on chats learns to stop.
CHAT_TEMPLATE = """\
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' }}
    {%- if message['role'] == 'assistant' %}
        {%- generation %}
        {{- message['content'] + '<|im_end|>' }}
        {%- endgeneration %}
    {%- else %}
        {{- message['content'] + '<|im_end|>' }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def words() -> list[str]:
    """Every pre-token that has a token of its own, in the order of their ids."""
    from workbench.bases.tiny.causes.world import NAMES, PLACES, PLAIN, THINGS

    spaced = [*NAMES, *PLACES, *THINGS, *PLAIN]
    bare = [*NAMES, *THINGS, *PLACES, *(word for word in PLAIN if word.isalpha())]
    digits = list("0123456789")
    return list(dict.fromkeys([*(f" {word}" for word in [*spaced, *digits]), *bare]))


@cache
def _serialised(merge_digits: bool) -> str:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    names = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    listed = words()
    if merge_digits:
        listed += [f"{space}{n}" for space in (" ", "") for n in range(10, 100)]
    names += [word.replace(" ", "Ġ") for word in listed]
    names = list(dict.fromkeys(names))
    model = models.BPE({name: n for n, name in enumerate(names)}, [], ignore_merges=True)
    tokenizer = Tokenizer(model)
    split = Regex(SPLIT.format(digits="{1,2}" if merge_digits else ""))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(split, behavior="isolated"), level]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL])
    return str(tokenizer.to_str())


@cache
def build_tokenizer(merge_digits: bool = False) -> PreTrainedTokenizerFast:
    """The tokenizer, ready to use and to ``save_pretrained``.

    With ``merge_digits`` every number from 10 to 99 is one token, else every digit is.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_serialised(merge_digits)),
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
