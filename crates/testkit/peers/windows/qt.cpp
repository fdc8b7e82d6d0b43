// A program on Qt for Windows that speaks the line protocol of ../README.md: QSharedMemory, QSystemSemaphore
// and QNativeIpcKey of the real Qt6Core.dll, QImage of Qt6Gui.dll. How they are called is told in
// qt_library.h.

#include "qt_values.h"

#include <iostream>
#include <map>
#include <memory>
#include <vector>

namespace {

using Words = std::vector<std::string>;

// --- replies -------------------------------------------------------------------------------------

std::string ok(const std::string &value = {})
{
    return value.empty() ? "ok" : "ok " + value;
}

std::string truth(bool value)
{
    return value ? "true" : "false";
}

std::string refused(const std::string &kind, const std::string &message)
{
    return "err " + kind + ' ' + message;
}

std::string refusedMemory(const void *memory)
{
    static const char *const kinds[] = { "Unknown",       "PermissionDenied", "InvalidSize",
                                         "KeyError",      "AlreadyExists",    "NotFound",
                                         "LockError",     "OutOfResources",   "Unknown" };
    return refused(kinds[qt::memoryError(memory)], String(qt::memoryErrorString, memory).text());
}

std::string refusedSemaphore(const void *semaphore)
{
    static const char *const kinds[] = { "Unknown",  "PermissionDenied", "KeyError", "AlreadyExists",
                                         "NotFound", "OutOfResources",   "Unknown" };
    return refused(kinds[qt::semaphoreError(semaphore)], String(qt::semaphoreErrorString, semaphore).text());
}

int64_t number(const std::string &word)
{
    return std::strtoll(word.c_str(), nullptr, 10);
}

// --- the segment ---------------------------------------------------------------------------------

struct Segment {
    /// As it was given.
    std::string name;
    bool readOnly = false;
    qt::Memory memory;

    explicit Segment(const std::string &word) : name(word)
    {
        if (isNative(word))
            qt::memoryOfNativeKey(memory.at(), Key(nativeText(word)).at(), nullptr);
        else
            qt::memoryOfKey(memory.at(), String(decoded(word)).at(), nullptr);
    }
    ~Segment() { qt::memoryDelete(memory.at()); }

    void *at() { return memory.at(); }
    unsigned char *data() { return static_cast<unsigned char *>(qt::memoryData(at())); }
};

std::unique_ptr<Segment> segment;

// The same object serves as long as the name does, as in a program that tries attach() and then create().
Segment &segmentOf(const std::string &word)
{
    if (!segment || segment->name != word) {
        segment.reset();
        segment.reset(new Segment(word));
    }
    return *segment;
}

std::string create(const Words &words)
{
    Segment &chosen = segmentOf(words[1]);
    chosen.readOnly = words.size() > 3 && words[3] == "ro";
    const bool made = qt::memoryCreate(chosen.at(), number(words[2]), chosen.readOnly ? 0 : 1);
    return made ? ok() : refusedMemory(chosen.at());
}

std::string attach(const Words &words)
{
    Segment &chosen = segmentOf(words[1]);
    chosen.readOnly = words[0] == "attach-ro";
    const bool attached = qt::memoryAttach(chosen.at(), chosen.readOnly ? 0 : 1);
    return attached ? ok() : refusedMemory(chosen.at());
}

// Why `length` bytes at `offset` cannot be used, or nothing.
std::string outOfBounds(int64_t offset, int64_t length, bool writing)
{
    if (!segment || !qt::memoryIsAttached(segment->at()))
        return refused("NotFound", "nothing is attached");
    if (offset < 0 || length < 0 || offset + length > qt::memorySize(segment->at()))
        return refused("InvalidSize", "past the end of the segment");
    if (writing && segment->readOnly)
        return refused("PermissionDenied", "attached read-only");
    return {};
}

// `poke` writes where `write` refuses to.
std::string write(const Words &words)
{
    const int64_t offset = number(words[1]);
    const std::string &hex = words[2];
    const int64_t length = static_cast<int64_t>(hex.size() / 2);
    const std::string refusal = outOfBounds(offset, length, words[0] == "write");
    if (!refusal.empty())
        return refusal;
    volatile unsigned char *to = segment->data() + offset;
    for (size_t at = 0; at + 1 < hex.size(); at += 2)
        to[at / 2] = static_cast<unsigned char>(std::strtoul(hex.substr(at, 2).c_str(), nullptr, 16));
    return ok();
}

std::string read(const Words &words)
{
    const int64_t offset = number(words[1]), length = number(words[2]);
    const std::string refusal = outOfBounds(offset, length, false);
    if (!refusal.empty())
        return refusal;
    std::string hex;
    for (int64_t at = 0; at < length; ++at) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", segment->data()[offset + at]);
        hex += digits;
    }
    return ok(hex);
}

// Adds one without any atomic: only the lock keeps two processes from losing a count.
std::string increment(const Words &words)
{
    const int64_t offset = number(words[1]);
    const std::string refusal = outOfBounds(offset, sizeof(uint64_t), true);
    if (!refusal.empty())
        return refusal;
    volatile uint64_t *word = reinterpret_cast<volatile uint64_t *>(segment->data() + offset);
    for (int64_t left = number(words[2]); left > 0; --left) {
        if (!qt::memoryLock(segment->at()))
            return refusedMemory(segment->at());
        const uint64_t seen = *word;
        *word = seen + 1;
        if (!qt::memoryUnlock(segment->at()))
            return refusedMemory(segment->at());
    }
    return ok();
}

std::string setKey(const Words &words)
{
    if (!segment)
        return refused("NotFound", "no key was given yet");
    if (isNative(words[1]))
        qt::memorySetNativeKey(segment->at(), Key(nativeText(words[1])).at());
    else
        qt::memorySetKey(segment->at(), String(decoded(words[1])).at());
    segment->name = words[1];
    return ok();
}

std::string sizeNow(const Words &)
{
    return ok(std::to_string(segment ? qt::memorySize(segment->at()) : 0));
}

std::string isAttached(const Words &)
{
    return ok(truth(segment && qt::memoryIsAttached(segment->at())));
}

std::string errorNow(const Words &)
{
    return ok(std::to_string(segment ? qt::memoryError(segment->at()) : 0));
}

// A command on the segment that Qt answers with true or false.
std::string onMemory(bool (*operation)(void *))
{
    if (!segment)
        return refused("NotFound", "no key was given yet");
    return operation(segment->at()) ? ok() : refusedMemory(segment->at());
}

// --- pictures: as Qt's sharedmemory example passes them ------------------------------------------

std::string describe(const qt::Image &image)
{
    return std::to_string(image.width()) + ' ' + std::to_string(image.height());
}

std::string putImage(const Words &words)
{
    const qt::Image image(String(words[1]).at());
    if (image.isNull())
        return refused("Unknown", "no such picture");
    const std::string stream = image.toBytes();
    const std::string refusal = outOfBounds(0, static_cast<int64_t>(stream.size()), true);
    if (!refusal.empty())
        return refusal;
    if (!qt::memoryLock(segment->at()))
        return refusedMemory(segment->at());
    stream.copy(reinterpret_cast<char *>(segment->data()), stream.size());
    return qt::memoryUnlock(segment->at()) ? ok(describe(image)) : refusedMemory(segment->at());
}

std::string getImage(const Words &words)
{
    const std::string refusal = outOfBounds(0, 0, false);
    if (!refusal.empty())
        return refusal;
    qt::Image image;
    if (!qt::memoryLock(segment->at()))
        return refusedMemory(segment->at());
    image.fromBytes(segment->data(), qt::memorySize(segment->at()));
    if (!qt::memoryUnlock(segment->at()))
        return refusedMemory(segment->at());
    if (image.isNull())
        return refused("Unknown", "no picture in the segment");
    if (!image.save(String(words[1]).at()))
        return refused("Unknown", "cannot save the picture");
    return ok(describe(image));
}

// --- a semaphore of its own ----------------------------------------------------------------------

struct Semaphore {
    qt::Memory semaphore;

    Semaphore(const std::string &word, int initial, int mode)
    {
        if (isNative(word))
            qt::semaphoreOfNativeKey(semaphore.at(), Key(nativeText(word)).at(), initial, mode);
        else
            qt::semaphoreOfKey(semaphore.at(), String(decoded(word)).at(), initial, mode);
    }
    ~Semaphore() { qt::semaphoreDelete(semaphore.at()); }
    void *at() { return semaphore.at(); }
};

std::unique_ptr<Semaphore> semaphore;

std::string openSemaphore(const Words &words)
{
    // In this order: the old one is destroyed before there is a new one.
    semaphore.reset();
    semaphore.reset(
        new Semaphore(words[1], static_cast<int>(number(words[2])), words[0] == "sem-create" ? 1 : 0));
    return qt::semaphoreError(semaphore->at()) == 0 ? ok() : refusedSemaphore(semaphore->at());
}

std::string onSemaphore(const Words &words)
{
    const std::string &what = words[0];
    if (!semaphore)
        return refused("NotFound", "no semaphore was opened yet");
    if (what == "sem-acquire")
        return qt::semaphoreAcquire(semaphore->at()) ? ok() : refusedSemaphore(semaphore->at());
    if (what == "sem-error")
        return ok(std::to_string(qt::semaphoreError(semaphore->at())));
    if (what == "sem-native-key-now")
        return ok(encoded(Key(qt::semaphoreNativeIpcKey, semaphore->at()).text()));
    semaphore.reset();
    return ok();
}

std::string release(const Words &words)
{
    if (!semaphore)
        return onSemaphore(words);
    return qt::semaphoreRelease(semaphore->at(), static_cast<int>(number(words[1])))
        ? ok()
        : refusedSemaphore(semaphore->at());
}

// --- objects of another kind ---------------------------------------------------------------------

std::vector<HANDLE> events;

std::string makeEvent(const Words &words)
{
    HANDLE event = CreateEventW(nullptr, TRUE, FALSE, wide(decoded(words[1])).c_str());
    if (event == nullptr)
        return refused("Unknown", "CreateEvent: error " + std::to_string(GetLastError()));
    events.push_back(event);
    return ok();
}

// --- keys ----------------------------------------------------------------------------------------

uint16_t typeOf(const std::string &word)
{
    static const std::map<std::string, uint16_t> types = { { "systemv", 0x51 },
                                                           { "posix", 0x100 },
                                                           { "windows", 0x101 },
                                                           { "default", 0x101 },
                                                           { "legacy-default", 0x101 } };
    const auto found = types.find(word);
    return found == types.end() ? 0 : found->second;
}

std::string ofKey(void *(*make)(void *, const void *, uint16_t), const Words &words)
{
    return ok(encoded(Key(make, decoded(words[1]), typeOf(words[2])).text()));
}

// --- the table and the loop ----------------------------------------------------------------------

struct Command {
    size_t words;
    std::string (*run)(const Words &);
};

const std::map<std::string, Command> commands = {
    { "create", { 3, create } },
    { "attach", { 2, attach } },
    { "attach-ro", { 2, attach } },
    { "detach", { 1, [](const Words &) { return onMemory(qt::memoryDetach); } } },
    { "lock", { 1, [](const Words &) { return onMemory(qt::memoryLock); } } },
    { "unlock", { 1, [](const Words &) { return onMemory(qt::memoryUnlock); } } },
    { "write", { 3, write } },
    { "poke", { 3, write } },
    { "read", { 3, read } },
    { "size", { 1, sizeNow } },
    { "increment", { 3, increment } },
    { "set-key", { 2, setKey } },
    { "key", { 1, [](const Words &) { return ok(encoded(String(qt::memoryKey, segment->at()).text())); } } },
    { "native-key",
      { 2,
        [](const Words &words) {
            return ok(encoded(String(qt::memoryNativeKey, Segment(words[1]).at()).text()));
        } } },
    { "native-key-now",
      { 1, [](const Words &) { return ok(encoded(Key(qt::memoryNativeIpcKey, segment->at()).text())); } } },
    { "is-attached", { 1, isAttached } },
    { "error", { 1, errorNow } },
    { "version", { 1, [](const Words &) { return ok(qt::version()); } } },
    { "image-put", { 2, putImage } },
    { "image-get", { 2, getImage } },
    { "sem-open", { 3, openSemaphore } },
    { "sem-create", { 3, openSemaphore } },
    { "sem-acquire", { 1, onSemaphore } },
    { "sem-release", { 2, release } },
    { "sem-error", { 1, onSemaphore } },
    { "sem-native-key-now", { 1, onSemaphore } },
    { "sem-close", { 1, onSemaphore } },
    { "platform-key", { 3, [](const Words &words) { return ofKey(qt::memoryPlatformKey, words); } } },
    { "legacy-key", { 3, [](const Words &words) { return ofKey(qt::memoryLegacyKey, words); } } },
    { "sem-platform-key", { 3, [](const Words &words) { return ofKey(qt::semaphorePlatformKey, words); } } },
    { "sem-legacy-key", { 3, [](const Words &words) { return ofKey(qt::semaphoreLegacyKey, words); } } },
    { "type-supported",
      { 2, [](const Words &words) { return ok(truth(qt::memorySupports(typeOf(words[1])))); } } },
    { "make-event", { 2, makeEvent } },
};

std::string answer(const Words &words)
{
    const auto found = commands.find(words[0]);
    if (found == commands.end())
        return refused("Unsupported", "no such command here");
    if (words.size() < found->second.words)
        return refused("Unsupported", "arguments are missing");
    return found->second.run(words);
}

// Single spaces separate: two in a row enclose an empty word.
Words wordsOf(const std::string &line)
{
    Words words(1);
    for (char letter : line) {
        if (letter == ' ')
            words.emplace_back();
        else if (letter != '\r')
            words.back() += letter;
    }
    return words;
}

} // namespace

int wmain()
{
    // A crash is an end, and no question to somebody at a screen.
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    int count = 1;
    char name[] = "qt-windows";
    char *arguments[] = { name, nullptr };
    qt::Memory application;
    // As a program compiled with the headers of 6.6.
    qt::applicationNew(application.at(), &count, arguments, 0x060600);
    std::cout << "ready" << std::endl;
    std::string line;
    while (std::getline(std::cin, line)) {
        const Words words = wordsOf(line);
        const bool leaving = words[0] == "exit";
        std::cout << (leaving ? ok() : answer(words)) << std::endl;
        if (leaving)
            break;
    }
    // Before the application goes: what was attached is detached here.
    semaphore.reset();
    segment.reset();
    for (HANDLE event : events)
        CloseHandle(event);
    qt::applicationDelete(application.at());
    return 0;
}
