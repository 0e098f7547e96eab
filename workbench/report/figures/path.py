"""A layer path: every visit a cell, repeats coloured, seams marked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from workbench.report.results import Entry


@dataclass(frozen=True)
class Visit:
    """One cell: ``again`` counts the earlier visits of the same layer."""

    layer: int
    position: int
    again: int
    after_seam: bool

    @property
    def words(self) -> str:
        """What the cell says when hovered over."""
        words = f"position {self.position}: layer {self.layer}"
        if self.again:
            words += f", visit {self.again + 1}"
        return words + (", after a seam" if self.after_seam else "")


@dataclass(frozen=True)
class LayerPath:
    """A path as cells, and what it adds to or takes from its parent."""

    visits: tuple[Visit, ...]
    parent_layers: int | None
    repeated: tuple[int, ...]
    dropped: tuple[int, ...]

    @property
    def seams(self) -> int:
        """In how many places the next layer is not the one after the last."""
        return sum(visit.after_seam for visit in self.visits)


def layer_path(entry: Entry) -> LayerPath | None:
    """The path in an entry's record; ``None`` where there is none."""
    path = entry.record.get("path")
    if not isinstance(path, list) or not all(type(layer) is int for layer in path) or not path:
        return None
    seen: Counter[int] = Counter()
    visits = []
    for position, layer in enumerate(path):
        seam = position > 0 and layer != path[position - 1] + 1
        visits.append(Visit(layer, position, seen[layer], seam))
        seen[layer] += 1
    number = entry.record.get("parent_layers")
    parent_layers = number if type(number) is int else None
    return LayerPath(
        tuple(visits),
        parent_layers,
        tuple(sorted(layer for layer, times in seen.items() if times > 1)),
        tuple(layer for layer in range(parent_layers or 0) if layer not in seen),
    )


def ranges(layers: tuple[int, ...]) -> str:
    """``(3, 4, 5, 9)`` -> ``3–5, 9``."""
    parts: list[list[int]] = []
    for layer in layers:
        if parts and layer == parts[-1][1] + 1:
            parts[-1][1] = layer
        else:
            parts.append([layer, layer])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in parts)
