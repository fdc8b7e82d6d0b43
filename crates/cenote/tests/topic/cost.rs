//! What publishing costs, in instructions, which are counted one by one: it is the same however many subscribe.
#![allow(unsafe_code)]

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{self, Command, Stdio};

use cenote::{Subscriber, Topic};

use super::{Name, Rules, minute};

const NAME: &str = "CENOTE_TEST_PUBLISHES";
const SIGTRAP: i32 = 5;
/// More than there is room for, so that it goes round.
const MESSAGES: usize = 16;
const LONG: usize = 300;

/// Publishes short messages, and then long ones, stopping before, between and after.
pub(crate) fn serve_if_asked() {
    let Ok(name) = env::var(NAME) else { return };
    let tx = Topic::<[u8]>::attach(name.as_str()).unwrap().publisher().unwrap();
    // SAFETY: it takes numbers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    trace(libc::PTRACE_TRACEME, 0);
    // SAFETY: it takes nothing.
    println!("\nthread {}", unsafe { libc::gettid() });
    for len in [64, LONG] {
        // The first ones find what is found once.
        (0..MESSAGES).for_each(|_| tx.publish(&vec![7; len]).unwrap());
        let message = vec![7; len];
        stop();
        for _ in 0..MESSAGES {
            tx.publish(&message).unwrap();
        }
        stop();
    }
    process::exit(0);
}

fn stop() {
    // SAFETY: it takes a number.
    unsafe { libc::raise(libc::SIGSTOP) };
}

fn trace(request: libc::c_uint, pid: i32) {
    // SAFETY: these requests take no memory of ours.
    let done = unsafe { libc::ptrace(request, pid, 0, 0) };
    assert_eq!(done, 0, "ptrace: {}", std::io::Error::last_os_error());
}

/// Who steps and who is stepped take turns: on one processor that is six times as fast.
fn to_one_processor(pid: i32) {
    // SAFETY: a set is an array of bits, and may be empty.
    let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: it takes nothing.
    let processor = unsafe { libc::sched_getcpu() };
    // SAFETY: it is one that there is.
    unsafe { libc::CPU_SET(processor as usize, &mut one) };
    for thread in [0, pid] {
        // SAFETY: a whole set, which lives through the call. Where the system refuses it is only slower.
        unsafe { libc::sched_setaffinity(thread, size_of::<libc::cpu_set_t>(), &raw const one) };
    }
}

/// Waits until it stops: the signal that it stops with, or `None` when it has ended.
fn wait(pid: i32) -> Option<i32> {
    let mut status = 0;
    // SAFETY: waits for our own child; `status` is ours to write.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) };
    // Who has ended goes with its process, and may be gone already.
    (waited == pid && libc::WIFSTOPPED(status)).then(|| libc::WSTOPSIG(status))
}

/// The instructions between two stops of each pair.
fn instructions(name: &Name) -> Vec<u64> {
    let program = env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "publishing", "--nocapture"]).env(NAME, name.address());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // A thread of it is traced, as each test has one.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let pid = lines.find_map(|line| line.strip_prefix("thread ")?.parse().ok()).expect("its thread");
    to_one_processor(pid);
    let mut counted = vec![];
    while let Some(signal) = wait(pid) {
        assert_eq!(signal, libc::SIGSTOP);
        let mut count = 0;
        loop {
            trace(libc::PTRACE_SINGLESTEP, pid);
            match wait(pid) {
                Some(SIGTRAP) => count += 1,
                Some(libc::SIGSTOP) => break,
                other => panic!("it stops with {other:?}"),
            }
        }
        counted.push(count / MESSAGES as u64);
        trace(libc::PTRACE_CONT, pid);
    }
    assert!(child.wait().unwrap().success());
    counted
}

#[test]
fn publishing_costs_the_same_however_many_subscribe() {
    let _watchdog = minute();
    for rules in [Rules::One, Rules::Many] {
        let mut all = vec![];
        for subscribers in [1, 2, 4, 8] {
            let name = Name::unique("topic");
            let options = rules.options().message(LONG as u64).depth(8).spare(8);
            let _topic = options.create(name.address()).unwrap();
            let subscribe = || Topic::<[u8]>::attach(name.address()).unwrap().subscriber().unwrap();
            let readers: Vec<Subscriber> = (0..subscribers).map(|_| subscribe()).collect();
            all.push(instructions(&name));
            assert!(readers.iter().all(|rx| rx.try_receive().unwrap().is_some()));
        }
        println!(
            "{rules:?}: instructions of a short one and a long one, by 1, 2, 4 and 8 subscribers: {all:?}"
        );
        assert!(all.iter().all(|one| one[0] == all[0][0]), "{rules:?}: {all:?}");
        // Who has a long one in hand is looked for once for several messages: for more of them by one who is alone.
        assert!(rules == Rules::Many || all[3][1] * 10 <= all[0][1] * 11, "{rules:?}: {all:?}");
    }
}
