// A panel on a named pipe: control-channel [--name NAME] status | configure RATE LABEL | data | stop | say TEXT
//
// A request is a JSON object in a line, and so is the reply. The service's data are in the file mapping Local\NAME:
// one number of eight bytes.
#include <windows.h>

#include <cstdint>
#include <cstdio>
#include <cwchar>
#include <string>

static const size_t MOST = 4096;
static const DWORD PATIENCE = 10000;

static int failed(const char *call)
{
    std::fprintf(stderr, "control-channel: %s: error %lu\n", call, GetLastError());
    return 1;
}

static std::string narrow(const wchar_t *text)
{
    const int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
    std::string result(size, '\0');
    WideCharToMultiByte(CP_UTF8, 0, text, -1, &result[0], size, nullptr, nullptr);
    result.pop_back();
    return result;
}

// A text as JSON has it.
static std::string quoted(const std::string &text)
{
    std::string result = "\"";
    for (const unsigned char letter : text) {
        char escape[8];
        std::snprintf(escape, sizeof escape, "\\u%04x", letter);
        if (letter == '"' || letter == '\\' || letter < ' ')
            result += escape;
        else
            result += static_cast<char>(letter);
    }
    return result + '"';
}

static HANDLE connect(const std::wstring &name)
{
    const std::wstring path = L"\\\\.\\pipe\\" + name;
    const ULONGLONG end = GetTickCount64() + PATIENCE;
    for (;;) {
        // The service may know who we are, and not act for us.
        HANDLE pipe = CreateFileW(path.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                                  SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, nullptr);
        if (pipe != INVALID_HANDLE_VALUE || GetTickCount64() > end)
            return pipe;
        if (GetLastError() == ERROR_PIPE_BUSY)
            WaitNamedPipeW(path.c_str(), 100);
        else if (GetLastError() == ERROR_FILE_NOT_FOUND)
            Sleep(10);
        else
            return pipe;
    }
}

static int ask(const std::wstring &name, const std::string &request)
{
    HANDLE pipe = connect(name);
    if (pipe == INVALID_HANDLE_VALUE)
        return failed("CreateFile");
    const std::string line = request + "\n";
    DWORD count;
    if (!WriteFile(pipe, line.data(), static_cast<DWORD>(line.size()), &count, nullptr))
        return failed("WriteFile");
    std::string reply;
    while (reply.find('\n') == std::string::npos) {
        char part[512];
        if (reply.size() > MOST || !ReadFile(pipe, part, sizeof part, &count, nullptr) || count == 0)
            return failed("ReadFile");
        reply.append(part, count);
    }
    CloseHandle(pipe);
    reply.resize(reply.find('\n'));
    const std::string good = "{\"ok\":";
    if (reply.compare(0, good.size(), good) != 0 || reply.back() != '}') {
        std::fprintf(stderr, "control-channel: the service refuses: %s\n", reply.c_str());
        return 1;
    }
    std::printf("panel: %s\n", reply.substr(good.size(), reply.size() - good.size() - 1).c_str());
    return 0;
}

static int showData(const std::wstring &name)
{
    HANDLE map = OpenFileMappingW(FILE_MAP_READ, FALSE, (L"Local\\" + name).c_str());
    if (map == nullptr)
        return failed("OpenFileMapping");
    const void *view = MapViewOfFile(map, FILE_MAP_READ, 0, 0, sizeof(uint64_t));
    if (view == nullptr)
        return failed("MapViewOfFile");
    const auto *tick = static_cast<const volatile uint64_t *>(view);
    const uint64_t first = *tick;
    const ULONGLONG end = GetTickCount64() + PATIENCE;
    uint64_t now;
    while ((now = *tick) == first) {
        if (GetTickCount64() > end) {
            std::fputs("control-channel: the data stand still\n", stderr);
            return 1;
        }
        Sleep(10);
    }
    std::printf("panel: the data go from %llu to %llu\n", static_cast<unsigned long long>(first),
                static_cast<unsigned long long>(now));
    return 0;
}

int wmain(int count, wchar_t **arguments)
{
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    std::wstring name = L"ControlChannel";
    if (count > 2 && std::wcscmp(arguments[1], L"--name") == 0) {
        name = arguments[2];
        count -= 2;
        arguments += 2;
    }
    const std::wstring what = count > 1 ? arguments[1] : L"";
    if (what == L"status" && count == 2)
        return ask(name, "{\"do\":\"status\"}");
    if (what == L"configure" && count == 4)
        return ask(name, "{\"do\":\"configure\",\"rate\":" + narrow(arguments[2]) +
                             ",\"label\":" + quoted(narrow(arguments[3])) + "}");
    if (what == L"data" && count == 2)
        return showData(name);
    if (what == L"stop" && count == 2)
        return ask(name, "{\"do\":\"stop\"}");
    if (what == L"say" && count == 3)
        return ask(name, narrow(arguments[2]));
    std::fprintf(stderr, "usage: control-channel [--name NAME] status | configure RATE LABEL | data | stop\n"
                         "                                     | say TEXT\n");
    return 2;
}
