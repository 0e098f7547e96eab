"""From a model's description to a module in memory; the base is loaded once and shared."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.bases.config import BaseConfig
from workbench.bases.spec import AdapterStep, ModelSpec, PathStep
from workbench.errors import user_error
from workbench.progress import Progress, Silent

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from workbench.scan.config import ScanConfig
    from workbench.scan.schedule.decoder import Decoder


class Loaded:
    """The one base in memory. Asking for another one lets go of it first.

    Every model given out is a structural copy over the base's own tensors, so what is laid over
    one output never reaches the next.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress or Silent()
        self._config: BaseConfig | None = None
        self._quantised = True
        self._base: PreTrainedModel | None = None

    def base(self, config: BaseConfig, *, quantised: bool = True) -> PreTrainedModel:
        """The pristine base; callers take a :func:`~workbench.bases.share.share` of it."""
        from workbench.bases.load import load_model

        quantised = quantised and (config.load_in_4bit or config.load_in_8bit)
        if self._base is None or (self._config, self._quantised) != (config, quantised):
            self.drop()
            self._progress.line(f"loading {config.base_model}")
            self._base = load_model(config, quantised=quantised)
            self._config, self._quantised = config, quantised
        return self._base

    def drop(self) -> None:
        """Let go of the base, on the accelerator too."""
        from workbench.bases.load import free_memory

        self._base = None
        free_memory()

    def model(self, spec: ModelSpec, *, quantised: bool = True) -> PreTrainedModel:
        """The model that ``spec`` describes, in evaluation mode, no weight copied."""
        from workbench.bases.share import share

        model = share(self.base(spec.root, quantised=quantised))
        for number, step in enumerate(spec.steps):
            if isinstance(step, AdapterStep):
                from workbench.finetune.attach import attach

                attach(model, step.folder, f"step{number}")
            else:
                from workbench.relayer.reference import apply_path

                apply_path(model, step.layers)
        return model.eval()


def open_decoder(spec: ModelSpec, streamed: bool, work: Path) -> Decoder:
    """A scan's decoder over a model of its own: loaded whole, or its layers read from the disk.

    What a streamed base has to be quantised into is kept in ``work``.

    Raises:
        UserError: an output is to be streamed: it has no layers of its own on the disk.
    """
    from workbench.scan.schedule.decoder import Decoder

    if streamed and spec.steps:
        raise user_error(
            "the model is an output, and streamed reads the layers of a base",
            "an adapter or a layer path has no layers of its own on the disk",
            "leave streamed out, or export the output and scan the folder as a base",
        )
    if streamed:
        from workbench.scan.stream.streamed import open_streamed

        return open_streamed(spec.root, work=work)
    return Decoder(Loaded().model(spec))


def decoders(
    spec: ModelSpec, config: ScanConfig, work: Path, loaded: Loaded
) -> Callable[[], Decoder]:
    """How a scan opens ``spec``: over the base in memory if it can, else with one of its own.

    Several workers and a streamed scan have no use for the loaded base; it is let go of.
    """
    from workbench.scan.schedule.decoder import Decoder

    if config.workers == 1 and not config.streamed:
        return lambda: Decoder(loaded.model(spec))
    loaded.drop()
    return functools.partial(open_decoder, spec, config.streamed, work)


def tokenizer_of(spec: ModelSpec) -> PreTrainedTokenizerBase:
    """The tokenizer, with its chat template, that belongs to the model of ``spec``."""
    from workbench.bases.load import load_tokenizer

    return load_tokenizer(spec.root, spec.tokenizer)


def last_path(spec: ModelSpec) -> tuple[int, ...] | None:
    """The newest layer path of a model, or ``None``: where its seams are."""
    for step in reversed(spec.steps):
        if isinstance(step, PathStep):
            return step.layers
    return None
