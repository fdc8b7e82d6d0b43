// Pictures for the Qt peer: a QImage as QDataStream writes it, a fingerprint of its pixels, and
// pictures made of a small deterministic generator.
#pragma once

#include <QByteArray>
#include <QImage>

// What `QDataStream << image` writes, as Qt's sharedmemory example puts it into the segment.
QByteArray streamOf(const QImage &image);

// The picture such a stream holds; null if there is none. Bytes after it do not matter.
QImage imageIn(const QByteArray &stream);

// "WIDTH HEIGHT SHA256" of the pixels as 16-bit big-endian R G B A, alpha not multiplied in, rows
// from the top: the same for every way of storing the same picture.
QByteArray describe(const QImage &image);

// A picture of a QImage format by name ("Mono", "RGB32", ...), every pixel from the generator
// seeded with `seed`; null for a name that is not in the table.
QImage randomImage(quint64 seed, int width, int height, const QByteArray &format);
