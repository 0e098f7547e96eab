"""Written paths: other tools agree, odd architectures are mended or refused, nothing is left."""

from __future__ import annotations

import errno
import json

import pytest
import torch
from naive import IDS, logits, naive
from transformers import AutoModelForCausalLM, AutoTokenizer

from workbench.bases.aligned import LINE, align, align_file
from workbench.bases.share import share
from workbench.bases.tiny.architectures import build
from workbench.bases.tiny.tokenizer import build_tokenizer
from workbench.errors import StepFailed
from workbench.relayer.layers_config import path_changes
from workbench.relayer.path import describe
from workbench.relayer.reference import apply_path
from workbench.relayer.write import write_checkpoint

BLOCK = (0, 1, 2, 3, 1, 2, 3, 4, 5)  # (1, 4) on six layers


def relayered(base, path):
    model = share(base)
    apply_path(model, path)
    return model


def small_moe(kind, **fields):
    import transformers as tf

    config = getattr(tf, f"{kind}Config")(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=48,
        moe_intermediate_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=2,
        num_experts_per_tok=2,
        pad_token_id=0,
        **fields,
    )
    torch.manual_seed(0)
    model = getattr(tf, f"{kind}ForCausalLM")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Expert weights are left as allocated by the class itself.
            torch.nn.init.normal_(parameter, std=0.2)
    return model


def test_mergekits_passthrough_writes_the_same_model(tiny_folder, tmp_path):
    import yaml
    from mergekit.config import MergeConfiguration
    from mergekit.merge import run_merge
    from mergekit.options import MergeOptions

    folder = tiny_folder("llama")
    slices = [{"sources": [{"model": str(folder), "layer_range": r}]} for r in ([0, 4], [1, 6])]
    text = yaml.safe_dump({"slices": slices, "merge_method": "passthrough", "dtype": "float32"})
    run_merge(
        MergeConfiguration.model_validate(yaml.safe_load(text)),
        str(tmp_path / "theirs"),
        MergeOptions(write_model_card=False, quiet=True),
    )
    base = AutoModelForCausalLM.from_pretrained(folder).eval()
    write_checkpoint(relayered(base, BLOCK), None, tmp_path / "ours")
    ours, theirs = (
        AutoModelForCausalLM.from_pretrained(tmp_path / name).eval() for name in ("ours", "theirs")
    )
    align(theirs)
    assert torch.equal(logits(ours, use_cache=True), logits(theirs, use_cache=True))
    assert ours.state_dict().keys() == theirs.state_dict().keys()


def test_shards_and_half_precision(tiny_folder, tmp_path, monkeypatch):
    """A checkpoint in several files, as big models have, is aligned and verified in each."""
    folder = tiny_folder("qwen2")
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    model = relayered(base, BLOCK)
    plain = type(model).save_pretrained
    monkeypatch.setattr(
        type(model),
        "save_pretrained",
        lambda self, folder, max_shard_size: plain(self, folder, max_shard_size="200KB"),
    )
    write_checkpoint(model, None, tmp_path / "out")
    shards = list((tmp_path / "out").glob("*.safetensors"))
    assert len(shards) > 2
    for shard in shards:
        assert (8 + int.from_bytes(shard.read_bytes()[:8], "little")) % LINE == 0
    written = AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    assert written.dtype == torch.bfloat16
    assert torch.equal(logits(written, use_cache=True), logits(model, use_cache=True))


def test_generation_settings_that_transformers_would_not_save(tmp_path):
    model = build("llama")
    model.generation_config.temperature = 0.6  # without do_sample, as hub models have it
    model.generation_config.repetition_penalty = 1.05
    write_checkpoint(model, None, tmp_path / "out")
    kept = json.loads((tmp_path / "out" / "generation_config.json").read_text())
    assert (kept["temperature"], kept["repetition_penalty"]) == (0.6, 1.05)
    assert model.generation_config.temperature == 0.6
    written = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert written.generation_config.repetition_penalty == 1.05


def test_minicpm_keeps_its_residual_factor(tmp_path):
    """The factor depends on the number of layers; the written config makes up for it."""
    from transformers import MiniCPM3Config, MiniCPM3ForCausalLM

    config = MiniCPM3Config(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=6,
        num_attention_heads=2,
        num_key_value_heads=2,
        q_lora_rank=16,
        kv_lora_rank=16,
        qk_nope_head_dim=8,
        qk_rope_head_dim=8,
        v_head_dim=16,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    model = relayered(MiniCPM3ForCausalLM(config).eval(), BLOCK)
    write_checkpoint(model, None, tmp_path / "out")
    written = AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    assert torch.equal(logits(written, use_cache=True), logits(model, use_cache=True))
    assert written.config.scale_depth != config.scale_depth


def test_sparse_layers_follow_their_source(tmp_path):
    """Qwen-MoE says by arithmetic on the index which layers have experts."""
    model = small_moe("Qwen3Moe", num_experts=4, decoder_sparse_step=2, head_dim=16)
    model = relayered(model, (0, 1, 2, 1, 2, 3))
    write_checkpoint(model, None, tmp_path / "out")
    written = AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    assert torch.equal(logits(written, use_cache=True), logits(model, use_cache=True))


def test_what_a_config_cannot_say_is_refused_and_leaves_nothing(tmp_path):
    """DeepSeek's first k layers are dense: a dense layer after a sparse one has no words."""
    model = small_moe(
        "DeepseekV3",
        n_routed_experts=4,
        n_group=1,
        topk_group=1,
        first_k_dense_replace=2,
        q_lora_rank=16,
        kv_lora_rank=16,
        qk_nope_head_dim=8,
        qk_rope_head_dim=8,
        v_head_dim=16,
    )
    fine, mixed = (0, 1, 1, 2, 3, 2, 3), (0, 1, 2, 1, 2, 3)
    write_checkpoint(relayered(model, fine), None, tmp_path / "fine")
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "fine").config.first_k_dense_replace == 3
    by_reference = relayered(model, mixed)
    assert logits(by_reference, use_cache=True).isfinite().all()
    with pytest.raises(StepFailed, match="cannot be written out"):
        write_checkpoint(by_reference, None, tmp_path / "mixed")
    assert [p.name for p in tmp_path.iterdir()] == ["fine"]


def test_a_layer_that_knows_its_place_is_refused(tmp_path):
    """An attribute set by position that short fixed tokens would never show."""
    base = build("qwen3", use_sliding_window=True, sliding_window=200, max_window_layers=0)
    base.model.layers[2].self_attn.sliding_window = 300
    with pytest.raises(
        StepFailed, match=r"layers\.5\.self_attn\.sliding_window is 300 here and 200"
    ):
        write_checkpoint(relayered(base, BLOCK), None, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_full_disk(tmp_path, monkeypatch):
    model = build("llama")
    usage = type("usage", (), {"free": 1000})
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: usage)
        with pytest.raises(StepFailed, match=r"needs 0\.00 GB"):
            write_checkpoint(model, None, tmp_path / "out")

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(model), "save_pretrained", full)
    with pytest.raises(StepFailed, match="No space left"):
        write_checkpoint(model, None, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    write_checkpoint(build("llama"), None, tmp_path / "out")
    before = sorted((tmp_path / "out").iterdir())
    with pytest.raises(StepFailed, match="there already"):
        write_checkpoint(build("llama"), None, tmp_path / "out")
    assert sorted((tmp_path / "out").iterdir()) == before


def test_alignment_changes_addresses_and_no_byte(tiny_folder, tmp_path):
    from safetensors.torch import load_file

    base = build("qwen2")
    for k in range(8):
        from safetensors.torch import save_file

        file = tmp_path / f"{k}.safetensors"
        tensors = {n: p.detach().clone() for n, p in base.model.layers[0].named_parameters()}
        save_file(tensors, file, metadata={"format": "pt", "x": "x" * k * 8})
        align_file(file)
        loaded = load_file(file)
        assert all(torch.equal(loaded[n], tensors[n]) for n in tensors)
        assert (8 + int.from_bytes(file.read_bytes()[:8], "little")) % LINE == 0
    askew = torch.empty(70)[1:65]
    model = torch.nn.Linear(8, 8, bias=False)
    model.weight.data = askew.view(8, 8)
    kept, values = model.weight, model.weight.detach().clone()
    assert align(model) == 1 and align(model) == 0
    assert model.weight is kept and torch.equal(kept, values)


def test_config_without_torch():
    """The published RYS-XLarge layout over Qwen2-72B-Instruct's configuration fields."""
    fields = {
        "model_type": "qwen2",
        "num_hidden_layers": 80,
        "max_window_layers": 80,
        "use_sliding_window": False,
        "layer_types": ["full_attention"] * 80,
    }
    path = (*range(52), *range(45, 80))
    assert describe(path) == "0..51,45..79"
    changes = path_changes(fields, path)
    assert changes == {
        "num_hidden_layers": 87,
        "max_window_layers": 87,
        "layer_types": ["full_attention"] * 87,
    }
    assert path_changes(fields, range(80)) == {}


def test_tokenizer_goes_along(tiny_folder, tmp_path):
    folder = tiny_folder("qwen2")
    base = AutoModelForCausalLM.from_pretrained(folder).eval()
    write_checkpoint(
        relayered(base, BLOCK), AutoTokenizer.from_pretrained(folder), tmp_path / "out"
    )
    messages = [{"role": "user", "content": "1 + 2"}]
    ours, theirs = (
        AutoTokenizer.from_pretrained(f).apply_chat_template(messages, tokenize=False)
        for f in (tmp_path / "out", folder)
    )
    assert ours == theirs
    reference = naive(base, "qwen2", BLOCK, use_sliding_window=False, sliding_window=None)
    written = AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    assert torch.equal(
        logits(written, use_cache=False, ids=IDS), logits(reference, use_cache=False, ids=IDS)
    )


def test_generation_stops_at_the_tokenizers_eos_too(tmp_path):
    """A fine-tune may end its answers with another token than the base's settings name."""
    model, tokenizer = build("qwen2"), build_tokenizer()
    usual = model.generation_config.eos_token_id
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(65)
    write_checkpoint(model, tokenizer, tmp_path / "out")
    written = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert written.generation_config.eos_token_id == [65, usual]
    assert model.generation_config.eos_token_id == usual
