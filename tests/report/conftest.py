"""A run's folder, and a headless Chromium that reports everything the page does."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from results_factory import make_run

from workbench.report.picture import find_browser


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with three seeds, of which one output failed."""
    folder = tmp_path_factory.mktemp("home") / "runs" / "quickstart-3f9a1c20be77"
    make_run(folder)
    return folder


@dataclass
class Opened:
    """A page in the browser. ``requests`` are all the addresses it asked for."""

    driver: Any
    requests: list[str]
    console: list[str]

    def run(self, script: str, *arguments: object) -> Any:
        """What a piece of JavaScript returns."""
        return self.driver.execute_script(script, *arguments)


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    """Headless Chromium through chromedriver."""
    browser, chromedriver = find_browser(), shutil.which("chromedriver")
    if browser is None or chromedriver is None:
        pytest.skip("no Chromium with chromedriver here: apt install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    yield started
    started.quit()


@pytest.fixture
def open_page(driver: Any) -> Callable[..., Opened]:
    """Opens a file at a width and in a colour scheme."""

    def opened(path: Path, width: int = 1280, scheme: str = "light") -> Opened:
        driver.get("about:blank")
        driver.get_log("performance")
        driver.get_log("browser")
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )
        driver.get(path.as_uri())
        events = [json.loads(row["message"])["message"] for row in driver.get_log("performance")]
        requests = [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return Opened(driver, requests, [row["message"] for row in driver.get_log("browser")])

    return opened
