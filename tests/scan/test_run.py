"""A scan as a whole: what it keeps, what a kill costs, who may share the work."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas
import pytest
import torch

from tests.scan.naive import logprobs
from workbench.bases.config import BaseConfig
from workbench.bases.load import load_model, load_tokenizer
from workbench.bases.spec import ModelSpec
from workbench.engine.realise import open_decoder
from workbench.errors import StepFailed, UserError
from workbench.progress import Silent
from workbench.relayer.path import parse_layer_map
from workbench.scan import grid
from workbench.scan.config import ScanConfig
from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.probe import find_probe
from workbench.scan.run import scan


def config(**fields: object) -> ScanConfig:
    probes = [{"name": "lm", "items": 4, "held_out": 4}]
    given = {"model": "x", "probes": probes, "anatomy": False, "winners": 2, **fields}
    return ScanConfig.model_validate(given)


class Scans:
    """Runs scans of one checkpoint, each in a folder of its own or in one that is there."""

    def __init__(self, checkpoint: Path, folder: Path, **base: object) -> None:
        self.base = BaseConfig(base_model=str(checkpoint), **base)
        self.folder = folder

    def run(self, settings: ScanConfig, name: str = "a", progress=None):
        out, work = self.folder / name, self.folder / f"{name}-work"
        out.mkdir(exist_ok=True)
        record = scan(
            settings,
            functools.partial(open_decoder, ModelSpec(self.base), settings.streamed, work),
            load_tokenizer(self.base),
            out=out,
            work=work,
            progress=progress or Silent(),
            model="x",
        )
        result = json.loads((out / "scan.json").read_text())
        return record, result, pandas.read_parquet(out / "scan.parquet")


@pytest.fixture
def scans(tiny_folder, tmp_path: Path) -> Scans:
    return Scans(tiny_folder("qwen2", num_hidden_layers=4), tmp_path)


def same(a: pandas.DataFrame, b: pandas.DataFrame) -> bool:
    """Whether two tables hold the same scores, whatever batches they were computed in."""
    keys = ["path", "probe", "split", "item", "metric"]
    x, y = (table.set_index(keys).sort_index() for table in (a, b))
    return x.index.equals(y.index) and bool((x.score - y.score).abs().max() < 1e-5)


def test_every_path_is_kept_with_the_score_of_a_model_of_its_own(scans):
    record, result, table = scans.run(config())
    paths = {path["path"] for path in result["paths"]}
    assert len(paths) == grid.count(4) == 11
    search = table[table.split == "search"]
    assert set(search.path) == paths and len(search.item.unique()) == 4
    assert set(table.columns) >= {"path", "extra_layers", "probe", "item", "score", "overflow"}

    model, tokenizer = load_model(scans.base), load_tokenizer(scans.base)
    probe = find_probe("lm", {})
    item = probe.items(4, seed=0, split="search")[2]
    readings = probe.ask(item, Encoder(tokenizer, chat=True))
    layers = parse_layer_map("0..2,1..3", 4)
    per_token = logprobs(model, layers, readings)
    wanted = sum(x for reading in per_token for at in reading for x in at)
    row = search[(search.path == "0..2,1..3") & (search.item == item.id)]
    by_metric = dict(zip(row.metric, row.score, strict=True))
    tokens = sum(len(reading) for reading in per_token)
    assert by_metric[probe.metrics[0]] == pytest.approx(wanted / tokens, abs=1e-5)
    assert record["path"] == list(parse_layer_map(result["verdict"]["best"] or "0..3", 4))


class _Stops(Silent):
    """Presses Ctrl-C when a bar has been moved on ``after`` times."""

    def __init__(self, after: int) -> None:
        self.left = after

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[object]:
        def tick(advance: int = 1, note: str = "") -> None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt

        yield tick


def test_an_interrupted_scan_goes_on_and_measures_nothing_twice(scans, monkeypatch):
    monkeypatch.setattr("workbench.scan.run.CPU_JOB", 1e6)  # many small jobs
    whole, reference, table = scans.run(config(), "whole")
    for after in (30, 60, 90):
        with pytest.raises(KeyboardInterrupt):
            scans.run(config(), "stopped", _Stops(after))
    parts = len(list((scans.folder / "stopped-work" / "parts").glob("*.parquet")))
    assert parts > 1
    record, result, resumed = scans.run(config(), "stopped")
    assert 0 < result["cost"]["answers"] < reference["cost"]["answers"]
    assert (result["cost"]["resumed"], reference["cost"]["resumed"]) == (True, False)
    assert same(table, resumed)
    assert record["path"] == whole["path"]
    assert not resumed.duplicated(["path", "probe", "split", "item", "metric"]).any()


def test_several_workers_find_what_one_finds(scans, monkeypatch):
    monkeypatch.setattr("workbench.scan.run.CPU_JOB", 2e7)
    _, _, alone = scans.run(config(), "alone")
    _, _, crew = scans.run(config(workers=2), "crew")
    assert same(alone, crew)


def test_a_streamed_scan_finds_the_same(scans):
    _, _, resident = scans.run(config(), "resident")
    _, result, streamed = scans.run(config(streamed=True), "streamed")
    assert same(resident, streamed)
    assert result["conditions"]["streamed"] is True


def test_forward_and_generated_probes_with_every_search(scans):
    probes = [
        {"name": "multiple-choice", "items": 4, "held_out": 4},
        {"name": "math-guess", "items": 3, "held_out": 0, "options": {"max_new_tokens": 4}},
    ]
    search = {
        "blocks": {"max_extra": 2},
        "repeats": {"times": [3]},
        "beam": {"width": 2, "choices": 2, "blocks": 2},
        "surrogate": {"candidates": 200, "measure": 4, "rounds": 1},
    }
    _, result, table = scans.run(config(probes=probes, search=search, anatomy=True))
    by = {path["search"] for path in result["paths"]}
    assert {"base", "blocks", "repeats"} <= by
    assert set(table.probe) == {"multiple-choice", "math-guess"}
    assert [probe["needs_generation"] for probe in result["probes"]] == [False, True]
    assert result["anatomy"]["layers"] and result["anatomy"]["screens"]
    assert result["searches"]["surrogate"]["ranked"] > 0


def test_racing_leaves_holes_and_says_so(scans):
    settings = config(
        probes=[{"name": "lm", "items": 8, "held_out": 4}], racing={"first": 2, "keep": 0.5}
    )
    _, result, table = scans.run(settings)
    assert any(path.get("raced") for path in result["paths"])
    assert result["searches"]["racing"]["saved"] > 0
    base = table[(table.path == result["base"]) & (table.split == "search")]
    assert len(base.item.unique()) == 8


def test_one_probe_asked_in_two_ways_gives_their_agreement(scans):
    probes = [
        {"name": "math-guess", "items": 3, "held_out": 0, "options": {"ask": "likelihood"}},
        {
            "name": "math-guess",
            "label": "math-guess, generated",
            "items": 3,
            "held_out": 0,
            "options": {"max_new_tokens": 3},
        },
    ]
    _, result, _ = scans.run(config(probes=probes))
    assert result["agreement"]["n"] == 11
    assert result["verdict"]["best"] is None  # nothing is confirmed without held-out items


def test_a_model_of_one_layer(tiny_folder, tmp_path):
    one = Scans(tiny_folder("llama", num_hidden_layers=1), tmp_path)
    _, result, _ = one.run(config(anatomy=True))
    assert [path["path"] for path in result["paths"]] == ["0", "0,0"]


def test_a_path_that_overflows_is_kept_as_such(tiny_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    source, folder = tiny_folder("qwen2", num_hidden_layers=4), tmp_path / "hot"
    folder.mkdir()
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    weights = load_file(folder / "model.safetensors")
    # What attention averages is one constant, so that layer 2 adds the same at every visit: 40,000
    # in one direction, where float16 ends at 65,504.
    attention = "model.layers.2.self_attn."
    out = weights[attention + "o_proj.weight"].float() * 100
    value = 40_000 / out.sum(dim=1).abs().max()
    weights[attention + "o_proj.weight"] = out
    bias = weights[attention + "v_proj.bias"].float()
    weights[attention + "v_proj.bias"] = torch.full_like(bias, value.item())
    weights[attention + "v_proj.weight"] = torch.zeros_like(weights[attention + "v_proj.weight"])
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    hot = Scans(folder, tmp_path, dtype="float16")
    settings = config(search={"blocks": {"max_extra": 1}, "repeats": {"times": [3]}})
    _, result, table = hot.run(settings)
    counts = {path["path"]: path["scores"]["lm"]["overflow"] for path in result["paths"]}
    overflowed = {path for path, count in counts.items() if count}
    assert overflowed == {"0..2,2..3", "0..2,2,2..3"}
    kept = table[table.path.isin(overflowed) & table.overflow]
    assert len(kept) and kept.score.isna().all()
    assert not overflowed & {winner["path"] for winner in result["winners"]}


def test_a_budget_that_holds_nothing_is_told(scans):
    with pytest.raises(UserError, match="memory_gib"):
        scans.run(config(memory_gib=1e-6))


def test_layers_that_take_one_text_only_are_told_before_the_scan(tiny_folder, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer, BloomConfig

    # Its ALiBi biases are made for the texts of one batch, all at once.
    shape = BloomConfig(vocab_size=384, hidden_size=32, n_layer=2, n_head=4)
    AutoModelForCausalLM.from_config(shape).save_pretrained(tmp_path / "bloom")
    AutoTokenizer.from_pretrained(tiny_folder("qwen2")).save_pretrained(tmp_path / "bloom")
    with pytest.raises(StepFailed, match="cannot be run apart"):
        Scans(tmp_path / "bloom", tmp_path).run(config())
