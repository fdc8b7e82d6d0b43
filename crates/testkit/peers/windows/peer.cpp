// A program on CreateFileMapping that speaks the line protocol of ../README.md.
//
// Its lock is the named mutex that Cenote puts beside a mapping: NAME.cenote-lock. NAME is the object's whole name, as
// in Local\SampleMap.

#include <windows.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Words = std::vector<std::string>;

struct Attached {
    HANDLE map = nullptr;
    HANDLE file = INVALID_HANDLE_VALUE;
    unsigned char *view = nullptr;
    uint64_t size = 0;
    HANDLE mutex = nullptr;
};

Attached attached;
/// What `make-event` made.
std::vector<HANDLE> events;

std::wstring wide(const std::string &text)
{
    int length = MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0);
    std::wstring result(static_cast<size_t>(length), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), &result[0], length);
    return result;
}

const char *kind_of(DWORD error)
{
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return "NotFound";
    case ERROR_ALREADY_EXISTS:
    case ERROR_FILE_EXISTS:
        return "AlreadyExists";
    case ERROR_ACCESS_DENIED:
        return "PermissionDenied";
    case ERROR_INVALID_NAME:
    case ERROR_INVALID_HANDLE:
        return "KeyError";
    case ERROR_INVALID_PARAMETER:
    case ERROR_MAPPED_ALIGNMENT:
        return "InvalidSize";
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_COMMITMENT_LIMIT:
        return "OutOfResources";
    default:
        return "Unknown";
    }
}

std::string failed(const char *call, DWORD error = GetLastError())
{
    std::ostringstream reply;
    reply << "err " << kind_of(error) << ' ' << call << ": error " << error;
    return reply.str();
}

uint64_t number(const std::string &word)
{
    return std::strtoull(word.c_str(), nullptr, 10);
}

/// What can be touched from `view` on.
uint64_t size_of_view(const void *view)
{
    MEMORY_BASIC_INFORMATION region;
    if (VirtualQuery(view, &region, sizeof region) == 0)
        return 0;
    return region.State == MEM_COMMIT ? region.RegionSize : 0;
}

std::string detach()
{
    if (attached.map == nullptr)
        return "err NotFound nothing is attached";
    if (attached.view != nullptr)
        UnmapViewOfFile(attached.view);
    CloseHandle(attached.map);
    if (attached.file != INVALID_HANDLE_VALUE)
        CloseHandle(attached.file);
    if (attached.mutex != nullptr)
        CloseHandle(attached.mutex);
    attached = Attached();
    return "ok";
}

/// Maps what `attached.map` is, and opens its lock if that has a name.
std::string map_it(const std::string &name, DWORD access)
{
    attached.view = static_cast<unsigned char *>(MapViewOfFile(attached.map, access, 0, 0, 0));
    if (attached.view == nullptr) {
        std::string reply = failed("MapViewOfFile");
        detach();
        return reply;
    }
    attached.size = size_of_view(attached.view);
    if (name.empty())
        return "ok";
    attached.mutex = CreateMutexW(nullptr, FALSE, wide(name + ".cenote-lock").c_str());
    if (attached.mutex == nullptr) {
        std::string reply = failed("CreateMutex");
        detach();
        return reply;
    }
    return "ok";
}

/// A new mapping, over `file` if that is one.
std::string create(const std::string &name, uint64_t size, DWORD kind, HANDLE file)
{
    DWORD high = static_cast<DWORD>(size >> 32), low = static_cast<DWORD>(size);
    const std::wstring object = wide(name);
    HANDLE map = CreateFileMappingW(file, nullptr, PAGE_READWRITE | kind, high, low,
                                    object.empty() ? nullptr : object.c_str());
    DWORD error = GetLastError();
    if (map == nullptr || error == ERROR_ALREADY_EXISTS) {
        if (map != nullptr)
            CloseHandle(map);
        if (file != INVALID_HANDLE_VALUE)
            CloseHandle(file);
        return failed("CreateFileMapping", error);
    }
    attached.map = map;
    attached.file = file;
    return map_it(name, FILE_MAP_ALL_ACCESS);
}

std::string create_over(const std::string &path, const std::string &name, uint64_t size)
{
    DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    HANDLE file = CreateFileW(wide(path).c_str(), GENERIC_READ | GENERIC_WRITE, share, nullptr, OPEN_ALWAYS,
                              FILE_ATTRIBUTE_NORMAL, nullptr);
    if (file == INVALID_HANDLE_VALUE)
        return failed("CreateFile");
    return create(name, size, 0, file);
}

/// An image of this very program: its parts have protections of their own.
std::string create_image(const std::string &name)
{
    wchar_t path[MAX_PATH];
    if (GetModuleFileNameW(nullptr, path, MAX_PATH) == 0)
        return failed("GetModuleFileName");
    attached.file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, 0, nullptr);
    if (attached.file == INVALID_HANDLE_VALUE)
        return failed("CreateFile");
    attached.map = CreateFileMappingW(attached.file, nullptr, PAGE_READONLY | SEC_IMAGE, 0, 0, wide(name).c_str());
    return attached.map == nullptr ? failed("CreateFileMapping") : "ok";
}

std::string attach(const std::string &name, DWORD access)
{
    attached.map = OpenFileMappingW(access, FALSE, wide(name).c_str());
    if (attached.map == nullptr)
        return failed("OpenFileMapping");
    return map_it(name, access);
}

std::string make_event(const std::string &name)
{
    HANDLE event = CreateEventW(nullptr, TRUE, FALSE, wide(name).c_str());
    if (event == nullptr)
        return failed("CreateEvent");
    events.push_back(event);
    return "ok";
}

/// Maps a part once more, and gives what it begins with: its first 4 bytes.
std::string view(uint64_t offset, uint64_t length)
{
    DWORD high = static_cast<DWORD>(offset >> 32), low = static_cast<DWORD>(offset);
    void *part = MapViewOfFile(attached.map, FILE_MAP_READ, high, low, length);
    if (part == nullptr)
        return failed("MapViewOfFile");
    char hex[9];
    const unsigned char *bytes = static_cast<const unsigned char *>(part);
    std::snprintf(hex, sizeof hex, "%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3]);
    UnmapViewOfFile(part);
    return std::string("ok ") + hex;
}

std::string number_of(HANDLE handle)
{
    return "ok " + std::to_string(reinterpret_cast<uintptr_t>(handle));
}

/// A handle in another process, which its children inherit.
std::string give(uint64_t pid, DWORD access)
{
    HANDLE process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, static_cast<DWORD>(pid));
    if (process == nullptr)
        return failed("OpenProcess");
    HANDLE given = nullptr;
    BOOL done = DuplicateHandle(GetCurrentProcess(), attached.map, process, &given, access, TRUE, 0);
    std::string reply = done ? number_of(given) : failed("DuplicateHandle");
    CloseHandle(process);
    return reply;
}

std::string lock(DWORD timeout)
{
    switch (WaitForSingleObject(attached.mutex, timeout)) {
    case WAIT_OBJECT_0:
        return "ok no";
    case WAIT_ABANDONED:
        return "ok yes";
    case WAIT_TIMEOUT:
        return "err Timeout somebody else has it";
    default:
        return failed("WaitForSingleObject");
    }
}

std::string unlock()
{
    return ReleaseMutex(attached.mutex) ? "ok" : failed("ReleaseMutex");
}

std::string increment(uint64_t offset, uint64_t times)
{
    for (uint64_t done = 0; done < times; ++done) {
        std::string locked = lock(INFINITE);
        if (locked.compare(0, 2, "ok") != 0)
            return locked;
        volatile uint64_t *word = reinterpret_cast<volatile uint64_t *>(attached.view + offset);
        uint64_t value = *word;
        *word = value + 1;
        ReleaseMutex(attached.mutex);
    }
    return "ok";
}

std::string write(uint64_t offset, const std::string &hex)
{
    MEMORY_BASIC_INFORMATION region;
    if (offset > attached.size || hex.size() / 2 > attached.size - offset)
        return "err InvalidSize beyond the end";
    // A store to a read-only view would end this program.
    if (VirtualQuery(attached.view, &region, sizeof region) == 0 || region.Protect != PAGE_READWRITE)
        return "err PermissionDenied the view is read-only";
    for (size_t at = 0; at + 1 < hex.size(); at += 2)
        attached.view[offset + at / 2] =
            static_cast<unsigned char>(std::strtoul(hex.substr(at, 2).c_str(), nullptr, 16));
    return "ok";
}

std::string read(uint64_t offset, uint64_t length)
{
    if (offset > attached.size || length > attached.size - offset)
        return "err InvalidSize beyond the end";
    std::string reply = "ok ";
    char hex[3];
    for (uint64_t at = 0; at < length; ++at) {
        std::snprintf(hex, sizeof hex, "%02x", attached.view[offset + at]);
        reply += hex;
    }
    return reply;
}

std::string with_segment(const Words &words)
{
    const std::string &what = words[0];
    if (what == "size")
        return "ok " + std::to_string(attached.size);
    if (what == "lock")
        return lock(INFINITE);
    if (what == "try-lock")
        return lock(0);
    if (what == "unlock")
        return unlock();
    if (what == "handle")
        return number_of(attached.map);
    if (words.size() == 2 && what == "give")
        return give(number(words[1]), FILE_MAP_READ | FILE_MAP_WRITE);
    if (words.size() == 2 && what == "give-ro")
        return give(number(words[1]), FILE_MAP_READ);
    if (words.size() == 3 && what == "write")
        return write(number(words[1]), words[2]);
    if (words.size() == 3 && what == "read")
        return read(number(words[1]), number(words[2]));
    if (words.size() == 3 && what == "increment")
        return increment(number(words[1]), number(words[2]));
    if (words.size() == 3 && what == "view")
        return view(number(words[1]), number(words[2]));
    return "err Unsupported no such command";
}

std::string answer(const Words &words)
{
    const std::string &what = words[0];
    if (what == "detach")
        return detach();
    if (what == "make-event" && words.size() == 2)
        return make_event(words[1]);
    if (attached.map != nullptr)
        return with_segment(words);
    if (what == "create" && words.size() == 3)
        return create(words[1], number(words[2]), 0, INVALID_HANDLE_VALUE);
    if (what == "create-nameless" && words.size() == 2)
        return create("", number(words[1]), 0, INVALID_HANDLE_VALUE);
    if (what == "create-reserved" && words.size() == 3)
        return create(words[1], number(words[2]), SEC_RESERVE, INVALID_HANDLE_VALUE);
    if (what == "create-image" && words.size() == 2)
        return create_image(words[1]);
    if (what == "create-over" && words.size() == 4)
        return create_over(words[1], words[2], number(words[3]));
    if (what == "attach" && words.size() == 2)
        return attach(words[1], FILE_MAP_READ | FILE_MAP_WRITE);
    if (what == "attach-ro" && words.size() == 2)
        return attach(words[1], FILE_MAP_READ);
    return "err NotFound nothing is attached, or no such command";
}

} // namespace

int wmain()
{
    std::cout << "ready" << std::endl;
    std::string line;
    while (std::getline(std::cin, line)) {
        if (!line.empty() && line.back() == '\r')
            line.pop_back();
        std::istringstream stream(line);
        Words words;
        for (std::string word; stream >> word;)
            words.push_back(word);
        if (words.empty())
            words.push_back("");
        if (words[0] == "exit") {
            std::cout << "ok" << std::endl;
            break;
        }
        std::cout << answer(words) << std::endl;
    }
    if (attached.map != nullptr)
        detach();
    for (HANDLE event : events)
        CloseHandle(event);
    return 0;
}
