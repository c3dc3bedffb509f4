"""examples/welcome.py: a bot that greets and answers."""

from __future__ import annotations

from functools import partial

import pytest

from chatserver.model.errors import ConfigError
from chatserver.testing import run_transcript

TALK = """
# The doorman greets who comes in, and answers when it is addressed, but no other bot, and not itself.
settings:
  plugins:
    enabled:
      welcome:
        answers: {Rules: "Be kind. Ask @welcome who."}

alice joins general
alice hears The doorman in general: Welcome to General, alice! Say @welcome help.
alice says in general: @Welcome rules, please
alice hears The doorman in general: Be kind. Ask @welcome who.
bob joins general
alice hears The doorman in general: Welcome to General, bob! …
bob hears The doorman in general: Welcome to General, bob! …
bob says in general: (@welcome who)
bob hears The doorman in general: Here now: alice, bob
alice hears bob in general: (@welcome who)
alice hears The doorman in general: Here now: alice, bob
bob says in general: mail me at bob@welcome.example, or @welcomes
alice hears bob in general: mail me …
alice says to bob: @welcome isn't here
bob hears from alice: @welcome isn't here
alice says to welcome: @welcome
alice hears from The doorman: Ask me: @welcome rules, @welcome who
"""


async def test_it_greets_and_answers(chat, examples, tmp_path):
    (tmp_path / "welcome.chat").write_text(TALK)
    await run_transcript(tmp_path / "welcome.chat", partial(chat, dirs=[examples]))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"greeting": "Hi {nick}"}, "only {room} and {name}"),
        ({"greeting": "Hi {name.role.secret}"}, "only {room} and {name}"),
        ({"greeting": "Hi {"}, "only {room} and {name}"),
        ({"answers": {"Help": "no"}}, "an answer of its own to help"),
        ({"answers": {"rules": 3}}, "expected text"),
    ],
)
async def test_wrong_settings_are_told(chat, examples, wrong, told):
    with pytest.raises(ConfigError, match=told):
        await chat(plugins={"welcome": wrong}, dirs=[examples]).start()
