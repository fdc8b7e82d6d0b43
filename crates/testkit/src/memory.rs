//! What the kernel says of memory that this process has mapped.
#![allow(unsafe_code)]

/// Whether the mapping that begins at `base` is shared, and can be read and not written.
///
/// # Panics
/// If no mapping begins there.
#[cfg(target_os = "linux")]
#[must_use]
pub fn is_shared_and_read_only(base: *const u8) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the kernel tells");
    let begin = format!("{:x}-", base.addr());
    let line = maps.lines().find(|line| line.starts_with(&begin)).expect("it is mapped");
    line.contains(" r--s ")
}

/// Whether the mapping that begins at `base` is shared, and can be read and not written.
///
/// # Panics
/// If no mapping begins there.
#[cfg(windows)]
#[must_use]
pub fn is_shared_and_read_only(base: *const u8) -> bool {
    use windows_sys::Win32::System::Memory::{
        MEM_MAPPED, MEMORY_BASIC_INFORMATION, PAGE_READONLY, VirtualQuery,
    };

    let mut region = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: any address may be asked about, and the answer has room for what is said of one.
    let told = unsafe { VirtualQuery(base.cast(), &raw mut region, size_of::<MEMORY_BASIC_INFORMATION>()) };
    assert_ne!(told, 0, "nothing is said of {base:?}");
    assert_eq!(region.BaseAddress.cast_const(), base.cast(), "a mapping begins there");
    region.Type == MEM_MAPPED && region.Protect == PAGE_READONLY
}
