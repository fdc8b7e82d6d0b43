// A Qt peer: QSharedMemory, QSystemSemaphore and QImage as Qt programs use them, behind the line
// protocol of ../README.md. One source for Qt 5.15 and Qt 6; QtCore and QtGui, no window system.
#include <QCoreApplication>
#include <QSharedMemory>
#include <QSystemSemaphore>
#include <QUrl>

#include <cstdint>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "picture.h"

namespace {

using Words = QList<QByteArray>;

// --- replies: every command returns one -------------------------------------------------------

QByteArray ok(const QByteArray &value = {}) { return value.isEmpty() ? "ok" : "ok " + value; }

QByteArray refused(const char *kind, const QByteArray &message)
{
    return QByteArray("err ") + kind + ' ' + message;
}

QByteArray refused(const QSharedMemory &memory)
{
    static const char *const kinds[] = { "Unknown",       "PermissionDenied", "InvalidSize",
                                         "KeyError",      "AlreadyExists",    "NotFound",
                                         "LockError",     "OutOfResources",   "Unknown" };
    return refused(kinds[memory.error()], memory.errorString().toUtf8());
}

QByteArray refused(const QSystemSemaphore &semaphore)
{
    static const char *const kinds[] = { "Unknown",       "PermissionDenied", "KeyError", "AlreadyExists",
                                         "NotFound",      "OutOfResources",   "Unknown" };
    return refused(kinds[semaphore.error()], semaphore.errorString().toUtf8());
}

// A key as the line protocol carries it: percent-encoded UTF-8, so that it may hold a space.
QString keyOf(const QByteArray &word) { return QUrl::fromPercentEncoding(word); }

// A text as a word of a reply: `%`, space, control characters and what is not ASCII are encoded.
QByteArray wordOf(const QString &text)
{
    static const QByteArray legible = "!\"#$&'()*+,/:;<=>?@[\\]^`{|}";
    return QUrl::toPercentEncoding(text, legible);
}

QByteArray truth(bool value) { return value ? "true" : "false"; }

// --- the segment --------------------------------------------------------------------------------

const char *const noKey = "no key was given yet";

std::unique_ptr<QSharedMemory> memory;
bool readOnly = false;

// The object for a key. The same one serves as long as the key does, as in a program that tries
// attach() and then create().
QSharedMemory &memoryFor(const QByteArray &word)
{
    const QString key = keyOf(word);
    if (!memory || memory->key() != key)
        memory = std::make_unique<QSharedMemory>(key);
    return *memory;
}

QByteArray create(const Words &words)
{
    QSharedMemory &chosen = memoryFor(words[1]);
    readOnly = words.value(3) == "ro";
    const auto mode = readOnly ? QSharedMemory::ReadOnly : QSharedMemory::ReadWrite;
    // An int in Qt 5, which takes no more.
    using Size = decltype(chosen.size());
    const Size size = sizeof(Size) > sizeof(int) ? Size(words[2].toLongLong()) : Size(words[2].toInt());
    return chosen.create(size, mode) ? ok() : refused(chosen);
}

QByteArray attach(const Words &words)
{
    QSharedMemory &chosen = memoryFor(words[1]);
    readOnly = words[0] == "attach-ro";
    return chosen.attach(readOnly ? QSharedMemory::ReadOnly : QSharedMemory::ReadWrite) ? ok()
                                                                                        : refused(chosen);
}

// Why `length` bytes at `offset` cannot be used, or nothing.
QByteArray outOfBounds(qint64 offset, qint64 length, bool writing)
{
    if (!memory || !memory->isAttached())
        return refused("NotFound", "nothing is attached");
    if (offset < 0 || length < 0 || offset + length > qint64(memory->size()))
        return refused("InvalidSize", "past the end of the segment");
    if (writing && readOnly)
        return refused("PermissionDenied", "attached read-only");
    return {};
}

QByteArray write(const Words &words)
{
    const qint64 offset = words[1].toLongLong();
    const QByteArray bytes = QByteArray::fromHex(words[2]);
    const QByteArray refusal = outOfBounds(offset, bytes.size(), true);
    if (!refusal.isEmpty())
        return refusal;
    std::memcpy(static_cast<char *>(memory->data()) + offset, bytes.constData(), size_t(bytes.size()));
    return ok();
}

QByteArray read(const Words &words)
{
    const qint64 offset = words[1].toLongLong();
    const int length = words[2].toInt();
    const QByteArray refusal = outOfBounds(offset, length, false);
    if (!refusal.isEmpty())
        return refusal;
    return "ok " + QByteArray(static_cast<const char *>(memory->constData()) + offset, length).toHex();
}

// Adds one without any atomic: only the lock keeps two processes from losing a count.
QByteArray increment(const Words &words)
{
    const qint64 offset = words[1].toLongLong();
    const QByteArray refusal = outOfBounds(offset, sizeof(quint64), true);
    if (!refusal.isEmpty())
        return refusal;
    auto *word = reinterpret_cast<volatile quint64 *>(static_cast<char *>(memory->data()) + offset);
    for (qulonglong left = words[2].toULongLong(); left > 0; left--) {
        if (!memory->lock())
            return refused(*memory);
        const quint64 seen = *word;
        *word = seen + 1;
        if (!memory->unlock())
            return refused(*memory);
    }
    return ok();
}

// A command on the segment that Qt answers with true or false.
QByteArray onMemory(bool (QSharedMemory::*operation)())
{
    if (!memory)
        return refused("NotFound", noKey);
    return (memory.get()->*operation)() ? ok() : refused(*memory);
}

QByteArray setKey(const Words &words)
{
    if (!memory)
        memory = std::make_unique<QSharedMemory>();
    memory->setKey(keyOf(words[1]));
    return ok();
}

QByteArray setNativeKey(const Words &words)
{
    if (words.size() > 2)
        return refused("Unsupported", "types of keys begin with Qt 6.6");
    if (!memory)
        memory = std::make_unique<QSharedMemory>();
    memory->setNativeKey(keyOf(words[1]));
    return ok();
}

QByteArray hasData(const QSharedMemory &memory)
{
    return truth(const_cast<QSharedMemory &>(memory).data() != nullptr) + ' ' + truth(memory.constData() != nullptr);
}

// A command that asks the object for something.
std::function<QByteArray(const Words &)> ofMemory(QByteArray (*ask)(const QSharedMemory &))
{
    return [=](const Words &) { return memory ? ok(ask(*memory)) : refused("NotFound", noKey); };
}

// --- pictures: as Qt's sharedmemory example passes them -----------------------------------------

QByteArray putImage(const QImage &image)
{
    if (image.isNull())
        return refused("Unknown", "no such picture");
    const QByteArray stream = streamOf(image);
    const QByteArray refusal = outOfBounds(0, stream.size(), true);
    if (!refusal.isEmpty())
        return refusal;
    if (!memory->lock())
        return refused(*memory);
    std::memcpy(memory->data(), stream.constData(), size_t(stream.size()));
    return memory->unlock() ? ok(describe(image)) : refused(*memory);
}

QByteArray putRandomImage(const Words &words)
{
    return putImage(randomImage(words[1].toULongLong(), words[2].toInt(), words[3].toInt(), words[4]));
}

// What the segment holds, given to `use`.
QByteArray withImage(const std::function<QByteArray(const QImage &)> &use)
{
    const QByteArray refusal = outOfBounds(0, 0, false);
    if (!refusal.isEmpty())
        return refusal;
    if (!memory->lock())
        return refused(*memory);
    const QImage image =
        imageIn(QByteArray::fromRawData(static_cast<const char *>(memory->constData()), int(memory->size())));
    if (!memory->unlock())
        return refused(*memory);
    return image.isNull() ? refused("Unknown", "no picture in the segment") : use(image);
}

QByteArray saveImage(const Words &words)
{
    return withImage([&](const QImage &image) {
        return image.save(QString::fromUtf8(words[1]), "PNG") ? ok(describe(image))
                                                              : refused("Unknown", "cannot save the picture");
    });
}

// --- a semaphore of its own ---------------------------------------------------------------------

std::unique_ptr<QSystemSemaphore> semaphore;

QByteArray openSemaphore(const Words &words)
{
    const auto mode = words[0] == "sem-create" ? QSystemSemaphore::Create : QSystemSemaphore::Open;
    // In this order: the old one is destroyed before there is a new one.
    semaphore.reset();
    semaphore = std::make_unique<QSystemSemaphore>(keyOf(words[1]), words[2].toInt(), mode);
    return semaphore->error() == QSystemSemaphore::NoError ? ok() : refused(*semaphore);
}

const char *const noSemaphore = "no semaphore was opened yet";

QByteArray setSemaphoreKey(const Words &words)
{
    if (!semaphore)
        return refused("NotFound", noSemaphore);
    const auto mode = words[3] == "create" ? QSystemSemaphore::Create : QSystemSemaphore::Open;
    semaphore->setKey(keyOf(words[1]), words[2].toInt(), mode);
    return semaphore->error() == QSystemSemaphore::NoError ? ok() : refused(*semaphore);
}

std::function<QByteArray(const Words &)> ofSemaphore(QByteArray (*ask)(const QSystemSemaphore &))
{
    return [=](const Words &) { return semaphore ? ok(ask(*semaphore)) : refused("NotFound", noSemaphore); };
}

QByteArray closeSemaphore(const Words &)
{
    if (!semaphore)
        return refused("NotFound", noSemaphore);
    semaphore.reset();
    return ok();
}

QByteArray acquire(const Words &)
{
    if (!semaphore)
        return refused("NotFound", noSemaphore);
    return semaphore->acquire() ? ok() : refused(*semaphore);
}

QByteArray release(const Words &words)
{
    if (!semaphore)
        return refused("NotFound", noSemaphore);
    return semaphore->release(words[1].toInt()) ? ok() : refused(*semaphore);
}

// --- the table and the loop ---------------------------------------------------------------------

struct Command {
    int words;
    std::function<QByteArray(const Words &)> run;
};

const std::map<QByteArray, Command> commands = {
    { "create", { 3, create } },
    { "attach", { 2, attach } },
    { "attach-ro", { 2, attach } },
    { "detach", { 1, [](const Words &) { return onMemory(&QSharedMemory::detach); } } },
    { "lock", { 1, [](const Words &) { return onMemory(&QSharedMemory::lock); } } },
    { "unlock", { 1, [](const Words &) { return onMemory(&QSharedMemory::unlock); } } },
    { "write", { 3, write } },
    { "read", { 3, read } },
    { "size", { 1, [](const Words &) { return ok(QByteArray::number(memory ? qint64(memory->size()) : 0)); } } },
    { "increment", { 3, increment } },
    { "native-key",
      { 2, [](const Words &words) { return ok(QSharedMemory(keyOf(words[1])).nativeKey().toUtf8()); } } },
    { "set-key", { 2, setKey } },
    { "key", { 1, ofMemory([](auto &memory) { return wordOf(memory.key()); }) } },
    { "native-key-now", { 1, ofMemory([](auto &memory) { return wordOf(memory.nativeKey()); }) } },
    { "is-attached", { 1, ofMemory([](auto &memory) { return truth(memory.isAttached()); }) } },
    { "error", { 1, ofMemory([](auto &memory) { return QByteArray::number(memory.error()); }) } },
    { "error-string", { 1, ofMemory([](auto &memory) { return wordOf(memory.errorString()); }) } },
    { "set-native-key", { 2, setNativeKey } },
    { "has-data", { 1, ofMemory(hasData) } },
    { "tr", { 2, [](const Words &words) { return ok(wordOf(QSharedMemory::tr(keyOf(words[1]).toUtf8()))); } } },
    { "version", { 1, [](const Words &) { return ok(qVersion()); } } },
    { "image-put", { 2, [](const Words &words) { return putImage(QImage(QString::fromUtf8(words[1]))); } } },
    { "image-random", { 5, putRandomImage } },
    { "image-get", { 2, saveImage } },
    { "image-dump", { 1, [](const Words &) { return withImage([](auto &image) { return ok(describe(image)); }); } } },
    { "sem-open", { 3, openSemaphore } },
    { "sem-create", { 3, openSemaphore } },
    { "sem-set-key", { 4, setSemaphoreKey } },
    { "sem-close", { 1, closeSemaphore } },
    { "sem-key", { 1, ofSemaphore([](auto &one) { return wordOf(one.key()); }) } },
    { "sem-error", { 1, ofSemaphore([](auto &one) { return QByteArray::number(one.error()); }) } },
    { "sem-error-string", { 1, ofSemaphore([](auto &one) { return wordOf(one.errorString()); }) } },
    { "sem-acquire", { 1, acquire } },
    { "sem-release", { 2, release } },
};

QByteArray answer(const Words &words)
{
    const auto found = commands.find(words[0]);
    if (found == commands.end())
        return refused("Unsupported", "no such command here");
    if (words.size() < found->second.words)
        return refused("Unsupported", "arguments are missing");
    if (words.value(1).startsWith("native:"))
        return refused("Unsupported", "native keys begin with Qt 6.6");
    return found->second.run(words);
}

} // namespace

int main(int argc, char **argv)
{
    QCoreApplication application(argc, argv);
    std::cout << "ready" << std::endl;
    std::string line;
    while (std::getline(std::cin, line)) {
        const Words words = QByteArray::fromStdString(line).split(' ');
        const bool leaving = words[0] == "exit";
        std::cout << (leaving ? ok() : answer(words)).constData() << std::endl;
        if (leaving)
            break;
    }
    // Before the application goes: Qt gives back locks, detaches and removes what it owns here.
    semaphore.reset();
    memory.reset();
    return 0;
}
