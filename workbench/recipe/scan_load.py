"""What a scan runs: tokens through layers, calls, readings from disk, and what it holds meanwhile.

It follows the scheduler: jobs of a bounded size, cut between items and then between paths; chunks
that fit ``memory_gib``; in each, layers are opened twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.recipe.forward import Forward
from workbench.recipe.machine import Machine
from workbench.recipe.scan_paths import Count
from workbench.recipe.scan_questions import SAMPLE, Questions
from workbench.scan.config import ScanConfig
from workbench.scan.schedule.budget import (
    CPU_INSIDE,
    CPU_JOB,
    GPU_JOB,
    GPU_TOKENS,
    INSIDE,
    ROWS,
    STATES,
    STREAMED_JOB,
)

#: Anatomy: tokens of texts and sentences (layers run twice), and of each block's texts.
_ANATOMY_TOKENS, _ANATOMY_BLOCK_TOKENS = 3500, 96


@dataclass
class Load:
    """Tokens x layers, calls to a layer, answers scored, positions read through the head, whole
    readings of the layers from disk, and the most bytes held at a time.
    """

    tokens: float = 0.0
    calls: float = 0.0
    answers: float = 0.0
    head: float = 0.0
    reads: float = 0.0
    held: float = 0.0

    def add(self, other: Load) -> None:
        self.tokens += other.tokens
        self.calls += other.calls
        self.answers += other.answers
        self.head += other.head
        self.reads += other.reads
        self.held = max(self.held, other.held)


@dataclass(frozen=True)
class Room:
    """What fits at a time, as the scheduler's ``Limits`` say it."""

    budget: float
    job: float
    call: int
    states: float


def room_of(config: ScanConfig, model: Forward, machine: Machine) -> Room:
    budget = config.memory_gib * 2**30
    job = GPU_JOB if machine.gpu else CPU_JOB
    job *= STREAMED_JOB if config.streamed else 1
    inside = model.itemsize * (8 * model.hidden + 3 * model.intermediate)
    call = GPU_TOKENS if machine.gpu else max(32, CPU_INSIDE // inside)
    return Room(
        budget,
        job / (2 * model.weights),
        max(1, min(call, int(INSIDE * budget / inside))),
        STATES * budget / (model.itemsize * model.hidden),
    )


def call_bytes(model: Forward, room: Room) -> float:
    """What one call makes: activations, and the largest matrix at 16 bits where it is packed."""
    made = room.call * model.itemsize * (8 * model.hidden + 3 * model.intermediate)
    return made + (2 * model.hidden * model.intermediate if model.in_4bit else 0)


def together(
    count: Count, asked: Questions, items: int, share: float, model: Forward, room: Room
) -> Load:
    """The scheduler's cost of a probe's ``items`` under the paths of one search."""
    each = asked.shared + asked.new
    # Jobs are cut between items until few are left, then between paths.
    kept, parts = float(items), 1
    while kept > SAMPLE and count.passes * each * kept > room.job:
        kept = math.ceil(kept / 2)
    while parts < count.paths and ((count.passes / parts + model.layers) * each * kept > room.job):
        parts *= 2
    if asked.new:
        return _generated(count, asked, items * share, kept, parts, model, room)
    # Then between paths until their hidden states fit, and between items for what is left.
    while parts < count.paths and _alive(count.paths / parts, model) * asked.longest > room.states:
        parts *= 2
    alive = _alive(count.paths / parts, model)
    chunk = max(asked.longest, min(each * kept, room.states / alive))
    passes = count.passes + (parts - 1) * model.layers
    tokens = passes * each * items * share
    # In a layer's call are as many visits as fit, of those that stand there at once.
    entries = (model.layers + count.passes / count.paths) * parts
    calls = 0.0
    for batch in asked.batches:
        at_once = max(1.0, min(room.call // batch.tokens, passes / entries))
        calls += batch.parts * passes / at_once
    pairs = count.paths * items * share
    return Load(
        tokens=tokens,
        calls=calls * items * share / asked.items,
        answers=pairs,
        head=pairs * asked.answers,
        reads=2 * parts * max(1.0, each * items * share / chunk),
        held=alive * chunk * model.itemsize * model.hidden,
    )


def _alive(paths: float, model: Forward) -> float:
    """Hidden states at a time: one a path, and those of the base where a path is to join it."""
    return 1 + paths + min(paths, model.layers)


def _generated(
    count: Count,
    asked: Questions,
    items: float,
    kept: float,
    parts: int,
    model: Forward,
    room: Room,
) -> Load:
    """Prompts once for what paths share, then new tokens with a cache for each visit of a path."""
    length = count.visits / count.paths
    row = length * model.kv * (asked.longest + asked.new)
    rows = max(1.0, min(ROWS * room.budget / row, room.call))
    while parts < count.paths and count.paths / parts > rows:
        parts *= 2
    paths = count.paths / parts
    at_once = max(1.0, min(kept, rows // paths))
    chunks = parts * max(1.0, items / at_once)
    passes = count.passes + (parts - 1) * model.layers
    entries = model.layers + count.passes / count.paths
    batches = min(at_once, asked.lengths)
    pairs = count.paths * items
    return Load(
        tokens=passes * asked.shared * items + pairs * asked.new * length,
        calls=chunks * entries * batches * (1 + asked.new),
        answers=pairs,
        head=pairs * asked.new,
        reads=2 * chunks * (1 + asked.new),
        held=paths * at_once * row,
    )


def one_by_one(count: Count, asked: Questions, items: float, model: Forward, room: Room) -> Load:
    """Every path on its own: all its layers, no beginning shared, its items in one batch."""
    pairs = count.paths * items
    filled = max(1.0, items * asked.alone / room.call)
    return Load(
        tokens=count.visits * (asked.alone + asked.new) * items,
        calls=count.visits * (filled + asked.new),
        answers=pairs,
        head=pairs * asked.answers,
        reads=count.visits / model.layers * (1 + asked.new),
    )


def anatomy(model: Forward, room: Room) -> Load:
    n = model.layers
    blocks = n * (n + 1) * (n + 2) / 6
    tokens = 2 * n * _ANATOMY_TOKENS + blocks * _ANATOMY_BLOCK_TOKENS
    return Load(tokens=tokens, calls=n * 40 + tokens / room.call, reads=2)
