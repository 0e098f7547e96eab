"""Rows of the embeddings: which token each stands for, before the merge and after."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.bases.stack import text_config
from workbench.errors import step_failed, user_error
from workbench.merge.config import MergeConfig, donor, model_references, tokenizer_source
from workbench.merge.translate import OrderedMerge

#: With a larger share of rows that mean different tokens, a merge by row is refused.
MOST_CONFLICTS = 0.5

#: Vocabularies are padded to such a power of two, for the matrix kernels.
LARGEST_PAD = 128


@dataclass
class Vocabulary:
    """``rows`` the output's embeddings will have; ``built`` is mergekit's own tokenizer and
    permutations, ``None`` where every row stays where it is."""

    rows: int
    record: dict[str, Any]
    built: Any = None
    warnings: list[str] = field(default_factory=list)


def align(
    config: MergeConfig,
    settings: OrderedMerge,
    folders: Mapping[str, Path],
    configs: Mapping[str, Mapping[str, Any]],
) -> Vocabulary:
    """How the rows of the named models meet; sets ``settings.tokenizer`` so that padding stays."""
    rows = {name: int(text_config(configs[name])["vocab_size"]) for name in folders}
    if tokenizer_source(config) is None:
        return _by_row(config, folders, rows)
    return _by_token(config, settings, folders, rows)


def _by_row(
    config: MergeConfig, folders: Mapping[str, Path], rows: Mapping[str, int]
) -> Vocabulary:
    giver = donor(config)
    tokens = {name: tokens_of(folder) for name, folder in folders.items()}
    by_row = {row: token for token, row in tokens[giver].items()}
    result = Vocabulary(rows[giver], {})
    models: dict[str, Any] = {}
    for name, vocabulary in tokens.items():
        shared = [row for row in vocabulary.values() if row in by_row]
        clashes = [t for t, row in vocabulary.items() if by_row.get(row, t) != t]
        models[name] = {"rows": rows[name], "tokens": len(vocabulary), "conflicts": len(clashes)}
        if not clashes:
            continue
        if len(clashes) > MOST_CONFLICTS * len(shared):
            raise user_error(
                f"{len(clashes)} of {len(shared)} embedding rows mean other tokens in {name} "
                f"than in {giver}",
                "rows are mixed by number, so the merged words would be garbage",
                "add tokenizer: {source: union} (all tokens) or {source: base}",
            )
        result.warnings.append(
            f"{len(clashes)} embedding rows of {name} mean other tokens in {giver}: "
            + ", ".join(repr(t) for t in clashes[:5])
        )
    result.record = {
        "source": None,
        "tokenizer_from": giver,
        "tokens": len(tokens[giver]),
        "rows": rows[giver],
        "models": models,
    }
    return result


def _by_token(
    config: MergeConfig,
    settings: OrderedMerge,
    folders: Mapping[str, Path],
    rows: Mapping[str, int],
) -> Vocabulary:
    from mergekit.tokenizer.build import build_tokenizer
    from mergekit.tokenizer.config import TokenizerConfig

    asked = settings.tokenizer or TokenizerConfig(source=settings.tokenizer_source)
    references = settings.referenced_models()
    names = {reference.model.path: name for name, reference in _references(folders).items()}
    with contextlib.redirect_stderr(io.StringIO()):
        # mergekit draws a bar of its own here that no option turns off.
        built = build_tokenizer(
            base_model=settings.base_model,
            referenced_models=references,
            tokenizer_source=asked.source,
            trust_remote_code=config.options.trust_remote_code,
            add_tokens=list(asked.tokens or {}),
        )
    tokens = built.tokenizer.get_vocab()
    needed = max(tokens.values()) + 1
    if needed != len(tokens):
        raise step_failed(
            f"the merged tokenizer has {len(tokens)} tokens with ids up to {needed - 1}",
            "mergekit fills rows by count, and would overwrite those after the gap",
            "use the tokenizer of a model whose ids have no gaps",
        )
    target = _padded(needed, rows[donor(config)], max(rows.values()), asked.pad_to_multiple_of)
    models: dict[str, Any] = {}
    for reference in references:
        # A token past the end of a model's embeddings is one that it does not have.
        moves = built.permutations[reference]
        for row in tokens.values():
            moves.setdefault(row, -1)
        name = names[reference.model.path]
        models[name] = {
            "rows": rows[name],
            "same_row": sum(new == old for new, old in moves.items()),
            "moved": sum(old not in (new, -1) for new, old in moves.items()),
            "absent": sum(old == -1 for old in moves.values()),
        }
    # Padding to a multiple of the target gives the target, as no more rows than that are needed.
    settings.tokenizer = TokenizerConfig(
        source=asked.source, tokens=asked.tokens, pad_to_multiple_of=target
    )
    settings.tokenizer_source = None
    record = {
        "source": tokenizer_source(config),
        "tokens": len(tokens),
        "rows": target,
        "padding_rows": target - len(tokens),
        "models": models,
    }
    return Vocabulary(target, record, built)


def _references(folders: Mapping[str, Path]) -> dict[str, Any]:
    from workbench.merge.translate import reference

    return {name: reference(folder) for name, folder in folders.items()}


def _padded(needed: int, given: int, largest: int, asked: int | None) -> int:
    """Rows for ``needed`` tokens: as asked, else as many as before, else padded as before."""
    multiple = asked
    if multiple is None:
        for size in (given, largest):
            if needed <= size:
                return size
        multiple = min(given & -given, LARGEST_PAD)
    return -(-needed // multiple) * multiple


def tokens_of(folder: Path) -> dict[str, int]:
    """The id of each token of the tokenizer in ``folder``; empty where there is none."""
    file = folder / "tokenizer.json"
    if file.is_file():
        from tokenizers import Tokenizer

        vocabulary: dict[str, int] = Tokenizer.from_file(str(file)).get_vocab()
        return vocabulary
    if not (folder / "tokenizer_config.json").is_file():
        return {}
    from transformers import AutoTokenizer

    return dict(AutoTokenizer.from_pretrained(folder).get_vocab())


def template_from(config: MergeConfig, folders: Mapping[str, Path]) -> tuple[str, str] | None:
    """The first named model that has a chat template, and the template.

    mergekit takes it from the base alone, which has none where fine-tunes of a raw base meet.
    """
    import json

    for name in model_references(config):
        file = folders[name] / "chat_template.jinja"
        if file.is_file():
            return name, file.read_text(encoding="utf-8")
        settings = folders[name] / "tokenizer_config.json"
        if settings.is_file():
            text = json.loads(settings.read_text(encoding="utf-8")).get("chat_template")
            if isinstance(text, str) and text:
                return name, text
    return None
