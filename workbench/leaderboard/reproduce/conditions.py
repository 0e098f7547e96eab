"""The entry's conditions beside ours, one row a condition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.leaderboard.reproduce.claim import Claim
from workbench.leaderboard.reproduce.setting import setting_of
from workbench.leaderboard.schemes import scheme_of

if TYPE_CHECKING:
    from workbench.evaluate.result import Evaluation

UNKNOWN = "not stated"
ALL = "all items"
#: Precisions that leaderboards list and that are 16 bits or more.
_WHOLE = {"bfloat16", "float16", "float32"}


def conditions(
    claim: Claim, evaluation: Evaluation, weights: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """``[{what, ours, theirs, differs}]``; ``differs`` is ``None`` where theirs is not known.

    ``weights`` says what was scored: ``words`` for a reader, and ``revision``, the hub's commit or
    the output's key.
    """
    ours = evaluation.conditions
    precision = ours.get("precision", {})
    setting = setting_of(claim.scheme)
    theirs = claim.entry
    return [
        _weights(claim, weights),
        _row("chat template", _template(ours.get("chat_template")), _said(theirs.chat_template)),
        _row("precision", precision.get("dtype"), theirs.precision),
        _row("quantisation", precision.get("quantisation"), _quantisation(theirs.precision)),
        *_examples(claim, ours),
        _row("items", _items(evaluation), ALL),
        _row(
            "library",
            f"lm-eval {ours.get('versions', {}).get('lm-eval', UNKNOWN)}",
            setting.library if setting else None,
        ),
        _row("batch size", ours.get("batch_size"), setting.batch_size if setting else None),
        _row("device", ours.get("device"), None),
    ]


def _row(what: str, ours: object, theirs: object) -> dict[str, Any]:
    known = ours is not None and theirs is not None
    return {
        "what": what,
        "ours": UNKNOWN if ours is None else str(ours),
        "theirs": UNKNOWN if theirs is None else str(theirs),
        "differs": str(ours) != str(theirs) if known else None,
    }


def _weights(claim: Claim, weights: Mapping[str, Any]) -> dict[str, Any]:
    """What was scored against what was published: the same only where the revision is."""
    theirs = claim.entry.entry
    if claim.entry.revision:
        theirs += f" at {claim.entry.revision[:12]}"
    revisions = (weights.get("revision"), claim.entry.revision)
    # A commit of the hub is held against a commit, a key of this workbench against a key. What a
    # recipe made anew has no commit: whether it is the same is what the scores are to say.
    known = None not in revisions and len({len(str(each)) for each in revisions}) == 1
    return {
        "what": "weights",
        "ours": str(weights["words"]),
        "theirs": theirs,
        "differs": revisions[0] != revisions[1] if known else None,
    }


def _template(text: object) -> str | None:
    if text is None:
        return None
    return "not applied" if text == "not applied" else "applied"


def _said(applied: bool | None) -> str | None:
    return None if applied is None else "applied" if applied else "not applied"


def _quantisation(precision: str | None) -> str | None:
    if precision is None:
        return None
    return "none" if precision in _WHOLE else precision


def _examples(claim: Claim, ours: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Examples shown in a prompt: one row where all benchmarks are as published, else one each."""
    shown = {task: facts.get("num_fewshot") for task, facts in ours.get("tasks", {}).items()}
    setting = setting_of(claim.scheme)
    if claim.scheme is None or setting is None:
        yield _row("examples shown", _several(shown.values()), None)
        return
    rows = []
    for benchmark in scheme_of(claim.scheme).benchmarks:
        tasks = {task.key.partition("/")[0] for task in benchmark.tasks()} & set(shown)
        if tasks:
            number = _several(shown[task] for task in tasks)
            rows.append((benchmark, _row("", number, setting.few_shot[benchmark.name])))
    unlike = [(b, row) for b, row in rows if row["differs"]]
    for benchmark, row in unlike:
        yield row | {"what": f"examples shown, {benchmark.title}"}
    if not unlike and rows:
        words = ", ".join(f"{benchmark.title} {row['ours']}" for benchmark, row in rows)
        yield _row("examples shown", words, words)


def _several(numbers: Iterable[object]) -> str:
    return " or ".join(sorted({str(number) for number in numbers}))


def _items(evaluation: Evaluation) -> str:
    n = of = 0
    for task, score in evaluation.scores.items():
        if "/" not in task:
            n += score.n
            of += score.of or score.n
    return ALL if n >= of else f"{n:,} of {of:,}"
