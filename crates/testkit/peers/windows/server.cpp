// A server as Windows programs have it: makes a named file mapping, writes a text into it, and keeps it until a line
// comes in, or the end of the input.

#include <windows.h>

#include <cstdio>
#include <cstring>

namespace {

constexpr wchar_t NAME[] = L"Local\\SampleMap";
constexpr DWORD MAP_SIZE = 65536;
constexpr SIZE_T VIEW_SIZE = 1024;
constexpr wchar_t MESSAGE[] = L"Message from the first process.";

int failed(const char *call)
{
    std::fprintf(stderr, "%s: error %lu\n", call, GetLastError());
    return 1;
}

} // namespace

int wmain()
{
    HANDLE map = CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0, MAP_SIZE, NAME);
    if (map == nullptr)
        return failed("CreateFileMapping");
    if (GetLastError() == ERROR_ALREADY_EXISTS) {
        std::fputs("the mapping is there already\n", stderr);
        return 1;
    }
    void *view = MapViewOfFile(map, FILE_MAP_ALL_ACCESS, 0, 0, VIEW_SIZE);
    if (view == nullptr)
        return failed("MapViewOfFile");
    std::memcpy(view, MESSAGE, sizeof MESSAGE);
    std::puts("ready");
    std::fflush(stdout);
    std::getchar();
    UnmapViewOfFile(view);
    CloseHandle(map);
    return 0;
}
