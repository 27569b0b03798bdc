//! The types of a JSON Schema as tables: of an object its fields, of an enum its words.

use crate::page::{Block, Entry};
use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use std::collections::VecDeque;

/// The prefix of a reference from one type to another.
const REFERENCE: &str = "#/$defs/";

/// The schema's root and every type that is reached from it, breadth first, each once.
pub(crate) fn blocks(schema: &Value) -> Result<Vec<Block>> {
    let root = schema["title"].as_str().context("the schema has no title")?;
    let (mut known, mut blocks) = (vec![root.to_owned()], Vec::new());
    let mut next = VecDeque::from([(root.to_owned(), schema)]);
    while let Some((name, definition)) = next.pop_front() {
        let mut found = Vec::new();
        references(definition, &mut found);
        blocks.push(Block::Subheading(name));
        blocks.push(Block::Paragraph(described(definition)));
        blocks.extend(table(definition).map(Block::Entries));
        for name in found {
            if !known.contains(&name) {
                let definition = schema["$defs"].get(&name).with_context(|| format!("no type {name}"))?;
                known.push(name.clone());
                next.push_back((name, definition));
            }
        }
    }
    Ok(blocks)
}

/// The names of the types that a value refers to, those of the root's `$defs` left out.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            let reference = object.get("$ref").and_then(Value::as_str);
            found.extend(reference.and_then(|path| path.strip_prefix(REFERENCE)).map(ToOwned::to_owned));
            object.iter().filter(|(key, _)| *key != "$defs").for_each(|(_, value)| references(value, found));
        }
        Value::Array(array) => array.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// The type in words; of one that is neither an object nor an enum, its JSON type before it.
fn described(definition: &Value) -> String {
    let text = text(definition);
    let is_scalar = definition.get("properties").is_none() && definition.get("anyOf").is_none();
    if is_scalar { format!("{}. {text}", capitalized(&kind(definition))) } else { text }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn table(definition: &Value) -> Option<Vec<Entry>> {
    if let Some(fields) = definition["properties"].as_object() {
        let required = definition["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        let entry = |(name, field): (&String, &Value)| {
            let optional = if required.iter().any(|one| one == name) { "" } else { ", optional" };
            Entry { names: vec![name.clone()], kind: kind(field) + optional, text: text(field) }
        };
        return Some(fields.iter().map(entry).collect());
    }
    definition["anyOf"].as_array().map(|variants| variants.iter().map(variant).collect())
}

/// A description in one line.
fn text(described: &Value) -> String {
    let words = described["description"].as_str().unwrap_or_default().split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

/// A value of an enum: a word, or an object of one key.
fn variant(variant: &Value) -> Entry {
    let name = if let Some(word) = variant["const"].as_str() {
        format!("\"{word}\"")
    } else if let Some(fields) = variant["properties"].as_object() {
        object(fields)
    } else {
        "…".to_owned()
    };
    Entry { names: vec![name], text: text(variant), ..Entry::default() }
}

/// An object whose fields are given in place, such as `{"thread": {"pid": integer}}`.
fn object(fields: &Map<String, Value>) -> String {
    let one = |(name, field): (&String, &Value)| {
        let inner = field["properties"].as_object().map_or_else(|| kind(field), object);
        format!("\"{name}\": {inner}")
    };
    format!("{{{}}}", fields.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// The type of a field in words; that `null` may stand for it goes without saying where it is optional.
fn kind(field: &Value) -> String {
    if let Some(name) = field["$ref"].as_str().and_then(|path| path.strip_prefix(REFERENCE)) {
        return name.to_owned();
    }
    if let Some(choices) = field["anyOf"].as_array() {
        return choices.iter().map(kind).find(|kind| kind != "null").unwrap_or_default();
    }
    let is_named = |word: &&Value| *word != "null";
    let word = match &field["type"] {
        Value::Array(words) => words.iter().find(is_named).and_then(Value::as_str),
        word => word.as_str(),
    };
    match word {
        Some("array") => format!("array of {}", kind(&field["items"])),
        Some("object") => format!("object of {} by name", kind(&field["additionalProperties"])),
        word => word.unwrap_or("any").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_types_of_fields_in_words() {
        for (field, words) in [
            (json!({"$ref": "#/$defs/Nanos"}), "Nanos"),
            (json!({"anyOf": [{"$ref": "#/$defs/Bytes"}, {"type": "null"}]}), "Bytes"),
            (json!({"type": ["string", "null"]}), "string"),
            (json!({"type": "array", "items": {"type": "string"}}), "array of string"),
            (
                json!({"type": "object", "additionalProperties": {"$ref": "#/$defs/Histogram"}}),
                "object of Histogram by name",
            ),
        ] {
            assert_eq!(kind(&field), words);
        }
    }

    #[test]
    fn each_type_that_is_reached_stands_once() {
        let schema = json!({
            "title": "Root", "description": "All.", "required": ["a"],
            "properties": {"a": {"$ref": "#/$defs/Word"}, "b": {"$ref": "#/$defs/Word"}},
            "$defs": {
                "Word": {"description": "A\nword.", "anyOf": [{"const": "on", "description": "It is on."}]},
                "Unused": {"type": "integer"},
            }
        });
        let field = |name: &str, kind: &str| Entry {
            names: vec![name.to_owned()],
            kind: kind.to_owned(),
            text: String::new(),
        };
        let on = Entry { names: vec!["\"on\"".to_owned()], text: "It is on.".to_owned(), ..Entry::default() };
        assert_eq!(
            blocks(&schema).unwrap(),
            [
                Block::Subheading("Root".to_owned()),
                Block::paragraph("All."),
                Block::Entries(vec![field("a", "Word"), field("b", "Word, optional")]),
                Block::Subheading("Word".to_owned()),
                Block::paragraph("A word."),
                Block::Entries(vec![on]),
            ]
        );
    }

    #[test]
    fn an_object_in_place_shows_what_is_in_it() {
        let thread = json!({
            "description": "One thread.",
            "properties": {"thread": {"type": "object", "properties": {"pid": {"type": "integer"}}}}
        });
        assert_eq!(variant(&thread).names, ["{\"thread\": {\"pid\": integer}}"]);
    }
}
