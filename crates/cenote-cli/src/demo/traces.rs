//! Looking for what is left of a run, everywhere something could be.

use cenote::catalog;

use super::site::Site;
use super::trouble::Trouble;
use crate::platform;

/// What the system calls the things of a run, which nobody else's will ever be called.
pub(super) struct Traces(platform::Traces);

impl Traces {
    /// Looks while everything is there.
    pub(super) fn of(site: &Site) -> Result<Self, Trouble> {
        platform::Traces::of(&site.key).map(Self).map_err(unseen)
    }

    /// What is left, one thing a line.
    pub(super) fn left(&self, site: &Site) -> Result<Vec<String>, Trouble> {
        let mut left = Vec::new();
        for entry in catalog::list(None)? {
            let address = entry.address.to_string();
            if address == site.picture || address == site.greeting {
                left.push(format!("the segment {address}"));
            }
        }
        left.extend(self.0.left(&site.key, &site.name).map_err(unseen)?);
        Ok(left)
    }
}

fn unseen(what: String) -> Trouble {
    Trouble::told(what, "the demo needs to see what the system usually shows")
}
