"""``chatserver plugin new``: what it makes works, and overwrites nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from chatserver.model.errors import PluginError
from chatserver.plugins.discovery import find, plugin_class
from chatserver.server import cli


@pytest.fixture(name="here")
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(*args: str) -> str:
    return CliRunner().invoke(cli.commands, ["plugin", "new", *args], catch_exceptions=False).output


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def run_tests(folder: Path, *options: str, path: str = "") -> None:
    """As its author would, with pytest alone."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(folder)],
        capture_output=True, text=True, check=False, timeout=60, cwd=folder.parent,
        env={"PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout


def test_a_file_with_its_test_that_passes(here: Path) -> None:
    said = new("tea_party")
    folder = here / "my-plugins"
    assert set(files(folder)) == {"tea_party.py", "tests/test_tea_party.py", "tests/conftest.py"}
    snippet = yaml.safe_load(said[said.index("plugins:") : said.index("Try it")])
    assert snippet == {"plugins": {"dirs": ["my-plugins"], "enabled": {"tea_party": {}}}}
    run_tests(folder)
    # A test that can't fail would show nothing.
    (folder / "tea_party.py").write_text((folder / "tea_party.py").read_text().replace("name or", "1 / 0 or"))
    with pytest.raises(AssertionError, match="plugin_failed"):
        run_tests(folder)


def test_it_goes_where_the_settings_look(here: Path) -> None:
    (here / "own").mkdir()
    (here / "config.yaml").write_text("plugins: {dirs: [own]}\n")
    said = new("tea")
    assert "dirs:" not in said
    new("coffee")
    found = {each.name: each for each in find([here / "own"])}
    assert {"tea", "coffee"} <= set(found)
    assert plugin_class(found["coffee"]).__name__ == "Coffee"


def test_a_package_that_can_be_installed_with_its_test_that_passes(here: Path) -> None:
    said = new("tea_party", "--package")
    folder = here / "chatserver-tea-party"
    assert "dirs:" not in said
    target = here / "site-packages"
    install = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    command = [*install, "--no-build-isolation", "--target", str(target), str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    run_tests(folder, path=str(target))


@pytest.mark.parametrize("name", ["settings", "command", "annotated", "hello_world"])
def test_a_class_is_not_called_like_what_the_file_imports(here: Path, name: str) -> None:
    new(name)
    found = next(each for each in find([here / "my-plugins"]) if each.name == name)
    assert plugin_class(found).__module__.endswith(name)


@pytest.mark.parametrize(
    "name", ["Tea", "2tea", "te-a", "../tea", "class", "", "basics", "plugin", "sqlite", "log"]
)
def test_a_name_that_no_plugin_can_have_is_refused(here: Path, name: str) -> None:
    with pytest.raises(PluginError):
        new(name)
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    "there", ["my-plugins/tea.py", "my-plugins/tests/test_tea.py", "my-plugins/tests/conftest.py"]
)
def test_nothing_is_overwritten(here: Path, there: str) -> None:
    path = here / there
    path.parent.mkdir(parents=True)
    path.write_text("mine\n")
    with pytest.raises(PluginError, match="is there already"):
        new("tea")
    assert files(here) == {there: "mine\n"}
