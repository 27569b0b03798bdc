//! The verifier's work on each program, held against the committed figures: what a newer compiler or a change of the
//! programs makes of it would otherwise be seen only when a kernel refuses one.

use super::results::ProgramFigures;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, path::PathBuf};
use xtask::workspace::{Workspace, write_if_changed};

/// A program may take this much more work than the committed figure says, in percent. Kernels count differently from
/// one stable release to the next.
const GROWTH_PERCENT: u64 = 20;

/// The committed figures of each kernel, by its name in the tables.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Committed(BTreeMap<String, Figures>);

/// Instructions the verifier processed.
#[derive(Debug, Deserialize, Serialize)]
struct Figures {
    /// The kernel's release they are from.
    release: String,
    instructions: BTreeMap<String, u32>,
}

impl Committed {
    pub(super) fn read(workspace: &Workspace) -> Result<Self> {
        let file = file(workspace);
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("cannot read {}", file.display()))
    }

    /// The figures of one kernel become these; those of the others stay.
    pub(super) fn accept(&mut self, kernel: &str, release: &str, programs: &[ProgramFigures]) {
        let instructions = programs
            .iter()
            .filter_map(|program| Some((program.name.clone(), program.verified_instructions?)))
            .collect();
        self.0.insert(kernel.to_owned(), Figures { release: release.to_owned(), instructions });
    }

    pub(super) fn write(&self, workspace: &Workspace) -> Result<()> {
        let file = file(workspace);
        let text = serde_json::to_string_pretty(self).context("cannot write the figures as JSON")?;
        if write_if_changed(&file, format!("{text}\n").as_bytes())? {
            println!("the verifier's figures are now those of this run: {}", file.display());
        }
        Ok(())
    }

    /// The committed figure of a program.
    pub(super) fn figure(&self, kernel: &str, program: &str) -> Option<u32> {
        self.0.get(kernel)?.instructions.get(program).copied()
    }

    /// The differences between a kernel's programs and the committed figures.
    pub(super) fn regressions(&self, kernel: &str, programs: &[ProgramFigures]) -> Vec<String> {
        let mut found: Vec<String> = programs
            .iter()
            .filter_map(|program| {
                let committed = self.figure(kernel, &program.name);
                let reason = regression(committed, program.verified_instructions)?;
                Some(format!("verifier, {}: {reason}", program.name))
            })
            .collect();
        let is_gone = |name: &&String| programs.iter().all(|program| program.name != **name);
        let names = self.0.get(kernel).into_iter().flat_map(|figures| figures.instructions.keys());
        found.extend(names.filter(is_gone).map(|name| {
            format!("verifier, {name}: has a committed figure and was not loaded; --accept removes it")
        }));
        found
    }
}

fn regression(committed: Option<u32>, measured: Option<u32>) -> Option<String> {
    match (committed, measured) {
        (_, None) => Some("the kernel gave no number of instructions".to_owned()),
        (None, Some(measured)) => Some(format!("{measured} instructions, no committed figure (--accept)")),
        (Some(committed), Some(measured)) => {
            let most = u64::from(committed) * (100 + GROWTH_PERCENT) / 100;
            (u64::from(measured) > most).then(|| {
                format!(
                    "{measured} instructions, committed are {committed}: more than {GROWTH_PERCENT} % above \
                     (--accept if that is meant)"
                )
            })
        }
    }
}

fn file(workspace: &Workspace) -> PathBuf {
    workspace.root().join("xtask/src/vm/verifier.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, instructions: u32) -> ProgramFigures {
        ProgramFigures { name: name.to_owned(), verified_instructions: Some(instructions), load_ms: 1.0 }
    }

    #[test]
    fn a_fifth_more_is_allowed_and_one_instruction_beyond_is_not() {
        let mut committed = Committed::default();
        committed.accept("6.1", "6.1.0", &[program("a", 1_000)]);
        assert_eq!(committed.regressions("6.1", &[program("a", 1_200)]), [""; 0]);
        let found = committed.regressions("6.1", &[program("a", 1_201)]);
        assert!(found[0].contains("1201") && found[0].contains("--accept"), "{found:?}");
        assert_eq!(committed.regressions("6.1", &[program("a", 10)]), [""; 0]);
    }

    #[test]
    fn every_program_has_a_committed_figure_and_every_figure_a_program() {
        let mut committed = Committed::default();
        assert_eq!(committed.regressions("6.1", &[program("a", 1)]).len(), 1);
        committed.accept("6.1", "6.1.0", &[program("a", 1), program("b", 1)]);
        assert_eq!(committed.regressions("6.1", &[program("a", 1)]).len(), 1);
        assert_eq!(committed.regressions("6.12", &[program("a", 1)]).len(), 1, "the kernels are kept apart");
        let unknown = ProgramFigures { verified_instructions: None, ..program("a", 1) };
        assert_eq!(committed.regressions("6.1", &[unknown, program("b", 1)]).len(), 1);
    }
}
