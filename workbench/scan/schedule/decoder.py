"""A causal LM opened up: its way in, its decoder layers one by one, its way out.

Everything that an architecture does around its layers (embedding, masks, rotary tables, final norm,
head, soft caps) is done by the model's own ``forward``, with the layers' own ``forward`` taken out
of the way for the moment. So nothing here knows an architecture by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.bases.stack import find_stack
from workbench.errors import step_failed

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel
    from transformers.cache_utils import Cache

#: How a layer's first argument is called where it is passed by name.
_HIDDEN = "hidden_states"


class _Entered(Exception):
    """Ends a model's forward once all that is wanted of it has been seen."""


@dataclass(frozen=True)
class Call:
    """What the model passes to one of its layers beside the hidden state, for a batch of one.

    Batch dimensions of 1 broadcast, so the same call serves a batch of any size whose rows share
    their positions.
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    #: Where the KV cache is passed: a keyword, a place among ``args``, or nowhere.
    cache_at: str | int | None

    def with_cache(self, cache: Cache | None) -> tuple[list[Any], dict[str, Any]]:
        """The arguments with ``cache`` in its place."""
        args, kwargs = list(self.args), dict(self.kwargs)
        if isinstance(self.cache_at, str):
            kwargs[self.cache_at] = cache
        elif self.cache_at is not None:
            args[self.cache_at] = cache
        return args, kwargs


@dataclass(frozen=True)
class Entry:
    """Tokens on their way in: ``hidden`` [B, L, D] before layer 0, and a call for each layer."""

    hidden: torch.Tensor
    calls: tuple[Call, ...]


class Decoder:
    """The decoder layers of ``model``, to be run in any order.

    ``model`` is in evaluation mode and is left as it was after every method. ``open_layer(k)`` says
    how the weights of layer k come into memory; the default is that they are there already.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        open_layer: Callable[[int], AbstractContextManager[None]] | None = None,
    ) -> None:
        self.model = model
        self.stack = find_stack(model)
        self._open_layer = open_layer
        self._open: int | None = None
        #: What a layer returns: a tuple of so many, or (0) its hidden state bare.
        self._tuple_length: int | None = None

    @property
    def n_layers(self) -> int:
        """How many decoder layers there are."""
        return len(self.stack.layers)

    @property
    def device(self) -> torch.device:
        """Where token ids go."""
        device: torch.device = self.model.get_input_embeddings().weight.device
        return device

    @contextmanager
    def layer(self, k: int) -> Iterator[None]:
        """Holds the weights of layer ``k`` in memory while the block lasts."""
        if self._open == k:
            yield
            return
        before, self._open = self._open, k
        try:
            with self._open_layer(k) if self._open_layer else nullcontext():
                yield
        finally:
            self._open = before

    def enter(self, tokens: torch.Tensor, past: int = 0) -> Entry:
        """The hidden state before layer 0 of ``tokens`` [B, L], which follow ``past`` others.

        All rows stand at the same positions, and none is masked: shorter rows are padded on the
        right, where a causal layer never looks.
        """
        self._learn_return_type()
        seen: list[Call] = []
        hidden = self._first_hidden(tokens, past)

        def record(k: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
            given, call = _split(args, kwargs, cache)
            seen.append(call)
            if k == self.n_layers - 1:
                raise _Entered
            return given

        cache = self._stub_cache(past)
        self._forward(tokens[:1], cache, record, past)
        return Entry(hidden, tuple(seen))

    def run(
        self, k: int, hidden: torch.Tensor, call: Call, cache: Cache | None = None
    ) -> torch.Tensor:
        """Layer ``k`` over ``hidden`` [B, L, D]; ``cache`` is read and extended in its slot k."""
        import torch

        with self.layer(k), torch.no_grad():
            args, kwargs = call.with_cache(cache)
            out = self.stack.layers[k](self._at(k, hidden), *args, **kwargs)
        return _tensor(out)

    def joined(self, k: int, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """``parts`` [B, L, D] end to end, on the device of layer ``k``.

        With a model over several cards, what goes back to a layer comes from several of them.
        """
        import torch

        return torch.cat([self._at(k, part) for part in parts])

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """What the model says of the next token after each of ``hidden`` [n, D]: [n, V] floats."""
        import torch

        def inject(k: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
            return hidden[:, None] if k == 0 else _split(args, kwargs, None)[0]

        self._learn_return_type()
        tokens = torch.zeros((len(hidden), 1), dtype=torch.long, device=self.device)
        with torch.no_grad(), self._replaced(inject):
            out = self.model(input_ids=tokens, use_cache=False).logits
        return out[:, 0].float()

    def new_cache(self) -> Cache:
        """An empty KV cache with a slot of the right kind for every layer."""
        from transformers import DynamicCache

        return DynamicCache(config=self.model.config)

    def _at(self, k: int, hidden: torch.Tensor) -> torch.Tensor:
        return hidden.to(_device_of(self.stack.layers[k], hidden.device))

    def _first_hidden(self, tokens: torch.Tensor, past: int) -> torch.Tensor:
        found: list[torch.Tensor] = []
        cache = self._stub_cache(past)

        def stop(k: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
            found.append(_split(args, kwargs, cache)[0])
            raise _Entered

        self._forward(tokens, cache, stop, past)
        return found[0]

    def _stub_cache(self, past: int) -> Cache:
        """A cache that says it holds ``past`` tokens, for the masks' sake, and holds nothing."""
        import torch

        cache = self.new_cache()
        if past:
            nothing = torch.zeros((1, 1, past, 1), device=self.device)
            for slot in cache.layers:
                if hasattr(slot, "keys"):
                    slot.update(nothing, nothing)
        return cache

    def _forward(
        self, tokens: torch.Tensor, cache: Cache, instead: _Instead, past: int = 0
    ) -> None:
        import torch

        extra = {}
        if past and "position_ids" in inspect.signature(self.model.forward).parameters:
            # Some models (Bamba) count from 0 unless told, whatever their cache holds.
            end = past + tokens.shape[1]
            extra["position_ids"] = torch.arange(past, end, device=tokens.device)[None]
        with torch.no_grad(), self._replaced(instead):
            try:
                self.model(input_ids=tokens, past_key_values=cache, use_cache=True, **extra)
            except _Entered:
                return
        raise step_failed(
            f"{type(self.model).__name__} ran to its end without its last decoder layer",
            "its forward does not run every layer of its stack in order",
            "this architecture cannot be scanned; scan another base",
        )

    @contextmanager
    def _replaced(self, instead: _Instead) -> Iterator[None]:
        """Every layer's ``forward`` stands aside for ``instead(k, args, kwargs)``."""
        layers = list(self.stack.layers)
        # A forward of its own hangs on a layer where accelerate has put a hook.
        own = [vars(layer).get("forward") for layer in layers]
        length = self._tuple_length

        def stand_in(k: int) -> Callable[..., Any]:
            def forward(*args: Any, **kwargs: Any) -> Any:
                out = instead(k, args, kwargs)
                return (out, *[None] * (length - 1)) if length else out

            return forward

        for k, layer in enumerate(layers):
            vars(layer)["forward"] = stand_in(k)
        try:
            yield
        finally:
            for layer, forward in zip(layers, own, strict=True):
                if forward is None:
                    del vars(layer)["forward"]
                else:
                    vars(layer)["forward"] = forward

    def _learn_return_type(self) -> None:
        """Whether a layer gives its hidden state bare or as the first of a tuple, and how long."""
        import torch

        if self._tuple_length is not None:
            return
        seen: list[tuple[torch.Tensor, Call]] = []
        cache = self._stub_cache(0)

        def stop(k: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
            seen.append(_split(args, kwargs, cache))
            raise _Entered

        self._forward(torch.zeros((1, 2), dtype=torch.long, device=self.device), cache, stop)
        hidden, call = seen[0]
        args, kwargs = call.with_cache(None)
        with self.layer(0), torch.no_grad():
            out = self.stack.layers[0](hidden, *args, **kwargs)
        self._tuple_length = len(out) if isinstance(out, tuple) else 0


_Instead = Callable[[int, tuple[Any, ...], dict[str, Any]], Any]


def _split(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], cache: Cache | None
) -> tuple[torch.Tensor, Call]:
    """A layer's arguments: its hidden state, and the rest with the place of the cache."""
    rest = dict(kwargs)
    hidden = rest.pop(_HIDDEN) if _HIDDEN in rest else args[0]
    others = args if _HIDDEN in kwargs else args[1:]
    places: list[tuple[str | int, Any]] = [*rest.items(), *enumerate(others)]
    cache_at = next((at for at, value in places if cache is not None and value is cache), None)
    return hidden, Call(tuple(others), rest, cache_at)


def _tensor(out: Any) -> torch.Tensor:
    tensor: torch.Tensor = out[0] if isinstance(out, tuple) else out
    return tensor


def _device_of(layer: nn.Module, otherwise: torch.device) -> torch.device:
    first = next(layer.parameters(), None)
    return first.device if first is not None and first.device.type != "meta" else otherwise
