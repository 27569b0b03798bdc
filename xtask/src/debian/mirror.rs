//! The Debian mirror of this machine: the one its own packages come from.

use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files of apt's sources.
const SOURCES: &str = "/etc/apt/sources.list";
const SOURCES_FOLDER: &str = "/etc/apt/sources.list.d";

/// The address from which this machine gets the packages of its own release.
pub(super) fn find() -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    let codename = codename(&release).context("/etc/os-release names no release (VERSION_CODENAME)")?;
    files()
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .find_map(|text| address(&text, codename))
        .with_context(|| format!("no source in /etc/apt serves this machine's own release, {codename}"))
}

fn codename(release: &str) -> Option<&str> {
    let name = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(name.trim_matches('"'))
}

fn files() -> Vec<PathBuf> {
    let parts = fs::read_dir(SOURCES_FOLDER).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = std::iter::once(Path::new(SOURCES).to_path_buf()).chain(parts).collect();
    files.sort();
    files
}

/// In either format: `deb [options] ADDRESS SUITE …`, or a stanza of fields (sources.list(5)).
fn address(text: &str, suite: &str) -> Option<String> {
    text.split("\n\n").find_map(|stanza| address_of_stanza(stanza, suite)).or_else(|| {
        text.lines().find_map(|line| {
            let rest = line.strip_prefix("deb ")?.trim_start();
            let rest =
                rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, rest)| rest);
            let mut words = rest.split_whitespace();
            let address = words.next()?;
            (words.next()? == suite).then(|| address.to_owned())
        })
    })
}

fn address_of_stanza(stanza: &str, suite: &str) -> Option<String> {
    let field = |name| stanza.lines().find_map(|line: &str| line.strip_prefix(name)?.strip_prefix(':'));
    field("Suites")?.split_whitespace().find(|word| *word == suite)?;
    field("URIs")?.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_named_with_or_without_quotes() {
        assert_eq!(codename("ID=debian\nVERSION_CODENAME=bookworm\n"), Some("bookworm"));
        assert_eq!(codename("VERSION_CODENAME=\"trixie\"\n"), Some("trixie"));
        assert_eq!(codename("ID=arch\n"), None);
    }

    #[test]
    fn stanzas_are_told_apart_by_their_suites() {
        let text = "Types: deb\n# comment\nURIs: http://a.example/debian-security\nSuites: here-security\n\n\
                    Types: deb\nURIs: http://b.example/debian http://c.example/\nSuites: here here-updates\n";
        assert_eq!(address(text, "here").as_deref(), Some("http://b.example/debian"));
        assert_eq!(address(text, "there"), None);
    }

    #[test]
    fn lines_may_have_options() {
        let text = "# deb http://no.example here main\ndeb-src http://src.example here main\n\
                    deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian here-updates main\n\
                    deb [arch=amd64] http://b.example/debian here main\n";
        assert_eq!(address(text, "here").as_deref(), Some("http://b.example/debian"));
        assert_eq!(address("deb http://c.example here main", "here").as_deref(), Some("http://c.example"));
    }
}
