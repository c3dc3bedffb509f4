"""What the benchmark depends on: files that use each other one way, and of the server only its outside."""

from __future__ import annotations

import ast
import graphlib
import re
from pathlib import Path

import pytest

from benchmarks import against, cluster_model, metrics, scenarios
from benchmarks.build import NotHere
from benchmarks.chat import variants
from benchmarks.launch import Launch
from benchmarks.rounds import Outcome

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
LOAD = BENCHMARKS / "load"
PROGRAMS = sorted(path for folder in (".", "soak", "peers") for path in (BENCHMARKS / folder).glob("*.py"))
PUBLIC = {"chatserver.testing"}


def included(path: Path) -> list[str]:
    """The project's headers that a C file includes, by name without suffix."""
    return re.findall(r'^#include "(\w+)\.h"$', path.read_text(), re.MULTILINE)


def test_the_load_generators_files_use_each_other_one_way():
    graph = {}
    for source in LOAD.glob("*.c"):
        header = source.with_suffix(".h")
        used = {*included(source), *(included(header) if header.exists() else [])}
        graph[source.stem] = used - {source.stem}
    order = list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError
    assert order[-1] == "main"
    assert {header.stem for header in LOAD.glob("*.h")} == set(graph) - {"main"}


def test_what_a_file_of_the_load_generator_shares_is_in_its_own_header():
    for source in LOAD.glob("*.c"):
        assert "extern " not in source.read_text(), source
        if source.stem != "main":
            assert included(source)[0] == source.stem


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module))
    return found


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_the_benchmark_uses_the_server_from_outside_only(path):
    own = {name for name in imports(path) if name.split(".")[0] in ("chatserver", "chatserver_plugins")}
    assert own <= PUBLIC


async def test_costs_of_hooks_are_read_from_the_metrics(process):
    server = process(plugins=["emoji"])
    async with server:
        alice = await server.client(name="alice")
        await alice.join("general")
        port = int(server.url.rpartition(":")[2])
        before = metrics.read(port)
        await alice.says("one")
        await alice.says("two :tada:")
        after = metrics.read(port)
        await alice.leave()
    assert after.messages - before.messages == 2
    costs = after.costs_since(before)
    assert set(costs) == {"emoji.before_post", "emoji.render"}
    assert 0 < costs["emoji.before_post"] < 1


def test_two_checkouts_are_compared_variant_by_variant(tmp_path):
    (scenario,) = (each for each in scenarios.ALL if each.name == "in")
    found = against.comparisons(tmp_path, [scenario], ["chatserver", "chatserver-plugins"])
    assert [each.name for each, _ in found] == ["in, chatserver", "in, chatserver-plugins"]
    assert all(list(servers) == [against.THIS, against.OTHER] for _, servers in found)


def test_a_ratio_is_the_median_of_those_within_a_round(tmp_path):
    (scenario,) = (each for each in scenarios.ALL if each.name == "in")
    ((comparison, _),) = against.comparisons(tmp_path, [scenario], ["chatserver"])
    outcome = Outcome(comparison)
    # The machine gets slower from round to round, and the ratio stays.
    for number, speed in enumerate((1000.0, 500.0, 100.0)):
        outcome.runs.setdefault(against.THIS, {})[number] = {"messages_per_second": speed * 1.2}
        outcome.runs.setdefault(against.OTHER, {})[number] = {"messages_per_second": speed}
    assert re.search(
        r"in, chatserver +\| messages/s \| higher \| 600 +\| 500 +\| 1.20 ", against.table([outcome])
    )


def test_a_checkout_without_a_server_is_named(tmp_path):
    server = variants(tmp_path)["chatserver"]
    with pytest.raises(NotHere, match=str(tmp_path)):
        server.command(Launch(1, tmp_path, 1))


def test_the_model_of_a_cluster_counts_what_there_is():
    load = cluster_model.Load(people=10_000, largest_room=2_000, rooms_each=4)
    assert sum(cluster_model.room_sizes(load)) == 40_000
    alone, ten = (
        cluster_model.simulate(load, cluster_model.Cluster(servers=servers), cluster_model.Costs())
        for servers in (1, 10)
    )
    # The same is delivered, whoever does it, and a tenth of it by each.
    assert abs(ten.deliveries / alone.deliveries - 1) < 0.1
    assert ten.server_cores < alone.server_cores / 5
    assert (alone.bus_in, alone.bus_out, alone.notes_a_server, alone.queries_a_database) == (0, 0, 0, 0)
    more = cluster_model.simulate(
        load, cluster_model.Cluster(10, databases=4, buses=4), cluster_model.Costs()
    )
    assert more.database < 0.5 * ten.database
    assert more.bus_out < 0.5 * ten.bus_out
