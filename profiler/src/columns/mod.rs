//! Tables of typed columns, shared by exports and the store, and [`parquet`], the format that both write.

#[cfg(feature = "store")]
pub(crate) mod parquet;

use jiff::Timestamp;

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// A pid or tid, below 2^32.
    Id,
    /// A count, or a duration in nanoseconds.
    Whole,
    /// A share, from 0 to 1.
    Share,
    /// A wall-clock time.
    Time,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// True if rows may lack a value.
    pub(crate) optional: bool,
}

impl Column {
    /// A column with a value in every row.
    pub(crate) fn always(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind, optional: false }
    }

    /// A column in which rows may lack a value.
    pub(crate) fn maybe(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind, optional: true }
    }
}

/// One field of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    /// A value of [`Kind::Id`] or [`Kind::Whole`].
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
