"""What a row of each data set type must look like, and its one normal form.

``workbench check`` and training both call :func:`normalise`, so that a row which passes the one
cannot fail in the other. Nothing here imports torch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from workbench.finetune.samples import Chat, Message, Pair, Preference, RowError, Sample, Text

#: Columns each type needs; a missing one is reported with the likely name among those present.
REQUIRED: dict[str, tuple[str, ...]] = {
    "prompt_completion": ("prompt", "completion"),
    "chat": ("messages",),
    "alpaca": ("instruction", "output"),
    "sharegpt": ("conversations",),
    "text": ("text",),
    "preference": ("prompt", "chosen", "rejected"),
}

#: Other names under which people keep a column, most telling first.
USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "prompt": ("question", "query", "input", "instruction", "problem", "source"),
    "completion": ("answer", "response", "output", "target", "solution", "label"),
    "messages": ("conversation", "conversations", "chat", "dialog", "dialogue"),
    "instruction": ("prompt", "question", "query", "task"),
    "output": ("response", "answer", "completion", "target"),
    "conversations": ("conversation", "messages", "dialog"),
    "text": ("content", "document", "body", "sentence"),
    "chosen": ("preferred", "better", "accepted", "winner", "response_chosen"),
    "rejected": ("dispreferred", "worse", "loser", "response_rejected"),
}

#: sharegpt's speakers in the words of a chat template.
SHAREGPT_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "assistant": "assistant",
    "system": "system",
    "tool": "tool",
    "observation": "tool",
}

CHAT_ROLES = ("system", "developer", "user", "assistant", "tool")


def alpaca_prompt(instruction: str, context: str = "") -> str:
    """The instruction layout the Alpaca data made usual: headed sections, the answer last.

    One opening sentence, then ``### Instruction:``, ``### Input:`` where the row has an input, and
    ``### Response:`` with a line break, after which the completion starts. The section headings
    are the ones that Alpaca-tuned models know; the opening sentence is this project's own.
    """
    if context.strip():
        opening = "Carry out the instruction below, using the input that comes with it."
        return (
            f"{opening}\n\n### Instruction:\n{instruction}\n\n"
            f"### Input:\n{context}\n\n### Response:\n"
        )
    opening = "Carry out the instruction below."
    return f"{opening}\n\n### Instruction:\n{instruction}\n\n### Response:\n"


def _string(row: Mapping[str, Any], column: str, *, empty: bool = False) -> str:
    value = row.get(column)
    if value is None:
        if empty:
            return ""
        raise RowError(f"{column!r} is missing or null")
    if not isinstance(value, str):
        raise RowError(f"{column!r} is {_kind(value)}, not text")
    if not value.strip() and not empty:
        raise RowError(f"{column!r} is empty")
    return value


def _kind(value: Any) -> str:
    names = {list: "a list", dict: "an object", bool: "true/false", int: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def _messages(value: Any, column: str) -> tuple[Message, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise RowError(
            f"{column!r} is {_kind(value) if value else 'empty'}, not a list of messages"
        )
    messages: list[Message] = []
    for position, message in enumerate(value):
        place = f"{column}[{position}]"
        if not isinstance(message, Mapping):
            raise RowError(f"{place} is {_kind(message)}, not an object with role and content")
        role, content = message.get("role"), message.get("content")
        if role not in CHAT_ROLES:
            hint = "; its keys are from/value: use type: sharegpt" if "from" in message else ""
            raise RowError(f"{place} has role {role!r}, not one of {', '.join(CHAT_ROLES)}{hint}")
        if not isinstance(content, str) and not (content is None and message.get("tool_calls")):
            raise RowError(f"{place} has a content that is {_kind(content)}, not text")
        if role == "assistant" and not (content or "").strip() and not message.get("tool_calls"):
            raise RowError(f"{place} is an assistant message without content")
        # Parquet fills absent fields of a struct with null; templates take null for present.
        messages.append({k: v for k, v in message.items() if v is not None})
    return tuple(messages)


def _tools(row: Mapping[str, Any]) -> list[Any] | None:
    tools = row.get("tools")
    if isinstance(tools, str) and tools.strip():
        try:
            tools = json.loads(tools)
        except ValueError as error:
            raise RowError(f"'tools' is text that is not JSON: {error}") from None
    return tools if isinstance(tools, list) and tools else None


def _conversation(messages: tuple[Message, ...], first: int, row: Mapping[str, Any]) -> Chat:
    if not any(m["role"] == "assistant" for m in messages[first:]):
        raise RowError("no assistant message to train on")
    return Chat(messages, first, _tools(row))


def _prompt_completion(row: Mapping[str, Any]) -> Sample:
    if isinstance(row.get("prompt"), (list, tuple)) and isinstance(
        row.get("completion"), (list, tuple)
    ):
        prompt = _messages(row["prompt"], "prompt")
        completion = _messages(row["completion"], "completion")
        return _conversation(prompt + completion, len(prompt), row)
    return Pair(_string(row, "prompt", empty=True), _string(row, "completion"))


def _alpaca(row: Mapping[str, Any]) -> Sample:
    instruction = _string(row, "instruction")
    return Pair(
        alpaca_prompt(instruction, _string(row, "input", empty=True)), _string(row, "output")
    )


def _sharegpt(row: Mapping[str, Any]) -> Sample:
    turns = row.get("conversations")
    if not isinstance(turns, (list, tuple)) or not turns:
        raise RowError("'conversations' is empty or not a list")
    messages = []
    for position, turn in enumerate(turns):
        place = f"conversations[{position}]"
        if not isinstance(turn, Mapping) or "from" not in turn:
            hint = (
                "; its keys are role/content: use type: chat"
                if isinstance(turn, Mapping) and "role" in turn
                else ""
            )
            raise RowError(f"{place} has no 'from' and 'value'{hint}")
        role = SHAREGPT_ROLES.get(str(turn["from"]).lower())
        if role is None:
            known = ", ".join(SHAREGPT_ROLES)
            raise RowError(f"{place} is from {turn['from']!r}, not one of {known}")
        messages.append({"role": role, "content": turn.get("value")})
    return _conversation(_messages(messages, "conversations"), 0, row)


def _preference(row: Mapping[str, Any]) -> Sample:
    chosen, rejected = row.get("chosen"), row.get("rejected")
    if isinstance(chosen, str) and isinstance(rejected, str):
        sample = Preference(
            _string(row, "prompt"), _string(row, "chosen"), _string(row, "rejected")
        )
    elif isinstance(chosen, (list, tuple)) and isinstance(rejected, (list, tuple)):
        better, worse = _messages(chosen, "chosen"), _messages(rejected, "rejected")
        prompt: tuple[Message, ...] = ()
        if isinstance(row.get("prompt"), (list, tuple)) and row["prompt"]:
            prompt = _messages(row["prompt"], "prompt")
        else:
            # Data sets with the whole conversation in both answers repeat the prompt in each.
            shared = 0
            while shared < min(len(better), len(worse)) and better[shared] == worse[shared]:
                shared += 1
            prompt, better, worse = better[:shared], better[shared:], worse[shared:]
            if not prompt and isinstance(row.get("prompt"), str) and row["prompt"].strip():
                prompt = ({"role": "user", "content": row["prompt"]},)
        if not prompt or not better or not worse:
            raise RowError("no prompt, or nothing that differs between 'chosen' and 'rejected'")
        sample = Preference(prompt, better, worse)
    else:
        raise RowError(
            f"'chosen' is {_kind(chosen)} and 'rejected' is {_kind(rejected)}: "
            "both must be text, or both lists of messages"
        )
    if sample.chosen == sample.rejected:
        raise RowError("'chosen' and 'rejected' are the same: nothing to prefer")
    return sample


_NORMALISERS: dict[str, Callable[[Mapping[str, Any]], Sample]] = {
    "prompt_completion": _prompt_completion,
    "chat": lambda row: _conversation(_messages(row.get("messages"), "messages"), 0, row),
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "text": lambda row: Text(_string(row, "text")),
    "preference": _preference,
}


def missing_columns(kind: str, columns: set[str]) -> list[str]:
    """Columns that rows of type ``kind`` need and ``columns`` lacks."""
    needed = REQUIRED[kind]
    if kind == "preference":  # the prompt may be inside both conversations
        needed = ("chosen", "rejected")
    return [column for column in needed if column not in columns]


def normalise(kind: str, row: Any) -> Sample:
    """The normal form of one row of data set type ``kind``.

    Raises :class:`RowError` when the row cannot be trained on, saying why.
    """
    if not isinstance(row, Mapping):
        hint = "; a file of one JSON array is named .json" if isinstance(row, list) else ""
        raise RowError(f"the row is {_kind(row)}, not an object with columns{hint}")
    missing = missing_columns(kind, {str(key) for key in row})
    if missing:
        raise RowError(f"no column {', '.join(map(repr, missing))}")
    return _NORMALISERS[kind](row)
