//! Requirements on the machine, each with its state, its users and its remedy.

use super::load::Target;
use super::memory_left::{self, MemoryLeft};
use super::offsets::{self, KERNEL_BTF};
use super::probes::{self, Hook, Probe};
use super::session::Session;
use crate::kernel_text::chosen;
use crate::privilege;
use crate::remedy;
use crate::settings::Settings;
use crate::settings::limits::Limits;
use crate::target::visible;
use anyhow::{Result, bail};
use btf_rs::{Backend, Btf};
use caps::Capability;
use nix::errno::Errno;
use nix::libc::RLIM_INFINITY;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::utsname::uname;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// The oldest kernel that the programs were tried on.
const OLDEST_KERNEL: (u32, u32) = (6, 1);

/// From this value on Debian's and Ubuntu's kernels refuse perf events to everyone without CAP_SYS_ADMIN,
/// CAP_PERFMON or not; the mainline kernel knows values up to 2.
const PARANOID_REFUSES_PERFMON: i64 = 3;

/// The memory of a recording besides its maps, most of it while the verifier works: a control group's highest use was
/// 34 to 36 MiB above the maps with 64, 4096 and 10 000 threads.
const MEMORY_BESIDE_MAPS: u64 = 40 << 20;

/// The addresses of this process besides its maps: 60 000 KiB in all were enough for a recording whose maps took 46.9
/// MiB, 40 000 were not.
const ADDRESSES_BESIDE_MAPS: u64 = 16 << 20;

/// One thing the machine must offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The name.
    pub name: String,
    /// The state that was found.
    pub found: String,
    /// The parts that need it.
    pub needed_by: &'static str,
    /// The remedy; absent if nothing is missing.
    pub remedy: Option<String>,
}

impl Requirement {
    fn met(name: impl Into<String>, needed_by: &'static str, found: impl Into<String>) -> Self {
        Self { name: name.into(), found: found.into(), needed_by, remedy: None }
    }

    fn or_missing(mut self, is_at_attach: bool, remedy: impl Into<String>) -> Self {
        self.remedy = (!is_at_attach).then(|| remedy.into());
        self
    }
}

/// The missing requirements, in the words of `profiler doctor`.
#[derive(Debug, thiserror::Error)]
#[error("{}", describe(.0))]
pub struct Missing(pub Vec<Requirement>);

fn describe(missing: &[Requirement]) -> String {
    let mut text = "this machine can't be profiled as it is:".to_owned();
    for Requirement { name, found, needed_by, remedy } in missing {
        let remedy = remedy.as_deref().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {name}: {found} (needed for {needed_by})\n    -> {remedy}");
    }
    text
}

/// The requirements of a recording that can be looked up at once.
fn quick(settings: &Settings) -> Vec<Requirement> {
    vec![
        architecture(),
        kernel_version(),
        kernel_btf(),
        capabilities(),
        perf_event_paranoid(),
        lockdown(),
        memory(settings.limits),
        address_space(settings.limits),
    ]
}

/// Those, and what takes longer to find out.
fn thorough(settings: &Settings) -> Vec<Requirement> {
    let mut list = quick(settings);
    list.extend([kernel_fields(), tracefs(), others()]);
    list.extend(tracepoints(&probes::ALL));
    list
}

/// Every requirement; the last one is a recording of nothing, with all programs loaded and attached.
#[must_use]
pub fn all(settings: &Settings) -> Vec<Requirement> {
    let mut list = thorough(settings);
    if list.iter().all(|requirement| requirement.remedy.is_none()) {
        list.push(trial());
    }
    list
}

/// The requirements that fail.
fn missing(requirements: Vec<Requirement>) -> Vec<Requirement> {
    requirements.into_iter().filter(|requirement| requirement.remedy.is_some()).collect()
}

/// Fails with what the machine lacks for such a recording, of what can be looked up at once.
///
/// # Errors
/// [`Missing`].
pub fn check(settings: &Settings) -> Result<()> {
    let missing = missing(quick(settings));
    if missing.is_empty() { Ok(()) } else { bail!(Missing(missing)) }
}

/// A refusal of the kernel with its cause, which often is a requirement; else with the remedy of the kernel's answer.
#[must_use]
pub fn explained(error: anyhow::Error, settings: &Settings) -> anyhow::Error {
    let missing = missing(thorough(settings));
    if !missing.is_empty() {
        return error.context(Missing(missing));
    }
    let remedy = remedy::of_bpf(remedy::answer(&error));
    error.context(format!("this can't be recorded; {remedy}"))
}

fn architecture() -> Requirement {
    Requirement::met("architecture", "reading system call numbers", std::env::consts::ARCH)
        .or_missing(cfg!(target_arch = "x86_64"), "use an x86-64 machine")
}

fn kernel_version() -> Requirement {
    let release = uname().map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default();
    let (major, minor) = OLDEST_KERNEL;
    let is_new_enough = version(&release).is_some_and(|version| version >= OLDEST_KERNEL);
    Requirement::met("kernel", "task storage and BTF tracepoints", release)
        .or_missing(is_new_enough, format!("boot Linux {major}.{minor} or newer"))
}

pub(crate) fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

const NEED_BTF: &str =
    "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (those of Debian, Ubuntu, Fedora and Arch are)";

/// The remedy of type information that can't be read.
fn of_btf(answer: Option<Errno>) -> &'static str {
    match answer {
        Some(Errno::EACCES | Errno::EPERM) => {
            "let this user read /sys/kernel/btf/vmlinux, or run it with sudo"
        }
        Some(Errno::ENOENT) if !Path::new("/sys/kernel").is_dir() => "mount it: mount -t sysfs sysfs /sys",
        Some(limit) => remedy::of_limit(limit).unwrap_or(NEED_BTF),
        None => NEED_BTF,
    }
}

fn kernel_btf() -> Requirement {
    let opened = fs::File::open(KERNEL_BTF);
    let found =
        opened.as_ref().map_or_else(|error| format!("{KERNEL_BTF}: {error}"), |_| KERNEL_BTF.to_owned());
    let remedy = of_btf(opened.as_ref().err().and_then(remedy::answer_of));
    Requirement::met("kernel type information (BTF)", "finding the kernel's fields", found)
        .or_missing(opened.is_ok(), remedy)
}

fn kernel_fields() -> Requirement {
    let resolved = offsets::resolve(Path::new(KERNEL_BTF));
    let found = resolved.as_ref().map_or_else(|error| format!("{error:#}"), |_| "all found".to_owned());
    Requirement::met("kernel fields", "reading counters and names", found)
        .or_missing(resolved.is_ok(), of_btf(resolved.as_ref().err().and_then(remedy::answer)))
}

fn capabilities() -> Requirement {
    let may = |capability| privilege::may_use(capability);
    let (bpf, perfmon, admin) =
        (may(Capability::CAP_BPF), may(Capability::CAP_PERFMON), may(Capability::CAP_SYS_ADMIN));
    let held: Vec<&str> = [(admin, "CAP_SYS_ADMIN"), (bpf, "CAP_BPF"), (perfmon, "CAP_PERFMON")]
        .into_iter()
        .filter_map(|(held, name)| held.then_some(name))
        .collect();
    let found = if held.is_empty() { "none of CAP_BPF, CAP_PERFMON".to_owned() } else { held.join(", ") };
    let is_first = privilege::in_first_user_namespace();
    let (found, remedy) = match is_first {
        true => (found, format!("run it with sudo, or once: {}", setcap())),
        false => (format!("{found}, in a user namespace"), remedy::OUTSIDE.to_owned()),
    };
    Requirement::met("capabilities", "loading and attaching the programs", found)
        .or_missing(is_first && (admin || (bpf && perfmon)), remedy)
}

/// The command that lets this program be used without root.
#[must_use]
pub fn setcap() -> String {
    let this = std::env::current_exe().map_or_else(|_| "profiler".into(), |path| path.display().to_string());
    format!("sudo setcap cap_bpf,cap_perfmon+ep '{this}'")
}

fn perf_event_paranoid() -> Requirement {
    const FILE: &str = "/proc/sys/kernel/perf_event_paranoid";
    const NEEDED_BY: &str = "the end of a fault";
    let read = fs::read_to_string(FILE);
    if let Err(error) = &read {
        let answer = remedy::answer_of(error);
        let remedy = remedy::of_proc(answer).unwrap_or_else(|| match answer {
            Some(Errno::ENOENT) => "boot a kernel built with CONFIG_PERF_EVENTS=y",
            answer => answer.and_then(remedy::of_limit).unwrap_or("let this user read that file"),
        });
        return Requirement::met("perf events", NEEDED_BY, format!("{FILE}: {error}"))
            .or_missing(false, remedy);
    }
    let value = read.unwrap_or_default().trim().parse::<i64>().ok();
    let admin = privilege::may_use(Capability::CAP_SYS_ADMIN);
    let found = value.map_or_else(
        || format!("{FILE} holds no number"),
        |value| format!("kernel.perf_event_paranoid = {value}"),
    );
    let is_at_attach = value.is_some_and(|value| admin || value < PARANOID_REFUSES_PERFMON);
    Requirement::met("perf events", NEEDED_BY, found)
        .or_missing(is_at_attach, "run it with sudo, or: sudo sysctl kernel.perf_event_paranoid=2")
}

fn lockdown() -> Requirement {
    let text = fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
    let active = chosen(&text);
    Requirement::met(
        "lockdown",
        "reading kernel memory from the programs",
        active.unwrap_or("not in this kernel"),
    )
    .or_missing(
        active != Some("confidentiality"),
        "boot with lockdown=integrity or lockdown=none (secure boot may force it)",
    )
}

fn memory(limits: Limits) -> Requirement {
    let needed = limits.map_bytes().0.saturating_add(MEMORY_BESIDE_MAPS);
    let memory = memory_left::left(Path::new("/"));
    let found = match &memory {
        None => "unknown".to_owned(),
        Some(MemoryLeft { left, group }) => {
            let of = group.as_ref().map_or_else(String::new, |folder| format!(" in {}", folder.display()));
            format!("{} MiB left{of}, {} needed", left.0 >> 20, needed >> 20)
        }
    };
    Requirement::met("memory", "slots and histograms in the kernel", found).or_missing(
        memory.is_none_or(|memory| memory.left.0 >= needed),
        "free some memory, raise the limit of the control group, or lower --max-threads and --histogram-memory",
    )
}

/// Whoever may lift the limit has done so by now (`target::inherited`).
fn address_space(limits: Limits) -> Requirement {
    let needed = limits.map_bytes().0.saturating_add(ADDRESSES_BESIDE_MAPS);
    let allowed = getrlimit(Resource::RLIMIT_AS).map_or(RLIM_INFINITY, |(soft, _)| soft);
    let found = match allowed {
        RLIM_INFINITY => "no limit".to_owned(),
        allowed => format!("{} MiB allowed, {} needed", allowed >> 20, needed >> 20),
    };
    Requirement::met("address space", "slots and histograms in this process", found).or_missing(
        allowed >= needed,
        "raise the limit (ulimit -v unlimited), or lower --max-threads and --histogram-memory",
    )
}

/// Not needed: the programs attach by the kernel's type information. Shown because other tools need it.
fn tracefs() -> Requirement {
    let mounted = Path::new("/sys/kernel/tracing/events").is_dir();
    let found = if mounted { "mounted" } else { "not mounted, and not needed" };
    Requirement::met("tracefs", "nothing here; other tracing tools", found)
}

/// Nothing that `run` needs: it follows what it starts.
fn others() -> Requirement {
    let found = visible::hidden().map_or_else(|| "shown by /proc".to_owned(), |hiding| hiding.to_string());
    Requirement::met("processes of others", "finding them: attach, top and the daemon", found)
}

/// The tracepoints of some probes.
fn tracepoints(probes: &[&'static Probe]) -> Vec<Requirement> {
    let Ok(btf) = offsets::open(Path::new(KERNEL_BTF), Backend::Cache) else { return Vec::new() };
    let hooked = probes::programs(probes.iter().copied()).filter_map(|program| match program.hook {
        Hook::Tracepoint { group, purpose } => Some((group, program.name, purpose)),
        Hook::Software(_) | Hook::TaskIterator => None,
    });
    hooked
        .map(|(group, name, purpose)| {
            let is_there = has_tracepoint(&btf, name);
            let found = if is_there { "in this kernel" } else { "not in this kernel" };
            Requirement::met(format!("tracepoint {group}:{name}"), purpose, found).or_missing(
                is_there,
                "boot a kernel built with CONFIG_TRACEPOINTS=y (CONFIG_FTRACE=y sets it)",
            )
        })
        .collect()
}

/// The kernel has a type of that name for every tracepoint (include/trace/bpf_probe.h).
fn has_tracepoint(btf: &Btf, name: &str) -> bool {
    btf.resolve_ids_by_name(&format!("btf_trace_{name}")).is_ok_and(|types| !types.is_empty())
}

fn trial() -> Requirement {
    let started = Instant::now();
    let settings = Settings { limits: Limits::for_threads(64), follow: false, ..Settings::default() };
    // No process has the number 0, so nothing is recorded.
    let session = privilege::raised(|| Session::start(&settings, Target::default()));
    let found = match &session {
        Ok(_) => format!("loaded and attached in {} ms", started.elapsed().as_millis()),
        Err(error) => format!("{error:#}"),
    };
    let remedy = remedy::of_bpf(session.as_ref().err().and_then(remedy::answer));
    Requirement::met("programs", "everything", found).or_missing(session.is_ok(), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_distributions_are_read() {
        assert_eq!(version("6.1.0-40-amd64"), Some((6, 1)));
        assert_eq!(version("6.18.44-fc-v669"), Some((6, 18)));
        assert_eq!(version("7.0-rc1"), Some((7, 0)));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn a_tracepoint_that_is_not_there_is_found_missing() {
        assert!(tracepoints(&probes::ALL).iter().all(|tracepoint| tracepoint.remedy.is_none()));
        let fake = tracepoints(&[&probes::tests::FAKE]);
        let [fake] = fake.as_slice() else { panic!("{fake:?}") };
        assert_eq!(
            (fake.name.as_str(), fake.needed_by, fake.remedy.is_some()),
            ("tracepoint fake:no_such_tracepoint", "a test", true)
        );
    }

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let requirement =
            Requirement::met("kernel", "everything", "5.10").or_missing(false, "boot a newer one");
        let text = Missing(vec![requirement]).to_string();
        assert!(text.contains("kernel: 5.10") && text.contains("boot a newer one"), "{text}");
    }
}
