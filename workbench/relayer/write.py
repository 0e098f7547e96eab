"""Writing a layer path out: an ordinary checkpoint that needs nothing of ours to load.

What is written is loaded again with plain transformers and must be the model in memory: the same
simple attributes on every layer, and the same logits bit for bit with and without a KV cache.
Whatever a configuration cannot say of a path (a layer built differently by where it stands) shows
there, and then nothing is left on disk.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.bases.aligned import align, align_file
from workbench.bases.share import share
from workbench.bases.stack import find_stack
from workbench.errors import step_failed
from workbench.relayer.reference import storage_bytes

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: What the written model is compared on; long enough to be more than one attention tile.
PROBE_TEXT = (
    "17 + 25 = 42. The block of layers runs twice, and what it says must not change: "
    "0123456789 (a b c) [x y z] {one: two}; yes or no?\n"
)

#: Attributes that say how a module is run, not what it computes.
_NOT_COMPARED = frozenset({"training", "gradient_checkpointing"})


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
    settings go along. Needs memory for the repeated layers' clones while writing, and for a second
    copy of the whole model while verifying.

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
        _verify(model, tokenizer, folder)


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


def _verify(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None, folder: Path
) -> None:
    tokens = _probe_tokens(model, tokenizer)
    align(model)
    expected = _logits(model, tokens)
    written = _reload(model, folder)
    differences = _attribute_differences(model, written)
    if not differences and not _same(expected, _logits(written, tokens)):
        differences = ["the logits on fixed tokens differ"]
    if differences:
        raise step_failed(
            f"this {model.config.model_type} cannot be written out along its layer path",
            "loaded again with plain transformers it is another model: "
            + "; ".join(differences[:5])
            + (f"; and {len(differences) - 5} more" if len(differences) > 5 else ""),
            "keep it by reference, where it runs exactly, or choose a path that repeats layers of "
            "one kind",
        )


def _reload(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """The checkpoint as anyone would load it, where and how ``model`` runs."""
    from transformers import AutoModelForCausalLM

    own = type(model)
    loader: Any = own if own.__module__.startswith("transformers.") else AutoModelForCausalLM
    spread = len(set((getattr(model, "hf_device_map", None) or {}).values())) > 1
    try:
        written = loader.from_pretrained(
            folder,
            dtype="auto",
            attn_implementation=model.config._attn_implementation,
            trust_remote_code=False,
            local_files_only=True,
            **({"device_map": "auto"} if spread else {}),
        )
    except (ValueError, RuntimeError, KeyError) as error:
        raise step_failed(
            f"this {model.config.model_type} cannot be written out along its layer path",
            f"plain transformers does not load the checkpoint: {error}",
            "keep it by reference, where it runs exactly",
        ) from error
    written = (written if spread else written.to(model.device)).eval()
    align(written)
    return written


def _attribute_differences(model: PreTrainedModel, written: PreTrainedModel) -> list[str]:
    """What differs in plain attributes (window sizes, scalings, layer kinds), layer by layer.

    Short fixed tokens do not reach past a sliding window; this does.
    """
    here, there = (dict(_plain(find_stack(m).layers)) for m in (model, written))
    return [
        f"layers.{name} is {here.get(name, 'absent')} here and {there.get(name, 'absent')} there"
        for name in sorted(here.keys() | there.keys())
        if not _equal(here.get(name, "absent"), there.get(name, "absent"))
    ]


def _equal(here: Any, there: Any) -> bool:
    """Equal, or floats as close as recomputing a factor from a configuration brings them."""
    if isinstance(here, float) and isinstance(there, float):
        return math.isclose(here, there, rel_tol=1e-14)
    return bool(here == there)


def _plain(layers: nn.ModuleList) -> Iterator[tuple[str, Any]]:
    for path, module in layers.named_modules():
        yield path, type(module).__name__
        for name, value in vars(module).items():
            if (
                isinstance(value, bool | int | float | str | None)
                and not name.startswith("_")
                and name not in _NOT_COMPARED
            ):
                yield f"{path}.{name}", value


def _probe_tokens(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None
) -> torch.Tensor:
    """Fixed token ids of shape (1, at most 64): a text's where there is a tokenizer."""
    import torch

    rows = model.get_input_embeddings().weight.shape[0]
    ids = tokenizer(PROBE_TEXT)["input_ids"] if tokenizer else [7 * k % rows for k in range(64)]
    return torch.tensor([ids[:64]], device=model.device)


def _logits(model: PreTrainedModel, tokens: torch.Tensor) -> list[torch.Tensor]:
    """Logits of the whole text at once, and of its last token after a cached prefix."""
    import torch

    was_training = model.training
    model.eval()
    with torch.no_grad():
        whole = model(tokens, use_cache=False).logits
        cache = model(tokens[:, :-1], use_cache=True).past_key_values
        last = model(tokens[:, -1:], past_key_values=cache, use_cache=True).logits
    model.train(was_training)
    return [whole, last]


def _same(here: list[torch.Tensor], there: list[torch.Tensor]) -> bool:
    import torch

    return all(
        a.dtype == b.dtype and torch.equal(a.nan_to_num(), b.nan_to_num())
        for a, b in zip(here, there, strict=True)
    )


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
