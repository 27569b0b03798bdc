//! The counts as they stand in files: an object with a field for each loss of a profile, or of a daemon's interval.

use super::{Loss, LossCounts};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::fmt;

fn write<S: Serializer>(
    counts: impl ExactSizeIterator<Item = (Loss, u64)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(counts.len()))?;
    for (loss, count) in counts {
        map.serialize_entry(loss.name(), &count)?;
    }
    map.end()
}

/// Reads an object of counts. Names that are not `known` are read past, as fields of a later version are.
struct Reader<'a> {
    known: &'a [Loss],
    may_be_absent: &'a [Loss],
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = LossCounts;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of losses")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LossCounts, A::Error> {
        let mut read: [Option<u64>; Loss::COUNT] = [None; Loss::COUNT];
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match Loss::of_name(&name).filter(|loss| self.known.contains(loss)) {
                Some(loss) if read[loss as usize].is_some() => {
                    return Err(A::Error::duplicate_field(loss.name()));
                }
                Some(loss) => read[loss as usize] = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        for &loss in self.known {
            if read[loss as usize].is_none() && !self.may_be_absent.contains(&loss) {
                return Err(A::Error::missing_field(loss.name()));
            }
        }
        Ok(LossCounts::of(Loss::ALL.into_iter().zip(read.map(Option::unwrap_or_default))))
    }
}

/// `lost` of a profile: every loss of a recording, those of 0 too.
pub mod in_profile {
    use super::{Cow, Value, json, json_schema};
    use super::{
        Deserializer, JsonSchema, Loss, LossCounts, Map, Reader, Schema, SchemaGenerator, Serializer,
    };

    /// Writes them.
    ///
    /// # Errors
    /// If the serializer fails.
    pub fn serialize<S: Serializer>(counts: &LossCounts, serializer: S) -> Result<S::Ok, S::Error> {
        super::write(counts.only(Loss::OF_PROFILE).into_iter(), serializer)
    }

    /// Reads them.
    ///
    /// # Errors
    /// If one is missing that has always been written, or is no count.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LossCounts, D::Error> {
        let (known, may_be_absent) = (&Loss::OF_PROFILE, &Loss::ADDED_TO_PROFILE);
        deserializer.deserialize_map(Reader { known, may_be_absent })
    }

    /// The schema of the object.
    pub struct Described;

    impl JsonSchema for Described {
        fn schema_name() -> Cow<'static, str> {
            "Lost".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            let mut properties = Map::new();
            for loss in Loss::OF_PROFILE {
                let mut property = json!({
                    "description": loss.described().in_profile,
                    "type": "integer",
                    "format": "uint64",
                });
                if let (true, Value::Object(property)) =
                    (Loss::ADDED_TO_PROFILE.contains(&loss), &mut property)
                {
                    property.insert("default".to_owned(), json!(0));
                }
                property["minimum"] = json!(0);
                properties.insert(loss.name().to_owned(), property);
            }
            let required: Vec<&str> = Loss::OF_PROFILE
                .into_iter()
                .filter(|loss| !Loss::ADDED_TO_PROFILE.contains(loss))
                .map(Loss::name)
                .collect();
            json_schema!({
                "description": "What was lost. All zero means that nothing was.",
                "type": "object",
                "properties": properties,
                "required": required,
            })
        }
    }
}

/// `lost` of a daemon's interval: every loss of a daemon, those of 0 too.
pub mod in_interval {
    use super::{Deserializer, Loss, LossCounts, Reader, Serializer};

    /// Writes them.
    ///
    /// # Errors
    /// If the serializer fails.
    pub fn serialize<S: Serializer>(counts: &LossCounts, serializer: S) -> Result<S::Ok, S::Error> {
        super::write(counts.only(Loss::OF_INTERVAL).into_iter(), serializer)
    }

    /// Reads them.
    ///
    /// # Errors
    /// If one is missing or no count.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LossCounts, D::Error> {
        deserializer.deserialize_map(Reader { known: &Loss::OF_INTERVAL, may_be_absent: &[] })
    }
}

/// For the JSON of an export and of a Parquet file's metadata, which hold what a profile does.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub struct OfProfile(#[serde(with = "in_profile")] pub LossCounts);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_was_always_written_must_be_there_and_once() {
        let read = |text: &str| {
            in_profile::deserialize(&mut serde_json::Deserializer::from_str(text))
                .map_err(|error| error.to_string())
        };
        let first = r#""samples_without_bucket": 1, "threads_without_slot": 2, "missed_program_runs": 0, "clock_backwards": 0"#;
        assert!(read(&format!("{{{first}}}")).unwrap_err().contains("threads_without_state"));
        let whole = format!(r#"{first}, "threads_without_state": 4, "of_a_later_version": 7"#);
        let counts = read(&format!("{{{whole}}}")).unwrap();
        assert_eq!((counts[Loss::ThreadsWithoutState], counts[Loss::ThreadsUnfinished]), (4, 0));
        assert!(read(&format!(r#"{{{whole}, "clock_backwards": 0}}"#)).unwrap_err().contains("duplicate"));
        assert!(read(&format!(r#"{{{whole}, "threads_unfinished": -1}}"#)).is_err());
    }
}
