"""A recipe becomes outputs, each scored beside its parents; what is there is not made again."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest
from scipy.stats import binomtest

from tests.engine.conftest import ROOT, Ran, Workbench, environment

OUTPUTS = {"tuned", "doubled", "healed", "blended", "other"}


@pytest.fixture
def home(finished: Ran, tmp_path: Path) -> Path:
    """A copy of the finished home, free to be changed."""
    return Path(shutil.copytree(finished.home, tmp_path / "home", symlinks=True))


def test_every_output_is_made_scored_and_compared_with_its_parents(finished: Ran) -> None:
    results = finished.results()
    assert results["complete"] is True
    assert results["errors"] == []
    by_name = {output["name"]: output for output in results["outputs"]}
    assert set(by_name) == OUTPUTS | {"tiny", "llama"}
    for name in OUTPUTS:
        output = by_name[name]
        assert set(output["parents"]) <= set(output["versus"]), "each parent is compared with"
        for score in output["scores"].values():
            low, high = score["ci95"]
            assert low <= score["value"] <= high
            assert score["n"] == 24
    # The base an output goes back to stands beside its direct parents.
    assert set(by_name["healed"]["versus"]) == {"doubled", "tiny"}


def test_the_numbers_of_results_json_follow_from_the_samples(finished: Ran) -> None:
    results = finished.results()
    folder = next(finished.home.glob("runs/small-*"))
    samples = pandas.read_parquet(folder / "samples.parquet")
    by_name = {output["name"]: output for output in results["outputs"]}
    scores = samples.set_index(["output", "task", "doc_hash"])["score"]
    for name, output in by_name.items():
        for task, score in output["scores"].items():
            items = scores[name, task]
            assert score["value"] == pytest.approx(items.mean(), abs=1e-12)
            wilson = binomtest(int(items.sum()), len(items)).proportion_ci(method="wilson")
            assert score["ci95"] == pytest.approx([wilson.low, wilson.high], abs=1e-9)
        for parent, tasks in output["versus"].items():
            for task, change in tasks.items():
                mine, theirs = scores[name, task].align(scores[parent, task], join="inner")
                assert change["n"] == len(mine) == 24
                assert change["delta"] == pytest.approx((mine - theirs).mean(), abs=1e-12)
                gained, lost = int((mine > theirs).sum()), int((mine < theirs).sum())
                exact = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
                assert change["p"] == pytest.approx(exact, abs=1e-9)


def test_output_folders_hold_what_the_contract_names(finished: Ran) -> None:
    for output in finished.results()["outputs"]:
        if output["kind"] == "base":
            continue
        folder = finished.home / output["path"]
        facts = json.loads((folder / "output.json").read_text())
        assert facts["config"] and facts["versions"]["torch"] and facts["peak_memory_bytes"] > 0
        on_disk = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        assert on_disk == set(facts["files"]) | {"output.json"}
        for name, entry in facts["files"].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == entry["sha256"]
        assert {"README.md", "tokenizer.json"} <= on_disk
        assert not [name for name in on_disk if name.endswith((".bin", ".pt", ".pth", ".pkl"))]
        assert str(finished.home) not in (folder / "output.json").read_text()


def test_each_base_is_loaded_once_for_all_its_outputs(finished: Ran) -> None:
    loads = [line.split("loading ")[1] for line in finished.err.splitlines() if "loading " in line]
    bases = [load for load in loads if load.startswith("tiny/")]
    assert sorted(bases) == ["tiny/sums", "tiny/sums-llama"]
    assert len(loads) == 3, "and the merged model, which is a base of its own"


def test_a_layer_path_keeps_no_memory_beyond_its_parents(finished: Ran) -> None:
    record = next(o for o in finished.results()["outputs"] if o["name"] == "doubled")["record"]
    assert len(record["path"]) == record["parent_layers"] + 2
    assert record["parameter_bytes"] == pytest.approx(record["parent_parameter_bytes"], rel=0.01)


def test_the_record_of_a_merge_says_what_folding_the_adapter_changed(finished: Ran) -> None:
    record = next(o for o in finished.results()["outputs"] if o["name"] == "blended")["record"]
    assert set(record["adapter_max_logit_difference"]) == {"tuned"}
    assert 0 <= record["adapter_max_logit_difference"]["tuned"] < 0.2


def test_no_scratch_is_left_in_the_home(finished: Ran) -> None:
    assert not list(finished.home.glob("adapters/.making-*"))
    left = [p for p in finished.home.glob("adapters/.work/*") if p.suffix != ".lock"]
    assert left == []


def test_running_again_does_nothing_quickly_and_without_torch(
    finished: Ran, small_recipe: Path
) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.home.rglob("*") if p.is_file()}
    probe = (
        "import sys; from workbench.cli.app import invoke; "
        f"code = invoke(['run', {str(small_recipe)!r}, '--home', {str(finished.home)!r}]); "
        "print('torch' in sys.modules, code)"
    )
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    elapsed = time.monotonic() - start
    assert done.stdout.splitlines()[-1] == "False 0", done.stderr
    assert "nothing was made" in done.stdout
    assert elapsed < 5, "the issue's own limit"
    after = {p: p.stat().st_mtime_ns for p in finished.home.rglob("*") if p.is_file()}
    assert {p for p in after if p.suffix != ".lock"} == {p for p in before if p.suffix != ".lock"}
    assert all(after[p] == before[p] for p in before if p.suffix != ".lock")


def test_changing_one_output_remakes_it_and_its_descendants_only(
    workbench: Workbench, home: Path, small_recipe: Path
) -> None:
    before = {p.name for p in home.glob("adapters/*-*")}
    ran = workbench(
        "run", str(small_recipe), "--set", "outputs.doubled.relayer.blocks=[[1, 3]]", home=home
    )
    assert ran.code == 0, ran.err
    new = {p.name.rsplit("-", 1)[0] for p in home.glob("adapters/*-*") if p.name not in before}
    assert new == {"doubled", "healed"}
    reused = {o["name"] for o in ran.results()["outputs"] if o["kind"] != "base" and o["reused"]}
    assert reused == {"tuned", "blended", "other"}


def test_a_flipped_bit_is_found_and_named_and_deleting_the_folder_mends_it(
    workbench: Workbench, home: Path, small_recipe: Path
) -> None:
    folder = next(home.glob("adapters/tuned-*"))
    weights = folder / "adapter_model.safetensors"
    intact = weights.read_bytes()
    weights.write_bytes(intact[:-5] + bytes([intact[-5] ^ 4]) + intact[-4:])
    ran = workbench("run", str(small_recipe), home=home)
    assert ran.code == 1
    assert "adapter_model.safetensors" in ran.err
    assert "Traceback" not in ran.err
    shutil.rmtree(folder)
    ran = workbench("run", str(small_recipe), home=home)
    assert ran.code == 0, ran.err
    assert weights.read_bytes() == intact, "the same seed gives the same bytes"


def test_export_writes_what_plain_transformers_loads(
    workbench: Workbench, finished: Ran, tmp_path: Path
) -> None:
    ran = workbench("export", "healed", "--to", str(tmp_path / "out"), home=finished.home)
    assert ran.code == 0, ran.err
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from workbench.engine.lineage import spec_of_folder
    from workbench.engine.realise import Loaded

    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    here = Loaded().model(spec_of_folder(next(finished.home.glob("adapters/healed-*"))))
    tokens = tokenizer("Question: What is 12 plus 34?\nAnswer:", return_tensors="pt")
    with torch.no_grad():
        difference = (plain(**tokens).logits - here.float()(**tokens).logits).abs().max()
    # The adapters were folded into the weights: equal up to rounding in the weights' dtype.
    assert difference < 0.15
    again = workbench("export", "healed", "--to", str(tmp_path / "out"), home=finished.home)
    assert again.code == 2
    assert "there already" in again.err
