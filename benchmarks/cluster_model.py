"""What a cluster of this server would have to carry, on paper: a simulation of messages, not of the server.

People are spread over servers at random, rooms over databases and over Redis by their names. A sample of messages is
drawn, and it is counted what each causes where. What one of anything costs is in `Costs`: measured, where there is a
measurement, else assumed, as docs/scaling.md says.

    python -m benchmarks.cluster_model
    python -m benchmarks.cluster_model --people 1000000 --servers 100 --databases 8 --buses 4
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SAMPLE = 20_000
"""So many messages are drawn."""


@dataclass(frozen=True)
class Load:
    """What people do. They are in communities of ``community``, whose rooms they share. ``skew`` is the exponent of the
    sizes of rooms: the one of rank k has 1 / k ** skew of the largest."""

    people: int = 100_000
    community: int = 100_000
    rooms_each: int = 8
    a_minute: float = 0.2
    """Messages that one person writes."""
    largest_room: int = 20_000
    skew: float = 0.8
    visits_a_day: float = 8
    """How often one person comes and goes."""


@dataclass(frozen=True)
class Cluster:
    """What there is to carry it."""

    servers: int = 10
    databases: int = 1
    buses: int = 1


@dataclass(frozen=True)
class Costs:
    """Seconds of a core, and what one database and one Redis take in a second."""

    delivery: float = 5e-6
    """One message to one connection, joined with others as on a busy server."""
    message: float = 70e-6
    """One message that comes in, is checked, and committed."""
    followed: float = 20e-6
    """One message of another server."""
    note: float = 15e-6
    """One person who came or went on another server."""
    database: float = 6_000
    """Messages a second, over many rooms."""
    publish: float = 50_000
    """Packets a second that come into one Redis."""
    subscribed: float = 400_000
    """Packets a second that go out of it."""
    compared: float = 500
    """Rooms whose heads one query compares, each three seconds."""
    presence_bytes: float = 700
    """What a server keeps of each person who is online anywhere."""


@dataclass(frozen=True)
class Carried:
    """What each part has to do in a second: shares of a core, or of what one takes, the busiest of each kind."""

    messages: float
    deliveries: float
    server_cores: float
    database: float
    bus_in: float
    bus_out: float
    notes_a_server: float
    queries_a_database: float
    presence_mb: float

    def lines(self) -> Iterator[str]:
        """A table of it."""
        yield f"messages                     {self.messages:12,.0f} /s"
        yield f"deliveries                   {self.deliveries:12,.0f} /s"
        yield f"the busiest server           {self.server_cores:12.2f} cores"
        yield f"the busiest database         {self.database:12.0%} of its writes"
        yield f"   heads that are compared   {self.queries_a_database:12,.0f} queries/s"
        yield f"the busiest Redis            {self.bus_in:12.0%} of what comes in, {self.bus_out:.0%} of what goes out"
        yield f"comings and goings           {self.notes_a_server:12,.0f} notes/s for each server"
        yield f"who is online                {self.presence_mb:12,.0f} MB in each server"


def room_sizes(load: Load) -> list[int]:
    """How many people are in each room."""
    people = min(load.community, load.people)
    sizes, left, rank = [], people * load.rooms_each, 1
    while left > 0:
        size = max(2, min(left, int(min(load.largest_room, people) / rank**load.skew)))
        sizes.append(size)
        left -= size
        rank += 1
    return sizes * (load.people // people)


def spread(members: int, servers: int, dice: random.Random) -> list[int]:
    """How many members of a room are connected to each server."""
    counts = [0] * servers
    if members <= 20 * servers:
        for _ in range(members):
            counts[dice.randrange(servers)] += 1
        return counts
    mean = members / servers
    return [max(0, round(dice.gauss(mean, mean**0.5))) for _ in range(servers)]


def simulate(load: Load, cluster: Cluster, costs: Costs, seed: int = 1) -> Carried:
    """Draw messages, and count what each causes."""
    dice = random.Random(seed)
    sizes = room_sizes(load)
    homes = [(dice.randrange(cluster.databases), dice.randrange(cluster.buses)) for _ in sizes]
    per_second = load.people * load.a_minute / 60
    weight = per_second / SAMPLE
    cores = [0.0] * cluster.servers
    written = [0.0] * cluster.databases
    came_in, went_out = [0.0] * cluster.buses, [0.0] * cluster.buses
    deliveries = 0.0
    # Each member writes as much: large rooms have more messages.
    for room in dice.choices(range(len(sizes)), sizes, k=SAMPLE):
        database, bus = homes[room]
        counts = spread(sizes[room], cluster.servers, dice)
        writer = dice.choices(range(cluster.servers), counts if any(counts) else None)[0]
        written[database] += weight
        came_in[bus] += weight
        for server, members in enumerate(counts):
            if members or server == writer:
                own = costs.message if server == writer else costs.followed
                cores[server] += weight * (own + members * costs.delivery)
                went_out[bus] += weight
            deliveries += weight * members
    notes = load.people * load.visits_a_day * 2 / 86_400 if cluster.servers > 1 else 0.0
    busiest = max(cores) + notes * costs.note
    return Carried(
        messages=per_second,
        deliveries=deliveries,
        server_cores=busiest,
        database=max(written) / costs.database,
        bus_in=max(came_in) / costs.publish if cluster.servers > 1 else 0.0,
        bus_out=max(went_out) / costs.subscribed if cluster.servers > 1 else 0.0,
        notes_a_server=notes,
        queries_a_database=_compared(sizes, cluster, costs),
        presence_mb=load.people * costs.presence_bytes / 1e6,
    )


def _compared(sizes: Sequence[int], cluster: Cluster, costs: Costs) -> float:
    """Queries a second to each database for the heads of the rooms that each server has people in."""
    if cluster.servers == 1:
        return 0.0
    rooms = sum(cluster.servers * (1 - (1 - 1 / cluster.servers) ** size) for size in sizes)
    return rooms / costs.compared / 3 / cluster.databases


def main() -> None:
    """Print what a cluster has to carry."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=Load.people)
    parser.add_argument("--rooms-each", type=int, default=Load.rooms_each)
    parser.add_argument("--a-minute", type=float, default=Load.a_minute)
    parser.add_argument("--largest-room", type=int, default=Load.largest_room)
    parser.add_argument("--servers", type=int, default=Cluster.servers)
    parser.add_argument("--databases", type=int, default=Cluster.databases)
    parser.add_argument("--buses", type=int, default=Cluster.buses)
    given = parser.parse_args()
    load = Load(
        people=given.people,
        rooms_each=given.rooms_each,
        a_minute=given.a_minute,
        largest_room=given.largest_room,
    )
    cluster = Cluster(given.servers, given.databases, given.buses)
    print(
        f"{given.people:,} people online, {given.servers} servers, {given.databases} databases, {given.buses} Redis"
    )
    for line in simulate(load, cluster, Costs()).lines():
        print(line)


if __name__ == "__main__":
    main()
