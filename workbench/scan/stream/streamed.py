"""A decoder larger than memory: its layers are read from disk whenever they are run.

Embedding, norms, rotary tables and head stay in memory; a decoder layer is there while it is open.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.bases.aligned import align
from workbench.bases.checkpoint import check_folder
from workbench.bases.config import BaseConfig
from workbench.bases.load import check_architecture, device, keep_unpacked, quantisation
from workbench.bases.locate import locate, read_config
from workbench.errors import WorkbenchError, step_failed, user_error
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.stream.layer_feed import LayerFeed
from workbench.scan.stream.layer_files import Stored, TensorReader, Traffic, stored_tensors
from workbench.scan.stream.layer_weights import LayerWeights
from workbench.scan.stream.quantised_store import QuantisedStore

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel

#: How safetensors calls the floats that a model may compute in.
_FLOATS = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}


class StreamedDecoder(Decoder):
    """A decoder whose layers are in memory only while they are open.

    ``layer_bytes`` is what each takes on disk; ``traffic`` counts what reading them has cost.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        feed: LayerFeed,
        layer_bytes: tuple[int, ...],
        traffic: Traffic,
    ) -> None:
        super().__init__(model, feed.open)
        self.layer_bytes = layer_bytes
        self.traffic = traffic


def open_streamed(
    config: BaseConfig, *, prefetch: bool = True, work: Path | None = None
) -> StreamedDecoder:
    """The base of ``config``, its layers read from its safetensors files one at a time.

    Gives what ``load_model`` gives: 16- and 32-bit weights in the same dtype, weights that are
    bitsandbytes' 4 bit on disk as they are, and with ``load_in_4bit`` weights quantised when they
    are read. That takes longer than reading them: with ``work``, a folder, all layers are
    quantised once and kept there, and later reads, of later scans too, are a quarter as large.

    With ``prefetch`` the layer after the open one is read meanwhile, and two are in memory.

    Raises ``UserError`` for a checkpoint that is not whole, or quantised in a way that cannot be
    taken apart by layers, and ``StepFailed`` when transformers cannot build the model.
    """
    folder = locate(config)
    check_architecture(config)
    called = f"base_model {config.base_model!r}"
    _check_quantisation(config, called)
    stored = stored_tensors(check_folder(folder, called))
    try:
        architecture = _configuration(config, folder)
        dtype = _dtype(config, architecture, stored)
        model = _empty_model(config, architecture, folder, dtype)
        traffic = Traffic()
        reader = TensorReader(device(), traffic)
        # Parts of transformers' loader that it does not promise to keep, hence the wide net.
        weights = LayerWeights(model, stored, reader, traffic, dtype=dtype, called=called)
        keep_unpacked(model)
        weights.fill_outside()
    except WorkbenchError:
        raise
    except Exception as error:
        raise step_failed(
            f"{called} could not be built to be streamed",
            f"{type(error).__name__}: {str(error)[:600]}",
            f"scan it without streamed, or with another transformers; the folder was {folder}",
        ) from error
    align(model)
    fill, layer_bytes = weights.fill, weights.layer_bytes
    if config.load_in_4bit and work is not None:
        store = QuantisedStore(work, config, dtype, weights, reader, traffic)
        fill, layer_bytes = store.fill, store.layer_bytes
    traffic.restart()  # What opening took is not what a scan will take.
    n = len(layer_bytes)
    feed = LayerFeed(n, fill, weights.vacant.empty, traffic, prefetch=prefetch)
    return StreamedDecoder(model.eval(), feed, layer_bytes, traffic)


def _check_quantisation(config: BaseConfig, called: str) -> None:
    remedy = "use load_in_4bit: true, or scan it without streamed"
    if config.load_in_8bit:
        raise user_error(
            f"{called} is to be streamed in 8 bit",
            "bitsandbytes' 8-bit layers keep state of their own between calls, which streaming "
            "would lose",
            remedy,
        )
    found = (read_config(config) or {}).get("quantization_config")
    if found is None:
        return
    said = found if isinstance(found, dict) else {}
    method = said.get("quant_method", "an unnamed method")
    if method != "bitsandbytes" or not said.get("load_in_4bit"):
        raise user_error(
            f"{called} is quantised with {method}"
            + (" in 8 bit" if method == "bitsandbytes" else ""),
            "of quantised checkpoints only bitsandbytes' 4 bit can be read layer by layer",
            "name the unquantised checkpoint, with load_in_4bit: true to have it in less memory",
        )


def _configuration(config: BaseConfig, folder: Path) -> PreTrainedConfig:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(
        folder, local_files_only=True, trust_remote_code=config.trust_remote_code
    )


def _dtype(
    config: BaseConfig, architecture: PreTrainedConfig, stored: dict[str, Stored]
) -> torch.dtype:
    """What ``load_model`` would choose: the recipe's, else the configuration's, else the file's."""
    import torch

    if config.dtype != "auto":
        return _named(config.dtype)
    if config.load_in_4bit:
        return torch.bfloat16 if torch.cuda.is_available() else torch.float32
    own = getattr(architecture, "dtype", None)
    if own is not None:
        return _named(str(own).removeprefix("torch."))
    return _named(
        next((_FLOATS[t.dtype] for t in stored.values() if t.dtype in _FLOATS), "float32")
    )


def _named(name: str) -> torch.dtype:
    import torch

    found: torch.dtype = getattr(torch, name)
    return found


def _empty_model(
    config: BaseConfig, architecture: PreTrainedConfig, folder: Path, dtype: torch.dtype
) -> PreTrainedModel:
    """transformers' own model for the checkpoint, quantised modules and all, on the meta device."""
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig
    from transformers.quantizers import AutoHfQuantizer

    stored = getattr(architecture, "quantization_config", None)
    how = quantisation(config) if config.load_in_4bit else stored
    with torch.device("meta"):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            architecture, dtype=dtype, trust_remote_code=config.trust_remote_code
        )
    if how is not None:
        quantizer = AutoHfQuantizer.from_config(how, pre_quantized=stored is not None)
        quantizer.validate_environment(device_map={"": device()})
        quantizer.preprocess_model(model=model, dtype=dtype, device_map={"": device()})
        model.hf_quantizer = quantizer
    model.config.name_or_path = str(folder)
    if (folder / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(folder, local_files_only=True)
    return model
