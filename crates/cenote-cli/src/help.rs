//! The long help texts: what a manual page would say.

pub(crate) const ABOUT: &str = "\
Shared memory made comfortable.

cenote creates, writes, reads, locks, lists and removes shared memory: its own, and every kind that programs really use: POSIX, \
System V, mapped files, anonymous memory, and what Qt's QSharedMemory makes. It follows the rules of each kind, and takes the lock that \
its programs take: it joins a Qt, C, C++ or Python program without changing it.";

pub(crate) const ADDRESSES: &str = "\
Addresses:
  An address says where a segment is, as KIND:NAME.

  camera/front             a native segment: its lock recovers from a dead holder;
                           also cenote:camera/front, and cenote:@user/camera/front
  posix:/frames            what shm_open(\"/frames\") opens: C, C++, Python
  sysv:0x5100c01f          what shmget finds under this key
  sysv:/etc/hostname#81    the same by ftok(\"/etc/hostname\", 81)
  sysv:id=32769            a System V segment by its id, see `ipcs -m`
  file:/tmp/frames         a mapped file; it stays when all have gone
  memfd:scratch            new anonymous memory; it goes with its last holder
  memfd:1234/5             what process 1234 has as its descriptor 5
  qt:MyUniqueKey           what QSharedMemory(\"MyUniqueKey\") means here
  qt:posix:/frames         a QNativeIpcKey in Qt's text form: POSIX
  qt:systemv:/tmp/...      the same on System V; qt:systemv-7:... with another project id

  This can be written too, and is not supported by this version on this system:

  windows:Local\\Frames     a named file mapping

Exit codes:
  0  done
  1  refused by the system, or not found; `cenote doctor`: something is to be mended
  2  the command line cannot be understood, an address included
  3  timed out (--timeout)

  `cenote lock` passes on the status of its command.

Errors:
  Go to stderr, in two lines: what went wrong, and what to do.

Examples:
  cenote write posix:/greeting 'Hello, World!' --create
  cenote read posix:/greeting
  cenote ls
  cenote rm posix:/greeting";

pub(crate) const LS: &str = "\
List the segments on this machine: native ones, POSIX ones, System V ones, Qt's, and memory without a name that some \
process has. Looking never attaches.

SIZE is what was asked for, MEMORY what it takes now. HOLDERS counts the attachments that the kernel counts, or the \
processes that are seen to map it or to have it open. MAKER is whose it is, as far as its name tells, or what its maker called \
memory without a name. VERDICT says whether the segment is of use to anyone:

  live     it has holders
  kept     it has none, but its maker asked for it to stay
  stale    it is proven to be of no use to anyone: `cenote reap` removes it
  unknown  it cannot be told; `cenote show` says why, and what to do

AGE is since when nobody has used it in a way that leaves a trace, as --older of `cenote reap` counts: making, attaching, \
detaching, reading and writing by system calls do, a store to the memory does not. CONTENTS is what a native segment says that \
is in it: bytes, a value and its type, or a blob.

With --all there follow POSIX semaphores, System V's semaphore sets and its message queues.

A PATTERN is an address in which `*` stands for any text and `?` for one character; a kind alone, as in posix:, is all of \
it, and without a kind it is native segments that are meant. What --stale, --verdict, --owner and --maker say has to hold as well.

--watch lists again and again until Ctrl-C: on a terminal in one place, else one list after the other, with a line between \
them that begins with `--` and has the time. With --json each is an array on one line.

The table is the same on a terminal and in a pipe. --json prints an array of objects, one a segment, with `address`, \
`kind`, `size`, `memory`, `maker`, `verdict`, `reason`, `holders` (`pid`, `command`, `user`, `access`, `container`) and more; \
sizes are in bytes and times in UTC. With --all the others follow, with a `kind` of `semaphore`, `semaphore-set` or \
`message-queue`.";

pub(crate) const LS_EXAMPLES: &str = "\
Examples:
  cenote ls
  cenote ls posix:
  cenote ls 'posix:psm_*' 'robot/*' --sort age
  cenote ls --stale --sort memory
  cenote ls --verdict stale,unknown --owner root --maker Python
  cenote ls --all
  cenote ls --json";

pub(crate) const SHOW: &str = "\
Show all there is to know of one segment: size, owner, mode, verdict and its reason, who has its lock, who holds it, \
when it was last used, and what is in it. Looking never attaches: contents are told of posix:, file: and \
memfd: segments; of native ones that have a value or a blob: its version, the fields of the type, and what the value is \
now, up to 64KiB; and of sysv: segments and Qt's on System V as long as somebody has them attached whose memory this user may read \
(root reads anybody's). `cenote read` reads any.

What is recognised is a text, a QImage, and what Python's ShareableList puts there, item by item if that is not larger than 1MiB; \
of anything else the first bytes are shown in hex. With --json there are `contents` in words, `items` of a list, the `value`, or \
`hex`, and in `unseen` why nothing was looked at.";

pub(crate) const SHOW_EXAMPLES: &str = "\
Examples:
  cenote create posix:/frames --size 64KiB
  cenote show posix:/frames
  cenote show posix:/frames --json
  cenote rm posix:/frames";

pub(crate) const CREATE: &str = "\
Make a segment of zero bytes. It must not exist yet, and stays until it is removed, for kinds whose last detach \
removes (qt:) as well: there, it goes with the next last detach. Anonymous memory (memfd:) cannot stay: it needs \
--hold, and the command prints where it is, as memfd:PID/FD. Nor can windows: segments, which go with their last \
handle; --over FILE makes one whose bytes are in a file.

The memory is reserved, so that what does not fit is an error now and not a crash later; --sparse leaves that out.";

pub(crate) const CREATE_EXAMPLES: &str = "\
Examples:
  cenote create posix:/frames --size 64KiB
  cenote create sysv:0x5100c01f --size 1MiB --mode 0660
  cenote rm posix:/frames sysv:0x5100c01f

  Keep a Qt key occupied until Ctrl-C:
  cenote create qt:MyUniqueKey --size 4096 --hold

  Anonymous memory, for as long as the command runs:
  cenote create memfd:scratch --size 64KiB --hold

  On Windows, a file that others find by a name:
  cenote create windows:Local\\Table --size 1MiB --over C:\\data\\table.bin --hold";

pub(crate) const WRITE: &str = "\
Write a text, or the bytes of a file or of stdin, into a segment, under its lock.

A TEXT is followed by a NUL byte if there is room, so that `cenote read` and C programs see where it ends. Files and \
stdin are written as they are. What does not fit is an error, and then nothing is written.

With --create the segment is made if there is none, as large as --size says or as the data (and --offset) plus one \
byte. One that is there is used if it is large enough. What is made is kept until it is removed, unless --hold is given.

In a blob, what is written is stored as a whole, without a NUL byte, and is all that is in it then; that takes the \
segment's own lock, and --no-lock and --lock-with are refused. A value is stored by programs that have its type, and nothing is written over it. With --offset both are bytes like any others.";

pub(crate) const WRITE_EXAMPLES: &str = "\
Examples:
  cenote write posix:/greeting 'Hello, World!' --create --size 4096
  cenote write posix:/greeting there --offset 7
  date | cenote write posix:/greeting -
  cenote write posix:/greeting --file /etc/hostname
  cenote rm posix:/greeting

  A text that begins with a dash stands after `--`:
  cenote write --create posix:/number -- -5
  cenote rm posix:/number";

pub(crate) const READ: &str = "\
Print what lies in a segment, read under its lock. The segment is attached read-only.

Without --as it is printed as text if it is UTF-8 up to the first NUL, else in hex. A terminal is spared texts with \
control characters: they are shown in hex too, unless --as text asks for them. Forms that read text add a newline; \
--as raw adds nothing, also in a pipe.

Of a native segment with a value or a blob, just that is read, as it was stored in one piece and without the lock: a value \
by its type, a line for each field, or with --as json as JSON; a blob as bytes. With --offset or --len all bytes of the \
segment are read as they lie there.

The lock is let go before anything is printed, except for more than 64MiB: then it is held until all is printed. \
Reading a sysv: segment makes no lock: as long as nobody has made one, it is read without.

With --json the result is an object with `address`, `offset`, `len`, and `text`, `hex`, `image` or `value`; of a value or a \
blob also `version`.";

pub(crate) const READ_EXAMPLES: &str = "\
Examples:
  cenote write posix:/greeting '{\"to\": \"World\"}' --create
  cenote read posix:/greeting
  cenote read posix:/greeting --as json
  cenote read posix:/greeting --as hex --offset 1 --len 4
  cenote read posix:/greeting --as raw -o /tmp/greeting
  cenote read posix:/greeting --timeout 200ms
  cenote rm posix:/greeting";

pub(crate) const IMAGE: &str = "\
Put a picture into a segment, or get it from there, in the form in which Qt programs share pictures: a QImage written \
to a QDataStream. That is what the Shared Memory example of Qt does.";

pub(crate) const IMAGE_EXAMPLES: &str = "\
`put` makes the segment if it is missing, as large as the data, and keeps it unless --hold is given. One that is there \
must be large enough. `get` writes the format that the file's name ends in.

Examples:
  cenote image put qt:QSharedMemoryExample picture.png
  cenote image get qt:QSharedMemoryExample -o copy.jpg
  cenote read qt:QSharedMemoryExample --as image
  cenote image get qt:QSharedMemoryExample -o - > copy.png
  cenote rm qt:QSharedMemoryExample";

pub(crate) const LOCK: &str = "\
Run a command while holding the lock of a segment, as flock(1) does with a file's. The segment must exist.

The whole wait, attaching included, is bounded by --timeout. SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are \
passed on to the command. If cenote dies, the command is killed; after a SIGKILL of cenote the kernel frees the lock \
a moment before that. The command does not inherit the lock: what it leaves \
running in the background does not hold it.

Attaching to a qt: segment on System V takes its lock too, so a command that runs under it cannot attach it; those of \
the other kinds can, with --no-lock.

--break frees a lock that a dead holder has left locked: a POSIX named semaphore, which is the lock of qt:posix: \
segments, or one that is given with --lock-with. It names the processes that have the semaphore open. If the kernel \
says that there is none, its holder is dead, and the lock is freed; else --force frees it, and if its holder lives, two \
have it then. On Windows Qt's own locks are of that sort, the system does not tell who has them open, and only \
--force frees them. A native segment's lock passes on by itself when its holder dies; --break names a holder that lives, \
stuck or stopped perhaps, and --force frees it all the same: the next one is told that it was abandoned. All other locks \
belong to the kernel, which frees them when their holder dies; there, --break is an error.";

pub(crate) const LOCK_EXAMPLES: &str = "\
Exit codes:
  That of the command; 128 and the number of the signal that ended it.
  126 if it cannot be run, 127 if it is not there.
  1, 2 or 3, as for all commands, if it did not get that far.

Examples:
  cenote create posix:/frames --size 4096
  cenote lock posix:/frames -- cenote write --no-lock posix:/frames 'only me'
  cenote lock posix:/frames --timeout 5s -- sh -c 'echo I have it'
  cenote lock posix:/frames --shared -- cenote read --no-lock posix:/frames
  cenote rm posix:/frames

  cenote create qt:posix:/panel --size 4096
  cenote lock --break qt:posix:/panel
  cenote rm qt:posix:/panel";

pub(crate) const RM: &str = "\
Remove segments: their names are taken away. Whoever has one attached keeps the memory, and nobody new can attach. If \
one cannot be removed, the others are even so.

For qt: this also removes what a killed Qt program has left. It takes Qt's lock, for which --timeout limits the wait.";

pub(crate) const RM_EXAMPLES: &str = "\
Exit codes:
  As for all commands; of several, that of the worst.

Examples:
  cenote write posix:/one 1 --create
  cenote write posix:/two 2 --create
  cenote rm posix:/one posix:/two";

pub(crate) const REAP: &str = "\
Remove what is proven stale, and nothing else: native segments whose holders have all died, and of other kinds what is named \
by kind or by pattern and that nobody has mapped, attached or open.

Every segment is looked at again right before it is removed, in the safest way that its kind has, and stays if somebody has \
come for it. Of other kinds than native ones only that is removed which nobody has used for a minute: a name may be on its way \
from one process to another while nobody has the segment open. --older says otherwise.

A PATTERN is an address in which `*` stands for any text and `?` for one character; a kind alone, as in posix:, is all of \
it. Without a kind it is native segments that are meant. Without any pattern it is this user's native segments; as root, all \
users'. Native segments that were made to be kept, as `cenote create` makes them, go with --kept alone, and then --older has to \
say how old they have to be.

POSIX semaphores lie among the posix: segments, and go only by a pattern that begins as their names do: 'posix:sem.*'. One that may \
be the lock of a segment, as Qt's are, goes after that. Semaphore sets and message queues of System V have no users that could be \
counted: none is removed, and of those that a pattern names more closely than sysv: it is said what removes them.

Each line says what was done and why: removed, or spared. With --json it is an array of objects with `address`, `kind`, `size`, \
`verdict`, `reason`, `outcome` (`removed`, `would-remove`, `spared`, `failed`), `why` and `freed`.";

pub(crate) const REAP_EXAMPLES: &str = "\
Exit codes:
  As for all commands; 1 if something stale could not be removed, 0 also if there was nothing to do.

Examples:
  cenote reap
  cenote reap --dry-run posix: sysv: qt:
  cenote reap 'posix:psm_*' --older 10m
  cenote reap 'posix:sem.*'
  cenote reap --kept --older 30d 'robot/*'";

pub(crate) const DOCTOR: &str = "\
Look at everything that shared memory depends on, and say what was found, what it means and what to type: the space, \
files and mode of /dev/shm, the memory cgroup of this process, the kernel's limits on System V segments, semaphores and \
queues, who may write what, what nobody is seen to use, and how much could be seen at all. Nothing is changed.

STATE says whether something is well:

  ok    it is
  note  it may be worth knowing, and does no harm
  mend  it is in the way of making or using segments, or soon will be

Under a line stands what it is about, with size, owner, mode, verdict (see `cenote help ls`) and who holds it, and after \
`try:` what helps. What nobody is seen to use may still be wanted: nothing is called dead that is not proven to be.

Limits and System V objects are those of this process's own IPC namespace, the cgroup is its own, and only root sees the \
maps of all users' processes.

--json prints an object with `healthy` and `findings`, each with `name`, `title`, `state`, `found`, `used`, `limit`, \
`unit`, `meaning`, `items`, `more` and `try` (`command`, `note`).";

pub(crate) const DOCTOR_EXAMPLES: &str = "\
Exit codes:
  As for all commands; 1 also if something is to be mended.

Examples:
  cenote doctor
  cenote doctor --json";

pub(crate) const EXPORT: &str = "\
Print numbers about the shared memory of this machine in Prometheus' text format: segments by kind, maker and verdict, with \
their size, the memory that they take and their holders; the room in /dev/shm and in the memory cgroup; what `cenote doctor` \
finds that is to be mended; how many messages each queue has and had, by its address; and how long it took to find out. No other \
segment's name is among them.

With --listen it is served under /metrics instead, each time as it is then, until Ctrl-C or SIGTERM. That is for Prometheus on the \
same machine, or for a proxy that asks who is there: other addresses than this machine's own take --beyond-loopback. A \
connection is for one request, which has 5 seconds to come; of more than 64 at once, the one that has been there longest goes.

What is there to be seen depends on who looks: for all processes' holders and all proofs it runs as root.

--json prints an array of objects, one a name, with `name`, `help`, `type` and `samples` (`labels`, `value`).";

pub(crate) const EXPORT_EXAMPLES: &str = "\
Examples:
  cenote export
  cenote export --json
  cenote export > /var/lib/prometheus/node-exporter/cenote.prom
  cenote export --listen 127.0.0.1:9841";

pub(crate) const SEND: &str = "\
Send messages to a queue: each is received once, by one of those who receive. Where there is no room the command waits until \
there is, or does what the queue was made for: fails, or drops the oldest message.

A message is the text as it is, without anything that ends it. With `-` each line of stdin is one, as it comes; with --as raw all \
of stdin is one. --as hex takes digits, --as json objects, of which each may have a tag of its own:

  {\"tag\":7,\"text\":\"hello\"}    {\"hex\":\"00ff\"}

To a queue of a type, bytes can be sent of as many as the type has.";

pub(crate) const SEND_EXAMPLES: &str = "\
Examples:
  cenote send robot/goals dock --create
  seq 3 | cenote send robot/goals - --tag 7
  echo '{\"tag\":9,\"hex\":\"00ff\"}' | cenote send robot/goals - --as json
  cenote recv robot/goals --count 5 --json
  cenote rm robot/goals";

pub(crate) const RECV: &str = "\
Receive messages from a queue and print them, one by default, and wait for them as long as --timeout allows. What is printed here \
nobody else receives.

Each message is a line: of a queue of a type the value, else text, or hex digits if it is not text that fits in a line. --as raw \
adds nothing. --as json and --json print an object with `tag`, `len`, and `value`, `text` or `hex`, as `cenote send --as json` takes \
it.

With --follow it goes on until it is interrupted. If it is killed, a message that it had not got yet is received by another.";

pub(crate) const RECV_EXAMPLES: &str = "\
Examples:
  cenote send robot/goals dock --create
  cenote recv robot/goals
  cenote recv robot/goals --timeout 0.1 || echo nothing came
  cenote rm robot/goals

  A log of all that comes, until Ctrl-C:
  cenote recv robot/goals --follow --json >> goals.jsonl";

pub(crate) const PUB: &str = "\
Publish messages to a topic: each is read by everybody who subscribes. The command waits for nobody, unless the topic was made to wait \
for those who are slow; who comes late finds the last messages there.

A message is the text as it is, without anything that ends it. With `-` each line of stdin is one, as it comes; with --as raw all \
of stdin is one. --as hex takes digits, --as json objects, as `cenote send --as json` does.

To a topic of a type, bytes can be published of as many as the type has.";

pub(crate) const PUB_EXAMPLES: &str = "\
Examples:
  cenote pub robot/state docked --create
  seq 3 | cenote pub robot/state - --tag 7
  cenote sub robot/state --last 4 --count 4
  cenote rm robot/state";

pub(crate) const SUB: &str = "\
Subscribe to a topic and print what is published from then on, one message by default, and wait for it as long as --timeout allows. \
With --last it begins with those that are there already. Others who subscribe read the same.

Each message is a line, in the forms that `cenote recv` has. If messages come more quickly than they are printed, some are missed: how \
many is said on stderr. Where this user may only read, the command looks for messages once in a millisecond.

With --follow it goes on until it is interrupted.";

pub(crate) const SUB_EXAMPLES: &str = "\
Examples:
  cenote pub robot/state docked --create
  cenote sub robot/state --last 1
  cenote sub robot/state --timeout 0.1 || echo nothing came
  cenote rm robot/state

  A log of all that comes, until Ctrl-C:
  cenote sub robot/state --follow --json >> state.jsonl";

pub(crate) const COMPLETIONS: &str = "\
Print a script that lets a shell complete the commands and options of cenote.";

pub(crate) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  cenote completions bash > ~/.local/share/bash-completion/completions/cenote
  cenote completions zsh > ~/.zfunc/_cenote
  cenote completions fish > ~/.config/fish/completions/cenote.fish";

pub(crate) const MAN: &str = "\
Print the manual page of a command in the form that man(1) reads, or write those of all commands into a folder.";

pub(crate) const MAN_EXAMPLES: &str = "\
Examples:
  cenote man --out ~/.local/share/man/man1
  cenote man doctor | man -l -";
