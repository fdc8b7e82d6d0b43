/* A structure, a stream of bytes and a number, from one sender to one receiver through a named pipe:
 * tagged-messages [--at PATH] receiver COUNT | struct SENSOR VALUE UNIT | stream FILE | half FILE | number NUMBER
 *                             | tagged TAG TEXT
 *
 * A pipe knows no messages: each has a head in front, with its tag and its length. The receiver makes the pipe, and
 * ends when it has received so many. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char PATH[] = "/tmp/cookbook-tagged";

/* What a message is, by its tag. An empty MORE ends a stream. */
enum { STRUCT = 1, NUMBER = 2, BEGIN = 3, MORE = 4 };
enum { LONGEST = 4096 };

struct head {
    uint32_t tag, length;
};

struct reading {
    uint32_t sensor, quality;
    double value;
    char unit[16]; /* up to a NUL, or all of it */
};

struct stream {
    int open;
    size_t length;
    uint32_t sum;
};

static int failed(const char *call)
{
    perror(call);
    return 1;
}

static uint32_t add(uint32_t sum, const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ bytes[i]) * 0x01000193;
    return sum;
}

static const uint32_t START = 0x811c9dc5;

/* All of it, in as many steps as it takes. */
static int put(int pipe, const void *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(pipe, bytes, length);
        if (written < 0)
            return failed("write");
        bytes = (const char *)bytes + written;
        length -= written;
    }
    return 0;
}

/* The same; 0 is the end of all senders, though not of what is wanted. */
static ssize_t get(int pipe, void *bytes, size_t wanted)
{
    size_t got = 0;
    while (got < wanted) {
        ssize_t more = read(pipe, (char *)bytes + got, wanted - got);
        if (more <= 0)
            return more;
        got += more;
    }
    return got;
}

static int send_one(int pipe, uint32_t tag, const void *bytes, size_t length)
{
    struct head head = {tag, length};
    return put(pipe, &head, sizeof head) || put(pipe, bytes, length);
}

static int send_stream(int pipe, const char *path, int waits)
{
    unsigned char bytes[LONGEST];
    size_t length, all = 0;
    uint32_t sum = START, tag = BEGIN;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return failed(path);
    do {
        length = fread(bytes, 1, sizeof bytes, file);
        if (send_one(pipe, tag, bytes, length) != 0)
            return 1;
        sum = add(sum, bytes, length);
        all += length;
        if (tag == BEGIN && waits) {
            printf("half: sent; Enter goes on\n");
            getchar();
        }
        tag = MORE;
    } while (length > 0);
    fclose(file);
    if (all == 0 && send_one(pipe, MORE, NULL, 0) != 0)
        return 1;
    printf("sender: %zu bytes, sum %" PRIx32 "\n", all, sum);
    return 0;
}

/* Whether it was a message as a whole, and not a piece of a stream. It may be anything. */
static int show(struct head head, const unsigned char *bytes, struct stream *stream)
{
    if (head.tag == STRUCT && head.length == sizeof(struct reading)) {
        struct reading reading;
        memcpy(&reading, bytes, sizeof reading);
        printf("receiver: the structure: sensor %u, quality %u, %g %.*s\n", reading.sensor, reading.quality,
               reading.value, (int)strnlen(reading.unit, sizeof reading.unit), reading.unit);
    } else if (head.tag == NUMBER && head.length == 8) {
        uint64_t number;
        memcpy(&number, bytes, sizeof number);
        printf("receiver: the number %" PRIu64 "\n", number);
    } else if (head.tag == BEGIN) {
        *stream = (struct stream){1, head.length, add(START, bytes, head.length)};
        return 0;
    } else if (head.tag == MORE && !stream->open) {
        printf("receiver: refused: %u bytes of a stream whose beginning nobody saw\n", head.length);
    } else if (head.tag == MORE && head.length > 0) {
        *stream = (struct stream){1, stream->length + head.length, add(stream->sum, bytes, head.length)};
        return 0;
    } else if (head.tag == MORE) {
        printf("receiver: a stream of %zu bytes, sum %" PRIx32 "\n", stream->length, stream->sum);
        stream->open = 0;
    } else if (head.tag == STRUCT || head.tag == NUMBER) {
        printf("receiver: refused: %u bytes are not what their tag says\n", head.length);
    } else {
        printf("receiver: refused: nothing is known of tag %u\n", head.tag);
    }
    return 1;
}

/* Opens the pipe anew, as one that was at its end stays there. Until then it stays open: what is in it would be lost. */
static int wait_for_sender(const char *path, int before)
{
    int pipe = open(path, O_RDONLY | O_NONBLOCK);
    close(before);
    struct pollfd wanted = {pipe, POLLIN, 0};
    if (pipe >= 0 && poll(&wanted, 1, -1) == 1 && fcntl(pipe, F_SETFL, 0) == 0)
        return pipe;
    failed("wait for a sender");
    return -1;
}

static int receive(const char *path, long count)
{
    static unsigned char bytes[LONGEST];
    struct stream stream = {0, 0, 0};
    if (mkfifo(path, 0600) != 0)
        return failed("mkfifo");
    printf("receiver: ready\n");
    int pipe = wait_for_sender(path, -1);
    while (count > 0 && pipe >= 0) {
        struct head head;
        ssize_t got = get(pipe, &head, sizeof head);
        if (got > 0 && head.length > LONGEST) {
            fprintf(stderr, "tagged-messages: %u bytes are more than %d\n", head.length, LONGEST);
            return 1; /* nobody knows where the next head is */
        }
        if (got > 0 && head.length > 0)
            got = get(pipe, bytes, head.length);
        if (got < 0)
            return failed("read");
        int is_cut = got == 0 || head.tag != MORE;
        if (stream.open && is_cut) {
            printf("receiver: a stream was cut short after %zu bytes\n", stream.length);
            stream.open = 0;
        }
        if (got == 0) { /* no sender is left */
            pipe = wait_for_sender(path, pipe);
        } else if (show(head, bytes, &stream)) {
            count--;
        }
    }
    if (unlink(path) != 0)
        return failed("unlink");
    return pipe >= 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *path = PATH;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 2 && strcmp(argv[1], "--at") == 0) {
        path = argv[2];
        argc -= 2;
        argv += 2;
    }
    if (argc == 3 && strcmp(argv[1], "receiver") == 0)
        return receive(path, atol(argv[2]));
    if (argc < 3) {
        fprintf(stderr, "usage: tagged-messages [--at PATH] receiver COUNT | struct SENSOR VALUE UNIT\n"
                        "           | stream FILE | half FILE | number NUMBER | tagged TAG TEXT\n");
        return 2;
    }
    int pipe = open(path, O_WRONLY); /* waits for a receiver */
    if (pipe < 0)
        return failed("open");
    if (strcmp(argv[1], "struct") == 0 && argc == 5) {
        struct reading reading = {.sensor = atoi(argv[2]), .quality = 100, .value = atof(argv[3])};
        memcpy(reading.unit, argv[4], strnlen(argv[4], sizeof reading.unit));
        return send_one(pipe, STRUCT, &reading, sizeof reading);
    }
    if (strcmp(argv[1], "number") == 0) {
        uint64_t number = strtoull(argv[2], NULL, 10);
        return send_one(pipe, NUMBER, &number, sizeof number);
    }
    if (strcmp(argv[1], "tagged") == 0 && argc == 4)
        return send_one(pipe, atoi(argv[2]), argv[3], strlen(argv[3]));
    return send_stream(pipe, argv[2], strcmp(argv[1], "half") == 0);
}
