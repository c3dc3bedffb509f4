"""Plugins use their own tables: which ones a statement names is found in its text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver import Also
from chatserver.store.sql_tables import foreign_table, statement_kind, tables_named

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
    "CREATE UNIQUE INDEX IF NOT EXISTS p_i ON p_a (x, y)": {"p_i", "p_a"},
    "CREATE INDEX p_i ON log (x)": {"p_i", "log"},
    "CREATE INDEX ON p_a USING gin (x)": {"p_a"},
    "DROP INDEX IF EXISTS other_i": {"other_i"},
    "CREATE TRIGGER t AFTER INSERT ON p_a BEGIN DELETE FROM log; END": {"t", "p_a", "log"},
    "DROP TABLE p_a, room": {"p_a", "room"},
    "ALTER TABLE p_a RENAME TO other": {"p_a", "other"},
    "ALTER TABLE p_a RENAME COLUMN x TO y": {"p_a"},
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
    # What WITH names is read, and no target.
    "WITH x AS (SELECT 1) UPDATE x SET y = 1": {"x"},
    "WITH x AS (SELECT 1) INSERT INTO x SELECT * FROM x": {"x"},
    "WITH x AS (SELECT 1) DELETE FROM x": {"x"},
    "WITH x AS (DELETE FROM log RETURNING *), y AS (UPDATE room SET n = 1 RETURNING *) SELECT * FROM x": {
        "log",
        "room",
    },
    "WITH x AS (TABLE token) SELECT * FROM x": {"token"},
    # SQLite takes texts for names.
    "SELECT * FROM 'user'": {"user"},
    "UPDATE 'user' SET role = 'admin'": {"user"},
    'SELECT 1 AS "(" FROM log': {"log"},
    "SELECT * FROM ((log))": {"log"},
    "SELECT * FROM p_a JOIN p_b ON p_a.i = p_b.i, log": {"p_a", "p_b", "log"},
    "SELECT * FROM p_a JOIN p_b USING (i), log": {"p_a", "p_b", "log"},
    "SELECT * FROM p_a WHERE x IN ((SELECT 1) UNION SELECT hash FROM credential)": {"p_a", "credential"},
    r"SELECT E'\'' FROM log --'": {"log"},
    "SELECT 1 AS x$$ FROM log WHERE y$$ = 1": {"log"},
}


@pytest.mark.parametrize(("sql", "tables"), CASES.items())
def test_the_tables_of_a_statement_are_found(sql, tables):
    assert tables_named(sql) == tables


def test_a_table_of_another_is_named():
    assert foreign_table("SELECT * FROM p_a, other_b", "p") == "other_b"
    assert foreign_table("SELECT * FROM P_a", "p") is None
    assert foreign_table("SELECT * FROM polls_a", "p") == "polls_a"
    assert foreign_table("SELECT * FROM read_mark", "read") == "read_mark"


@pytest.mark.parametrize(
    "sql",
    [
        "WITH user AS (SELECT 1) UPDATE user SET role = 'admin'",
        "SELECT * FROM user WHERE EXISTS (WITH user AS (SELECT 1) SELECT 1)",
        "WITH USER(a) AS (SELECT 1) SELECT * FROM p_a",
        "WITH user AS (SELECT * FROM user) SELECT * FROM user",
        "SELECT sum(x) OVER user FROM (WITH x AS (SELECT 1) SELECT 1) WINDOW user AS (ORDER BY x)",
    ],
)
def test_a_query_in_with_hides_no_table_of_the_server(sql):
    assert str(foreign_table(sql, "p")).lower() == "user"


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT 1;", "read"),
        ("/* x */ with x as (select 1) select * from x for update", "read"),
        ("VALUES (1), (2)", "read"),
        ("SELECT replace(a, 'INTO', ''), :into FROM p_a FOR NO KEY UPDATE", "read"),
        ("SELECT * INTO p_b FROM p_a", "write"),
        ("WITH x AS (SELECT 1) INSERT INTO p_a SELECT * FROM x", "write"),
        ("WITH x AS (DELETE FROM p_a RETURNING *) SELECT * FROM x", "write"),
        ("WITH x AS (SELECT 1) UPDATE p_a SET y = 1", "write"),
        ("INSERT INTO p_a VALUES (1)", "write"),
        ("REPLACE INTO p_a VALUES (1)", "write"),
        ("UPDATE p_a SET x = 1", "write"),
        ("DELETE FROM p_a", "write"),
        ("CREATE UNIQUE INDEX p_i ON p_a (x)", "schema"),
        ("CREATE TRIGGER p_t AFTER INSERT ON p_a BEGIN DELETE FROM p_b; DELETE FROM p_c; END;", "schema"),
        ("DROP TABLE p_a", "schema"),
    ],
)
def test_the_kind_of_a_statement_is_known(sql, kind):
    assert statement_kind(sql) == kind


OTHER = [
    "PRAGMA query_only = 1", "PRAGMA_x", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT x", "RELEASE x", "END", "VACUUM",
    "ATTACH 'x.db' AS x", "DETACH x", "ANALYZE", "REINDEX", "EXPLAIN SELECT 1", "TRUNCATE log", "SET ROLE x",
    "GRANT ALL ON log TO x", "COPY log TO '/x'", "DO $$ x $$", "CALL x()", "LOCK log", "DROP SCHEMA public",
    "CREATE FUNCTION x() RETURNS int", "ALTER ROLE x", "(SELECT 1)", "", "-- SELECT 1", "; COMMIT", "/* */ commit",
    "SELECT 1; COMMIT", "CREATE TRIGGER p_t AFTER INSERT ON p_a EXECUTE FUNCTION f(); COMMIT",
]  # fmt: skip


@pytest.mark.parametrize("sql", OTHER)
def test_no_other_statement_is_for_plugins(sql):
    with pytest.raises(ValueError, match=r"a plugin (can't run|runs one)"):
        statement_kind(sql)


@given(st.text(st.sampled_from(" ()'\"`[],.:-/*$abFROMfrom;JOIN1"), max_size=60))
def test_any_text_can_be_asked(sql):
    foreign_table(sql, "p")


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
        assert own.db.dialect in ("sqlite", "postgresql")
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
        for statement in ("PRAGMA query_only = 1", "COMMIT", "ATTACH ':memory:' AS x"):
            for run in (
                own.db.query,
                own.db.execute,
                lambda sql: own.db.transaction(lambda tx: tx.execute(sql)),
            ):
                with pytest.raises(ValueError, match=f"can't run '{statement[:6]}"):
                    await run(statement)
        with pytest.raises(ValueError, match=r"'DELETE FROM' can be run only with db\.execute"):
            await own.db.query("DELETE FROM own_row")
        with pytest.raises(ValueError, match="'DROP TABLE' can be run only in a migration"):
            await own.db.execute("DROP TABLE own_row")
        assert await own.db.query("SELECT n FROM own_row") == [{"n": 1}]
