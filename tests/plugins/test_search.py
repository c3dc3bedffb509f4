"""Search: what is found, by whom, in which order, and that the index never drifts from the messages."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from chatserver_plugins.search.finder import Finder, match
from chatserver_plugins.search.index import MIGRATIONS, Index, texts
from chatserver_plugins.search.query import parse
from chatserver_plugins.search.snippet import snippet
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace
from sqlalchemy import create_engine, text

from chatserver import Attachment, Message, Reject, User
from chatserver.store.postgresql import Postgresql
from chatserver.testing import Refused
from chatserver.testing.postgresql import NoPostgresql, postgresql

pytestmark = pytest.mark.storage

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
ALICE = User("ua", "alice", "alice")
BOB = User("ua", "bob", "bob")


async def found(client, query="", **fields):
    """The texts that are found, the newest first."""
    reply = await client.ask("search", query=query, **fields)
    return [each["message"]["content"] for each in reply.results]


TEXTS = [
    "Hello World, Crème brûlée",
    "你好世界",
    "東京都に住む",
    "don't panic",
    "see https://x.example/a_path?",
    "hello again",
    "ปลาทองว่ายน้ำ",
    "🎉 party ❤️",
    "안녕하세요 여러분",
    "our big world: hello",
    "ΑΘΗΝΑ Ёлка Straße",
    "完了 done 完",
]


async def test_words_of_all_scripts_are_found(chat):
    async with chat(plugins=["search", "history"], settings={"limits": {"burst": 1000}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        for text in TEXTS:
            await alice.says(text)
        for query, at in {
            "hello": [9, 5, 0],
            "HELLO world": [9, 0],
            '"hello world"': [0],
            '"hello wor*"': [0],
            "wor*": [9, 0],
            "worl": [9, 0],
            "wor has:link": [],
            "wo": [],
            '"worl"': [],
            "hel wor": [],
            "wor hello": [],
            "wor hell": [],
            "world hel": [9, 0],
            "hel from:alice": [9, 5, 0],
            "creme": [0],
            "BRÛLÉE": [0],
            "你好": [1],
            "你": [1],
            "好世": [1],
            "界": [1],
            "你世": [],
            "京都": [2],
            "東京都に": [2],
            "東都": [],
            "住む": [2],
            "ทอง": [6],
            "น้ำ": [6],
            "안녕": [8],
            "하세": [8],
            "여러분": [8],
            "don't": [3],
            "dont": [],
            "panic don": [3],
            "🎉": [7],
            "❤": [7],
            "a_path": [4],
            "αθηνα": [10],
            "елка": [10],
            "strasse": [10],
            "完": [11],
            '"完了 done"': [11],
            "done完": [11],
            "has:link": [4],
            "has:link hello": [],
            "from:alice 世界": [1],
            "from:@alice in:#general 世界": [1],
            "from:bob": [],
            "after:2020-01-01 panic": [3],
            "before:2020-01-01 panic": [],
            "after:2020-01-01 before:2999-12-31T10:00+02:00 panic": [3],
        }.items():
            assert await found(bob, query) == [TEXTS[each] for each in at], query


REFUSED = [
    ({}, "invalid", "query"),
    ({"query": "  ...  "}, "invalid", "query"),
    ({"query": "in:general"}, "invalid", "query"),
    ({"query": "x" * 501}, "invalid", "query"),
    ({"query": "x " * 33}, "invalid", "query"),
    ({"query": 7}, "invalid", "query"),
    ({"query": "has:money"}, "invalid", "query"),
    ({"query": "from:@ x"}, "invalid", "query"),
    ({"query": "after:yesterday x"}, "invalid", "query"),
    ({"query": "x", "after": "0000-00-00"}, "invalid", "after"),
    ({"query": "x", "before": "9" * 40}, "invalid", "before"),
    ({"query": "x", "limit": 0}, "invalid", "limit"),
    ({"query": "x", "limit": 101}, "invalid", "limit"),
    ({"query": "x", "sort": "worst"}, "invalid", "sort"),
    ({"query": "x", "cursor": "new.1"}, "invalid", "cursor"),
    ({"query": "x", "cursor": "best.1"}, "invalid", "cursor"),
    ({"query": "x", "cursor": "new.9.1", "sort": "best"}, "invalid", "cursor"),
    ({"query": "x", "cursor": f"new.{'9' * 30}.1"}, "invalid", "cursor"),
    ({"query": "x", "room": "nowhere"}, "not_found", "room"),
    ({"query": "x in:#nowhere"}, "not_found", "room"),
    ({"query": "x in:general", "room": "tea"}, "invalid", "room"),
    ({"query": "from:nobody"}, "not_found", "query"),
    ({"query": "x from: bob"}, "invalid", "query"),
    ({"query": "has:"}, "invalid", "query"),
    ({"from": "nobody"}, "not_found", "from"),
]


async def test_what_can_t_be_looked_for_is_refused(chat):
    async with chat(plugins=["search", "history"]) as server:
        (alice,) = await server.join("general", "alice")
        for fields, code, field in REFUSED:
            with pytest.raises(Refused) as refused:
                await alice.ask("search", **fields)
            assert (fields, refused.value.code, refused.value.field) == (fields, code, field)


ROOMS = [
    {"name": "general"},
    {"name": "tea"},
    {"name": "cellar", "kind": "private"},
    {"name": "new", "history": "joined"},
]


async def test_what_one_may_not_read_is_not_there(chat):
    async with chat(plugins=["search", "history", "moderation"], settings={"rooms": ROOMS}) as server:
        root = await server.account("root", "admin")
        alice, bob = await server.join("general", "alice", "bob")
        for room in ("general", "cellar", "new", "tea"):
            await root.join(room)
        for room in ("cellar", "new", "tea", "general"):
            await root.says(f"secret of {room}", room)
        await root.ask("message", to=alice.name, content="secret of root and alice")
        everything = [
            "secret of root and alice",
            "secret of general",
            "secret of tea",
            "secret of new",
            "secret of cellar",
        ]
        assert await found(root, "secret") == everything
        assert await found(alice, "secret") == [everything[0], everything[1], everything[2]]
        # A public room can be read without joining; one whose history is "joined" has nothing for who comes now.
        assert await found(bob, "secret") == [everything[1], everything[2]]
        await bob.join("new")
        await bob.says("my secret", "new")
        assert await found(bob, "secret") == ["my secret", *everything[1:3]]
        assert await found(bob, "secret", room="new") == ["my secret"]
        reply = await bob.ask("search", query="cellar")
        assert (reply.results, reply.more, reply.cursor) == ([], False, None)
        for room in ("cellar", "nowhere"):
            with pytest.raises(Refused) as refused:
                await bob.ask("search", query="secret", room=room)
            assert refused.value.message == f"There is no room '{room}'."
        await root.says("/ban bob", "general")
        assert await found(bob, "secret") == ["my secret", everything[2]]


async def test_edits_and_deletions_are_followed_and_nothing_else_is_touched(chat):
    async with chat(plugins=["search", "history"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        first = await alice.says("red apples")
        second = await alice.says("red pears")
        await alice.ask("edit", message_id=first.message_id, content="green apples https://x.example")
        assert await found(bob, "red") == ["red pears"]
        assert await found(bob, "apples has:link") == ["green apples https://x.example"]
        await alice.ask("delete", message_id=second.message_id)
        assert await found(bob, "red") == await found(bob, "pears") == []
        assert await found(bob, "from:alice") == ["green apples https://x.example"]


async def rebuild(server):
    """What the command asks the running server to do."""
    await server.server.handles.rebuild("search")


async def test_the_index_is_made_anew_while_people_chat(chat):
    async with chat(plugins=["search", "history", "pins"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        said = [(await alice.says(f"red {fruit}")).message_id for fruit in ("apples", "plums", "pears")]
        await caught_up(server)
        # As a change by hand, or a copy of an old index, leaves it.
        plugin = server.plugin("search")
        await plugin.db.execute("DELETE FROM search_doc")
        assert await found(bob, "red") == []
        async with asyncio.TaskGroup() as both:
            both.create_task(rebuild(server))
            both.create_task(alice.says("red cherries"))
            both.create_task(alice.ask("edit", message_id=said[1], content="green plums"))
            both.create_task(alice.ask("delete", message_id=said[2]))
        await caught_up(server)
        assert await found(bob, "red") == ["red cherries", "red apples"]
        assert await found(bob, "plums") == ["green plums"]
        assert await found(bob, "pears") == []
        for name, code in (("nothing", "not_found"), ("pins", "invalid")):
            with pytest.raises(Reject) as refused:
                await server.server.handles.rebuild(name)
            assert refused.value.code == code


async def caught_up(server):
    while any((await server.plugin("search").following()).values()):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_what_was_written_edited_and_deleted_while_it_was_off_is_followed(chat):
    async with chat(plugins=["history"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        said = [(await alice.says(f"red {fruit}")).message_id for fruit in ("apples", "plums", "cherries")]
        await alice.ask("delete", message_id=said[1])
        await server.reload({"history": {}, "search": {}})
        await caught_up(server)
        assert await found(bob, "red") == ["red cherries", "red apples"]
        await alice.says("red pears")
        await caught_up(server)
        await server.reload({"history": {}})
        with pytest.raises(Refused) as refused:
            await found(bob, "red")
        assert refused.value.code == "unknown_type"
        await alice.ask("edit", message_id=said[0], content="green apples")
        await alice.ask("delete", message_id=said[2])
        await server.reload({"history": {}, "search": {}})
        await caught_up(server)
        assert await found(bob, "red") == ["red pears"]
        assert await found(bob, "apples") == await found(bob, "green") == ["green apples"]
        # From then on it is like any other.
        await alice.ask("edit", message_id=said[0], content="red apples")
        assert await found(bob, "red") == ["red pears", "red apples"]
        assert await found(bob, "green") == []
        await alice.ask("delete", message_id=said[0])
        assert await found(bob, "apples") == []


async def test_pages_follow_each_other_without_a_gap_or_a_repeat(chat):
    settings = {"rooms": ROOMS, "limits": {"burst": 1000}}
    async with chat(plugins=["search", "history"], settings=settings) as server:
        (alice,) = await server.join("general", "alice")
        for room in ("tea", "new"):
            await alice.join(room)
        said = []
        for number in range(30):
            said.append(f"apple number {number} {'long ' * (number % 3)}")
            await alice.says(said[-1], ("general", "tea", "new")[number % 3])
        for sort in ("new", "best"):
            pages, cursor = [], None
            while cursor is not None or not pages:
                reply = await alice.ask("search", query="apple number", limit=7, sort=sort, cursor=cursor)
                pages.append([each["message"]["content"] for each in reply.results])
                cursor = reply.cursor
                assert reply.more == (cursor is not None)
                # What is said meanwhile moves no page of the newest.
                if sort == "new":
                    await alice.says(f"another apple number {len(pages)}", "tea")
            assert [len(page) for page in pages][:4] == [7, 7, 7, 7]
            texts = [text for page in pages for text in page if text in said]
            assert sorted(texts) == sorted(said)
            if sort == "new":
                # In a room; those of two rooms may be of the same millisecond.
                tea = [text for text in said if text in said[1::3]]
                assert [text for text in texts if text in tea] == tea[::-1]
            else:
                sizes = [(text.count(" ") + 1).bit_length() for text in texts]
                assert sizes == sorted(sizes)


async def test_those_in_which_the_words_stand_together_are_best(chat):
    async with chat(plugins=["search", "history"]) as server:
        (alice,) = await server.join("general", "alice")
        for text in ("a due date is near, they say, and so on", "date due", "it is due, that date"):
            await alice.says(text)
        assert (await found(alice, "due date", sort="best"))[0].startswith("a due date")
        assert (await found(alice, "due date"))[0] == "it is due, that date"


async def test_the_command_shows_lines(chat):
    async with chat(plugins=["search", "history"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("red apples\nand pears")
        await bob.says("/search apples")
        notice = await bob.hears("notice")
        assert notice.text.endswith("UTC #general alice: red apples and pears")
        await bob.says("/search plums")
        assert (await bob.hears("notice")).text == "Nothing was found."


async def test_files_and_pictures_are_found(chat):
    async with chat(plugins=["search", "history", "files"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        for name, body in (("note.txt", b"hello"), ("a.png", PNG)):
            headers = {"X-File-Name": name, "Content-Type": "image/png"}
            path = "/plugins/files/upload?room=general"
            sent = json.loads(
                (await server.http("POST", path, body=body, token=alice.token, headers=headers)).body
            )
            await alice.says(f"see {name}", files=[sent["file"]["id"]])
        assert await found(bob, "has:file") == ["see a.png", "see note.txt"]
        assert await found(bob, "see", has="image") == ["see a.png"]


# ---- parts


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Crème <b>brûlée</b>", "creme", "<mark>Crème</mark> &lt;b&gt;brûlée&lt;/b&gt;"),
        ("you & me, your", '"you"', "<mark>you</mark> &amp; me, your"),
        ("you & me, your", "you", "<mark>you</mark> &amp; me, <mark>you</mark>r"),
        ("東京都に住む", "京都 住", "東<mark>京都</mark>に<mark>住</mark>む"),
        ("don't", "don't", "<mark>don't</mark>"),
        ("snake_case here", "case", "snake_<mark>case</mark> here"),
        ("Straße 1", "strasse", "<mark>Straße</mark> 1"),
        ("a\n\nb  c", "b", "a <mark>b</mark> c"),
        ("hello", "has:link", "hello"),
        ("apple 🎉 pear", '"apple pear"', "apple 🎉 pear"),
        ("完了 done", '"完了 done"', "<mark>完了 done</mark>"),
        ("ﬁne", "fine", "<mark>ﬁne</mark>"),
    ],
)
def test_a_snippet_shows_what_was_found(text, query, expected):
    assert snippet(text, parse(query).terms) == expected


def test_a_snippet_hides_what_its_writer_hides():
    shown = snippet("the ||secret|| is out", parse("out").terms)
    assert shown == "the ▇▇▇ is <mark>out</mark>"
    assert "secret" not in snippet("the ||secret|| is out", parse("secret").terms)


def test_a_long_text_is_cut_around_what_was_found():
    shown = snippet("word " * 200 + "needle " + "word " * 200, parse("needle").terms)
    assert shown.startswith("…word ")
    assert " <mark>needle</mark> word" in shown
    assert shown.endswith("…")
    assert len(shown) < 230


WORDS = st.sampled_from(
    [
        "apple",
        "pear",
        "Äpfel",
        "你好",
        "好你",
        "東京都",
        "a-b",
        "don't",
        "https://x.example",
        "🎉",
        "x_y",
        "ก",
    ]
)


@given(st.text(max_size=60), st.text(max_size=30))
def test_no_text_and_no_query_fails(text, query):
    try:
        terms = parse(query).terms
    except Reject:
        return
    assert "<script" not in snippet(text, terms).replace("<mark>", "").replace("</mark>", "")


class IndexMachine(RuleBasedStateMachine):
    """The index against a list of messages: whatever is added, edited, deleted, or never was there."""

    dialect = "sqlite"

    @initialize()
    def begin(self):
        self.conn = self.connect()
        for migration in MIGRATIONS:
            self.execute(migration[self.dialect])
        self.index = Index(self.dialect)
        self.seq = 0
        self.messages: dict[tuple[str, int], Message] = {}

    def connect(self):
        """A connection to an empty database, in a transaction that is never committed."""
        return create_engine("sqlite://").connect()

    def teardown(self):
        if hasattr(self, "conn"):
            self.conn.close()

    def execute(self, sql, **params):
        done = self.conn.execute(text(sql), params)
        return [dict(row) for row in done.mappings()] if done.returns_rows else []

    def executemany(self, sql, rows):
        self.conn.execute(text(sql), rows)

    async def query(self, sql, **params):
        return self.execute(sql, **params)

    @rule(
        room=st.sampled_from(["a", "b"]),
        words=st.lists(WORDS, min_size=1, max_size=4),
        file=st.booleans(),
        user=st.sampled_from([ALICE, BOB]),
    )
    def post(self, room, words, file, user):
        self.seq += 1
        seq = self.seq
        files = (Attachment("f", "f.png", 1, "image/png", "/f"),) if file else ()
        message = Message(f"m{seq}", room, seq, seq * 1.5, user, " ".join(words), "", attachments=files)
        self.messages[room, seq] = message
        self.index.add(self, [message])

    @rule(data=st.data(), words=st.lists(WORDS, min_size=1, max_size=4))
    def edit(self, data, words):
        if self.messages:
            key = data.draw(st.sampled_from(sorted(self.messages)))
            before = self.messages[key]
            self.messages[key] = replace(before, content=" ".join(words))
            assert self.index.remove(self, before)
            self.index.add(self, [self.messages[key]])

    @rule(data=st.data())
    def delete(self, data):
        if self.messages:
            message = self.messages.pop(data.draw(st.sampled_from(sorted(self.messages))))
            assert self.index.remove(self, message)
            assert not self.index.remove(self, message)

    @rule(
        text=st.sampled_from(
            [
                "apple",
                "a",
                "apf*",
                "你好",
                "好",
                "東京",
                "京都",
                '"apple pear"',
                "has:image",
                "has:link x",
                "🎉",
            ]
        ),
        rooms=st.sampled_from([["a"], ["b"], ["a", "b"]]),
        sender=st.sampled_from([None, None, ALICE.id, BOB.id]),
        after=st.none() | st.integers(0, 40),
        before=st.none() | st.integers(0, 40),
    )
    def search(self, text, rooms, sender, after, before):
        query = parse(text)
        finder = Finder(self)

        async def ids():
            numbers = await finder.rooms()
            here = {numbers[name]: name for name in rooms if name in numbers}
            ranges = await finder.ranges(list(here), after, before)
            wanted = match(query, sender, texts(self.dialect))
            hits = await finder.newest(wanted, ranges, 100) if ranges else []
            return [(here[hit.room], hit.seq) for hit in hits]

        wanted = [
            key
            for key, each in self.messages.items()
            if key[0] in rooms and self.has(each, query) and sender in (None, each.user.id)
            if (after is None or each.ts >= after) and (before is None or each.ts < before)
        ]
        assert run(ids()) == sorted(wanted, key=lambda key: -key[1])

    def has(self, message, query):
        """Whether a message has what is looked for, by what a snippet would mark."""
        terms = all(snippet(message.content, [term]).count("<mark>") for term in query.terms)
        marks = {"image": bool(message.attachments), "link": "://" in message.content}
        return terms and all(marks[each] for each in query.has)

    @invariant()
    def nothing_is_left_over(self):
        if hasattr(self, "conn"):
            assert self.execute("SELECT count(*) AS n FROM search_doc")[0]["n"] == len(self.messages)
            if not self.messages:
                assert self.execute(self.anything) == []

    anything = "SELECT rowid FROM search_text WHERE search_text MATCH 'apple OR \"你好\" OR link'"


class PostgresqlIndexMachine(IndexMachine):
    dialect = "postgresql"
    anything = "SELECT id FROM search_doc"

    def connect(self):
        return Postgresql(self.url, Path("/nonexistent"), "normal").engine.connect()


def run(work):
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


TestIndex = IndexMachine.TestCase
TestIndex.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


def test_the_index_in_postgresql_finds_the_same():
    try:
        server = postgresql()
    except NoPostgresql as error:
        pytest.skip(f"PostgreSQL is not tested: {error}")
    PostgresqlIndexMachine.url = server.make_empty()
    run_state_machine_as_test(
        PostgresqlIndexMachine, settings=settings(max_examples=8, stateful_step_count=20, deadline=None)
    )
    server.drop(PostgresqlIndexMachine.url)
