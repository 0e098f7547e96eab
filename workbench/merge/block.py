"""The keys that may stand under ``merge:``, and their types: mergekit's block verbatim."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.schema import Strict

Index = Annotated[int, Field(ge=0)]
DType = Annotated[str, Field(pattern=r"^(torch\.)?(float64|float32|bfloat16|float16)$")]
ModelName = Annotated[str, Field(min_length=1)]

#: A scalar, a gradient (list of scalars), ``{value, filter}`` or a list of those: parameters.py.
Parameters = dict[str, Any]


class MergeModel(Strict):
    """A whole model that takes part: the name of a base or an output, or a hub id."""

    model: ModelName
    parameters: Parameters | None = None


class MergeSource(Strict):
    """The layers ``[first, after_last]`` of one model."""

    model: ModelName
    layer_range: Annotated[list[Index], Field(min_length=2, max_length=2)]
    parameters: Parameters | None = None


class MergeSlice(Strict):
    """Layers of the output, in order, from one source (passthrough) or merged from several."""

    sources: Annotated[list[MergeSource], Field(min_length=1)]
    base_model: ModelName | None = None
    parameters: Parameters | None = None


class MergeModule(Strict):
    """One module of a model that has several."""

    slices: Annotated[list[MergeSlice], Field(min_length=1)] | None = None
    models: Annotated[list[MergeModel], Field(min_length=1)] | None = None
    parameters: Parameters | None = None


class TokenFromModel(Strict):
    """The embedding of one token of one model."""

    kind: Literal["model_token", "zero"]
    model: ModelName | None = None
    token_id: Index | None = None
    token: str | None = None


class TokenSource(Strict):
    """Where a token's embedding comes from: a model's name, or :class:`TokenFromModel`."""

    source: TokenFromModel | ModelName | None = None
    force: bool = False


class MergeTokenizer(Strict):
    """mergekit's ``tokenizer`` block. ``source`` is ``union``, ``base`` or a model's name."""

    source: ModelName = "union"
    tokens: dict[str, TokenSource] | None = None
    pad_to_multiple_of: Annotated[int, Field(ge=1, le=65536)] | None = None


class MergeSettings(Strict):
    """What ``mergekit-yaml`` takes as command line flags, under the same names."""

    allow_crimes: bool = False
    trust_remote_code: bool = False
    low_cpu_memory: bool = False
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    out_shard_size: Annotated[str, Field(pattern=r"^[1-9][0-9]*[kKmMbB]?$")] = "2B"


class MergeBlock(Strict):
    """All the keys of a merge, each of the right type; what they say together is not looked at."""

    merge_method: str = Field(min_length=1)
    models: Annotated[list[MergeModel], Field(min_length=1)] | None = None
    slices: Annotated[list[MergeSlice], Field(min_length=1)] | None = None
    modules: Annotated[dict[str, MergeModule], Field(min_length=1)] | None = None
    base_model: ModelName | None = None
    parameters: Parameters | None = None
    dtype: DType | None = None
    out_dtype: DType | None = None
    tokenizer_source: ModelName | None = None
    tokenizer: MergeTokenizer | None = None
    chat_template: str | None = None
    options: MergeSettings = MergeSettings()
