/* System V shared memory in its five steps: system-v write|read [PATH]
 *
 * `write` makes a segment and leaves a text in it; `read` prints the text and removes the segment.
 * PATH is any file or folder that both know: its key is ftok(PATH, 81). */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

enum { PROJECT = 81, SIZE = 1024 };
static const char TEXT[] = "Hello from C!";

static int failed(const char *call)
{
    perror(call);
    return 1;
}

static int write_text(key_t key)
{
    int id = shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600);
    if (id < 0)
        return failed("shmget");
    char *bytes = shmat(id, NULL, 0);
    if (bytes == (void *)-1)
        return failed("shmat");
    strcpy(bytes, TEXT);
    printf("write: \"%s\" to key 0x%08x, id %d, %d bytes\n", TEXT, (unsigned)key, id, SIZE);
    return shmdt(bytes) == 0 ? 0 : failed("shmdt");
}

static int read_text(key_t key)
{
    int id = shmget(key, 0, 0);
    if (id < 0)
        return failed("shmget");
    const char *bytes = shmat(id, NULL, SHM_RDONLY);
    if (bytes == (void *)-1)
        return failed("shmat");
    struct shmid_ds facts;
    if (shmctl(id, IPC_STAT, &facts) != 0)
        return failed("shmctl");
    printf("read: \"%.*s\", %zu bytes\n", (int)strnlen(bytes, facts.shm_segsz), bytes, facts.shm_segsz);
    if (shmdt(bytes) != 0)
        return failed("shmdt");
    if (shmctl(id, IPC_RMID, NULL) != 0)
        return failed("shmctl");
    printf("read: removed\n");
    return 0;
}

int main(int argc, char **argv)
{
    key_t key = ftok(argc > 2 ? argv[2] : ".", PROJECT);
    if (key == -1)
        return failed("ftok");
    if (argc > 1 && strcmp(argv[1], "write") == 0)
        return write_text(key);
    if (argc > 1 && strcmp(argv[1], "read") == 0)
        return read_text(key);
    fprintf(stderr, "usage: system-v write|read [PATH]\n");
    return 2;
}
