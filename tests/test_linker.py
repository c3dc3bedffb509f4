"""Modules are joined into one that does what they do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chatserver.web.linker import LinkError, link_modules, link_styles, plain_script

PUBLIC = Path(__file__).parent.parent / "public"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")


def client_modules() -> dict[str, str]:
    return {path.relative_to(PUBLIC).as_posix(): path.read_text() for path in PUBLIC.rglob("*.js")}


def joined(files: dict[str, str], main: str = "js/main.js") -> str:
    return link_modules(files, main, "js/client.js")["js/client.js"]


def printed(source: str, tmp_path: Path) -> str:
    """What a module prints."""
    (tmp_path / "joined.mjs").write_text(source)
    done = subprocess.run(
        ["node", tmp_path / "joined.mjs"], capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout


@needs_node
def test_modules_are_run_once_each_and_after_those_they_import(tmp_path: Path) -> None:
    files = {
        "js/main.js": """import { one, Two as Second } from "./parts/a.js";
import {
  three,
  count,
} from "./b.js";

console.log(one(), new Second().name, three, count());
""",
        "js/parts/a.js": """import { three, count } from "../b.js";
/** Adds.
 * @param {import("./nothing.js").Nothing} [nothing]
 */
export function one() { return three - 2 + count() * 100; }
export class Two { name = "two"; }
""",
        "js/b.js": """console.log("b");
let counted = 0;
export const three = 3;
export const count = () => (counted += 1);
""",
        "js/unused.js": "console.log('never');",
    }
    assert printed(joined(files), tmp_path) == "b\n101 two 3 2\n"


@needs_node
def test_names_of_one_module_are_none_of_anothers(tmp_path: Path) -> None:
    files = {
        "main.js": 'import { tell } from "./a.js";\nconst own = "main";\nconsole.log(own, tell());\n',
        "a.js": 'const own = "a";\nexport function tell() { return own; }\n',
    }
    assert printed(joined(files, "main.js"), tmp_path) == "main a\n"


@needs_node
def test_all_of_the_client_is_joined_and_can_be_parsed(tmp_path: Path) -> None:
    files = client_modules()
    made = link_modules(files, "js/main.js", "js/client.js", "js/later.js")
    sources = [made["js/client.js"], made["js/later.js"]]
    names = [re.findall(r"^const (\$\d+) = ", source, re.MULTILINE) for source in sources]
    assert len({*names[0], *names[1]}) == len([*names[0], *names[1]]) == len(files) - 2, "two are no modules"
    for source in sources:
        (tmp_path / "client.mjs").write_text(source)
        subprocess.run(["node", "--check", tmp_path / "client.mjs"], check=True, timeout=20)
        assert "/**" not in source


@needs_node
def test_what_comes_later_shares_what_is_there(tmp_path: Path) -> None:
    files = {
        "main.js": """import { count } from "./parts/count.js";
console.log(count());
import("./late.js").then(({ Late: Part }) => console.log(new Part().count(), count()));
""",
        "parts/count.js": "let all = 0;\n  // One more.\nexport function count() {\n  return (all += 1);\n}",
        "late.js": """import { count } from "./parts/count.js";
import { twice } from "./twice.js";
export class Late {
  count() {
    return twice(count());
  }
}
""",
        "twice.js": "export const twice = (number) => number * 2;",
    }
    for path, text in link_modules(files, "main.js", "client.js", "late.js").items():
        (tmp_path / path).write_text(text)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    done = subprocess.run(
        ["node", tmp_path / "client.js"], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout.split() == ["1", "4", "3"]
    assert "One more" not in (tmp_path / "client.js").read_text()


def line_step(mapping: str) -> int:
    """How many lines a mapping goes on in its source: its third number."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert mapping[:2] == "AA"
    assert mapping[-1] == "A"
    number = sum((digits.index(digit) & 31) << 5 * place for place, digit in enumerate(mapping[2:-1]))
    return number >> 1


@pytest.mark.parametrize("target", ["js/client.js", "js/later.js"])
def test_the_source_map_leads_each_line_back_to_its_own(target: str) -> None:
    files = client_modules()
    made = link_modules(files, "js/main.js", "js/client.js", "js/later.js")
    lines = made[target].split("\n")
    sections = json.loads(made[f"{target}.map"])["sections"]
    assert sections
    for section in sections:
        (source,) = section["map"]["sources"]
        original = files[f"js/{source}"].split("\n")
        number, at = 0, section["offset"]["line"]
        for mapping in section["map"]["mappings"].split(";"):
            number += line_step(mapping)
            # An import has become something else, and stands on its first line.
            told = [] if "import" in original[number] else re.findall(r"\w+", lines[at])
            assert all(word in original[number] for word in told), (source, number, lines[at])
            at += 1
        assert lines[at].startswith("return {"), source
    assert lines[-2] == f"//# sourceMappingURL={target.removeprefix('js/')}.map"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('import all from "./a.js";', r"main\.js:1: .*import all"),
        ('\nimport * as all from "./a.js";', r"main\.js:2: "),
        ('import "./a.js";', r"main\.js:1: "),
        ("\n\nexport default 1;", r"main\.js:3: .*export default"),
        ('export { a } from "./a.js";', r"main\.js:1: "),
        ("const text = `a\n  b`;", r"main\.js:1: .*more than one line"),
        ('const lazy = () => import("./a.js");', r"main\.js: a\.js can't be imported lazily"),
        ("const lazy = () => import('./a.js');", r"main\.js:1: "),
        ('import { b } from "./b.js";', r"main\.js: there is no b\.js"),
        ('import { b } from "../../b.js";', r"main\.js: there is no \.\./\.\./b\.js"),
        ('import { a } from "./circle.js";', "circle: main.js → circle.js → main.js"),
    ],
)
def test_what_it_does_not_know_is_refused_with_its_place(source: str, message: str) -> None:
    files = {
        "main.js": source,
        "a.js": "export const a = 1;",
        "circle.js": 'import { b } from "./main.js";\nexport const a = b;',
    }
    with pytest.raises(LinkError, match=message):
        joined(files, "main.js")


def test_comments_and_indentation_stay_at_home() -> None:
    source = "/** What. */\nconst a = `x // y`; // z\n// no\n  // neither\n    const b = 'http://c';\n"
    lines = joined({"main.js": source}, "main.js").split("\n")
    assert lines[1:3] == ["const a = `x // y`; // z", "const b = 'http://c';"]


def test_a_plugin_may_be_imported_by_an_address_that_is_known_later() -> None:
    assert "import(url)" in joined({"main.js": "const load = (url) => import(url);"}, "main.js")


def test_style_sheets_stand_where_they_are_imported() -> None:
    files = {
        "css/index.css": '/* all */\n@import "a.css";\n@import "b.css";\n',
        "css/a.css": "  a /* and\n  no more */",
        "css/b.css": "b",
    }
    assert link_styles(files, "css/index.css") == "\na\nb\n"
    with pytest.raises(LinkError, match=r"there is no css/a\.css"):
        link_styles({"css/index.css": files["css/index.css"]}, "css/index.css")


def test_every_style_sheet_is_sent() -> None:
    files = {path.relative_to(PUBLIC).as_posix(): path.read_text() for path in PUBLIC.rglob("*.css")}
    imported = re.findall(r'^@import "([^"]+)";$', files["css/index.css"], re.MULTILINE)
    assert sorted(f"css/{name}" for name in imported) == sorted(
        set(files) - {"css/index.css", "css/later.css"}
    )
    assert "@import" not in link_styles(files, "css/index.css")


def test_a_script_that_stands_alone_keeps_its_lines() -> None:
    source = "// What it is.\n(() => {\n  /** @param {string} a */\n  const f = (a) => `x: //${a}`; // here\n\n})();\n"
    assert plain_script(source) == "\n(() => {\n\nconst f = (a) => `x: //${a}`; // here\n\n})();\n"
