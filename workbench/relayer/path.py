"""Layer paths: the order in which decoder layers run, as a tuple of 0-based indices.

The algebra, for a model of N layers (the base path is 0, 1, … N-1):

- A **block** (i, j), 0 <= i < j <= N, puts layers i … j-1 once more right after the last visit to
  layer j-1. For one block that is David Noel Ng's 0 … j-1 then i … N-1; (0, 0) adds nothing. The
  same block given k times runs k + 1 times in a row.
- A **drop** (i, j), 0 <= i < j <= N, leaves out layers i … j-1. Drops unite.
- Blocks that are disjoint or equal, and drops that are disjoint from the blocks, give one path in
  whatever order they are listed. Two different blocks that overlap do not (Ng's own code inserts
  them in the order listed), nor does a drop inside a block; those are refused, and the message
  spells each reading out as a ``layer_map``.

``layer_map`` is ExLlamaV3's text form (``parse_int_list`` there): items separated by commas, each
an index or a range ``a..b`` with both ends included; ``b < a`` counts down; a missing end is the
first or the last layer. :func:`describe` writes the canonical one, which parses back to its path.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from workbench.errors import Problem, UserError
from workbench.relayer.config import RelayerConfig

Path = tuple[int, ...]
Block = tuple[int, int]

#: More visits than any model has layers a dozen times over: a longer path is a slip of the pen,
#: and every visit costs a module tree and a KV cache.
MAX_VISITS = 4096

#: Blocks that overlap by the hundred are one mistake, made once.
LISTED = 20

_ITEM = re.compile(r"(?P<single>\d{1,9})|(?P<first>\d{1,9})?\s*(?P<dots>\.\.)\s*(?P<last>\d{1,9})?")


def resolve(config: RelayerConfig, n_layers: int) -> Path:
    """The path that ``config`` describes over a model of ``n_layers`` decoder layers.

    Raises :class:`UserError` with every problem at once: indices out of range, empty or reversed
    blocks, blocks whose order would matter, a path with no layer left.
    """
    if config.layers is not None:
        path = tuple(config.layers)
        _raise(_outside(path, n_layers))
    elif config.layer_map is not None:
        path = parse_layer_map(config.layer_map, n_layers)
    else:
        blocks = [(i, j) for i, j in config.blocks or []]
        drops = [(i, j) for i, j in config.drop or []]
        _raise(_block_problems(blocks, drops, n_layers))
        # Judged before it is built: a short recipe can ask for a very long path.
        _raise(_too_long(n_layers + sum(j - i for i, j in blocks)))
        path = without(insert_blocks(blocks, n_layers), drops)
    if not path:
        raise UserError(
            Problem(
                f"the path drops all {n_layers} layers",
                "a model needs one decoder layer at least",
                "drop fewer layers",
            )
        )
    _raise(_too_long(len(path)))
    return path


def parse_layer_map(text: str, n_layers: int | None = None) -> Path:
    """Read ExLlamaV3's text form: ``"0..5,3..7"`` is 0 1 2 3 4 5 3 4 5 6 7.

    ``n_layers`` bounds the indices and stands in for open ends (``"..15,11.."``); without it open
    ends are refused. Raises :class:`UserError` with every bad item at once.
    """
    problems: list[Problem] = []
    spans: list[tuple[int, int]] = []
    for item in (part.strip() for part in text.split(",")):
        match = _ITEM.fullmatch(item)
        if match is None:
            problems.append(_bad_item(item, text))
            continue
        if match["single"] is not None:
            first = last = int(match["single"])
        elif n_layers is None and (match["first"] is None or match["last"] is None):
            problems.append(
                Problem(
                    f"layer_map item {item!r} has an open end",
                    "the number of layers is not known here",
                    "give both ends",
                )
            )
            continue
        else:
            first = int(match["first"] or 0)
            last = int(match["last"]) if match["last"] is not None else (n_layers or 0) - 1
        spans.append((first, last))
    if n_layers is not None:
        problems += _outside([end for span in spans for end in dict.fromkeys(span)], n_layers)
    _raise(problems)
    visits = sum(abs(last - first) + 1 for first, last in spans)
    if visits > MAX_VISITS:
        raise UserError(
            Problem(
                f"layer_map {_short(text)!r} visits {visits} layers",
                f"more than {MAX_VISITS} visits is taken for a slip",
                "shorten the path",
            )
        )
    path: list[int] = []
    for first, last in spans:
        step = 1 if last >= first else -1
        path.extend(range(first, last + step, step))
    return tuple(path)


def describe(path: Sequence[int]) -> str:
    """The canonical ``layer_map`` of a path: its maximal runs of consecutive layers."""
    cuts = [0, *seams(path), len(path)]
    runs = [(path[a], path[b - 1]) for a, b in itertools.pairwise(cuts) if b > a]
    return ",".join(str(first) if first == last else f"{first}..{last}" for first, last in runs)


def seams(path: Sequence[int]) -> Path:
    """Positions p (from 1) where the layer at p is not the one after the layer at p-1."""
    return tuple(p for p in range(1, len(path)) if path[p] != path[p - 1] + 1)


def is_base(path: Sequence[int], n_layers: int) -> bool:
    """Whether the path is 0 … N-1: every layer once, in order."""
    return len(path) == n_layers and all(layer == p for p, layer in enumerate(path))


def insert_blocks(blocks: Iterable[Block], n_layers: int) -> Path:
    """Blocks inserted one after the other, each behind the last visit to its own last layer.

    The order of listing matters only where different blocks overlap (see the module's text).
    """
    path = list(range(n_layers))
    for i, j in blocks:
        if (i, j) != (0, 0):
            after = len(path) - path[::-1].index(j - 1)
            path[after:after] = range(i, j)
    return tuple(path)


def without(path: Iterable[int], drops: Iterable[Block]) -> Path:
    """The path less every visit to a layer that a drop names."""
    dropped = {layer for i, j in drops for layer in range(i, j)}
    return tuple(layer for layer in path if layer not in dropped)


def _block_problems(
    blocks: Sequence[Block], drops: Sequence[Block], n_layers: int
) -> list[Problem]:
    problems: list[Problem] = []
    for word, pairs in (("block", blocks), ("drop", drops)):
        for i, j in dict.fromkeys(pairs):
            if (i, j) == (0, 0) and word == "block":
                continue
            if j > n_layers:
                problems.append(_beyond(f"{word} [{i}, {j}]", n_layers, f"j is at most {n_layers}"))
            elif i >= j:
                instead = f"drop: [[{j}, {i}]]" if i > j and word == "block" else "i < j"
                problems.append(
                    Problem(
                        f"{word} [{i}, {j}] holds no layer",
                        f"{word} [i, j] means layers i … j-1",
                        f"use {instead}, or [[0, 0]] in blocks for the base itself",
                    )
                )
    if problems:
        return problems
    distinct = [b for b in dict.fromkeys(blocks) if b != (0, 0)]
    for position, a in enumerate(distinct):
        if len(problems) >= LISTED:
            break
        for b in distinct[position + 1 :]:
            if _overlap(a, b):
                problems.append(_ambiguous_blocks(a, b, n_layers))
        for d in dict.fromkeys(drops):
            if _overlap(a, d):
                problems.append(_ambiguous_drop(a, d, n_layers))
    return problems


def _too_long(visits: int) -> list[Problem]:
    if visits <= MAX_VISITS:
        return []
    return [
        Problem(
            f"the path visits {visits} layers",
            f"more than {MAX_VISITS} visits is taken for a slip",
            "shorten the path",
        )
    ]


def _overlap(a: Block, b: Block) -> bool:
    return max(a[0], b[0]) < min(a[1], b[1])


def _ambiguous_blocks(a: Block, b: Block, n_layers: int) -> Problem:
    listed, swapped = (describe(insert_blocks(order, n_layers)) for order in ((a, b), (b, a)))
    return Problem(
        f"blocks {list(a)} and {list(b)} overlap",
        "which is inserted first changes the path",
        f"say which is meant: layer_map: {listed!r} ({list(a)} first, as listed and as Ng's code "
        f"reads it) or layer_map: {swapped!r} ({list(b)} first)",
    )


def _ambiguous_drop(block: Block, drop: Block, n_layers: int) -> Problem:
    both = describe(without(insert_blocks([block], n_layers), [drop]))
    i, j = block
    second_pass = (*range(j), *without(range(i, j), [drop]), *range(j, n_layers))
    return Problem(
        f"drop {list(drop)} reaches into block {list(block)}",
        "the layers could be left out of both passes or of the repeat alone",
        f"say which is meant: layer_map: {both!r} (both passes) or "
        f"layer_map: {describe(second_pass)!r} (the repeat alone)",
    )


def _outside(layers: Iterable[int], n_layers: int) -> list[Problem]:
    return [
        _beyond(f"layer {layer}", n_layers, f"layers are 0 … {n_layers - 1}, counted from 0")
        for layer in dict.fromkeys(layers)
        if not 0 <= layer < n_layers
    ]


def _beyond(what: str, n_layers: int, remedy: str) -> Problem:
    return Problem(f"{what} is out of range", f"the model has {n_layers} layers", remedy)


def _bad_item(item: str, text: str) -> Problem:
    return Problem(
        f"layer_map item {_short(item)!r} is not a layer or a range of layers"
        if item
        else f"layer_map {_short(text)!r} has an empty item",
        "items are separated by commas, ranges by two dots, ends included",
        'write it like "0..5,3..7" or "0..5,3,4,5,6..7"',
    )


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"


def _raise(problems: list[Problem]) -> None:
    if problems:
        raise UserError(problems)
