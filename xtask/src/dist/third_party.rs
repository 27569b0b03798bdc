//! The licences of what others wrote and the programs hold: the crates that are linked into them, Rust's standard library.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    env::consts::{ARCH, OS},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};
use xtask::{command::Run as _, workspace::Workspace};

/// The file's name in both packages.
pub(super) const NAME: &str = "THIRD-PARTY";

/// The beginnings, in small letters, of the names of files that hold a licence or a notice.
const BEGINNINGS: [&str; 7] =
    ["licence", "license", "copying", "copyright", "notice", "unlicense", "authors"];

/// A crate, as `cargo metadata` describes it.
#[derive(Deserialize)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression; crates may leave it out.
    license: Option<String>,
    repository: Option<String>,
    /// Missing where it is a part of the workspace.
    source: Option<String>,
    manifest_path: PathBuf,
}

impl Crate {
    pub(super) fn licence(&self) -> Result<&str> {
        let license = self.license.as_deref().filter(|license| !license.trim().is_empty());
        license.with_context(|| format!("{} {} names no licence", self.name, self.version))
    }

    /// The folder of its files on this machine.
    pub(super) fn folder(&self) -> Result<&Path> {
        self.manifest_path.parent().with_context(|| format!("{} has no folder", self.name))
    }
}

/// Those of other people that are linked into the programs and into the BPF object, by name and version.
pub(super) fn linked(workspace: &Workspace) -> Result<Vec<Crate>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Crate>,
    }
    let target = format!("{ARCH}-unknown-{OS}-gnu");
    let mut names =
        tree(workspace, &["--package", "profiler", "--package", "workloads", "--target", &target])?;
    let bpf = ["--package", "profiler-ebpf", "--features", "bpf", "--target", "bpfel-unknown-none"];
    names.append(&mut tree(workspace, &bpf)?);
    let mut metadata = workspace.cargo();
    metadata.args(["metadata", "--format-version=1", "--all-features", "--filter-platform", &target]);
    let metadata: Metadata =
        serde_json::from_str(&metadata.read()?).context("what cargo metadata describes can't be read")?;
    let mut crates: BTreeMap<(String, String), Crate> =
        metadata.packages.into_iter().map(|one| ((one.name.clone(), one.version.clone()), one)).collect();
    let linked = names.into_iter().map(|name| {
        crates.remove(&name).with_context(|| format!("cargo metadata knows no {} {}", name.0, name.1))
    });
    let linked: Vec<Crate> = linked.collect::<Result<_>>()?;
    Ok(linked.into_iter().filter(|one| one.source.is_some()).collect())
}

/// Names and versions of what is linked: neither what builds nor what tests, and no macros.
fn tree(workspace: &Workspace, of: &[&str]) -> Result<BTreeSet<(String, String)>> {
    let mut tree = workspace.cargo();
    tree.args(["tree", "--edges=normal,no-proc-macro", "--prefix=none", "--no-dedupe", "--format={p}"]);
    let tree = tree.args(of).read()?;
    tree.lines().filter(|line| !line.is_empty()).map(name_and_version).collect()
}

/// `serde v1.0.228`, with a folder behind it where it is a part of the workspace.
fn name_and_version(line: &str) -> Result<(String, String)> {
    let mut words = line.split(' ');
    let name = words.next().context("a line of cargo tree is empty")?;
    let version = words.next().and_then(|word| word.strip_prefix('v'));
    let version = version.with_context(|| format!("cargo tree says no version: {line}"))?;
    Ok((name.to_owned(), version.to_owned()))
}

/// The file: each crate with its licence, then the texts, each once. `apache` is the Apache licence's text, for crates that
/// name the licence and leave the text out.
pub(super) fn describe(crates: &[Crate], apache: &str) -> Result<String> {
    let mut texts = Texts::default();
    let mut list = String::new();
    for one in crates {
        let licence = one.licence()?;
        let mut found = texts_in(one.folder()?)?;
        if found.is_empty() {
            let is_apache = licence.contains("Apache-2.0");
            ensure!(is_apache, "{} {} ({licence}) comes without a licence's text", one.name, one.version);
            found.push(apache.to_owned());
        }
        writeln!(list, "{}", heading(one)?)?;
        if let Some(repository) = &one.repository {
            writeln!(list, "    {repository}")?;
        }
        writeln!(list, "    texts: {}\n", texts.numbers(found))?;
    }
    Ok(format!(
        "What others wrote and the programs of this package hold: crates, each as it was published in this version, with its\n\
         licence and the repository that its source is in. The texts that belong to them are below, each once.\n\n\
         {list}\
         The standard library of Rust: MIT OR Apache-2.0\n    https://github.com/rust-lang/rust (COPYRIGHT names parts \
         of it with others)\n    texts: {}\n\n{}",
        texts.numbers(vec![apache.to_owned()]),
        texts.all
    ))
}

/// The line with which a crate's part begins.
pub(super) fn heading(one: &Crate) -> Result<String> {
    Ok(format!("{} {}: {}", one.name, one.version, one.licence()?))
}

/// Texts by number, each written once.
#[derive(Default)]
struct Texts {
    numbers: BTreeMap<String, usize>,
    all: String,
}

impl Texts {
    fn numbers(&mut self, texts: Vec<String>) -> String {
        let numbers = texts.into_iter().map(|text| text.replace('\r', "").trim_end().to_owned());
        let numbers: Vec<String> = numbers.map(|text| self.number(text).to_string()).collect();
        numbers.join(", ")
    }

    fn number(&mut self, text: String) -> usize {
        let next = self.numbers.len() + 1;
        *self.numbers.entry(text).or_insert_with_key(|text| {
            self.all += &format!("──── text {next} ────\n\n{text}\n\n");
            next
        })
    }
}

/// The texts below a crate's folder, by path: a crate may hold files with a licence of their own.
fn texts_in(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        if path.is_dir() {
            texts.append(&mut texts_in(&path)?);
        } else if is_licence(&path) {
            let text = fs::read_to_string(&path);
            texts.push(text.with_context(|| format!("cannot read {}", path.display()))?);
        }
    }
    Ok(texts)
}

fn is_licence(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let name = name.to_lowercase();
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)) && !name.ends_with(".rs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, process};

    /// A crate in a folder of its own, with files.
    fn made(name: &str, license: Option<&str>, files: &[(&str, &str)]) -> Crate {
        let folder = env::temp_dir().join(format!("xtask-{name}-{}", process::id()));
        for (file, text) in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        Crate {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(ToOwned::to_owned),
            repository: None,
            source: None,
            manifest_path: folder.join("Cargo.toml"),
        }
    }

    fn unmake(crates: &[Crate]) {
        for one in crates {
            fs::remove_dir_all(one.folder().unwrap()).unwrap();
        }
    }

    #[test]
    fn each_text_is_there_once_and_no_folder_of_this_machine() {
        let files = [("LICENSE", "mit\r\n"), ("src/license.rs", "fn"), ("src/spin/COPYING", "other")];
        let crates = [
            made("licences-one", Some("MIT"), &files),
            made("licences-two", Some("Apache-2.0"), &[]),
            made("licences-three", Some("MIT"), &[("license.txt", "mit")]),
        ];
        let text = describe(&crates, "apache").unwrap();
        assert!(text.contains("licences-one 1.0.0: MIT\n    texts: 1, 2\n"), "{text}");
        assert!(text.contains("licences-two 1.0.0: Apache-2.0\n    texts: 3\n"), "{text}");
        assert!(text.contains("licences-three 1.0.0: MIT\n    texts: 1\n"), "{text}");
        let texts = "──── text 1 ────\n\nmit\n\n──── text 2 ────\n\nother\n\n──── text 3 ────\n\napache\n\n";
        assert!(text.ends_with(texts), "{text}");
        assert!(!text.contains(env::temp_dir().to_str().unwrap()), "{text}");
        unmake(&crates);
    }

    #[test]
    fn a_crate_without_a_licence_or_without_its_text_is_refused() {
        let nameless = [made("licences-none", None, &[("LICENSE", "mit")])];
        let error = describe(&nameless, "apache").unwrap_err().to_string();
        assert_eq!(error, "licences-none 1.0.0 names no licence");
        let textless = [made("licences-no-text", Some("MIT"), &[])];
        let error = describe(&textless, "apache").unwrap_err().to_string();
        assert_eq!(error, "licences-no-text 1.0.0 (MIT) comes without a licence's text");
        unmake(&nameless);
        unmake(&textless);
    }

    #[test]
    fn names_and_versions_are_read_from_the_tree() {
        let of = |line| name_and_version(line).ok();
        let serde = Some(("serde".to_owned(), "1.0.228".to_owned()));
        assert_eq!(of("serde v1.0.228"), serde);
        assert_eq!(of("serde v1.0.228 (/some/folder)"), serde);
        assert_eq!(of("serde"), None);
    }
}
