//! The other process of a pair: it does what the first orders.

use super::clock::now;
use super::control::{Control, What};
use super::cores::pin;
use super::plan::Plan;
use super::{Fault, agent, floor};
use crate::contenders::{Contender, Topic};
use crate::tests::{self, Test};

/// The second side of a pair, with whatever its test has open.
pub(crate) struct Peer<'a, C: Contender> {
    pub(crate) plan: &'a Plan,
    pub(crate) link: Option<C::Link>,
    pub(crate) subscriber: Option<<C::Topic as Topic>::Subscriber>,
    /// The number of the next message.
    pub(crate) next: u64,
}

/// Serves until it is told to go. A fault ends the process, after it was written where the first side and who started
/// both will find it.
pub(crate) fn answer<C: Contender>(plan: &Plan, index: usize) -> Result<(), Fault> {
    let mut control = Control::open(&plan.controls[index], agent::spin(plan))?;
    let outcome = serve::<C>(plan, index, &mut control);
    if let Err(why) = &outcome {
        control.fail(why);
        if C::ABILITIES.in_process {
            // The other thread may wait for what will never come.
            std::process::exit(1);
        }
    }
    outcome
}

fn serve<C: Contender>(plan: &Plan, index: usize, control: &mut Control) -> Result<(), Fault> {
    control.tell_process();
    pin(plan.cores[1])?;
    let mut peer = Peer::<C> { plan, link: None, subscriber: None, next: 1 };
    loop {
        let (what, amount) = control.next();
        let mut result = 0;
        match what {
            What::Quit => return Ok(()),
            What::Pin => pin(amount as usize)?,
            What::Rest => {}
            What::Floor => floor::answer(control, amount),
            What::Close => (peer.link, peer.subscriber) = (None, None),
            What::Open if plan.test == Test::Fanout => {
                peer.subscriber = Some(C::Topic::subscribe(&plan.config, &control.card(), index)?);
            }
            What::Open => peer.link = Some(C::connect(&plan.config, &control.card())?),
            What::Work => {
                tests::answer(&mut peer, amount)?;
                result = now();
            }
        }
        control.done(result);
    }
}
