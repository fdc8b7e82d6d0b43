/* A mapped file: mmap-file write|await FILE TEXT
 *
 * `write` makes the file if there is none, maps it and puts TEXT in it; `await` maps it and waits
 * until it holds TEXT. Both keep others out with lockf while they are in it. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 4096 };

static int failed(const char *call)
{
    perror(call);
    return 1;
}

static int write_text(const char *path, const char *text)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return failed("open");
    struct stat facts;
    if (fstat(file, &facts) != 0)
        return failed("fstat");
    if (facts.st_size < SIZE && ftruncate(file, SIZE) != 0)
        return failed("ftruncate");
    char *bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED)
        return failed("mmap");

    if (lockf(file, F_LOCK, 0) != 0)
        return failed("lockf");
    printf("write: \"%.*s\" becomes \"%s\"\n", (int)strnlen(bytes, SIZE), bytes, text);
    snprintf(bytes, SIZE, "%s", text);
    if (lockf(file, F_ULOCK, 0) != 0)
        return failed("lockf");

    if (msync(bytes, SIZE, MS_SYNC) != 0)
        return failed("msync");
    if (munmap(bytes, SIZE) != 0)
        return failed("munmap");
    return close(file) == 0 ? 0 : failed("close");
}

static int await_text(const char *path, const char *text)
{
    /* lockf asks for a descriptor that may write. */
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return failed("open");
    char *bytes = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED)
        return failed("mmap");
    const time_t end = time(NULL) + 60;
    for (;;) {
        if (lockf(file, F_LOCK, 0) != 0)
            return failed("lockf");
        int there = strncmp(bytes, text, SIZE) == 0;
        if (lockf(file, F_ULOCK, 0) != 0)
            return failed("lockf");
        if (there)
            break;
        if (time(NULL) > end) {
            fprintf(stderr, "the text did not come within a minute\n");
            return 1;
        }
        nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
    }
    printf("await: \"%s\" is there\n", text);
    return munmap(bytes, SIZE) == 0 ? 0 : failed("munmap");
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 3 && strcmp(argv[1], "write") == 0)
        return write_text(argv[2], argv[3]);
    if (argc > 3 && strcmp(argv[1], "await") == 0)
        return await_text(argv[2], argv[3]);
    fprintf(stderr, "usage: mmap-file write|await FILE TEXT\n");
    return 2;
}
