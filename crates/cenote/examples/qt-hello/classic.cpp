// Qt's first program in shared memory, on QSharedMemory alone: qt-hello server|client [KEY]
//
// The server attaches to the segment or creates it, leaves a text and waits for an answer; the
// client reads the text and answers. One source for Qt 5 and Qt 6.
#include <QCoreApplication>
#include <QElapsedTimer>
#include <QSharedMemory>
#include <QThread>

#include <cstdio>
#include <cstring>
#include <functional>

static const int SIZE = 1024;
static const char GREETING[] = "Hello, Client!";
static const char ANSWER[] = "Hello, Server!";

static int failed(const char *what, const QSharedMemory &memory)
{
    std::fprintf(stderr, "qt-hello: cannot %s: %s\n", what, qPrintable(memory.errorString()));
    return 1;
}

static int waitedInVain(const char *what)
{
    std::fprintf(stderr, "qt-hello: %s within a minute\n", what);
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

static QByteArray textIn(QSharedMemory &memory)
{
    memory.lock();
    const char *bytes = static_cast<const char *>(memory.constData());
    const QByteArray text(bytes, int(qstrnlen(bytes, uint(memory.size()))));
    memory.unlock();
    return text;
}

static int server(const QString &key)
{
    QSharedMemory memory(key);
    bool attached = memory.attach();
    if (!attached && !memory.create(SIZE))
        return failed("create", memory);
    std::printf("server: %s %s, %d bytes\n", attached ? "attached to" : "created", qPrintable(key),
                int(memory.size()));

    if (!memory.lock())
        return failed("lock", memory);
    std::memcpy(memory.data(), GREETING, sizeof GREETING);
    std::printf("server: wrote \"%s\"\n", GREETING);
    if (!memory.unlock())
        return failed("unlock", memory);

    // The segment goes with the last process that has it: stay until the client was here.
    if (!waitFor([&] { return textIn(memory) != GREETING; }))
        return waitedInVain("no client has answered");
    std::printf("server: the answer is \"%s\"\n", textIn(memory).constData());
    return memory.detach() ? 0 : failed("detach", memory);
}

static int client(const QString &key)
{
    QSharedMemory memory(key);
    // Any error means "not yet": while another program makes its semaphore, Qt may fail to open it.
    if (!waitFor([&] { return memory.attach(); }))
        return failed("attach", memory);
    if (!waitFor([&] { return !textIn(memory).isEmpty(); }))
        return waitedInVain("no server has written");
    std::printf("client: read \"%s\"\n", textIn(memory).constData());
    if (!memory.lock())
        return failed("lock", memory);
    std::memcpy(memory.data(), ANSWER, sizeof ANSWER);
    if (!memory.unlock())
        return failed("unlock", memory);
    return memory.detach() ? 0 : failed("detach", memory);
}

int main(int argc, char **argv)
{
    QCoreApplication application(argc, argv);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const QString key = argc > 2 ? QString::fromLocal8Bit(argv[2]) : QStringLiteral("MyUniqueKey");
    if (argc > 1 && std::strcmp(argv[1], "server") == 0)
        return server(key);
    if (argc > 1 && std::strcmp(argv[1], "client") == 0)
        return client(key);
    std::fprintf(stderr, "usage: qt-hello server|client [KEY]\n");
    return 2;
}
