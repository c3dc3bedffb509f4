"""A proxy for PostgreSQL that cuts connections where it hurts: at a COMMIT."""

from __future__ import annotations

import random
import socket
import threading
from contextlib import suppress

PATIENCE = 10.0


class CommitProxy:
    """Between a store and PostgreSQL, in a thread of its own.

    ``cut`` is what it does at the next COMMIT: ``before`` the server has it, or ``after``, so that nothing tells that
    it was committed. ``share`` is the part of all commits that this happens to by itself, one way or the other;
    ``cuts`` counts them. In what the server says it replaces the first of ``said`` by the second.
    """

    def __init__(self, upstream, share=0.0, seed=0):
        self._upstream = upstream
        self._chance = random.Random(seed)
        self.share = share
        self.cuts = 0
        self.cut = None
        self.said = (b"", b"")
        self._links = []
        self._threads = []

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._begin(self._accept)
        return self

    def __exit__(self, *_):
        # Wakes the thread that accepts, which closing does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self.break_all()
        for thread in self._threads:
            thread.join(PATIENCE)
        self._listener.close()
        for link in self._links:
            link.close()

    def url(self, url):
        """The address of a database by way of this."""
        return url.replace(f":{self._upstream}/", f":{self.port}/")

    def break_all(self):
        """Cut all connections."""
        for link in self._links:
            link.cut()

    def _begin(self, work, *arguments):
        self._threads.append(threading.Thread(target=work, args=arguments))
        self._threads[-1].start()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                link = Link(client, socket.create_connection(("127.0.0.1", self._upstream)))
                self._links.append(link)
                self._begin(self._upwards, link)
                self._begin(self._downwards, link)

    def _upwards(self, link):
        with suppress(OSError):
            while data := link.client.recv(65536):
                cut = self._cut() if b"COMMIT" in data else None
                if cut == "before":
                    break
                if cut is not None:
                    link.deaf = True
                link.server.sendall(data)
        link.cut()

    def _cut(self):
        cut, self.cut = self.cut, None
        if cut is None and self._chance.random() < self.share:
            cut = self._chance.choice(("before", "after"))
        self.cuts += cut is not None
        return cut

    def _downwards(self, link):
        with suppress(OSError):
            # What comes after a COMMIT says that it is done.
            while (data := link.server.recv(65536)) and not link.deaf:
                link.client.sendall(data.replace(*self.said) if self.said[0] else data)
        link.cut()


class Link:
    """A connection through a proxy."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.deaf = False

    def cut(self):
        for each in (self.client, self.server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.client.close()
        self.server.close()
