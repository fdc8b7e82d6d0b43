#!/usr/bin/env python3
"""A Python peer: multiprocessing.shared_memory behind the line protocol of ../README.md.

Its lock is `fcntl.lockf` over the whole segment. Python's resource tracker is told to leave the
segments alone: before 3.13 it removes, when this process ends, what another one still uses.
"""

import fcntl
import os
import struct
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

KINDS = {
    PermissionError: "PermissionDenied",
    ValueError: "InvalidSize",
    struct.error: "InvalidSize",
    FileExistsError: "AlreadyExists",
    FileNotFoundError: "NotFound",
    BlockingIOError: "Timeout",
    MemoryError: "OutOfResources",
}


class Peer:
    """The one segment this process has attached; every command returns its reply's values."""

    def __init__(self):
        self.memory = None
        self.descriptor = -1
        self.name = ""

    def _take(self, name, **options):
        self.detach()
        self.name = name
        memory = SharedMemory(name=name.lstrip("/"), **options)
        resource_tracker.unregister("/" + memory.name.lstrip("/"), "shared_memory")
        self.memory = memory
        # A descriptor of our own to lock by. Closing *any* descriptor of the file would drop the
        # lock, so both are closed together.
        self.descriptor = os.open("/dev/shm/" + memory.name.lstrip("/"), os.O_RDWR)

    def _bytes(self, offset, length):
        """The attached bytes, once it is sure that `length` of them begin at `offset`."""
        if self.memory is None:
            raise FileNotFoundError("nothing is attached")
        if offset < 0 or length < 0 or offset + length > self.memory.size:
            raise ValueError("past the end of the segment")
        return self.memory.buf

    def create(self, name, size):
        self._take(name, create=True, size=int(size, 0))

    def attach(self, name):
        self._take(name)

    def detach(self):
        if self.memory is not None:
            os.close(self.descriptor)
            self.memory.close()
        self.memory = None
        self.descriptor = -1

    def unlink(self, name=None):
        os.unlink("/dev/shm/" + (name or self.name).lstrip("/"))

    def lock(self):
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX)

    def try_lock(self):
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(self):
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN)

    def size(self):
        self._bytes(0, 0)
        return self.memory.size

    def write(self, offset, digits):
        offset, data = int(offset, 0), bytes.fromhex(digits)
        self._bytes(offset, len(data))[offset : offset + len(data)] = data

    def read(self, offset, length):
        offset, length = int(offset, 0), int(length, 0)
        return bytes(self._bytes(offset, length)[offset : offset + length]).hex()

    def increment(self, offset, times):
        """Adds one without any atomic: only the lock keeps two processes from losing a count."""
        offset = int(offset, 0)
        data = self._bytes(offset, 8)
        for _ in range(int(times, 0)):
            self.lock()
            (seen,) = struct.unpack_from("=Q", data, offset)
            struct.pack_into("=Q", data, offset, seen + 1)
            self.unlock()


COMMANDS = {
    name.replace("_", "-"): getattr(Peer, name) for name in vars(Peer) if not name.startswith("_")
}


def kind_of(error):
    return next((kind for of, kind in KINDS.items() if isinstance(error, of)), "Unknown")


def answer(peer, words):
    command = COMMANDS.get(words[0])
    if command is None:
        return "err Unsupported no such command here"
    try:
        value = command(peer, *words[1:])
    except TypeError as error:
        return f"err Unsupported {error}"
    except Exception as error:
        return f"err {kind_of(error)} {error}"
    return "ok" if value is None else f"ok {value}"


def main():
    peer = Peer()
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.rstrip("\n").split(" ")
        leaving = words[0] == "exit"
        print("ok" if leaving else answer(peer, words), flush=True)
        if leaving:
            break
    peer.detach()


if __name__ == "__main__":
    main()
