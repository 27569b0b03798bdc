//! Words of later versions: a file may hold variants, metrics, losses and fields that this version does not know.
//!
//! The rule: an unknown word is kept and shown as it is, what could not be used is said, and only damage is called
//! damage. Each enum of the profile ends in a variant that holds an [`Unknown`], and is read by [`read`]; unknown fields are
//! noted by the reader of files.

use super::Profile;
use super::attached::{Attached, Selection};
use super::reconciliation::{Quantity, Rule, Scope};
use super::thread::OpenState;
use crate::metric::Metric;
use schemars::Schema;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer, forward_to_deserialize_any};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// A variant of a later version, as it stands in the file: a word, or an object whose one key is the word.
///
/// Interned: a word stands in a file once for each thread, and is kept once until the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    json: &'static str,
    text: &'static str,
}

impl Unknown {
    fn of(value: &Value) -> Self {
        static WORDS: Mutex<BTreeMap<&str, Unknown>> = Mutex::new(BTreeMap::new());
        let json = value.to_string();
        let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = words.get(json.as_str()) {
            return *known;
        }
        let text = value.as_str().map_or_else(|| json.clone(), str::to_owned);
        let word = Self { json: json.leak(), text: text.leak() };
        words.insert(word.json, word);
        word
    }

    /// The word, or the whole object as JSON where the variant holds more than its name.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.text
    }
}

#[cfg(any(test, feature = "arbitrary"))]
impl<'a> arbitrary::Arbitrary<'a> for Unknown {
    fn arbitrary(bytes: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self::of(&Value::from(format!("later_{}", bytes.arbitrary::<u8>()?))))
    }
}

impl Serialize for Unknown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<Value>(self.json).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// Adds to the schema of an enum what a later version may write in its place.
pub(crate) fn open_schema(schema: &mut Schema) {
    let later = json!({
        "description": "A word of a later version, or an object whose one key is that word: to be kept and shown as it is.",
        "type": ["string", "object"]
    });
    if let Some(Value::Array(mut variants)) = schema.remove("oneOf") {
        variants.push(later);
        schema.insert("anyOf".to_owned(), Value::Array(variants));
    }
}

/// Reads an enum. `known` is what serde derives for the variants that are known; `unknown` makes the last one of a word
/// that is not among them. A known word with the wrong content stays an error: that is damage.
///
/// # Errors
/// If the value can't be a variant, or is a known one with the wrong content.
pub(crate) fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    known: impl FnOnce(Probe<'_>) -> Result<T, serde_json::Error>,
    unknown: impl FnOnce(Unknown) -> T,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let mut is_known = true;
    let read = known(Probe { value: &value, is_known: &mut is_known });
    if is_known { read.map_err(D::Error::custom) } else { Ok(unknown(Unknown::of(&value))) }
}

/// Hands a value to a derived reader, and notes whether the variant is one that it knows.
pub(crate) struct Probe<'a> {
    value: &'a Value,
    is_known: &'a mut bool,
}

/// The word that names a variant; `None` where nothing is one, or nothing that any version writes: words of the format
/// are of lower-case letters, digits and `_`.
fn word(value: &Value) -> Option<&str> {
    let word = match value {
        Value::String(word) => word.as_str(),
        Value::Object(object) if object.len() == 1 => object.keys().next()?,
        _ => return None,
    };
    let is_of_words = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (!word.is_empty() && word.bytes().all(is_of_words)).then_some(word)
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = serde_json::Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.is_known = word(self.value).is_none_or(|word| variants.contains(&word));
        self.value.clone().deserialize_enum(name, variants, visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.value.clone().deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// Parts of a file that a later version wrote and this one can't use, beside the words that the profile itself keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Later {
    /// Fields that were read past, as `threads[].name_of_field`.
    pub fields: BTreeSet<String>,
    /// Losses that are not 0 and that this version does not know, by name.
    pub losses: BTreeMap<String, u64>,
}

/// Everything in a profile that this version does not know, in words that name the kind and the word; sorted, each once.
#[must_use]
pub fn not_understood(profile: &Profile) -> Vec<String> {
    let mut words = BTreeSet::new();
    let mut note = |kind: &str, word: &str| {
        words.insert(format!("{kind} {word}"));
    };
    let threads = profile.threads.iter();
    let states = threads.flat_map(|thread| {
        thread.open.map(|open| open.state).into_iter().chain(thread.found.map(|found| found.state))
    });
    for state in states {
        if let OpenState::Unknown(word) = state {
            note("state", word.text());
        }
    }
    for check in &profile.reconciliation {
        if let Quantity::Unknown(word) = check.quantity {
            note("quantity", word.text());
        }
        if let Scope::Unknown(word) = check.scope {
            note("scope", word.text());
        }
        for rule in check.explanation.iter().flat_map(|explanation| &explanation.rules) {
            if let Rule::Unknown(word) = rule {
                note("rule", word.text());
            }
        }
    }
    if let Some(Attached { selection: Selection::Unknown(word), .. }) = profile.run.attached {
        note("selection", word.text());
    }
    for metric in metrics(profile).filter(|metric| !Metric::ALL.iter().any(|known| known.name() == *metric)) {
        note("metric", metric);
    }
    for (loss, count) in &profile.later.losses {
        note("loss", &format!("{loss} {count}"));
    }
    for field in &profile.later.fields {
        note("field", field);
    }
    words.into_iter().collect()
}

/// The names of all histograms, as often as they occur.
fn metrics(profile: &Profile) -> impl Iterator<Item = &str> {
    let of_threads = profile.threads.iter().map(|thread| &thread.histograms);
    let of_intervals = profile.intervals.iter().flat_map(|interval| &interval.threads);
    let of_rest = profile.without_slot.iter().map(|rest| &rest.metrics);
    let all = of_threads.chain(of_intervals.map(|part| &part.histograms)).chain(of_rest);
    all.flat_map(|histograms| histograms.keys().map(String::as_str))
}

/// Writes and reads an enum that derives serde's traits with `remote = "Self"` and ends in `Unknown`, which it skips.
macro_rules! open_enum {
    ($($type:ident),+) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $type::Unknown(word) => word.serialize(serializer),
                    known => $type::serialize(known, serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::profile::later::read(deserializer, |known| $type::deserialize(known), $type::Unknown)
            }
        }
    )+};
}
pub(crate) use open_enum;
