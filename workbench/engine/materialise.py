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
    model = share(loaded.base(spec.root, quantised=False))
    for step in spec.steps:
        if isinstance(step, AdapterStep):
            # An adapter is folded into weights nobody else holds: the base stays as it was, and
            # each visit of a repeated layer takes its own adapter.
            unshare(model)
            attach(model, step.folder, "folded")
            differences.append(float(merge_adapters(model)["max_logit_difference"]))
        else:
            apply_path(model, step.layers)
    unshare(model)
    write_checkpoint(model.eval(), tokenizer_of(spec), out)
    return {"max_logit_difference": max(differences, default=None)}
