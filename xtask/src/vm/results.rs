//! The results of a guest: the machine it was, the verifier's view, the outcome of each test.

use super::{kernels::Topology, qemu::Boot};
use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

/// One kernel's run, as far as it came.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// `uname -r`.
    pub(super) release: Option<String>,
    pub(super) cpus: Option<usize>,
    /// Lists of CPUs that share an L3.
    pub(super) l3_groups: Vec<String>,
    pub(super) programs: Vec<ProgramFigures>,
    pub(super) tests: Vec<(String, Outcome)>,
    /// The lines at the end of what the live tests said that name the slowest of them.
    pub(super) slowest: String,
    /// The reason why this run is a failure beside its tests.
    pub(super) problems: Vec<String>,
}

/// The entry of a program in `profiler doctor --programs --json`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct ProgramFigures {
    pub(super) name: String,
    pub(super) verified_instructions: Option<u32>,
    pub(super) load_ms: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Passed,
    /// It failed, with this message, and passed when it was tried again. The host stops the CPUs of an emulated
    /// guest wherever it likes.
    TriedAgain(String),
    /// With its message.
    Failed(String),
    /// It was started and never ended.
    Unfinished,
}

/// From the line that begins them on (`slowest` in `profiler/tests/live/trial.rs`).
fn slowest(said: &str) -> Option<String> {
    let lines: Vec<&str> = said.lines().collect();
    let first = lines.iter().rposition(|line| line.contains(" tests took "))?;
    Some(lines[first..].join("\n").trim_end().to_owned())
}

impl Results {
    /// Reads what there is; what should be there and is not becomes a problem.
    pub(super) fn read(boot: &Boot, topology: Topology) -> Self {
        let mut results = Self::default();
        if boot.timed_out {
            let minutes = boot.took.as_secs() / 60;
            results.problems.push(format!("the guest hung and was ended after {minutes} min"));
        }
        results.read_machine(&boot.job, topology);
        results.read_programs(&boot.job);
        let live = fs::read_to_string(boot.job.join("live.json")).unwrap_or_default();
        results.read_tests(&live);
        let said = fs::read_to_string(boot.job.join("live.err")).unwrap_or_default();
        results.slowest = slowest(&said).unwrap_or_default();
        for again in ["again-1.json", "again-2.json"] {
            results.read_again(&fs::read_to_string(boot.job.join(again)).unwrap_or_default());
        }
        if !results.problems.is_empty() {
            results.problems.push(format!("the guest's console is in {}", boot.console.display()));
            results.problems.extend(last_lines("console", &boot.console));
            results.problems.extend(last_lines("tests' errors", &boot.job.join("live.err")));
        }
        results
    }

    /// Tests that passed, when they were tried again too.
    pub(super) fn passed(&self) -> usize {
        let passed = |outcome: &Outcome| matches!(outcome, Outcome::Passed | Outcome::TriedAgain(_));
        self.tests.iter().filter(|(_, outcome)| passed(outcome)).count()
    }

    /// Those of them that failed before.
    pub(super) fn tried_again(&self) -> usize {
        self.tests.iter().filter(|(_, outcome)| matches!(outcome, Outcome::TriedAgain(_))).count()
    }

    /// True if everything is well.
    pub(super) fn is_good(&self) -> bool {
        self.problems.is_empty() && self.passed() == self.tests.len()
    }

    fn read_machine(&mut self, job: &Path, topology: Topology) {
        let text = |name: &str| fs::read_to_string(job.join(name)).unwrap_or_default().trim().to_owned();
        self.release = Some(text("release")).filter(|release| !release.is_empty());
        self.cpus = text("cpus").parse().ok();
        self.l3_groups = text("l3-groups").lines().map(str::to_owned).collect();
        if self.release.is_none() {
            self.problems.push("the guest did not come as far as its job".to_owned());
        }
        if self.cpus.is_some_and(|cpus| cpus != topology.cpus()) {
            self.problems.push(format!("the guest has not {} CPUs", topology.cpus()));
        }
        if topology.l3_groups().is_some_and(|groups| groups != self.l3_groups.len()) {
            self.problems
                .push(format!("the guest's groups of CPUs that share an L3 are {:?}", self.l3_groups));
        }
    }

    fn read_programs(&mut self, job: &Path) {
        let read = || -> Result<Vec<ProgramFigures>> {
            let text = fs::read_to_string(job.join("programs.json"))?;
            serde_json::from_str(&text).context("profiler doctor --programs --json")
        };
        match read() {
            Ok(programs) => self.programs = programs,
            Err(error) => {
                let said = fs::read_to_string(job.join("programs.err")).unwrap_or_default();
                self.problems.push(format!("no figures of the programs: {error:#} {}", said.trim()));
            }
        }
    }

    /// The outcomes of the tests that were tried again.
    fn read_again(&mut self, lines: &str) {
        let mut again = Self::default();
        again.read_tests(lines);
        for (name, outcome) in again.tests {
            let first = self.tests.iter_mut().find(|(test, _)| *test == name);
            if let Some((_, first)) = first
                && let Outcome::Failed(message) = first
                && outcome == Outcome::Passed
            {
                *first = Outcome::TriedAgain(std::mem::take(message));
            }
        }
    }

    /// One JSON object a line, as libtest writes them; between them may be what a test itself prints.
    fn read_tests(&mut self, lines: &str) {
        let mut order = Vec::new();
        let mut outcomes = BTreeMap::new();
        let mut is_complete = false;
        for event in lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let kind = event["event"].as_str().unwrap_or_default();
            is_complete |= event["type"] == "suite" && kind != "started";
            let Some(name) = event["name"].as_str().filter(|_name| event["type"] == "test") else { continue };
            let outcome = match kind {
                "started" => {
                    order.push(name.to_owned());
                    Outcome::Unfinished
                }
                "ok" => Outcome::Passed,
                _ => Outcome::Failed(message(event["stdout"].as_str().unwrap_or(kind))),
            };
            outcomes.insert(name.to_owned(), outcome);
        }
        self.tests = order
            .into_iter()
            .filter_map(|name| outcomes.remove(&name).map(|outcome| (name, outcome)))
            .collect();
        if !is_complete {
            self.problems.push("the live tests did not come to their end".to_owned());
        } else if self.tests.is_empty() {
            self.problems.push("no live test was run: does --test name one?".to_owned());
        }
    }
}

/// Without what the harness puts around it.
fn message(text: &str) -> String {
    let text = text.trim();
    let inner = text.strip_prefix("Error: \"").and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

fn last_lines(what: &str, file: &Path) -> Option<String> {
    const LINES: usize = 15;
    let bytes = fs::read(file).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.len().saturating_sub(LINES);
    (!lines.is_empty()).then(|| format!("{what}, last lines:\n    {}", lines[last..].join("\n    ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"{ "type": "suite", "event": "started", "test_count": 3 }
{ "type": "test", "event": "started", "name": "b::one" }
printed by the test
{ "type": "test", "name": "b::one", "event": "ok" }
{ "type": "test", "event": "started", "name": "a::two" }
{ "type": "test", "name": "a::two", "event": "failed", "stdout": "Error: \"test panicked: 1 != \"2\"\"\n" }
{ "type": "test", "event": "started", "name": "a::three" }
"#;

    #[test]
    fn each_test_has_an_outcome_in_the_order_of_running() {
        let lines = LINES.replace("\"2\"", "\\\"2\\\"");
        let mut results = Results::default();
        results.read_tests(&lines);
        let expected = [
            ("b::one".to_owned(), Outcome::Passed),
            ("a::two".to_owned(), Outcome::Failed("test panicked: 1 != \"2\"".to_owned())),
            ("a::three".to_owned(), Outcome::Unfinished),
        ];
        assert_eq!(results.tests, expected);
        assert_eq!(results.passed(), 1);
        assert_eq!(results.problems, ["the live tests did not come to their end"]);
    }

    #[test]
    fn what_passed_when_it_was_tried_again_is_told_apart() {
        let mut results = Results::default();
        results.read_tests(
            r#"{ "type": "test", "event": "started", "name": "a" }
{ "type": "test", "name": "a", "event": "failed", "stdout": "why" }
{ "type": "test", "event": "started", "name": "b" }
{ "type": "test", "name": "b", "event": "failed", "stdout": "why" }
{ "type": "suite", "event": "failed" }"#,
        );
        results.read_again(
            r#"{ "type": "test", "event": "started", "name": "a" }
{ "type": "test", "name": "a", "event": "ok" }
{ "type": "suite", "event": "ok" }
{ "type": "test", "event": "started", "name": "b" }
{ "type": "test", "name": "b", "event": "failed", "stdout": "why" }"#,
        );
        let outcomes: Vec<&Outcome> = results.tests.iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes, [&Outcome::TriedAgain("why".to_owned()), &Outcome::Failed("why".to_owned())]);
        assert_eq!((results.passed(), results.tried_again(), results.is_good()), (1, 1, false));
    }

    #[test]
    fn a_run_is_good_when_every_test_passed_and_the_end_was_reached() {
        let end = r#"{ "type": "suite", "event": "ok", "passed": 1, "failed": 0 }"#;
        let mut results = Results::default();
        results.read_tests(&format!("{}\n{end}\n", LINES.lines().take(4).collect::<Vec<_>>().join("\n")));
        assert!(results.is_good(), "{results:?}");
        let mut none = Results::default();
        none.read_tests(end);
        assert!(!none.is_good(), "a filter that names no test is a mistake");
    }
}
