"""Finds plugins: those that ship with the server, installed packages, and the folders in the settings.

Finding imports nothing but the bundled plugins' (empty) package; what is not enabled never runs.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import sysconfig
import traceback
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from ..model.errors import PluginError
from .base import Plugin

BUNDLED = "chatserver_plugins"
GROUP = "chatserver.plugins"
_STANDARD = sysconfig.get_path("stdlib")


@dataclass(frozen=True)
class Found:
    """A plugin that could be enabled. ``where`` tells people its module or path; ``load`` imports it; ``version`` is
    that of an installed package."""

    name: str
    where: str
    bundled: bool
    load: Callable[[], Any]
    version: str = ""


def find(dirs: Iterable[Path]) -> list[Found]:
    """Every plugin there is: the bundled ones, those of installed packages, those in ``dirs``; each sorted by name."""
    groups = [_bundled(), _installed(), *(_in_folder(folder) for folder in dirs)]
    return [found for group in groups for found in sorted(group, key=lambda found: found.name)]


def plugin_class(found: Found) -> type[Plugin]:
    """Import a plugin. Raises PluginError with the reason, and the file and line where it lies."""
    try:
        loaded = found.load()
    except BaseException as error:
        raise PluginError(f"can't be imported: {_reason(error)}", found.name) from error
    classes = [loaded] if inspect.isclass(loaded) else _defined_in(loaded)
    if len(classes) != 1 or not issubclass(classes[0], Plugin):
        count = "no" if not classes else "more than one" if len(classes) > 1 else "another"
        raise PluginError(
            f"{found.where} has {count} class; exactly one subclass of Plugin is needed", found.name
        )
    return classes[0]


def forget(changed: Iterable[Path]) -> dict[str, ModuleType]:
    """Have the plugins to which these files belong imported anew. Returns the modules of before, for `remember`."""
    names = {
        _local_name(Path(*path.parts[:end])) for path in changed for end in range(1, len(path.parts) + 1)
    }
    gone = [name for name in sys.modules if name.partition(".")[0] in names]
    importlib.invalidate_caches()
    return {name: sys.modules.pop(name) for name in gone}


def remember(modules: Mapping[str, ModuleType]) -> None:
    """Undo `forget`: what was imported anew can't be used."""
    for name in [name for name in sys.modules if name.partition(".")[0] in modules]:
        del sys.modules[name]
    sys.modules.update(modules)


def folder_of(cls: type[Plugin]) -> Path | None:
    """The folder of the package that a plugin is in; None for one that is a single file."""
    module = sys.modules[cls.__module__]
    if module.__package__ in ("", None, BUNDLED) or module.__file__ is None:
        return None
    return Path(module.__file__).parent


def _bundled() -> Iterator[Found]:
    try:
        package = importlib.import_module(BUNDLED)
    except ModuleNotFoundError:
        # Not installed: a checkout, where the package goes by its folder's name.
        folder = Path(__file__).parents[2] / "plugins"
        if not (folder / "__init__.py").is_file():
            return
        package = _import_file(BUNDLED, folder)
    for module in pkgutil.iter_modules(package.__path__):
        yield _module(module.name, f"{BUNDLED}.{module.name}", bundled=True)


def _installed() -> Iterator[Found]:
    for entry in entry_points(group=GROUP):
        if not entry.module.startswith(f"{BUNDLED}."):
            yield _entry(entry)


def _in_folder(folder: Path) -> Iterator[Found]:
    for path in folder.iterdir():
        if path.name.startswith((".", "_")):
            continue
        if path.suffix == ".py" or (path / "__init__.py").is_file():
            yield _path(path)


def _module(name: str, module: str, *, bundled: bool) -> Found:
    return Found(name, module, bundled, lambda: importlib.import_module(module))


def _entry(entry: EntryPoint) -> Found:
    version = entry.dist.version if entry.dist is not None else ""
    return Found(entry.name, entry.value, False, entry.load, version)


def _path(path: Path) -> Found:
    module = _local_name(path)
    return Found(path.stem, str(path), False, lambda: _import_file(module, path))


def _local_name(path: Path) -> str:
    """The module of a plugin in a folder. Two folders may each have a plugin of the same name, in two servers of one
    process."""
    return f"chatserver_local_{zlib.crc32(str(path.parent.resolve()).encode()):08x}_{path.stem}"


def _import_file(name: str, path: Path) -> ModuleType:
    """Import a file or a package's folder from where it is, under a name of our choice."""
    if name in sys.modules:
        return sys.modules[name]
    file, inside = (path / "__init__.py", [str(path)]) if path.is_dir() else (path, None)
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=inside)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _defined_in(module: ModuleType) -> list[type[Plugin]]:
    """The module's or package's own plugin classes, without those that others of them extend."""
    classes = dict.fromkeys(value for value in vars(module).values() if inspect.isclass(value))
    own = [
        each
        for each in classes
        if issubclass(each, Plugin) and f"{each.__module__}.".startswith(f"{module.__name__}.")
    ]
    return [each for each in own if not any(each in other.__mro__[1:] for other in own)]


def _reason(error: BaseException) -> str:
    """``ImportError: no module named x (plugin.py, line 3)``: its last line outside of us and the standard library."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not Path(frame.filename).is_relative_to(Path(__file__).parents[1])
        and not (frame.filename.startswith(_STANDARD) and "site-packages" not in frame.filename)
        and "importlib" not in frame.filename
    ]
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
