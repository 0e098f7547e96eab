"""Whether a checkpoint on disk, loaded by plain transformers, is the model in memory.

It must have the same simple attributes on every layer, and the same logits bit for bit with and
without a KV cache. Whatever a configuration cannot say of a path (a layer built differently by
where it stands) shows there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.bases.aligned import align
from workbench.bases.stack import find_stack
from workbench.errors import step_failed

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


def verify(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None, folder: Path) -> None:
    """Compare ``model`` with the checkpoint in ``folder``.

    Raises:
        StepFailed: transformers does not load it, or what it loads is another model.
    """
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
