"""By reference and written out, a path is the model that naive copying would have built."""

from __future__ import annotations

import pytest
import torch
from naive import IDS, PATH, SIZES, greedy, logits, naive, stepwise
from transformers import AutoModelForCausalLM, AutoTokenizer

from workbench.bases.aligned import LINE, align
from workbench.bases.share import share
from workbench.bases.stack import find_stack
from workbench.bases.tiny.architectures import ARCHITECTURES, build, write
from workbench.errors import StepFailed, UserError
from workbench.relayer.reference import apply_path, storage_bytes
from workbench.relayer.write import unshare, write_checkpoint


def relayered(base, path=PATH):
    model = share(base)
    apply_path(model, path)
    return model


def same(models, measure):
    first, *others = [measure(m) for m in models]
    return all(torch.equal(first, o) if isinstance(o, torch.Tensor) else first == o for o in others)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_reference_written_and_naive_agree_to_the_bit(arch, tmp_path):
    folder = write(arch, tmp_path / "base", **SIZES[arch])
    base = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    align(base)
    before = logits(base, use_cache=False)
    model = relayered(base)
    write_checkpoint(model, tokenizer, tmp_path / "out")
    written = AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    models = (model, written, naive(base, arch, PATH))

    assert not torch.equal(logits(model, use_cache=False), before)
    assert same(models, lambda m: logits(m, use_cache=False))
    assert same(models, lambda m: logits(m, use_cache=True))
    assert same(models, stepwise)
    assert same(models, lambda m: greedy(m, use_cache=True))
    assert same(models, lambda m: greedy(m, use_cache=False))
    # A cache slot of its own for every visit: token by token is the whole text at once.
    torch.testing.assert_close(
        stepwise(model), logits(model, use_cache=False), rtol=1e-4, atol=1e-5
    )
    # The base it was made from is as it was.
    assert torch.equal(logits(base, use_cache=False), before)
    assert base.config.num_hidden_layers == 6 == len(find_stack(base).layers)

    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    tied = base.config.tie_word_embeddings
    assert (written.lm_head.weight is written.get_input_embeddings().weight) == tied
    again = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert again.chat_template == tokenizer.chat_template
    assert written.generation_config.eos_token_id == base.generation_config.eos_token_id
    assert all(p.data_ptr() % LINE == 0 for p in written.parameters())


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_base_path_and_paths_upon_paths(arch):
    base = build(arch, **SIZES[arch])
    unchanged = relayered(base, range(6))
    assert unchanged.config.to_dict() == base.config.to_dict()
    assert same((unchanged, base), lambda m: logits(m, use_cache=True))
    twice = relayered(relayered(base, (0, 1, 2, 1, 2, 5)), (0, 1, 2, 3, 1, 2, 3, 2, 5))
    once = relayered(base, (0, 1, 2, 1, 1, 2, 1, 2, 5))
    assert same((twice, once), lambda m: logits(m, use_cache=True))


def test_only_the_structure_is_new():
    base = build("qwen2")
    model = relayered(base)
    layers = find_stack(model).layers
    assert len({id(m) for layer in layers for m in layer.modules()}) == 9 * len(
        list(layers[0].modules())
    )
    assert layers[4].mlp.up_proj.weight is layers[1].mlp.up_proj.weight
    assert [layer.self_attn.layer_idx for layer in layers] == list(range(9))
    assert all(layer.self_attn.config is model.config for layer in layers)
    assert model.config is not base.config
    unshare(model)
    assert len({p.data_ptr() for layer in layers for p in layer.parameters()}) == sum(
        len(list(layer.parameters())) for layer in layers
    )
    assert layers[1].mlp.up_proj.weight is find_stack(base).layers[1].mlp.up_proj.weight
    assert storage_bytes(model) > 1.2 * storage_bytes(base)


@pytest.mark.parametrize("path", [(), (0, 6), (0, -1)])
def test_wrong_indices(path):
    with pytest.raises(UserError, match="6 layers"):
        relayered(build("llama"), path)


def test_layers_wired_to_each_other_are_refused():
    from transformers import Gemma3nForCausalLM, Gemma3nTextConfig

    config = Gemma3nTextConfig(
        vocab_size=64,
        vocab_size_per_layer_input=64,
        hidden_size=16,
        hidden_size_per_layer_input=4,
        intermediate_size=[16] * 4,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        num_kv_shared_layers=2,
        layer_types=["sliding_attention", "full_attention"] * 2,
        laurel_rank=4,
        activation_sparsity_pattern=[0.0] * 4,
    )
    with pytest.raises(StepFailed) as caught:
        relayered(Gemma3nForCausalLM(config), (0, 1, 1, 2, 3))
    assert "num_kv_shared_layers" in str(caught.value)
    assert "hidden_size_per_layer_input" in str(caught.value)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_sum_over_visits(checkpointing):
    """d loss / d shared weight is the sum over the visits' own weights in the naive model."""
    base = build("qwen3", **SIZES["qwen3"])
    by_hand = naive(base, "qwen3", PATH)
    model = relayered(base).train()
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    for each in (model, by_hand.train()):
        each(IDS, labels=IDS, use_cache=False).loss.backward()
    for name in ("self_attn.q_proj", "mlp.down_proj", "input_layernorm"):
        for layer in set(PATH):
            summed = sum(
                by_hand.model.layers[p].get_submodule(name).weight.grad
                for p, source in enumerate(PATH)
                if source == layer
            )
            ours = base.model.layers[layer].get_submodule(name).weight.grad
            torch.testing.assert_close(ours, summed, rtol=1e-4, atol=1e-6)
