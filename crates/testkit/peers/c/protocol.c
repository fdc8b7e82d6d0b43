/* The line protocol of ../README.md: the loop over commands, the replies, and the commands that
 * only look at the attached bytes. */
#define _GNU_SOURCE
#include "protocol.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ARGUMENTS = 4 };

struct attachment attachment;
static bool leaving;

/* --- replies ----------------------------------------------------------------------------------- */

void reply_ok(void) { puts("ok"); }

void reply_number(unsigned long long number) { printf("ok %llu\n", number); }

void reply_error(const char *kind, const char *message) { printf("err %s %s\n", kind, message); }

static const char *kind_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM: return "PermissionDenied";
    case EINVAL: return "InvalidSize";
    case EEXIST: return "AlreadyExists";
    case ENOENT: return "NotFound";
    case EBADF:
    case EDEADLK:
    case EIDRM: return "LockError";
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC: return "OutOfResources";
    case EAGAIN: return "Timeout";
    default: return "Unknown";
    }
}

void reply_errno(const char *operation)
{
    int error = errno;
    printf("err %s %s: %s\n", kind_of(error), operation, strerror(error));
}

unsigned long long number_of(const char *text) { return strtoull(text, NULL, 0); }

/* --- commands that are the same for every kind ------------------------------------------------- */

/* Whether `length` bytes at `offset` are attached; replies if they are not. */
static bool in_bounds(size_t offset, size_t length)
{
    if (!attachment.bytes) {
        reply_error("NotFound", "nothing is attached");
        return false;
    }
    if (offset > attachment.size || length > attachment.size - offset) {
        reply_error("InvalidSize", "past the end of the segment");
        return false;
    }
    return true;
}

static bool writable(size_t offset, size_t length)
{
    if (!in_bounds(offset, length))
        return false;
    if (attachment.read_only) {
        reply_error("PermissionDenied", "attached read-only");
        return false;
    }
    return true;
}

static void run_size(char **arguments)
{
    (void)arguments;
    if (in_bounds(0, 0))
        reply_number(attachment.size);
}

static void run_write(char **arguments)
{
    size_t offset = number_of(arguments[0]);
    size_t length = strlen(arguments[1]) / 2;
    if (!writable(offset, length))
        return;
    for (size_t i = 0; i < length; i++) {
        char digits[3] = { arguments[1][2 * i], arguments[1][2 * i + 1], 0 };
        attachment.bytes[offset + i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    reply_ok();
}

static void run_read(char **arguments)
{
    size_t offset = number_of(arguments[0]);
    size_t length = number_of(arguments[1]);
    if (!in_bounds(offset, length))
        return;
    fputs("ok ", stdout);
    for (size_t i = 0; i < length; i++)
        printf("%02x", attachment.bytes[offset + i]);
    putchar('\n');
}

static void run_lock(char **arguments)
{
    (void)arguments;
    if (peer_lock(true))
        reply_ok();
    else
        reply_errno("lock");
}

static void run_try_lock(char **arguments)
{
    (void)arguments;
    if (peer_lock(false))
        reply_ok();
    else
        reply_errno("try-lock");
}

static void run_unlock(char **arguments)
{
    (void)arguments;
    if (peer_unlock())
        reply_ok();
    else
        reply_errno("unlock");
}

/* Adds one without any atomic: only the lock keeps two processes from losing a count. */
static void run_increment(char **arguments)
{
    size_t offset = number_of(arguments[0]);
    unsigned long long times = number_of(arguments[1]);
    if (!writable(offset, sizeof(uint64_t)))
        return;
    volatile uint64_t *word = (volatile uint64_t *)(void *)(attachment.bytes + offset);
    for (unsigned long long i = 0; i < times; i++) {
        if (!peer_lock(true)) {
            reply_errno("lock");
            return;
        }
        uint64_t seen = *word;
        *word = seen + 1;
        if (!peer_unlock()) {
            reply_errno("unlock");
            return;
        }
    }
    reply_ok();
}

static void run_exit(char **arguments)
{
    (void)arguments;
    leaving = true;
    reply_ok();
}

static const struct command common_commands[] = {
    { "size", 0, run_size },           { "write", 2, run_write },   { "read", 2, run_read },
    { "lock", 0, run_lock },           { "unlock", 0, run_unlock }, { "try-lock", 0, run_try_lock },
    { "increment", 2, run_increment }, { "exit", 0, run_exit },     { NULL, 0, NULL },
};

/* --- the loop ---------------------------------------------------------------------------------- */

static const struct command *find(const struct command *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static void answer(char *line)
{
    char *name = strsep(&line, " ");
    char *arguments[MOST_ARGUMENTS + 1] = { NULL };
    int count = 0;
    while (line && count < MOST_ARGUMENTS)
        arguments[count++] = strsep(&line, " ");

    const struct command *command = find(peer_commands, name);
    if (!command)
        command = find(common_commands, name);
    if (!command)
        reply_error("Unsupported", "no such command here");
    else if (count < command->required)
        reply_error("Unsupported", "arguments are missing");
    else
        command->run(arguments);
}

int main(void)
{
    /* One write per reply; stdio's own buffer would hold it back on a pipe. */
    setvbuf(stdout, NULL, _IOLBF, 1 << 16);
    puts("ready");

    char *line = NULL;
    size_t room = 0;
    while (!leaving && getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        answer(line);
        fflush(stdout);
    }
    free(line);
    peer_leave();
    return 0;
}
