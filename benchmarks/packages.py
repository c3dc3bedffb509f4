"""Packages of the peers, in folders of their own under .cache: nothing of them gets into the project's .venv."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
from pathlib import Path

from .build import NotHere
from .folders import CACHE

INSTALL_SECONDS = 300
VENV = CACHE / "venv"
NODE = CACHE / "node"


@functools.cache
def python_with(*requirements: str) -> Path:
    """The Python of a virtual environment that has ``requirements``. Raises NotHere."""
    python = VENV / "bin/python"
    if not python.exists():
        _run([sys.executable, "-m", "venv", str(VENV)])
    missing = [each for each in requirements if not _installed(each)]
    if missing:
        quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
        _run([str(python), "-m", "pip", "install", *quiet, *missing])
    return python


def python_versions(*requirements: str) -> str:
    """Their versions, as installed."""
    return ", ".join(f"{_bare(each)} {_installed(each)}" for each in requirements)


@functools.cache
def node_with(package: str) -> Path:
    """A folder whose node_modules has ``package``. Raises NotHere."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NotHere("no Node with npm (apt-get install nodejs npm)")
    NODE.mkdir(parents=True, exist_ok=True)
    if not (NODE / "node_modules" / package).exists():
        _run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(NODE), package])
    return NODE


def node_version(package: str) -> str:
    """The package's version, and Node's."""
    about = json.loads((NODE / "node_modules" / package / "package.json").read_text())
    node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    return f"{package} {about['version']}, Node {node}"


def _bare(requirement: str) -> str:
    return requirement.partition("[")[0]


def _installed(requirement: str) -> str:
    name = _bare(requirement).replace("-", "_").lower()
    for folder in VENV.glob("lib/python*/site-packages/*.dist-info"):
        found, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
        if found.lower() == name:
            return version
    return ""


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotHere(f"not installed within {INSTALL_SECONDS} s: {command[-1]}") from None
    if done.returncode != 0:
        raise NotHere(f"could not be installed: {command[-1]}\n{(done.stderr or done.stdout)[-500:]}")
