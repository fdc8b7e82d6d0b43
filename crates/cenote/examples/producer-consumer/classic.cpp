// A producer and a consumer on QSystemSemaphore: producer-consumer producer|consumer [KEY]
//
// A ring in shared memory, and two semaphores that count its free and its used slots. One source for
// Qt 5 and Qt 6.
#include <QCoreApplication>
#include <QElapsedTimer>
#include <QSharedMemory>
#include <QSystemSemaphore>
#include <QThread>

#include <cstdio>
#include <cstring>
#include <functional>

static const int SLOTS = 4;
static const quint32 NUMBERS = 10;
// What is put after the last number.
static const quint32 END = 0;

struct Ring {
    quint32 numbers[SLOTS];
    quint32 through; // 1 when the producer is through
};

static int failed(const char *what, const QString &why)
{
    std::fprintf(stderr, "producer-consumer: cannot %s: %s\n", what, qPrintable(why));
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

static int producer(const QString &key)
{
    QSharedMemory memory(key);
    {
        // Mode Create: with their values set, and removed at the end of this block.
        QSystemSemaphore free(key + "-free", SLOTS, QSystemSemaphore::Create);
        QSystemSemaphore used(key + "-used", 0, QSystemSemaphore::Create);
        if (free.error() != QSystemSemaphore::NoError || used.error() != QSystemSemaphore::NoError)
            return failed("make the semaphores", free.errorString() + used.errorString());
        // The segment last, so that who finds it finds all.
        if (!memory.attach() && !memory.create(sizeof(Ring)))
            return failed("create", memory.errorString());
        auto *ring = static_cast<volatile Ring *>(memory.data());
        ring->through = 0;

        for (quint32 turn = 0; turn <= NUMBERS; turn++) {
            const quint32 number = turn < NUMBERS ? turn + 1 : END;
            if (!free.acquire())
                return failed("acquire", free.errorString());
            ring->numbers[turn % SLOTS] = number;
            std::printf("producer: put %u\n", number);
            if (!used.release())
                return failed("release", used.errorString());
        }

        // All slots are free again when the consumer has taken the last one.
        for (int i = 0; i < SLOTS; i++)
            if (!free.acquire())
                return failed("acquire", free.errorString());
    }
    static_cast<volatile Ring *>(memory.data())->through = 1;
    return memory.detach() ? 0 : failed("detach", memory.errorString());
}

static int consumer(const QString &key)
{
    QSharedMemory memory(key);
    // Any error means "not yet": while another program makes its semaphore, Qt may fail to open it.
    if (!waitFor([&] { return memory.attach(); }))
        return failed("attach", memory.errorString());
    QSystemSemaphore free(key + "-free", SLOTS);
    QSystemSemaphore used(key + "-used", 0);
    const auto *ring = static_cast<const volatile Ring *>(memory.constData());

    quint32 sum = 0;
    for (quint32 turn = 0;; turn++) {
        if (!used.acquire())
            return failed("acquire", used.errorString());
        const quint32 number = ring->numbers[turn % SLOTS];
        if (!free.release())
            return failed("release", free.errorString());
        if (number == END)
            break;
        std::printf("consumer: took %u\n", number);
        sum += number;
    }
    std::printf("consumer: the sum is %u\n", sum);

    // The kernel undoes what a process did to a semaphore when it ends: not before the producer has
    // removed them.
    if (!waitFor([&] { return ring->through == 1; }))
        return failed("wait", "the producer is not through");
    return memory.detach() ? 0 : failed("detach", memory.errorString());
}

int main(int argc, char **argv)
{
    QCoreApplication application(argc, argv);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const QString key = argc > 2 ? QString::fromLocal8Bit(argv[2]) : QStringLiteral("ProducerConsumer");
    if (argc > 1 && std::strcmp(argv[1], "producer") == 0)
        return producer(key);
    if (argc > 1 && std::strcmp(argv[1], "consumer") == 0)
        return consumer(key);
    std::fprintf(stderr, "usage: producer-consumer producer|consumer [KEY]\n");
    return 2;
}
