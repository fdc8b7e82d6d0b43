// A picture from one program to another, with QSharedMemory and QImage: picture load|show FILE [KEY]
//
// What the two windows of Qt's `sharedmemory` example do, without the windows. One source for Qt 5
// and Qt 6.
#include <QBuffer>
#include <QCoreApplication>
#include <QDataStream>
#include <QElapsedTimer>
#include <QImage>
#include <QSharedMemory>
#include <QThread>

#include <cstdio>
#include <cstring>
#include <functional>

static int failed(const char *what, const QString &why)
{
    std::fprintf(stderr, "picture: cannot %s: %s\n", what, qPrintable(why));
    return 1;
}

// Looks until `done`, for a minute.
static bool waitFor(const std::function<bool()> &done)
{
    QElapsedTimer timer;
    timer.start();
    while (!done()) {
        if (timer.elapsed() > 60 * 1000)
            return false;
        QThread::msleep(10);
    }
    return true;
}

static QImage imageIn(QSharedMemory &memory)
{
    QImage image;
    memory.lock();
    QBuffer buffer;
    buffer.setData(static_cast<const char *>(memory.constData()), int(memory.size()));
    buffer.open(QBuffer::ReadOnly);
    QDataStream in(&buffer);
    in >> image;
    memory.unlock();
    return image;
}

// Leaves a null image in the segment: the way to say that the picture was taken out.
static void clear(QSharedMemory &memory)
{
    memory.lock();
    std::memset(memory.data(), 0, sizeof(qint32));
    memory.unlock();
}

static int load(const QString &file, const QString &key)
{
    const QImage image(file);
    if (image.isNull())
        return failed("load", file);
    QBuffer buffer;
    buffer.open(QBuffer::ReadWrite);
    QDataStream out(&buffer);
    out << image;
    const int size = int(buffer.size());

    QSharedMemory memory(key);
    if (!memory.create(size))
        return failed("create", memory.errorString());
    std::printf("load: %d x %d pixels to %s\n", image.width(), image.height(), qPrintable(key));
    memory.lock();
    std::memcpy(memory.data(), buffer.data().constData(), size_t(size));
    memory.unlock();

    // The segment goes with the last process that has it: stay until somebody has taken the picture.
    if (!waitFor([&] { return imageIn(memory).isNull(); }))
        return failed("wait", "nobody has taken the picture");
    std::printf("load: the picture was taken\n");
    return memory.detach() ? 0 : failed("detach", memory.errorString());
}

static int show(const QString &file, const QString &key)
{
    QSharedMemory memory(key);
    // Any error means "not yet": while another program makes its semaphore, Qt may fail to open it.
    if (!waitFor([&] { return memory.attach(); }))
        return failed("attach", memory.errorString());
    QImage image;
    if (!waitFor([&] { return !(image = imageIn(memory)).isNull(); }))
        return failed("wait", "nobody has loaded a picture");
    if (!image.save(file, "PNG"))
        return failed("save", file);
    std::printf("show: %d x %d pixels to %s\n", image.width(), image.height(), qPrintable(file));
    clear(memory);
    return memory.detach() ? 0 : failed("detach", memory.errorString());
}

int main(int argc, char **argv)
{
    QCoreApplication application(argc, argv);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const QString file = argc > 2 ? QString::fromLocal8Bit(argv[2]) : QString();
    const QString key = argc > 3 ? QString::fromLocal8Bit(argv[3]) : QStringLiteral("QSharedMemoryExample");
    if (argc > 2 && std::strcmp(argv[1], "load") == 0)
        return load(file, key);
    if (argc > 2 && std::strcmp(argv[1], "show") == 0)
        return show(file, key);
    std::fprintf(stderr, "usage: picture load|show FILE [KEY]\n");
    return 2;
}
