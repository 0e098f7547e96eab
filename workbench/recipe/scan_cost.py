"""What a scan will need: memory, time and disk, and what the same paths would cost one by one.

Arithmetic on counts (``scan_paths``, ``scan_questions``, ``scan_load``) and the constants below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.recipe.forward import Forward, head_seconds, layer_seconds, speed_of
from workbench.recipe.machine import Machine
from workbench.recipe.scan_load import (
    Load,
    Room,
    anatomy,
    call_bytes,
    one_by_one,
    room_of,
    together,
)
from workbench.recipe.scan_paths import Count, counts, re_measured, share_measured
from workbench.recipe.scan_questions import Questions, questions
from workbench.scan.config import ScanConfig
from workbench.scan.schedule.budget import ROWS, STATES

#: Scoring and keeping one answer; ranking a million of the surrogate's candidates, measured.
ANSWER_SECONDS, CANDIDATE_SECONDS = 1.0e-4, 6.0e-5
#: Opening the model, the proof that the scheduler is exact, the statistics and the report.
AROUND_SECONDS = 8.0

ASSUMPTIONS = (
    "scans: 40% of a card's dense 16-bit TFLOP/s (where it is not known, of 100) or 40 GFLOP/s a "
    "CPU core; a token is a word, a digit or a sign, with ChatML around each prompt; generated "
    "answers run to their limit; racing drops no more than keep asks for; predictions, not runs"
)


@dataclass(frozen=True)
class ScanCost:
    """What :func:`scan_cost` found. ``alone_seconds`` is for the same paths one after the other.

    ``passes`` and ``alone_passes`` are layer passes an item of the search; ``reads`` is how often
    all layers are read from the disk. ``too_small`` says that one path does not fit memory_gib.
    """

    searches: tuple[Count, ...]
    probes: tuple[Questions, ...]
    seconds: float
    alone_seconds: float
    memory: int
    weights: int
    held: int
    disk: int
    scratch: int
    reads: int
    share: float
    too_small: float | None

    @property
    def paths(self) -> int:
        return sum(each.paths for each in self.searches)

    @property
    def passes(self) -> int:
        return sum(each.passes for each in self.searches)

    @property
    def alone_passes(self) -> int:
        return sum(each.visits for each in self.searches)

    @property
    def about(self) -> bool:
        """Whether the number of paths is only known roughly."""
        return any(each.search in ("beam", "surrogate") for each in self.searches)


def scan_cost(config: ScanConfig, model: Forward, machine: Machine, process: int) -> ScanCost:
    """What the scan ``config`` of ``model`` needs on ``machine``; ``process`` bytes a process."""
    asked = tuple(questions(config, model.vocabulary))
    searches = tuple(counts(config.search, model.layers))
    room = room_of(config, model, machine)
    ours, alone = Load(), Load()
    shares = []
    for each in asked:
        share = share_measured(config.racing, each.search)
        shares.append(share)
        for count in searches:
            ours.add(together(count, each, each.search, share, model, room))
            alone.add(one_by_one(count, each, each.search * share, model, room))
        if each.held_out:
            length = searches[0].visits / searches[0].paths
            again = re_measured(config)
            count = Count("held-out", again, round(again * length), round(again * length))
            ours.add(together(count, each, each.held_out, 1.0, model, room))
            alone.add(one_by_one(count, each, each.held_out, model, room))
    workers = _at_once(config, machine)
    extra = anatomy(model, room) if config.anatomy else Load()
    around = AROUND_SECONDS + _surrogate_seconds(config) + ours.answers * ANSWER_SECONDS
    inside = _seconds(extra, config, model, machine)
    seconds = _seconds(ours, config, model, machine) / workers + inside + around
    if config.streamed and model.in_4bit:
        seconds += model.stored_once / machine.disk_bytes_a_second
    held = min(room.budget, 1.5 * max(ours.held, extra.held) + call_bytes(model, room))
    weights = _weights(config, model)
    processes = config.workers + (config.workers > 1)
    memory = (weights + held) * config.workers + process * processes
    if machine.gpu:
        memory = (weights + held) * math.ceil(config.workers / machine.cards)
    longest = max(each.longest for each in asked)
    return ScanCost(
        searches=searches,
        probes=asked,
        seconds=seconds,
        alone_seconds=_seconds(alone, config, model, machine) / workers + inside + around,
        memory=math.ceil(memory),
        weights=math.ceil(weights),
        held=math.ceil(held),
        disk=_disk(searches, asked, re_measured(config)),
        scratch=math.ceil(model.stored * model.layers) if config.streamed and model.in_4bit else 0,
        reads=math.ceil(ours.reads) if config.streamed else 0,
        share=min(shares),
        too_small=_too_small(asked, longest, model, room),
    )


def _seconds(load: Load, config: ScanConfig, model: Forward, machine: Machine) -> float:
    speed = speed_of(machine)
    seconds = layer_seconds(model, speed, load.tokens, load.calls)
    seconds += head_seconds(model, speed, load.head)
    if config.streamed:
        read = load.reads * model.stored * model.layers / machine.disk_bytes_a_second
        return max(seconds, read)
    return seconds


def _at_once(config: ScanConfig, machine: Machine) -> int:
    """How many workers do not share a card; on a CPU they share its cores."""
    return min(config.workers, machine.cards) if machine.gpu else 1


def _weights(config: ScanConfig, model: Forward) -> float:
    return model.outside + 2 * model.layer if config.streamed else model.loaded


def _surrogate_seconds(config: ScanConfig) -> float:
    search = config.search.surrogate
    return search.candidates * search.rounds * CANDIDATE_SECONDS if search else 0.0


def _disk(searches: tuple[Count, ...], asked: tuple[Questions, ...], again: int) -> int:
    """scan.parquet (8 bytes a score of two metrics at most, after packing), scan.json, pictures."""
    paths = sum(each.paths for each in searches)
    pairs = sum(paths * each.search + again * each.held_out for each in asked)
    return 8 * 2 * pairs + 1200 * paths + 2_000_000


def _too_small(
    asked: tuple[Questions, ...], longest: int, model: Forward, room: Room
) -> float | None:
    """The memory_gib that one path over the longest prompt needs, where there is less."""
    needed = 2 * longest * model.itemsize * model.hidden / STATES
    for each in asked:
        if each.new:
            row = model.layers * model.kv * (each.longest + each.new)
            needed = max(needed, row / ROWS)
    return needed / 2**30 if needed > room.budget else None
