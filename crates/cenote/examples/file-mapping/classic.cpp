// A text in a named file mapping, as Windows programs have it: file-mapping server|client [NAME]
//
// The server makes the mapping, writes the text and keeps it until Enter is pressed. The client opens it for
// reading and prints the text.
#include <windows.h>

#include <cstdio>
#include <cstring>
#include <cwchar>

static const wchar_t NAME[] = L"Local\\SampleMap";
static const DWORD MAP_SIZE = 65536;
static const SIZE_T VIEW_SIZE = 1024;
static const wchar_t MESSAGE[] = L"Message from the first process.";

static int failed(const char *call)
{
    std::fprintf(stderr, "file-mapping: %s: error %lu\n", call, GetLastError());
    return 1;
}

static int server(const wchar_t *name)
{
    HANDLE map = CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0, MAP_SIZE, name);
    if (map == nullptr)
        return failed("CreateFileMapping");
    // It would be somebody else's, of any size.
    if (GetLastError() == ERROR_ALREADY_EXISTS)
        return failed("CreateFileMapping");
    void *view = MapViewOfFile(map, FILE_MAP_ALL_ACCESS, 0, 0, VIEW_SIZE);
    if (view == nullptr)
        return failed("MapViewOfFile");
    std::memcpy(view, MESSAGE, sizeof MESSAGE);
    std::printf("server: wrote it; Enter cleans up\n");
    std::getchar();
    UnmapViewOfFile(view);
    CloseHandle(map);
    return 0;
}

static int client(const wchar_t *name)
{
    HANDLE map = OpenFileMappingW(FILE_MAP_READ, FALSE, name);
    if (map == nullptr)
        return failed("OpenFileMapping");
    const void *view = MapViewOfFile(map, FILE_MAP_READ, 0, 0, VIEW_SIZE);
    if (view == nullptr)
        return failed("MapViewOfFile");
    // Not beyond the view, should nobody have written a NUL.
    const int most = VIEW_SIZE / sizeof(wchar_t);
    std::printf("%.*ls\n", most, static_cast<const wchar_t *>(view));
    UnmapViewOfFile(view);
    CloseHandle(map);
    return 0;
}

int wmain(int count, wchar_t **arguments)
{
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    const wchar_t *name = count > 2 ? arguments[2] : NAME;
    if (count > 1 && std::wcscmp(arguments[1], L"server") == 0)
        return server(name);
    if (count > 1 && std::wcscmp(arguments[1], L"client") == 0)
        return client(name);
    std::fprintf(stderr, "usage: file-mapping server|client [NAME]\n");
    return 2;
}
