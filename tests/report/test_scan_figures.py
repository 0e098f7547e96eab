"""A scan's maps, curves, sentences and pictures against the numbers they were drawn from."""

from __future__ import annotations

import json
import re
import struct
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_checks import PAYLOADS
from results_factory import make_results, write_run
from scan_factory import make_scan, write_scan_run

from workbench.report.figures import scan_heatmap
from workbench.report.figures.scan_cells import colour_limit
from workbench.report.figures.scan_colour import ARM, DARK, LIGHT, colour, step_of, stylesheet
from workbench.report.figures.scan_skyline import skyline
from workbench.report.page import render
from workbench.report.scan_page import render_scan, write_scan_page
from workbench.report.scan_png import write_pngs
from workbench.report.scan_read import read_scan
from workbench.report.scan_view import ScanView

GAIN = st.floats(-10, 10, allow_nan=False)


@given(GAIN, st.floats(1e-6, 10))
def test_a_colour_never_hides_the_sign_and_grows_with_the_gain(gain: float, limit: float) -> None:
    step = step_of(gain, limit)
    assert (step > 0, step < 0) == (gain > 0, gain < 0)
    assert step_of(-gain, limit) == -step and abs(step_of(2 * gain, limit)) >= abs(step)
    assert abs(step) == ARM or abs(gain) <= limit


def _lab(rgb: str) -> numpy.ndarray:
    """OKLab of ``#rrggbb``, by the published matrices from sRGB and not their inverses."""
    channels = numpy.array([int(rgb[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = numpy.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    cones = numpy.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = numpy.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return to_lab @ numpy.cbrt(cones @ linear)


@pytest.mark.parametrize("dark", [False, True])
def test_steps_look_equally_far_apart_and_differ_in_lightness_too(dark: bool) -> None:
    shades = [_lab(colour(step, dark=dark)) for step in range(-ARM, ARM + 1)]
    for arm in (shades[: ARM + 1], shades[ARM:]):
        steps = [float(numpy.linalg.norm(b - a)) for a, b in pairwise(arm)]
        assert max(steps) < 1.25 * min(steps)
        assert len({numpy.sign(b[0] - a[0]) for a, b in pairwise(arm)}) == 1
    # Without red and green, the a axis gone, the ends stay well apart.
    assert numpy.linalg.norm((shades[0] - shades[-1])[[0, 2]]) > 0.2
    assert abs(shades[0][0] - shades[-1][0]) > 0.08
    assert shades[-1][1] > 0.1 > shades[0][1], "red is better"
    assert [end[0] for end in (DARK if dark else LIGHT)] == pytest.approx(
        [shades[ARM][0], shades[-1][0], shades[0][0]], abs=0.01
    )


def test_noise_is_pale_and_one_disaster_does_not_wash_out_a_gain() -> None:
    losses = list(numpy.linspace(-0.5, -0.2, 90))
    assert step_of(0.05, colour_limit([0.05, *losses])) >= 2
    mixed = [0.01, *numpy.linspace(-0.2, 0.009, 40)]
    assert step_of(0.01, colour_limit(mixed, [0.12] * 3)) <= ARM / 6
    assert colour_limit([0.0, 0.0]) == 1.0 and colour_limit([]) == 1.0
    assert colour_limit([-0.3, -0.2]) <= 0.3


SQUARES = re.compile(r'<path d="([^"]+)" class="(up|down|even)[-\d]*"')
RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1h-\d+z")


def _drawn(markup: str) -> dict[tuple[int, int], str]:
    """Which cells (x, y) are drawn, and on which side of the base."""
    cells: dict[tuple[int, int], str] = {}
    for d, side in SQUARES.findall(markup):
        runs = RUN.findall(d)
        assert "".join(f"M{x} {y}h{w}v1h-{w}z" for x, y, w in runs) == d
        for x, y, width in runs:
            for at in range(int(x), int(x) + int(width)):
                assert (at, int(y)) not in cells, "no cell is drawn twice"
                cells[at, int(y)] = side
    return cells


@pytest.mark.parametrize(("layers", "probe"), [(8, None), (8, "math-guess"), (80, None)])
def test_cells_stand_at_j_and_i_with_the_colour_of_their_sign(
    layers: int, probe: str | None
) -> None:
    scan = make_scan(layers, repeats=False)
    scan["paths"] = [p for p in scan["paths"] if p["block"] != [2, 6]]
    expected, overflowed = {}, set()
    for row in scan["paths"]:
        if row["search"] == "beam":
            continue
        i, j = row["block"]
        gain = row["combined"] if probe is None else row["scores"][probe]["gain"]
        if gain is None:
            overflowed.add((j, i))
        else:
            expected[j, i] = "even" if gain == 0 else "up" if gain > 0 else "down"
    # The base is known by its path, whether or not it is said to be a block.
    scan["paths"][0]["block"] = None
    read = read_scan(scan)
    cells = scan_heatmap.block_cells(read, probe)
    markup = scan_heatmap.heatmap(cells, scan_heatmap.limit_of([cells], read.rows, probe),
                                  "t", "u", (0, -1))  # fmt: skip
    assert _drawn(markup) == expected
    assert (6, 2) not in expected and expected[0, 0] == "even"
    hatched = re.search(r'<path d="([^"]+)" class="hatch"', markup)
    assert hatched is not None and overflowed
    assert {(int(x), int(y) - 1) for x, y in re.findall(r"M(\d+) (\d+)", hatched[1])} == overflowed
    best = max((p for p in scan["paths"] if p["block"]), key=lambda p: p["combined"] or -9)
    if probe is None:
        assert cells.rings == {"base": (0, 0), "best": tuple(best["block"][::-1])}
    confirmed = {w["path"] for w in scan["winners"] if w["confirmed"]}
    assert cells.stars == {
        tuple(p["block"][::-1]) for p in scan["paths"] if p["path"] in confirmed and p["block"]
    }


def test_skylines_are_the_means_of_rows_and_columns_without_the_base() -> None:
    scan = make_scan(8)
    grid = numpy.full((8, 9), numpy.nan)
    for row in scan["paths"]:
        if row["block"] and row["extra"] and row["combined"] is not None:
            grid[row["block"][0], row["block"][1]] = row["combined"]
    line = skyline(scan_heatmap.block_cells(read_scan(scan), None), (0, 0))
    assert list(line.rows.values()) == pytest.approx(list(numpy.nanmean(grid, axis=1)))
    assert list(line.columns.values()) == pytest.approx(list(numpy.nanmean(grid[:, 1:], axis=0)))
    assert line.low <= 0 <= line.high


def test_repeats_stand_at_layer_and_times() -> None:
    scan = make_scan(8, probes=("math-guess",))
    markup = ScanView(scan).maps[0].repeats
    assert markup is not None
    expected = {}
    for row in scan["paths"]:
        layer, times = row["repeat"] or (None, 0)
        if row["block"] and row["block"][1] - row["block"][0] == 1:
            layer, times = row["block"][0], 2
        gain = row["scores"]["math-guess"]["gain"]
        if layer is not None and gain is not None:
            expected[layer, times - 2] = "up" if gain > 0 else "down"
    assert len(expected) == 8 * 7 and _drawn(markup) == expected


def test_no_better_path_is_a_finding_and_not_an_error() -> None:
    page = render_scan(make_scan(8, helps=0.0))
    assert '<p class="finding-lead">No path beats the base.</p>' in page
    shown = page.split("<main", 1)[1].split("</main>")[0]
    assert not any(word in shown for word in ("trouble", "failed", "heed", "missing"))
    assert page.count("not confirmed") == 6


def test_sentences_hold_the_numbers() -> None:
    scan = make_scan(8)
    scan["shrinkage"] = {"path": "0..4,3..7", "search": 0.8, "held_out": 0.2, "difference": 0.6,
                         "ci95": [0.1, 1.1], "ratio": 0.25}  # fmt: skip
    said = dict(ScanView(scan).findings)
    assert said["Shrinkage"] == (
        "0..4,3..7: +0.800 SD on the search items, +0.200 SD on held-out items; lost: +0.600 SD "
        "(95% interval +0.100 to +1.100); 25% is left."
    )
    assert "+0.310 SD (95% interval +0.120 to +0.500)" in said["Winner's curse"]
    assert f"of {len(scan['paths']) - 1} paths" in said["Discoveries"]
    assert "72,960 layer passes were counted, against 152,000 path by path: 2.08" in said["Cost"]
    scan |= {"shrinkage": None, "curse": None, "discoveries": {}, "cost": {"layer_passes": 0}}
    del scan["agreement"]
    assert [term for term, _ in ScanView(scan).findings] == ["Cost"]


def test_the_table_holds_the_base_and_the_twenty_best() -> None:
    scan = make_scan(8)
    best = sorted((p for p in scan["paths"][1:] if p["combined"]), key=lambda p: -p["combined"])
    assert [row.path for row in ScanView(scan).best] == [
        "0..7",
        *(p["path"] for p in best[:20]),
    ]


JUNK = [None, [], {}, "x", -1, 1e9, True, float("nan"), [None, 3], [1e9, 1e9], float("inf")]


def _broken(value: Any, random: Random) -> Any:
    """``value`` with one part in twenty gone or of another type."""
    if random.random() < 0.05:
        return random.choice(JUNK)
    if isinstance(value, dict):
        return {key: _broken(inner, random) for key, inner in value.items()}
    if isinstance(value, list):
        return [_broken(inner, random) for inner in value]
    return value


def test_a_scan_with_parts_missing_is_drawn() -> None:
    whole = make_scan(3, items=6, held_out=8)
    for seed in range(40):
        random = Random(seed)
        page = render_scan({key: _broken(value, random) for key, value in whole.items()})
        assert "NaN" not in page.split('id="scans">')[1].split("</script>")[0]


@pytest.mark.parametrize(
    "scan",
    [{}, {"n_layers": 1}, make_scan(1), make_scan(6, held_out=0, anatomy=False, repeats=False)],
)
def test_small_scans_are_drawn(scan: dict[str, Any], tmp_path: Path) -> None:
    assert "finding-lead" in render_scan(scan)
    write_pngs(scan, tmp_path)


def test_a_full_scan_of_80_layers_stays_small_and_is_the_same_each_time(tmp_path: Path) -> None:
    scan = make_scan(80, probes=("math-guess", "emotion", "lm"), repeats=False)
    assert sum(p["block"] is not None for p in scan["paths"]) == 3241
    first = write_scan_page(scan, tmp_path).read_bytes()
    assert len(first) < 2_000_000
    assert write_scan_page(scan, tmp_path).read_bytes() == first
    assert not re.findall(rb'(?:src|href|action|style)="(?!#)', first)


def test_a_run_shows_its_scan_and_says_when_the_measurements_are_gone(tmp_path: Path) -> None:
    results, samples = make_results((0,))
    folder = tmp_path / "runs" / "quick-00"
    scan = make_scan(8)
    write_scan_run(folder, results, scan)
    write_run(folder, results, samples)
    page = render(folder)
    assert "1 brain scan" in page and 'data-map="blocks"' in page and "are missing" not in page
    file = tmp_path / "adapters" / "best-00ab" / "scan.json"
    for content, words in ((None, "is gone"), ("{", "cannot be read"), ("[1]", "cannot be read")):
        file.unlink() if content is None else file.write_text(content)
        page = render(folder)
        assert f"adapters/best-00ab/scan.json {words}" in page
        assert 'data-map="blocks"' not in page and scan["verdict"]["sentence"] in page
    # A path that leaves the home is not followed.
    (tmp_path.parent / "scan.json").write_text(json.dumps(scan))
    results["outputs"][-1]["path"] = ".."
    write_run(folder, results, samples)
    assert "is gone" in render(folder)


def test_pictures_are_whole_and_the_same_each_time(tmp_path: Path) -> None:
    scan = make_scan(8)
    scan["probes"][0]["name"] = hostile = "../../$x^{ " + PAYLOADS[0]
    for row in scan["paths"]:
        row["scores"][hostile] = row["scores"].pop("math-guess")
    first = write_pngs(scan, tmp_path / "one")
    assert [p.name for p in first[1:]] == [
        "map-emotion.png", "map-combined.png", "skyline.png", "repeats.png", "pareto.png",
        "search-vs-held-out.png",
    ]  # fmt: skip
    assert all(p.parent == tmp_path / "one" for p in first)
    for one, other in zip(first, write_pngs(scan, tmp_path / "two"), strict=True):
        content = one.read_bytes()
        assert content.startswith(b"\x89PNG") and content == other.read_bytes()
        width, height = struct.unpack(">II", content[16:24])
        assert width > 600 and height > 300 and len(content) > 5_000


def test_a_picture_has_red_and_blue_where_the_numbers_say(tmp_path: Path) -> None:
    from matplotlib.image import imread

    scan = make_scan(8, probes=("math-guess",), helps=0.3)
    [picture] = [p for p in write_pngs(scan, tmp_path) if p.name == "map-math-guess.png"]
    pixels = imread(picture)[:, :, :3]
    limit = scan_heatmap.limit_of(
        [scan_heatmap.block_cells(read_scan(scan), "math-guess")],
        read_scan(scan).rows, "math-guess",
    )  # fmt: skip
    areas = {}
    for step in (-ARM, step_of(max(p["scores"]["math-guess"]["gain"] or 0 for p in scan["paths"]),
                               limit)):  # fmt: skip
        rgb = [int(colour(step)[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        there = numpy.argwhere(numpy.abs(pixels[:, :650] - rgb).max(axis=2) < 0.01)
        areas[step] = there.mean(axis=0)
    # Losses fill the top right; the best gain lies below and to the left of them.
    losses, best = areas.values()
    assert best[1] < losses[1] and best[0] > 0


def test_the_stylesheet_names_every_step_for_both_schemes() -> None:
    light, dark = stylesheet().split("@media (prefers-color-scheme: dark)")
    for step in range(1, ARM + 1):
        for name in (f".up-{step} ", f".down-{step} "):
            assert name in light and name in dark
