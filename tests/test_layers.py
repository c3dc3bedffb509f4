"""Who may import whom: the contracts in pyproject.toml hold, and cover what they are meant to cover."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


@pytest.fixture(scope="module")
def contracts() -> dict[str, dict[str, Any]]:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    return {each["id"]: each for each in tools["importlinter"]["contracts"]}


def test_every_import_goes_down() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_know_no_exception(contracts: dict[str, dict[str, Any]]) -> None:
    for contract in contracts.values():
        assert "ignore_imports" not in contract
    assert contracts["layers"]["exhaustive_ignores"] == ["__main__"]


def test_the_lowest_layers_are_held_to_be_free_of_tornado_and_asyncio(
    contracts: dict[str, dict[str, Any]],
) -> None:
    layers = contracts["layers"]["layers"]
    protocol = next(at for at, layer in enumerate(layers) if "protocol" in layer.split(" | "))
    below = {f"chatserver.{module}" for layer in layers[protocol:] for module in layer.split(" | ")}
    assert below == set(contracts["pure"]["source_modules"])
