"""Shortcodes become characters, but not in code, not in links, and not when colons mean something else."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest
from chatserver_plugins.emoji.pictures import with_pictures
from chatserver_plugins.emoji.shortcodes import replace
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from tornado.httpclient import AsyncHTTPClient

from chatserver.testing import Refused

NAMES = Path(__file__).parents[2] / "plugins" / "emoji" / "static" / "names"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (":tada:", "🎉"),
        ("hi :tada: there", "hi 🎉 there"),
        (":tada::heart:", "🎉❤️"),
        ("你好:tada:世界", "你好🎉世界"),
        ("안녕:tada:", "안녕🎉"),
        ("สวัสดี:tada:ครับ", "สวัสดี🎉ครับ"),
        ("好！:tada:。", "好！🎉。"),
        ("🎂:tada:🎂", "🎂🎉🎂"),
        ("❤️:tada:❤️", "❤️🎉❤️"),
        (":tada:!", "🎉!"),
        ("wow!:tada:", "wow!🎉"),
        (":tada:, :tada:.", "🎉, 🎉."),
        ("**:tada:** _:tada:_", "**🎉** _🎉_"),
        ("[:tada:]", "[🎉]"),
        (">:tada:", ">🎉"),
        ('"so :tada:" he said', '"so 🎉" he said'),
        ("«:tada:» — :tada:—", "«🎉» — 🎉—"),
        (":+1:", "👍"),
        (":-1:", "👎"),
        ("(:+1:)", "(👍)"),
        (":+1::tada::-1:", "👍🎉👎"),
        (":wave::skin-tone-3:", "👋🏼"),
        (":tada::+1::skin-tone-6::tada:", "🎉👍🏿🎉"),
        (":woman_firefighter::skin-tone-2:", "👩🏻‍🚒"),
        (":pizza::skin-tone-3:", "🍕:skin-tone-3:"),
        (":wave::skin-tone-7:", "👋:skin-tone-7:"),
        (":wave: :skin-tone-3:", "👋 :skin-tone-3:"),
        (":100::tada:", ":100:🎉"),
        (":8ball:", "🎱"),
        ("10:30 :tada: fd00::1", "10:30 🎉 fd00::1"),
        (":TADA:", "🎉"),
        (":thumbs_up:", "👍"),
        ("(:tada:)", "(🎉)"),
        (":tada: :nonsense:", "🎉 :nonsense:"),
        ("`a` :tada: `b`", "`a` 🎉 `b`"),
        ("```\ncode\n```\n:tada:", "```\ncode\n```\n🎉"),
        ("see https://example.com/ :tada:", "see https://example.com/ 🎉"),
        ("a lone ` :tada:", "a lone ` 🎉"),
        ("text\n    :tada:", "text\n    🎉"),
        ("    code\nand :tada:", "    code\nand 🎉"),
    ],
)
def test_known_shortcodes_become_characters(text: str, shown: str) -> None:
    assert replace(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        ":nonsense:",
        ":NonSense:",
        ":skin-tone-3:",
        "`:wave::skin-tone-3:`",
        "a:wave::skin-tone-3:",
        "`:tada:`",
        "``a ` :tada:``",
        "```\n:tada:\n```",
        "~~~\n:tada:\n~~~",
        "```py\n:tada:",
        "text\n```\n:tada:\n```\nmore",
        "    :tada:",
        "text\n\n    :tada:\n\t:tada:\n\n    :tada:",
        "https://example.com/:tada:",
        "HTTP://example.com/:tada:?q=:heart:",
        "www.example.com/:tada:",
        "mailto:a:tada:@example.com",
        "[a](/x/:tada:)",
        "10:100:20",
        "a:b:c",
        "fe80:a:b:c",
        "std::b::x",
        "10:30",
        "fd00:1234::1",
        "[fd00:100::1]:8080",
        "::ffff:100:1",
        "fe80::a:b:1",
        "Ratio 1:100: good",
        "Ratio :100:1",
        ":100:",
        ":1234:",
        '{"a":100:}',
        '{"a":":tada:"}',
        '{"a": "so :tada:"}',
        '["so :tada:", "x :tada:"]',
        '{\n  "a": "so :tada:"\n}',
        '{":tada:": 1}',
        "{'a':tada:}",
        "great:tada:",
        ":tada:great",
        "1:tada:",
        ":tada:1",
        "x:+1:",
        ":+1:1",
        "é:tada:",
        "e\u0301:tada:",
        "я:tada:я",
        "हि:tada:",
        "a::tada:",
        ":tada::b",
        "at 10:a:m",
        "C:\\:tada:",
        "path/:tada:/x",
        "key=:tada:",
        "@:tada: #:tada: $:tada:",
        "user:x:1000:a:/home:/bin/sh",
        ":: tada ::",
        ": tada :",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert replace(text) == text


@settings(deadline=None)  # the first shortcode loads the table
@given(st.text(alphabet=":`~ab\n /.+1tdhp[]()", max_size=200))
def test_any_text_comes_through(text: str) -> None:
    shown = replace(text)
    assert replace(shown) == shown
    assert shown.count("\n") == text.count("\n")


@settings(deadline=None)
@given(st.lists(st.sampled_from([":tada:", ":nonsense:", "x", "\n", " ", ":"])).map("".join))
def test_what_stands_before_does_not_matter(text: str) -> None:
    assume("    " not in f"{text} ")  # code
    assert replace(f"{text} :tada:").endswith(" 🎉")


WORD = st.text(alphabet="abtd019_-+. é你", max_size=6)
JSON = st.recursive(
    WORD | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORD | st.just("tada"), inner, max_size=4),
)
TIMES = st.times().map(str) | st.datetimes().map(str)
ADDRESSES = st.ip_addresses(v=6).flatmap(lambda ip: st.sampled_from([str(ip), ip.exploded, f"[{ip}]:80"]))
NUMBERS = st.lists(st.integers(-200, 2000).map(str), min_size=2, max_size=6).map(":".join)
DUMPS = st.tuples(JSON, st.sampled_from([None, 2])).flatmap(
    lambda value: st.sampled_from(
        [
            json.dumps(value[0], indent=value[1], ensure_ascii=False),
            json.dumps(value[0], indent=value[1], separators=(",", ":")),
        ]
    )
)


@settings(deadline=None)
@given(st.lists(TIMES | ADDRESSES | NUMBERS | DUMPS | WORD, min_size=1).map(" ".join))
def test_text_without_a_shortcode_is_unchanged(text: str) -> None:
    assert replace(text) == text


@settings(deadline=None)
@given(
    st.text(alphabet="ab1é हि/=\\@{-:", min_size=1, max_size=5).filter(lambda text: text[-1] not in " :"),
    st.sampled_from([":tada:", ":+1:", ":a:", ":100:", ":tada::heart:"]),
)
def test_a_shortcode_glued_to_a_word_or_a_sign_is_text(before: str, code: str) -> None:
    assert replace(before + code) == before + code


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["`", ":a", "a", "```\n", "` ``", "https://", ":" * 3, "~~~\n", "]("])
def test_long_texts_take_no_time(piece: str) -> None:
    text = (piece * 8000)[:8000] + " :tada:"
    assert len(replace(text)) <= len(text)


async def test_all_see_the_character(chat):
    async with chat(plugins=["emoji"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says(":tada:")
        assert (await bob.hears()).content == "🎉"
        await alice.ask("edit", message_id=sent.message_id, content="`:tada:` :+1:")
        assert (await bob.hears("edited")).content == "`:tada:` 👍"


async def test_emoji_are_found_by_a_part_of_their_name(chat):
    async with chat(plugins=["emoji"]) as server:
        (alice,) = await server.join("general", "alice")
        found = (await alice.ask("emoji:find", typed="tad"))["emoji"]
        assert found[0] == {"name": "tada", "char": "🎉"}
        found = (await alice.ask("emoji:find", typed="HEART"))["emoji"]
        assert len(found) == len({one["char"] for one in found}) == 20
        assert found[0]["name"].startswith("heart")
        assert all(replace(f":{one['name']}:") == one["char"] for one in found)
        assert (await alice.ask("emoji:find", typed="no such thing"))["emoji"] == []
        for typed in ("", "x" * 41, 7, None):
            with pytest.raises(Refused, match="typed") as refused:
                await alice.ask("emoji:find", typed=typed)
            assert refused.value.code == "invalid"


def image(name):
    return f'<img class="emoji" src="/plugins/emoji/c/{name}" alt=":{name}:" title=":{name}:" width="22" height="22">'


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("a :cat: b", f"a {image('cat')} b"),
        ("<p>你好:cat:世界</p>", f"<p>你好{image('cat')}世界</p>"),
        (":cat::dog:!", f"{image('cat')}{image('dog')}!"),
        (":nope::cat: x", f":nope:{image('cat')} x"),
        ("<p>:cat: <code>:cat:</code></p>", f"<p>{image('cat')} <code>:cat:</code></p>"),
        (":cat:", image("cat").replace('"emoji"', '"emoji large"')),
        ("<p>:cat: :dog:</p>", f"<p>{image('cat')} {image('dog')}</p>".replace('"emoji"', '"emoji large"')),
    ],
)
def test_emoji_of_ones_own_are_pictures(html, shown):
    assert with_pictures(html, {"cat", "dog"}) == shown


@pytest.mark.parametrize(
    "html",
    [
        "<code>:cat:</code>", "<pre>x :cat: y</pre>", '<a href=":cat:">:cat:</a>', "10:cat:20", "a:cat:", ":cat:a",
        ":nope:",
        "https://x.example/:cat:", '{"a":":cat:"}', ":cat", "cat:",
    ],
)  # fmt: skip
def test_they_are_text_where_shortcodes_are(html):
    assert with_pictures(html, {"cat"}) is None


@given(st.text(alphabet=':catdog<>/code apre&;"=', max_size=200))
def test_pictures_change_nothing_else(html):
    shown = with_pictures(html, {"cat", "dog", "a"})
    if shown is not None:
        for name in ("cat", "dog", "a"):
            for kind in ("emoji", "emoji large"):
                shown = shown.replace(image(name).replace('"emoji"', f'"{kind}"'), f":{name}:")
        assert shown == html


def gif(frames=3, side=200):
    pictures = [
        Image.new("RGB", (side, side), (number * 37 % 256, number // 256 * 90, 0)) for number in range(frames)
    ]
    out = io.BytesIO()
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:], duration=80, loop=0)
    return out.getvalue()


def png(width=50, height=40):
    out = io.BytesIO()
    Image.new("RGBA", (width, height), (255, 0, 0, 90)).save(out, "PNG")
    return out.getvalue()


async def test_members_add_emoji_that_all_can_write(chat):
    async with chat(plugins=["markdown", "emoji", "reactions", "history"]) as server:
        alice, bob = await server.account("alice", "member"), await server.client("bob")
        for client in (alice, bob):
            await client.join("general")
        await alice.says(":party_cat: before")
        assert "<img" not in (await bob.hears()).html
        assert (await put(server, alice, "party_cat", gif()))[0] == 201
        await alice.says(":party_cat: **is** here, `:party_cat:` is not")
        heard = await bob.hears()
        assert heard.content == ":party_cat: **is** here, `:party_cat:` is not"
        assert heard.html.count("<img") == 1
        assert 'src="/plugins/emoji/c/party_cat"' in heard.html
        code, data, headers = await got(server, bob, "party_cat")
        assert (code, headers["Content-Type"]) == (200, "image/webp")
        shown = Image.open(io.BytesIO(data))
        assert (shown.size, shown.n_frames) == ((128, 128), 3)
        # It is found by its name, and others react with it.
        assert (await bob.ask("emoji:find", typed="party")).emoji[0] == {
            "name": "party_cat",
            "char": ":party_cat:",
        }
        assert (await bob.ask("emoji:custom")).emoji == [{"name": "party_cat", "by": alice.id}]
        await bob.ask("react", message_id=heard.message_id, emoji=":PARTY_CAT:")
        assert (await alice.hears("reaction")).emoji == ":party_cat:"
        await bob.ask("react", message_id=heard.message_id, emoji=":party_cat:", on=False)
        # Once it is gone its name is shown.
        assert (await delete(server, bob, "party_cat"))[0] == 403
        assert (await delete(server, alice, "party_cat"))[0] == 200
        assert (await delete(server, alice, "party_cat"))[0] == 404
        assert (await got(server, bob, "party_cat"))[0] == 404
        with pytest.raises(Refused, match="is no emoji"):
            await bob.ask("react", message_id=heard.message_id, emoji=":party_cat:")
        await alice.says(":party_cat: after")
        assert "<img" not in (await bob.hears()).html


async def put(server, client, name, body):
    return await asked(server, client, "PUT", name, body=body)


async def delete(server, client, name):
    return await asked(server, client, "DELETE", name)


async def asked(server, client, method, name, **more):
    answer = await fetch(server, client, method, name, **more)
    return answer.code, json.loads(answer.body)


async def got(server, client, name):
    answer = await fetch(server, client, "GET", name)
    return answer.code, answer.body, answer.headers


async def fetch(server, client, method, name, **more):
    headers = {"Authorization": f"Bearer {client.token}"} if client else {}
    return await AsyncHTTPClient().fetch(
        f"{server.url}/plugins/emoji/c/{name}", method=method, headers=headers, raise_error=False, **more
    )


async def test_what_is_no_emoji_leaves_nothing(chat):
    async with chat(plugins={"emoji": {"most": 2, "max_bytes": 100_000}}) as server:
        alice, guest = await server.account("alice", "member"), await server.client("guest")
        mod = await server.account("mod", "moderator")
        assert (await put(server, guest, "blob", png()))[0] == 403
        assert (await fetch(server, None, "PUT", "blob", body=png())).code == 401
        assert (await got(server, None, "blob"))[0] == 401
        wrong = [
            ("blob", b"no picture", 400, "invalid", "picture"),
            ("blob", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 400, "invalid", "picture"),
            ("blob", gif(frames=400, side=8), 400, "invalid", "picture"),
            ("blob", png()[:-30], 400, "invalid", "picture"),
            ("blob", png(4000, 4000), 400, "invalid", "picture"),
            ("blob", bytes(100_001), 413, "too_large", "picture"),
            ("blob", b"", 400, "invalid", "picture"),
            ("tada", png(), 409, "name_taken", "name"),
            ("skin-tone-3", png(), 409, "name_taken", "name"),
            ("a", png(), 400, "invalid", "name"),
            ("123", png(), 400, "invalid", "name"),
            ("x" * 33, png(), 400, "invalid", "name"),
        ]
        for name, body, status, code, field in wrong:
            found, answer = await put(server, alice, name, body)
            assert (found, answer["error"]["code"], answer["error"]["field"]) == (status, code, field), name
        assert (await put(server, alice, "%2e%2e%2fx", png()))[0] == 404
        folder = server.plugin("emoji").data_dir
        assert (await alice.ask("emoji:custom")).emoji == []
        assert not folder.exists() or list(folder.iterdir()) == []
        # Of two at once that have one name only one is there, and no more than may be.
        codes = [
            answer[0]
            for answer in await asyncio.gather(*(put(server, alice, "blob", png(20 + n)) for n in range(3)))
        ]
        assert sorted(codes) == [201, 409, 409]
        assert (await put(server, mod, "blob2", png()))[0] == 201
        assert (await put(server, mod, "blob3", png()))[1]["error"]["field"] == "name"
        assert (await delete(server, alice, "blob2"))[0] == 403
        assert (await delete(server, mod, "blob"))[0] == 200
        assert (await guest.ask("emoji:custom")).add is False
        assert (await mod.ask("emoji:custom")).remove is True


async def test_they_are_there_after_a_restart(chat, on_file):
    async with chat(plugins=["emoji"], settings=on_file) as server:
        alice = await server.account("alice", "member")
        assert (await put(server, alice, "blob", png()))[0] == 201
    async with chat(plugins=["emoji"], settings=on_file) as server:
        bob = await server.client("bob")
        await bob.join("general")
        alice = await server.client("alice2")
        await alice.join("general")
        await bob.says(":blob:")
        assert "emoji/c/blob" in (await alice.hears()).html


def test_the_tables_of_the_picker_have_the_same_emoji():
    found = {}
    for path in sorted(NAMES.glob("*.json")):
        groups = json.loads(path.read_text(encoding="utf-8"))["groups"]
        found[path.stem] = [[(char, *toned) for char, _, _, *toned in group] for group in groups]
        assert all(name and "|" not in name for group in groups for _, name, *_ in group)
    assert set(found) == {"en", "zh-Hans", "zh-Hant"}
    assert found["en"] == found["zh-Hans"] == found["zh-Hant"]
    assert len(found["en"]) == 9
    assert sum(map(len, found["en"])) > 1800
