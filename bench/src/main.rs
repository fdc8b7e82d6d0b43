//! Benchmarks side by side: the same work by each contender, in two processes on two cores of their own.
//!
//! `cargo xtask bench` builds and runs it; `docs/performance.md` has the method. The program starts itself in two
//! roles: `drive PLAN`, which measures, and `answer INDEX PLAN`, which is the other side.

mod contenders;
mod harness;
mod report;
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use contenders::Entry;
use harness::Fault;
use harness::pair::INTERRUPTED;
use harness::plan::Plan;
use harness::run::{Wanted, run};
use tests::Test;

const USAGE: &str = "\
usage: cenote-bench [OPTIONS]

  --quick              fewer sizes and samples: under three minutes
  --only TEST          this test alone; may be repeated
  --contender NAME     this contender alone; may be repeated
  --cores A,B          where the two processes run; two that are not the same core's threads, if not given
  --patience SECONDS   who takes longer for an answer is ended, and said not to run; 15, if not given
  --report FILE        the rows as JSON
  --charts FOLDER      a chart for each test and size
  --list               the tests and the contenders
";

/// Longer than any sample takes that will ever be done.
const PATIENCE: Duration = Duration::from_secs(15);

struct Arguments {
    wanted: Wanted,
    report: Option<PathBuf>,
    charts: Option<PathBuf>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["drive", plan] => in_role(plan, |entry, plan| (entry.drive)(plan)),
        ["answer", index, plan] => in_role(plan, |entry, plan| {
            let index = index.parse().map_err(|_| format!("{index} is no number"))?;
            (entry.answer)(plan, index)
        }),
        ["--list"] => {
            list();
            Ok(())
        }
        ["--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => match parse(&words) {
            Ok(arguments) => measure(&arguments),
            Err(why) => {
                eprint!("cenote-bench: {why}\n\n{USAGE}");
                return ExitCode::from(2);
            }
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) if matches!(words[..], ["drive" | "answer", ..]) => {
            // Who started it has been told, by another way.
            drop(why);
            ExitCode::FAILURE
        }
        Err(why) => {
            eprintln!("cenote-bench: {why}");
            if INTERRUPTED.load(Relaxed) { ExitCode::from(130) } else { ExitCode::FAILURE }
        }
    }
}

/// A process of a pair: it dies with who started it.
fn in_role(plan: &str, play: impl Fn(&Entry, &Plan) -> Result<(), Fault>) -> Result<(), Fault> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(harness::fault("the signal at the parent's death"))?;
    let plan = Plan::parse(plan)?;
    // It may have died before the signal was asked for.
    if rustix::process::getppid().map(rustix::process::Pid::as_raw_pid) != Some(plan.parent) {
        return Err("who started it is gone".to_owned());
    }
    let entry = Entry::named(&plan.contender).ok_or_else(|| format!("no contender {}", plan.contender))?;
    play(entry, &plan)
}

fn parse(words: &[&str]) -> Result<Arguments, Fault> {
    let mut arguments = Arguments {
        wanted: Wanted {
            quick: false,
            tests: Vec::new(),
            contenders: Vec::new(),
            cores: None,
            patience: PATIENCE,
        },
        report: None,
        charts: None,
    };
    let mut words = words.iter();
    while let Some(&word) = words.next() {
        if word == "--quick" {
            arguments.wanted.quick = true;
            continue;
        }
        let &value =
            words.next().ok_or_else(|| format!("{word}: there is no such option, or it lacks a value"))?;
        match word {
            "--only" => arguments.wanted.tests.push(test_named(value)?),
            "--contender" if Entry::named(value).is_none() => return Err(format!("no contender {value}")),
            "--contender" => arguments.wanted.contenders.push(value.to_owned()),
            "--cores" => arguments.wanted.cores = Some(two_cores(value)?),
            "--patience" => {
                let seconds = value.parse().map_err(|_| format!("{value} are no seconds"))?;
                arguments.wanted.patience = Duration::from_secs(seconds);
            }
            "--report" => arguments.report = Some(value.into()),
            "--charts" => arguments.charts = Some(value.into()),
            _ => return Err(format!("{word}: there is no such option")),
        }
    }
    if arguments.wanted.tests.is_empty() {
        arguments.wanted.tests = Test::ALL.to_vec();
    }
    Ok(arguments)
}

fn test_named(name: &str) -> Result<Test, Fault> {
    Test::ALL.into_iter().find(|test| test.name() == name).ok_or_else(|| format!("no test {name}"))
}

fn two_cores(text: &str) -> Result<[usize; 2], Fault> {
    let cores = text.split_once(',').and_then(|(one, other)| Some([one.parse().ok()?, other.parse().ok()?]));
    cores.filter(|[one, other]| one != other).ok_or_else(|| format!("{text} are not two cores"))
}

fn list() {
    println!("tests:");
    for test in Test::ALL {
        println!("  {:<20} {}", test.name(), test.title());
    }
    println!("contenders:");
    for entry in contenders::ALL {
        let where_ = if entry.abilities.in_process { "two threads of one process" } else { "two processes" };
        let here =
            (entry.runs_here)().map_or_else(|why| format!("; does not run here: {why}"), |()| String::new());
        println!("  {:<20} {where_}{here}", entry.name);
    }
}

fn measure(arguments: &Arguments) -> Result<(), Fault> {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, std::sync::Arc::clone(&INTERRUPTED))
            .map_err(harness::fault("signals"))?;
    }
    let mut rows = Vec::new();
    let mut chart = Ok(());
    run(&arguments.wanted, |cell| {
        report::table::print(cell);
        rows.extend(report::rows(cell));
        if let Some(folder) = &arguments.charts {
            chart = std::mem::replace(&mut chart, Ok(())).and(report::charts::write(cell, folder));
        }
    })?;
    chart?;
    arguments.report.as_ref().map_or(Ok(()), |path| report::write(&rows, path))
}

#[cfg(test)]
mod argument_tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        for words in [
            &["--only"][..],
            &["--only", "nothing"],
            &["--contender", "nobody"],
            &["--cores", "1,1"],
            &["--wrong", "x"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn filters_add_up() {
        let arguments = parse(&["--quick", "--only", "rtt", "--only", "idle", "--cores", "0,3"]).unwrap();
        assert!(arguments.wanted.quick);
        assert_eq!(arguments.wanted.tests, [Test::Rtt, Test::Idle]);
        assert_eq!(arguments.wanted.cores, Some([0, 3]));
        assert_eq!(parse(&[]).unwrap().wanted.tests.len(), Test::ALL.len());
    }
}
