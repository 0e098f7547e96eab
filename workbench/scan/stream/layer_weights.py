"""A checkpoint's tensors on the modules of an empty model, one decoder layer at a time.

transformers' own loader does the work, on a model that shows it one layer: names that changed,
experts that are stored one by one and held fused, and bitsandbytes weights come out as they do
when the whole model is loaded.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import nn

from workbench.bases.stack import find_stack
from workbench.errors import Problem, UserError
from workbench.scan.stream.layer_feed import Vacant
from workbench.scan.stream.layer_files import Stored, TensorReader, Traffic

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

#: Problems of one kind that are listed before the rest is counted.
_LISTED = 5
_OTHER = "use a complete checkpoint of this model, or scan it without streamed"


class LayerWeights:
    """Fills ``model``, all of whose parameters are on the meta device, from ``stored`` tensors.

    ``model`` is transformers' own empty model, quantised modules and all. Raises ``UserError``
    with every tensor that is missing or of the wrong shape.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        stored: Mapping[str, Stored],
        reader: TensorReader,
        traffic: Traffic,
        *,
        dtype: torch.dtype,
        called: str,
    ) -> None:
        self.model = model
        self._stored, self._reader, self._traffic, self._called = stored, reader, traffic, called
        layers = find_stack(model).layers
        self._at = next(name for name, module in model.named_modules() if module is layers)
        self._settings = _settings(model, reader.device, dtype)
        self._names: list[dict[str, Stored]] = [{} for _ in layers]
        self._outside: dict[str, Stored] = {}
        self._assign(model.state_dict())
        self.vacant = Vacant(layers)

    @property
    def layer_bytes(self) -> tuple[int, ...]:
        """How many bytes each layer takes on disk."""
        return tuple(sum(s.nbytes for s in names.values()) for names in self._names)

    def fill_outside(self) -> None:
        """Embeddings, final norm, head, and the buffers that no checkpoint holds."""
        self._load(self.model, self._outside)
        # A weight that two modules share, and the file holds once, is there for both from here on.
        self.model.tie_weights(missing_keys=_on_meta(self.model), recompute_mapping=False)
        self._fill_buffers()
        self.model.requires_grad_(False)

    def fill(self, k: int) -> None:
        """Layer ``k``; raises ``UserError`` where its tensors do not make a whole layer."""
        layer = self.vacant.layers[k]
        self._load(_Shell(self.model, f"{self._at}.{k}", layer), self._names[k])
        layer.requires_grad_(False)

    def _load(self, model: nn.Module, names: Mapping[str, Stored]) -> None:
        from transformers.core_model_loading import convert_and_load_state_dict_in_model

        expected = _on_meta(model) if isinstance(model, _Shell) else set()
        tensors = self._reader.read(names)
        began = time.perf_counter()
        with _no_bars():
            info, _ = convert_and_load_state_dict_in_model(model, tensors, self._settings)
        self._traffic.prepare_seconds += time.perf_counter() - began
        problems = [
            f"{name} is {_text(found)} in the file and {_text(needed)} in the model"
            for name, found, needed in sorted(info.mismatched_keys)
        ]
        problems += [f"{name}: {text}" for name, text in sorted(info.conversion_errors.items())]
        if not problems:
            problems = [f"{name} is missing" for name in sorted(expected & _on_meta(model))]
            problems += _misquantised(model)
        if problems:
            raise self._refused(problems)

    def _assign(self, wanted: Mapping[str, torch.Tensor]) -> None:
        """Which stored tensors make which layer, after what transformers calls them."""
        from transformers.core_model_loading import (
            WeightConverter,
            WeightRenaming,
            rename_source_key,
        )

        mapping = self._settings.weight_mapping or []
        renamings = [entry for entry in mapping if isinstance(entry, WeightRenaming)]
        converters = [entry for entry in mapping if isinstance(entry, WeightConverter)]
        splitting = {s for c in converters if len(c.target_patterns) > 1 for s in c.source_patterns}
        prefix = self.model.base_model_prefix
        covered: set[str] = set()
        split: set[int | None] = set()
        problems: list[str] = []
        for name, stored in self._stored.items():
            target, pattern = rename_source_key(name, renamings, converters, prefix, wanted)
            if target not in wanted and name in wanted:
                target, pattern = rename_source_key(name, [], [], prefix, wanted)
            if target not in wanted:
                continue  # A vision tower, a further head: this model has no place for it.
            k = self._layer_of(target)
            (self._outside if k is None else self._names[k])[name] = stored
            covered.add(target)
            if pattern in splitting:
                split.add(k)
            needed = tuple(wanted[target].shape)
            # Transposed is fine: some modules turn their weight around when it is quantised.
            if pattern is None and sorted(stored.shape) != sorted(needed):
                problems.append(
                    f"{name} is {_text(stored.shape)} in the file and {_text(needed)} in the model"
                )
        for source, target in self.model.all_tied_weights_keys.items():
            if covered & {source, target}:
                covered |= {source, target}
        ignored = self.model._keys_to_ignore_on_load_missing or ()
        problems += [
            f"{name} is missing"
            for name in wanted
            if name not in covered
            and self._layer_of(name) not in split
            and not any(re.search(pattern, name) for pattern in ignored)
        ]
        if problems:
            raise self._refused(problems)

    def _layer_of(self, name: str) -> int | None:
        if not name.startswith(self._at + "."):
            return None
        return int(name.removeprefix(self._at + ".").split(".", 1)[0])

    def _fill_buffers(self) -> None:
        """Rotary tables and the like, computed by the model's own code where they will be used."""
        import torch

        owners = {}
        for name, buffer in list(self.model.named_non_persistent_buffers()):
            at, _, last = name.rpartition(".")
            owner = self.model.get_submodule(at)
            owner._buffers[last] = torch.empty_like(buffer, device=self._reader.device)
            owners[at] = owner
        with torch.no_grad():
            for owner in owners.values():
                self.model._init_weights(owner)

    def _refused(self, problems: list[str]) -> UserError:
        more = len(problems) - _LISTED
        shown = [*problems[:_LISTED], *([f"and {more} more"] if more > 0 else [])]
        return UserError(
            Problem(f"{self._called}: {text}", "the layers would not be the model's own", _OTHER)
            for text in shown
        )


class _Shell(nn.Module):
    """One layer where it stands in the model, and nothing else, as the loader sees a model.

    The loader lists everything that its model holds; of the whole model that would include
    packing the quantisation state of the layer that is computing at that moment.
    """

    def __init__(self, model: PreTrainedModel, at: str, layer: nn.Module) -> None:
        super().__init__()
        self.config = model.config
        self.base_model_prefix = model.base_model_prefix
        inner: nn.Module = self
        *above, last = at.split(".")
        for name in above:
            inner.add_module(name, nn.Module())
            inner = inner.get_submodule(name)
        inner.add_module(last, layer)

    def get_parameter_or_buffer(self, target: str) -> torch.Tensor:
        """As ``PreTrainedModel`` has it."""
        at, _, name = target.rpartition(".")
        found: torch.Tensor = getattr(self.get_submodule(at), name)
        return found


def _settings(model: PreTrainedModel, device: torch.device, dtype: torch.dtype) -> Any:
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.modeling_utils import LoadStateDictConfig

    quantizer = getattr(model, "hf_quantizer", None)
    return LoadStateDictConfig(
        device_map={"": device},
        dtype=dtype,
        dtype_plan=model._get_dtype_plan(dtype),
        hf_quantizer=quantizer,
        weight_mapping=get_model_conversion_mapping(model, None, quantizer),
    )


def _on_meta(model: nn.Module) -> set[str]:
    tensors = (*model.named_parameters(), *model.named_buffers())
    return {name for name, tensor in tensors if tensor.device.type == "meta"}


def _misquantised(model: nn.Module) -> list[str]:
    """Weights that were stored in 4 bit, for a module of another size."""
    problems = []
    for name, module in model.named_modules():
        state = getattr(getattr(module, "weight", None), "quant_state", None)
        if state is None or not isinstance(module, nn.Linear):
            continue
        needed = (module.out_features, module.in_features)
        if tuple(state.shape) != needed or math.prod(needed) > 2 * module.weight.nbytes:
            problems.append(
                f"{name}.weight is {_text(state.shape)} in the file and {_text(needed)} in the "
                "model"
            )
    return problems


@contextmanager
def _no_bars() -> Iterator[None]:
    """The loader draws a bar for what it loads; a scan loads a hundred times a minute."""
    from transformers.utils import logging

    drawn = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if drawn:
            logging.enable_progress_bar()


def _text(shape: Any) -> str:
    return "x".join(map(str, shape)) or "a number"
