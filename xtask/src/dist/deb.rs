//! The package for Debian and what is made of it.

use super::{
    VERSION,
    content::{Content, Document, manual_section},
    third_party,
    tree::{FILE, PROGRAM, Tree},
};
use anyhow::{Context as _, Result};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use xtask::command::Run as _;

/// The path of the default configuration, as the unit has it: a conffile, so that changes in it are kept.
pub(super) const CONFIG: &str = "etc/profiler/profiler.toml";

/// The folder of the programs: beside each other, and only `profiler` on the path.
pub(super) const PROGRAMS: &str = "usr/lib/profiler";

/// The documentation's folder.
pub(super) const DOCUMENTATION: &str = "usr/share/doc/profiler";

/// Packs it into a folder.
pub(super) fn pack(content: &Content, folder: &Path) -> Result<PathBuf> {
    let tree = Tree::new(folder.join("deb"))?;
    lay_out(content, &tree)?;
    document(content, &tree)?;
    let architecture = Command::new("dpkg").arg("--print-architecture").read()?;
    let architecture = architecture.trim();
    control(content, &tree, folder, architecture)?;
    let deb = folder.join(format!("profiler_{VERSION}_{architecture}.deb"));
    let mut dpkg = Command::new("dpkg-deb");
    dpkg.env("SOURCE_DATE_EPOCH", content.epoch.to_string()).args(["--root-owner-group", "-Zxz", "--build"]);
    dpkg.arg(tree.root()).arg(&deb).read()?;
    Ok(deb)
}

fn lay_out(content: &Content, tree: &Tree) -> Result<()> {
    for program in &content.programs {
        let place = format!("{PROGRAMS}/{}", program.name);
        tree.put(&place, &program.bytes, PROGRAM)?;
        // Debian's programs have no symbols; those of the tarball show functions in a backtrace.
        Command::new("strip")
            .args(["--strip-unneeded", "--remove-section=.comment"])
            .arg(tree.root().join(place))
            .run()?;
    }
    tree.link("usr/bin/profiler", "../lib/profiler/profiler")?;
    for page in &content.man_pages {
        tree.put_compressed(&man_page(&page.name)?, &page.bytes)?;
    }
    for completion in &content.completions {
        let place = match completion.name.as_str() {
            "_profiler" => "zsh/vendor-completions/_profiler",
            "profiler.fish" => "fish/vendor_completions.d/profiler.fish",
            _ => "bash-completion/completions/profiler",
        };
        tree.put(&format!("usr/share/{place}"), &completion.bytes, FILE)?;
    }
    tree.put(&format!("usr/lib/systemd/system/{}", content.unit.name), &content.unit.bytes, FILE)?;
    tree.put(CONFIG, &content.config.bytes, FILE)
}

/// The place of a man page, by the name of its file.
pub(super) fn man_page(name: &str) -> Result<String> {
    let section = manual_section(name).with_context(|| format!("{name} is no man page"))?;
    Ok(format!("usr/share/man/man{section}/{name}"))
}

fn document(content: &Content, tree: &Tree) -> Result<()> {
    // As they are, so that the links from one to the other hold.
    for page in content.pages.iter().chain([&content.readme]) {
        tree.put(&format!("{DOCUMENTATION}/{}", page.name), &page.bytes, FILE)?;
    }
    tree.put(&format!("{DOCUMENTATION}/copyright"), copyright(content)?.as_bytes(), FILE)?;
    let third_party = content.licence(third_party::NAME)?;
    tree.put_compressed(&format!("{DOCUMENTATION}/{}", third_party::NAME), third_party.as_bytes())?;
    let mut date = Command::new("date");
    let date = date.args(["--utc", "--rfc-email", &format!("--date=@{}", content.epoch)]).read()?;
    let changes = format!(
        "profiler ({VERSION}) unstable; urgency=medium\n\n  * See the history of the repository.\n\n \
         -- The profiler developers <profiler@packages.debian.org>  {date}"
    );
    tree.put_compressed(&format!("{DOCUMENTATION}/changelog"), changes.as_bytes())
}

/// In the form of <https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>.
fn copyright(content: &Content) -> Result<String> {
    let indented = |text: &str| -> String {
        text.lines()
            .map(|line| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") })
            .collect()
    };
    let (mit, font) = (content.licence("LICENSE-MIT")?, content.licence("OFL.txt")?);
    let holder = mit.lines().find_map(|line| line.strip_prefix("Copyright (c) "));
    let holder = holder.context("LICENSE-MIT names nobody")?;
    let fonts: Vec<&str> = font.lines().filter(|line| line.contains("opyright (c)")).collect();
    Ok(format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: profiler\n\
         Comment: The programs hold crates of others, whose licences are in\n /{DOCUMENTATION}/{}.gz.\n\n\
         Files: *\nCopyright: {holder}\nLicense: MIT or Apache-2.0\n\n\
         Files: profiler/src/plot/fonts/*\nCopyright: {}\nLicense: OFL-1.1\n\n\
         License: MIT\n{}\nLicense: Apache-2.0\n On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n\n\
         License: OFL-1.1\n{}",
        third_party::NAME,
        fonts.join("\n           "),
        indented(mit),
        indented(font)
    ))
}

/// The archive that dpkg reads: the fields, the scripts, the conffile, and the sums of the files.
fn control(content: &Content, tree: &Tree, folder: &Path, architecture: &str) -> Result<()> {
    let files = tree.files()?;
    let (mut sums, mut kilobytes) = (String::new(), 0);
    for file in &files {
        let path = tree.root().join(file);
        if file != CONFIG {
            let sum = Command::new("md5sum").arg(&path).read()?;
            writeln!(sums, "{}  {file}", sum.split(' ').next().unwrap_or_default())?;
        }
        kilobytes += fs::metadata(&path)?.len().div_ceil(1024);
    }
    for Document { name, bytes } in &content.debian {
        if name != "control" {
            tree.put(&format!("DEBIAN/{name}"), bytes, PROGRAM)?;
            continue;
        }
        let fields = String::from_utf8(bytes.clone()).context("packaging/debian/control is not text")?;
        let fields = fields
            .replace("@version@", VERSION)
            .replace("@architecture@", architecture)
            .replace("@installed-size@", &kilobytes.to_string())
            .replace("@depends@", &depends(tree, folder)?);
        tree.put("DEBIAN/control", fields.as_bytes(), FILE)?;
    }
    tree.put("DEBIAN/conffiles", format!("/{CONFIG}\n").as_bytes(), FILE)?;
    tree.put("DEBIAN/md5sums", sums.as_bytes(), FILE)
}

/// The libraries that the programs need, in the versions that have what they use.
fn depends(tree: &Tree, folder: &Path) -> Result<String> {
    // It wants to be called in the sources of a package.
    let sources = Tree::new(folder.join("shlibdeps"))?;
    sources.put("debian/control", b"Source: profiler\n\nPackage: profiler\nArchitecture: any\n", FILE)?;
    let mut find = Command::new("dpkg-shlibdeps");
    find.current_dir(sources.root()).arg("-O");
    for program in super::content::PROGRAMS {
        find.arg(fs::canonicalize(tree.root().join(PROGRAMS).join(program))?);
    }
    let found = find.read()?;
    let depends = found.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
    depends.map(ToOwned::to_owned).context("dpkg-shlibdeps says nothing of what is needed")
}
