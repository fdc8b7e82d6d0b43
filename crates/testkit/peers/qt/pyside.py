#!/usr/bin/env python3
"""A Qt peer by way of Python: PySide6, whose Qt is newer than any that Debian has, behind the line protocol
of ../README.md.

It says what peer.cpp says, and more: since Qt 6.6 a segment can have a native key (QNativeIpcKey) of a type
that the program chooses, POSIX for example. A NAME that begins with `native:` is such a key as text.
"""

import inspect
import struct
import sys
from pathlib import Path
from urllib.parse import quote, unquote

# Where `cargo xtask test` installs it, beside the copy of this script that it makes.
sys.path.insert(0, str(Path(__file__).resolve().parent / "pyside6"))

from PySide6.QtCore import QCoreApplication, QNativeIpcKey, QObject, QSharedMemory, QSystemSemaphore, qVersion

MEMORY_ERRORS = [
    "Unknown",
    "PermissionDenied",
    "InvalidSize",
    "KeyError",
    "AlreadyExists",
    "NotFound",
    "LockError",
    "OutOfResources",
    "Unknown",
]
SEMAPHORE_ERRORS = [kind for kind in MEMORY_ERRORS if kind not in ("InvalidSize", "LockError")]

# The only characters that a text in a reply does not show as they are: `%`, space, control, and not ASCII.
LEGIBLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")


class Refused(Exception):
    """An `err` reply: its kind, then its message."""


def refuse_memory(memory):
    raise Refused(MEMORY_ERRORS[memory.error().value], memory.errorString())


def refuse_semaphore(semaphore):
    raise Refused(SEMAPHORE_ERRORS[semaphore.error().value], semaphore.errorString())


def encoded(text):
    # A text of Qt's may hold half of a surrogate pair.
    return quote(text.encode("utf-8", "replace"), safe=LEGIBLE)


def truth(value):
    return "true" if value else "false"


def key_of(word):
    """A legacy key as a text, or a native one. Which of them it is stands before any encoding."""
    if word.startswith("native:"):
        return QNativeIpcKey.fromString(unquote(word[len("native:") :]))
    return unquote(word)


def type_of(word):
    """`systemv`, `systemv-N` with N from 1 to 255, `posix`, `windows`, `default` or `legacy-default`."""
    named = {
        "systemv": QNativeIpcKey.Type.SystemV,
        "posix": QNativeIpcKey.Type.PosixRealtime,
        "windows": QNativeIpcKey.Type.Windows,
        "default": QNativeIpcKey.DefaultTypeForOs,
        "legacy-default": QNativeIpcKey.legacyDefaultTypeForOs(),
    }
    if word in named:
        return named[word]
    name, _, project = word.partition("-")
    if name != "systemv" or not project.isdecimal():
        raise Refused("Unsupported", "no such type of key")
    return QNativeIpcKey.Type(int(project))


class Peer:
    """One segment and one semaphore; every command returns its reply's values."""

    def __init__(self):
        self.memory = None
        self.name = None
        self.read_only = False
        self.semaphore = None

    # --- the segment ---------------------------------------------------------------------------

    def _memory_for(self, name):
        """The object for a key. The same one serves as long as the key does, as in a program that tries
        attach() and then create()."""
        if self.memory is None or self.name != name:
            # In this order: the old one is destroyed before there is a new one.
            self.memory = None
            self.memory = QSharedMemory(key_of(name))
            self.name = name
        return self.memory

    def _known(self):
        if self.memory is None:
            raise Refused("NotFound", "no key was given yet")
        return self.memory

    def _do(self, operation):
        """A command on the segment that Qt answers with true or false."""
        if not operation(self._known()):
            refuse_memory(self.memory)

    def _attached(self, offset, length, writing=False):
        """The segment's bytes, once it is sure that `length` of them at `offset` can be used. They are asked
        for anew each time: a memoryview that outlives detach() is a crash."""
        if self.memory is None or not self.memory.isAttached():
            raise Refused("NotFound", "nothing is attached")
        if offset < 0 or length < 0 or offset + length > self.memory.size():
            raise Refused("InvalidSize", "past the end of the segment")
        if writing and self.read_only:
            raise Refused("PermissionDenied", "attached read-only")
        return self.memory.data() if writing else self.memory.constData()

    def create(self, name, size, mode="rw"):
        memory = self._memory_for(name)
        self.read_only = mode == "ro"
        modes = QSharedMemory.AccessMode
        self._do(lambda _: memory.create(int(size), modes.ReadOnly if self.read_only else modes.ReadWrite))

    def attach(self, name):
        memory = self._memory_for(name)
        self.read_only = False
        self._do(lambda _: memory.attach())

    def attach_ro(self, name):
        memory = self._memory_for(name)
        self.read_only = True
        self._do(lambda _: memory.attach(QSharedMemory.AccessMode.ReadOnly))

    def detach(self):
        self._do(QSharedMemory.detach)

    def lock(self):
        self._do(QSharedMemory.lock)

    def unlock(self):
        self._do(QSharedMemory.unlock)

    def size(self):
        return self.memory.size() if self.memory is not None else 0

    def write(self, offset, digits):
        offset, data = int(offset), bytes.fromhex(digits)
        self._attached(offset, len(data), writing=True)[offset : offset + len(data)] = data

    def read(self, offset, length):
        offset, length = int(offset), int(length)
        return bytes(self._attached(offset, length)[offset : offset + length]).hex()

    def increment(self, offset, times):
        """Adds one without any atomic: only the lock keeps two processes from losing a count."""
        offset = int(offset)
        data = self._attached(offset, 8, writing=True)
        for _ in range(int(times)):
            self.lock()
            (seen,) = struct.unpack_from("=Q", data, offset)
            struct.pack_into("=Q", data, offset, seen + 1)
            self.unlock()

    def set_key(self, name):
        if self.memory is None:
            self.memory = QSharedMemory()
        key = key_of(name)
        if isinstance(key, str):
            self.memory.setKey(key)
        else:
            self.memory.setNativeKey(key)
        self.name = name

    def set_native_key(self, text, kind="legacy-default"):
        if self.memory is None:
            self.memory = QSharedMemory()
        self.memory.setNativeKey(unquote(text), type_of(kind))
        # It has no legacy key: that is how peer.cpp goes on with it, too.
        self.name = ""

    def key(self):
        return encoded(self._known().key())

    def native_key_now(self):
        return encoded(self._known().nativeIpcKey().toString())

    def is_attached(self):
        return truth(self._known().isAttached())

    def error(self):
        return self._known().error().value

    def error_string(self):
        return encoded(self._known().errorString())

    def has_data(self):
        pointers = self._known().data(), self.memory.constData()
        return " ".join(truth(pointer is not None and len(pointer) > 0) for pointer in pointers)

    def tr(self, text):
        return encoded(QSharedMemory().tr(unquote(text)))

    # --- pictures: as Qt's sharedmemory example passes them ------------------------------------

    def _put_image(self, image):
        import pyside_picture as picture

        if image.isNull():
            raise Refused("Unknown", "no such picture")
        stream = picture.stream_of(image)
        data = self._attached(0, len(stream), writing=True)
        self.lock()
        data[: len(stream)] = stream
        self.unlock()
        return picture.describe(image)

    def image_put(self, file):
        from PySide6.QtGui import QImage

        return self._put_image(QImage(file))

    def image_random(self, seed, width, height, form):
        import pyside_picture as picture

        return self._put_image(picture.random_image(int(seed), int(width), int(height), form))

    def _image(self):
        import pyside_picture as picture

        self._attached(0, 0)
        self.lock()
        image = picture.image_in(self._attached(0, 0))
        self.unlock()
        if image.isNull():
            raise Refused("Unknown", "no picture in the segment")
        return image, picture.describe(image)

    def image_get(self, file):
        image, description = self._image()
        if not image.save(file, "PNG"):
            raise Refused("Unknown", "cannot save the picture")
        return description

    def image_dump(self):
        return self._image()[1]

    # --- a semaphore of its own ----------------------------------------------------------------

    def _open_semaphore(self, name, initial, mode):
        self.semaphore = None
        self.semaphore = QSystemSemaphore(key_of(name), int(initial), mode)
        self._check_semaphore()

    def _check_semaphore(self):
        if self.semaphore.error() != QSystemSemaphore.SystemSemaphoreError.NoError:
            refuse_semaphore(self.semaphore)

    def _opened(self):
        if self.semaphore is None:
            raise Refused("NotFound", "no semaphore was opened yet")
        return self.semaphore

    def sem_open(self, name, initial):
        self._open_semaphore(name, initial, QSystemSemaphore.AccessMode.Open)

    def sem_create(self, name, initial):
        self._open_semaphore(name, initial, QSystemSemaphore.AccessMode.Create)

    def sem_set_key(self, name, initial, mode):
        key, semaphore, modes = key_of(name), self._opened(), QSystemSemaphore.AccessMode
        set_key = semaphore.setKey if isinstance(key, str) else semaphore.setNativeKey
        set_key(key, int(initial), modes.Create if mode == "create" else modes.Open)
        self._check_semaphore()

    def sem_set_native_key(self, text, initial, mode, kind="legacy-default"):
        modes = QSystemSemaphore.AccessMode
        chosen = modes.Create if mode == "create" else modes.Open
        self._opened().setNativeKey(unquote(text), int(initial), chosen, type_of(kind))
        self._check_semaphore()

    def sem_close(self):
        self._opened()
        self.semaphore = None

    def sem_acquire(self):
        if not self._opened().acquire():
            refuse_semaphore(self.semaphore)

    def sem_release(self, count):
        if not self._opened().release(int(count)):
            refuse_semaphore(self.semaphore)

    def sem_key(self):
        return encoded(self._opened().key())

    def sem_native_key_now(self):
        return encoded(self._opened().nativeIpcKey().toString())

    def sem_error(self):
        return self._opened().error().value

    def sem_error_string(self):
        return encoded(self._opened().errorString())

    # --- what Qt says about keys ---------------------------------------------------------------

    def version(self):
        return qVersion()

    def native_key(self, key):
        return QSharedMemory(key_of(key)).nativeKey()

    def platform_key(self, key, kind):
        return encoded(QSharedMemory.platformSafeKey(unquote(key), type_of(kind)).toString())

    def sem_platform_key(self, key, kind):
        return encoded(QSystemSemaphore.platformSafeKey(unquote(key), type_of(kind)).toString())

    def legacy_key(self, key, kind):
        return encoded(QSharedMemory.legacyNativeKey(unquote(key), type_of(kind)).toString())

    def sem_legacy_key(self, key, kind):
        return encoded(QSystemSemaphore.legacyNativeKey(unquote(key), type_of(kind)).toString())

    def type_supported(self, kind):
        return truth(QSharedMemory.isKeyTypeSupported(type_of(kind)))

    def sem_type_supported(self, kind):
        return truth(QSystemSemaphore.isKeyTypeSupported(type_of(kind)))

    def parse_key(self, text):
        return self._described(QNativeIpcKey.fromString(unquote(text)))

    def new_key(self, kind=None, key=None):
        if kind is None:
            return self._described(QNativeIpcKey())
        if key is None:
            return self._described(QNativeIpcKey(type_of(kind)))
        return self._described(QNativeIpcKey(unquote(key), type_of(kind)))

    def copy_key(self, text):
        key = QNativeIpcKey.fromString(unquote(text))
        copy = QNativeIpcKey(key)
        # The one that was copied goes another way.
        key.setNativeKey("/other")
        return self._described(copy)

    def change_key(self, text, what, value):
        key = QNativeIpcKey.fromString(unquote(text))
        if what == "type":
            key.setType(type_of(value))
        else:
            key.setNativeKey(unquote(value))
        return self._described(key)

    def swap_keys(self, text, other):
        key, other = QNativeIpcKey.fromString(unquote(text)), QNativeIpcKey.fromString(unquote(other))
        key.swap(other)
        return f"{encoded(key.toString())} {encoded(other.toString())}"

    def compare_keys(self, text, other):
        key, other = QNativeIpcKey.fromString(unquote(text)), QNativeIpcKey.fromString(unquote(other))
        return f"{truth(key == other)} {truth(hash(key) == hash(other))}"

    def members(self, name):
        """What a class has beside what every QObject has, and the values of its enumerations."""
        wanted = {"QSharedMemory": QSharedMemory, "QSystemSemaphore": QSystemSemaphore, "QNativeIpcKey": QNativeIpcKey}
        if name not in wanted:
            raise Refused("Unsupported", "no such class")
        found = [member for member in dir(wanted[name]) if member[0] != "_" and member not in dir(QObject)]
        for enumeration in [getattr(wanted[name], member) for member in found]:
            if isinstance(enumeration, type):
                found.extend(value.name for value in enumeration)
        return " ".join(found)

    @staticmethod
    def _described(key):
        # Only QSharedMemory tells which legacy key a native one remembers.
        legacy = QSharedMemory(key).key()
        words = [key.nativeKey(), legacy, key.toString()]
        flags = [truth(key.isValid()), truth(key.isEmpty()), str(key.type().value)]
        return " ".join(flags + [encoded(word) for word in words])


COMMANDS = {name.replace("_", "-"): getattr(Peer, name) for name in vars(Peer) if not name.startswith("_")}


def answer(peer, words):
    command = COMMANDS.get(words[0])
    if command is None:
        return "err Unsupported no such command here"
    try:
        inspect.signature(command).bind(peer, *words[1:])
    except TypeError as error:
        return f"err Unsupported {error}"
    try:
        value = command(peer, *words[1:])
    except Refused as refusal:
        return " ".join(("err", *refusal.args))
    return "ok" if value is None or value == "" else f"ok {value}"


def main():
    application = QCoreApplication(sys.argv)
    peer = Peer()
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.rstrip("\n").split(" ")
        leaving = words[0] == "exit"
        print("ok" if leaving else answer(peer, words), flush=True)
        if leaving:
            break
    # Before the application goes: Qt gives back locks, detaches and removes what it owns here.
    peer.semaphore = None
    peer.memory = None
    del application


if __name__ == "__main__":
    main()
