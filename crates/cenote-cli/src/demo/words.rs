//! What the system is told, row by row of the story.

/// The calls that each step stands for, as the manuals have them.
pub(crate) struct Words {
    pub(crate) creates_picture: &'static str,
    pub(crate) creates_greeting: &'static str,
    pub(crate) locks: &'static str,
    pub(crate) unlocks: &'static str,
    pub(crate) attaches_picture: &'static str,
    pub(crate) attaches_greeting: &'static str,
    pub(crate) waits: &'static str,
    /// With the number of the process between them.
    pub(crate) kills: (&'static str, &'static str),
    pub(crate) lets_go: &'static str,
    /// What the last to detach sees go, and by which calls.
    pub(crate) last: (&'static str, &'static str),
    pub(crate) removes_greeting: &'static str,
    pub(crate) looks: &'static str,
}
