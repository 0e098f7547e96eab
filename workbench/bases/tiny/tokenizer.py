"""The tokenizer of the tiny bases: byte-level BPE with single digits, and a chat template.

Bytes make it total (any text has tokens and comes back unchanged); single digits give arithmetic
a place value; the few merges keep the words of questions short. The merges are learnt here from a
fixed list of words, so the same tokenizer can be made anywhere in milliseconds.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

#: Qwen2's names, for the same reason as :data:`SPLIT`; pad, bos and eos are three tokens.
PAD, BOS, EOS = "<|endoftext|>", "<s>", "<|im_end|>"
SPECIAL = (PAD, BOS, EOS, "<|im_start|>")
PAD_ID, BOS_ID, EOS_ID = 0, 1, 2
VOCAB_SIZE = 384

#: Qwen2's own splitting: transformers loads any tokenizer beside a Qwen2 config with it, so no
#: other would come back from disk as it was.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

#: Words worth a token of their own. Each is seen with and without the space before it.
WORDS = (
    "Question Answer What is plus minus equals the sum and difference of number numbers from a "
    "makes add take to more less how much one two user assistant system You are helpful"
)

#: ChatML. The marks around the assistant's turn are what TRL's ``assistant_only_loss`` reads; the
#: end token lies inside them, so that a model trained on chats learns to stop.
CHAT_TEMPLATE = """\
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' }}
    {%- if message['role'] == 'assistant' %}
        {%- generation %}
        {{- message['content'] + eos_token }}
        {%- endgeneration %}
    {%- else %}
        {{- message['content'] + eos_token }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


@cache
def _serialised() -> str:
    from tokenizers import (
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        trainers,
    )

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    # Falling counts give every merge a rank of its own: ties would be broken by hash order.
    words = WORDS.split()
    lines = [
        line for rank, word in enumerate(words) for line in [f" {word}", word] * (len(words) - rank)
    ]
    tokenizer.train_from_iterator(lines, trainer)
    return str(tokenizer.to_str())


def build_tokenizer(model_max_length: int = 512) -> PreTrainedTokenizerFast:
    """The tokenizer, ready to use and to ``save_pretrained``. Pad, bos and eos all differ."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_serialised()),
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        model_max_length=model_max_length,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
