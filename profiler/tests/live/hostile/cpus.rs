//! Threads are moved from CPU to CPU, and a CPU goes away and comes back, while they run.

use super::{assert_exact, assert_sums_exact, assert_thread_exact, ready_pid, require_file};
use crate::attached::Attached;
use crate::support::{Outcome, Scene, eventually, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::losses::Loss;
use model::metric::Metric;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        threads_that_are_moved_all_the_time_are_exact,
        a_cpu_that_goes_away_and_comes_back_is_recorded_again,
    ]
}

const MOVES: u64 = 300;

fn threads_that_are_moved_all_the_time_are_exact() {
    let outcome = Scene::new().run(&target("wander", &[&MOVES.to_string()]));
    outcome.assert_complete();
    assert_exact(&outcome);
    for name in ["walker", "pushed"] {
        let thread = outcome.only(name);
        assert!(thread.migrations >= MOVES - 1, "{thread:#?}");
        assert_eq!(thread.migrations, thread.kernel.migrations);
    }
}

/// A CPU that can be taken away. CPU 0 often can't.
const ONLINE: &str = "/sys/devices/system/cpu/cpu1/online";

const PAGES: u64 = 500;

fn a_cpu_that_goes_away_and_comes_back_is_recorded_again() {
    require_file(ONLINE, "a second CPU and a kernel with CONFIG_HOTPLUG_CPU");
    let scene = Scene::new();
    let mut touching = Touching::start(&scene);
    touching.touch_on(1);
    let links = Attached::of(touching.profiler.id()).links.len();
    let away = CpuAway::take();
    touching.touch_on(0);
    drop(away);
    let again = are_watched_again();
    if again {
        // Two events end a fault: they are opened again.
        eventually("the CPU's faults are watched again", || {
            (Attached::of(touching.profiler.id()).links.len() >= links + 2).then_some(())
        });
    }
    touching.touch_on(1);
    let outcome = touching.finish(&scene);

    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    outcome.assert_reconciled();
    assert_sums_exact(&outcome);
    outcome.profile().threads.iter().for_each(assert_thread_exact);
    assert_eq!(outcome.told()["touched"].as_u64(), Some(3 * PAGES));
    // No fault on a fresh page is without its duration: not before, not meanwhile, not after where that can be.
    let [thread] = &outcome.profile().threads[..] else { panic!("{:#?}", outcome.profile().threads) };
    let timed = if again { 3 * PAGES } else { 2 * PAGES };
    assert!(thread.count(Metric::MinorFault) >= timed, "{thread:#?}");
    assert!(thread.count(Metric::MinorFault) + thread.faults_without_latency >= 3 * PAGES, "{thread:#?}");
    // But the profiler can't know that nothing happened while it was not looking.
    let mut lost = outcome.profile().lost;
    assert_eq!(std::mem::take(&mut lost[Loss::CpusWatchedLate]), 1);
    assert!(lost.is_nothing(), "{lost:?}");
    let verdict = outcome.stderr.lines().find(|line| line.starts_with("INCOMPLETE: ")).unwrap_or_default();
    assert!(verdict.contains("1 CPU watched late or not"), "{}", outcome.stderr);
}

/// True if the kernel lets the profiler open events for a CPU that comes back, when it has only CAP_PERFMON left: with
/// this setting above 2, which only distributions' kernels know, it wants CAP_SYS_ADMIN.
fn are_watched_again() -> bool {
    let paranoid = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap();
    paranoid.trim().parse::<i32>().expect("a number") <= 2
}

/// A CPU that is not there. It comes back when this is dropped, also by a test that fails.
struct CpuAway;

impl CpuAway {
    fn take() -> Self {
        assert_eq!(fs::read_to_string(ONLINE).unwrap(), "1\n", "it is there at first");
        let away = Self;
        fs::write(ONLINE, "0").expect("CPU 1 can be taken away");
        away
    }
}

impl Drop for CpuAway {
    fn drop(&mut self) {
        if let Err(error) = fs::write(ONLINE, "1") {
            eprintln!("CPU 1 does not come back ({error}): write 1 to {ONLINE}");
        }
    }
}

/// A profiler whose target touches pages when it is told where.
struct Touching {
    profiler: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Touching {
    fn start(scene: &Scene) -> Self {
        let mut command = scene.run_command(&target("touch-when-told", &[&PAGES.to_string()]));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut profiler = command.spawn().expect("the profiler starts");
        let tell = profiler.stdin.take().expect("it is piped");
        let told = BufReader::new(profiler.stdout.take().expect("it is piped"));
        let mut this = Self { profiler, tell, told };
        ready_pid(this.answer().trim());
        this
    }

    fn touch_on(&mut self, cpu: u32) {
        writeln!(self.tell, "{cpu}").expect("the target listens");
        self.answer();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.told.read_line(&mut line).expect("the target answers");
        line
    }

    fn finish(self, scene: &Scene) -> Outcome {
        let Self { profiler, tell, mut told } = self;
        drop(tell);
        let mut rest = Vec::new();
        told.read_to_end(&mut rest).expect("the output can be read");
        let mut output = profiler.wait_with_output().expect("it can be waited for");
        output.stdout = rest;
        Outcome::of(output, &scene.file())
    }
}
