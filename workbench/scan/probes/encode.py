"""From words to token ids, the same for every probe.

Seams are cut as lm-eval's ``HFLM`` cuts them, so that a score computed here is the score that the
harness would give. Whether a prompt goes through the chat template is decided once, for all probes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.bases.stops import stop_ids
from workbench.errors import user_error

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedTokenizerBase

Ids = tuple[int, ...]


class Encoder:
    """A tokenizer, and how prompts are put to the model.

    ``chat`` asks for the chat template; a tokenizer without one is asked plainly, and
    :attr:`chat` then says so. ``generation`` may know more tokens that end an answer than the
    tokenizer does. ``window`` is the model's context length: longer questions of lm-eval tasks are
    cut on the left, as the harness does, others refused; ``None`` does neither. ``vocabulary`` is
    how many token ids the model knows.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        chat: bool,
        generation: GenerationConfig | None = None,
        window: int | None = None,
        vocabulary: int | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.chat = chat and bool(getattr(tokenizer, "chat_template", None))
        self.stop_ids = frozenset(stop_ids(tokenizer, generation))
        self.window = window
        self.vocabulary = vocabulary
        prefix = self._prefix()
        self._opening = None if prefix is None else str(tokenizer.decode(prefix))

    @property
    def template(self) -> str:
        """The chat template in use, as text; empty where there is none."""
        return str(self.tokenizer.chat_template) if self.chat else ""

    @property
    def prefix_id(self) -> int:
        """What a text without a context is conditioned on: BOS, else EOS.

        Raises:
            UserError: the tokenizer has neither.
        """
        prefix = self._prefix()
        if prefix is None:
            raise user_error(
                "the tokenizer has neither a BOS nor an EOS token",
                "the first token of a text needs something before it to be predicted from",
                "set bos_token or eos_token in the model's tokenizer_config.json",
            )
        return prefix

    def _prefix(self) -> int | None:
        given = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id)
        return next((int(token) for token in given if token is not None), None)

    @property
    def space(self) -> str:
        """What parts an answer from its prompt: nothing after a chat template, else a space."""
        return "" if self.chat else " "

    def framed(self, text: str, system: str | None = None, cue: str = "Answer:") -> str:
        """The prompt as the model sees it, up to where its answer starts.

        With a chat template: one user turn and the opening of the assistant's, without a thinking
        phase. Plainly: system, text and ``cue``, a blank line or a line each.
        """
        if self.chat:
            turns = [{"role": "user", "content": text}]
            if system:
                turns.insert(0, {"role": "system", "content": system})
            return self.chat_text(turns, enable_thinking=False)
        return (f"{system}\n\n" if system else "") + text + (f"\n{cue}" if cue else "")

    def chat_text(
        self, turns: Sequence[dict[str, str]], *, opened: bool = True, **variables: Any
    ) -> str:
        """``turns`` through the chat template.

        ``opened`` starts an assistant's turn at the end; otherwise the last turn is left open. A
        template that refuses a system turn gets its text at the head of the first user turn.
        """
        from jinja2.exceptions import TemplateError

        def render(turns: Sequence[dict[str, str]]) -> str:
            return str(
                self.tokenizer.apply_chat_template(
                    list(turns),
                    tokenize=False,
                    add_generation_prompt=opened,
                    continue_final_message=not opened,
                    **variables,
                )
            )

        try:
            return render(turns)
        except TemplateError:
            if turns[0]["role"] != "system":
                raise
            system, first, *rest = turns
            return render(
                [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *rest]
            )

    def encode(self, text: str) -> Ids:
        """Ids of ``text``, with the special tokens that the tokenizer puts around any text.

        A text that starts with the BOS token already, as many chat templates make it, gets none.
        """
        if self._opening is not None and text.startswith(self._opening):
            return tuple(self.tokenizer.encode(text, add_special_tokens=False))
        return tuple(self.tokenizer.encode(text))

    def prompt(self, text: str, system: str | None = None) -> Ids:
        """Ids of :meth:`framed`."""
        return self.encode(self.framed(text, system))

    def pair(self, context: str, continuation: str) -> tuple[Ids, Ids]:
        """Context ids and continuation ids, cut as ``HFLM`` does.

        Spaces at the context's end move to the continuation; both are encoded as one text, of
        which the continuation is what follows the context's length. An empty context is
        :attr:`prefix_id`.
        """
        if not context:
            ids = tuple(self.tokenizer.encode(continuation, add_special_tokens=False))
            if ids[:1] == (self.prefix_id,):
                return ids[:1], ids[1:]
            return (self.prefix_id,), ids
        kept = context.rstrip()
        continuation, context = context[len(kept) :] + continuation, kept
        before = self.encode(context)
        return before, self.encode(context + continuation)[len(before) :]

    def answer(self, framed: str, answer: str) -> tuple[Ids, Ids]:
        """Ids of a framed prompt and of the answer to it, :attr:`space` put between.

        Other than :meth:`pair` this leaves a line break that ends a chat template with the prompt,
        so that it is not scored as part of the answer; only where prompt and answer share a token
        is the seam cut as there.
        """
        before = self.encode(framed)
        whole = self.encode(framed + self.space + answer)
        if whole[: len(before)] == before:
            return before, whole[len(before) :]
        return self.pair(framed, self.space + answer)

    def text(self, ids: Sequence[int]) -> str:
        """The words of ``ids``, special tokens left out."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def opening_ids(self, words: Sequence[str]) -> frozenset[int]:
        """Tokens whose text begins with one of ``words``, where that word is itself one token.

        Generation that stops before such a token loses nothing when the text is cut at the word.
        """
        vocabulary = self.tokenizer.get_vocab()
        found: set[int] = set()
        for word in words:
            before = self.tokenizer.encode("a", add_special_tokens=False)
            ids = self.tokenizer.encode("a" + word, add_special_tokens=False)
            if word and len(ids) == len(before) + 1 and ids[:-1] == before:
                # A token's spelling is its text; decoded alone it might lose a space.
                spelt = self.tokenizer.convert_ids_to_tokens(ids[-1])
                found |= {i for token, i in vocabulary.items() if token.startswith(spelt)}
        return frozenset(found)
