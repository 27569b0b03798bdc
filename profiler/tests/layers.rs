//! Imports only go down: the folders and files of `src` stand on floors, and none uses what stands on its own floor or above.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests are not recognised as such in an integration test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up. What stands side by side does not know of each other.
const FLOORS: [&[&str]; 11] = [
    &[
        "columns",
        "figures",
        "golden",
        "mounts",
        "outside_bytes",
        "outside_text",
        "privilege",
        "sys",
        "unix_socket",
        "values",
    ],
    &["profile", "remedy", "terminal"],
    &["clock", "record", "report"],
    &["target", "view"],
    &["files", "kernel", "plot"],
    &["export", "watch"],
    &["control", "metrics", "store"],
    &["cli", "config", "top"],
    &["daemon"],
    &["commands"],
    &["fuzzing"],
];

/// The library and the program, which know all.
const ROOTS: [&str; 2] = ["lib.rs", "main.rs"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn floor(module: &str) -> usize {
    let found = FLOORS.iter().position(|floor| floor.contains(&module));
    found.unwrap_or_else(|| panic!("{module} stands on no floor: give it one"))
}

/// The folder or file at the top that a path below `src` belongs to.
fn module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    first.strip_suffix(".rs").unwrap_or(first).to_owned()
}

/// Every source file below a folder, by its path from `src` on.
fn files(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(source()).unwrap().to_owned();
            found.insert(below, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The modules that a text names by `crate::`, comments left out.
fn uses(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let mut uses = Vec::new();
    for rest in code.join("\n").split("crate::").skip(1) {
        let names = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![rest],
        };
        let first = |name: &str| -> String {
            name.trim().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
        };
        uses.extend(names.into_iter().map(first).filter(|name| !name.is_empty()));
    }
    uses
}

#[test]
fn names_after_crate_are_found() {
    let text = "use crate::profile::thread;\nuse crate::{cli, report::{a}};\n// crate::comment\nlet x = crate::clock::now();";
    assert_eq!(uses(text), ["profile", "cli", "report", "clock"]);
}

#[test]
fn imports_only_go_down() {
    let mut all = BTreeMap::new();
    files(&source(), &mut all);
    let mut upward = Vec::new();
    for (path, text) in
        all.iter().filter(|(path, _)| !ROOTS.iter().any(|root| path.as_path() == Path::new(root)))
    {
        let own = module(path);
        for used in uses(text) {
            if used != own && floor(&used) >= floor(&own) {
                upward.push(format!("{}: crate::{used}", path.display()));
            }
        }
    }
    assert!(upward.is_empty(), "these imports go up, or sideways:\n{}", upward.join("\n"));
}
