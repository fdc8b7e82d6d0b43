//! An agent that is somebody else: nobody, who may do little.

use testkit::Peer;
use testkit::others::Program;
use testkit::system::OTHER_USER;

/// A running agent, and the copy of this program that is within its reach.
pub(crate) struct OtherUser {
    pub(crate) agent: Peer,
    _program: Program,
}

/// Starts one, if this process is root and so can.
pub(crate) fn other_user() -> Option<OtherUser> {
    let program = Program::within_reach()?;
    Some(OtherUser { agent: program.agent(OTHER_USER, OTHER_USER), _program: program })
}
