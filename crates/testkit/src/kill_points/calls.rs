//! The names of system calls, by their numbers on Linux for x86-64.

/// The name of the call `number`, if it is one of the calls that programs with shared memory make.
pub(super) fn name(number: i64) -> Option<&'static str> {
    NAMES.binary_search_by_key(&number, |&(number, _)| number).ok().map(|found| NAMES[found].1)
}

/// In the order of their numbers.
#[rustfmt::skip]
const NAMES: [(i64, &str); 160] = [
    (0, "read"), (1, "write"), (2, "open"), (3, "close"), (4, "stat"), (5, "fstat"), (6, "lstat"),
    (7, "poll"), (8, "lseek"), (9, "mmap"), (10, "mprotect"), (11, "munmap"), (12, "brk"),
    (13, "rt_sigaction"), (14, "rt_sigprocmask"), (15, "rt_sigreturn"), (16, "ioctl"), (17, "pread64"),
    (18, "pwrite64"), (19, "readv"), (20, "writev"), (21, "access"), (22, "pipe"), (23, "select"),
    (24, "sched_yield"), (25, "mremap"), (26, "msync"), (28, "madvise"), (29, "shmget"), (30, "shmat"),
    (31, "shmctl"), (32, "dup"), (33, "dup2"), (34, "pause"), (35, "nanosleep"), (38, "setitimer"),
    (39, "getpid"), (40, "sendfile"), (41, "socket"), (42, "connect"), (43, "accept"), (44, "sendto"),
    (45, "recvfrom"), (46, "sendmsg"), (47, "recvmsg"), (48, "shutdown"), (49, "bind"), (50, "listen"),
    (53, "socketpair"), (56, "clone"), (57, "fork"), (58, "vfork"), (59, "execve"), (60, "exit"),
    (61, "wait4"), (62, "kill"), (63, "uname"), (64, "semget"), (65, "semop"), (66, "semctl"),
    (67, "shmdt"), (72, "fcntl"), (73, "flock"), (74, "fsync"), (75, "fdatasync"), (76, "truncate"),
    (77, "ftruncate"), (78, "getdents"), (79, "getcwd"), (80, "chdir"), (82, "rename"), (83, "mkdir"),
    (84, "rmdir"), (85, "creat"), (86, "link"), (87, "unlink"), (88, "symlink"), (89, "readlink"),
    (90, "chmod"), (91, "fchmod"), (92, "chown"), (93, "fchown"), (95, "umask"), (96, "gettimeofday"),
    (97, "getrlimit"), (99, "sysinfo"), (101, "ptrace"), (102, "getuid"), (104, "getgid"), (107, "geteuid"),
    (108, "getegid"), (110, "getppid"), (131, "sigaltstack"), (137, "statfs"), (138, "fstatfs"),
    (157, "prctl"), (186, "gettid"), (188, "setxattr"), (190, "fsetxattr"), (193, "fgetxattr"),
    (202, "futex"), (204, "sched_getaffinity"), (216, "remap_file_pages"), (217, "getdents64"),
    (220, "semtimedop"), (222, "timer_create"), (223, "timer_settime"), (226, "timer_delete"),
    (228, "clock_gettime"), (230, "clock_nanosleep"), (231, "exit_group"), (232, "epoll_wait"),
    (233, "epoll_ctl"), (234, "tgkill"), (257, "openat"), (258, "mkdirat"), (260, "fchownat"),
    (262, "newfstatat"), (263, "unlinkat"), (264, "renameat"), (265, "linkat"), (266, "symlinkat"),
    (267, "readlinkat"), (268, "fchmodat"), (269, "faccessat"), (271, "ppoll"), (273, "set_robust_list"),
    (274, "get_robust_list"), (275, "splice"), (283, "timerfd_create"), (285, "fallocate"),
    (288, "accept4"), (290, "eventfd2"), (291, "epoll_create1"), (292, "dup3"), (293, "pipe2"),
    (295, "preadv"), (296, "pwritev"), (302, "prlimit64"), (316, "renameat2"), (318, "getrandom"),
    (319, "memfd_create"), (322, "execveat"), (324, "membarrier"), (326, "copy_file_range"),
    (327, "preadv2"), (328, "pwritev2"), (329, "pkey_mprotect"), (332, "statx"), (334, "rseq"),
    (424, "pidfd_send_signal"), (425, "io_uring_setup"), (426, "io_uring_enter"), (434, "pidfd_open"),
    (435, "clone3"), (436, "close_range"), (437, "openat2"), (438, "pidfd_getfd"), (439, "faccessat2"),
    (452, "fchmodat2"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_in_order() {
        assert!(NAMES.is_sorted_by(|one, next| one.0 < next.0));
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn they_are_those_of_the_system() {
        for (number, expected) in [
            (libc::SYS_write, "write"),
            (libc::SYS_futex, "futex"),
            (libc::SYS_ftruncate, "ftruncate"),
            (libc::SYS_linkat, "linkat"),
            (libc::SYS_memfd_create, "memfd_create"),
        ] {
            assert_eq!(name(number), Some(expected));
        }
        assert_eq!(name(-1), None);
    }
}
