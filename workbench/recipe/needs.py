"""What one step of a plan needs, and the base that its weights go back to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from workbench.bases.config import BaseConfig
from workbench.recipe.forward import Forward, forward
from workbench.recipe.machine import Machine
from workbench.recipe.plan import Node
from workbench.recipe.scan_cost import ScanCost
from workbench.recipe.scoring_cost import ScoringCost
from workbench.recipe.sizes import BaseSize, Dimensions

#: Resident memory of Python with torch, transformers, peft, trl and lm-eval, measured: 565 MB.
PROCESS_BYTES = 600_000_000
#: Tokenizer, configuration and card of an output.
SIDE_BYTES = 20_000_000
TINY_SIDE_BYTES = 200_000
#: What an output costs however small the model is, with its checks and files.
OUTPUT_SECONDS = 3.0


@dataclass(frozen=True)
class Estimate:
    """Predicted needs of one node; ``None`` where the base's size is not known.

    ``disk_bytes`` stays on the disk; ``scratch_bytes`` is needed beside it while the step runs.
    ``weights_bytes`` of the memory are the model's weights, which several cards may share; ``scan``
    says more of a scan, ``scoring`` what it takes to score the node once it is made.
    """

    memory_bytes: int | None
    disk_bytes: int | None
    seconds: float | None
    note: str
    scratch_bytes: int = 0
    weights_bytes: int = 0
    scan: ScanCost | None = None
    scoring: ScoringCost | None = None


@dataclass(frozen=True)
class Root:
    """The base that a node's weights go back to; ``own_layers`` are those that it has itself.

    ``templated`` is false where it is known that its tokenizer has no chat template.
    """

    size: BaseSize
    loaded: int
    dims: Dimensions | None
    config: BaseConfig
    own_layers: int
    templated: bool = True

    def run(self, dims: Dimensions) -> Forward:
        """Its weights, run at the depth of ``dims``."""
        return forward(self.size, self.config, self.loaded, self.own_layers, dims)


def after(node: Node, root: Root, dims: Dimensions) -> Root:
    """What is made of ``node``, which goes back to ``root``, goes back to.

    A merge is a checkpoint of its own; the others run over their base's weights.
    """
    if node.kind != "merge":
        return replace(root, dims=dims)
    scale = dims.layers / root.dims.layers if root.dims else 1.0
    size = replace(
        root.size,
        parameters=math.ceil(root.size.parameters * scale),
        active=math.ceil(root.size.active * scale),
        source="parents",
        here=True,
    )
    return replace(
        root, size=size, loaded=math.ceil(root.loaded * scale), dims=dims, own_layers=dims.layers
    )


def overhead(machine: Machine) -> int:
    """Memory of the process itself where weights lie in the same memory."""
    return 0 if machine.gpu else PROCESS_BYTES


def side(dims: Dimensions | None) -> int:
    """Bytes of tokenizer and configuration: those of a tiny base are small too."""
    return TINY_SIDE_BYTES if dims and dims.vocabulary < 2000 else SIDE_BYTES
