//! The sections of the configuration for which this profiler was built without the code: one that stands in the file is
//! refused with the feature that it needs, and [`default_text`](super::default_text) does not show it.

use serde::de::{Deserialize, Deserializer, Error as _};

/// A section that no file may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {}

impl<'de> Deserialize<'de> for Absent {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("this profiler was built without the cargo feature of this name"))
    }
}
