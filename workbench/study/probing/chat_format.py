"""What a chat puts around a question and its answer, and the same layout with other marks."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.study.probing.instructions import COMMON
from workbench.study.questions.likelihood import encode

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_QUESTION, _ANSWER = "QUESTIONSTANDSHERE", "ANSWERSTANDSHERE"


@dataclass(frozen=True)
class Format:
    """The text before a question, between it and the answer, and after that."""

    before: str
    between: str
    end: str

    def ids(
        self, tokenizer: PreTrainedTokenizerBase, question: str, answer: str
    ) -> tuple[list[int], list[int]]:
        """Token ids of the whole, and the places of question and answer among them.

        Marks and contents are encoded apart, so that contents have the same tokens in any format.
        """

        def pieces(text: str) -> list[int]:
            found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
            return found

        ids, places = encode(tokenizer, self.before), list[int]()
        for content, mark in ((question, self.between), (answer, self.end)):
            inside = pieces(content)
            places += range(len(ids), len(ids) + len(inside))
            ids = ids + inside + pieces(mark)
        return ids, places

    def prompt(self, question: str) -> str:
        """The text after which the answer follows."""
        return f"{self.before}{question}{self.between}"


CHATML = Format("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>\n")


def own_format(tokenizer: PreTrainedTokenizerBase) -> tuple[Format, str]:
    """The format of the tokenizer's chat template and what to call it; ChatML where it has none.

    ChatML is then plain text, unless the vocabulary has its marks. A template that cannot be taken
    apart (it changes contents, or refuses a turn of each) counts as none.
    """
    if tokenizer.chat_template:
        turns = [
            {"role": "user", "content": _QUESTION},
            {"role": "assistant", "content": _ANSWER},
        ]
        try:
            text = str(tokenizer.apply_chat_template(turns, tokenize=False))
        except Exception:  # a template is a program of its own, which may raise anything
            text = ""
        if text.count(_QUESTION) == text.count(_ANSWER) == 1:
            before, rest = text.split(_QUESTION)
            between, _, end = rest.partition(_ANSWER)
            if between and end:
                return Format(before, between, end), "the tokenizer's chat template"
    return CHATML, "ChatML"


def random_format(format_: Format, seed: int) -> Format:
    """The same layout with every word of the marks exchanged for a common one, alike throughout.

    Signs and line breaks stay; no mark is a special token any more.
    """
    draw = random.Random(f"format {seed}")
    found = re.findall(r"[^\W\d_]+", "".join((format_.before, format_.between, format_.end)))
    words = list(dict.fromkeys(found))
    # A long system prompt has more words than there are common ones; those may then come twice.
    others = draw.sample(COMMON * (len(words) // len(COMMON) + 1), len(words))
    table = dict(zip(words, others, strict=True))

    def exchanged(mark: str) -> str:
        return re.sub(r"[^\W\d_]+", lambda word: table[word.group()], mark)

    return Format(*map(exchanged, (format_.before, format_.between, format_.end)))
