"""The graph of outputs: what was made from what, bases first.

Layered drawing after Sugiyama: a node's layer is its longest way from a base; edges over several
layers pass through stand-ins; rows are ordered by the mean place of their neighbours. Drawn from
left to right for wide screens and downwards for narrow ones; style sheets choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from workbench.report.figures.svg import OTHER_SHAPE, SHAPES, kind_class, tag
from workbench.report.results import Results
from workbench.report.verdict import kind_word

SWEEPS = 6


@dataclass(frozen=True)
class Shape:
    """Sizes in pixels of one of the two drawings."""

    width: int
    height: int
    along: int
    """Room between layers."""
    across: int
    """Room between the nodes of a layer."""
    letters: int
    shrinks: int
    """Up to this width the drawing may shrink to the screen; wider ones scroll."""
    downwards: bool


WIDE = Shape(width=168, height=62, along=56, across=18, letters=19, shrinks=1280, downwards=False)
NARROW = Shape(width=112, height=62, along=34, across=10, letters=11, shrinks=440, downwards=True)


@dataclass(frozen=True)
class Node:
    """An output's name: all its seeds are one node."""

    name: str
    kind: str
    seeds: tuple[int, ...]
    parents: tuple[str, ...]


def nodes_of(results: Results) -> list[Node]:
    """The names in the order of the file, with all their seeds and parents."""
    gathered: dict[str, Node] = {}
    for entry in results.entries:
        before = gathered.get(entry.name)
        seeds = (*(before.seeds if before else ()), *([] if entry.seed is None else [entry.seed]))
        parents = dict.fromkeys((*(before.parents if before else ()), *entry.parents))
        gathered[entry.name] = Node(entry.name, entry.kind, tuple(seeds), tuple(parents))
    return list(gathered.values())


def layers_of(nodes: list[Node]) -> dict[str, int]:
    """The longest way from a node without parents to each node. Unknown parents do not count."""
    known = {node.name: node for node in nodes}
    depth: dict[str, int] = {}

    def visit(name: str, above: frozenset[str]) -> int:
        if name not in depth:
            parents = [p for p in known[name].parents if p in known and p not in above]
            depth[name] = 1 + max((visit(p, above | {name}) for p in parents), default=-1)
        return depth[name]

    for node in nodes:
        visit(node.name, frozenset({node.name}))
    return depth


def arrange(nodes: list[Node]) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of names, one a layer, and the ways of the edges through them.

    A way is a list of row members from parent to child; members that are no node's name are the
    stand-ins of edges that pass a layer.
    """
    depth = layers_of(nodes)
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in nodes:
        rows[depth[node.name]].append(node.name)
    ways: list[list[str]] = []
    for node in nodes:
        for parent in node.parents:
            if parent not in depth or depth[parent] >= depth[node.name]:
                continue
            way = [parent]
            for layer in range(depth[parent] + 1, depth[node.name]):
                # A name holds no NUL: the stand-in cannot be taken for a node.
                way.append(f"{len(ways)}\0{layer}")
                rows[layer].append(way[-1])
            ways.append([*way, node.name])
    neighbours: dict[str, list[str]] = {}
    for way in ways:
        for one, other in pairwise(way):
            neighbours.setdefault(one, []).append(other)
            neighbours.setdefault(other, []).append(one)
    for sweep in range(SWEEPS):
        order = range(1, len(rows)) if sweep % 2 == 0 else range(len(rows) - 2, -1, -1)
        for layer in order:
            beside = rows[layer - 1 if sweep % 2 == 0 else layer + 1]
            rows[layer] = _by_mean_place(rows[layer], beside, neighbours)
    return rows, ways


def _by_mean_place(
    row: list[str], beside: list[str], neighbours: dict[str, list[str]]
) -> list[str]:
    place = {name: index / max(1, len(beside) - 1) for index, name in enumerate(beside)}
    own = {name: index / max(1, len(row) - 1) for index, name in enumerate(row)}

    def mean(name: str) -> float:
        places = [place[other] for other in neighbours.get(name, []) if other in place]
        return sum(places) / len(places) if places else own[name]

    return sorted(row, key=mean)


def graph(results: Results, shape: Shape) -> Markup:
    """One drawing of the graph."""
    nodes = nodes_of(results)
    rows, ways = arrange(nodes)
    names = {node.name for node in nodes}
    # A stand-in needs no more room than a line.
    thick = shape.width if shape.downwards else shape.height
    sizes = [[thick if name in names else 10 for name in row] for row in rows]
    lengths = [sum(row) + shape.across * (len(row) - 1) for row in sizes]
    breadth = max(lengths, default=0)
    centre: dict[str, tuple[float, float]] = {}
    long = shape.height if shape.downwards else shape.width
    for layer, (row, size, length) in enumerate(zip(rows, sizes, lengths, strict=True)):
        along = 1 + layer * (long + shape.along) + long / 2
        across = 1 + (breadth - length) / 2
        for name, thickness in zip(row, size, strict=True):
            middle = across + thickness / 2
            centre[name] = (middle, along) if shape.downwards else (along, middle)
            across += thickness + shape.across
    whole = len(rows) * (long + shape.along) - shape.along + 2
    width, height = (breadth + 2, whole) if shape.downwards else (whole, breadth + 2)
    edges = [_edge([centre[name] for name in way], shape) for way in ways]
    boxes = [_box(node, *centre[node.name], shape) for node in nodes]
    made = "; ".join(f"{n.name} from {', '.join(n.parents)}" for n in nodes if n.parents)
    return tag(
        "svg",
        *edges,
        *boxes,
        class_=f"graph {'narrow' if shape.downwards else 'wide'}"
        + (" fits" if width <= shape.shrinks else ""),
        width=round(width),
        height=round(height),
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=f"Graph of outputs: {made or 'bases only'}",
    )


def _edge(points: list[tuple[float, float]], shape: Shape) -> Markup:
    half = (shape.height if shape.downwards else shape.width) / 2
    path = ""
    for index, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        end = index == len(points) - 2
        if shape.downwards:
            start, stop = y0 + half, y1 - half - (6 if end else 0)
            middle = (start + stop) / 2
            path += f"{'M' if not index else 'L'}{x0:g} {start:g}"
            path += f"C{x0:g} {middle:g} {x1:g} {middle:g} {x1:g} {stop:g}"
            head = f"M{x1:g} {y1 - half - 1:g}l-4-7h8Z"
        else:
            start, stop = x0 + half, x1 - half - (6 if end else 0)
            middle = (start + stop) / 2
            path += f"{'M' if not index else 'L'}{start:g} {y0:g}"
            path += f"C{middle:g} {y0:g} {middle:g} {y1:g} {stop:g} {y1:g}"
            head = f"M{x1 - half - 1:g} {y1:g}l-7-4v8Z"
    return tag("g", tag("path", d=path, class_="edge"), tag("path", d=head, class_="head"))


def _box(node: Node, x: float, y: float, shape: Shape) -> Markup:
    left, top = x - shape.width / 2, y - shape.height / 2
    seeds = ", ".join(map(str, node.seeds))
    words = f"{node.name}: {kind_word(node.kind)}" + (f", seeds {seeds}" if seeds else "")
    lines = [kind_word(node.kind)]
    if node.seeds:
        lines.append(_cut(f"seed{'s' if len(node.seeds) > 1 else ''} {seeds}", shape.letters + 1))
    text_top = y - 15 if node.seeds else y - 4
    mark = tag(
        "path",
        d=SHAPES.get(node.kind, OTHER_SHAPE),
        class_=f"mark {kind_class(node.kind)}",
        transform=f"translate({left + 15:g} {text_top:g})",
    )
    rect = tag(
        "rect",
        x=f"{left:g}",
        y=f"{top:g}",
        width=shape.width,
        height=shape.height,
        rx=6,
        class_=f"node {kind_class(node.kind)}",
    )
    text = [
        tag("text", _cut(node.name, shape.letters), x=f"{left + 27:g}", y=f"{text_top + 5:g}",
            class_="node-name"),
        *(
            tag("text", line, x=f"{left + 27:g}", y=f"{text_top + 22 + 15 * row:g}",
                class_="node-line")
            for row, line in enumerate(lines)
        ),
    ]  # fmt: skip
    return tag("g", tag("title", words), rect, mark, *text)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"
