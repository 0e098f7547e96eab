"""Which part of a rendered conversation the assistant wrote, up to the token that ends its turn.

Two ways. A template with ``{% generation %}`` marks says so itself. Any other is asked by
rendering the conversation cut off before and after each assistant message: what the longer text
adds is that message. Either way the text is the one the tokenizer's own template renders, so the
model is trained on exactly the tokens it will be served.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workbench.finetune.samples import Chat, Message, RowError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MARK = re.compile(r"{%-?\s*generation\s*-?%}")


def has_marks(template: str | None) -> bool:
    """Whether a chat template marks the assistant's part with ``{% generation %}``."""
    return bool(template and _MARK.search(template))


def shared_length(one: Sequence[Any], other: Sequence[Any]) -> int:
    """The length of the longest prefix that two texts, or two lists of ids, have in common."""
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    return shared


@contextmanager
def template_errors() -> Iterator[None]:
    """Turns a template's own complaints (roles that must alternate) into a :class:`RowError`.

    Also a sandbox's: what reaches for attributes, or counts too far (an OverflowError).
    """
    from jinja2 import TemplateError

    try:
        yield
    except (TemplateError, TypeError, ArithmeticError, LookupError) as error:
        raise RowError(f"the chat template refuses this conversation: {error}") from None


def render(
    tokenizer: PreTrainedTokenizerBase,
    messages: tuple[Message, ...],
    *,
    tools: list[Any] | None = None,
    prompt: bool = False,
) -> str:
    """``messages`` as the tokenizer's chat template writes them.

    ``prompt`` adds the opening of the assistant's next turn. Raises :class:`RowError` when the
    template refuses the conversation.
    """
    with template_errors():
        return str(
            tokenizer.apply_chat_template(
                list(messages), tools=tools, tokenize=False, add_generation_prompt=prompt
            )
        )


def assistant_spans(
    tokenizer: PreTrainedTokenizerBase, chat: Chat, text: str, stops: tuple[str, ...]
) -> list[tuple[int, int]]:
    """Character ranges of ``text`` (the rendered ``chat``) that the assistant wrote.

    ``stops`` are the token strings that end an answer; a range reaches to the last one in its
    turn, and leaves out the line break that many templates put behind it. Raises
    :class:`RowError` when the template rewrites earlier turns so that they cannot be found.
    """
    spans = []
    for position, message in enumerate(chat.messages):
        if message["role"] != "assistant" or position < chat.first:
            continue
        start = _start(tokenizer, chat, position, text)
        end = _end(tokenizer, chat, position, text, start)
        last = max(
            (
                text.rfind(stop, start, end) + len(stop)
                for stop in stops
                if text.rfind(stop, start, end) >= 0
            ),
            default=end,
        )
        spans.append((start, last))
    return spans


def _start(tokenizer: PreTrainedTokenizerBase, chat: Chat, position: int, text: str) -> int:
    before = chat.messages[:position]
    if not before:
        return 0
    opened = render(tokenizer, before, tools=chat.tools, prompt=True)
    if text.startswith(opened):
        return len(opened)
    # Reasoning templates open a turn with a thought that finished turns do not show: the turn
    # starts where the two texts part, which must lie behind the messages before it.
    closed = render(tokenizer, before, tools=chat.tools)
    parted = shared_length(opened, text)
    if parted <= len(closed) and not text.startswith(closed):
        raise RowError(
            "the chat template writes earlier messages differently once an answer follows, so "
            f"the start of message {position + 1} cannot be found"
        )
    return parted


def _end(
    tokenizer: PreTrainedTokenizerBase, chat: Chat, position: int, text: str, start: int
) -> int:
    whole = render(tokenizer, chat.messages[: position + 1], tools=chat.tools)
    if text.startswith(whole):
        return len(whole)
    # The template treats the last turn differently: look for the message's own words instead.
    content = str(chat.messages[position].get("content") or "").strip()
    found, last = text.find(content, start), whole.rfind(content)
    if not content or found < 0 or last < 0:
        raise RowError(
            "the chat template rewrites an earlier assistant message depending on later ones, so "
            f"the end of message {position + 1} cannot be found"
        )
    end = found + len(content)
    closing = whole[last + len(content) :]
    return end + shared_length(closing, text[end:])
