/* A System V peer: shmget, shmat, and the classic semaphore of the textbooks.
 *
 * Its lock is a semaphore set that `lock-with KEY` opens, or makes: one semaphore, 1 = free, taken
 * and given back with SEM_UNDO, so that the kernel gives it back when the holder dies. */
#define _GNU_SOURCE
#include "protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>

/* semctl's fourth argument, which every program has to declare for itself. */
union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

static int segment = -1;
static int semaphores = -1;

/* --- the lock ---------------------------------------------------------------------------------- */

static bool add(short amount, short flags)
{
    struct sembuf operation = { .sem_num = 0, .sem_op = amount, .sem_flg = flags };
    if (semop(semaphores, &operation, 1) == 0)
        return true;
    if (errno == EINVAL)
        errno = EIDRM; /* no such set: never opened, or removed since */
    return false;
}

bool peer_lock(bool wait) { return add(-1, wait ? SEM_UNDO : SEM_UNDO | IPC_NOWAIT); }

bool peer_unlock(void) { return add(1, SEM_UNDO); }

static void run_lock_with(char **arguments)
{
    key_t key = (key_t)number_of(arguments[0]);
    semaphores = semget(key, 1, 0600 | IPC_CREAT | IPC_EXCL);
    if (semaphores >= 0) {
        union semun value = { .val = 1 };
        if (semctl(semaphores, 0, SETVAL, value) != 0) {
            reply_errno("semctl");
            return;
        }
    } else if (errno == EEXIST) {
        semaphores = semget(key, 1, 0600);
    }
    if (semaphores >= 0)
        reply_ok();
    else
        reply_errno("semget");
}

static void run_lock_value(char **arguments)
{
    (void)arguments;
    int value = semctl(semaphores, 0, GETVAL);
    if (value >= 0)
        reply_number((unsigned)value);
    else
        reply_errno("semctl");
}

static void run_lock_unlink(char **arguments)
{
    int set = arguments[0] ? semget((key_t)number_of(arguments[0]), 0, 0) : semaphores;
    if (set >= 0 && semctl(set, 0, IPC_RMID) == 0)
        reply_ok();
    else
        reply_errno("semctl");
}

static void run_ftok(char **arguments)
{
    key_t key = ftok(arguments[0], (int)number_of(arguments[1]));
    if (key != -1)
        reply_number((unsigned)key);
    else
        reply_errno("ftok");
}

/* --- the segment ------------------------------------------------------------------------------- */

static void leave_segment(void)
{
    if (attachment.bytes)
        shmdt(attachment.bytes);
    memset(&attachment, 0, sizeof attachment);
}

static void attach_and_reply(bool read_only)
{
    void *bytes = segment < 0 ? (void *)-1 : shmat(segment, NULL, read_only ? SHM_RDONLY : 0);
    struct shmid_ds status;
    if (bytes == (void *)-1) {
        reply_errno(segment < 0 ? "shmget" : "shmat");
    } else if (shmctl(segment, IPC_STAT, &status) != 0) {
        reply_errno("shmctl");
        shmdt(bytes);
    } else {
        attachment = (struct attachment){ bytes, status.shm_segsz, read_only };
        reply_ok();
    }
}

static void run_create(char **arguments)
{
    leave_segment();
    int mode = arguments[2] ? (int)strtol(arguments[2], NULL, 8) : 0600;
    segment = shmget((key_t)number_of(arguments[0]), number_of(arguments[1]), mode | IPC_CREAT | IPC_EXCL);
    attach_and_reply(false);
}

static void run_attach(char **arguments)
{
    leave_segment();
    segment = shmget((key_t)number_of(arguments[0]), 0, 0600);
    attach_and_reply(false);
}

static void run_attach_read_only(char **arguments)
{
    leave_segment();
    segment = shmget((key_t)number_of(arguments[0]), 0, 0400);
    attach_and_reply(true);
}

static void run_attach_id(char **arguments)
{
    leave_segment();
    segment = (int)number_of(arguments[0]);
    attach_and_reply(false);
}

static void run_id(char **arguments)
{
    (void)arguments;
    if (segment >= 0)
        reply_number((unsigned)segment);
    else
        reply_error("NotFound", "nothing is attached");
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

static void run_unlink(char **arguments)
{
    int target = arguments[0] ? shmget((key_t)number_of(arguments[0]), 0, 0) : segment;
    if (target >= 0 && shmctl(target, IPC_RMID, NULL) == 0)
        reply_ok();
    else
        reply_errno("shmctl");
}

void peer_leave(void) { leave_segment(); }

const struct command peer_commands[] = {
    { "ftok", 2, run_ftok },
    { "create", 2, run_create },
    { "attach", 1, run_attach },
    { "attach-ro", 1, run_attach_read_only },
    { "attach-id", 1, run_attach_id },
    { "id", 0, run_id },
    { "detach", 0, run_detach },
    { "unlink", 0, run_unlink },
    { "lock-with", 1, run_lock_with },
    { "lock-value", 0, run_lock_value },
    { "lock-unlink", 0, run_lock_unlink },
    { NULL, 0, NULL },
};
