"""What a recipe may say under ``merge:``: mergekit's block verbatim, read strictly.

mergekit drops what it does not know without a word, so each key is checked here, down to the
parameters that the chosen method reads. Nothing heavy is imported.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from workbench.schema import Strict

#: Raised when the same config and parents would give other weights: part of every output's key.
STEP_VERSION = 1

Index = Annotated[int, Field(ge=0)]
#: No model is this deep; a range up to a slip of the pen would be written out layer by layer.
LayerIndex = Annotated[int, Field(ge=0, le=4096)]
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
    layer_range: Annotated[list[LayerIndex], Field(min_length=2, max_length=2)]
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
    pad_to_multiple_of: Annotated[int, Field(ge=1)] | None = None


class MergeSettings(Strict):
    """What ``mergekit-yaml`` takes as command line flags, under the same names."""

    allow_crimes: bool = False
    trust_remote_code: bool = False
    low_cpu_memory: bool = False
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    out_shard_size: Annotated[str, Field(pattern=r"^[1-9][0-9]*[kKmMbB]?$")] = "2B"


class MergeConfig(Strict):
    """A merge. Every name is a base or an output of the recipe, a hub id or a local folder."""

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

    @model_validator(mode="after")
    def _every_word_is_read(self) -> MergeConfig:
        from workbench.merge.parameters import faults

        found = faults(self)
        if found:
            raise ValidationError.from_exception_data(
                type(self).__name__,
                [
                    InitErrorDetails(
                        type=PydanticCustomError(
                            "merge", "{fact}", {"fact": f.fact, "remedy": f.remedy}
                        ),
                        loc=f.path,
                        input=f.value,
                    )
                    for f in found
                ],
            )
        return self


def model_references(config: MergeConfig) -> list[str]:
    """Every model that ``config`` names, each once: the merged ones in order, then the rest."""
    names: dict[str, None] = {}
    for output_slice in slices_of(config):
        names.update(dict.fromkeys(source.model for source in output_slice.sources))
    for model in models_of(config):
        names[model.model] = None
    for output_slice in slices_of(config):
        if output_slice.base_model:
            names[output_slice.base_model] = None
    if config.base_model:
        names[config.base_model] = None
    source = tokenizer_source(config)
    if source not in (None, "union", "base"):
        names[str(source)] = None
    for token in ((config.tokenizer and config.tokenizer.tokens) or {}).values():
        named = token.source.model if isinstance(token.source, TokenFromModel) else token.source
        if named:
            names[named] = None
    return list(names)


def merged_models(config: MergeConfig) -> list[str]:
    """The models whose weights are mixed: all but those that only give tokens."""
    names = [s.model for part in slices_of(config) for s in part.sources]
    names += [model.model for model in models_of(config)]
    names += [config.base_model] if config.base_model and models_of(config) else []
    return list(dict.fromkeys(names))


def models_of(config: MergeConfig) -> list[MergeModel]:
    """The whole models that are merged, in the block's order."""
    parts = [config.models or []]
    parts += [module.models or [] for module in (config.modules or {}).values()]
    return [model for part in parts for model in part]


def slices_of(config: MergeConfig) -> list[MergeSlice]:
    """The output's slices, in the block's order."""
    parts = [config.slices or []]
    parts += [module.slices or [] for module in (config.modules or {}).values()]
    return [output_slice for part in parts for output_slice in part]


def tokenizer_source(config: MergeConfig) -> str | None:
    """``union``, ``base``, a model's name, or ``None`` where token ids are left as they are."""
    return config.tokenizer.source if config.tokenizer else config.tokenizer_source


def donor(config: MergeConfig) -> str:
    """The model that gives configuration and tokenizer: the base, or the first that is named."""
    return config.base_model or model_references(config)[0]


def needs_seed(config: MergeConfig) -> bool:
    """Whether the method draws random numbers."""
    from workbench.merge.methods import METHODS

    return METHODS[config.merge_method].random
