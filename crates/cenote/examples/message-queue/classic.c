/* A message queue between two programs: message-queue [--at PATH] send KIND TEXT | receive [COUNT] | work | remove
 *
 * `send` leaves a message, and ends; `receive` takes so many, waiting for each; `work` takes one and has it in hand
 * until Enter is pressed. PATH is any file or folder that both know: the key is ftok(PATH, 77).
 * By `msgget`, `msgsnd` and `msgrcv`. */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

enum { PROJECT = 77, LONGEST = 4096 };

struct message {
    long kind; /* above 0 */
    char text[LONGEST];
};

static int failed(const char *call)
{
    perror(call);
    return 1;
}

static int send_one(int queue, const char *kind, const char *text)
{
    struct message message = {.kind = atol(kind)};
    size_t length = strlen(text);
    if (length > LONGEST) {
        fprintf(stderr, "message-queue: %zu bytes are more than %d\n", length, LONGEST);
        return 1;
    }
    memcpy(message.text, text, length);
    if (msgsnd(queue, &message, length, 0) != 0)
        return failed("msgsnd");
    printf("send: %ld \"%s\"\n", message.kind, text);
    return 0;
}

static int receive(int queue, long count)
{
    static struct message message;
    while (count-- > 0) {
        ssize_t length = msgrcv(queue, &message, LONGEST, 0, 0);
        if (length < 0)
            return failed("msgrcv");
        printf("receive: %ld \"%.*s\"\n", message.kind, (int)length, message.text);
    }
    return 0;
}

static int work(int queue)
{
    static struct message message;
    ssize_t length = msgrcv(queue, &message, LONGEST, 0, 0); /* from here on, no one else has it */
    if (length < 0)
        return failed("msgrcv");
    printf("work: has %ld \"%.*s\"; Enter ends it\n", message.kind, (int)length, message.text);
    getchar();
    printf("work: done\n");
    return 0;
}

static int remove_queue(key_t key)
{
    int queue = msgget(key, 0);
    if (queue < 0)
        return failed("msgget");
    if (msgctl(queue, IPC_RMID, NULL) != 0)
        return failed("msgctl");
    printf("remove: done\n");
    return 0;
}

int main(int argc, char **argv)
{
    const char *path = ".";
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 2 && strcmp(argv[1], "--at") == 0) {
        path = argv[2];
        argc -= 2;
        argv += 2;
    }
    key_t key = ftok(path, PROJECT);
    if (key == -1)
        return failed("ftok");
    if (argc == 2 && strcmp(argv[1], "remove") == 0)
        return remove_queue(key);
    int queue = msgget(key, IPC_CREAT | 0600);
    if (queue < 0)
        return failed("msgget");
    if (argc == 4 && strcmp(argv[1], "send") == 0)
        return send_one(queue, argv[2], argv[3]);
    if (argc >= 2 && strcmp(argv[1], "receive") == 0)
        return receive(queue, argc > 2 ? atol(argv[2]) : 1);
    if (argc == 2 && strcmp(argv[1], "work") == 0)
        return work(queue);
    fprintf(stderr, "usage: message-queue [--at PATH] send KIND TEXT | receive [COUNT] | work | remove\n");
    return 2;
}
