"""No plugin is called like a table of the server's own, or like what one begins with."""

from __future__ import annotations

import pytest

from chatserver.model.errors import PluginError
from chatserver.model.plugin_names import CORE_NAMES, check_name
from chatserver.store.schema import metadata


def test_no_plugin_is_called_like_what_a_table_of_the_server_begins_with() -> None:
    words = [name.split("_") for name in metadata.tables]
    beginnings = {"_".join(each[:count]) for each in words for count in range(1, len(each) + 1)}
    assert beginnings | {"sqlite", "pg"} == CORE_NAMES
    for name in CORE_NAMES:
        with pytest.raises(PluginError, match="no plugin can have this name"):
            check_name(name)
    check_name("logs")


async def test_a_server_refuses_one_at_the_start(chat, tmp_path) -> None:
    (tmp_path / "plugin.py").write_text("from chatserver import Plugin\n\nclass Own(Plugin):\n    pass\n")
    with pytest.raises(PluginError, match="'plugin': no plugin can have this name"):
        async with chat(plugins=["plugin"], dirs=[tmp_path]):
            pass
