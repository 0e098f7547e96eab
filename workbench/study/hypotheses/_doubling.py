"""Where memorised answers surface, and what running layers twice does to each item's answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from workbench.study.hypotheses._lens import Asked, Said, answers
from workbench.study.hypotheses._texts import draw
from workbench.study.questions.items import Item
from workbench.study.subject import Subject

Block = tuple[int, int]
Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def pools(subject: Subject, count: int) -> tuple[list[Item], list[Item]]:
    """Up to ``count`` suspect and fresh items, drawn with the subject's seed.

    Fresh items that vary a suspect one stay out, unless there are no others: what is remembered of
    the original may come up with the variant.
    """
    own = [item for item in subject.fresh if not item.pair] or list(subject.fresh)
    return draw(subject.suspect, count, subject.seed), draw(own, count, subject.seed)


def clusters_of(suspects: Sequence[Item], fresh: Sequence[Item]) -> list[str]:
    """Which items belong together: a fresh one that varies a suspect one, and that one."""
    return [
        *(f"suspect {item.pair or item.id}" for item in suspects),
        *(f"suspect {item.pair}" if item.pair else f"fresh {item.id}" for item in fresh),
    ]


def chances(depths: Sequence[Said], ask: Sequence[Asked]) -> Values:
    """The answers' probabilities a token (the geometric mean) at every depth, [N + 1, items]."""
    lengths = np.array([len(each.ids) - each.start for each in ask])
    found: Values = np.exp(np.stack([said.logprob for said in depths]) / lengths)
    return found


def surfacing(found: Values, suspect: Mask, length: int) -> Block:
    """The block (i, j) of ``length`` layers over which suspect answers rise most over fresh ones.

    ``found`` are :func:`chances`; of equal rises the first counts.
    """
    ahead = found[:, suspect].mean(axis=1) - found[:, ~suspect].mean(axis=1)
    first = int(np.argmax(ahead[length:] - ahead[:-length]))
    return first, first + length


def apart(block: Block, n: int, count: int, seed: int) -> list[Block]:
    """Up to ``count`` blocks of the same length among ``n`` layers that share none with ``block``.

    Drawn with ``seed``; at least one where there is any.
    """
    length = block[1] - block[0]
    free = [
        (i, i + length) for i in range(n - length + 1) if i + length <= block[0] or i >= block[1]
    ]
    if len(free) <= count:
        return free
    chosen = np.random.default_rng([seed, 32]).choice(len(free), size=max(1, count), replace=False)
    return [free[at] for at in sorted(chosen)]


def doubled(
    subject: Subject, ask: Sequence[Asked], blocks: Iterable[Block], n: int, limits: tuple[int, int]
) -> dict[Block, Said]:
    """The answers with each block run twice; ``limits`` are those of :func:`answers`."""
    from workbench.relayer.path import insert_blocks

    if subject.path is None:
        raise ValueError("the layers of this subject cannot be run in another order")
    order = sorted(set(blocks))
    said: dict[Block, Said] = {}
    with subject.progress.bar("Doubled blocks", len(order)) as tick:
        for block in order:
            said[block] = answers(subject.path(insert_blocks([block], n)), ask, *limits)
            tick()
    return said


def lift(own: Values, rest: Sequence[Values], base: Values) -> Values:
    """What doubling a block changes, less the median change that other blocks make; [items]."""
    elsewhere = np.median(np.stack([values - base for values in rest]), axis=0)
    found: Values = own - base - elsewhere
    return found
