//! What is measured of each contender: one file a test, each with what the first side does and what the other does.

mod fanout;
mod idle;
mod rtt;
mod setup;
mod sleep_rtt;
mod stream;

use serde::{Deserialize, Serialize};

use crate::contenders::{Abilities, Contender};
use crate::harness::Fault;
use crate::harness::agent::Driver;
use crate::harness::peer::Peer;
use crate::harness::plan::Wait;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Test {
    Rtt,
    LoanRtt,
    SleepRtt,
    SleepRttOneCore,
    Stream,
    Setup,
    Fanout,
    Idle,
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

impl Test {
    pub(crate) const ALL: [Self; 8] = [
        Self::Rtt,
        Self::LoanRtt,
        Self::SleepRtt,
        Self::SleepRttOneCore,
        Self::Stream,
        Self::Setup,
        Self::Fanout,
        Self::Idle,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rtt => "rtt",
            Self::LoanRtt => "loan_rtt",
            Self::SleepRtt => "sleep_rtt",
            Self::SleepRttOneCore => "sleep_rtt_one_core",
            Self::Stream => "stream",
            Self::Setup => "setup",
            Self::Fanout => "fanout",
            Self::Idle => "idle",
        }
    }

    /// What it is, for the tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Rtt => "round trip, polling",
            Self::LoanRtt => "round trip without a copy, first and last line touched, polling",
            Self::SleepRtt => "round trip to a sleeping peer on another core",
            Self::SleepRttOneCore => "round trip to a sleeping peer on the same core",
            Self::Stream => "one way, as fast as it goes, written whole and read whole",
            Self::Setup => "two ends made, first message received",
            Self::Fanout => "one message published to subscribers that are behind",
            Self::Idle => "a waiting receiver's share of a core",
        }
    }

    pub(crate) fn sizes(self, quick: bool) -> &'static [usize] {
        match self {
            Self::Rtt if quick => &[48, 64, 8 * KIB, MIB],
            Self::Rtt => &[8, 48, 64, 256, KIB, 8 * KIB, 64 * KIB, MIB],
            Self::LoanRtt if quick => &[64, MIB],
            Self::LoanRtt => &[64, 8 * KIB, 64 * KIB, MIB],
            Self::Stream => &[64, MIB],
            _ => &[64],
        }
    }

    pub(crate) fn subscribers(self) -> &'static [usize] {
        if self == Self::Fanout { &[1, 2, 4, 8] } else { &[1] }
    }

    /// How a contender's ends wait in it; why not, if it takes no part.
    pub(crate) fn wait(self, abilities: &Abilities) -> Result<Wait, &'static str> {
        match self {
            Self::Rtt if !abilities.spins => Err("its ends cannot look without sleeping"),
            Self::LoanRtt if !abilities.loans => Err("it copies"),
            Self::SleepRtt | Self::SleepRttOneCore | Self::Idle if !abilities.sleeps => {
                Err("its ends cannot sleep")
            }
            Self::Setup if !abilities.sets_up => Err("there is nothing to set up"),
            Self::Fanout if abilities.in_process => Err("its receivers are threads"),
            Self::Fanout if !abilities.spins || abilities.streams.is_none() => {
                Err("there is no room for a message more")
            }
            Self::SleepRtt | Self::SleepRttOneCore | Self::Idle => Ok(Wait::Sleep),
            Self::Setup if !abilities.spins => Ok(Wait::Sleep),
            Self::Stream => abilities.streams.ok_or("there is no room for a message more"),
            _ => Ok(Wait::Spin),
        }
    }

    /// The name of the unit of its values, but for [`Test::Fanout`], where the machine decides.
    pub(crate) fn unit(self, bytes: usize) -> &'static str {
        match self {
            Self::Stream if bytes >= MIB => "GiB/s",
            Self::Stream => "msg/s",
            Self::Idle => "%",
            _ => "ns",
        }
    }

    /// Whether a sample does the same again and again.
    pub(crate) fn repeats(self) -> bool {
        self != Self::Idle
    }

    /// What a sample must do at least to say something.
    pub(crate) fn least_times(self) -> u64 {
        match self {
            Self::Rtt | Self::LoanRtt | Self::SleepRtt | Self::SleepRttOneCore => 2,
            Self::Stream => 4,
            Self::Setup | Self::Fanout | Self::Idle => 1,
        }
    }
}

/// The first side's part, `times` over: the value of one sample.
pub(crate) fn drive<C: Contender>(driver: &mut Driver<C>, times: u64) -> Result<f64, Fault> {
    match driver.plan.test {
        Test::Rtt => rtt::drive::<C, false>(driver, times),
        Test::LoanRtt => rtt::drive::<C, true>(driver, times),
        Test::SleepRtt => sleep_rtt::drive(driver, times),
        Test::SleepRttOneCore => sleep_rtt::drive_on_one_core(driver, times),
        Test::Stream => stream::drive(driver, times),
        Test::Setup => setup::drive(driver, times),
        Test::Fanout => fanout::drive(driver, times),
        Test::Idle => idle::drive(driver),
    }
}

/// The other side's part.
pub(crate) fn answer<C: Contender>(peer: &mut Peer<C>, times: u64) -> Result<(), Fault> {
    match peer.plan.test {
        Test::Rtt => rtt::answer::<C, false>(peer, times),
        Test::LoanRtt => rtt::answer::<C, true>(peer, times),
        Test::SleepRtt | Test::SleepRttOneCore => sleep_rtt::answer(peer, times),
        Test::Stream | Test::Setup | Test::Idle => stream::answer(peer, times),
        Test::Fanout => fanout::answer(peer, times),
    }
}

/// Said where a side's own order is broken.
fn not_open() -> Fault {
    "its end is not open".to_owned()
}
