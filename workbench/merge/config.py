"""What a recipe may say under ``merge:``: mergekit's block verbatim, read strictly.

mergekit drops what it does not know without a word, so each key is checked here, down to the
parameters that the chosen method reads. Nothing heavy is imported.
"""

from __future__ import annotations

from pydantic import ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from workbench.merge.block import MergeBlock, MergeModel, MergeSlice, TokenFromModel
from workbench.merge.faults import faults
from workbench.merge.methods import METHODS

#: Raised when the same config and parents would give other weights: part of every output's key.
STEP_VERSION = 1


class MergeConfig(MergeBlock):
    """A merge. Every name is a base or an output of the recipe, a hub id or a local folder."""

    @model_validator(mode="after")
    def _every_word_is_read(self) -> MergeConfig:
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
    return METHODS[config.merge_method].random
