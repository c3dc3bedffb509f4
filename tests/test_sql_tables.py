"""Plugins use their own tables: which ones a statement names is found in its text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver import Also
from chatserver.store.sql_tables import foreign_table, tables_named

CASES = {
    "SELECT * FROM p_a": {"p_a"},
    'select a.x, b.y from p_a as a, p_b b, "user" where a.id = b.id': {"p_a", "p_b", "user"},
    "SELECT (SELECT count(*) FROM log) FROM p_a JOIN p_b ON p_a.i = p_b.i LEFT JOIN main.room r USING (id)": {
        "log",
        "p_a",
        "p_b",
        "room",
    },
    "WITH x AS (SELECT * FROM p_a), y(a, b) AS NOT MATERIALIZED (SELECT 1, 2) SELECT * FROM x, y": {"p_a"},
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) INSERT INTO p_a SELECT i FROM n": {
        "p_a"
    },
    "INSERT INTO p_a (x, y) VALUES (:x, :y) ON CONFLICT (x) DO UPDATE SET y = excluded.y": {"p_a"},
    "INSERT OR REPLACE INTO p_a VALUES (1, 'FROM user')": {"p_a"},
    "UPDATE p_a SET x = 1 FROM p_b WHERE p_a.i = p_b.i": {"p_a", "p_b"},
    "UPDATE OR IGNORE p_a SET x = 1": {"p_a"},
    "DELETE FROM p_a WHERE ts < :t -- FROM log": {"p_a"},
    "DELETE FROM p_a USING user WHERE true": {"p_a", "user"},
    "CREATE TABLE IF NOT EXISTS p_a (id INTEGER PRIMARY KEY, room TEXT REFERENCES room (name) ON UPDATE CASCADE)": {
        "p_a",
        "room",
    },
    "CREATE UNIQUE INDEX IF NOT EXISTS p_i ON p_a (x, y)": {"p_a"},
    "CREATE INDEX p_i ON log (x)": {"log"},
    "ALTER TABLE p_a ADD COLUMN closed INTEGER NOT NULL DEFAULT 0": {"p_a"},
    "DROP TABLE p_a": {"p_a"},
    "CREATE VIRTUAL TABLE p_a USING fts5(text, content='')": {"p_a"},
    "SELECT extract(year FROM ts), trim(both ' ' from x), a IS DISTINCT FROM b FROM p_a": {"p_a"},
    "SELECT DISTINCT x FROM p_a ORDER BY x, y": {"p_a"},
    "SELECT * FROM (p_a JOIN log ON 1 = 1)": {"p_a", "log"},
    "SELECT * FROM (SELECT * FROM p_a) AS q, log": {"p_a", "log"},
    "SELECT x FROM p_a WHERE x IN (1, 2, user) AND y = (1)": {"p_a"},
    "SELECT value FROM json_each(:a), json_tree(:b) j": set(),
    "SELECT x::text FROM p_a FOR UPDATE": {"p_a"},
    "SELECT substring(x from 2 for 3) FROM p_a": {"p_a"},
    "SELECT * FROM p_a /* , user */ , [log]": {"p_a", "log"},
    "SELECT * FROM p_a GROUP BY a, b HAVING count(*) > 1 UNION SELECT * FROM room, p_b LIMIT 1, 2": {
        "p_a",
        "room",
        "p_b",
    },
    "SELECT 1": set(),
    "INSERT INTO p_a SELECT * FROM token ON CONFLICT DO NOTHING": {"p_a", "token"},
    "SELECT * FROM p_a a CROSS JOIN LATERAL (SELECT * FROM log) l": {"p_a", "log"},
    "CREATE VIEW p_v AS SELECT * FROM user": {"p_v", "user"},
    "CREATE TABLE p_x AS SELECT * FROM credential": {"p_x", "credential"},
    "SELECT max((SELECT 1 FROM credential), 2) FROM p_a": {"credential", "p_a"},
    "DELETE FROM p_a WHERE id IN (SELECT id FROM p_b, token)": {"p_a", "p_b", "token"},
}


@pytest.mark.parametrize(("sql", "tables"), CASES.items())
def test_the_tables_of_a_statement_are_found(sql, tables):
    assert tables_named(sql) == tables


def test_a_table_of_another_is_named():
    assert foreign_table("SELECT * FROM p_a, other_b", "p") == "other_b"
    assert foreign_table("SELECT * FROM P_a", "p") is None
    assert foreign_table("SELECT * FROM polls_a", "p") == "polls_a"


@given(st.text(st.sampled_from(" ()'\"`[],.:-/*$abFROMfrom;JOIN1"), max_size=60))
def test_any_text_can_be_asked(sql):
    tables_named(sql)


PLUGIN = """
from chatserver import Plugin, hookimpl


class Own(Plugin):
    migrations = ("CREATE TABLE own_row (n INTEGER)",)

    @hookimpl
    def register_events(self):
        return ["said"]
"""


async def test_a_plugin_reaches_its_own_tables_only(chat, tmp_path, on_file):
    (tmp_path / "own.py").write_text(PLUGIN)
    settings = {**on_file, "rooms": [{"name": "general"}]}
    async with chat(plugins=["own"], dirs=[tmp_path], settings=settings) as server:
        own = server.server.host.current.peer("own")
        assert own.db.dialect == "sqlite"
        await own.db.execute("INSERT INTO own_row VALUES (1)")
        assert await own.db.query("SELECT n FROM own_row") == [{"n": 1}]
        read, write = "SELECT hash FROM credential", "DELETE FROM log"
        for attempt in (
            lambda: own.db.query(read),
            lambda: own.db.execute(write),
            lambda: own.db.transaction(lambda tx: tx.execute(write)),
            lambda: own.db.transaction(lambda tx: tx.executemany(write, [{}])),
            lambda: own.chat.append("general", "said", {}, also=[Also(write)]),
            lambda: own.chat.post("general", "hi", also=lambda tx: tx.execute(read)),
        ):
            with pytest.raises(ValueError, match=r"'(credential|log)' is no table of the plugin own"):
                await attempt()
        assert await own.db.query("SELECT n FROM own_row") == [{"n": 1}]
