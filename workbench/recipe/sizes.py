"""How large things are: parameters of a base, of a LoRA, and the bytes each takes.

Counts come from the safetensors headers where the weights are here, else from the catalogue, else
from ``config.json`` by the arithmetic of a gated transformer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.bases.config import BaseConfig
from workbench.bases.stack import layer_count, text_config
from workbench.recipe.paths import local_folder

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "float64": 8, "F32": 4, "F16": 2, "BF16": 2}

#: NF4 with double quantisation: 4 bits and 0.127 bits of constants a weight (QLoRA, section 3).
NF4_BYTES = 4.127 / 8
INT8_BYTES = 1.0

#: Classes whose layers have the seven linear modules of Llama.
PLAIN = frozenset(
    {
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen3ForCausalLM",
        "Gemma2ForCausalLM",
        "Gemma3ForCausalLM",
        "Gemma3ForConditionalGeneration",
        "Olmo2ForCausalLM",
        "SmolLM3ForCausalLM",
        "Ernie4_5ForCausalLM",
        "MiniCPMForCausalLM",
    }
)
_QKV = ("q_proj", "k_proj", "v_proj")
_GATE_UP = {"gate_up_proj": ("gate_proj", "up_proj"), "down_proj": ("down_proj",)}
_GLM = {name: (name,) for name in (*_QKV, "o_proj")} | _GATE_UP
#: Classes that compute several of the seven at once: which of them each linear module stands for.
FUSED: dict[str, dict[str, tuple[str, ...]]] = {
    "Phi3ForCausalLM": {"qkv_proj": _QKV, "o_proj": ("o_proj",), **_GATE_UP},
    "GlmForCausalLM": _GLM,
    "Glm4ForCausalLM": _GLM,
}


@dataclass(frozen=True)
class Dimensions:
    """The sizes of a decoder, as ``config.json`` has them."""

    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    layers: int
    experts: int
    tied: bool
    architecture: str = ""
    #: Whether some of these are guessed from the number of parameters.
    guessed: bool = False

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of each linear module of one layer, under the model's own names."""
        plain = self._projections
        fused = FUSED.get(self.architecture)
        if fused is None:
            return plain
        return {
            name: (plain[parts[0]][0], sum(plain[part][1] for part in parts))
            for name, parts in fused.items()
        }

    @property
    def linears_are_known(self) -> bool:
        """Whether :attr:`linears` are those of the model to the letter."""
        named = self.architecture in PLAIN or self.architecture in FUSED
        return named and self.experts == 1 and not self.guessed

    @property
    def _projections(self) -> dict[str, tuple[int, int]]:
        attention, pair = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "q_proj": (self.hidden, attention),
            "k_proj": (self.hidden, pair),
            "v_proj": (self.hidden, pair),
            "o_proj": (attention, self.hidden),
            "gate_proj": (self.hidden, self.intermediate),
            "up_proj": (self.hidden, self.intermediate),
            "down_proj": (self.intermediate, self.hidden),
        }

    @property
    def linear_parameters(self) -> int:
        """Weights of all linear modules of all layers; each expert has an MLP of its own."""
        sizes = {name: n * m for name, (n, m) in self._projections.items()}
        mlp = sum(sizes[name] for name in ("gate_proj", "up_proj", "down_proj"))
        return self.layers * (sum(sizes.values()) + (self.experts - 1) * mlp)

    @property
    def embedding_parameters(self) -> int:
        return self.vocabulary * self.hidden * (1 if self.tied else 2)


def dimensions(config: Mapping[str, Any] | None) -> Dimensions | None:
    """The sizes in a ``config.json``; ``None`` where it does not say."""
    if config is None:
        return None
    inner = text_config(config)
    hidden = inner.get("hidden_size") or inner.get("n_embd")
    heads = inner.get("num_attention_heads") or inner.get("n_head")
    layers = layer_count(config)
    if not (isinstance(hidden, int) and isinstance(heads, int) and heads and layers):
        return None
    experts = next(
        (
            inner[k]
            for k in ("num_experts", "num_local_experts", "n_routed_experts")
            if inner.get(k)
        ),
        1,
    )
    wide = inner.get("moe_intermediate_size") if experts > 1 else None
    return Dimensions(
        hidden=hidden,
        intermediate=int(wide or inner.get("intermediate_size") or 4 * hidden),
        heads=heads,
        kv_heads=int(inner.get("num_key_value_heads") or heads),
        head_dim=int(inner.get("head_dim") or hidden // heads),
        vocabulary=int(inner.get("vocab_size") or 0),
        layers=layers,
        experts=int(experts),
        tied=bool(inner.get("tie_word_embeddings", config.get("tie_word_embeddings", False))),
        architecture=str((config.get("architectures") or [""])[0]),
    )


@dataclass(frozen=True)
class BaseSize:
    """``parameters`` of a base, and the bytes of one as stored. ``source`` says who counted.

    ``active`` of them work on a token: fewer in a mixture of experts, where that is known.
    """

    parameters: int
    stored_bytes: float
    source: str
    here: bool
    active: int


def base_size(base: BaseConfig, config: Mapping[str, Any] | None) -> BaseSize | None:
    """The size of a base; ``None`` where nothing tells it."""
    folder = local_folder(base)
    counted = _from_headers(folder) if folder is not None else None
    from workbench.bases.derived import derived_from, known

    entry = known(base.base_model)
    active = entry.active_parameters if entry else None
    if counted is not None:
        parameters, stored = counted
        return BaseSize(parameters, stored, "safetensors", True, active or parameters)
    stored = _stored_bytes(config)
    if entry is not None and entry.parameters:
        parameters = entry.parameters
        made = derived_from(base.base_model)
        if made is not None and made.dtype is not None:
            stored = BYTES[made.dtype]
        return BaseSize(parameters, stored, "catalogue", False, active or parameters)
    dims = dimensions(config)
    if dims is None:
        return None
    parameters = dims.linear_parameters + dims.embedding_parameters
    return BaseSize(parameters, stored, "config.json", False, parameters)


def loaded_bytes(size: BaseSize, base: BaseConfig, dims: Dimensions | None) -> int:
    """Bytes of the base's weights once loaded at its dtype and quantisation."""
    plain = BYTES.get(base.dtype, size.stored_bytes)
    if not (base.load_in_4bit or base.load_in_8bit):
        return math.ceil(size.parameters * plain)
    # Only linear modules are quantised; embeddings, head and norms stay as they are.
    kept = dims.embedding_parameters if dims else size.parameters // 10
    packed = NF4_BYTES if base.load_in_4bit else INT8_BYTES
    return math.ceil(max(0, size.parameters - kept) * packed + kept * min(plain, 4))


def lora_parameters(
    dims: Dimensions, r: int, targets: list[str] | str, trained_layers: int, dora: bool
) -> int:
    """Weights of a LoRA: ``r * (inputs + outputs)`` a module; DoRA adds one an output."""
    linears = dims.linears
    if isinstance(targets, list):
        wanted = [linears.get(t.rsplit(".", 1)[-1], (dims.hidden, dims.hidden)) for t in targets]
    else:
        wanted = list(linears.values())
    each = sum(r * (n + m) + (m if dora else 0) for n, m in wanted)
    return each * trained_layers


def _from_headers(folder: Path) -> tuple[int, float] | None:
    """Weights in the safetensors files of ``folder``, and the mean bytes of one."""
    from workbench.bases.checkpoint import header

    parameters, stored = 0, 0.0
    try:
        for file in folder.glob("*.safetensors"):
            for tensor in header(file)[0].values():
                count = math.prod(tensor["shape"])
                parameters += count
                stored += count * BYTES.get(tensor["dtype"], 1)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (parameters, stored / parameters) if parameters else None


def _stored_bytes(config: Mapping[str, Any] | None) -> float:
    inner = text_config(config) if config else {}
    word = str(inner.get("dtype") or inner.get("torch_dtype") or "bfloat16")
    return BYTES.get(word.removeprefix("torch."), 2)


def human_bytes(number: float) -> str:
    """Bytes as people read them: 640 kB, 1.2 GB."""
    return f"{_scaled(number, ' kMGT')}B"


def human_count(number: float) -> str:
    """A number as people say it: 800, 1.6M, 7.2B."""
    return _scaled(number, " kMBT").replace(" ", "")


def _scaled(number: float, letters: str) -> str:
    power = 0
    while number >= 999.5 and power < len(letters) - 1:
        number /= 1000
        power += 1
    digits = f"{number:.1f}" if power and number < 99.95 else f"{number:.0f}"
    return f"{digits} {letters[power].strip()}"
