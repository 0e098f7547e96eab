"""mergekit's plan of a merge, with what it would save too much or in another order each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mergekit.architecture import get_architecture_info
from mergekit.architecture.base import ModuleDefinition
from mergekit.architecture.json_definitions import JsonModuleArchitecture
from mergekit.graph import Executor, TaskUniverse
from mergekit.io.tasks import FinalizeModel, LoaderCache, SaveTensor
from mergekit.options import MergeOptions
from mergekit.plan import MergePlanner
from mergekit.tokenizer import BuildTokenizer

from workbench.merge.translate import OrderedMerge
from workbench.merge.vocabulary import Vocabulary


def plan(
    settings: OrderedMerge,
    options: MergeOptions,
    result: Any,
    out: Path,
    tied: set[str],
    vocabulary: Vocabulary,
) -> tuple[Executor, list[SaveTensor]]:
    """mergekit's executor, and the tasks among its targets that save a tensor each.

    ``tied`` names are not saved. ``result`` is the output's configuration, ``out`` its folder.
    """
    architecture = _in_order(get_architecture_info(settings, options))
    LoaderCache().setup(options=options)
    planned = MergePlanner(settings, architecture, options, result).plan_to_disk(str(out))
    # A head saved beside the embeddings it is tied to would be dropped, or break the tie, on load.
    saves = [t for t in planned if isinstance(t, SaveTensor) and t.tensor_name not in tied]
    finish = next(t for t in planned if isinstance(t, FinalizeModel))
    finish = FinalizeModel(tensor_save_tasks=tuple(saves), writer_task=finish.writer_task)
    universe = TaskUniverse()
    handles = [universe.add_task(task) for task in (*saves, finish)]
    known = {
        universe.add_task(task): vocabulary.built
        for task in planned
        if isinstance(task, BuildTokenizer)
    }
    device = options.device
    executor = Executor(
        handles,
        math_device=device,
        storage_device=device if options.low_cpu_memory else "cpu",
        cached_values=known or None,
    )
    return executor, saves


def _in_order(architecture: Any) -> Any:
    """An inferred architecture with its tensors sorted: mergekit collects them in sets."""
    if architecture.architectures:
        return architecture
    modules = {}
    for name, module in sorted(architecture.modules.items()):
        made = module.architecture.definition
        layers = made.layer_templates
        ordered = made.model_copy(
            update={
                "pre_weights": sorted(made.pre_weights, key=lambda w: w.name),
                "layer_templates": layers.model_copy(
                    update={"weights": sorted(layers.weights, key=lambda w: w.name)}
                ),
            }
        )
        modules[name] = ModuleDefinition(architecture=JsonModuleArchitecture(definition=ordered))
    return architecture.model_copy(update={"modules": modules})
