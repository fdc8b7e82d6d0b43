/* The line protocol of ../README.md, as the C peers share it: protocol.c reads the commands and
 * answers those that are the same for every kind of memory, each peer adds its own. */
#ifndef PEER_PROTOCOL_H
#define PEER_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

/* The segment this peer has attached; `bytes` is null while there is none. */
struct attachment {
    unsigned char *bytes;
    size_t size;
    bool read_only;
};
extern struct attachment attachment;

/* One command: arguments beyond those given are null. */
struct command {
    const char *name;
    int required;
    void (*run)(char **arguments);
};

/* What a peer provides. The table ends with a null name; the lock functions set errno. */
extern const struct command peer_commands[];
bool peer_lock(bool wait);
bool peer_unlock(void);
void peer_leave(void);

/* What a command uses to answer: exactly one of these, once. */
void reply_ok(void);
void reply_number(unsigned long long number);
void reply_error(const char *kind, const char *message);
void reply_errno(const char *operation);

/* The number at `text`, decimal, octal (0) or hexadecimal (0x). */
unsigned long long number_of(const char *text);

#endif
