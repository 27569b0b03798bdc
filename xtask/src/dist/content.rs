//! The content of both packages.

use super::{
    epoch,
    third_party::{self, Crate},
};
use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
};
use xtask::{command::Run as _, workspace::Workspace};

/// Programs: `profiler` finds the workloads beside itself.
pub(super) const PROGRAMS: [&str; 3] = ["profiler", "tokio-workload", "thread-pool-workload"];

/// The man pages about files; those of commands follow from the command line.
pub(super) const FILE_PAGES: [&str; 2] = ["profiler.toml.5", "profiler-profile.5"];

/// A file that goes in.
pub(super) struct Document {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// All of it.
pub(super) struct Content {
    pub(super) epoch: u64,
    pub(super) programs: Vec<Document>,
    pub(super) man_pages: Vec<Document>,
    pub(super) completions: Vec<Document>,
    /// For systemd.
    pub(super) unit: Document,
    /// The default configuration.
    pub(super) config: Document,
    pub(super) readme: Document,
    /// The pages that the README leads to, named from the README on.
    pub(super) pages: Vec<Document>,
    pub(super) licences: Vec<Document>,
    /// Those that one of the licences is about: what is linked into the programs.
    pub(super) crates: Vec<Crate>,
    /// The package's control file and its scripts.
    pub(super) debian: Vec<Document>,
}

impl Content {
    /// Reads what the release build left and the repository has, and makes the documents in a folder.
    pub(super) fn gather(workspace: &Workspace, documents: &Path) -> Result<Self> {
        let made = documents_in(workspace, documents)?;
        let (man_pages, completions) =
            made.into_iter().partition(|document| manual_section(&document.name).is_some());
        let at = |path: &str| read(&workspace.root().join(path));
        let all = |paths: &[&str]| paths.iter().map(|path| at(path)).collect::<Result<_>>();
        let programs = PROGRAMS.map(|program| workspace.release().join(program));
        let mut licences: Vec<Document> =
            all(&["LICENSE-APACHE", "LICENSE-MIT", "profiler/src/plot/fonts/OFL.txt"])?;
        let crates = third_party::linked(workspace)?;
        let third_party = third_party::describe(&crates, text(&licences, "LICENSE-APACHE")?)?;
        licences.push(Document { name: third_party::NAME.to_owned(), bytes: third_party.into_bytes() });
        Ok(Self {
            epoch: epoch(workspace)?,
            programs: programs.iter().map(|path| read(path)).collect::<Result<_>>()?,
            man_pages,
            completions,
            unit: at("packaging/profiler.service")?,
            config: at("packaging/daemon.toml")?,
            readme: at("README.md")?,
            pages: pages(workspace)?,
            licences,
            crates,
            debian: all(&["control", "postinst", "prerm", "postrm"]
                .map(|name| format!("packaging/debian/{name}"))
                .each_ref()
                .map(String::as_str))?,
        })
    }

    /// A licence's text.
    pub(super) fn licence(&self, name: &str) -> Result<&str> {
        text(&self.licences, name)
    }
}

/// The section of the manual that a file is a page of, by its name; `None` of what is no man page.
pub(super) fn manual_section(name: &str) -> Option<&str> {
    ["1", "5"].into_iter().find(|section| Path::new(name).extension().is_some_and(|end| end == *section))
}

fn text<'a>(licences: &'a [Document], name: &str) -> Result<&'a str> {
    let licence = licences.iter().find(|licence| licence.name == name);
    let licence = licence.with_context(|| format!("{name} is not among the licences"))?;
    std::str::from_utf8(&licence.bytes).with_context(|| format!("{name} is not text"))
}

/// Man pages and completions, made by the program's own definition of its arguments.
fn documents_in(workspace: &Workspace, folder: &Path) -> Result<Vec<Document>> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut make = workspace.cargo();
    make.args(["run", "--quiet", "--release", "--package", "profiler", "--example", "documents", "--"]);
    make.arg(folder).run()?;
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<PathBuf> = entries?.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    let made: Vec<Document> = paths.iter().map(|path| read(path)).collect::<Result<_>>()?;
    let missing = FILE_PAGES.iter().find(|page| !made.iter().any(|document| document.name == **page));
    ensure!(missing.is_none(), "the example `documents` wrote no {missing:?}");
    Ok(made)
}

/// The files of `docs/`, those of its folders too.
fn pages(workspace: &Workspace) -> Result<Vec<Document>> {
    let (mut folders, mut pages) = (vec![workspace.root().join("docs")], Vec::new());
    while let Some(folder) = folders.pop() {
        let cannot = || format!("cannot list {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(cannot)? {
            let path = entry.with_context(cannot)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(workspace.root()).context("it is below the root")?;
            let name = name.to_str().context("a page has a name in UTF-8")?.to_owned();
            pages.push(Document { name, ..read(&path)? });
        }
    }
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(pages)
}

fn read(path: &Path) -> Result<Document> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
    Ok(Document { name, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files that the Markdown of a page links to, as links stand there: from the page's folder on.
    fn links(page: &str) -> Vec<&str> {
        let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        links.filter(|link| !link.contains("://") && !link.starts_with('#')).collect()
    }

    #[test]
    fn links_of_a_page_are_found() {
        assert_eq!(links("[a](b.md), ![c](d/e.svg) [f](https://g) [h](#i)"), ["b.md", "d/e.svg"]);
    }

    #[test]
    fn each_link_leads_to_a_page_that_is_packed() {
        let workspace = Workspace::find().unwrap();
        let mut all = pages(&workspace).unwrap();
        all.push(read(&workspace.root().join("README.md")).unwrap());
        for page in all.iter().filter(|page| page.name.ends_with(".md")) {
            let folder = Path::new(&page.name).parent().unwrap();
            for link in links(std::str::from_utf8(&page.bytes).unwrap()) {
                let target = folder.join(link);
                assert!(all.iter().any(|other| Path::new(&other.name) == target), "{}: {link}", page.name);
            }
        }
    }

    #[test]
    fn man_pages_are_told_from_completions_by_their_sections() {
        for page in FILE_PAGES {
            assert_eq!(manual_section(page), Some("5"));
        }
        assert_eq!(manual_section("profiler-run.1"), Some("1"));
        for completion in ["profiler.bash", "_profiler", "profiler.fish", "profiler.toml"] {
            assert_eq!(manual_section(completion), None);
        }
    }

    /// The tree's table and the recipes name files from the root on.
    #[test]
    fn each_path_that_developers_are_led_to_exists() {
        let workspace = Workspace::find().unwrap();
        let page = read(&workspace.root().join("docs/developing.md")).unwrap();
        let page = String::from_utf8(page.bytes).unwrap();
        let is_of_the_tree = |path: &&str| {
            let top = ["docs/", "fuzz/", "packaging/", "profiler/", "profiler-ebpf/", "workloads/", "xtask/"];
            top.iter().any(|top| path.starts_with(top)) && !path.contains(' ')
        };
        let paths: Vec<&str> = page.split('`').skip(1).step_by(2).filter(is_of_the_tree).collect();
        assert!(paths.len() > 20, "{paths:?}");
        for path in paths {
            assert!(workspace.root().join(path).exists(), "{path}");
        }
    }

    #[test]
    fn the_first_page_is_short() {
        let workspace = Workspace::find().unwrap();
        let readme = read(&workspace.root().join("README.md")).unwrap();
        assert!(readme.bytes.iter().filter(|byte| **byte == b'\n').count() <= 150);
    }
}
