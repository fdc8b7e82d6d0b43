/* Memory without a name, shared with a child process: mmap-fork parent|child
 *
 * `parent` is the classic way: anonymous memory that a forked child inherits. `child` is for a parent
 * of Cenote's: the memory comes as a descriptor over standard input, a Unix socket. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 4096 };

static int failed(const char *call)
{
    perror(call);
    return 1;
}

static int parent(void)
{
    char *bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return failed("mmap");
    strcpy(bytes, "from the parent");

    pid_t child = fork();
    if (child < 0)
        return failed("fork");
    if (child == 0) {
        printf("child: read \"%s\"\n", bytes);
        strcpy(bytes, "from the child");
        fflush(stdout);
        _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        return failed("waitpid");
    printf("parent: read \"%s\"\n", bytes);
    return munmap(bytes, SIZE) == 0 ? 0 : failed("munmap");
}

/* The message is 8 bytes, `CENOTE`, version 1 and kind 0 (to read and write), with one descriptor. */
static int receive_memory(void)
{
    unsigned char bytes[8];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { bytes, sizeof bytes };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    if (recvmsg(STDIN_FILENO, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL) != sizeof bytes)
        return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (memcmp(bytes, "CENOTE\1\0", sizeof bytes) != 0 || !header || header->cmsg_type != SCM_RIGHTS)
        return -1;
    int memory;
    memcpy(&memory, CMSG_DATA(header), sizeof memory);
    return memory;
}

static int child(void)
{
    int memory = receive_memory();
    if (memory < 0) {
        fprintf(stderr, "mmap-fork: no memory came over standard input\n");
        return 1;
    }
    struct stat facts;
    if (fstat(memory, &facts) != 0 || facts.st_size < SIZE)
        return failed("fstat");
    char *bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (bytes == MAP_FAILED)
        return failed("mmap");
    printf("child: read \"%.*s\"\n", (int)strnlen(bytes, SIZE), bytes);
    if (lockf(memory, F_LOCK, 0) != 0)
        return failed("lockf");
    strcpy(bytes, "from the child");
    return lockf(memory, F_ULOCK, 0) == 0 ? 0 : failed("lockf");
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "parent") == 0)
        return parent();
    if (argc > 1 && strcmp(argv[1], "child") == 0)
        return child();
    fprintf(stderr, "usage: mmap-fork parent|child\n");
    return 2;
}
