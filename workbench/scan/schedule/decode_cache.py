"""The KV caches of rows that decode together and leave when they have ended.

A *row* is one prompt under one path. What a layer keeps of its rows is a slot of transformers'
cache, and slots are of many kinds. Which of a slot's tensors hold rows, and what a row weighs, is
seen by running one, so no kind is known by name but the plain one, which gets room to grow.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import CacheLayerMixin, DynamicLayer, DynamicSlidingWindowLayer

from workbench.errors import step_failed
from workbench.scan.schedule.decoder import Decoder

#: Where a slot keeps a tensor: an attribute, or an entry of an attribute that is a dict.
Place = tuple[Any, ...]

_PLAIN = (DynamicLayer, DynamicSlidingWindowLayer)


@dataclass(frozen=True)
class SlotShape:
    """What one layer keeps of one row: ``fixed`` bytes, and ``per_token`` for each token.

    ``row_dims`` says along which dimension each of its tensors counts rows. ``plain`` slots hold
    nothing but keys and values; ``window`` is how many tokens a query of theirs sees, if not all.
    """

    row_dims: dict[Place, int]
    plain: bool
    window: int | None
    fixed: int
    per_token: int

    def nbytes(self, prompt: int, to_come: int) -> int:
        """Bytes of a row of ``prompt`` tokens with room for ``to_come`` more."""
        kept = prompt if self.window is None else min(prompt, max(1, self.window - 1))
        return self.fixed + self.per_token * (kept + to_come)


class Reserved(DynamicLayer):
    """Keys and values with room for the tokens to come, which are written in place.

    The plain slot copies all that it holds for every new token. The rooms are [rows, heads, tokens,
    width]; their first ``filled`` tokens are there, the last of ``seen`` that went by.
    """

    def __init__(
        self,
        key_room: torch.Tensor,
        value_room: torch.Tensor,
        filled: int,
        seen: int,
        window: int | None,
    ) -> None:
        super().__init__()
        self.key_room, self.value_room = key_room, value_room
        self.filled, self.seen, self.window = filled, seen, window
        self.dtype, self.device, self.is_initialized = key_room.dtype, key_room.device, True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take a token in; the keys and values that it sees."""
        end = self.filled + key_states.shape[-2]
        self.key_room[:, :, self.filled : end] = key_states
        self.value_room[:, :, self.filled : end] = value_states
        self.seen += end - self.filled
        self.filled = end
        start = 0 if self.window is None else max(0, end - self.window)
        return self.key_room[:, :, start:end], self.value_room[:, :, start:end]

    def get_seq_length(self) -> int:
        """Tokens that went by, those that slid out of the window too."""
        return self.seen


class RowCache:
    """One layer's slot for the rows of one visit: filled part by part, then decoded with."""

    def __init__(self, shape: SlotShape, rows: int, to_come: int) -> None:
        self.shape, self.rows, self.to_come = shape, rows, to_come
        self._dims = shape.row_dims
        self._filled = 0
        self._whole: dict[Place, torch.Tensor] = {}
        self._slot: CacheLayerMixin | None = None

    @property
    def slot(self) -> CacheLayerMixin:
        """The slot with all its rows, to stand in a cache."""
        if self._slot is None:
            raise ValueError(f"{self._filled} of {self.rows} rows were added")
        return self._slot

    def add(self, slot: CacheLayerMixin, index: torch.Tensor) -> None:
        """The next ``len(index)`` rows: the rows ``index`` of a slot that was just prefilled."""
        end = self._filled + len(index)
        for place, dim in self._dims.items():
            part = _get(slot, place)
            if place not in self._whole:
                size = list(part.shape)
                size[dim] = self.rows
                if self.shape.plain:
                    size[-2] += self.to_come
                self._whole[place] = part.new_empty(size)
            target = self._whole[place].narrow(dim, self._filled, len(index))
            if self.shape.plain:
                target = target.narrow(-2, 0, part.shape[-2])
            target.copy_(part.index_select(dim, index.to(part.device)))
        self._filled = end
        if end == self.rows:
            self._finish(slot)

    def keep(self, order: torch.Tensor) -> None:
        """Drop rows: row ``order[r]`` becomes row r.

        ``order[r]`` is r, or a row behind the last one that stays; so only those rows are moved.
        """
        moved = (order != torch.arange(len(order), device=order.device)).nonzero()[:, 0]
        for place, dim in self._dims.items():
            tensor = _get(self.slot, place)
            if len(moved):
                to, start = moved.to(tensor.device), order[moved].to(tensor.device)
                tensor.index_copy_(dim, to, tensor.index_select(dim, start))
            _set(self.slot, place, tensor.narrow(dim, 0, len(order)))

    def _finish(self, slot: CacheLayerMixin) -> None:
        if self.shape.plain and self._dims:
            keys, values = self._whole["keys",], self._whole["values",]
            filled = slot.keys.shape[-2]
            self._slot = Reserved(keys, values, filled, slot.get_seq_length(), self.shape.window)
            self._dims = {("key_room",): 0, ("value_room",): 0}
        else:
            for place, tensor in self._whole.items():
                _set(slot, place, tensor)
            self._slot = slot
        self._whole = {}


def measure(decoder: Decoder, layers: Iterable[int]) -> dict[int, SlotShape]:
    """What each of ``layers`` keeps of a row, seen by running one token through it and another.

    Raises:
        StepFailed: the model passes its layers no KV cache.
    """
    token = torch.zeros((1, 1), dtype=torch.long, device=decoder.device)
    first, second = decoder.enter(token), decoder.enter(token, past=1)
    shapes = {}
    for k in sorted(set(layers)):
        if first.calls[k].cache_at is None:
            raise step_failed(
                f"layer {k} of {type(decoder.model).__name__} is passed no KV cache",
                "decoding needs the keys and values of the tokens before",
                "use probes that need no generation for this architecture",
            )
        cache = decoder.new_cache()
        slot = cache.layers[k]
        with decoder.layer(k):
            decoder.run(k, first.hidden, first.calls[k], cache)
            dims = _row_dims(slot)
            one = _nbytes(slot, dims)
            decoder.run(k, second.hidden, second.calls[k], cache)
            growth = _nbytes(slot, dims) - one
        plain = type(slot) in _PLAIN
        window = slot.sliding_window if type(slot) is DynamicSlidingWindowLayer else None
        if plain:  # a window of one or two tokens is full at once, and yet gets room for each
            shapes[k] = SlotShape(dims, plain, window, 0, one)
        else:
            shapes[k] = SlotShape(dims, plain, window, one - growth, growth)
    return shapes


def _row_dims(slot: CacheLayerMixin) -> dict[Place, int]:
    """The tensors of a slot of one row that reordering makes longer, and along which dimension."""
    twice = copy.deepcopy(slot)
    twice.reorder_cache(torch.tensor([0, 0]))
    return {
        place: next(d for d, (a, b) in enumerate(zip(old.shape, new.shape, strict=True)) if a != b)
        for (place, old), (_, new) in zip(_tensors(slot), _tensors(twice), strict=True)
        if old.shape != new.shape
    }


def _tensors(slot: CacheLayerMixin) -> Iterator[tuple[Place, torch.Tensor]]:
    for name, value in vars(slot).items():
        if isinstance(value, torch.Tensor):
            yield (name,), value
        elif isinstance(value, dict):
            yield from (((name, key), v) for key, v in value.items() if isinstance(v, torch.Tensor))


def _nbytes(slot: CacheLayerMixin, places: Iterable[Place]) -> int:
    return sum(_get(slot, place).nbytes for place in places)


def _get(slot: CacheLayerMixin, place: Place) -> torch.Tensor:
    value = getattr(slot, place[0])
    tensor: torch.Tensor = value[place[1]] if len(place) == 2 else value
    return tensor


def _set(slot: CacheLayerMixin, place: Place, tensor: torch.Tensor) -> None:
    if len(place) == 2:
        getattr(slot, place[0])[place[1]] = tensor
    else:
        setattr(slot, place[0], tensor)
