"""What it takes to run a model forwards: operations, bytes moved, and calls to its layers."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.bases.config import BaseConfig
from workbench.recipe.machine import Machine
from workbench.recipe.sizes import BYTES, BaseSize, Dimensions

#: Operations a second that forward passes reach: of a card, this share of its data sheet; where
#: that is not known, 40% of 100 TFLOP/s; of a CPU core, measured 20 to 150 GFLOP/s on layers of
#: 0.2 to 0.8 M weights on busy and idle cores.
EFFICIENCY = 0.4
UNKNOWN_GPU = 1.0e14
CPU_CORE_FLOPS = 4.0e10
#: What a call to a layer costs however few tokens it gets: launching its kernels.
CALL_SECONDS_GPU, CALL_SECONDS_CPU = 5.0e-4, 1.0e-3
#: Bytes a weight that one call moves: 16-bit weights are read; 4-bit ones are read, written out at
#: 16 bits and read again. Up to :data:`PACKED_TOKENS` tokens are multiplied with the 4-bit weights
#: as they are (bitsandbytes 0.50 decides by shape and card, at 8 to 256), which is taken to reach
#: half of a card's bandwidth.
PLAIN_TRAFFIC, NF4_TRAFFIC, PACKED_TRAFFIC = 2.0, 4.5, 1.0
PACKED_TOKENS = 16
UNKNOWN_BANDWIDTH, CPU_BANDWIDTH = 6.0e11, 1.0e10


@dataclass(frozen=True)
class Forward:
    """A model as running it sees it. ``outside`` and ``layer`` are bytes in memory.

    ``weights`` are all that a layer holds, ``active`` those that work on a token; ``stored`` is
    what a layer takes on the disk it is streamed from, ``kv`` what a token leaves in its cache.
    """

    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    weights: float
    active: float
    layer: float
    outside: float
    loaded: int
    stored: float
    stored_once: float
    kv: float
    itemsize: int
    in_4bit: bool


def forward(
    size: BaseSize, base: BaseConfig, loaded: int, own_layers: int, dims: Dimensions
) -> Forward:
    """Layers of ``base`` (it has ``own_layers``), run ``dims.layers`` times in all.

    ``loaded`` bytes are the base's weights in memory.
    """
    outside = dims.embedding_parameters
    layers = max(1, own_layers)
    plain = BYTES.get(base.dtype, size.stored_bytes)
    weights = max(1.0, (size.parameters - outside) / layers)
    beside = outside * min(plain, 4)
    layer = max(0.0, loaded - beside) / layers
    return Forward(
        layers=dims.layers,
        hidden=dims.hidden,
        intermediate=dims.intermediate,
        vocabulary=dims.vocabulary,
        weights=weights,
        active=max(1.0, (size.active - outside) / layers),
        layer=layer,
        outside=beside,
        loaded=loaded,
        # What is streamed in 4 bits is quantised once and kept so; what is not, as it is stored.
        stored=layer if base.load_in_4bit else weights * size.stored_bytes,
        stored_once=weights * layers * size.stored_bytes,
        kv=2 * dims.kv_heads * dims.head_dim * plain,
        itemsize=int(plain),
        in_4bit=base.load_in_4bit,
    )


@dataclass(frozen=True)
class Speed:
    """Operations and bytes a second that a machine reaches on one card, and seconds a call."""

    flops: float
    bandwidth: float
    call: float


def speed_of(machine: Machine) -> Speed:
    """How fast ``machine`` runs a model whose layers work one after the other."""
    if not machine.gpu:
        return Speed(CPU_CORE_FLOPS * machine.cores, CPU_BANDWIDTH, CALL_SECONDS_CPU)
    card = machine.card
    return Speed(
        EFFICIENCY * (card.flops if card else UNKNOWN_GPU),
        card.bandwidth if card else UNKNOWN_BANDWIDTH,
        CALL_SECONDS_GPU,
    )


def layer_seconds(model: Forward, speed: Speed, tokens: float, calls: float) -> float:
    """Seconds of ``tokens`` (tokens times layers) through layers in ``calls`` calls to one."""
    arithmetic = 2 * model.active * tokens / speed.flops
    moved = calls * model.weights / speed.bandwidth
    if model.in_4bit and tokens <= PACKED_TOKENS * calls:
        return max(arithmetic, PACKED_TRAFFIC * moved) + calls * speed.call
    # Unpacking comes before the product; plain weights are read while it runs.
    if model.in_4bit:
        return arithmetic + NF4_TRAFFIC * moved + calls * speed.call
    return max(arithmetic, PLAIN_TRAFFIC * moved) + calls * speed.call


def head_seconds(model: Forward, speed: Speed, positions: float) -> float:
    """Seconds of the product with the vocabulary at ``positions``."""
    return 2 * positions * model.hidden * model.vocabulary / speed.flops
