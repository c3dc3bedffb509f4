"""The wheel: all of the server, its plugins and its client are in it, and run from any folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
COMPILED = {".c", ".so"}
PARTS = {"chatserver": "chatserver", "plugins": "chatserver_plugins", "public": "chatserver_public"}


def files_in(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in COMPILED
    }


def build(tmp_path_factory: pytest.TempPathFactory, **environment: str) -> Path:
    """Built from a copy, as setuptools leaves build/ and *.egg-info in the folder it builds from."""
    source = tmp_path_factory.mktemp("source")
    for name in PARTS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("setup.py", "pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--wheel-dir", str(target), str(source)]
    subprocess.run(command, check=True, timeout=120, env={**os.environ, **environment})
    (built,) = target.glob("chatserver-*.whl")
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    return site


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory)


@pytest.mark.parametrize(("folder", "package"), PARTS.items())
def test_a_wheel_holds_every_file(unpacked: Path, folder: str, package: str) -> None:
    assert files_in(unpacked / package) == files_in(ROOT / folder)


def test_a_wheel_brings_nothing_else(unpacked: Path) -> None:
    (info,) = unpacked.glob("chatserver-*.dist-info")
    assert {path.name for path in unpacked.iterdir()} == {*PARTS.values(), info.name}
    assert list(info.rglob("LICENSE"))


def test_every_bundled_plugin_is_an_entry_point_of_the_wheel(unpacked: Path) -> None:
    code = (
        "from importlib.metadata import distribution\n"
        "for each in distribution('chatserver').entry_points:\n"
        "    print(each.group, each.name, each.value)"
    )
    listed = run(unpacked, code).splitlines()
    assert "console_scripts chatserver chatserver.__main__:main" in listed
    packages = [each.name for each in (ROOT / "plugins").iterdir() if (each / "__init__.py").exists()]
    plugins = {f"chatserver.plugins {name} chatserver_plugins.{name}" for name in packages}
    assert {line for line in listed if line.startswith("chatserver.plugins ")} == plugins


def test_the_wheels_modules_are_found_from_any_folder(unpacked: Path) -> None:
    code = (
        "import importlib.resources as r, importlib.util as u\n"
        "print(u.find_spec('chatserver_plugins.basics').origin)\n"
        "print(r.files('chatserver_public').joinpath('index.html').is_file())"
    )
    plugin, page = run(unpacked, code).splitlines()
    assert Path(plugin) == unpacked / "chatserver_plugins" / "basics" / "__init__.py"
    assert page == "True"


HOW_IT_SENDS = "from chatserver.delivery import send\nprint(send.choose(True).__name__, send.__file__)"


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_compiler_makes_the_compiled_part(unpacked: Path) -> None:
    assert run(unpacked, HOW_IT_SENDS).split() == ["send_to_all", f"{unpacked}/chatserver/delivery/send.py"]


def test_without_a_compiler_all_is_there_in_python(tmp_path_factory: pytest.TempPathFactory) -> None:
    site = build(tmp_path_factory, CC="false")
    assert not list(site.rglob("*.so"))
    assert run(site, HOW_IT_SENDS).split() == ["send_in_python", f"{site}/chatserver/delivery/send.py"]


def run(site: Path, code: str) -> str:
    """What ``code`` prints where only ``site`` and the dependencies can be imported, not the checkout."""
    code = f"import sys; sys.path.insert(0, {str(site)!r})\n{code}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=site.anchor,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_the_lock_file_has_all_that_is_required_with_hashes():
    text = (ROOT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.M))
    for extra in ("", "hears", "postgresql", "redis", "s3"):
        for each in map(Requirement, metadata.requires("chatserver")):
            if each.marker is None or each.marker.evaluate({"extra": extra}):
                name = canonicalize_name(each.name)
                assert each.specifier.contains(locked[name]), f"{each}: make lock"
    blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)
