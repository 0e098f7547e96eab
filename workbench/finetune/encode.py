"""From rows to token ids and labels: what the model sees, and which of it is trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.errors import StepFailed, step_failed
from workbench.finetune.samples import Chat, Pair, Preference, RowError, Text
from workbench.finetune.spans import (
    assistant_spans,
    has_marks,
    render,
    shared_length,
    template_errors,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: The label torch's cross entropy leaves out.
IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """One sequence. ``labels`` are the ids, with :data:`IGNORED` where nothing is learnt."""

    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class EncodedPreference:
    """A prompt and two answers to it."""

    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]


@dataclass
class Encoder:
    """Encodes samples with one tokenizer.

    ``stop_ids`` are the ids that end an answer: the tokenizer's EOS and whatever else the model's
    generation settings stop at. ``moved`` counts prompts whose last token merged with the answer's
    first, where the answer is trained from the merged token on.
    """

    tokenizer: PreTrainedTokenizerBase
    stop_ids: frozenset[int]
    train_on_inputs: bool = False
    moved: int = 0
    _compared: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self.eos_id = int(self.tokenizer.eos_token_id)
        self.stops = tuple(self.tokenizer.convert_ids_to_tokens(sorted(self.stop_ids)))
        self.marked = has_marks(self.tokenizer.chat_template)

    def encode(self, sample: Text | Pair | Chat) -> Encoded:
        """One supervised sequence; raises :class:`RowError` when it cannot be made."""
        if isinstance(sample, Text):
            ids = self._ended(self._ids(sample.text))
            return Encoded(ids, list(ids))
        if isinstance(sample, Pair):
            prompt, ids = self._ids(sample.prompt), self._ids(sample.prompt + sample.completion)
            ids = self._ended(ids)
            learnt = [False] * self._shared(prompt, ids)
            learnt += [True] * (len(ids) - len(learnt))
        else:
            ids, learnt = self._chat(sample)
        if self.train_on_inputs:
            return Encoded(ids, list(ids))
        labels = [token if learn else IGNORED for token, learn in zip(ids, learnt, strict=True)]
        return Encoded(ids, labels)

    def encode_preference(self, sample: Preference) -> EncodedPreference:
        """A prompt and its two answers as ids; the prompt is what both have in common."""
        if isinstance(sample.prompt, str):
            prompt = self._ids(sample.prompt)
            answers = [
                self._ended(self._ids(f"{sample.prompt}{answer}"))
                for answer in (sample.chosen, sample.rejected)
            ]
        else:
            prompt = self._rendered_ids(render(self.tokenizer, sample.prompt, prompt=True))[0]
            answers = []
            for answer in (sample.chosen, sample.rejected):
                chat = Chat((*sample.prompt, *answer), len(sample.prompt))  # type: ignore[misc]
                ids, learnt = self._chat(chat, marks=False)
                last = max((n for n, learn in enumerate(learnt) if learn), default=-1)
                answers.append(ids[: last + 1])
        shared = min(self._shared(prompt, ids) for ids in answers)
        return EncodedPreference(prompt[:shared], answers[0][shared:], answers[1][shared:])

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, return_attention_mask=False)["input_ids"]
        return ids

    def _ended(self, ids: list[int]) -> list[int]:
        return ids if ids and ids[-1] == self.eos_id else [*ids, self.eos_id]

    def _shared(self, prompt: list[int], ids: list[int]) -> int:
        """Where the answer starts: the length of the prefix that both have in common."""
        shared = shared_length(prompt, ids)
        # A tokenizer that ends every text with EOS ends the bare prompt with it too.
        self.moved += shared < len(prompt) and prompt[shared:] != [self.eos_id]
        return shared

    def _rendered_ids(self, text: str) -> tuple[list[int], list[tuple[int, int]] | None]:
        """Ids of a rendered conversation, which carries its own special tokens, and offsets."""
        fast = bool(self.tokenizer.is_fast)
        out = self.tokenizer(
            text,
            add_special_tokens=False,
            return_attention_mask=False,
            return_offsets_mapping=fast,
        )
        return list(out["input_ids"]), list(out["offset_mapping"]) if fast else None

    def _chat(self, chat: Chat, marks: bool = True) -> tuple[list[int], list[bool]]:
        if self.train_on_inputs or (marks and self.marked and not chat.first):
            with template_errors():
                out = self.tokenizer.apply_chat_template(
                    list(chat.messages),
                    tools=chat.tools,
                    tokenize=True,
                    return_dict=True,
                    return_assistant_tokens_mask=self.marked,
                )
            ids = list(out["input_ids"])
            return ids, [bool(bit) for bit in out.get("assistant_masks", [1] * len(ids))]
        text = render(self.tokenizer, chat.messages, tools=chat.tools)
        ids, offsets = self._rendered_ids(text)
        self._compare(chat, ids)
        learnt = [False] * len(ids)
        for start, end in assistant_spans(self.tokenizer, chat, text, self.stops):
            if offsets is not None:
                for number, (left, right) in enumerate(offsets):
                    learnt[number] |= right > start and left < end
            else:  # a tokenizer in Python has no offsets; its prefixes have lengths
                first = len(self._rendered_ids(text[:start])[0])
                last = len(self._rendered_ids(text[:end])[0])
                learnt[first:last] = [True] * (last - first)
        return ids, learnt

    def _compare(self, chat: Chat, ids: list[int]) -> None:
        """The first conversations must be what the tokenizer itself would serve."""
        if self._compared >= 8:
            return
        self._compared += 1
        served = self.tokenizer.apply_chat_template(
            list(chat.messages), tools=chat.tools, tokenize=True, return_dict=True
        )["input_ids"]
        if list(served) != ids:
            raise _template_differs()


def _template_differs() -> StepFailed:
    return step_failed(
        "the tokens to train on are not those the tokenizer's own chat template gives",
        "this tokenizer treats rendered conversations in a way of its own; a model trained on "
        "other tokens than it is served would be wrong without a word",
        "use type: prompt_completion with prompts rendered beforehand",
    )


__all__ = ["IGNORED", "Encoded", "EncodedPreference", "Encoder", "RowError"]
