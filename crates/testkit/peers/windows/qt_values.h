// Texts and keys for qt.cpp: as words of the line protocol, and as QString and QNativeIpcKey.
#ifndef QT_VALUES_H
#define QT_VALUES_H

#include "qt_library.h"

// --- texts ---------------------------------------------------------------------------------------

inline std::wstring wide(const std::string &text)
{
    int length = MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0);
    std::wstring result(static_cast<size_t>(length), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), &result[0], length);
    return result;
}

inline std::string narrow(const wchar_t *text, size_t size)
{
    int units = static_cast<int>(size);
    int length = WideCharToMultiByte(CP_UTF8, 0, text, units, nullptr, 0, nullptr, nullptr);
    std::string result(static_cast<size_t>(length), '\0');
    WideCharToMultiByte(CP_UTF8, 0, text, units, &result[0], length, nullptr, nullptr);
    return result;
}

// A word of the protocol as the text that it stands for: percent-encoded UTF-8.
inline std::string decoded(const std::string &word)
{
    std::string text;
    for (size_t at = 0; at < word.size(); ++at) {
        if (word[at] == '%' && at + 2 < word.size()) {
            text += static_cast<char>(std::strtoul(word.substr(at + 1, 2).c_str(), nullptr, 16));
            at += 2;
        } else {
            text += word[at];
        }
    }
    return text;
}

inline std::string encoded(const std::string &text)
{
    std::string word;
    for (unsigned char byte : text) {
        char code[4];
        std::snprintf(code, sizeof code, "%%%02X", byte);
        word += byte > ' ' && byte < 0x7f && byte != '%' ? std::string(1, static_cast<char>(byte)) : code;
    }
    return word;
}

// --- Qt's values ---------------------------------------------------------------------------------

/// A QString.
class String {
public:
    explicit String(const std::string &text)
    {
        std::wstring units = wide(text);
        qt::stringNew(string.at(), units.data(), static_cast<int64_t>(units.size()));
    }
    /// What a member function of `self` returns.
    String(void *(*ask)(const void *, void *), const void *self) { ask(self, string.at()); }
    ~String() { qt::stringDelete(string.at()); }
    String(const String &) = delete;
    String &operator=(const String &) = delete;

    const void *at() const { return string.at(); }
    std::string text() const
    {
        return narrow(qt::stringUtf16(string.at()), static_cast<size_t>(qt::stringSize(string.at())));
    }

private:
    qt::Memory string;
};

/// A QNativeIpcKey: a pointer that is null unless there is a legacy key, a QString, a type of 16 bits.
class Key {
public:
    explicit Key(const std::string &text) { qt::keyFromString(key.at(), String(text).at()); }
    Key(void *(*make)(void *, const void *, uint16_t), const std::string &text, uint16_t type)
    {
        make(key.at(), String(text).at(), type);
    }
    Key(void *(*ask)(const void *, void *), const void *self) { ask(self, key.at()); }
    /// As in the header.
    ~Key()
    {
        if (*reinterpret_cast<void **>(key.at()) != nullptr)
            qt::keyDestroy(key.at());
        qt::stringDelete(key.bytes + sizeof(void *));
    }
    Key(const Key &) = delete;
    Key &operator=(const Key &) = delete;

    const void *at() const { return key.at(); }
    std::string text() const { return String(qt::keyToString, key.at()).text(); }

private:
    qt::Memory key;
};

const std::string NATIVE = "native:";

inline bool isNative(const std::string &word)
{
    return word.compare(0, NATIVE.size(), NATIVE) == 0;
}

// What follows `native:`.
inline std::string nativeText(const std::string &word)
{
    return decoded(word.substr(NATIVE.size()));
}

#endif
