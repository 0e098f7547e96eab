"""Tokenizer: how many bytes a token holds, and whether numbers come digit by digit.

Both are covariates: bytes per token set how much text a budget of tokens is, and merged digits take
place value from arithmetic (Singh and Strouse 2024, arXiv 2402.14903).
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.evaluate.intervals import t_quantile, wilson
from workbench.study.hypothesis import Finding, Hypothesis, Need
from workbench.study.probing.texts import frame, originals, whole
from workbench.study.subject import Subject

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: Numbers of these many digits; longer ones are single tokens in hardly any vocabulary.
LENGTHS = (2, 3, 4)
#: Numbers of each length where items hold too few.
SAMPLE = 200
FEWEST = 30
#: A share of numbers in one token from which on digits count as merged.
SIZE = 0.05
_NUMBER = re.compile(r"(?<![\d.,])\d{2,4}(?![\d.,]*\d)")


class Tokenizer(Hypothesis):
    """The share of numbers of two to four digits that are one token."""

    name: ClassVar[str] = "tokenizer"
    title: ClassVar[str] = "Tokenizer"
    question: ClassVar[str] = "Does the tokenizer merge digits into one token?"
    statistic: ClassVar[str] = "share of numbers of 2 to 4 digits that are one token"
    unit: ClassVar[str] = "share of numbers"
    procedure: ClassVar[str] = (
        "The distinct numbers of two to four digits in the items' texts, or numbers of those "
        "lengths where the items hold fewer than 30, are encoded behind a space; the share with "
        "all digits in one token has Wilson's interval. Beside it: bytes per token over the "
        "items' texts, tokens per number, and the shares by number of digits. Needs no model."
    )
    rule: ClassVar[str] = (
        f"Fires where the whole interval lies above {SIZE:.0%}; does not where the share is below "
        "it; cannot tell between."
    )
    cost: ClassVar[str] = "under a second; no model"
    paper: ClassVar[str] = "arXiv 2402.14903 (digits); bytes per token: any work on matched budgets"
    control: ClassVar[tuple[str, ...]] = ("digit_merging",)
    sign: ClassVar[int] = -1
    margin: ClassVar[float] = 0.05
    needs: ClassVar[tuple[Need, ...]] = ()
    options: ClassVar[Mapping[str, Any]] = {"items": 500}

    def measure(self, subject: Subject) -> Finding:
        given = {**self.options, **subject.options}
        tokenizer, template = subject.tokenizer, frame(subject)
        items = [*originals(subject.fresh), *originals(subject.suspect)][: given["items"]]
        texts = [whole(item, template) for item in items] or _of_tasks(subject, given["items"])
        found = sorted({number for text in texts for number in _NUMBER.findall(text)})
        source = "the items' texts" if len(found) >= FEWEST else "a sample"
        if source == "a sample":
            found = [number for numbers in sample(subject.seed).values() for number in numbers]
        pieces = np.array([digit_tokens(tokenizer, number) for number in found])
        one = int((pieces == 1).sum())
        share = one / len(found)
        parts: dict[str, Any] = {
            "source": source,
            "numbers": len(found),
            "tokens_per_number": float(pieces.mean()),
            "one_token_by_digits": {
                str(length): float(np.mean([digit_tokens(tokenizer, n) == 1 for n in numbers]))
                for length, numbers in sample(subject.seed).items()
            },
            "bytes_per_token": bytes_per_token(tokenizer, texts),
            "vocabulary": len(tokenizer),
        }
        packed = parts["bytes_per_token"]
        words = f"{share:.0%} of {len(found)} numbers from {source} are one token"
        if packed:
            words += f"; {packed['value']:.2f} bytes a token"
        return Finding(share, wilson(one, len(found)), len(found), words, parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        if finding.value is None or finding.ci95 is None:
            return None
        if finding.ci95[0] > SIZE:
            return True
        return False if finding.value < SIZE else None


def sample(seed: int) -> dict[int, list[str]]:
    """Numbers by their number of digits, drawn with the seed, each at most once."""
    draw = random.Random(f"numbers {seed}")
    return {
        length: [
            str(n)
            for n in sorted(
                draw.sample(
                    range(10 ** (length - 1), 10**length), min(SAMPLE, 9 * 10 ** (length - 1))
                )
            )
        ]
        for length in LENGTHS
    }


def digit_tokens(tokenizer: PreTrainedTokenizerBase, number: str) -> int:
    """How many tokens the digits of a number in running text fall into."""
    ids = tokenizer(f" {number}", add_special_tokens=False)["input_ids"]
    return sum(any(sign.isdigit() for sign in tokenizer.decode([one])) for one in ids)


def bytes_per_token(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> dict[str, Any] | None:
    """UTF-8 bytes over tokens, all texts together, with the interval of a ratio over texts.

    Cochran (1977), Sampling Techniques, 6.4: residuals about the ratio. ``None`` without texts.
    """
    if not texts:
        return None
    sizes = np.array([len(text.encode()) for text in texts], dtype=float)
    counts = np.array(
        [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts], dtype=float
    )
    ratio, n = float(sizes.sum() / counts.sum()), len(texts)
    if n < 2:
        return {"value": ratio, "ci95": None, "n": n}
    error = float((sizes - ratio * counts).std(ddof=1) / counts.mean() / n**0.5)
    half = t_quantile(n - 1) * error
    return {"value": ratio, "ci95": [ratio - half, ratio + half], "n": n}


def _of_tasks(subject: Subject, most: int) -> list[str]:
    """The questions of the scored tasks, where a study has no items."""
    if subject.before is None:
        return []
    return [str(question) for question in subject.before["question"][:most]]
