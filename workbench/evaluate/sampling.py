"""Which of a task's items are scored where not all are: one order, the same for every model.

The items of a task are put in one order, drawn with a seed, whose every beginning is a stratified
sample: of each stratum it holds its share to within one item. A limit takes the beginning; a larger
limit, or the next look at a growing sample, only adds items. Nothing of a model enters, so all
outputs are scored on the same items and can be compared item by item.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def nested_order(strata: Sequence[str], seed: int, name: str) -> tuple[int, ...]:
    """The places of a task's items in the order in which they are scored.

    Within a stratum the order is random; which stratum comes next follows Tijdeman (1980), The
    chairman assignment problem, Discrete Mathematics 32, 323-330: of the ``k`` first items, a
    stratum with a share ``w`` of all holds ``w k`` to within ``1 - 1 / (2 H - 2)`` items, whatever
    ``k``, for ``H`` strata.

    Args:
        strata: each item's stratum, in the order of the data.
        seed: 0 or more; with ``name`` it fixes the order, so that no two tasks share theirs.
        name: the task's.
    """
    import numpy as np

    digest = hashlib.sha256(f"{name}\0{seed}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    members: dict[str, list[int]] = {}
    for place, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(place)
    # Shuffled, so that of equal strata it is not the first in the data that goes first.
    names = [sorted(members)[i] for i in generator.permutation(len(members))]
    drawn = [generator.permutation(members[stratum]) for stratum in names]
    if len(names) < 2:
        return tuple(int(place) for order in drawn for place in order)
    sizes = np.array([len(order) for order in drawn])
    taken = np.zeros(len(names), dtype=int)
    order = []
    for chosen in _turns(sizes):
        order.append(int(drawn[chosen][taken[chosen]]))
        taken[chosen] += 1
    return tuple(order)


def _turns(sizes: np.ndarray) -> list[int]:
    """Which stratum each item comes from: Tijdeman's rule, in whole numbers so that ties are ties.

    With ``w = size / total`` and ``x`` items taken so far: among strata with ``w k - x`` at least
    ``1 / (2 H - 2)``, the one that would be the first to fall behind by ``1 - 1 / (2 H - 2)``.
    """
    import numpy as np

    total, count = int(sizes.sum()), len(sizes)
    slack = 2 * count - 2
    sizes = sizes.astype(object) if total * slack > 1 << 30 else sizes.astype(np.int64)
    taken = sizes * 0
    turns = []
    for k in range(1, total + 1):
        owed = slack * (sizes * k - taken * total)
        ready = np.flatnonzero((owed >= total) & (taken < sizes))
        # Steps until it falls behind, (slack - 1 - slack (w k - x)) / (slack w), less a constant.
        steps = (total * (slack - 1) - owed[ready]) / sizes[ready]
        chosen = int(ready[int(np.argmin(steps.astype(float)))])
        taken[chosen] += 1
        turns.append(chosen)
    return turns


def allocate(limit: int | None, sizes: Mapping[str, int]) -> dict[str, int]:
    """A suite entry's limit shared out over its member tasks in proportion to their sizes.

    Each member gets at least one item and no more than it has; what is left after rounding down
    goes to the largest remainders, then to the first. A limit below the number of members is
    raised to it; ``None`` takes all items.
    """
    if limit is None:
        return dict(sizes)
    total = sum(sizes.values())
    wanted = min(total, max(limit, len(sizes)))
    shares = {name: max(1.0, wanted * size / total) for name, size in sizes.items()}
    given = {name: min(sizes[name], math.floor(share)) for name, share in shares.items()}
    while sum(given.values()) > wanted:
        # Ones that were given to small members are taken from the largest.
        given[max(given, key=lambda name: (given[name], sizes[name]))] -= 1
    by_remainder = sorted(given, key=lambda name: given[name] - wanted * sizes[name] / total)
    while sum(given.values()) < wanted:
        for name in by_remainder:
            if sum(given.values()) < wanted and given[name] < sizes[name]:
                given[name] += 1
    return given
