/* One picture for all, behind a mutex in the shared memory, and a semaphore for each viewer.
 *
 * camera [--at NAME] camera [COUNT] | viewer COUNT | slow COUNT | late COUNT
 *
 * `camera COUNT` takes 30 pictures a second; without a count, one when Enter is pressed. `viewer` begins with the next
 * picture, `late` with the one that is there. `slow` looks at each until Enter is pressed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 640, HEIGHT = 480, PIXEL = 3, SEATS = 8 };

struct picture {
    uint64_t number; /* 0: none was taken */
    uint64_t time;   /* nanoseconds since 1970 */
    uint32_t width, height;
    uint8_t pixels[HEIGHT][WIDTH][PIXEL];
};

struct shared {
    pthread_mutex_t lock;
    sem_t news[SEATS]; /* how many pictures a viewer was not told of yet */
    int taken[SEATS];
    struct picture picture;
};

static struct shared *shared;
static struct picture copy;

static int failed(const char *call)
{
    perror(call);
    return 1;
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint32_t sum(const struct picture *picture)
{
    const uint8_t *bytes = &picture->pixels[0][0][0];
    uint32_t sum = 0x811c9dc5;
    for (size_t i = 0; i < sizeof picture->pixels; i++)
        sum = (sum ^ bytes[i]) * 0x01000193;
    return sum;
}

static int attach(const char *name, int flags)
{
    int segment = shm_open(name, O_RDWR | flags, 0600);
    if (segment < 0)
        return failed("shm_open");
    if ((flags & O_CREAT) && ftruncate(segment, sizeof *shared) != 0)
        return failed("ftruncate");
    void *bytes = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, segment, 0);
    if (bytes == MAP_FAILED)
        return failed("mmap");
    shared = bytes;
    return close(segment);
}

static void enter(void)
{
    if (pthread_mutex_lock(&shared->lock) == EOWNERDEAD)
        pthread_mutex_consistent(&shared->lock); /* and who knows what half of the picture is */
}

static void leave(void)
{
    pthread_mutex_unlock(&shared->lock);
}

/* --- the camera --------------------------------------------------------------------------------------- */

static void make(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->lock, &attributes);
    for (int seat = 0; seat < SEATS; seat++)
        sem_init(&shared->news[seat], 1, 0);
}

static uint32_t take(uint64_t number)
{
    enter(); /* the camera waits for every viewer who copies */
    struct picture *picture = &shared->picture;
    picture->number = number;
    picture->time = now();
    picture->width = WIDTH;
    picture->height = HEIGHT;
    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < WIDTH; x++) {
            const unsigned shades[PIXEL] = {x / 3, y / 2, x + y};
            for (int i = 0; i < PIXEL; i++)
                picture->pixels[y][x][i] = (uint8_t)(shades[i] + 8 * number);
        }
    for (int seat = 0; seat < SEATS; seat++)
        if (shared->taken[seat])
            sem_post(&shared->news[seat]);
    uint32_t all = sum(picture);
    leave();
    return all;
}

static int camera(const char *name, const char *count)
{
    if (attach(name, O_CREAT | O_EXCL) != 0)
        return 1;
    make();
    printf(count ? "camera: ready\n" : "camera: ready; Enter takes a picture\n");
    for (uint64_t number = 1, last = count ? strtoull(count, NULL, 10) : 0; !count || number <= last; number++) {
        if (!count && getchar() == EOF)
            break;
        uint32_t all = take(number);
        if (count)
            usleep(1000000 / 30);
        else
            printf("camera: picture %" PRIu64 ", sum %" PRIx32 "\n", number, all);
    }
    if (count)
        printf("camera: %s pictures\n", count);
    return shm_unlink(name) == 0 ? 0 : failed("shm_unlink");
}

/* --- a viewer ----------------------------------------------------------------------------------------- */

static int sit_down(int late)
{
    int seat = 0;
    enter();
    while (seat < SEATS && shared->taken[seat])
        seat++;
    if (seat < SEATS) {
        shared->taken[seat] = 1;
        while (sem_trywait(&shared->news[seat]) == 0)
            ; /* news for who sat here before */
        if (late && shared->picture.number != 0)
            sem_post(&shared->news[seat]);
    }
    leave();
    return seat;
}

static int view(uint64_t count, int late, int slowly)
{
    int seat = sit_down(late);
    if (seat == SEATS) {
        fprintf(stderr, "camera: all seats are taken\n");
        return 1;
    }
    printf("viewer: ready\n");
    uint64_t missed = 0, last = 0;
    while (count > 0) {
        while (sem_wait(&shared->news[seat]) != 0)
            if (errno != EINTR)
                return failed("sem_wait");
        enter();
        copy = shared->picture; /* nobody else may copy, nor the camera go on */
        leave();
        if (copy.number == last)
            continue; /* told of it once more */
        if (last != 0)
            missed += copy.number - last - 1;
        last = copy.number;
        printf("viewer: picture %" PRIu64 ", %u x %u, sum %" PRIx32 ", %" PRIu64 " missed, %" PRIu64 " us old\n",
               copy.number, copy.width, copy.height, sum(&copy), missed, (now() - copy.time) / 1000);
        count--;
        if (slowly && getchar() == EOF)
            break;
    }
    enter();
    shared->taken[seat] = 0; /* which who is killed does not do */
    leave();
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *name = "/cookbook-camera";
    if (argc > 2 && strcmp(argv[1], "--at") == 0) {
        name = argv[2];
        argv += 2, argc -= 2;
    }
    const char *role = argc > 1 ? argv[1] : "";
    if (argc <= 3 && strcmp(role, "camera") == 0)
        return camera(name, argc > 2 ? argv[2] : NULL);
    int late = strcmp(role, "late") == 0, slowly = strcmp(role, "slow") == 0;
    if (argc == 3 && (late || slowly || strcmp(role, "viewer") == 0))
        return attach(name, 0) || view(strtoull(argv[2], NULL, 10), late, slowly);
    fprintf(stderr, "usage: camera [--at NAME] camera [COUNT] | viewer|slow|late COUNT\n");
    return 2;
}
