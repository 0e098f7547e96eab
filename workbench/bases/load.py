"""A base in memory: its model, quantised if the recipe says so, and its tokenizer."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.bases.aligned import align
from workbench.bases.config import BaseConfig
from workbench.bases.identity import chat_template_text
from workbench.bases.locate import locate, read_config
from workbench.errors import step_failed, user_error

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: Tokens that families keep for padding without saying so in their tokenizer's configuration,
#: then tokens that never occur in text.
PADS = (
    "<|finetune_right_pad_id|>",
    "<|fim_pad|>",
    "<pad>",
    "<|pad|>",
    "[PAD]",
    "<|endoftext|>",
    "<|PAD_TOKEN|>",
    "<|extra_0|>",
    "<|reserved_special_token_0|>",
    "<unk>",
)

#: NF4 with its scales against 16-bit weights, and how full of weights a card may be.
_NF4_SHARE, _FULL = 0.27, 0.8


def device() -> torch.device:
    """Where models go: this process's CUDA device if there is one, else the CPU."""
    import torch

    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def free_memory() -> None:
    """Give back what was let go of, on the accelerator too."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def load_model(config: BaseConfig, *, quantised: bool = True) -> PreTrainedModel:
    """The base's causal LM in eval mode on :func:`device`, its parameters frozen.

    ``dtype: auto`` is the precision of the base's own configuration. With ``load_in_4bit`` (NF4,
    double quantisation) or ``load_in_8bit`` the linear layers are quantised, unless ``quantised``
    is false, as merging needs. Raises ``UserError`` for what the user can mend and ``StepFailed``
    when transformers cannot load the checkpoint.
    """
    import torch
    from transformers import AutoModelForCausalLM

    folder = locate(config)
    check_architecture(config)
    options: dict[str, Any] = {"dtype": config.dtype}
    if quantised and (config.load_in_4bit or config.load_in_8bit):
        options["quantization_config"] = quantisation(config)
        if config.dtype == "auto":
            # What is not quantised (norms, embeddings) computes beside kernels of one precision.
            options["dtype"] = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            folder,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=config.trust_remote_code,
            device_map=_placement(folder, quantised and config.load_in_4bit),
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise step_failed(
            f"base_model {config.base_model!r} could not be loaded",
            f"{type(error).__name__}: {str(error)[:600]}",
            "the folder was " + str(folder),
        ) from error
    if report["missing_keys"]:
        lost = sorted(report["missing_keys"])
        raise user_error(
            f"base_model {config.base_model!r} lacks {len(lost)} tensors, such as {lost[0]}",
            "they would be filled with random numbers",
            "use a complete checkpoint of a causal language model",
        )
    keep_unpacked(model)
    align(model)
    # Everything that is trained is added later; nothing of the base itself ever is.
    return model.eval().requires_grad_(False)


def load_tokenizer(config: BaseConfig, folder: Path | None = None) -> PreTrainedTokenizerBase:
    """The tokenizer in ``folder`` (an output's) or the base's own, with a pad token of its own.

    The recipe's ``chat_template`` replaces the base's, not an output's. Padding with EOS teaches
    a model never to stop, since padding is not trained on; so another token is found for it (see
    :func:`choose_pad`). Raises ``UserError`` when there is no tokenizer, or more tokens than
    embeddings.
    """
    from transformers import AutoTokenizer

    place = folder or locate(config)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            place, local_files_only=True, trust_remote_code=config.trust_remote_code
        )
    except Exception as error:  # tokenizers raises nothing narrower
        raise user_error(
            f"{place} has no tokenizer that loads",
            f"{type(error).__name__}: {str(error).splitlines()[0][:300] if str(error) else ''}",
            "copy tokenizer.json and tokenizer_config.json of the same model family there",
        ) from error
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):
        # Where the files are missing, a class named in config.json loads without any word.
        raise user_error(
            f"{place} has no tokenizer that knows any word",
            "tokenizer.json, or the vocabulary beside tokenizer_config.json, is missing",
            "copy tokenizer.json and tokenizer_config.json of the same model family there",
        )
    model_config = read_config(config) or {}
    rows = model_config.get("text_config", model_config).get("vocab_size")
    if rows is not None and folder is None and len(tokenizer) > rows:
        raise user_error(
            f"the tokenizer in {place} has {len(tokenizer)} tokens and the model {rows} embeddings",
            "a token without an embedding ends in an index error",
            "use the tokenizer that belongs to these weights",
        )
    choose_pad(tokenizer, rows)
    if config.chat_template is not None and folder is None:
        tokenizer.chat_template = chat_template_text(config.chat_template)
    return tokenizer


def choose_pad(tokenizer: PreTrainedTokenizerBase, rows: int | None) -> None:
    """Give ``tokenizer`` a pad token that is not EOS, in place.

    In this order: its own; one of :data:`PADS` in its vocabulary; a new token on an embedding row
    that the model has to spare (``rows`` is how many it has). Failing all, EOS with a warning.
    """
    own = tokenizer.pad_token_id
    if own is not None and own != tokenizer.eos_token_id:
        return
    vocabulary = tokenizer.get_vocab()
    for token in PADS:
        if token in vocabulary and vocabulary[token] != tokenizer.eos_token_id:
            tokenizer.pad_token = token
            return
    if rows is not None and len(tokenizer) < rows:
        tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
        return
    tokenizer.pad_token = tokenizer.eos_token
    warnings.warn(
        f"no token to pad with but EOS ({tokenizer.eos_token}): training must mask padding by "
        "position, not by token",
        stacklevel=2,
    )


def _placement(folder: Path, in_4bit: bool) -> Any:
    """One device, unless the weights would fill it and there are more: then all cards evenly."""
    import torch

    here = {"": device()}
    if torch.cuda.device_count() < 2:
        return here
    stored = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    weights = stored * _NF4_SHARE if in_4bit else stored
    card = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    return "balanced" if weights > _FULL * card else here


def quantisation(config: BaseConfig) -> Any:
    """How ``load_in_4bit`` or ``load_in_8bit`` quantises, as transformers takes it."""
    import torch
    from transformers import BitsAndBytesConfig

    if config.load_in_8bit:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if torch.cuda.is_available() else torch.float32,
    )


def keep_unpacked(model: nn.Module) -> None:
    """Stop bitsandbytes from repacking 4-bit weights at the first evaluation on an AVX-512 CPU.

    The packed kernel has no backward pass, and the repacked weight would be shared with every
    copy: once a base were evaluated, nothing on it could be trained. Packing also rounds the
    scales, so that scores would depend on what ran before.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            setattr(module, "support_avx512bf16_for_cpu", False)  # noqa: B010


def check_architecture(config: BaseConfig) -> None:
    """Raises ``UserError`` for a model type that cannot be loaded, or quantised, as asked."""
    from transformers import CONFIG_MAPPING

    found = read_config(config) or {}
    called = f"base_model {config.base_model!r}"
    kind = found.get("model_type")
    if kind not in CONFIG_MAPPING and not config.trust_remote_code:
        if "auto_map" in found:
            raise user_error(
                f"{called} brings its own code for model_type {kind!r}",
                "transformers does not know that architecture, and code from a checkpoint can do "
                "anything on this machine",
                "read the code; if you trust it, add trust_remote_code: true to the base",
            )
        raise user_error(
            f"{called} is of model_type {kind!r}, which this transformers does not know",
            "it is misspelt in config.json, or newer than the installed version",
            "upgrade transformers, or choose another base",
        )
    if "quantization_config" in found and (config.load_in_4bit or config.load_in_8bit):
        raise user_error(
            f"{called} is quantised already",
            "its weights cannot be quantised a second time",
            "remove load_in_4bit/load_in_8bit, or name the unquantised checkpoint",
        )
