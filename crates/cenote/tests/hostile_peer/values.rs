//! Values and blobs, used while another process writes nonsense over them.

use std::time::Duration;

use cenote::value::{AnyValue, Content};
use cenote::{Blob, Options, Result, Segment, Value};

use crate::operations::TIME;
use crate::victim::Victim;

const MOMENT: Duration = Duration::from_millis(1);
type Numbers = [u64; 8];

fn options() -> Options {
    Segment::options().timeout(TIME)
}

pub(crate) fn value(victim: &mut Victim) -> Result<bool> {
    let value = Value::<Numbers>::open_or_create_with(&options(), victim.address.as_str(), [7; 8])?;
    let (numbers, version) = value.load_with_version()?;
    value.store(&numbers)?;
    value.update(|numbers| numbers[0] = numbers[0].wrapping_add(1))?;
    value.wait_for_change(version, MOMENT)?;
    value.detach().map(|()| true)
}

pub(crate) fn checked(victim: &mut Victim) -> Result<bool> {
    let value = Value::<[bool; 64]>::open_or_create_with(&options(), victim.address.as_str(), [true; 64])?;
    let _ = value.load()?;
    value.writer()?.store(&[false; 64])?;
    Ok(true)
}

pub(crate) fn reading(victim: &mut Victim) -> Result<bool> {
    let _made = Value::<Numbers>::open_or_create_with(&options(), victim.address.as_str(), [7; 8])?;
    let any = AnyValue::attach_with(&options().read_only(), victim.address.as_str())?;
    let (bytes, version) = any.load_with_version()?;
    if let Content::Value { description: Some(description), .. } = any.content()? {
        let _ = description.decode(&bytes).map(|decoded| decoded.to_string());
    }
    any.wait_for_change(version.wrapping_add(1), MOMENT).map(|_| true)
}

pub(crate) fn blob(victim: &mut Victim) -> Result<bool> {
    let blob = Blob::open_or_create_with(&options(), victim.address.as_str(), 1000)?;
    let mut bytes = Vec::new();
    blob.load_into(&mut bytes)?;
    assert!(bytes.len() <= blob.capacity());
    blob.store(&[5; 1000])?;
    blob.update(Vec::clear)?;
    blob.detach().map(|()| true)
}
