//! `export`: each line is as Prometheus reads it, and the server answers whoever asks.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use cenote::Segment;

use crate::support::{PATIENCE, Place, Running, cenote, run, until};

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

type Labels = BTreeMap<String, String>;

/// What a program that scrapes makes of the text.
#[derive(Debug, Default)]
struct Scraped(BTreeMap<String, Vec<(Labels, f64)>>);

/// One of the number's own labels.
fn label(rest: &mut &str) -> (String, String) {
    let (name, after) = rest.split_once("=\"").expect("a label");
    assert!(is_name(name) && !name.contains(':'), "{name}");
    let mut value = String::new();
    let mut letters = after.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => {
                *rest = &after[at + 1..];
                return (name.to_owned(), value);
            }
            '\\' => value.push(match letters.next().expect("an escaped letter").1 {
                'n' => '\n',
                letter @ ('\\' | '"') => letter,
                letter => panic!("nothing is escaped by \\{letter}"),
            }),
            letter => value.push(letter),
        }
    }
    panic!("no end of {after}");
}

fn is_name(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_' || letter == ':';
    text.starts_with(is_letter) && text.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit())
}

impl Scraped {
    /// Reads it line by line, and accepts nothing that the format does not have.
    fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'));
        let mut scraped = Self::default();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let (name, help) =
                line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')).expect(line);
            assert!(is_name(name) && name.starts_with("cenote_") && !help.is_empty(), "{line}");
            let of = if name.ends_with("_total") { "counter" } else { "gauge" };
            assert_eq!(lines.next(), Some(&*format!("# TYPE {name} {of}")));
            let mut samples: Vec<(Labels, f64)> = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                let mut rest = line.strip_prefix(name).expect(line);
                let mut labels = Labels::new();
                if let Some(within) = rest.strip_prefix('{') {
                    rest = within;
                    loop {
                        let (name, value) = label(&mut rest);
                        assert_eq!(labels.insert(name, value), None, "{line}");
                        let Some(next) = rest.strip_prefix(',') else { break };
                        rest = next;
                    }
                    rest = rest.strip_prefix('}').expect(line);
                }
                let value: f64 = rest.strip_prefix(' ').expect(line).parse().expect(line);
                assert!(samples.iter().all(|(others, _)| *others != labels), "twice: {line}");
                samples.push((labels, value));
            }
            assert!(!samples.is_empty(), "{name}");
            assert!(scraped.0.insert(name.to_owned(), samples).is_none(), "twice: {name}");
        }
        scraped
    }

    /// The number, if it is there.
    fn of(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has =
            |all: &Labels| labels.iter().all(|(name, value)| all.get(*name).is_some_and(|has| has == value));
        let mut found = self.0.get(name)?.iter().filter(|(all, _)| has(all));
        let value = found.next()?.1;
        assert!(found.next().is_none(), "{name} {labels:?} is not one number");
        Some(value)
    }
}

#[test]
fn a_segment_is_counted_where_it_belongs() {
    let _watchdog = testkit::watchdog(PATIENCE);
    let address = format!("posix:/psm_{:08x}", std::process::id() ^ 0xcece_cece);
    let segment = Segment::create(&*address, 10_000).unwrap();
    let live = [("kind", "posix"), ("maker", "Python"), ("verdict", "live")];
    let scraped = Scraped::read(run(["export"]).ok());
    drop(segment);
    let _ = Segment::remove(&*address);
    let of = |name: &str| scraped.of(name, &live).unwrap_or_else(|| panic!("{name}: {scraped:#?}"));
    // Others may have such segments, too.
    assert!(of("cenote_segments") >= 1.0 && of("cenote_segment_size_bytes") >= 10_000.0);
    assert!(of("cenote_segment_memory_bytes") >= 12_288.0 && of("cenote_segment_holders") >= 1.0);
    let one = |name: &str| scraped.of(name, &[]).unwrap_or_else(|| panic!("{name}: {scraped:#?}"));
    assert!(one("cenote_shm_used_bytes") >= 12_288.0);
    assert!(one("cenote_shm_inodes_used") >= 1.0);
    assert!(one("cenote_scrape_duration_seconds") > 0.0);
    assert_eq!(one("cenote_build_info"), 1.0);
}

#[test]
fn it_is_what_the_doctor_and_the_file_system_say() {
    let _watchdog = testkit::watchdog(PATIENCE);
    let doctor = run(["doctor", "--json"]);
    let health: serde_json::Value = serde_json::from_slice(&doctor.bytes).unwrap();
    let scraped = Scraped::read(run(["export"]).ok());
    let findings = health["findings"].as_array().unwrap();
    for finding in findings {
        let name = finding["name"].as_str().unwrap();
        let mend = scraped.of("cenote_needs_mending", &[("finding", name)]).expect(name);
        assert!(mend == 0.0 || mend == 1.0);
        // What others do may change anything else meanwhile.
        if name == "shm-mode" {
            assert_eq!(mend == 1.0, finding["state"] == "mend");
        }
    }
    assert_eq!(scraped.0["cenote_needs_mending"].len(), findings.len());
    let limit = |name: &str| findings.iter().find(|one| one["name"] == name).unwrap()["limit"].as_f64();
    assert_eq!(scraped.of("cenote_shm_size_bytes", &[]), limit("shm-space"));
    assert_eq!(scraped.of("cenote_shm_inodes", &[]), limit("shm-inodes"));
}

#[test]
fn a_queue_is_told_of_by_its_address() {
    let place = Place::native();
    let address = place.address.as_str();
    run(["send", address, "a", "b", "c", "--create", "--depth", "4"]).ok();
    run(["recv", address]).ok();
    let told = Scraped::read(run(["export"]).ok());
    for (name, number) in [("messages", 2.0), ("capacity", 4.0), ("sent_total", 3.0), ("received_total", 1.0)]
    {
        let name = format!("cenote_queue_{name}");
        assert_eq!(told.of(&name, &[("queue", address)]), Some(number), "{name}");
    }
}

#[test]
fn a_topic_is_told_of_by_its_address() {
    let place = Place::native();
    let address = place.address.as_str();
    run(["pub", address, "a", "b", "c", "--create", "--depth", "4"]).ok();
    let slow = cenote::Topic::<[u8]>::attach(address).unwrap().subscriber_with_last(2).unwrap();
    let told = Scraped::read(run(["export"]).ok());
    for (name, number) in [("published_total", 3.0), ("capacity", 4.0), ("subscribers", 1.0), ("behind", 2.0)]
    {
        let name = format!("cenote_topic_{name}");
        assert_eq!(told.of(&name, &[("topic", address)]), Some(number), "{name}");
    }
    drop(slow);
}

#[test]
fn json_has_the_same_numbers() {
    let _watchdog = testkit::watchdog(PATIENCE);
    let place = Place::posix();
    run(["create", &place.address, "--size", "1"]).ok();
    let json = run(["export", "--json"]).json();
    let scraped = Scraped::read(run(["export"]).ok());
    let names: Vec<&str> = json.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in scraped.0.keys() {
        assert!(names.contains(&&**name), "{name}");
    }
    let segments = &json[0];
    assert_eq!((&segments["name"], &segments["type"]), (&"cenote_segments".into(), &"gauge".into()));
    let sample = &segments["samples"][0];
    assert!(sample["labels"]["kind"].is_string() && sample["value"].as_u64() >= Some(1), "{sample}");
}

/// The server, and where it is.
fn server() -> (Running, String) {
    let mut server = Running::start(&mut cenote(["export", "--listen", "127.0.0.1:0"]));
    let line = server.line();
    let place = line.strip_prefix("serving http://").and_then(|rest| rest.strip_suffix("/metrics"));
    let place = place.unwrap_or_else(|| panic!("{line} {}", server.error_line())).to_owned();
    (server, place)
}

/// Asks, and gives the status line with the headers, and the rest.
fn ask(place: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(place).expect("it listens");
    write!(stream, "{request}\r\nHost: {place}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("headers, and what follows");
    (head.to_owned(), body.to_owned())
}

#[test]
fn the_server_answers_each_time_as_it_is_then() {
    let place = Place::posix();
    let (server, at) = server();
    let scrape = || {
        let (head, body) = ask(&at, "GET /metrics HTTP/1.1");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let wanted = "content-type: text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(head.lines().filter(|line| line.eq_ignore_ascii_case(wanted)).count(), 1, "{head}");
        assert!(
            head.lines().any(|line| line.eq_ignore_ascii_case(&format!("content-length: {}", body.len()))),
            "{head}"
        );
        let sum = |scraped: &Scraped| {
            // Without any segment there is no such number.
            let sizes = scraped.0.get("cenote_segment_size_bytes").into_iter().flatten();
            sizes.map(|(_, bytes)| bytes).sum::<f64>()
        };
        sum(&Scraped::read(&body))
    };
    let before = scrape();
    // More than all others together come and go with: it costs nothing until it is written to.
    const HUGE: u64 = 1 << 40;
    let segment = Segment::options().sparse().create(&*place.address, HUGE);
    let Ok(segment) = segment else {
        testkit::skipped("so large a segment cannot be made here");
        return;
    };
    assert!(scrape() - before > HUGE as f64 / 2.0);
    drop(segment);
    Segment::remove(&*place.address).unwrap();
    assert!(scrape() - before < HUGE as f64 / 2.0);
    server.signal(SIGTERM);
    let end = server.end();
    assert_eq!((end.code, &*end.stderr), (0, ""));
    assert!(TcpStream::connect(&*at).is_err(), "nobody listens any more");
}

#[test]
fn what_else_is_asked_for_is_refused() {
    let _watchdog = testkit::watchdog(PATIENCE);
    let (server, at) = server();
    for (request, status) in [
        ("GET / HTTP/1.1", "HTTP/1.1 404 "),
        ("GET /metrics/../etc HTTP/1.1", "HTTP/1.1 404 "),
        ("GET /metrics?name[]=x HTTP/1.1", "HTTP/1.1 200 "),
        ("POST /metrics HTTP/1.1", "HTTP/1.1 405 "),
        ("DELETE /metrics HTTP/1.1", "HTTP/1.1 405 "),
    ] {
        let (head, _) = ask(&at, request);
        assert!(head.starts_with(status), "{request}: {head}");
    }
    let (head, body) = ask(&at, "HEAD /metrics HTTP/1.1");
    assert!(head.starts_with("HTTP/1.1 200 ") && body.is_empty(), "{head}");
    // Whoever says nothing, says nonsense, or goes away meanwhile, is in nobody's way.
    let silent = TcpStream::connect(&*at).unwrap();
    let mut rude = TcpStream::connect(&*at).unwrap();
    rude.write_all(b"\x00\xff\r\n\r\n").unwrap();
    let mut gone = TcpStream::connect(&*at).unwrap();
    write!(gone, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    gone.shutdown(Shutdown::Both).unwrap();
    drop(gone);
    assert!(ask(&at, "GET /metrics HTTP/1.1").0.starts_with("HTTP/1.1 200 "));
    server.signal(SIGINT);
    assert_eq!(server.end().code, 0, "although somebody is connected");
    drop(silent);
}

/// How many threads and open files a process has.
fn burden(pid: u32) -> (usize, usize) {
    let count = |what: &str| std::fs::read_dir(format!("/proc/{pid}/{what}")).unwrap().count();
    (count("task"), count("fd"))
}

fn is_answered(place: &str) {
    let (head, body) = ask(place, "GET /metrics HTTP/1.1");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(body.contains("cenote_build_info"), "{body}");
}

#[test]
fn many_who_say_nothing_cost_little_and_keep_nobody_out() {
    const SILENT: usize = 600;
    const MOST: usize = 100;
    let _watchdog = testkit::watchdog(PATIENCE);
    let (server, at) = server();
    let mut silent: Vec<TcpStream> = (0..SILENT).map(|_| TcpStream::connect(&*at).unwrap()).collect();
    is_answered(&at);
    until("those who were sent away are gone", || {
        let (threads, files) = burden(server.pid());
        threads < MOST && files < MOST
    });
    // The oldest had to go for the others, and the last may stay.
    assert_eq!(silent[0].read(&mut [0]).unwrap_or(0), 0);
    let mut last = silent.pop().unwrap();
    write!(last, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[test]
fn who_takes_no_answer_keeps_nobody_waiting() {
    let _watchdog = testkit::watchdog(PATIENCE);
    let (_server, at) = server();
    let asked: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(&*at).unwrap();
            // More than once, and never to read anything.
            stream.write_all("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20).as_bytes()).unwrap();
            stream
        })
        .collect();
    is_answered(&at);
    drop(asked);
}

#[test]
fn a_request_without_end_is_ended() {
    let _watchdog = testkit::watchdog(PATIENCE);
    let (_server, at) = server();
    for line in ["X-Some: thing\r\n", "endless"] {
        let mut stream = TcpStream::connect(&*at).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\n").unwrap();
        // More than lies between two processes at most.
        let lines = line.repeat((1 << 20) / line.len());
        let refused = (0..64).any(|_| stream.write_all(lines.as_bytes()).is_err());
        assert!(refused, "64 MiB of `{line}` were taken");
    }
    let mut long = TcpStream::connect(&*at).unwrap();
    write!(long, "GET /metrics HTTP/1.1\r\n{}", "a: b\r\n".repeat(100)).unwrap();
    let mut answer = String::new();
    long.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    // Who is half done is told that it took too long, and others are served meanwhile.
    let mut slow = TcpStream::connect(&*at).unwrap();
    write!(slow, "GET /metrics HT").unwrap();
    is_answered(&at);
    answer.clear();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn only_this_machine_is_served_unless_told_otherwise() {
    let _watchdog = testkit::watchdog(PATIENCE);
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = run(["export", "--listen", address]);
        assert!(refused.failed(2).contains("--beyond-loopback"), "{refused:?}");
    }
    for wrong in [
        &["export", "--listen", "9841"][..],
        &["export", "--listen", "127.0.0.1:0", "--json"],
        &["export", "--beyond-loopback"],
    ] {
        run(wrong).failed(2);
    }
    // No machine here has this address.
    run(["export", "--listen", "192.0.2.1:0", "--beyond-loopback"]).failed(1);
    let mut open = Running::start(&mut cenote(["export", "--listen", "0.0.0.0:0", "--beyond-loopback"]));
    let line = open.line();
    let port =
        line.strip_prefix("serving http://0.0.0.0:").and_then(|rest| rest.strip_suffix("/metrics")).unwrap();
    // Two cannot have one port.
    run(["export", "--listen", &format!("127.0.0.1:{port}")]).failed(1);
    open.signal(SIGTERM);
    assert_eq!(open.end().code, 0);
}
