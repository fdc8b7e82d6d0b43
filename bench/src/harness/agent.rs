//! The first process of a pair: it makes its end, asks the other process for the rest, and measures.
//!
//! It is told `sample` or `quit` by lines, and answers `ready`, `sample VALUE FLOOR FLOOR`, or `fault WHY`.

use std::io::{BufRead, Write, stdin, stdout};
use std::time::Duration;

use super::control::{Control, What};
use super::cores::pin;
use super::counter::Counter;
use super::plan::Plan;
use super::{Fault, fault, floor, peer};
use crate::contenders::{Contender, Topic};
use crate::tests::{self, Test};

/// The first side of a pair, with whatever its test has open.
pub(crate) struct Driver<'a, C: Contender> {
    pub(crate) plan: &'a Plan,
    pub(crate) controls: Vec<Control>,
    pub(crate) link: Option<C::Link>,
    pub(crate) publisher: Option<<C::Topic as Topic>::Publisher>,
    pub(crate) counter: Counter,
    /// The number of the next message.
    pub(crate) next: u64,
}

/// Does what the lines say until `quit`, or until nobody is there to say it.
pub(crate) fn drive<C: Contender>(plan: &Plan) -> Result<(), Fault> {
    let outcome = serve::<C>(plan);
    if let Err(why) = &outcome {
        say(&format!("fault {}", why.replace('\n', " ")));
    }
    outcome
}

fn serve<C: Contender>(plan: &Plan) -> Result<(), Fault> {
    if C::ABILITIES.in_process {
        let plan = plan.clone();
        std::thread::spawn(move || peer::answer::<C>(&plan, 0));
    }
    pin(plan.cores[0])?;
    let controls: Result<_, _> = plan.controls.iter().map(|path| Control::open(path, spin(plan))).collect();
    let mut driver = Driver::<C> {
        plan,
        controls: controls?,
        link: None,
        publisher: None,
        counter: Counter::new(),
        next: 1,
    };
    match plan.test {
        // Opening is what it measures.
        Test::Setup => {}
        Test::Fanout => driver.open_topic()?,
        _ => driver.open_link()?,
    }
    let mut times = driver.calibrate()?;
    driver.rest()?;
    say(&format!("ready {}", driver.counter.unit()));
    for line in stdin().lock().lines() {
        match line.map_err(fault("reading"))?.as_str() {
            "sample" => {
                let before = floor::measure(&mut driver.controls[0])?;
                let (value, elapsed) = driver.work(times)?;
                let after = floor::measure(&mut driver.controls[0])?;
                driver.rest()?;
                say(&format!("sample {value} {before} {after}"));
                // Something else had the core when it was calibrated.
                if elapsed < plan.sample_ns / 2 && plan.test.repeats() {
                    times *= 2;
                }
            }
            "quit" => break,
            other => return Err(format!("{other} is nothing to do")),
        }
    }
    driver.close()?;
    for control in &mut driver.controls {
        control.order(What::Quit, 0);
    }
    say("gone");
    Ok(())
}

/// How long a side looks for its orders before it sleeps. Where opening is measured, the other side should be awake.
pub(super) fn spin(plan: &Plan) -> Duration {
    Duration::from_micros(if plan.test == Test::Setup { 10_000 } else { 20 })
}

impl<C: Contender> Driver<'_, C> {
    /// Both sides' ends of a link, and what the other side's took.
    pub(crate) fn open_link(&mut self) -> Result<(), Fault> {
        let config = &self.plan.config;
        let (listening, card) = C::listen(config)?;
        self.controls[0].write_card(&card)?;
        self.controls[0].ask(What::Open, 0)?;
        self.link = Some(C::accept(config, listening)?);
        Ok(())
    }

    fn open_topic(&mut self) -> Result<(), Fault> {
        let config = &self.plan.config;
        let (opening, card) = C::Topic::open(config)?;
        for control in &mut self.controls {
            control.write_card(&card)?;
            control.ask(What::Open, 0)?;
        }
        self.publisher = Some(C::Topic::ready(config, opening)?);
        Ok(())
    }

    /// Both sides drop what they have open; the other side first, as it may not remove names.
    pub(crate) fn close(&mut self) -> Result<(), Fault> {
        for control in &mut self.controls {
            control.ask(What::Close, 0)?;
        }
        self.link = None;
        self.publisher = None;
        Ok(())
    }

    /// The other sides leave their core to others until the next sample.
    fn rest(&mut self) -> Result<(), Fault> {
        self.controls.iter_mut().try_for_each(|control| control.ask(What::Rest, 0).map(drop))
    }

    /// How many times the work is done in a sample, so that one takes as long as planned. The last trial is also what
    /// warms caches and fills pools.
    fn calibrate(&mut self) -> Result<u64, Fault> {
        let mut times = 1;
        loop {
            // The quicker of two: something else may have had the core for a while.
            let elapsed = self.work(times)?.1.min(self.work(times)?.1).max(1);
            if elapsed > self.plan.sample_ns / 2 || !self.plan.test.repeats() {
                return Ok((times * self.plan.sample_ns / elapsed).max(self.plan.test.least_times()));
            }
            times *= 2;
        }
    }

    /// The value of a sample, and how long it took.
    fn work(&mut self, times: u64) -> Result<(f64, u64), Fault> {
        let start = super::clock::now();
        let value = tests::drive(self, times)?;
        Ok((value, super::clock::now() - start))
    }
}

fn say(line: &str) {
    let mut output = stdout().lock();
    // Whoever started us may be gone.
    let _ = writeln!(output, "{line}");
    let _ = output.flush();
}
