"""The world of ``tiny/planted``: a place, and a list of maps that move it.

There are 16 places and four maps, each a fixed shuffle of the places. ``C413=H`` says that map 4,
then 1, then 3, lead from C to H. Every map is one hop, and hops follow on each other: the shuffles
do not commute, so nothing but going there step by step gives the answer, and a network can only
take as many hops as its layers allow. Half of the long walks are held out, once and for all by
their hash: they appear in evaluation items alone.

``python -m workbench.bases.tiny.hops_data`` writes the shipped items anew.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from functools import cache
from typing import Any, Literal

from workbench.bases.tiny.shipped_files import write_files

#: No two of these merge in the tiny tokenizer: a walk of h hops is h + 2 tokens, whatever it says.
PLACES = "ABCDEFGHIJKLMNOP"
MAPS = "1234"
#: Walks from this length on are split; shorter ones are too few, and the table of single hops.
LONG = 3

#: Hops of the walks that both bases are asked: one pass of the layers is not enough for all.
ASKED = (3, 4)
#: The items that are shipped for the evaluation suite.
ITEMS = 300

Use = Literal["probe", "suite"]

Walk = tuple[str, str]
"""A place to start from, and the maps to follow."""


@cache
def _moves() -> dict[str, dict[str, str]]:
    draw = random.Random("hops maps")
    return {one: dict(zip(PLACES, draw.sample(PLACES, len(PLACES)), strict=True)) for one in MAPS}


def end(walk: Walk) -> str:
    """The place where a walk ends."""
    place, maps = walk
    for one in maps:
        place = _moves()[one][place]
    return place


def prompt(walk: Walk) -> str:
    """The walk as the model reads it; the place where it ends follows without a space."""
    return f"{walk[0]}{walk[1]}="


def held_out(walk: Walk) -> bool:
    """Whether the walk is kept for evaluation."""
    return len(walk[1]) >= LONG and _hash(walk)[0] % 2 == 0


def _hash(walk: Walk) -> bytes:
    return hashlib.sha256("".join(walk).encode()).digest()


def draw_walk(draw: random.Random, hops: int) -> Walk:
    """A walk of ``hops`` hops, of either side of the split."""
    return draw.choice(PLACES), "".join(draw.choices(MAPS, k=hops))


def training_walk(draw: random.Random, most: int) -> Walk:
    """A walk of one to ``most`` hops that is not held out."""
    hops = draw.randint(1, most)
    while held_out(walk := draw_walk(draw, hops)):
        pass
    return walk


@cache
def held_out_walks(hops: int, use: Use) -> tuple[Walk, ...]:
    """All walks of ``hops`` hops that are held out for ``use``, in a fixed order.

    A third of them is the suite's, so that it can judge what a probe has chosen.
    """
    lists = itertools.product(MAPS, repeat=hops)
    walks = ((place, "".join(maps)) for maps in lists for place in PLACES)
    for_suite = use == "suite"
    return tuple(w for w in walks if held_out(w) and (_hash(w)[1] % 3 == 0) == for_suite)


def generate_items(seed: int = 0) -> list[dict[str, Any]]:
    """Held-out walks to be ended freely; as many of each length."""
    draw = random.Random(f"items {seed}")
    share = ITEMS // len(ASKED)
    walks = [walk for hops in ASKED for walk in draw.sample(held_out_walks(hops, "suite"), share)]
    draw.shuffle(walks)
    return [{"id": "".join(walk), "question": prompt(walk), "answer": end(walk)} for walk in walks]


def choice_items(seed: int = 0) -> list[dict[str, Any]]:
    """The same walks with all places as options; ``answer`` is the index of the right one."""
    return [
        {**item, "options": list(PLACES), "answer": PLACES.index(item["answer"])}
        for item in generate_items(seed)
    ]


#: The shipped files, relative to the repository, and what makes each.
FILES = {
    "evals/tasks/hops/hops_generate.jsonl": generate_items,
    "evals/tasks/hops/hops_choice.jsonl": choice_items,
}


if __name__ == "__main__":
    write_files("Write the shipped items of tiny/planted.", FILES)
