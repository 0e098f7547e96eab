"""Loading gives what plain transformers gives, and refuses what would fail or mislead later."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from workbench.bases.config import BaseConfig
from workbench.bases.load import choose_pad, load_model, load_tokenizer
from workbench.bases.share import share
from workbench.bases.tiny.architectures import ARCHITECTURES
from workbench.errors import UserError

IDS = torch.tensor([[5, 9, 30, 31, 7, 120]])


@pytest.fixture
def folder(tiny_folder, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_folder("llama"), tmp_path / "base"))


def edit(file: Path, **changes: object) -> None:
    content = json.loads(file.read_text())
    content.update(changes)
    file.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


def logits(model):
    with torch.no_grad():
        return model(IDS).logits


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_equals_plain_transformers(arch, tiny_folder):
    from transformers import AutoModelForCausalLM

    model = load_model(BaseConfig(base_model=str(tiny_folder(arch))))
    plain = AutoModelForCausalLM.from_pretrained(tiny_folder(arch)).eval()
    # Not bit for bit: plain loading leaves weights at whatever address the file's header gave.
    torch.testing.assert_close(logits(model), logits(plain), rtol=1e-5, atol=1e-6)
    assert not model.training
    assert not any(p.requires_grad for p in model.parameters())
    ours, theirs = model.state_dict(), plain.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[k], theirs[k]) for k in ours)


def test_dtype_is_the_recipes_or_the_bases_own(folder):
    save_file(
        {k: t.half() for k, t in load_file(folder / "model.safetensors").items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    base = str(folder)
    # Stored in 16 bit, configured for float32: as the shipped tiny bases are.
    assert load_model(BaseConfig(base_model=base)).dtype == torch.float32
    assert load_model(BaseConfig(base_model=base, dtype="bfloat16")).dtype == torch.bfloat16


@pytest.mark.parametrize("bits", [4, 8])
def test_quantised_is_near_and_trains_after_evaluation(bits, tiny_folder):
    """Evaluating a base must leave it fit for training: bitsandbytes repacks weights otherwise."""
    from peft import LoraConfig, inject_adapter_in_model

    config = BaseConfig(
        base_model=str(tiny_folder("qwen2", num_hidden_layers=2)),
        load_in_4bit=bits == 4,
        load_in_8bit=bits == 8,
    )
    base = load_model(config)
    full = load_model(config, quantised=False)
    assert type(base.model.layers[0].mlp.up_proj).__name__ == (
        "Linear4bit" if bits == 4 else "Linear8bitLt"
    )
    assert isinstance(full.model.layers[0].mlp.up_proj, torch.nn.Linear)
    assert type(full.model.layers[0].mlp.up_proj) is torch.nn.Linear
    before = logits(base)
    near = torch.nn.functional.cosine_similarity(before, logits(full), dim=-1)
    assert near.min() > (0.95 if bits == 4 else 0.999)

    def gradients(model):
        twin = share(model)
        torch.manual_seed(0)
        lora = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
        inject_adapter_in_model(lora, twin)
        twin.train()
        twin(IDS, labels=IDS).loss.backward()
        return torch.cat([p.grad.flatten() for n, p in twin.named_parameters() if "lora_A" in n])

    with_eval, without = gradients(base), gradients(load_model(config))
    assert torch.equal(with_eval, without)
    # The reference is the unquantised model: its gradients point almost the same way.
    reference = gradients(full)
    agreement = torch.nn.functional.cosine_similarity(with_eval, reference, dim=0)
    assert agreement > (0.9 if bits == 4 else 0.99)
    assert torch.equal(logits(base), before)


def test_missing_weights_are_not_made_up(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.3.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"layers\.3\.mlp\.up_proj"):
        load_model(BaseConfig(base_model=str(folder)))


def test_foreign_code_needs_consent_and_is_not_run(folder):
    auto = {"AutoModelForCausalLM": "modeling.M", "AutoConfig": "modeling.C"}
    edit(folder / "config.json", model_type="novel", auto_map=auto)
    ran = folder / "ran"
    (folder / "modeling.py").write_text(f"open({str(ran)!r}, 'w')\nclass C: pass\nclass M: pass\n")
    with pytest.raises(UserError, match="trust_remote_code"):
        load_model(BaseConfig(base_model=str(folder)))
    assert not ran.exists()
    edit(folder / "config.json", auto_map=None)
    with pytest.raises(UserError, match="model_type 'novel'"):
        load_model(BaseConfig(base_model=str(folder)))


def test_quantised_twice_is_refused(folder):
    edit(folder / "config.json", quantization_config={"quant_method": "gptq", "bits": 4})
    with pytest.raises(UserError, match="quantised already"):
        load_model(BaseConfig(base_model=str(folder), load_in_4bit=True))


def test_tokenizer_missing(folder):
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(UserError, match=r"tokenizer\.json"):
        load_tokenizer(BaseConfig(base_model=str(folder)))


def test_a_tokenizer_without_words_is_none(folder):
    # transformers makes an empty one of the class that belongs to the model type.
    for file in folder.iterdir():
        if file.name not in {"config.json", "model.safetensors"}:
            file.unlink()
    edit(folder / "config.json", model_type="qwen2")
    with pytest.raises(UserError, match="no tokenizer that knows any word"):
        load_tokenizer(BaseConfig(base_model=str(folder)))


def test_tokenizer_larger_than_the_embeddings(folder):
    edit(folder / "config.json", vocab_size=100)
    with pytest.raises(UserError, match="384 tokens and the model 100"):
        load_tokenizer(BaseConfig(base_model=str(folder)))


@pytest.mark.parametrize("pad", [None, "<|im_end|>"])
def test_pad_is_never_eos_while_another_will_do(folder, pad):
    edit(folder / "tokenizer_config.json", pad_token=pad)
    tokenizer = load_tokenizer(BaseConfig(base_model=str(folder)))
    assert tokenizer.pad_token == "<|endoftext|>"
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


def test_pad_takes_a_spare_row_or_warns():
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    def bare():
        words = Tokenizer(models.WordLevel({"a": 0, "b": 1, "</s>": 2}, unk_token="a"))
        return PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>")

    spare = bare()
    choose_pad(spare, rows=8)
    assert spare.pad_token_id == 3
    with pytest.warns(UserWarning, match="EOS"):
        choose_pad(full := bare(), rows=3)
    assert full.pad_token_id == 2


def test_chat_template_of_the_recipe_or_of_the_output(folder, tmp_path):
    template = tmp_path / "t.jinja"
    template.write_text("{{ messages[0]['content'] }}!")
    config = BaseConfig(base_model=str(folder), chat_template=str(template))
    chat = [{"role": "user", "content": "hi"}]
    assert load_tokenizer(config).apply_chat_template(chat, tokenize=False) == "hi!"
    own = load_tokenizer(config, folder).apply_chat_template(chat, tokenize=False)
    assert own.startswith("<|im_start|>user")
    with pytest.raises(UserError, match="does not exist"):
        load_tokenizer(BaseConfig(base_model=str(folder), chat_template="no-such.jinja"))
