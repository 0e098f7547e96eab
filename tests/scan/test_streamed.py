"""A streamed decoder computes what the loaded model computes, with two layers in memory."""

from __future__ import annotations

import json
import shutil
import weakref
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from workbench.bases.config import BaseConfig
from workbench.bases.load import load_model
from workbench.bases.spec import ModelSpec, PathStep
from workbench.bases.tiny.architectures import ARCHITECTURES
from workbench.engine.realise import open_decoder
from workbench.errors import UserError
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.generate import generate
from workbench.scan.schedule.request import Generation, Reading
from workbench.scan.schedule.sweep import sweep
from workbench.scan.stream.streamed import StreamedDecoder, open_streamed

IDS = torch.tensor([[5, 9, 30, 31, 7, 12], [1, 2, 3, 4, 5, 6]])
PATHS = [(0, 1, 2, 3, 4, 5), (0, 1, 2, 1, 2, 3, 4, 5), (0, 0, 3, 5)]


def base(folder: Path, **fields: object) -> BaseConfig:
    return BaseConfig.model_validate({"base_model": str(folder), **fields})


def through(decoder: Decoder) -> torch.Tensor:
    """Logits of ``IDS``, one layer after the other."""
    entry = decoder.enter(IDS)
    hidden = entry.hidden
    for k in range(decoder.n_layers):
        hidden = decoder.run(k, hidden, entry.calls[k])
    return decoder.logits(hidden.flatten(0, 1))


def assert_same(config: BaseConfig, **how: object) -> StreamedDecoder:
    """Streamed and loaded agree bit for bit; and with the model's own forward."""
    model = load_model(config)
    streamed = open_streamed(config, **how)
    got = through(streamed)
    assert torch.equal(got, through(Decoder(model)))
    with torch.no_grad():
        own = model(IDS).logits.flatten(0, 1).float()
    torch.testing.assert_close(got, own, rtol=0, atol=0.05 if model.dtype.itemsize == 2 else 1e-5)
    return streamed


def rewrite(folder: Path, change: object) -> None:
    """Put ``change(tensors)`` in the place of a checkpoint's tensors."""
    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})


@pytest.fixture
def folder(tiny_folder, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_folder("qwen2"), tmp_path / "base"))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_equals_the_loaded_model(arch, tiny_folder):
    assert_same(base(tiny_folder(arch)))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_equals_the_model_loaded_in_4bit(arch, tiny_folder, tmp_path):
    """Quantised when read, quantised once into a store, and quantised on disk: all the same."""
    config = base(tiny_folder(arch), load_in_4bit=True)
    on_disk = tmp_path / "nf4"
    model = load_model(config)
    model.save_pretrained(on_disk)
    wanted = through(Decoder(model))
    assert "Linear4bit" in {type(module).__name__ for module in model.modules()}
    for decoder in (
        open_streamed(config),
        open_streamed(config, work=tmp_path / "work"),
        open_streamed(config, work=tmp_path / "work"),
        open_streamed(base(on_disk)),
    ):
        assert torch.equal(through(decoder), wanted)


def test_sharded_and_in_16_bit(tiny_folder, tmp_path):
    model = AutoModelForCausalLM.from_pretrained(tiny_folder("llama"), dtype=torch.bfloat16)
    model.save_pretrained(tmp_path, max_shard_size="100KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 3
    assert assert_same(base(tmp_path)).model.dtype == torch.bfloat16
    assert assert_same(base(tmp_path, dtype="float32")).model.dtype == torch.float32
    assert_same(base(tmp_path, dtype="bfloat16", load_in_4bit=True))


SMALL = {
    "vocab_size": 64,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
LINEAR = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 2,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
}


def test_hybrid_attention_alone_and_in_a_multimodal_checkpoint(tmp_path):
    from transformers import Qwen3_5Config, Qwen3_5ForConditionalGeneration, Qwen3_5TextConfig

    torch.manual_seed(0)
    config = Qwen3_5TextConfig(**SMALL, **LINEAR)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "text")
    assert_same(base(tmp_path / "text"))
    assert_same(base(tmp_path / "text", load_in_4bit=True))
    seeing = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2}
    whole = Qwen3_5ForConditionalGeneration(
        Qwen3_5Config(text_config=config.to_dict(), vision_config={**seeing, "out_hidden_size": 64})
    )
    whole.save_pretrained(tmp_path / "whole")
    names = load_file(tmp_path / "whole" / "model.safetensors")
    assert any(name.startswith("model.language_model.layers.0.") for name in names)
    assert any(".visual." in name for name in names)
    assert_same(base(tmp_path / "whole"))


def test_experts_stored_one_by_one(tmp_path):
    from transformers import Qwen3MoeConfig

    config = Qwen3MoeConfig(**SMALL, moe_intermediate_size=64, num_experts=4, num_experts_per_tok=2)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    names = load_file(tmp_path / "model.safetensors")
    assert "model.layers.0.mlp.experts.3.up_proj.weight" in names
    assert_same(base(tmp_path))
    assert_same(base(tmp_path, load_in_4bit=True), work=tmp_path / "work")


def test_sweeps_and_generates_as_the_loaded_model(folder):
    loaded, streamed = Decoder(load_model(base(folder))), open_streamed(base(folder))
    readings = [Reading((5, 9, 30, 31), (1, 3), ((7, 8), (9,))), Reading((3, 4), (1,), ((5,),))]
    budget = 1 << 20
    answers = [sweep(d, PATHS, readings, budget_bytes=budget) for d in (loaded, streamed)]
    assert answers[0] == answers[1]
    asked = [Generation((5, 9, 30), 6, ()), Generation((3, 4), 4, ())]
    texts = [generate(d, PATHS, asked, budget_bytes=budget) for d in (loaded, streamed)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("in_4bit", [False, True])
@pytest.mark.parametrize("prefetch", [False, True])
def test_layers_let_go_of_their_memory(prefetch, in_4bit, folder, monkeypatch):
    """Every storage a layer was given is freed: at most two layers' are alive at any time."""
    from workbench.scan.stream.layer_feed import Vacant

    config = base(folder, load_in_4bit=in_4bit)
    decoder = open_streamed(config, prefetch=prefetch)
    layers = decoder.stack.layers
    alive: dict[int, list[weakref.ref[torch.Tensor]]] = {}
    emptied: list[int] = []

    def held(k: int) -> list[torch.Tensor]:
        found = [*layers[k].parameters(), *layers[k].buffers()]
        for module in layers[k].modules():
            state = getattr(module, "quant_state", None)
            found += [state.absmax, state.state2.absmax] if state is not None else []
        return [tensor for tensor in found if tensor.device.type != "meta"]

    empty = Vacant.empty

    def watched(self, k):
        emptied.append(k)
        empty(self, k)

    monkeypatch.setattr(Vacant, "empty", watched)
    entry = decoder.enter(IDS)
    hidden = entry.hidden
    for k in (0, 1, 2, 3, 4, 5, 0, 1, 4, 3, 2, 2, 0):
        with decoder.layer(k):
            decoder.run(k, hidden, entry.calls[k])
            alive[k] = [weakref.ref(tensor) for tensor in held(k)]
            assert len(alive[k]) >= 12
            in_memory = {m for m in range(decoder.n_layers) if held(m)}
            assert in_memory <= {k, (k + 1) % 6}
        assert not held(k)
        assert not any(ref() is not None for ref in alive[k])
    assert bool(decoder.traffic.ahead) == prefetch


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux' /proc")
def test_memory_does_not_grow_with_the_checkpoint(tiny_folder):
    """Neither what is read nor the files' own pages stay in this process."""
    big = {"hidden_size": 256, "intermediate_size": 1536, "num_hidden_layers": 20}
    decoder = open_streamed(base(tiny_folder("llama", **big)))
    entry = decoder.enter(IDS)
    layer = decoder.layer_bytes[0]
    assert 5e6 < layer < 7e6
    before, grown = resident_bytes(), []
    for _ in range(3):
        for k in range(decoder.n_layers):
            with decoder.layer(k):
                decoder.run(k, entry.hidden, entry.calls[k])
                grown.append((resident_bytes() - before) / layer)
    # The allocator keeps a few layers' worth for itself; 60 layers were read.
    assert max(grown) < 10
    assert max(grown[20:]) - max(grown[:20]) < 4
    assert decoder.traffic.bytes_read >= 3 * sum(decoder.layer_bytes)


def test_a_damaged_checkpoint_is_refused_before_the_first_layer(folder):
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1000])
    with pytest.raises(UserError, match="truncated"):
        open_streamed(base(folder))
    (folder / "model.safetensors").write_bytes(whole)

    def spoil(tensors):
        del tensors["model.layers.3.mlp.up_proj.weight"]
        del tensors["model.norm.weight"]
        tensors["model.layers.4.mlp.down_proj.weight"] = torch.zeros(64, 96)
        return tensors

    rewrite(folder, spoil)
    with pytest.raises(UserError) as caught:
        open_streamed(base(folder))
    for text in (
        r"layers.3.mlp.up_proj.weight is missing",
        r"model.norm.weight is missing",
        r"layers.4.mlp.down_proj.weight is 64x96 in the file and 64x128 in the model",
    ):
        assert text in str(caught.value)


@pytest.mark.parametrize("prefetch", [False, True])
def test_a_file_that_breaks_later_fails_where_its_layer_is_needed(prefetch, folder):
    decoder = open_streamed(base(folder), prefetch=prefetch)
    through(decoder)
    shutil.move(folder / "model.safetensors", folder / "gone")
    with pytest.raises(UserError, match="cannot be read"), decoder.layer(3):
        pass
    shutil.move(folder / "gone", folder / "model.safetensors")
    assert torch.equal(through(decoder), through(open_streamed(base(folder))))


def test_experts_that_are_incomplete_are_refused(tmp_path):
    test_experts_stored_one_by_one(tmp_path)
    rewrite(
        tmp_path,
        lambda tensors: {n: t for n, t in tensors.items() if ".1.mlp.experts.3." not in n},
    )
    decoder = open_streamed(base(tmp_path))
    with decoder.layer(0):
        pass
    with pytest.raises(UserError, match=r"layers\.1\.mlp\.experts"), decoder.layer(1):
        pass


def test_store_is_whole_or_absent_and_made_once(folder, tmp_path, monkeypatch):
    config, work = base(folder, load_in_4bit=True), tmp_path / "work"
    from workbench.scan.stream import layer_weights

    fill = layer_weights.LayerWeights.fill
    filled: list[int] = []

    def interrupted(self, k):
        filled.append(k)
        if len(filled) == 4:
            raise KeyboardInterrupt
        fill(self, k)

    monkeypatch.setattr(layer_weights.LayerWeights, "fill", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_streamed(config, work=work)
    assert list(work.iterdir()) == []
    first = open_streamed(config, work=work)
    assert filled[4:] == list(range(6))
    wanted = through(first)
    assert torch.equal(wanted, through(open_streamed(config, work=work)))
    assert len(filled) == 10
    part = sorted(next(work.iterdir()).iterdir())[2]
    part.write_bytes(part.read_bytes()[:-8])
    assert torch.equal(wanted, through(open_streamed(config, work=work)))
    assert len(filled) == 16
    # Other weights, another store.
    rewrite(folder, lambda tensors: {name: t * 2 for name, t in tensors.items()})
    open_streamed(config, work=work)
    assert len(list(work.iterdir())) == 2


def test_what_cannot_be_streamed_is_refused(folder):
    with pytest.raises(UserError, match="8 bit"):
        open_streamed(base(folder, load_in_8bit=True))
    file = folder / "config.json"
    content = json.loads(file.read_text())
    content["quantization_config"] = {"quant_method": "gptq", "bits": 4}
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="quantised with gptq"):
        open_streamed(base(folder))


def test_an_output_is_not_scanned_as_its_base(folder, tmp_path):
    output = ModelSpec(base(folder), (PathStep((0, 1, 1, 2, 3, 4, 5)),))
    with pytest.raises(UserError, match="the model is an output"):
        open_decoder(output, True, tmp_path)
