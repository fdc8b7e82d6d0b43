// A publisher of readings, as simulators and sensor tools have it: telemetry publisher [NAME [MILLISECONDS]]
//
// It writes a block of a fixed format into the file mapping Local\NAME, again and again, until Enter is pressed.
// `telemetry read [NAME]` shows the block once.
#include <windows.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <string>

struct Block {
    uint32_t magic;
    uint16_t version;
    uint16_t size;
    uint32_t updates; // odd while it is written
    uint32_t process;
    uint64_t started; // another publisher began at another time
    float speed;
    float height;
    float heading;
    float climb;
    char name[32];
};
static_assert(sizeof(Block) == 72, "readers in other languages count on it");

static const uint32_t MAGIC = 0x454c4554; // "TELE"
static const uint16_t VERSION = 1;
static const char NAME[] = "classic mast";

static std::atomic<bool> done{false};

static int failed(const char *call)
{
    std::fprintf(stderr, "telemetry: %s: error %lu\n", call, GetLastError());
    return 1;
}

static DWORD WINAPI untilEnter(void *)
{
    std::getchar();
    done = true;
    return 0;
}

static void fill(Block &block, unsigned turn)
{
    const float step = static_cast<float>(turn % 1000);
    block.speed = step;
    block.height = step + 1000;
    block.heading = step / 10;
    block.climb = step - 500;
}

static int publisher(const std::wstring &name, DWORD interval)
{
    // One publisher at a time: who waits for this mutex and has it is the one. It is abandoned by one that died.
    HANDLE alone = CreateMutexW(nullptr, FALSE, (L"Local\\" + name + L".cenote-lock").c_str());
    if (alone == nullptr)
        return failed("CreateMutex");
    const DWORD waited = WaitForSingleObject(alone, 0);
    if (waited != WAIT_OBJECT_0 && waited != WAIT_ABANDONED) {
        std::fputs("telemetry: somebody publishes here already\n", stderr);
        return 1;
    }
    HANDLE map = CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0, sizeof(Block),
                                    (L"Local\\" + name).c_str());
    if (map == nullptr)
        return failed("CreateFileMapping");
    void *view = MapViewOfFile(map, FILE_MAP_ALL_ACCESS, 0, 0, sizeof(Block));
    if (view == nullptr)
        return failed("MapViewOfFile");
    auto *block = static_cast<Block *>(view);
    auto *updates = reinterpret_cast<std::atomic<uint32_t> *>(&block->updates);

    FILETIME now;
    GetSystemTimeAsFileTime(&now);
    Block next = {};
    next.magic = MAGIC;
    next.version = VERSION;
    next.size = sizeof(Block);
    next.process = GetCurrentProcessId();
    next.started = uint64_t{now.dwHighDateTime} << 32 | now.dwLowDateTime;
    std::memcpy(next.name, NAME, sizeof NAME);

    CreateThread(nullptr, 0, untilEnter, nullptr, 0, nullptr);
    // A publisher that was killed may have left an odd number.
    uint32_t even = updates->load() & ~1u;
    for (unsigned turn = 0; !done || turn == 0; turn++) {
        fill(next, turn);
        next.updates = even + 1;
        updates->store(even + 1);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        std::memcpy(view, &next, sizeof next);
        even += 2;
        updates->store(even);
        if (turn == 0)
            std::printf("publisher: at work; Enter ends it\n");
        Sleep(interval);
    }
    UnmapViewOfFile(view);
    CloseHandle(map);
    ReleaseMutex(alone);
    CloseHandle(alone);
    return 0;
}

static int read(const std::wstring &name)
{
    HANDLE map = OpenFileMappingW(FILE_MAP_READ, FALSE, (L"Local\\" + name).c_str());
    if (map == nullptr)
        return failed("OpenFileMapping");
    const void *view = MapViewOfFile(map, FILE_MAP_READ, 0, 0, sizeof(Block));
    if (view == nullptr)
        return failed("MapViewOfFile");
    const auto *shared = static_cast<const Block *>(view);
    const auto *updates = reinterpret_cast<const std::atomic<uint32_t> *>(&shared->updates);
    const ULONGLONG end = GetTickCount64() + 200;
    Block block;
    uint32_t before, after;
    do {
        if (GetTickCount64() > end) {
            std::fputs("telemetry: the publisher is not done with an update\n", stderr);
            return 1;
        }
        before = updates->load();
        std::memcpy(&block, view, sizeof block);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        after = updates->load();
    } while (before % 2 != 0 || before != after);
    if (block.magic != MAGIC || block.version != VERSION || block.size != sizeof block) {
        std::fputs("telemetry: this is no telemetry of version 1\n", stderr);
        return 1;
    }
    std::printf("read: \"%.32s\": %g m/s, at %g m, to %g deg, climbs %g m/s\n", block.name, block.speed, block.height,
                block.heading, block.climb);
    return 0;
}

int wmain(int count, wchar_t **arguments)
{
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    const std::wstring name = count > 2 ? arguments[2] : L"Telemetry";
    if (count > 1 && std::wcscmp(arguments[1], L"publisher") == 0)
        return publisher(name, count > 3 ? std::wcstoul(arguments[3], nullptr, 10) : 20);
    if (count > 1 && std::wcscmp(arguments[1], L"read") == 0)
        return read(name);
    std::fprintf(stderr, "usage: telemetry publisher [NAME [MILLISECONDS]] | read [NAME]\n");
    return 2;
}
