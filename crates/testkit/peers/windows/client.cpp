// A client as Windows programs have it: opens the server's file mapping for reading, prints the text that is in it, and
// leaves.

#include <windows.h>

#include <cstdio>

namespace {

constexpr wchar_t NAME[] = L"Local\\SampleMap";
constexpr SIZE_T VIEW_SIZE = 1024;

int failed(const char *call)
{
    std::fprintf(stderr, "%s: error %lu\n", call, GetLastError());
    return 1;
}

} // namespace

int wmain()
{
    HANDLE map = OpenFileMappingW(FILE_MAP_READ, FALSE, NAME);
    if (map == nullptr)
        return failed("OpenFileMapping");
    const void *view = MapViewOfFile(map, FILE_MAP_READ, 0, 0, VIEW_SIZE);
    if (view == nullptr)
        return failed("MapViewOfFile");
    std::printf("%ls\n", static_cast<const wchar_t *>(view));
    UnmapViewOfFile(view);
    CloseHandle(map);
    return 0;
}
