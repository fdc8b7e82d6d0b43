// See picture.h.
#include "picture.h"

#include <QBuffer>
#include <QCryptographicHash>
#include <QDataStream>
#include <QVector>

#include <map>

QByteArray streamOf(const QImage &image)
{
    QBuffer buffer;
    buffer.open(QBuffer::ReadWrite);
    QDataStream out(&buffer);
    out << image;
    return buffer.data();
}

QImage imageIn(const QByteArray &stream)
{
    QBuffer buffer;
    buffer.setData(stream);
    buffer.open(QBuffer::ReadOnly);
    QDataStream in(&buffer);
    QImage image;
    in >> image;
    return image;
}

QByteArray describe(const QImage &image)
{
    const QImage wide = image.convertToFormat(QImage::Format_RGBA64);
    QByteArray pixels;
    pixels.reserve(wide.width() * wide.height() * 8);
    for (int y = 0; y < wide.height(); y++) {
        const auto *samples = reinterpret_cast<const quint16 *>(wide.constScanLine(y));
        for (int x = 0; x < wide.width() * 4; x++) {
            pixels.append(char(samples[x] >> 8));
            pixels.append(char(samples[x] & 0xff));
        }
    }
    return QByteArray::number(image.width()) + ' ' + QByteArray::number(image.height()) + ' '
        + QCryptographicHash::hash(pixels, QCryptographicHash::Sha256).toHex();
}

namespace {

// Knuth's MMIX generator: two lines in any language, and the high bits are good.
class Generator {
public:
    explicit Generator(quint64 seed) : state(seed) {}
    uchar next()
    {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return uchar(state >> 56);
    }

private:
    quint64 state;
};

QVector<QRgb> randomPalette(Generator &generator, int colours)
{
    QVector<QRgb> palette;
    for (int i = 0; i < colours; i++) {
        const int red = generator.next();
        const int green = generator.next();
        palette.append(qRgb(red, green, generator.next()));
    }
    return palette;
}

} // namespace

QImage randomImage(quint64 seed, int width, int height, const QByteArray &format)
{
    static const std::map<QByteArray, QImage::Format> formats = {
        { "Mono", QImage::Format_Mono },
        { "Indexed8", QImage::Format_Indexed8 },
        { "RGB32", QImage::Format_RGB32 },
        { "ARGB32", QImage::Format_ARGB32 },
        { "Grayscale8", QImage::Format_Grayscale8 },
        { "Grayscale16", QImage::Format_Grayscale16 },
        { "RGBA64", QImage::Format_RGBA64 },
        { "RGB888", QImage::Format_RGB888 },
    };
    const auto found = formats.find(format);
    if (found == formats.end())
        return {};

    Generator generator(seed);
    QImage image(width, height, found->second);
    if (found->second == QImage::Format_Mono)
        image.setColorTable(randomPalette(generator, 2));
    if (found->second == QImage::Format_Indexed8)
        image.setColorTable(randomPalette(generator, 256));
    for (int y = 0; y < height; y++) {
        uchar *row = image.scanLine(y);
        for (int i = 0; i < image.bytesPerLine(); i++)
            row[i] = generator.next();
        // The byte that RGB32 does not use is 0xff by contract.
        if (found->second == QImage::Format_RGB32)
            for (int x = 0; x < width; x++)
                reinterpret_cast<QRgb *>(row)[x] |= 0xff000000;
    }
    return image;
}
