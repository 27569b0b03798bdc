//! Profiles, and every file that is made of them.

use super::scripts;
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use xtask::{command::Run as _, privilege::Privilege, workspace::Workspace};

/// The length of the recordings' intervals: each recording has several.
const INTERVAL: &str = "--interval=100ms";

/// Exports: the format if the extension does not say it, the file, and further arguments.
const EXPORTS: [(Option<&str>, &str, &[&str]); 16] = [
    (None, "threads.csv", &[]),
    (None, "summary.csv", &["--summary"]),
    (None, "threads.json", &[]),
    (None, "threads.parquet", &[]),
    (None, "summary.parquet", &["--summary"]),
    (None, "threads.hlog", &[]),
    (None, "hgrm/percentiles.hgrm", &[]),
    (None, "table.md", &[]),
    (None, "names.md", &["--group-by=name"]),
    (Some("latex"), "table.tex", &[]),
    (Some("latex"), "names.tex", &["--group-by=name"]),
    (Some("pgfplots"), "figure.tex", &[]),
    // Without the interpreter's and the pool's threads, so that the axis has few enough curves.
    (Some("pgfplots"), "curves.tex", &["--group-by=name", "--thread=[!p]*"]),
    (None, "figure-export.svg", &[]),
    (None, "figure-export.pdf", &[]),
    (None, "figure-export.png", &[]),
];

/// Kinds of figure, and whether they need intervals.
const FIGURES: [(&str, bool); 7] = [
    ("cdf", false),
    ("ccdf", false),
    ("percentiles", false),
    ("histogram", false),
    ("blocked-on", false),
    ("heatmap", true),
    ("timeline", true),
];

const FIGURE_FORMATS: [&str; 3] = ["svg", "pdf", "png"];

/// Profiles that are exported together.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The folder of the exports.
    pub(super) folder: PathBuf,
    pub(super) profiles: Vec<PathBuf>,
    has_intervals: bool,
}

/// The profiles that are in the repository.
pub(super) fn golden(workspace: &Workspace, made: &Path) -> Result<Case> {
    let golden = workspace.root().join("profiler/tests/golden");
    let profiles = WORKLOADS.map(|name| golden.join(name)).to_vec();
    Ok(Case { name: "golden", folder: create(made.join("golden"))?, profiles, has_intervals: false })
}

/// Both sample workloads, recorded now.
pub(super) fn comparison(workspace: &Workspace, made: &Path, privilege: Privilege) -> Result<Case> {
    let folder = create(made.join("comparison"))?;
    let mut run = privilege.command(&workspace.release().join("profiler"), &[]);
    run.args(["run", INTERVAL, "--tasks=300", "--fetch=5ms", "--out"]).arg(&folder);
    recorded(run)?;
    let profiles = WORKLOADS.map(|name| folder.join(name)).to_vec();
    Ok(Case { name: "comparison", folder, profiles, has_intervals: true })
}

/// Threads with names that need care in every format, recorded now.
pub(super) fn odd_names(
    workspace: &Workspace,
    made: &Path,
    privilege: Privilege,
    python: &Path,
) -> Result<Case> {
    let folder = create(made.join("odd names"))?;
    let profile = folder.join("odd.profile.json");
    let mut run = privilege.command(&workspace.release().join("profiler"), &[]);
    run.args(["run", INTERVAL, "--output"]).arg(&profile);
    run.arg("--").arg(python).arg(scripts(workspace).join("odd_names.py"));
    recorded(run)?;
    Ok(Case { name: "odd names", folder, profiles: vec![profile], has_intervals: true })
}

const WORKLOADS: [&str; 2] = ["tokio-workload.profile.json", "thread-pool-workload.profile.json"];

/// Runs it; the report is not for here.
fn recorded(mut run: Command) -> Result<()> {
    run.stdin(Stdio::null()).read().map(|_| ())
}

fn create(folder: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(folder.join("hgrm")).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

impl Case {
    /// Makes every export and every figure.
    pub(super) fn make(&self, workspace: &Workspace) -> Result<()> {
        let profiler = |command: &str| {
            let mut profiler = Command::new(workspace.release().join("profiler"));
            profiler.arg(command).args(&self.profiles);
            profiler
        };
        for (format, file, arguments) in EXPORTS {
            let mut export = profiler("export");
            export.args(format.map(|format| format!("--format={format}")));
            export.args(arguments).arg("--output").arg(self.folder.join(file)).run()?;
        }
        let kinds =
            FIGURES.into_iter().filter(|&(_, needs_intervals)| self.has_intervals || !needs_intervals);
        for (kind, _) in kinds {
            for format in FIGURE_FORMATS {
                let file = self.folder.join(format!("figure-{kind}.{format}"));
                profiler("plot").args(["--kind", kind, "--output"]).arg(file).run()?;
            }
        }
        Ok(())
    }
}
