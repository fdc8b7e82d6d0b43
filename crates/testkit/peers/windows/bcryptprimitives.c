/* The one function of bcryptprimitives.dll that Rust's standard library asks for. Windows has had it since version 7;
 * Wine 8 lacks it, and a program whose DLL is missing does not start. To be put beside programs that run there. */

#include <windows.h>

/* advapi32's RtlGenRandom, by the name under which it is exported. */
BOOLEAN WINAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    while (length > 0) {
        ULONG part = length > 0x40000000 ? 0x40000000 : (ULONG)length;
        if (!SystemFunction036(buffer, part))
            return FALSE;
        buffer += part;
        length -= part;
    }
    return TRUE;
}
