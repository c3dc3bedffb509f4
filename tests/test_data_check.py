"""``chatserver check``: what it says of the data folder and the database."""

from __future__ import annotations

import os
from collections import namedtuple

import pytest
import sqlalchemy as sa

from chatserver.config import load
from chatserver.server.data_check import data_check
from chatserver.store import Store


@pytest.fixture
def settings(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("data_dir: data\n")
    return load(config, {})


def told(settings):
    return [(each.wrong, each.text.removeprefix(f"{settings.data_dir} ")) for each in data_check(settings)]


@pytest.mark.sqlite
def test_the_data_folder_is_looked_at(settings):
    folder = settings.data_dir
    # Before the first start.
    assert told(settings) == []
    folder.mkdir(mode=0o700)
    assert told(settings) == []
    Store.make(settings.store.url, folder)
    assert told(settings) == []
    (folder / "holiday.jpg").touch()
    assert told(settings) == [(False, "holds other things than the server's: holiday.jpg.")]
    (folder / "holiday.jpg").unlink()
    folder.chmod(0o755)
    ((wrong, text),) = told(settings)
    assert (wrong, "mode 755" in text) == (True, True)
    folder.chmod(0o700)
    engine = sa.create_engine(f"sqlite:///{folder / 'chat.db'}")
    with engine.begin() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '7'"))
    engine.dispose()
    ((wrong, text),) = told(settings)
    assert (wrong, "revision 7" in text) == (False, True)
    (folder / "chat.db").write_bytes(b"no database at all" * 100)
    ((wrong, text),) = told(settings)
    assert wrong


@pytest.mark.sqlite
def test_a_full_disk_and_a_foreign_folder_are_told(settings, monkeypatch):
    settings.data_dir.mkdir(mode=0o700)
    usage = namedtuple("usage", "total used free")(10, 9, 5 * 1024**2)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    monkeypatch.setattr(os, "geteuid", lambda: settings.data_dir.stat().st_uid + 1)
    texts = [text for wrong, text in told(settings) if wrong]
    assert any("5 MiB left" in each for each in texts)
    assert any("belongs to another user" in each for each in texts)
