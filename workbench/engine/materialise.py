"""From a model's description to a checkpoint on disk, in the unquantised base's precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.bases.spec import AdapterStep, ModelSpec
from workbench.engine.realise import Loaded, tokenizer_of


def materialise(spec: ModelSpec, out: Path, loaded: Loaded) -> dict[str, Any]:
    """Write the model of ``spec`` to ``out`` as a checkpoint that plain transformers loads.

    Adapters are folded into 16- or 32-bit weights, never into quantised ones. Returns the record:
    ``max_logit_difference`` between the model with adapters and the merged one is the largest over
    all adapters, ``None`` where there was none.

    Raises:
        StepFailed: the written checkpoint does not give the logits of the model in memory.
    """
    from workbench.bases.share import share
    from workbench.finetune.attach import attach
    from workbench.merge.adapter import merge_adapters
    from workbench.relayer.reference import apply_path
    from workbench.relayer.write import unshare, write_checkpoint

    differences: list[float] = []
    # What is written as it is keeps the precision of its file; a merge may be scored in another.
    root = spec.root if spec.steps else spec.root.model_copy(update={"dtype": "auto"})
    model = share(loaded.base(root, quantised=False))
    pending = 0

    def fold() -> None:
        # Adapters that lie on one another are folded together, as they were trained, and each
        # visit of a repeated layer takes its own.
        if pending:
            differences.append(float(merge_adapters(model)["max_logit_difference"]))

    for step in spec.steps:
        if isinstance(step, AdapterStep):
            if not pending:
                unshare(model)
            attach(model, step.folder, f"step{pending}")
            pending += 1
        else:
            fold()
            pending = 0
            apply_path(model, step.layers)
    fold()
    unshare(model)
    write_checkpoint(model.eval(), tokenizer_of(spec), out)
    return {"max_logit_difference": max(differences, default=None)}
