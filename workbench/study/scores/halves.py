"""Two halves of a task's items: A to choose and to set against, B to judge on.

What is chosen on some items looks better on them than it is: the best of several learning rates
by luck, and a base that starts low by luck gains by luck. So choices and the ``before`` that an
outcome is set against come from half A, and every outcome from half B.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

Half = Literal["A", "B"]


def split(
    doc_hashes: Sequence[str],
    clusters: Sequence[str] | None = None,
    *,
    task: str,
    seed: int,
) -> dict[str, Half]:
    """The half of each item of ``task``, by its ``doc_hash``.

    Items of a cluster (``clusters`` by item, empty where it has none) stay together, and so do
    items that are equal. Clusters are taken in the order of a hash of task, ``seed`` and cluster,
    each to the half that has fewer items: the halves differ by no more items than the largest
    cluster has, and neither the order of the items nor any score plays a part.

    The halves are those of the items given. Give all that the task has, once.

    Raises:
        ValueError: as many clusters as items were not given.
    """
    names = [""] * len(doc_hashes) if clusters is None else [str(name) for name in clusters]
    if len(names) != len(doc_hashes):
        raise ValueError(f"{len(names)} clusters for {len(doc_hashes)} items")
    units: dict[str, set[str]] = {}
    first: dict[str, str] = {}
    for doc_hash, name in sorted(zip(doc_hashes, names, strict=True)):
        unit = first.setdefault(doc_hash, f"cluster {name}" if name else f"item {doc_hash}")
        units.setdefault(unit, set()).add(doc_hash)
    found: dict[str, Half] = {}
    sizes: dict[Half, int] = {"A": 0, "B": 0}
    for unit in sorted(units, key=lambda unit: _drawn(unit, task, seed)):
        fewer: Half = min(sizes, key=lambda half: (sizes[half], _drawn(half + unit, task, seed)))
        sizes[fewer] += len(units[unit])
        found |= dict.fromkeys(units[unit], fewer)
    return found


def _drawn(text: str, task: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}\0{task}\0{text}".encode()).hexdigest()
