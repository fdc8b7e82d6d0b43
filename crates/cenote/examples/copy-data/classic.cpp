// A structure, bytes or a number by WM_COPYDATA:
//
//     copy-data [--to NAME] receiver | hung | struct SENSOR VALUE UNIT | bytes TEXT | number NUMBER
//                           | tagged TAG TEXT
//
// The receiver has a window for messages alone, of the class NAME, and ends with Enter. `hung` makes that window
// and looks at no message.
#include <windows.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// What comes with data says by its tag what they are; without data, the tag is the number that is sent.
static const ULONG_PTR STRUCT = 1;
static const ULONG_PTR BYTES = 2;
static const DWORD MOST = 4096;
static const UINT ANSWER_LIMIT = 2000;

struct Reading {
    uint32_t sensor;
    uint32_t quality;
    double value;
    char unit[16];
};
static_assert(sizeof(Reading) == 32, "the other side counts on it");

static int failed(const char *call)
{
    std::fprintf(stderr, "copy-data: %s: error %lu\n", call, GetLastError());
    return 1;
}

// Whether what came makes sense. Somebody else has sent it: sizes first.
static bool take(const COPYDATASTRUCT &data)
{
    if (data.lpData == nullptr && data.cbData == 0) {
        std::printf("receiver: the number %llu\n", static_cast<unsigned long long>(data.dwData));
        return true;
    }
    if (data.lpData == nullptr || data.cbData == 0)
        return false;
    if (data.dwData == STRUCT) {
        if (data.cbData != sizeof(Reading)) {
            std::printf("receiver: refused: the structure has %u bytes, and not %lu\n",
                        static_cast<unsigned>(sizeof(Reading)), data.cbData);
            return false;
        }
        Reading reading;
        std::memcpy(&reading, data.lpData, sizeof reading);
        std::printf("receiver: the structure: sensor %u, quality %u, %g %.16s\n", reading.sensor,
                    reading.quality, reading.value, reading.unit);
        return true;
    }
    if (data.dwData == BYTES) {
        if (data.cbData > MOST) {
            std::printf("receiver: refused: %lu bytes are more than %lu\n", data.cbData, MOST);
            return false;
        }
        std::printf("receiver: %lu bytes: %.*s\n", data.cbData, static_cast<int>(data.cbData),
                    static_cast<const char *>(data.lpData));
        return true;
    }
    std::printf("receiver: refused: nothing is known of tag %llu\n",
                static_cast<unsigned long long>(data.dwData));
    return false;
}

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    switch (message) {
    case WM_COPYDATA: {
        const auto *data = reinterpret_cast<const COPYDATASTRUCT *>(lparam);
        return data != nullptr && take(*data) ? TRUE : FALSE;
    }
    case WM_CLOSE:
        PostQuitMessage(0);
        return 0;
    default:
        return DefWindowProcW(window, message, wparam, lparam);
    }
}

static HWND open(const std::wstring &name)
{
    WNDCLASSW type = {};
    type.lpfnWndProc = procedure;
    type.lpszClassName = name.c_str();
    if (RegisterClassW(&type) == 0)
        return nullptr;
    return CreateWindowExW(0, name.c_str(), nullptr, 0, 0, 0, 0, 0, HWND_MESSAGE, nullptr, nullptr, nullptr);
}

static DWORD WINAPI untilEnter(void *window)
{
    std::getchar();
    PostMessageW(static_cast<HWND>(window), WM_CLOSE, 0, 0);
    return 0;
}

static int receiver(const std::wstring &name)
{
    HWND window = open(name);
    if (window == nullptr)
        return failed("CreateWindow");
    CreateThread(nullptr, 0, untilEnter, window, 0, nullptr);
    std::printf("receiver: ready; Enter ends it\n");
    MSG message;
    while (GetMessageW(&message, nullptr, 0, 0) > 0)
        DispatchMessageW(&message);
    return 0;
}

static int hung(const std::wstring &name)
{
    if (open(name) == nullptr)
        return failed("CreateWindow");
    std::printf("hung: ready; Enter ends it\n");
    std::getchar();
    return 0;
}

static int send(const std::wstring &name, ULONG_PTR tag, const void *bytes, size_t size)
{
    if (bytes != nullptr && size == 0) {
        std::fputs("copy-data: there are no data\n", stderr); // it would be a number
        return 1;
    }
    HWND window = FindWindowExW(HWND_MESSAGE, nullptr, name.c_str(), nullptr);
    if (window == nullptr)
        return failed("FindWindowEx");
    COPYDATASTRUCT data = {tag, static_cast<DWORD>(size), const_cast<void *>(bytes)};
    DWORD_PTR answer = FALSE;
    SetLastError(ERROR_TIMEOUT);
    if (!SendMessageTimeoutW(window, WM_COPYDATA, 0, reinterpret_cast<LPARAM>(&data), SMTO_ABORTIFHUNG,
                             ANSWER_LIMIT, &answer)) {
        if (GetLastError() != ERROR_TIMEOUT)
            return failed("SendMessageTimeout");
        std::fputs("copy-data: the receiver has not answered within 2s\n", stderr);
        return 1;
    }
    if (!answer) {
        std::fputs("copy-data: the receiver refuses it\n", stderr);
        return 1;
    }
    std::printf("sender: it was taken\n");
    return 0;
}

static std::string narrow(const wchar_t *text)
{
    const int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
    std::string result(size, '\0');
    WideCharToMultiByte(CP_UTF8, 0, text, -1, &result[0], size, nullptr, nullptr);
    result.pop_back();
    return result;
}

int wmain(int count, wchar_t **arguments)
{
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    std::wstring name = L"CopyDataReceiver";
    if (count > 2 && std::wstring(arguments[1]) == L"--to") {
        name = arguments[2];
        count -= 2;
        arguments += 2;
    }
    const std::wstring what = count > 1 ? arguments[1] : L"";
    if (what == L"receiver" && count == 2)
        return receiver(name);
    if (what == L"hung" && count == 2)
        return hung(name);
    if (what == L"struct" && count == 5) {
        Reading reading = {};
        reading.sensor = std::wcstoul(arguments[2], nullptr, 10);
        reading.quality = 100;
        reading.value = std::wcstod(arguments[3], nullptr);
        const std::string unit = narrow(arguments[4]);
        std::memcpy(reading.unit, unit.data(), unit.size() < 16 ? unit.size() : 16);
        return send(name, STRUCT, &reading, sizeof reading);
    }
    if (what == L"number" && count == 3)
        return send(name, std::wcstoull(arguments[2], nullptr, 10), nullptr, 0);
    if (what == L"bytes" && count == 3) {
        const std::string text = narrow(arguments[2]);
        return send(name, BYTES, text.data(), text.size());
    }
    if (what == L"tagged" && count == 4) {
        const std::string text = narrow(arguments[3]);
        return send(name, std::wcstoull(arguments[2], nullptr, 10), text.data(), text.size());
    }
    std::fprintf(stderr, "usage: copy-data [--to NAME] receiver | hung | struct SENSOR VALUE UNIT | bytes TEXT\n"
                         "                             | number NUMBER | tagged TAG TEXT\n");
    return 2;
}
