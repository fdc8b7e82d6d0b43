"""Pictures for the PySide6 peer, as picture.cpp has them for the C++ ones: the same stream, the same
fingerprint, the same generated pixels."""

import array
import hashlib
import sys

from PySide6.QtCore import QBuffer, QByteArray, QDataStream, QIODevice
from PySide6.QtGui import QImage, qRgb

FORMATS = ["Mono", "Indexed8", "RGB32", "ARGB32", "Grayscale8", "Grayscale16", "RGBA64", "RGB888"]


def stream_of(image):
    """What `QDataStream << image` writes, as Qt's sharedmemory example puts it into the segment."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.ReadWrite)
    out = QDataStream(buffer)
    out << image
    return buffer.data().data()


def image_in(stream):
    """The picture such a stream holds; null if there is none. Bytes after it do not matter."""
    held = QByteArray(bytes(stream))
    buffer = QBuffer()
    buffer.setData(held)
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    image = QImage()
    QDataStream(buffer) >> image
    return image


def describe(image):
    """WIDTH HEIGHT SHA256: of the pixels as 16-bit big-endian R G B A, alpha not multiplied in, rows from
    the top."""
    wide = image.convertToFormat(QImage.Format.Format_RGBA64)
    pixels = hashlib.sha256()
    for y in range(wide.height()):
        samples = array.array("H", bytes(wide.constScanLine(y))[: wide.width() * 8])
        if sys.byteorder == "little":
            samples.byteswap()
        pixels.update(samples.tobytes())
    return f"{image.width()} {image.height()} {pixels.hexdigest()}"


class Generator:
    """Knuth's MMIX generator: two lines in any language, and the high bits are good."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.state >> 56

    def palette(self, colours):
        return [qRgb(self.next(), self.next(), self.next()) for _ in range(colours)]


def random_image(seed, width, height, form):
    """A picture of a QImage format by name, every pixel from the generator; null for an unknown name."""
    if form not in FORMATS:
        return QImage()
    generator = Generator(seed)
    image = QImage(width, height, getattr(QImage.Format, f"Format_{form}"))
    if form == "Mono":
        image.setColorTable(generator.palette(2))
    if form == "Indexed8":
        image.setColorTable(generator.palette(256))
    for y in range(height):
        row = image.scanLine(y)
        row[:] = bytes(generator.next() for _ in range(image.bytesPerLine()))
        # The byte that RGB32 does not use is 0xff by contract.
        if form == "RGB32":
            unused = 3 if sys.byteorder == "little" else 0
            row[unused::4] = b"\xff" * width
    return image
