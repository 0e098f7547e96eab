"""A scan through the command line: in a recipe, killed on the way, and as a verb."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pandas
import pytest

from tests.engine.conftest import ROOT, Ran, Workbench, started
from tests.engine.test_kill_and_resume import only_whole_outputs, stopped_at

RECIPE = """\
name: scanned
bases: {planted: {base_model: tiny/planted}}
outputs:
  best:
    scan:
      model: planted
      probes: [{name: hops, items: 64, held_out: 64, options: {ask: likelihood}}]
      search: {blocks: {max_extra: 3}}
      winners: 2
      chat: false
      anatomy: false
  healed:
    finetune:
      base_model: best
      train_layers: seam
      lora_r: 2
      datasets: [{path: recipes/data/sums.jsonl, type: prompt_completion}]
      max_steps: 2
      micro_batch_size: 2
      sequence_len: 64
evaluate: {suite: hops, limit: 40}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scan") / "scanned.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def scanned(workbench: Workbench, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    ran = workbench("run", str(recipe), home=tmp_path_factory.mktemp("home"))
    assert ran.code == 0, ran.err
    return ran


def table(home: Path) -> pandas.DataFrame:
    (file,) = home.glob("adapters/best-*/scan.parquet")
    keys = ["path", "probe", "split", "item", "metric"]
    return pandas.read_parquet(file).set_index(keys).sort_index()


def test_the_winner_is_an_output_scored_beside_its_base(scanned):
    outputs = {entry["name"]: entry for entry in scanned.results("scanned")["outputs"]}
    best = outputs["best"]
    assert best["kind"] == "scan" and best["parents"] == ["planted"]
    assert best["record"]["path"] == [0, 1, 2, 3, 4, 3, 4, 5, 6, 7]
    assert best["record"]["scan"]["verdict"]["best"] == "0..4,3..7"
    for change in best["versus"]["planted"].values():
        assert change["ci95"][0] > 0
    assert outputs["healed"]["parents"] == ["best"]
    (run,) = scanned.home.glob("runs/scanned-*")
    assert (run / "scan-best" / "map-hops.png").stat().st_size > 1000
    assert "Block (3, 5)" in (run / "report.html").read_text()


def test_the_same_command_makes_nothing_again(workbench, scanned, recipe):
    again = workbench("run", str(recipe), home=scanned.home)
    assert again.code == 0 and "nothing was made" in again.out


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_in_the_middle_it_goes_on(workbench, scanned, recipe, tmp_path, how):
    with started(recipe, tmp_path) as process:
        code, rest = stopped_at(process, "blocks: hops", how)
    assert code in (130, -signal.SIGKILL), rest
    assert only_whole_outputs(tmp_path) and not list(tmp_path.glob("adapters/best-*"))
    ran = workbench("run", str(recipe), home=tmp_path)
    assert ran.code == 0, ran.err
    ours, theirs = table(tmp_path), table(scanned.home)
    assert ours.index.equals(theirs.index)
    assert (ours.score - theirs.score).abs().max() < 1e-5


def test_the_verb_writes_report_results_and_pictures_and_goes_on(workbench, tmp_path):
    out = tmp_path / "out"
    command = (
        "scan", "tiny/planted", "--probe", "hops,ask=likelihood", "--items", "32", "--held-out",
        "32", "--max-extra", "2", "--no-chat", "--no-anatomy", "--out", str(out),
    )  # fmt: skip
    ran = workbench(*command, home=tmp_path / "home")
    assert ran.code == 0, ran.err
    assert "Block (3, 5)" in " ".join(ran.out.split())
    summary = json.loads((out / "results.json").read_text())
    assert summary["path"] == [0, 1, 2, 3, 4, 3, 4, 5, 6, 7]
    for name in ("report.html", "scan.json", "scan.parquet", "map-combined.png"):
        assert (out / name).exists(), name
    assert not list((tmp_path / "home").glob("work/scan-*"))
    again = workbench(*command, home=tmp_path / "home")
    assert again.code == 0 and "there already" in again.err + again.out


BAD = [
    ("name: hops,", "name: hopps,", "did you mean hops"),
    ("ask: likelihood", "ask: guessing", "ask"),
    ("options: {ask", "options: {aks", "ask"),
    ("items: 64", "items: 1", "items"),
    ("blocks: {max_extra: 3}", "beam: {width: 2}, blocks: null", "measured blocks"),
    (
        "name: hops, items: 64, held_out: 64, options: {ask: likelihood}",
        "name: 'task:no_such'",
        "no_such",
    ),
    ("model: planted", "model: plantd", "did you mean planted"),
    ("winners: 2", "winers: 2", "did you mean winners"),
]


@pytest.mark.parametrize(("old", "new", "told"), BAD)
def test_mistakes_are_told_with_their_place(workbench, tmp_path, old, new, told):
    path = tmp_path / "bad.yaml"
    assert old in RECIPE
    path.write_text(RECIPE.replace(old, new, 1))
    ran = workbench("check", str(path), home=tmp_path)
    assert ran.code == 2
    assert told in ran.err and "bad.yaml:" in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def probe(:\n", "no Python"),
        ("x = 1\n", "probe"),
        ("import nothing_of_the_kind\n", "nothing_of_the_kind"),
        ("def probe():\n    return 1 / 0\n", "ZeroDivisionError"),
    ],
)
def test_a_probe_file_with_errors_is_told_with_its_line(workbench, tmp_path, text, told):
    (tmp_path / "mine.py").write_text(text)
    path = tmp_path / "bad.yaml"
    path.write_text(RECIPE.replace("name: hops,", "name: mine.py,").replace("ask: likelihood", ""))
    ran = workbench("check", str(path), home=tmp_path)
    assert ran.code == 2
    assert told in ran.err and "mine.py" in ran.err and "Traceback" not in ran.err


def test_check_stays_without_torch(workbench, recipe, tmp_path):
    code = (
        "import sys; from workbench.cli.app import invoke; "
        f"code = invoke(['check', {str(recipe)!r}, '--home', {str(tmp_path)!r}]); "
        "sys.exit(code or ('torch' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_folder_of_a_scan_is_not_taken_for_a_run(workbench, tmp_path):
    (tmp_path / "runs" / "scan-x").mkdir(parents=True)
    for name in ("results.json", "scan.json"):
        (tmp_path / "runs" / "scan-x" / name).write_text("{}")
    for verb in ("show", "report"):
        ran = workbench(verb, "scan-x", home=tmp_path)
        assert ran.code == 2 and "folder of a scan" in ran.err


PROBE = """\
from workbench.scan.probes.items import Item


class Broken:
    needs_generation, metrics, floors = False, ("score",), {}

    def items(self, count, *, seed, split):
        return [Item(f"{split}-{n}", "x", n) for n in range(count)]

    def ask(self, item, encoder):
        raise RuntimeError("no question today")

    def score(self, item, replies):
        return {"score": 0.0}


def probe():
    return Broken()
"""


def test_a_scan_that_fails_leaves_no_empty_folder(workbench, tmp_path):
    (tmp_path / "broken.py").write_text(PROBE)
    command = ("scan", "tiny/planted", "--probe", str(tmp_path / "broken.py"), "--no-chat")
    ran = workbench(*command, home=tmp_path)
    assert ran.code == 2 and "broken.py:11" in ran.err and "Traceback" not in ran.err
    assert not list(tmp_path.glob("runs/scan-*"))
