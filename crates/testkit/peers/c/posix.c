/* A POSIX peer: shm_open and mmap, as a C program would write them.
 *
 * Its lock is `lockf` over the whole segment, unless `lock-with` names another one: a semaphore of
 * sem_open (1 = free), or a lock file. */
#define _GNU_SOURCE
#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int segment = -1;
static char segment_name[256];

/* At most one of these replaces the segment's own byte-range lock. */
static sem_t *named_semaphore;
static int lock_file = -1;

/* --- the lock ---------------------------------------------------------------------------------- */

/* lockf works from the descriptor's position, which nothing here moves: the whole file. */
static int lock_descriptor(void) { return lock_file >= 0 ? lock_file : segment; }

bool peer_lock(bool wait)
{
    if (named_semaphore)
        return (wait ? sem_wait(named_semaphore) : sem_trywait(named_semaphore)) == 0;
    if (lockf(lock_descriptor(), wait ? F_LOCK : F_TLOCK, 0) == 0)
        return true;
    if (errno == EACCES)
        errno = EAGAIN; /* POSIX lets F_TLOCK say either */
    return false;
}

bool peer_unlock(void)
{
    if (named_semaphore)
        return sem_post(named_semaphore) == 0;
    return lockf(lock_descriptor(), F_ULOCK, 0) == 0;
}

static void run_lock_with(char **arguments)
{
    if (strcmp(arguments[0], "semaphore") == 0) {
        sem_t *opened = sem_open(arguments[1], O_CREAT, 0600, 1);
        if (opened == SEM_FAILED) {
            reply_errno("sem_open");
            return;
        }
        named_semaphore = opened;
    } else if (strcmp(arguments[0], "file") == 0) {
        lock_file = open(arguments[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (lock_file < 0) {
            reply_errno("open");
            return;
        }
    } else {
        reply_error("Unsupported", "lock-with semaphore NAME | file PATH");
        return;
    }
    reply_ok();
}

static void run_lock_unlink(char **arguments)
{
    if (sem_unlink(arguments[0]) == 0)
        reply_ok();
    else
        reply_errno("sem_unlink");
}

/* --- the segment ------------------------------------------------------------------------------- */

static void leave_segment(void)
{
    if (attachment.bytes)
        munmap(attachment.bytes, attachment.size);
    if (segment >= 0)
        close(segment);
    segment = -1;
    memset(&attachment, 0, sizeof attachment);
}

/* Maps what `segment` refers to, as large as it is, and replies. */
static void map_and_reply(bool read_only)
{
    struct stat status;
    if (fstat(segment, &status) != 0) {
        reply_errno("fstat");
        leave_segment();
        return;
    }
    int access = read_only ? PROT_READ : PROT_READ | PROT_WRITE;
    void *bytes = mmap(NULL, (size_t)status.st_size, access, MAP_SHARED, segment, 0);
    if (bytes == MAP_FAILED) {
        reply_errno("mmap");
        leave_segment();
        return;
    }
    attachment = (struct attachment){ bytes, (size_t)status.st_size, read_only };
    reply_ok();
}

static bool open_segment(const char *name, int flags, mode_t mode)
{
    leave_segment();
    snprintf(segment_name, sizeof segment_name, "%s", name);
    segment = shm_open(name, flags, mode);
    if (segment < 0)
        reply_errno("shm_open");
    return segment >= 0;
}

static void run_create(char **arguments)
{
    mode_t mode = arguments[2] ? (mode_t)strtoul(arguments[2], NULL, 8) : 0600;
    if (!open_segment(arguments[0], O_RDWR | O_CREAT | O_EXCL, mode))
        return;
    if (ftruncate(segment, (off_t)number_of(arguments[1])) != 0) {
        reply_errno("ftruncate");
        shm_unlink(arguments[0]);
        leave_segment();
        return;
    }
    map_and_reply(false);
}

static void run_attach(char **arguments)
{
    if (open_segment(arguments[0], O_RDWR, 0))
        map_and_reply(false);
}

static void run_attach_read_only(char **arguments)
{
    if (open_segment(arguments[0], O_RDONLY, 0))
        map_and_reply(true);
}

static void run_detach(char **arguments)
{
    (void)arguments;
    if (!attachment.bytes) {
        reply_error("NotFound", "nothing is attached");
        return;
    }
    leave_segment();
    reply_ok();
}

/* Changes the size under everybody who has it mapped; this peer's own mapping stays as it was. */
static void run_resize(char **arguments)
{
    if (ftruncate(segment, (off_t)number_of(arguments[0])) == 0)
        reply_ok();
    else
        reply_errno("ftruncate");
}

static void run_unlink(char **arguments)
{
    if (shm_unlink(arguments[0] ? arguments[0] : segment_name) == 0)
        reply_ok();
    else
        reply_errno("shm_unlink");
}

void peer_leave(void)
{
    leave_segment();
    if (named_semaphore)
        sem_close(named_semaphore);
}

const struct command peer_commands[] = {
    { "create", 2, run_create },
    { "attach", 1, run_attach },
    { "attach-ro", 1, run_attach_read_only },
    { "detach", 0, run_detach },
    { "resize", 1, run_resize },
    { "unlink", 0, run_unlink },
    { "lock-with", 2, run_lock_with },
    { "lock-unlink", 1, run_lock_unlink },
    { NULL, 0, NULL },
};
