//! The labels of a series, as they stand in each of its lines.

use crate::watch::batch::Key;
use prometheus_client::encoding::{EncodeLabel as _, EncodeLabelSet, LabelSetEncoder};
use std::fmt;

/// Labels that are written once and then copied: a group has up to 121 lines. The encoder takes the key of a label as it is
/// and escapes the value, so what stands before the last value goes in as that one's key.
#[derive(Debug)]
pub(super) struct Labels {
    before: String,
    last: String,
}

impl Labels {
    /// Those of a group. A part of the key that is absent has no label.
    pub(super) fn of_group(key: &Key) -> Self {
        let mut labels = Self::of_selector(&key.selector);
        let parts = [
            ("process", key.process.as_deref().map(str::to_owned)),
            ("pid", key.pid.map(|pid| pid.to_string())),
            ("thread", key.thread.as_deref().map(str::to_owned)),
        ];
        for (name, value) in parts {
            labels.extend(name, value);
        }
        labels
    }

    /// That of a selector.
    pub(super) fn of_selector(name: &str) -> Self {
        Self { before: "selector".to_owned(), last: name.to_owned() }
    }

    fn extend(&mut self, name: &str, value: Option<String>) {
        let Some(value) = value else { return };
        self.before.push_str("=\"");
        for character in self.last.chars() {
            match character {
                '\\' => self.before.push_str("\\\\"),
                '"' => self.before.push_str("\\\""),
                '\n' => self.before.push_str("\\n"),
                other => self.before.push(other),
            }
        }
        self.before.push_str("\",");
        self.before.push_str(name);
        self.last = value;
    }
}

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        (self.before.as_str(), self.last.as_str()).encode(encoder.encode_label())
    }
}

impl EncodeLabelSet for &Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        (*self).encode(encoder)
    }
}
