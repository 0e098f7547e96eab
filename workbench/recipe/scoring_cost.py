"""What scoring a model on a suite will take: time, memory and disk.

Chosen answers cost the reading of their prompts, which is arithmetic; written ones cost a call to
every layer for each token, which is reading the weights. Arithmetic on counts
(``scoring_questions``) and on the constants below and in ``forward``.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from workbench.evaluate.config import EvaluateConfig
from workbench.evaluate.suites import Suite
from workbench.recipe.forward import Forward, Speed, head_seconds, layer_seconds, speed_of
from workbench.recipe.machine import Machine
from workbench.recipe.scoring_questions import Asked, Questions, questions
from workbench.recipe.scoring_tasks import data_set_bytes

#: Copies of the logits at every position of a prompt: as the model gives them, and as
#: probabilities.
LOGIT_COPIES = 2
#: Values a token that one layer's call makes, in units of the hidden and the inner size.
HIDDEN_COPIES, INNER_COPIES = 8, 3
#: Tokens a second that lm-eval's encoding reaches, one request after the other on one core:
#: measured 350,000 with a byte-level tokenizer. Each prompt is encoded with and without its answer.
TOKENISED = 3.0e5
ENCODED = 2
#: Setting up, metrics, intervals and files; a request's way through lm-eval. Measured.
AROUND_SECONDS, REQUEST_SECONDS = 1.0, 2.0e-4
#: A scored item in samples.parquet and in the evaluation's own folder.
ROW_BYTES = 200

ASSUMPTIONS = (
    "scoring: items are counted, tokens an item are estimates; prompts at 40% of a card's dense "
    "16-bit TFLOP/s (where that is not known, of 100) or 40 GFLOP/s a CPU core; a written token "
    "reads all weights once a batch, in 4 bits packed for up to 16 items and unpacked for more, "
    "until the batch's longest answer ends; answers that differ in their last token share a pass, "
    "as in lm-eval; good to a factor of 3"
)


@dataclass(frozen=True)
class ScoringCost:
    """What scoring one model takes.

    The ``weights`` lie on ``cards`` cards; ``held`` bytes are needed beside them where the work
    is: logits, KV cache and activations of one batch. ``read`` and ``written`` are tokens;
    ``items`` of ``of`` are scored, each in ``templates`` ways. ``tasks`` are the seconds of each of
    the suite's entries; nothing is known of those in ``unknown``. ``at_most``: it may end before,
    at a look.
    """

    seconds: float
    memory: int
    weights: int
    held: int
    cards: int
    disk: int
    items: int
    of: int
    passes: int
    read: float
    written: float
    templates: int
    batch_size: int
    tasks: dict[str, float]
    data: tuple[str, ...]
    unknown: tuple[str, ...]
    at_most: bool = False

    @property
    def on_a_card(self) -> int:
        """Bytes on the card that holds most, or in the machine's memory."""
        return math.ceil(self.memory - self.weights * (1 - 1 / self.cards))


class Scoring:
    """A suite under one recipe's settings: what it takes to score one model after another."""

    def __init__(self, suite: Suite, settings: EvaluateConfig, machine: Machine) -> None:
        self._suite, self._settings, self._machine = suite, settings, machine
        self._asked: dict[tuple[int, bool], Questions] = {}
        self._found: dict[tuple[Forward, int, bool, bool], ScoringCost] = {}

    def of(
        self, model: Forward, process: int, *, base: bool = False, templated: bool = True
    ) -> ScoringCost:
        """The cost of scoring ``model``; ``process`` bytes are the process's own.

        One that is not ``templated`` is scored once where ``both`` is asked for.
        """
        key = (model, process, base, templated)
        if key not in self._found:
            suite, settings = self._suite, self._settings
            if settings.apply_chat_template == "both" and not templated:
                settings = settings.model_copy(update={"apply_chat_template": False})
            whole = base and settings.parents_whole
            size = (model.vocabulary, whole)
            if size not in self._asked:
                self._asked[size] = questions(suite, settings, size[0], whole=whole)
            cost = scoring_cost(suite, settings, self._asked[size], model, self._machine, process)
            # A base is asked all that any of its children may be asked.
            sooner = settings.sequential is not None and not base
            self._found[key] = replace(cost, at_most=sooner)
        return self._found[key]


def scoring_cost(
    suite: Suite,
    settings: EvaluateConfig,
    found: Questions,
    model: Forward,
    machine: Machine,
    process: int,
) -> ScoringCost:
    """What it takes to ask ``model`` all that was ``found`` in a suite, on ``machine``.

    ``process`` bytes are the process's own.
    """
    batch = settings.batch_size or suite.batch_size
    speed = speed_of(machine)
    ways = _ways(suite, settings)
    tasks: dict[str, float] = {}
    for asked in found.asked:
        spent = sum(_seconds(asked, chat, batch, model, speed) for chat in ways)
        tasks[asked.entry] = tasks.get(asked.entry, 0.0) + spent
    cards = machine.cards if machine.spreads(model.loaded) else 1
    held = max((_held(a, max(ways), batch, model, cards) for a in found.asked), default=0.0)
    items = math.ceil(sum(a.items for a in found.asked))
    lengths = {a.task: sum(a.prompt + chat * a.chat for chat in ways) for a in found.asked}
    return ScoringCost(
        seconds=AROUND_SECONDS + sum(tasks.values()),
        memory=math.ceil(model.loaded + held + process),
        weights=model.loaded,
        held=math.ceil(held),
        cards=cards,
        disk=items * len(ways) * ROW_BYTES,
        items=items,
        of=sum(a.of for a in found.asked),
        passes=math.ceil(len(ways) * sum(a.items * a.passes for a in found.asked)),
        read=sum(a.items * a.passes * lengths[a.task] for a in found.asked),
        written=len(ways) * sum(a.items * a.generated for a in found.asked),
        templates=len(ways),
        batch_size=batch,
        tasks=tasks,
        data=tuple(dict.fromkeys(a.data for a in found.asked if a.data)),
        unknown=found.unknown,
    )


def data_bytes(costs: Iterable[ScoringCost], cached: Collection[str] = ()) -> int:
    """What the data sets of all that is scored take on the disk, those ``cached`` left out."""
    paths = {path for cost in costs for path in cost.data}
    return sum(data_set_bytes(path) for path in paths if path not in cached)


def _ways(suite: Suite, settings: EvaluateConfig) -> tuple[bool, ...]:
    """Whether prompts stand in a chat template, for each time that everything is asked."""
    asked = settings.apply_chat_template
    if asked == "both":
        return (False, True)
    return (suite.apply_chat_template if asked is None else bool(asked),)


def _seconds(asked: Asked, chat: bool, batch: int, model: Forward, speed: Speed) -> float:
    length = asked.prompt + chat * asked.chat
    passes = asked.items * asked.passes
    calls = math.ceil(passes / batch)
    seconds = layer_seconds(model, speed, passes * length * model.layers, calls * model.layers)
    # Of a prompt that is to be continued only the last position is read through the head.
    seconds += head_seconds(model, speed, passes * (1 if asked.generated else length))
    requests = asked.items * asked.requests
    seconds += requests * (ENCODED * length / TOKENISED + REQUEST_SECONDS)
    if asked.generated:
        seconds += calls * _writing(asked, length, passes / calls, model, speed)
    return seconds


def _writing(asked: Asked, length: float, rows: float, model: Forward, speed: Speed) -> float:
    """Seconds in which a batch of ``rows`` prompts writes its answers."""
    steps = longest_of(asked.generated, rows, asked.most)
    one = layer_seconds(model, speed, rows * model.layers, model.layers)
    one += head_seconds(model, speed, rows)
    cache = rows * (length + steps / 2) * model.kv * model.layers
    return steps * (one + cache / speed.bandwidth)


def longest_of(mean: float, rows: float, most: float) -> float:
    """Expected length of the longest of ``rows`` answers, cut at ``most`` tokens.

    Lengths taken as exponential: the largest of n has ``mean`` times the n-th harmonic number
    (Rényi 1953), here ln n + 0.5772 + 1/(2n).
    """
    if rows <= 1:
        return min(mean, most)
    return min(most, mean * (math.log(rows) + 0.5772 + 1 / (2 * rows)))


def _held(asked: Asked, chat: bool, batch: int, model: Forward, cards: int) -> float:
    """Bytes beside the weights, on the card that holds most, while the longest prompts run.

    The logits come from the last card alone; each keeps the cache of its own layers.
    """
    rows = min(batch, math.ceil(asked.items * asked.passes))
    # Prompts are sorted by length: the first batch holds the longest.
    length = asked.longest + chat * asked.chat
    inside = HIDDEN_COPIES * model.hidden + INNER_COPIES * model.intermediate
    held = rows * length * model.itemsize * inside
    # The largest 4-bit matrix is written out at 16 bits.
    held += 2 * model.hidden * model.intermediate if model.in_4bit else 0
    if not asked.generated:
        return held + rows * length * model.vocabulary * model.itemsize * LOGIT_COPIES
    cache = rows * (length + asked.most) * model.kv * model.layers / cards
    return held + cache + rows * model.vocabulary * 4
