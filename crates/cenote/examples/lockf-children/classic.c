/* Many processes, one counter, and lockf around it: lockf-children begin|count|end [NAME]
 *
 * `begin` makes the segment, `count` forks children that add to the counter in it, `end` prints the
 * counter and removes the segment. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 4096, CHILDREN = 4, TIMES = 1000 };

static int failed(const char *call)
{
    perror(call);
    return 1;
}

/* The counter, and the descriptor that its lock is taken with. */
static volatile uint64_t *attach(int segment)
{
    void *bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, segment, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

static int begin(const char *name)
{
    int segment = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (segment < 0)
        return failed("shm_open");
    if (ftruncate(segment, SIZE) != 0)
        return failed("ftruncate");
    volatile uint64_t *counter = attach(segment);
    if (!counter)
        return failed("mmap");
    printf("begin: the counter is %" PRIu64 "\n", *counter);
    return 0;
}

static int child(int segment, volatile uint64_t *counter)
{
    for (int i = 0; i < TIMES; i++) {
        if (lockf(segment, F_LOCK, 0) != 0)
            return failed("lockf");
        *counter = *counter + 1;
        if (lockf(segment, F_ULOCK, 0) != 0)
            return failed("lockf");
    }
    return 0;
}

static int count(const char *name)
{
    int segment = shm_open(name, O_RDWR, 0);
    if (segment < 0)
        return failed("shm_open");
    volatile uint64_t *counter = attach(segment);
    if (!counter)
        return failed("mmap");
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();
        if (pid < 0)
            return failed("fork");
        if (pid == 0)
            _exit(child(segment, counter));
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        if (wait(&status) < 0 || status != 0)
            return failed("wait");
    }
    printf("count: %d children have added %d each\n", CHILDREN, TIMES);
    return 0;
}

static int end(const char *name)
{
    int segment = shm_open(name, O_RDWR, 0);
    if (segment < 0)
        return failed("shm_open");
    volatile uint64_t *counter = attach(segment);
    if (!counter)
        return failed("mmap");
    if (lockf(segment, F_LOCK, 0) != 0)
        return failed("lockf");
    printf("end: the counter is %" PRIu64 "\n", *counter);
    return shm_unlink(name) == 0 ? 0 : failed("shm_unlink");
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *name = argc > 2 ? argv[2] : "/lockf-children";
    if (argc > 1 && strcmp(argv[1], "begin") == 0)
        return begin(name);
    if (argc > 1 && strcmp(argv[1], "count") == 0)
        return count(name);
    if (argc > 1 && strcmp(argv[1], "end") == 0)
        return end(name);
    fprintf(stderr, "usage: lockf-children begin|count|end [NAME]\n");
    return 2;
}
