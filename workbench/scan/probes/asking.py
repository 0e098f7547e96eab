"""What a probe gives to a scan, checked before a model is asked: its items and its questions.

A wrong id reaches a model as an index, and one index too large ends a GPU's whole process.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from workbench.errors import Problem, user_error
from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.items import Item, Split
from workbench.scan.probes.probe import Probe
from workbench.scan.schedule.request import Generation, Reading, Reply, Text


def items_of(
    name: str, probe: Probe, counts: dict[Split, int], seed: int
) -> tuple[dict[Split, list[Item]], list[Problem]]:
    """A probe's items by split, at most as many as asked for, and what is wrong with them."""
    items: dict[Split, list[Item]] = {
        split: list(probe.items(count, seed=seed, split=split))[:count] if count else []
        for split, count in counts.items()
    }
    problems = []
    if len(items["search"]) < 2:
        problems.append(
            Problem(
                f"probe {name} has {len(items['search'])} search items",
                "no path can be told from another on fewer than two",
                "give it more items",
            )
        )
    ids: dict[Split, set[object]] = {split: {i.id for i in some} for split, some in items.items()}
    no_text = [each for some in ids.values() for each in some if not isinstance(each, str)]
    both = ids["search"] & ids["held-out"]
    if no_text:
        problems.append(
            Problem(f"probe {name}: the item id {no_text[0]!r} is no text", "", "make ids text")
        )
    elif both:
        problems.append(
            Problem(
                f"probe {name}: {len(both)} items are in both splits, {min(map(str, both))} is one",
                "winners would be judged on items that chose them",
                "let items(...) give each split its own, whatever the count and the seed",
            )
        )
    return items, problems


def check_question(
    name: str, item: Item, question: list[Reading] | Generation, encoder: Encoder
) -> None:
    """Raise a ``UserError`` if a model cannot be asked ``question``."""
    listed = isinstance(question, list | tuple)
    asked: Sequence[object] = question if isinstance(question, list | tuple) else [question]
    for each in asked:
        if not isinstance(each, Reading if listed else Generation):
            kind = f"{'a list of ' if listed else ''}{type(each).__name__}"
            raise user_error(
                f"probe {name}, item {item.id}: ask(...) gives {kind}",
                "a probe asks by a list of Readings, or by one Generation",
                "correct the probe file",
            )
        assert isinstance(each, Reading | Generation)
        targets = each.targets if isinstance(each, Reading) else ()
        # All at once: a text may have thousands of tokens.
        ids = np.array([*each.tokens, *(token for some in targets for token in some)])
        most = encoder.vocabulary
        if ids.dtype.kind not in "iu" or ids.min() < 0 or (most is not None and ids.max() >= most):
            wrong = next(
                token
                for token in ids.tolist()
                if not isinstance(token, int) or token < 0 or (most is not None and token >= most)
            )
            raise user_error(
                f"probe {name}, item {item.id}: {wrong!r} is no token id of this model",
                "" if most is None else f"its ids are whole numbers from 0 to {most - 1}",
                "make ids with the encoder that ask(...) is given",
            )
        if encoder.window is not None and len(each.tokens) > encoder.window:
            raise user_error(
                f"probe {name}, item {item.id} takes {len(each.tokens)} tokens and the model's "
                f"window has {encoder.window}",
                "beyond its window a model answers at random, on whatever path",
                "shorten the item, or leave the probe out of this model's scan",
            )


def check_score(
    name: str, item: Item, answers: Sequence[Reply] | Text, given: dict[str, float]
) -> None:
    """Raise a ``UserError`` for a NaN that does not come from the model.

    A scan takes a NaN for a path that overflowed, which a fault in a probe must not pass for.
    """
    if all(map(math.isfinite, given.values())):
        return
    if not isinstance(answers, Text) and not all(
        math.isfinite(value) for reply in answers for row in reply.logprobs for value in row
    ):
        return
    metric = next(key for key, value in given.items() if not math.isfinite(value))
    raise user_error(
        f"probe {name}, item {item.id}: the score {metric} is no finite number",
        "the model's answer is sound, so that the fault lies in score(...)",
        "correct the probe file",
    )
