// Qt for Windows by the names that its DLLs export: QSharedMemory, QSystemSemaphore, QNativeIpcKey, QImage.
//
// Qt for Windows is compiled by MSVC, whose names and classes MinGW does not read. But the calling convention
// of x64 is one for both: the first four arguments in registers, a class that is returned in memory that the
// caller gives. So every function that is used stands here as a plain one, with its C++ signature above it
// (from Qt's public headers qstring.h, qtipccommon.h, qsharedmemory.h, qsystemsemaphore.h, qimage.h,
// qbuffer.h, qdatastream.h), and:
// - `this` is the first argument;
// - a class that is returned is a pointer to memory for it: the second argument of a member, the first of a
//   static one;
// - a reference is a pointer, an enumeration of the size of an int is an int, QFlags too, qsizetype is
//   int64_t.
//
// Objects are memory of a size that no version reaches, with Qt's own constructor and destructor called on
// it.
#ifndef QT_LIBRARY_H
#define QT_LIBRARY_H

#include <windows.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace qt {

/// Memory for an object of Qt's.
struct Memory {
    alignas(16) unsigned char bytes[512] = {};
    void *at() { return bytes; }
    const void *at() const { return bytes; }
};

/// A DLL of Qt's, from the folder beside this program. What it needs in turn lies beside it.
inline HMODULE load(const wchar_t *file)
{
    std::wstring path(32768, L'\0');
    path.resize(GetModuleFileNameW(nullptr, &path[0], static_cast<DWORD>(path.size())));
    path = path.substr(0, path.rfind(L'\\') + 1) + L"qt-for-windows\\" + file;
    HMODULE library = LoadLibraryExW(path.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (library == nullptr) {
        std::fprintf(stderr, "%ls: error %lu\n", path.c_str(), GetLastError());
        std::exit(3);
    }
    return library;
}

/// A function by its exported name. A Qt without it is not the one that this was written for.
template <typename Signature>
Signature *import(HMODULE library, const char *name)
{
    FARPROC found = GetProcAddress(library, name);
    if (found == nullptr) {
        std::fprintf(stderr, "no %s: error %lu\n", name, GetLastError());
        std::exit(3);
    }
    return reinterpret_cast<Signature *>(reinterpret_cast<void *>(found));
}

// --- Qt6Core.dll ---------------------------------------------------------------------------------

const HMODULE core = load(L"Qt6Core.dll");

// const char *qVersion()
auto *const version = import<const char *()>(core, "qVersion");
// QCoreApplication::QCoreApplication(int &argc, char **argv, int version)
auto *const applicationNew =
    import<void *(void *, int *, char **, int)>(core, "??0QCoreApplication@@QEAA@AEAHPEAPEADH@Z");
// QCoreApplication::~QCoreApplication()
auto *const applicationDelete = import<void(void *)>(core, "??1QCoreApplication@@UEAA@XZ");

// QString::QString(const QChar *text, qsizetype length)
auto *const stringNew =
    import<void *(void *, const wchar_t *, int64_t)>(core, "??0QString@@QEAA@PEBVQChar@@_J@Z");
// QString::~QString()
auto *const stringDelete = import<void(void *)>(core, "??1QString@@QEAA@XZ");
// const ushort *QString::utf16() const
auto *const stringUtf16 = import<const wchar_t *(const void *)>(core, "?utf16@QString@@QEBAPEBGXZ");
// qsizetype QString::size() const
auto *const stringSize = import<int64_t(const void *)>(core, "?size@QString@@QEBA_JXZ");

// static QNativeIpcKey QNativeIpcKey::fromString(const QString &text)
auto *const keyFromString =
    import<void *(void *, const void *)>(core, "?fromString@QNativeIpcKey@@SA?AV1@AEBVQString@@@Z");
// QString QNativeIpcKey::toString() const
auto *const keyToString =
    import<void *(const void *, void *)>(core, "?toString@QNativeIpcKey@@QEBA?AVQString@@XZ");
// void QNativeIpcKey::destroy_internal(), which ~QNativeIpcKey() of the header calls if there is a legacy key
auto *const keyDestroy = import<void(void *)>(core, "?destroy_internal@QNativeIpcKey@@AEAAXXZ");

// QSharedMemory::QSharedMemory(QObject *parent)
auto *const memoryNew = import<void *(void *, void *)>(core, "??0QSharedMemory@@QEAA@PEAVQObject@@@Z");
// QSharedMemory::QSharedMemory(const QString &key, QObject *parent)
auto *const memoryOfKey = import<void *(void *, const void *, void *)>(
    core, "??0QSharedMemory@@QEAA@AEBVQString@@PEAVQObject@@@Z");
// QSharedMemory::QSharedMemory(const QNativeIpcKey &key, QObject *parent)
auto *const memoryOfNativeKey = import<void *(void *, const void *, void *)>(
    core, "??0QSharedMemory@@QEAA@AEBVQNativeIpcKey@@PEAVQObject@@@Z");
// QSharedMemory::~QSharedMemory()
auto *const memoryDelete = import<void(void *)>(core, "??1QSharedMemory@@UEAA@XZ");
// void QSharedMemory::setKey(const QString &key)
auto *const memorySetKey =
    import<void(void *, const void *)>(core, "?setKey@QSharedMemory@@QEAAXAEBVQString@@@Z");
// void QSharedMemory::setNativeKey(const QNativeIpcKey &key)
auto *const memorySetNativeKey =
    import<void(void *, const void *)>(core, "?setNativeKey@QSharedMemory@@QEAAXAEBVQNativeIpcKey@@@Z");
// QString QSharedMemory::key() const
auto *const memoryKey = import<void *(const void *, void *)>(core, "?key@QSharedMemory@@QEBA?AVQString@@XZ");
// QString QSharedMemory::nativeKey() const
auto *const memoryNativeKey =
    import<void *(const void *, void *)>(core, "?nativeKey@QSharedMemory@@QEBA?AVQString@@XZ");
// QNativeIpcKey QSharedMemory::nativeIpcKey() const
auto *const memoryNativeIpcKey =
    import<void *(const void *, void *)>(core, "?nativeIpcKey@QSharedMemory@@QEBA?AVQNativeIpcKey@@XZ");
// bool QSharedMemory::create(qsizetype size, AccessMode mode)
auto *const memoryCreate =
    import<bool(void *, int64_t, int)>(core, "?create@QSharedMemory@@QEAA_N_JW4AccessMode@1@@Z");
// bool QSharedMemory::attach(AccessMode mode)
auto *const memoryAttach = import<bool(void *, int)>(core, "?attach@QSharedMemory@@QEAA_NW4AccessMode@1@@Z");
// bool QSharedMemory::isAttached() const
auto *const memoryIsAttached = import<bool(const void *)>(core, "?isAttached@QSharedMemory@@QEBA_NXZ");
// bool QSharedMemory::detach()
auto *const memoryDetach = import<bool(void *)>(core, "?detach@QSharedMemory@@QEAA_NXZ");
// qsizetype QSharedMemory::size() const
auto *const memorySize = import<int64_t(const void *)>(core, "?size@QSharedMemory@@QEBA_JXZ");
// void *QSharedMemory::data()
auto *const memoryData = import<void *(void *)>(core, "?data@QSharedMemory@@QEAAPEAXXZ");
// bool QSharedMemory::lock()
auto *const memoryLock = import<bool(void *)>(core, "?lock@QSharedMemory@@QEAA_NXZ");
// bool QSharedMemory::unlock()
auto *const memoryUnlock = import<bool(void *)>(core, "?unlock@QSharedMemory@@QEAA_NXZ");
// SharedMemoryError QSharedMemory::error() const
auto *const memoryError =
    import<int(const void *)>(core, "?error@QSharedMemory@@QEBA?AW4SharedMemoryError@1@XZ");
// QString QSharedMemory::errorString() const
auto *const memoryErrorString =
    import<void *(const void *, void *)>(core, "?errorString@QSharedMemory@@QEBA?AVQString@@XZ");
// static bool QSharedMemory::isKeyTypeSupported(QNativeIpcKey::Type type)
auto *const memorySupports =
    import<bool(uint16_t)>(core, "?isKeyTypeSupported@QSharedMemory@@SA_NW4Type@QNativeIpcKey@@@Z");
// static QNativeIpcKey QSharedMemory::platformSafeKey(const QString &key, QNativeIpcKey::Type type)
auto *const memoryPlatformKey = import<void *(void *, const void *, uint16_t)>(
    core, "?platformSafeKey@QSharedMemory@@SA?AVQNativeIpcKey@@AEBVQString@@W4Type@2@@Z");
// static QNativeIpcKey QSharedMemory::legacyNativeKey(const QString &key, QNativeIpcKey::Type type)
auto *const memoryLegacyKey = import<void *(void *, const void *, uint16_t)>(
    core, "?legacyNativeKey@QSharedMemory@@SA?AVQNativeIpcKey@@AEBVQString@@W4Type@2@@Z");

// QSystemSemaphore::QSystemSemaphore(const QString &key, int initialValue, AccessMode mode)
auto *const semaphoreOfKey = import<void *(void *, const void *, int, int)>(
    core, "??0QSystemSemaphore@@QEAA@AEBVQString@@HW4AccessMode@0@@Z");
// QSystemSemaphore::QSystemSemaphore(const QNativeIpcKey &key, int initialValue, AccessMode mode)
auto *const semaphoreOfNativeKey = import<void *(void *, const void *, int, int)>(
    core, "??0QSystemSemaphore@@QEAA@AEBVQNativeIpcKey@@HW4AccessMode@0@@Z");
// QSystemSemaphore::~QSystemSemaphore()
auto *const semaphoreDelete = import<void(void *)>(core, "??1QSystemSemaphore@@QEAA@XZ");
// QNativeIpcKey QSystemSemaphore::nativeIpcKey() const
auto *const semaphoreNativeIpcKey =
    import<void *(const void *, void *)>(core, "?nativeIpcKey@QSystemSemaphore@@QEBA?AVQNativeIpcKey@@XZ");
// bool QSystemSemaphore::acquire()
auto *const semaphoreAcquire = import<bool(void *)>(core, "?acquire@QSystemSemaphore@@QEAA_NXZ");
// bool QSystemSemaphore::release(int n)
auto *const semaphoreRelease = import<bool(void *, int)>(core, "?release@QSystemSemaphore@@QEAA_NH@Z");
// SystemSemaphoreError QSystemSemaphore::error() const
auto *const semaphoreError =
    import<int(const void *)>(core, "?error@QSystemSemaphore@@QEBA?AW4SystemSemaphoreError@1@XZ");
// QString QSystemSemaphore::errorString() const
auto *const semaphoreErrorString =
    import<void *(const void *, void *)>(core, "?errorString@QSystemSemaphore@@QEBA?AVQString@@XZ");
// static QNativeIpcKey QSystemSemaphore::platformSafeKey(const QString &key, QNativeIpcKey::Type type)
auto *const semaphorePlatformKey = import<void *(void *, const void *, uint16_t)>(
    core, "?platformSafeKey@QSystemSemaphore@@SA?AVQNativeIpcKey@@AEBVQString@@W4Type@2@@Z");
// static QNativeIpcKey QSystemSemaphore::legacyNativeKey(const QString &key, QNativeIpcKey::Type type)
auto *const semaphoreLegacyKey = import<void *(void *, const void *, uint16_t)>(
    core, "?legacyNativeKey@QSystemSemaphore@@SA?AVQNativeIpcKey@@AEBVQString@@W4Type@2@@Z");

// qsizetype QByteArray::size() const
auto *const bytesSize = import<int64_t(const void *)>(core, "?size@QByteArray@@QEBA_JXZ");
// const char *QByteArray::constData() const
auto *const bytesData = import<const char *(const void *)>(core, "?constData@QByteArray@@QEBAPEBDXZ");
// QBuffer::QBuffer(QObject *parent)
auto *const bufferNew = import<void *(void *, void *)>(core, "??0QBuffer@@QEAA@PEAVQObject@@@Z");
// QBuffer::~QBuffer()
auto *const bufferDelete = import<void(void *)>(core, "??1QBuffer@@UEAA@XZ");
// bool QBuffer::open(QIODeviceBase::OpenMode mode)
auto *const bufferOpen =
    import<bool(void *, int)>(core, "?open@QBuffer@@UEAA_NV?$QFlags@W4OpenModeFlag@QIODeviceBase@@@@@Z");
// void QBuffer::setData(const char *data, qsizetype length)
auto *const bufferSetData =
    import<void(void *, const void *, int64_t)>(core, "?setData@QBuffer@@QEAAXPEBD_J@Z");
// const QByteArray &QBuffer::data() const
auto *const bufferBytes = import<const void *(const void *)>(core, "?data@QBuffer@@QEBAAEBVQByteArray@@XZ");
// QDataStream::QDataStream(QIODevice *device)
auto *const streamNew = import<void *(void *, void *)>(core, "??0QDataStream@@QEAA@PEAVQIODevice@@@Z");
// QDataStream::~QDataStream()
auto *const streamDelete = import<void(void *)>(core, "??1QDataStream@@QEAA@XZ");

// --- Qt6Gui.dll, which is loaded when the first picture is asked for -----------------------------

inline HMODULE gui()
{
    static const HMODULE library = load(L"Qt6Gui.dll");
    return library;
}

/// A QImage, and how it goes into a QDataStream and out of it.
class Image {
public:
    // QImage::QImage()
    Image() { import<void *(void *)>(gui(), "??0QImage@@QEAA@XZ")(image.at()); }
    // QImage::QImage(const QString &file, const char *format)
    explicit Image(const void *file)
    {
        import<void *(void *, const void *, const char *)>(gui(), "??0QImage@@QEAA@AEBVQString@@PEBD@Z")(
            image.at(), file, nullptr);
    }
    // QImage::~QImage()
    ~Image() { import<void(void *)>(gui(), "??1QImage@@UEAA@XZ")(image.at()); }
    Image(const Image &) = delete;
    Image &operator=(const Image &) = delete;

    // bool QImage::isNull() const
    bool isNull() const { return import<bool(const void *)>(gui(), "?isNull@QImage@@QEBA_NXZ")(image.at()); }
    // int QImage::width() const
    int width() const { return import<int(const void *)>(gui(), "?width@QImage@@QEBAHXZ")(image.at()); }
    // int QImage::height() const
    int height() const { return import<int(const void *)>(gui(), "?height@QImage@@QEBAHXZ")(image.at()); }
    // bool QImage::save(const QString &file, const char *format, int quality) const
    bool save(const void *file) const
    {
        return import<bool(const void *, const void *, const char *, int)>(
            gui(), "?save@QImage@@QEBA_NAEBVQString@@PEBDH@Z")(image.at(), file, "PNG", -1);
    }

    /// What stands in a QBuffer after `stream << image`.
    std::string toBytes() const
    {
        Memory buffer, stream;
        bufferNew(buffer.at(), nullptr);
        bufferOpen(buffer.at(), READ | WRITE);
        streamNew(stream.at(), buffer.at());
        // QDataStream &operator<<(QDataStream &stream, const QImage &image)
        import<void *(void *, const void *)>(gui(), "??6@YAAEAVQDataStream@@AEAV0@AEBVQImage@@@Z")(
            stream.at(), image.at());
        const void *bytes = bufferBytes(buffer.at());
        std::string result(bytesData(bytes), static_cast<size_t>(bytesSize(bytes)));
        streamDelete(stream.at());
        bufferDelete(buffer.at());
        return result;
    }

    /// `stream >> image` from a QBuffer with these bytes.
    void fromBytes(const void *bytes, int64_t length)
    {
        Memory buffer, stream;
        bufferNew(buffer.at(), nullptr);
        bufferSetData(buffer.at(), bytes, length);
        bufferOpen(buffer.at(), READ);
        streamNew(stream.at(), buffer.at());
        // QDataStream &operator>>(QDataStream &stream, QImage &image)
        import<void *(void *, void *)>(gui(), "??5@YAAEAVQDataStream@@AEAV0@AEAVQImage@@@Z")(
            stream.at(), image.at());
        streamDelete(stream.at());
        bufferDelete(buffer.at());
    }

private:
    // QIODeviceBase::OpenModeFlag
    static constexpr int READ = 1, WRITE = 2;
    Memory image;
};

} // namespace qt

#endif
