//! Two named pipes in the file system.

use std::fs::{self, OpenOptions};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::bytes::Bytes;
use super::several::Several;
use super::{Abilities, Contender, pipe};
use crate::harness::plan::Config;
use crate::harness::{Fault, fault};

pub(crate) struct Fifo;

/// The names go when both sides have opened them.
pub(crate) struct Names([PathBuf; 2]);

impl Drop for Names {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

fn paths(config: &Config) -> [PathBuf; 2] {
    [config.path("out"), config.path("back")]
}

impl Contender for Fifo {
    const NAME: &'static str = "fifo";
    const ABILITIES: Abilities = Abilities::KERNEL;
    type Listening = Names;
    type Link = Bytes;
    type Topic = Several<Self>;

    fn listen(config: &Config) -> Result<(Names, String), Fault> {
        let names = Names(paths(config));
        for path in &names.0 {
            mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).map_err(fault("mkfifo"))?;
        }
        Ok((names, String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Bytes, Fault> {
        let [out, back] = paths(config);
        Bytes::new(config, open(&out)?, open(&back)?)
    }

    fn accept(config: &Config, _listening: Names) -> Result<Bytes, Fault> {
        let [out, back] = paths(config);
        Bytes::new(config, open(&back)?, open(&out)?)
    }
}

/// For both directions, as then no side waits for the other one to open its end.
fn open(path: &Path) -> Result<OwnedFd, Fault> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(fault("the FIFO"))?;
    let fifo = OwnedFd::from(file);
    pipe::enlarge(&fifo);
    Ok(fifo)
}
