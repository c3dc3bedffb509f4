"""Joins the browser client's modules into one, and its style sheets into one, so that a page waits for two files.

It knows the style the client is written in, and refuses the rest: imports of names from relative paths, exports of
declarations, no circles; lazily imported is only what is joined on its own.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";', re.M)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const|let) ([\w$]+))", re.M)
_OTHER = re.compile(r"^(?:import|export)\b.*|\bimport\(\s*[\"'`].*", re.M)
_LAZY = re.compile(r'\bimport\("(\.[^"]+)"\)')
_DOC = re.compile(r"/\*\*\s.*?\*/", re.S)
_MARGIN = re.compile(r"^[ \t]*//.*|^[ \t]+", re.M)
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CSS_PLAIN = re.compile(r"[ \t]*/\*.*?\*/|^[ \t]+|\n(?=\s*\n)", re.M | re.S)
_CSS_IMPORT = re.compile(r'^@import "([^"]+)";$', re.M)


class LinkError(ValueError):
    """A file that can't be joined; the message names it, and the line."""


def link_modules(
    files: Mapping[str, str], main: str, target: str, later: str | None = None
) -> dict[str, str]:
    """``main`` and all it imports as one module under the path ``target``, with its source map (``.map``).

    ``files`` are sources by path. Each module becomes a function, called once and in the order in which a browser
    would. Comments, indentation and empty lines are left out. What ``later`` imports and ``main``
    doesn't is joined in the place of ``later``, and takes the rest from ``target``; modules may import it lazily.
    Raises `LinkError`.
    """
    modules = _Modules(files, later, target)
    made = modules.joined(_in_order(files, main), target)
    if later is None:
        return made
    own = [path for path in _in_order(files, later) if path not in modules.names]
    return {**made, **modules.joined(own, later, shared=target)}


class _Modules:
    """Modules as functions, in one file or two."""

    def __init__(self, files: Mapping[str, str], later: str | None, target: str) -> None:
        self._files = files
        self._later = later
        self._folder = posixpath.dirname(target)
        self.names: dict[str, str] = {}
        """The variables with what modules export, by path."""

    def joined(self, paths: list[str], target: str, shared: str | None = None) -> dict[str, str]:
        """These modules as one file, with its map. With ``shared``, those of before come from there."""
        lines: list[str] = []
        if shared is not None:
            taken = ", ".join(self.names.values())
            lines.append(
                f'import {{ {taken} }} from "./{posixpath.relpath(shared, posixpath.dirname(target))}";'
            )
        sections = []
        for path in paths:
            exported = [found[1] for found in _EXPORT.findall(self._files[path])]
            body = [(number, line) for number, line in enumerate(self._body(path).split("\n")) if line]
            self.names[path] = f"${len(self.names)}"
            lines.append(f"const {self.names[path]} = (() => {{")
            source = posixpath.relpath(path, posixpath.dirname(target))
            own_map = _line_map(source, [number for number, _ in body])
            sections.append({"offset": {"line": len(lines), "column": 0}, "map": own_map})
            lines += [*(line for _, line in body), f"return {{ {', '.join(exported)} }}; }})();"]
        if shared is not None:
            lines += [f"export const {{ {', '.join(exported)} }} = {self.names[paths[-1]]};"]
        elif self._later is not None:
            lines.append(f"export {{ {', '.join(self.names.values())} }};")
        name = posixpath.basename(target)
        joined = "\n".join([*lines, f"//# sourceMappingURL={name}.map", ""])
        source_map = json.dumps({"version": 3, "file": name, "sections": sections}, separators=(",", ":"))
        return {target: joined, f"{target}.map": source_map}

    def _body(self, path: str) -> str:
        """A module's source as the inside of a function."""

        def taken(found: re.Match[str]) -> str:
            return f"const {{{found[1].replace(' as ', ': ')}}} = {self.names[_path(self._files, path, found[2])]};"

        def lazily(found: re.Match[str]) -> str:
            wanted = _path(self._files, path, found[1])
            if wanted != self._later:
                raise LinkError(f"{path}: {wanted} can't be imported lazily")
            return f'(import)("./{posixpath.relpath(wanted, self._folder)}")'

        body = _without_docs(self._files[path])
        body = _LAZY.sub(lazily, _EXPORT.sub(r"\1", _IMPORT.sub(taken, body)))
        if other := _OTHER.search(body):
            line = body.count("\n", 0, other.start()) + 1
            raise LinkError(f"{path}:{line}: this can't be joined: {other[0]}")
        for line, text in enumerate(body.split("\n"), 1):
            # What is indented in it would be changed.
            if text.count("`") % 2:
                reason = "a template of more than one line can't be joined"
                raise LinkError(f"{path}:{line}: {reason}: {text.strip()}")
        return _MARGIN.sub("", body).replace("(import)(", "import(")


def plain_script(source: str) -> str:
    """A script that stands alone, without comments and indentation; each line keeps its number."""
    return _MARGIN.sub("", _without_docs(source))


def _without_docs(source: str) -> str:
    return _DOC.sub(lambda found: "\n" * found[0].count("\n"), source)


def link_styles(files: Mapping[str, str], main: str) -> str:
    """``main`` with every style sheet that it imports in the place of the import, without comments and indentation.

    Raises `LinkError`.
    """
    return _CSS_PLAIN.sub("", _CSS_IMPORT.sub(lambda found: files[_path(files, main, found[1])], files[main]))


def _in_order(files: Mapping[str, str], main: str) -> list[str]:
    """Each module once, after those that it imports."""
    ordered: dict[str, None] = {}

    def visit(path: str, importers: tuple[str, ...]) -> None:
        if path in importers:
            raise LinkError(f"modules import each other in a circle: {' → '.join([*importers, path])}")
        if path in ordered:
            return
        for _, imported in _IMPORT.findall(files[path]):
            visit(_path(files, path, imported), (*importers, path))
        ordered[path] = None

    visit(main, ())
    return list(ordered)


def _path(files: Mapping[str, str], importer: str, imported: str) -> str:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(importer), imported))
    if path not in files:
        raise LinkError(f"{importer}: there is no {path}")
    return path


def _line_map(source: str, numbers: list[int]) -> dict[str, object]:
    """The source map of a text whose lines are those of ``source`` with these numbers, ascending (ECMA-426)."""
    steps = [number - before for before, number in zip([0, *numbers], numbers, strict=False)]
    mappings = ";".join(f"AA{_vlq(step)}A" for step in steps)
    return {"version": 3, "sources": [source], "names": [], "mappings": mappings}


def _vlq(number: int) -> str:
    """A number that isn't negative, as source maps write it: five bits a letter, the lowest first, after a sign."""
    rest, text = number << 1, ""
    while True:
        rest, digit = rest >> 5, rest & 31
        text += _BASE64[digit | (32 if rest else 0)]
        if not rest:
            return text
