//! Imports only go down: the folders and files of `src` stand on floors, and none uses what stands on its own floor or
//! above.

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
        "kernel_text",
        "mounts",
        "outside_bytes",
        "privilege",
        "sys",
        "unix_socket",
        "values",
    ],
    &["remedy", "settings", "terminal"],
    &["clock", "record", "report"],
    &["target", "view"],
    &["files", "kernel", "plot"],
    &["export", "recorder", "watch"],
    &["control", "metrics", "store"],
    &["cli", "config", "top"],
    &["daemon"],
    &["commands"],
    &["fuzzing"],
];

/// The BPF programs, likewise.
const PROGRAMS: [&[&str]; 8] = [
    &["atomic", "task", "global"],
    &["states", "throttle", "families"],
    &["slots"],
    &["pages"],
    &["first_switch"],
    &["birth", "fault", "switch"],
    &["walk"],
    &["census", "close", "join", "release", "snapshot"],
];

/// The library, the program and the list of modules, which know all.
const ROOTS: [&str; 3] = ["lib.rs", "main.rs", "mod.rs"];

fn source(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// The folder or file at the top that a path below `src` belongs to.
fn module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    first.strip_suffix(".rs").unwrap_or(first).to_owned()
}

/// Every source file below a folder, by its path from `top` on.
fn files(top: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(top, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(top).unwrap().to_owned();
            found.insert(below, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The modules that a text names behind one of the prefixes, such as `crate::`; comments left out.
fn uses(text: &str, prefixes: &[&str]) -> Vec<String> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let behind = prefixes.iter().flat_map(|prefix| code.split(prefix).skip(1));
    behind.flat_map(first_names).filter(|name| !name.is_empty()).collect()
}

/// The name that a path begins with, or those that the paths of a list in braces do.
fn first_names(path: &str) -> Vec<String> {
    let name = |part: &str| -> String {
        part.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
    };
    let Some(list) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut depth, mut names) = (0, vec![name(list)]);
    for (place, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(&list[place + 1..])),
            _ => {}
        }
    }
    names
}

/// The imports that go up, or sideways, in the files below a folder.
fn upward(folder: &Path, floors: &[&[&str]], prefixes: &[&str]) -> Vec<String> {
    let floor = |module: &str| {
        let found = floors.iter().position(|floor| floor.contains(&module));
        found.unwrap_or_else(|| panic!("{module} stands on no floor: give it one"))
    };
    let mut all = BTreeMap::new();
    files(folder, folder, &mut all);
    let mut upward = Vec::new();
    for (path, text) in
        all.iter().filter(|(path, _)| !ROOTS.iter().any(|root| path.as_path() == Path::new(root)))
    {
        let own = module(path);
        for used in uses(text, prefixes) {
            if used != own && floor(&used) >= floor(&own) {
                upward.push(format!("{}: {used}", path.display()));
            }
        }
    }
    upward
}

#[test]
fn names_of_modules_are_found() {
    let text = "use crate::columns::thread;\nuse crate::{cli, report::{a, b}, view};\n// crate::comment\nlet x = crate::clock::now();";
    assert_eq!(uses(text, &["crate::"]), ["columns", "cli", "report", "view", "clock"]);
}

#[test]
fn imports_only_go_down() {
    let upward = upward(&source("../profiler/src"), &FLOORS, &["crate::"]);
    assert!(upward.is_empty(), "these imports go up, or sideways:\n{}", upward.join("\n"));
}

/// The files that name something in their code, of those outside some modules.
fn name_outside(what: &str, modules: &[&str]) -> Vec<String> {
    let mut all = BTreeMap::new();
    let folder = source("../profiler/src");
    files(&folder, &folder, &mut all);
    let is_named =
        |text: &str| text.lines().any(|line| line.split("//").next().unwrap_or_default().contains(what));
    let outside = all.iter().filter(|(path, _)| !modules.contains(&module(path).as_str()));
    outside.filter(|(_, text)| is_named(text)).map(|(path, _)| path.display().to_string()).collect()
}

#[test]
fn the_layout_is_named_by_the_kernel_alone() {
    let named = name_outside("profiler_ebpf", &["kernel"]);
    assert!(named.is_empty(), "what the programs share goes through `kernel` and `model`: {named:?}");
}

#[test]
fn the_command_line_is_known_to_the_commands_alone() {
    let named = name_outside("crate::cli", &["cli", "commands"]);
    assert!(named.is_empty(), "what was asked for goes down as `settings`: {named:?}");
    let named = name_outside("clap::", &["cli"]);
    assert!(named.is_empty(), "clap's types and traits stay in `cli`: {named:?}");
}

#[test]
fn the_programs_stand_on_floors_too() {
    let upward =
        upward(&source("../profiler-ebpf/src/programs"), &PROGRAMS, &["crate::programs::", "use super::"]);
    // The walks stand at the top: they may use everything, and the census in particular.
    let upward: Vec<String> = upward.into_iter().filter(|one| !one.starts_with("walk/")).collect();
    assert!(upward.is_empty(), "these imports go up, or sideways:\n{}", upward.join("\n"));
}
