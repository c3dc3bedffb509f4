"""``chatserver plugin new``: a plugin to begin with, and its test, as a file or as a package of its own."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

import click

from ..model.errors import PluginError
from ..model.plugin_names import check_name
from ..plugins.discovery import find
from .options import config_option, read_settings

PLUGIN = '''\
from typing import Annotated

from chatserver import Plugin, Room, User, command, hookimpl, settings


class $class_name(Plugin):
    """$title: say here what it is for."""

    @settings
    class Settings:
        greeting: str = "Hello"

    @command("$command")
    async def greet(self, ctx, *, name: Annotated[str, "whom to greet"] = ""):
        """Greet a user."""
        return f"{self.settings.greeting}, {name or ctx.user.display_name}!"

    @hookimpl
    async def after_join(self, user: User, room: Room):
        self.chat.notice(user, f"{self.settings.greeting} in {room.title or room.name}!", room=room)
'''
TEST = '''\
"""What the plugin $name does, on a real server."""
$dirs

async def test_it_greets(chat):
    async with chat(plugins={"$name": {"greeting": "Hi"}}$dirs_option) as server:
        alice, bob = await server.join("general", "alice", "bob")
        assert (await bob.hears("notice")).text == "Hi in General!"
        await alice.says("/$command Bob")
        assert (await alice.hears("notice", text="Hi, Bob!")).level == "info"
'''
DIRS = """
from pathlib import Path

PLUGINS = Path(__file__).parent.parent
"""
CONFTEST = """\
from chatserver.testing.fixtures import *  # noqa: F403 - the fixtures, and async tests
"""
PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "chatserver-$dashed"
version = "0.1.0"
description = "$title for chatserver"
requires-python = ">=3.11"
dependencies = ["chatserver"]

# The name here is the plugin's name everywhere: in the settings, in addresses, before its tables and events.
[project.entry-points."chatserver.plugins"]
$name = "$package:$class_name"

[tool.setuptools]
packages = ["$package"]
package-data = {"$package" = ["static/*", "i18n/*.json"]}
"""
README = """\
# $title for chatserver

```text
pip install -e .
pip install pytest
pytest
```

and in the settings of the server:

```yaml
plugins:
  enabled:
    $name: {}
```
"""


@click.command("new")
@click.argument("name")
@click.option("--package", is_flag=True, help="A package that others can install, instead of one file.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to put it. Without this option the first of plugins.dirs, else my-plugins; a package goes here.",
)
@config_option
def new(name: str, package: bool, folder: Path | None, config: Path | None) -> None:
    """Make a plugin to begin with, and its test. Nothing is overwritten."""
    check_name(name)
    if keyword.iskeyword(name):
        raise PluginError("a word of Python's own can't be a plugin's name", name)
    settings = read_settings(config)
    for found in find(settings.plugins.dirs):
        if found.name == name:
            raise PluginError(f"there is one already: {found.where}", name)
    if package:
        root = (folder or Path()) / f"chatserver-{name.replace('_', '-')}"
    else:
        root = folder or next(iter(settings.plugins.dirs), Path("my-plugins"))
    files = _files(name, package)
    _write(name, {root / path: text for path, text in files.items()})
    for path in files:
        click.echo(f"made {root / path}")
    known = not package and any(each.resolve() == root.resolve() for each in settings.plugins.dirs)
    click.echo(_next_steps(name, root, package, known))


def _files(name: str, package: bool) -> dict[str, str]:
    """What is made, by its path below the root."""
    class_name = "".join(word.capitalize() for word in name.split("_"))
    words = {
        "name": name,
        "title": name.replace("_", " ").strip().capitalize(),
        # Not one of the names that the file imports.
        "class_name": f"{class_name}Plugin" if re.search(rf"\b{class_name}\b", PLUGIN) else class_name,
        "command": name.strip("_").replace("_", "-"),
        "dashed": name.replace("_", "-"),
        "package": f"chatserver_{name}",
        "dirs": "" if package else DIRS,
        "dirs_option": "" if package else ", dirs=[PLUGINS]",
    }
    plugin = f"{words['package']}/__init__.py" if package else f"{name}.py"
    texts = {plugin: PLUGIN, f"tests/test_{name}.py": TEST, "tests/conftest.py": CONFTEST}
    if package:
        texts |= {"pyproject.toml": PYPROJECT, "README.md": README}
    return {path: Template(text).substitute(words) for path, text in texts.items()}


def _write(name: str, files: Mapping[Path, str]) -> None:
    """Write all of them, or none. A conftest.py that is the same already is left. Raises PluginError."""
    new = {path: text for path, text in files.items() if not _same(path, text)}
    for path in new:
        if path.exists():
            raise PluginError(f"{path} is there already; nothing was written", name)
    for path, text in new.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _same(path: Path, text: str) -> bool:
    return path.name == "conftest.py" and path.is_file() and path.read_text(encoding="utf-8") == text


def _next_steps(name: str, root: Path, package: bool, known: bool) -> str:
    dirs = "" if package or known else f"  dirs: [{root}]\n"
    first = f"pip install -e {root} && " if package else ""
    return (
        f"\nEnable it in the settings, beside those that are there:\n\n"
        f"plugins:\n{dirs}  enabled:\n    {name}: {{}}\n\n"
        f"Try it: pip install pytest && {first}pytest {root}"
    )
