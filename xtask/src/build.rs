//! Builds the release binaries, with the BPF object inside `profiler`.

use crate::{command::Run as _, ebpf, toolchain::Toolchain, workspace::Workspace};
use anyhow::Result;
use std::{path::PathBuf, process::Command};

/// The object that `profiler/build.rs` embeds.
pub enum Object {
    /// Built from the sources.
    Built(PathBuf),
    /// Without the BPF toolchain: the committed one.
    Committed,
}

impl Object {
    /// Builds it when the toolchain for that is there, and says which it is.
    pub fn find(workspace: &Workspace) -> Result<Self> {
        match Toolchain::find(workspace) {
            Ok(toolchain) => {
                println!("BPF object: built from the sources");
                ebpf::build(workspace, &toolchain).map(Self::Built)
            }
            Err(incomplete) => {
                println!("BPF object: the committed one, because {incomplete}");
                Ok(Self::Committed)
            }
        }
    }

    /// The cargo that embeds it.
    pub fn cargo(&self, workspace: &Workspace) -> Command {
        const VARIABLE: &str = "PROFILER_BPF_OBJECT";
        let mut cargo = workspace.cargo();
        match self {
            Self::Built(path) => cargo.env(VARIABLE, path),
            Self::Committed => cargo.env_remove(VARIABLE),
        };
        cargo
    }
}

/// Leaves the three binaries in the release folder, and returns the object that was embedded.
pub fn build(workspace: &Workspace) -> Result<Object> {
    let object = Object::find(workspace)?;
    object
        .cargo(workspace)
        .args(["build", "--release", "--package", "profiler", "--package", "workloads"])
        .run()?;
    Ok(object)
}
