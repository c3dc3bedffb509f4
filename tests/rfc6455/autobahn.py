"""Run the Autobahn test suite against this server's WebSockets: ``make autobahn``; README.md here says more."""

from __future__ import annotations

import argparse
import asyncio
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from echo import echoing

SUITE = "autobahntestsuite==25.10.1"
BUILD = Path(__file__).resolve().parents[2] / "build" / "autobahn"
PACKAGES = BUILD / SUITE
REPORTS = BUILD / "reports"

# addsitedir, not PYTHONPATH: some of the packages share a namespace by a .pth file.
START = "import site, sys; site.addsitedir(sys.argv.pop(1)); from autobahntestsuite.wstest import run; run()"

GOOD = {"OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"}
GOOD_CLOSE = {"OK", "INFORMATIONAL", "UNIMPLEMENTED"}
SECONDS = 1800.0

Results = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Transport, then case, to what the suite noted: ``behavior``, ``behaviorClose``, ``remoteCloseCode``, …"""


class NotHere(Exception):
    """The suite can't run on this machine; the text says what is missing."""


def main() -> int:
    """0 when no case failed, 1 when one did, 2 where the suite can't run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=["*"], help="such as 6.4.* or 7.1.1; all of them without")
    asked = parser.parse_args()
    try:
        python = find_python()
        install(python)
    except NotHere as problem:
        print(f"autobahn: not run: {problem}", file=sys.stderr)
        return 2
    results = asyncio.run(run(python, asked.cases))
    for line in summary(results):
        print(line)
    print(f"\nEach case with its bytes on the wire: {REPORTS / 'index.html'}")
    return 1 if any(failed(case) for cases in results.values() for case in cases.values()) else 0


def find_python() -> str:
    """A Python 2.7, in which alone the suite is written. Raises `NotHere`."""
    pyenv = os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))
    found = ["python2.7", "python2", *sorted(glob.glob(f"{pyenv}/versions/2.7*/bin/python2.7"))]
    named = os.environ.get("PYTHON2")
    for name in [named] if named else found:
        path = shutil.which(name)
        # A shim of pyenv is there whether or not what it stands for is.
        check = "import sys, pip; sys.exit(sys.version_info[:2] != (2, 7))"
        if path and subprocess.run([path, "-c", check], capture_output=True).returncode == 0:
            return path
    missing = f"{named} is none" if named else "none was found (PYTHON2=/path/to/python2.7 names one)"
    raise NotHere(f"the suite needs Python 2.7 with pip; {missing}")


def install(python: str) -> None:
    """Put the suite and what it needs into ``build/``, once. Raises `NotHere`."""
    if PACKAGES.exists():
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    print(f"Installing {SUITE} into {BUILD} …", flush=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as unfinished:
        target = Path(unfinished) / "packages"
        pip = [python, "-m", "pip", "install", "--target", str(target), SUITE]
        done = subprocess.run(pip, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise NotHere(f"pip could not install {SUITE} (it needs a package index):\n{done.stdout[-2000:]}")
        target.rename(PACKAGES)


async def run(python: str, cases: list[str]) -> Results:
    """Let the suite's client work through the cases, with each transport."""
    shutil.rmtree(REPORTS, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        async with echoing(Path(folder)) as urls:
            spec = Path(folder) / "spec.json"
            servers = [{"agent": name, "url": url} for name, url in urls.items()]
            spec.write_text(json.dumps({"outdir": str(REPORTS), "servers": servers, "cases": cases}))
            wstest = ["-c", START, str(PACKAGES), "-m", "fuzzingclient", "-s", str(spec)]
            with (BUILD / "output.txt").open("wb") as output:
                child = await asyncio.create_subprocess_exec(python, *wstest, stdout=output, stderr=output)
                try:
                    code = await asyncio.wait_for(child.wait(), SECONDS)
                finally:
                    if child.returncode is None:
                        child.kill()
                        await child.wait()
    if code != 0:
        raise SystemExit(f"autobahn: the suite ended with {code}; see {BUILD / 'output.txt'}")
    results: Results = json.loads((REPORTS / "index.json").read_text())
    return results


def failed(case: Mapping[str, Any]) -> bool:
    """Whether the suite says so of the messages, or of the way the connection ended."""
    return case["behavior"] not in GOOD or case["behaviorClose"] not in GOOD_CLOSE


def summary(results: Results) -> Iterator[str]:
    """How many cases of each section ended how, and every one that is not simply right."""
    for transport, cases in sorted(results.items()):
        yield f"\n{transport}: {_counted(Counter(map(_verdict, cases.values())))}"
        sections: dict[str, Counter[str]] = {}
        for name, case in cases.items():
            sections.setdefault(name.split(".")[0], Counter())[_verdict(case)] += 1
        for section in sorted(sections, key=int):
            yield f"  {section:>3}.*  {_counted(sections[section])}"
        for name, case in sorted(cases.items(), key=lambda item: [int(part) for part in item[0].split(".")]):
            if _verdict(case) not in ("ok", "unimplemented"):
                how = f"messages {case['behavior']}, closing {case['behaviorClose']}"
                yield f"  {name}: {how}, close code {case['remoteCloseCode']}"


def _verdict(case: Mapping[str, Any]) -> str:
    return "FAILED" if failed(case) else str(case["behavior"]).lower()


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {verdict}" for verdict, number in counts.most_common())


if __name__ == "__main__":
    sys.exit(main())
