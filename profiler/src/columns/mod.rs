//! Tables of typed columns, which exports and the store have in common, and [`parquet`], the form that both write.

#[cfg(feature = "store")]
pub(crate) mod parquet;

use jiff::Timestamp;

/// The kind of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// A number of the kernel's, of a process or thread; below 2^32.
    Id,
    /// A count, or nanoseconds.
    Whole,
    /// A share, from 0 to 1.
    Share,
    /// A moment by the wall clock.
    Time,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// True if some rows have nothing there.
    pub(crate) optional: bool,
}

impl Column {
    /// Every row has a value there.
    pub(crate) fn always(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind, optional: false }
    }

    /// Some rows have a value there.
    pub(crate) fn maybe(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind, optional: true }
    }
}

/// One field of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    /// Of [`Kind::Id`] and [`Kind::Whole`].
    Whole(u64),
    Share(f64),
    Time(Timestamp),
    Absent,
}

impl<'a> Value<'a> {
    /// A number that may be missing.
    pub(crate) fn whole(number: Option<u64>) -> Self {
        number.map_or(Self::Absent, Self::Whole)
    }

    /// A text that may be missing.
    pub(crate) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }
}
