//! Lints both halves: the features of one do not build for the target of the other.

use anyhow::Result;
use xtask::{command::Run as _, ebpf, toolchain::Toolchain, workspace::Workspace};

/// The features of the profiler. It builds without them, and with each by itself.
const FEATURES: [&str; 6] = ["", "daemon", "figures", "metrics", "store", "top"];

/// The live tests are named besides: `--all-targets` leaves out what `cargo test` leaves out.
pub(crate) fn lint(workspace: &Workspace) -> Result<()> {
    let toolchain = Toolchain::find(workspace)?;
    for targets in [["--all-targets"].as_slice(), &["--test", "live"]] {
        workspace
            .cargo()
            .args(["clippy", "--workspace"])
            .args(targets)
            .args(["--", "--deny", "warnings"])
            .run()?;
    }
    for feature in FEATURES {
        workspace
            .cargo()
            .args(["clippy", "--package", "profiler", "--no-default-features", "--features", feature])
            .args(["--", "--deny", "warnings"])
            .run()?;
    }
    ebpf::cargo(workspace, &toolchain, "clippy").args(["--bins", "--", "--deny", "warnings"]).run()
}
