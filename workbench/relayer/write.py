"""Writing a layer path out: an ordinary checkpoint that needs nothing of ours to load.

What is written is verified before it gets its name; where it is not the model in memory, nothing is
left on disk.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.bases.aligned import align_file
from workbench.bases.share import share
from workbench.bases.stack import find_stack
from workbench.bases.stops import distinct, stop_ids
from workbench.errors import step_failed
from workbench.relayer.reference import storage_bytes
from workbench.relayer.verify import verify

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def unshare(model: PreTrainedModel) -> None:
    """Give every repeated decoder layer tensors of its own, in place.

    The first visit keeps the tensors it has, which may be those of a base that other models share;
    later visits get clones. Tensors tied within one layer stay tied. Raises ``StepFailed`` for
    quantised layers.
    """
    from torch import nn

    _refuse_quantised(model)
    earlier: set[int] = set()
    for layer in find_stack(model).layers:
        clones: dict[int, Any] = {}
        here: set[int] = set()
        for module in layer.modules():
            for table in (module._parameters, module._buffers):
                for name, tensor in table.items():
                    if tensor is None:
                        continue
                    if id(tensor) not in earlier:
                        here.add(id(tensor))
                        continue
                    if id(tensor) not in clones:
                        clone = tensor.detach().clone()
                        clones[id(tensor)] = (
                            nn.Parameter(clone, tensor.requires_grad)
                            if isinstance(tensor, nn.Parameter)
                            else clone
                        )
                    table[name] = clones[id(tensor)]
        earlier |= here


def write_checkpoint(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None, out: Path
) -> None:
    """Write ``model`` to the folder ``out``, which must be absent or empty, and verify it.

    ``model`` may run a path by reference: repeated layers are written once per visit, and the
    model itself is not changed. Tied embeddings stay tied; tokenizer, chat template and generation
    settings go along, with the tokenizer's EOS among the tokens that end an answer. Needs memory
    for the repeated layers' clones while writing, and for a second copy of the whole model while
    verifying.

    Raises:
        StepFailed: the model is quantised or still carries adapters; the disk is too small; or the
            checkpoint, loaded again, is not the model. ``out`` is then as it was before.
    """
    _refuse_quantised(model)
    _refuse_adapters(model)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise step_failed(
            f"{out} is there already", "a checkpoint is written whole", "name another folder"
        )
    twin = share(model)
    unshare(twin)
    with _staging(out, storage_bytes(twin)) as folder:
        _save(twin, tokenizer, folder)
        del twin
        verify(model, tokenizer, folder)


def _save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None, folder: Path) -> None:
    """Save a copy that may be changed: transformers stamps the config of what it saves."""
    from transformers import GenerationConfig

    # transformers refuses to save settings it only warns of when loading (a temperature without
    # do_sample, as many hub models have it), so they are written as they are.
    generation, model.generation_config = model.generation_config, GenerationConfig()
    # A header is padded by rewriting its file, which then needs the room of one shard.
    model.save_pretrained(folder, max_shard_size="5GB")
    for file in folder.glob("*.safetensors"):
        align_file(file)
    if generation is not None:
        # A fine-tune may have taught another token to end on than its base's settings name.
        stops = stop_ids(tokenizer, generation)
        if len(stops) > len(distinct(generation.eos_token_id)):
            generation = copy.deepcopy(generation)
            generation.eos_token_id = stops if len(stops) > 1 else stops[0]
        (folder / "generation_config.json").write_text(generation.to_json_string(), "utf-8")
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)


@contextmanager
def _staging(out: Path, size: int) -> Iterator[Path]:
    """A folder beside ``out`` that becomes ``out`` if the body succeeds, and vanishes if not."""
    from safetensors import SafetensorError

    out.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(out.parent).free
    if free < size:
        raise step_failed(
            f"the checkpoint needs {size / 1e9:.2f} GB and {out.parent} has {free / 1e9:.2f} GB",
            "a written path holds every visit's weights",
            "free some space, or keep the path by reference, which needs none",
        )
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield folder
        folder.chmod(0o755)
        if out.exists():
            out.rmdir()
        folder.rename(out)
    except (OSError, SafetensorError) as error:
        raise step_failed(
            f"{out} could not be written: {error}",
            "the disk refused",
            "see that the disk has space and may be written to, then run the same command again",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_quantised(model: PreTrainedModel) -> None:
    quantised = next((p for p in model.parameters() if not _is_plain(p)), None)
    if quantised is not None or getattr(model, "hf_quantizer", None) is not None:
        raise step_failed(
            "the model is quantised",
            "a 4-bit or 8-bit weight cannot be written back as what it was rounded from",
            "load the base without load_in_4bit or load_in_8bit to write it out; by reference the "
            "path runs on quantised layers as they are",
        )


def _is_plain(parameter: nn.Parameter) -> bool:
    from torch import nn

    return type(parameter) is nn.Parameter


def _refuse_adapters(model: PreTrainedModel) -> None:
    if any(hasattr(module, "base_layer") for module in model.modules()):
        raise step_failed(
            "the model still carries adapters",
            "plain transformers would load the checkpoint without them",
            "merge the adapters into the weights first",
        )
