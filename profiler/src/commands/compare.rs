//! `profiler run` without a command: the sample workloads one after the other, then side by side.

use super::common::{NOTHING_LEFT, REPORT_LEFT, code, exit_code, is_in_place};
use super::progress::Progress;
use crate::files::output::{Kept, Output, Wanted};
use crate::files::subject::{Subject, numbered};
use crate::files::{folder, messages};
use crate::kernel::requirements;
use crate::recorder::recipe::{Recipe, record};
use crate::report::{self, ARTICLE, Style};
use crate::settings::Destination;
use crate::settings::run::{Comparison, Run};
use crate::target::inherited::Inherited;
use crate::target::launch::Held;
use crate::target::signals::{self, Interrupted, MeantFor, Signals};
use crate::target::user::Invoker;
use anyhow::{Context, Result, bail};
use model::profile::{Profile, file};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The default folder of the profiles.
const DEFAULT_FOLDER: &str = "profiles";

/// One workload of the comparison.
struct Entry {
    name: &'static str,
    command: Vec<OsString>,
}

impl Entry {
    fn path_in(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}{}", self.name, file::EXTENSION))
    }
}

/// The folder that was named, else the first that has no profile of another comparison in it, which is said if it is
/// not the usual one: what belongs together stays together.
fn folder(destination: &Destination, entries: &[Entry]) -> PathBuf {
    let usual = PathBuf::from(DEFAULT_FOLDER);
    if let Some(named) = &destination.path {
        return named.clone();
    }
    if destination.force {
        return usual;
    }
    let will_do = |folder: &Path| {
        entries.iter().all(|entry| Subject::of_command(&entry.command).may_take(&entry.path_in(folder)))
    };
    let folder = numbered(&usual, "", will_do);
    if folder != usual {
        messages::tell(&format!(
            "{} has profiles of other workloads or arguments, which stay: these go to {} (--out names another folder)",
            usual.display(),
            folder.display()
        ));
    }
    folder
}

/// Runs the comparison. Returns the exit code to end with: that of a signal which stopped it, that of the first
/// workload that failed, or 0.
///
/// # Errors
/// If the machine can't be profiled, the workloads are not there or a profile can't be written.
pub fn compare(
    asked: &Run,
    comparison: &Comparison,
    user: Option<Invoker>,
    inherited: &Inherited,
) -> Result<u8> {
    let entries = entries(comparison)?;
    requirements::check(&asked.settings)?;
    let folder = folder(&asked.destination, &entries);
    // Before the outputs, and so dropped after them: without a profile in it, it is not left behind.
    let _made = folder::make(&folder, user.as_ref())?;
    let outputs = entries
        .iter()
        .map(|entry| {
            let path = entry.path_in(&folder);
            let wanted = Wanted { path: &path, flag: "--out", force: asked.destination.force };
            Output::prepare(wanted, &Subject::of_command(&entry.command), user.as_ref())
        })
        .collect::<Result<Vec<_>>>()?;
    let mut signals = Signals::take(inherited, MeantFor::Command)?;
    let last = entries.len() - 1;
    let workloads = entries.len();
    let recipes = entries.into_iter().enumerate().map(|(number, entry)| Recipe {
        name: Some(entry.name),
        command: entry.command,
        user: user.clone(),
        settings: asked.settings,
        more_to_come: number < last,
    });
    // All are held before the first recording, while this process is still small.
    let held = recipes.map(|recipe| Ok((recipe.hold(inherited)?, recipe))).collect::<Result<Vec<_>>>()?;
    let Recorded { profiles, written } = record_all(held, outputs, &mut signals)?;
    let stopped_by = signals.stopped_by()?;
    let style = Style { threads: asked.shown.threads, ..Style::for_stderr() };
    let published = comparison.article.then_some(&ARTICLE);
    let compared = report::comparison(&profiles.iter().collect::<Vec<&Profile>>(), published, &style);
    let printed = messages::print(&compared);
    messages::tell(&format!("profiles: {}", folder.display()));
    if let Some(signal) = stopped_by {
        messages::tell(&format!(
            "stopped by {signal}: {} of {workloads} workloads were started",
            profiles.len()
        ));
    }
    let left = if printed.is_err() { NOTHING_LEFT } else { REPORT_LEFT };
    let mut done = true;
    for written in written {
        done &= is_in_place(written, left);
    }
    if let Err(error) = printed {
        messages::complain(&error);
        done = false;
    }
    if let Some(signal) = stopped_by {
        return Ok(signals::exit_code(signal));
    }
    let failed = profiles.iter().map(|profile| exit_code(&profile.run)).find(|code| *code != 0);
    Ok(code(failed.unwrap_or_default(), done))
}

/// The outcomes of the workloads, in their order.
struct Recorded {
    profiles: Vec<Profile>,
    written: Vec<Result<Kept>>,
}

/// Records one workload after the other until a signal stops that; those that are still held are gone then.
fn record_all(held: Vec<(Held, Recipe)>, outputs: Vec<Output>, signals: &mut Signals) -> Result<Recorded> {
    let mut recorded = Recorded { profiles: Vec::new(), written: Vec::new() };
    let workloads = held.len();
    for (number, ((held, recipe), output)) in held.into_iter().zip(outputs).enumerate() {
        let name = recipe.name.unwrap_or_default();
        let mut progress = Progress::of(&format!("{name} ({} of {workloads})", number + 1));
        let profile = record(&recipe, held, signals, |exited| progress.draw(exited));
        drop(progress);
        let profile = match profile {
            // There is something to report all the same.
            Err(error) if error.is::<Interrupted>() && !recorded.profiles.is_empty() => break,
            result => result?,
        };
        recorded.written.push(output.write(&profile, recipe.user.as_ref()));
        recorded.profiles.push(profile);
        if signals.stopped_by()?.is_some() {
            break;
        }
    }
    Ok(recorded)
}

fn entries(comparison: &Comparison) -> Result<Vec<Entry>> {
    let Comparison { tasks, fetch, workers, python, .. } = *comparison;
    let mut common = vec!["--tasks".to_owned(), tasks.to_string()];
    common.extend(["--fetch".to_owned(), humantime::format_duration(fetch).to_string().replace(' ', "")]);
    let mut pool = common.clone();
    pool.extend(workers.iter().flat_map(|workers| ["--workers".to_owned(), workers.to_string()]));
    let mut entries = vec![
        Entry { name: "tokio-workload", command: with_binary("tokio-workload", &common)? },
        Entry { name: "thread-pool-workload", command: with_binary("thread-pool-workload", &pool)? },
    ];
    if python {
        entries.push(Entry { name: "python-asyncio", command: with_script("asyncio_workload.py", &common)? });
        entries.push(Entry {
            name: "python-thread-pool",
            command: with_script("thread_pool_workload.py", &pool)?,
        });
    }
    Ok(entries)
}

fn with_binary(name: &str, arguments: &[String]) -> Result<Vec<OsString>> {
    let own = std::env::current_exe().context("cannot find out where this program is")?;
    let path = own.with_file_name(name);
    if !path.is_file() {
        bail!(
            "the workload {} is not there; build it with cargo xtask build, or copy it beside the profiler",
            path.display()
        );
    }
    Ok(command(&path, arguments))
}

/// The Python pair: beside the program, or where the sources are.
fn with_script(name: &str, arguments: &[String]) -> Result<Vec<OsString>> {
    let own = std::env::current_exe().context("cannot find out where this program is")?;
    let candidates =
        own.ancestors().skip(1).flat_map(|folder| [folder.join("python"), folder.join("workloads/python")]);
    let Some(script) = candidates.map(|folder| folder.join(name)).find(|script| script.is_file()) else {
        bail!("the workload {name} is not there; copy the folder workloads/python beside the profiler");
    };
    let mut full = vec![python()?];
    full.extend(command(&script, arguments));
    Ok(full)
}

/// The interpreter itself: `python3` is a shell script where a version manager is installed, which would be profiled
/// with everything that it starts.
fn python() -> Result<OsString> {
    let output = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .context("cannot run python3, which --python needs; install it or leave --python out")?;
    let path = OsString::from_vec(output.stdout.trim_ascii().to_owned());
    if !output.status.success() || path.is_empty() {
        bail!("python3 does not say where it is: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(path)
}

fn command(program: &Path, arguments: &[String]) -> Vec<OsString> {
    std::iter::once(program.into()).chain(arguments.iter().map(OsString::from)).collect()
}
