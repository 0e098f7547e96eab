"""A scan from its config to its verdict: search, measure again, look inside, judge."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from workbench.bases.load import free_memory
from workbench.errors import Problem, UserError
from workbench.progress import Progress
from workbench.relayer.layers_config import check_relayerable
from workbench.relayer.path import Path, parse_layer_map
from workbench.scan.config import ProbeConfig, ScanConfig
from workbench.scan.judge.agreement import agreement
from workbench.scan.judge.measured import ProbeScores
from workbench.scan.judge.result import build_result
from workbench.scan.judge.winners import choose_winners
from workbench.scan.ledger.ledger import Ledger
from workbench.scan.measure import Asked, Measurer
from workbench.scan.probes.asking import items_of
from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.items import Split
from workbench.scan.probes.probe import find_probe, probe_identity
from workbench.scan.schedule.budget import CPU_JOB, GPU_JOB, STREAMED_JOB
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.proof import largest_difference
from workbench.scan.schedule.request import Reading
from workbench.scan.schedule.workers import Alone, Crew, Workers
from workbench.scan.search.meter import Meter, base_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

GIB = 2**30

RESULT, TABLE = "scan.json", "scan.parquet"


def scan(
    config: ScanConfig,
    open_decoder: Callable[[], Decoder],
    tokenizer: PreTrainedTokenizerBase,
    *,
    out: File,
    work: File,
    progress: Progress,
    model: str,
) -> dict[str, Any]:
    """Scan a model; writes ``scan.json`` and ``scan.parquet`` into ``out``.

    ``work`` keeps the measurements: after a kill the same call goes on from them. ``open_decoder``
    is called once, and once more by each of several workers. Returns the record of the output: its
    ``path`` (the base's own where no path was confirmed to be better), and the result.

    Raises:
        UserError: a probe does not fit the model, or memory_gib is too small.
        StepFailed: the architecture cannot be scanned, or a worker died.
    """
    began = time.monotonic()
    work.mkdir(parents=True, exist_ok=True)
    decoder = open_decoder()
    n_layers, base = decoder.n_layers, base_of(decoder.n_layers)
    check_relayerable(decoder.stack.config.to_dict(), base)
    encoder = Encoder(
        tokenizer,
        chat=config.chat,
        generation=getattr(decoder.model, "generation_config", None),
        window=getattr(decoder.stack.config, "max_position_embeddings", None),
        vocabulary=getattr(decoder.stack.config, "vocab_size", None),
    )
    asked = _asked(config, encoder)
    budget = int(config.memory_gib * GIB)
    difference = _prove(config, decoder, asked, budget)
    conditions = _conditions(config, decoder, encoder, difference, model)
    most = _most_layer_tokens(decoder, config)
    workers: Workers = Alone(decoder)
    if config.workers > 1:
        # Every worker opens the model; one more copy would be one too many.
        del decoder, workers
        free_memory()
        workers = Crew(open_decoder, config.workers)
    ledger = Ledger(work / "parts", progress)
    resumed = any(ledger.paths(each.name, split) for each in asked for split in each.items)
    measurer = Measurer(
        asked,
        workers,
        ledger,
        n_layers=n_layers,
        budget_bytes=budget,
        most_layer_tokens=most,
        progress=progress,
    )
    try:
        found_by, searches = _search(config, measurer)
        searched = measurer.results("search", list(found_by), holes=config.racing is not None)
        winners = choose_winners(searched, base, config.winners)
        held_out = _held_out(measurer, asked, winners)
    finally:
        workers.close()
    anatomy = None
    if config.anatomy:
        from workbench.scan.anatomy.measure import measure_anatomy

        inside = open_decoder() if config.workers > 1 else decoder
        anatomy = measure_anatomy(
            inside, tokenizer, seed=config.seed, budget_bytes=budget, progress=progress
        )
    result = build_result(
        searched,
        held_out,
        n_layers=n_layers,
        seed=config.seed,
        base=base,
        winners=config.winners,
        found_by=found_by,
        anatomy=anatomy,
        cost={**_cost(measurer, time.monotonic() - began), "resumed": resumed},
        conditions=conditions,
        agreement=agreement(config.probes, searched),
    )
    result["searches"] = searches
    if anatomy is not None:
        from workbench.scan.anatomy.screens import screen

        result["anatomy"]["screens"] = screen(anatomy, result["paths"])
    text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
    out.mkdir(parents=True, exist_ok=True)
    (out / RESULT).write_text(text + "\n", encoding="utf-8")
    ledger.write(out / TABLE)
    best = result["verdict"]["best"]
    path = base if best is None else parse_layer_map(best, n_layers)
    return {
        "path": list(path),
        "parent_layers": n_layers,
        "scan": {key: value for key, value in result.items() if key != "paths"},
    }


def _asked(config: ScanConfig, encoder: Encoder) -> list[Asked]:
    problems: list[Problem] = []
    asked = []
    for each in config.probes:
        probe = find_probe(each.name, each.options)
        counts: dict[Split, int] = {"search": each.items, "held-out": each.held_out}
        items, wrong = items_of(each.called, probe, counts, config.seed)
        problems += wrong
        asked.append(Asked(each.called, probe, encoder, items))
    if problems:
        raise UserError(problems)
    return asked


def _prove(
    config: ScanConfig, decoder: Decoder, asked: Sequence[Asked], budget: int
) -> float | None:
    """How far the scheduler is from the model's own forward; ``None`` where layers are streamed."""
    if config.streamed:
        return None
    readings: list[Reading] = []
    for each in asked:
        question = each.of(each.items["search"][0])
        if isinstance(question, list):
            readings += question[:2]
        else:
            end = len(question.tokens) - 1
            readings.append(Reading(question.tokens, (end,), ((0,),)))
    # One of the same length beside it: some layers take what is given for one text only.
    readings.append(dataclasses.replace(readings[0], tokens=readings[0].tokens[::-1]))
    n = decoder.n_layers
    middle = (*range(n // 2 + 1), *range(n // 2, n))
    return largest_difference(decoder, [base_of(n), middle], readings, budget)


def _most_layer_tokens(decoder: Decoder, config: ScanConfig) -> int:
    layers = decoder.stack.layers
    weights = sum(p.numel() for layer in layers for p in layer.parameters()) / len(layers)
    job = CPU_JOB if decoder.device.type == "cpu" else GPU_JOB
    return max(1, int(job * (STREAMED_JOB if config.streamed else 1) / (2 * max(1.0, weights))))


def _search(config: ScanConfig, measurer: Measurer) -> tuple[dict[Path, str], dict[str, Any]]:
    """Every path measured and the search that found it first, and what the searches report."""
    from workbench.scan.search import beam, blocks, repeats, surrogate
    from workbench.scan.search.racing import Racing

    base = base_of(measurer.n_layers)
    if config.search.blocks is None:
        measurer.measure([base], label="base")
    racing = (
        Racing(measurer, config.racing, seed=config.seed, base_path=base)
        if config.racing is not None
        else None
    )
    meter: Meter = racing or measurer
    found_by: dict[Path, str] = {base: "base"}
    reports: dict[str, Any] = {}

    def keep(paths: Sequence[Path], name: str) -> None:
        for path in paths:
            found_by.setdefault(path, name)

    which = config.search
    if which.blocks is not None:
        keep(blocks.search(meter, which.blocks), "blocks")
    if which.repeats is not None:
        keep(repeats.search(meter, which.repeats), "repeats")
    if which.beam is not None:
        found = beam.search(meter, which.beam, measured=list(found_by))
        keep(found, "beam")
    if which.surrogate is not None:
        found, record = surrogate.search(
            meter, which.surrogate, seed=config.seed, measured=list(found_by)
        )
        keep(found, "surrogate")
        reports["surrogate"] = record.as_dict()
    if racing is not None:
        reports["racing"] = {"saved": racing.saved, "raced_out": len(racing.raced_out)}
    return found_by, reports


def _held_out(
    measurer: Measurer, asked: Sequence[Asked], winners: Sequence[Path]
) -> list[ProbeScores]:
    if not any(each.items["held-out"] for each in asked):
        return []
    measurer.ensure("held-out", winners, label="held out")
    return measurer.results("held-out", winners, holes=False)


def _cost(measurer: Measurer, seconds: float) -> dict[str, Any]:
    """What this call did; what an earlier one left in the ledger is not counted again."""
    cost = measurer.cost
    return {
        "layer_passes": cost.work.layer_passes,
        "naive_layer_passes": cost.work.naive_layer_passes,
        "layer_tokens": cost.work.layer_tokens,
        "tokens_per_second": round(cost.work.layer_tokens / cost.seconds) if cost.seconds else None,
        "answers": cost.answers,
        "sweeps": cost.work.sweeps,
        "seconds": round(seconds, 3),
        "measuring_seconds": round(cost.seconds, 3),
    }


def _conditions(
    config: ScanConfig, decoder: Decoder, encoder: Encoder, difference: float | None, model: str
) -> dict[str, Any]:
    from workbench.versions import versions

    return {
        "model": model,
        "chat_template": encoder.chat,
        "dtype": str(decoder.model.dtype).removeprefix("torch."),
        "device": decoder.device.type,
        "streamed": config.streamed,
        "seed": config.seed,
        "probes": [_condition(probe) for probe in config.probes],
        "largest_difference_to_the_models_own_forward": difference,
        "versions": versions(),
    }


def _condition(probe: ProbeConfig) -> dict[str, Any]:
    return {"called": probe.called, **probe_identity(probe.name, probe.options)}
