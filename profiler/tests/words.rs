//! Comments open with the thing that they are about: no question word stands first, in any file of the workspace.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are not recognised as such in an integration test"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Openings that say that there is something, and not what.
const BANNED: [&str; 10] =
    ["What", "How", "Whether", "Where", "Who", "Whom", "Whose", "Which", "When", "Why"];

/// The folders with sources, from the top of the workspace.
const FOLDERS: [&str; 5] = ["fuzz/fuzz_targets", "profiler", "profiler-ebpf", "workloads", "xtask"];

/// The most columns of a line of code or comment.
const COLUMNS: usize = 120;

/// The folders without longer lines; a further one is added once its lines are short enough.
const NARROW: [&str; 7] = [
    "profiler/src/columns",
    "profiler/src/export",
    "profiler/src/files",
    "profiler/src/plot",
    "profiler/src/report",
    "profiler/src/top",
    "xtask/bench",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The comments of a text, each with the number of its first line.
fn comments(text: &str) -> Vec<(usize, &str)> {
    let mut comments = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        let Some(words) = line.trim_start().strip_prefix("//") else {
            goes_on = false;
            continue;
        };
        let words = words.trim_start_matches(['/', '!']).trim_start();
        if !goes_on && !words.is_empty() {
            comments.push((number + 1, words));
        }
        // A paragraph of its own is a beginning, too.
        goes_on = !words.is_empty();
    }
    comments
}

fn is_banned(comment: &str) -> bool {
    let first = comment.split(|letter: char| !letter.is_alphabetic()).next().unwrap_or_default();
    BANNED.contains(&first)
}

#[test]
fn comments_begin_and_go_on() {
    let text = "/// What.\n/// Who goes on.\n///\n/// When a paragraph begins.\nlet x = 1;\n// A thing.\n";
    let banned: Vec<usize> =
        comments(text).into_iter().filter(|(_, words)| is_banned(words)).map(|(line, _)| line).collect();
    assert_eq!(banned, [1, 4]);
}

#[test]
fn no_comment_opens_with_a_question_word() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    FOLDERS.iter().for_each(|folder| sources(&top.join(folder), &mut files));
    let mut bad = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        for (line, words) in comments(&text).into_iter().filter(|(_, words)| is_banned(words)) {
            bad.push(format!("{}:{line}: {words}", file.strip_prefix(&top).unwrap().display()));
        }
    }
    assert!(
        bad.is_empty(),
        "say the thing first, as in \"The number of …\", \"True if …\":\n{}",
        bad.join("\n")
    );
}

#[test]
fn lines_are_not_too_long() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    NARROW.iter().for_each(|folder| sources(&top.join(folder), &mut files));
    let mut long = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        for (number, _) in text.lines().enumerate().filter(|(_, line)| line.chars().count() > COLUMNS) {
            long.push(format!("{}:{}", file.strip_prefix(&top).unwrap().display(), number + 1));
        }
    }
    assert!(long.is_empty(), "these lines have more than {COLUMNS} columns:\n{}", long.join("\n"));
}
