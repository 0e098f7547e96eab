"""How much of the data is trained on; zero, or answers without an end, are refused with a cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem, UserError, Where, user_error
from workbench.finetune.config import DatasetConfig, FinetuneConfig
from workbench.finetune.data import LISTED, label_problem, local_samples
from workbench.finetune.encode import IGNORED, Encoded, EncodedPreference, Encoder
from workbench.finetune.read import is_local
from workbench.finetune.samples import Chat, Preference, RowError, Sample
from workbench.finetune.template import no_template_problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def all_samples(
    config: FinetuneConfig, seed: int = 0
) -> tuple[list[tuple[Where, Sample]], dict[str, Any]]:
    """The rows of every data set of ``config``, in order; all problems of all files at once.

    Beside them what the record says where a data set's ``labels`` are not those given:
    ``changed_labels``, the rows that got another answer. ``seed`` is for how they are drawn.
    """
    samples: list[tuple[Where, Sample]] = []
    problems: list[Problem] = []
    record: dict[str, Any] = {}
    for dataset in config.datasets:
        try:
            if is_local(dataset.path):
                rows = local_samples(dataset)
            else:
                from workbench.finetune.hub import hub_samples

                rows = hub_samples(dataset)
            if dataset.labels != "given":
                rows, changed = _relabelled(dataset, rows, seed)
                record["changed_labels"] = record.get("changed_labels", 0) + changed
            samples += rows
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(problems)
    return samples, record


def _relabelled(
    dataset: DatasetConfig, rows: list[tuple[Where, Sample]], seed: int
) -> tuple[list[tuple[Where, Sample]], int]:
    from workbench.finetune.labels import change_labels

    assert dataset.labels != "given"
    try:
        changed, count = change_labels([sample for _, sample in rows], dataset.labels, seed)
    except RowError as error:
        raise UserError(label_problem(dataset, str(error))) from None
    return [(place, sample) for (place, _), sample in zip(rows, changed, strict=True)], count


def encode_all(
    config: FinetuneConfig,
    tokenizer: PreTrainedTokenizerBase,
    samples: Iterable[tuple[Where, Sample]],
    stop_ids: frozenset[int],
) -> tuple[list[Encoded] | list[EncodedPreference], dict[str, Any]]:
    """Token ids of all samples, cut to ``sequence_len``, and what the record says of them.

    Sequences are cut at their end, and dropped where nothing to learn is left. The record has
    ``rows``, ``truncated_rows``, ``dropped_rows``, ``total_tokens``, ``supervised_tokens`` and
    ``total_bytes`` of text (all over one epoch), ``eos_supervised`` (sequences whose end is
    trained), ``masking`` and ``prompt_boundaries_moved``. Raises ``UserError`` for rows that cannot
    be rendered, when no token is left to learn, and when no answer's end is.
    """
    encoder = Encoder(tokenizer, stop_ids, config.train_on_inputs)
    encoded: list[Any] = []
    problems: list[Problem] = []
    bad = 0
    for place, sample in samples:
        if _is_chat(sample) and not tokenizer.chat_template:
            problem = no_template_problem(f"base {config.base_model!r}", place)
            raise UserError(problem)
        try:
            if isinstance(sample, Preference):
                encoded.append(encoder.encode_preference(sample))
            else:
                encoded.append(encoder.encode(sample))
        except RowError as error:
            bad += 1
            if bad <= LISTED:
                problems.append(Problem(str(error), where=place))
    if problems:
        if bad > LISTED:
            problems.append(Problem(f"{bad - LISTED} more rows like these are not listed"))
        raise UserError(problems)
    uncut = list(encoded)
    kept: list[Any]
    if config.rl is None:
        kept, truncated = cut(encoded, config.sequence_len)
    else:
        kept, truncated = cut_preferences(encoded, config.sequence_len)
    counts = count(kept, stop_ids)
    record = {
        "rows": len(encoded),
        "truncated_rows": truncated,
        "dropped_rows": len(encoded) - len(kept),
        **counts,
        "total_bytes": text_bytes(kept, tokenizer),
        "prompt_boundaries_moved": encoder.moved,
    }
    _refuse_nothing(config, encoder, uncut, record)
    return kept, record


def _is_chat(sample: Sample) -> bool:
    return isinstance(sample, Chat) or (
        isinstance(sample, Preference) and not isinstance(sample.prompt, str)
    )


def cut(encoded: Sequence[Encoded], length: int) -> tuple[list[Encoded], int]:
    """Sequences of at most ``length`` tokens with something to learn, and how many were cut.

    The first token of a sequence is never learnt (nothing predicts it), so it does not count.
    """
    kept, truncated = [], 0
    for row in encoded:
        if len(row.input_ids) > length:
            truncated += 1
            row = Encoded(row.input_ids[:length], row.labels[:length])
        if any(label != IGNORED for label in row.labels[1:]):
            kept.append(row)
    return kept, truncated


def cut_preferences(
    encoded: Sequence[EncodedPreference], length: int
) -> tuple[list[EncodedPreference], int]:
    """Like :func:`cut`, for pairs of answers. A pair that the cut makes equal is dropped."""
    kept, truncated = [], 0
    for row in encoded:
        room = max(0, length - len(row.prompt_ids))
        chosen, rejected = row.chosen_ids[:room], row.rejected_ids[:room]
        truncated += chosen != row.chosen_ids or rejected != row.rejected_ids
        if chosen and rejected and chosen != rejected:
            kept.append(EncodedPreference(row.prompt_ids, chosen, rejected))
    return kept, truncated


def count(
    encoded: Sequence[Encoded] | Sequence[EncodedPreference], stop_ids: frozenset[int]
) -> dict[str, int]:
    """Tokens in all, tokens with a loss, and sequences whose end token has one.

    A preference pair counts as two sequences.
    """
    total = supervised = ended = 0
    for row in encoded:
        if isinstance(row, Encoded):
            learnt = [label for label in row.labels[1:] if label != IGNORED]
            total += len(row.input_ids)
            supervised += len(learnt)
            ended += not stop_ids.isdisjoint(learnt)
        else:
            for answer in (row.chosen_ids, row.rejected_ids):
                total += len(row.prompt_ids) + len(answer)
                supervised += len(answer)
                ended += not stop_ids.isdisjoint(answer)
    return {"total_tokens": total, "supervised_tokens": supervised, "eos_supervised": ended}


def text_bytes(
    encoded: Sequence[Encoded] | Sequence[EncodedPreference], tokenizer: PreTrainedTokenizerBase
) -> int:
    """Bytes of the text that the sequences stand for, special tokens left out.

    Tokenizers cut text differently: equal tokens are not equal text.
    """
    ids = [
        sequence
        for row in encoded
        for sequence in (
            (row.input_ids,)
            if isinstance(row, Encoded)
            else (row.prompt_ids + row.chosen_ids, row.prompt_ids + row.rejected_ids)
        )
    ]
    texts = tokenizer.batch_decode(
        ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


def _refuse_nothing(
    config: FinetuneConfig, encoder: Encoder, uncut: Sequence[Any], record: dict[str, Any]
) -> None:
    """Raise when no token, or no end of an answer, is trained."""
    tokenizer = encoder.tokenizer
    marks = "the chat template's {% generation %} marks" if encoder.marked else ""
    if not record["supervised_tokens"]:
        before = count(uncut, encoder.stop_ids)["supervised_tokens"]
        if before:
            raise user_error(
                f"no token to learn is left of {record['rows']} rows",
                f"every prompt is as long as sequence_len: {config.sequence_len} or longer, so "
                "all answers were cut off",
                "raise sequence_len, or shorten the prompts",
            )
        raise user_error(
            f"no token of {record['rows']} rows is learnt",
            f"{marks} leave every assistant message out" if marks else "no answer has a token",
            "mend chat_template:, or train on everything with train_on_inputs: true",
        )
    only_text = all(dataset.type == "text" for dataset in config.datasets)
    if record["eos_supervised"] or (only_text and record["truncated_rows"]):
        return
    if record["truncated_rows"] == record["rows"]:
        raise user_error(
            "the end of no answer is learnt, so the model would never stop",
            f"all {record['rows']} rows are longer than sequence_len: {config.sequence_len}",
            "raise sequence_len",
        )
    last = next((i for row in uncut for i in reversed(_learnt(row)) if i != IGNORED), None)
    seen = tokenizer.convert_ids_to_tokens(last) if last is not None else ""
    remedy = (
        "move {% endgeneration %} behind the token that ends the turn"
        if marks
        else f"set eos_token: {seen!r} if that token ends a turn, or mend chat_template:"
    )
    raise user_error(
        "the end of no answer is learnt, so the model would never stop",
        f"the tokenizer's EOS {tokenizer.eos_token!r} is not among the labels; answers end in "
        f"{seen!r}" + (f", as {marks} have it" if marks else ""),
        remedy,
    )


def _learnt(row: Encoded | EncodedPreference) -> list[int]:
    return row.labels if isinstance(row, Encoded) else row.chosen_ids
