"""
The round trips that a program needs, counted: servers that hold every answer until nobody asks anything more, then give all of them at
once. What is asked after that could not be asked before, so that the number of times is the number of round trips one after the other,
however slow the machine is.

    steps = Lockstep(tree)          # the DNS tree of dnstree.py, seen through it
    with steps.inside(): ...        # a program run here meets the tree's servers, and is held back
    steps.take()                    # the round trips since the last time, each a list of (server, name, type)
"""
import contextlib
import selectors
import socket
import threading

import dns.message
import dns.rdatatype

import netns

QUIET_SECONDS = 0.12  # below the 376 ms after which libunbound asks again


class Lockstep:
    """The servers of a tree, by UDP. close() when done."""

    def __init__(self, tree):
        self.tree = tree
        self.net = netns.Namespace()
        self.servers = {a: n for n, a in tree.addresses.items() if ":" not in a and n not in ("far", "resolver", "plain_resolver")}
        self.net.add_addresses(self.servers)
        self.rounds, self.held, self.stopped = [], {}, False
        self.selector = selectors.DefaultSelector()
        with self.net.inside():
            for address in self.servers:
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.bind((address, 53))
                s.setblocking(False)
                self.selector.register(s, selectors.EVENT_READ, address)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is where the servers are met."""
        with self.net.inside():
            yield

    def take(self):
        """The round trips since the last call."""
        rounds, self.rounds = self.rounds, []
        return rounds

    def close(self):
        self.stopped = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()
        self.net.close()

    def _serve(self):
        while not self.stopped:
            news = False
            for key, _ in self.selector.select(QUIET_SECONDS):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        wire, client = key.fileobj.recvfrom(4096)
                        q = dns.message.from_wire(wire).question[0]
                        asked = (self.servers[key.data], q.name.to_text().lower(), dns.rdatatype.to_text(q.rdtype))
                        news |= asked not in self.held  # a question repeated is nothing new
                        self.held.setdefault(asked, []).append((key.fileobj, key.data, client, wire))
            if self.held and not news:
                self._release()

    def _release(self):
        held, self.held = self.held, {}
        self.rounds.append(sorted(held))
        answers = []
        with self.tree.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(3)
            for waiting in held.values():
                for sock, address, client, wire in waiting:
                    s.sendto(wire, (address, 53))
                    with contextlib.suppress(TimeoutError):
                        answers.append((sock, s.recv(65535), client))
        for sock, answer, client in answers:
            sock.sendto(answer, client)
