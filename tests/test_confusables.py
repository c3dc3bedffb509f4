"""The table of look-alikes that ships, and what a start does not load."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata

import pytest

from tests import confusables


def test_the_table_is_what_its_source_makes():
    text = confusables.FILE.read_text(encoding="utf-8")
    source = json.loads(text)["source"]
    if f"Unicode {unicodedata.unidata_version}," not in source:
        pytest.skip(
            f"this Python has Unicode {unicodedata.unidata_version}; the table was {source[:1].lower()}{source[1:]}"
        )
    assert text == confusables.written()


def test_a_start_loads_neither_the_table_nor_precis():
    code = (
        "import sys, chatserver.server.server\n"
        "from chatserver.model import confusables\n"
        "print('precis_i18n' in sys.modules, confusables._prototypes.cache_info().currsize)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout == "False 0\n"
