//! Shared memory made comfortable: one address form and one API for every shared memory that programs really use.
//!
//! ```
//! use cenote::Segment;
//!
//! # let name = format!("posix:/cenote-doc-crate-{}", std::process::id());
//! # let name = name.as_str();
//! let segment = Segment::create(name, 1024)?; // or attach, open_or_create
//! let guard = segment.lock()?; // try_lock, lock_timeout
//! guard.write_at(0, b"Hello, Client!\0")?;
//! drop(guard);
//! # drop(segment);
//! # Segment::remove(name)?;
//! # Ok::<(), cenote::Error>(())
//! ```
//!
//! | address | what it names |
//! |---|---|
//! | `camera/front` | a native segment: holders that the kernel vouches for, a lock that recovers from a dead one |
//! | `posix:/name` | an object of `shm_open`, as C programs and Python's `multiprocessing.shared_memory` use them |
//! | `sysv:0x5100c01f`, `sysv:PATH#81`, `sysv:id=7` | a System V segment, by key, by ftok pair, by id |
//! | `file:/path` | a mapped file |
//! | `memfd:label`, `memfd:PID/FD` | anonymous memory: new, or what a process has; see [`handover`] and [`Sealed`] |
//! | `qt:KEY` | what `QSharedMemory("KEY")` means on this system: same bytes, same lock |
//! | `qt:posix:/name`, `qt:systemv:PATH`, `qt:windows:NAME` | Qt's native keys, in Qt's text form |
//!
//! The other kinds of [`Kind`] parse, and answer [`ErrorKind::Unsupported`] in this version.
//!
//! # Values
//!
//! In native segments there can be more than bytes: a [`Value`] of a type, or a [`Blob`] of bytes, which are stored and
//! loaded as a whole. Loads take no lock, and whoever is killed while it stores, leaves what was there before.
//!
//! ```
//! use cenote::{Shared, Value};
//! use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
//!
//! #[derive(Default, Shared, FromBytes, IntoBytes, Immutable, KnownLayout)]
//! #[repr(C)]
//! struct Pose {
//!     x: f64,
//!     y: f64,
//! }
//!
//! # let name = format!("doc/pose-{}", std::process::id());
//! # let name = name.as_str(); // "robot/pose"
//! let pose = Value::<Pose>::open_or_create(name, Pose::default())?;
//! pose.update(|p| p.x += 1.0)?;
//! let now: Pose = pose.load()?;
//! # assert_eq!(now.x, 1.0);
//! # Ok::<(), cenote::Error>(())
//! ```
//!
//! # What another process can do to this one
//!
//! It can spoil the bytes; it cannot make a safe call here misbehave. Bytes are copied in and out, every length is
//! checked against what is mapped, and a peer that shrinks the memory in use costs an error. See `docs/safety.md`.

mod address;
mod backend;
pub mod catalog;
pub mod channel;
mod error;
mod layout;
pub mod qt;
mod segment;
mod semaphore;
mod sync;
mod sys;
pub mod value;

pub use address::{Address, Kind};
pub use backend::lock::{Abandoned, LockState};
pub use backend::{SemaphoreKey, Stat};
pub use cenote_derive::Shared;
pub use channel::{
    Publisher, Queue, QueueOptions, Receiver, Sender, Subscriber, Topic, TopicOptions, WhenFull, wait_for_any,
};
pub use error::{Error, ErrorKind, Result};
pub use segment::{
    Condvar, Event, Guard, NamedLock, Options, Permit, ReadGuard, RwLock, SealError, Sealed, Segment,
    Semaphore, View, handover,
};
pub use semaphore::SystemSemaphore;
pub use value::{Blob, BlobWriter, Shared, Value, ValueWriter};
