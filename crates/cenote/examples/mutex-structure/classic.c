/* A structure behind a lock: mutex-structure begin|work|hold|end [NAME], or mutex-structure robust
 *
 * The first four share a structure in NAME behind lockf, which processes of any language can take.
 * `hold` takes the lock, changes one half and waits for somebody to kill it. `robust` is the classic
 * way among C programs of one library: a mutex that lies in the shared memory itself, and two processes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOTAL = 1000, TIMES = 1000 };

/* Two accounts, which are worth TOTAL together whenever nobody holds the lock. */
struct accounts {
    uint64_t dirty; /* 1 while somebody changes them */
    int64_t left;
    int64_t right;
    uint64_t moves;
};

static int failed(const char *call)
{
    perror(call);
    return 1;
}

/* --- lockf: the lock is the file's ---------------------------------------------------------------- */

static int segment;
static volatile struct accounts *accounts;

static int attach(const char *name, int flags)
{
    segment = shm_open(name, O_RDWR | flags, 0600);
    if (segment < 0)
        return failed("shm_open");
    if ((flags & O_CREAT) && ftruncate(segment, sizeof *accounts) != 0)
        return failed("ftruncate");
    void *bytes = mmap(NULL, sizeof *accounts, PROT_READ | PROT_WRITE, MAP_SHARED, segment, 0);
    if (bytes == MAP_FAILED)
        return failed("mmap");
    accounts = bytes;
    return 0;
}

static int enter(void)
{
    if (lockf(segment, F_LOCK, 0) != 0)
        return failed("lockf");
    if (accounts->dirty != 0) {
        /* The kernel freed the lock of a process that died; the mark stayed. */
        accounts->right = TOTAL - accounts->left;
        printf("somebody died while changing the accounts: mended, %" PRId64 " and %" PRId64 "\n",
               accounts->left, accounts->right);
    }
    accounts->dirty = 1;
    return 0;
}

static int leave(void)
{
    accounts->dirty = 0;
    return lockf(segment, F_ULOCK, 0) == 0 ? 0 : failed("lockf");
}

static int begin(void)
{
    accounts->left = TOTAL;
    printf("begin: %" PRId64 " and %" PRId64 "\n", accounts->left, accounts->right);
    return 0;
}

static int work(void)
{
    for (int i = 0; i < TIMES; i++) {
        if (enter() != 0)
            return 1;
        accounts->left -= 1;
        accounts->right += 1;
        accounts->moves += 1;
        if (leave() != 0)
            return 1;
    }
    printf("work: moved %d times\n", TIMES);
    return 0;
}

static int hold(void)
{
    if (enter() != 0)
        return 1;
    accounts->left -= 1;
    printf("hold: has the lock, and one is on its way\n");
    sleep(60);
    fprintf(stderr, "nobody has killed this process\n");
    return 1;
}

static int end(const char *name)
{
    if (enter() != 0)
        return 1;
    printf("end: %" PRId64 " and %" PRId64 " after %" PRIu64 " moves\n", accounts->left, accounts->right,
           accounts->moves);
    return shm_unlink(name) == 0 ? leave() : failed("shm_unlink");
}

/* --- a robust mutex: the lock is in the memory ------------------------------------------------------ */

struct guarded {
    pthread_mutex_t mutex;
    struct accounts accounts;
};

static struct guarded *make_guarded(void)
{
    const int access = PROT_READ | PROT_WRITE;
    void *bytes = mmap(NULL, sizeof(struct guarded), access, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return NULL;
    struct guarded *guarded = bytes;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&guarded->mutex, &attributes);
    guarded->accounts.left = TOTAL;
    return guarded;
}

static int robust(void)
{
    struct guarded *guarded = make_guarded();
    if (!guarded)
        return failed("mmap");
    pid_t child = fork();
    if (child < 0)
        return failed("fork");
    if (child == 0) {
        pthread_mutex_lock(&guarded->mutex);
        guarded->accounts.left -= 1;
        raise(SIGKILL);
    }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
        return failed("waitpid");
    if (pthread_mutex_lock(&guarded->mutex) == EOWNERDEAD) {
        guarded->accounts.right = TOTAL - guarded->accounts.left;
        pthread_mutex_consistent(&guarded->mutex);
        printf("robust: the owner died; mended, %" PRId64 " and %" PRId64 "\n", guarded->accounts.left,
               guarded->accounts.right);
    }
    pthread_mutex_unlock(&guarded->mutex);
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *role = argc > 1 ? argv[1] : "";
    const char *name = argc > 2 ? argv[2] : "/mutex-structure";
    if (strcmp(role, "robust") == 0)
        return robust();
    if (strcmp(role, "begin") == 0)
        return attach(name, O_CREAT | O_EXCL) || begin();
    if (strcmp(role, "work") == 0)
        return attach(name, 0) || work();
    if (strcmp(role, "hold") == 0)
        return attach(name, 0) || hold();
    if (strcmp(role, "end") == 0)
        return attach(name, 0) || end(name);
    fprintf(stderr, "usage: mutex-structure begin|work|hold|end [NAME] | robust\n");
    return 2;
}
