//! The view through the daemon: the kernel's figures, for those who may look, and nothing of it is missing in the
//! intervals.

use super::control::{allow_caller, become_caller};
use super::{Daemon, count, name, prey, selector};
use crate::support::eventually;
use crate::top::Top;
use crate::trial::trials;
use libtest_mimic::Trial;
use profiler::control::client;
use profiler::control::protocol::{self, Request};
use profiler::watch::config::{MetricName, SelectorConfig};
use profiler::watch::frame::{Frame, ThreadFrame};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        frames_have_the_kernels_figures,
        threads_that_come_and_go_between_two_frames_are_told_of_once;
        here:
        looking_on_takes_nothing_from_the_intervals,
        viewers_are_bounded_and_one_that_has_gone_makes_room,
        a_viewer_may_be_silent_and_may_leave_a_frame_unread,
        who_is_detached_leaves_the_view,
        the_screen_has_what_the_daemon_counted,
        another_user_sees_nothing_and_no_longer_than_it_may,
        the_end_of_the_daemon_ends_the_view,
    ]
}

/// A view.
struct View {
    daemon: UnixStream,
    socket: PathBuf,
}

impl View {
    /// With its first frame.
    fn begin(daemon: &Daemon, selector: Option<&str>) -> (Self, Frame) {
        Self::try_begin(daemon, selector).unwrap_or_else(|error| panic!("{error:#}"))
    }

    fn try_begin(daemon: &Daemon, selector: Option<&str>) -> anyhow::Result<(Self, Frame)> {
        let view = Self { daemon: client::connect(&daemon.socket())?, socket: daemon.socket() };
        let first = view.ask(&Request::View { selector: selector.map(str::to_owned) })?;
        Ok((view, first))
    }

    fn ask(&self, request: &Request) -> anyhow::Result<Frame> {
        client::read_frame(&client::converse(&self.daemon, &self.socket, request)?)
    }

    fn refresh(&self) -> Frame {
        self.ask(&Request::Refresh).unwrap_or_else(|error| panic!("{error:#}"))
    }
}

/// Slices of each thread so far, by its serial.
#[derive(Default)]
struct Slices {
    counts: BTreeMap<u64, u64>,
    tids: BTreeMap<u64, u32>,
    bucketed: BTreeMap<u64, u64>,
}

impl Slices {
    fn take(&mut self, frame: &Frame) {
        assert!(frame.ended_untold == 0 && frame.lost == Default::default(), "{frame:?}");
        for thread in frame.threads.iter().chain(&frame.ended) {
            if let Some(identity) = &thread.identity {
                assert!(self.tids.insert(thread.serial, identity.tid).is_none(), "{thread:?}");
            }
            if let Some(growth) = thread.metrics.get(&MetricName::OnCpu) {
                self.counts.insert(thread.serial, growth.totals.count);
                let added: u64 = growth.buckets.iter().map(|(_, count)| u64::from(*count)).sum();
                *self.bucketed.entry(thread.serial).or_default() += added;
            }
        }
    }

    /// By number.
    fn by_tid(&self) -> BTreeMap<u32, u64> {
        assert_eq!(self.counts, self.bucketed, "what was added to the buckets is all that counts");
        self.tids.iter().map(|(serial, tid)| (*tid, self.counts.get(serial).copied().unwrap_or(0))).collect()
    }
}

fn total(switches: &BTreeMap<u32, [u64; 2]>) -> BTreeMap<u32, u64> {
    switches.iter().map(|(tid, both)| (*tid, both.iter().sum())).collect()
}

fn grown(before: &BTreeMap<u32, u64>, after: &BTreeMap<u32, u64>) -> BTreeMap<u32, u64> {
    after.iter().map(|(tid, count)| (*tid, count - before.get(tid).copied().unwrap_or(0))).collect()
}

fn frames_have_the_kernels_figures() {
    let name = name("seen");
    let daemon = Daemon::with(&selector(&name));
    let mut running = prey(&daemon, &name, "sleep-when-told", &["3", "20"]);
    daemon.wait_for(1);
    let (view, first) = View::begin(&daemon, None);
    assert_eq!((first.processes, first.threads.len(), first.unchanged.len()), (1, 4, 0));
    for thread in &first.threads {
        let identity = thread.identity.as_ref().expect("all are new");
        assert_eq!((&*identity.selector, &*identity.process, identity.pid), ("prey", &*name, running.pid));
    }
    let mut slices = Slices::default();
    slices.take(&first);
    // The first slice of a found thread is no sample where its beginning is not announced (`unannounced`).
    running.tell();
    slices.take(&view.refresh());
    for _ in 0..3 {
        let (before, seen) = (total(&running.switches()), slices.by_tid());
        running.tell();
        let after = total(&running.switches());
        let frame = view.refresh();
        slices.take(&frame);
        // All sleep at both ends: every slice of theirs ended in a switch.
        assert_eq!(grown(&seen, &slices.by_tid()), grown(&before, &after), "{frame:#?}");
        let of_workers = |thread: &&ThreadFrame| {
            thread
                .blocked_on
                .as_ref()
                .is_some_and(|waits| waits.iter().any(|wait| wait.syscall == "clock_nanosleep"))
        };
        assert_eq!(frame.threads.iter().filter(of_workers).count(), 3, "{frame:#?}");
        let idle = view.refresh();
        assert_eq!((idle.threads.len(), idle.unchanged.len()), (0, 4), "{idle:#?}");
    }
    running.finish();
    eventually("they have ended", || (view.refresh().processes == 0).then_some(()));
}

fn threads_that_come_and_go_between_two_frames_are_told_of_once() {
    let name = name("gone");
    let daemon = Daemon::with(&selector(&name));
    let mut running = prey(&daemon, &name, "fork-when-told", &[]);
    daemon.wait_for(1);
    let (view, first) = View::begin(&daemon, Some("prey"));
    assert_eq!(first.threads.len(), 1);
    running.tell();
    let mut told = Vec::new();
    // The last may still have to make its last switch.
    eventually("the child and its three threads have ended", || {
        told.extend(view.refresh().ended);
        (told.len() >= 4).then_some(())
    });
    assert_eq!(told.len(), 4, "{told:#?}");
    for thread in &told {
        let identity = thread.identity.as_ref().expect("nobody had seen it");
        assert!(
            identity.pid != running.pid && thread.metrics.contains_key(&MetricName::OnCpu),
            "{thread:#?}"
        );
    }
    assert_eq!(view.refresh().ended, []);
    running.finish();
    let mut last = Vec::new();
    eventually("the process has ended", || {
        last.extend(view.refresh().ended);
        (!last.is_empty()).then_some(())
    });
    assert!(last.len() == 1 && last[0].identity.is_none(), "{last:#?}");
}

fn looking_on_takes_nothing_from_the_intervals() {
    let name = name("both");
    let mut daemon = Daemon::with(&selector(&name));
    let mut running = prey(&daemon, &name, "sleep-when-told", &["3", "50"]);
    daemon.wait_for(1);
    let viewers = [View::begin(&daemon, None).0, View::begin(&daemon, Some("prey")).0];
    // The first slice of a found thread is no sample where its beginning is not announced (`unannounced`).
    running.tell();
    daemon.flush();
    for _ in 0..4 {
        let before: u64 = total(&running.switches()).values().sum();
        std::thread::scope(|scope| {
            let looking = scope.spawn(|| {
                // While they work.
                for _ in 0..30 {
                    viewers.iter().for_each(|view| drop(view.refresh()));
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
            running.tell();
            looking.join().unwrap();
        });
        running.tell();
        let after: u64 = total(&running.switches()).values().sum();
        let interval = daemon.flush();
        assert!(interval.lost.is_nothing(), "{:?}", interval.lost);
        assert_eq!(count(&interval, "on_cpu"), after - before, "{interval:#?}");
        assert_eq!(interval.groups.iter().map(|group| group.threads).sum::<u64>(), 4);
    }
    // A thread that ends while somebody looks on is in the last interval too.
    running.finish();
    daemon.wait_for(0);
    let stopped = daemon.stop();
    let last = stopped.written.last().expect("the last interval is written");
    assert_eq!(last.groups.iter().map(|group| group.threads).sum::<u64>(), 4, "{last:#?}");
}

fn viewers_are_bounded_and_one_that_has_gone_makes_room() {
    let daemon = Daemon::with(&selector(&name("few")));
    let unknown = View::try_begin(&daemon, Some("none")).err().expect("it is refused");
    assert!(unknown.to_string().contains("there is no selector \"none\""), "{unknown:#}");
    let mut viewers: Vec<View> = (0..4).map(|_| View::begin(&daemon, None).0).collect();
    let full = View::try_begin(&daemon, None).err().expect("it is refused");
    assert!(full.to_string().contains("4 views of the daemon are open"), "{full:#}");
    // The others go on, and so does everything else.
    viewers.iter().for_each(|view| drop(view.refresh()));
    daemon.status();
    viewers.pop();
    eventually("there is room", || View::try_begin(&daemon, None).ok());
    let stranger = View { daemon: client::connect(&daemon.socket()).unwrap(), socket: daemon.socket() };
    let refused = stranger.ask(&Request::Refresh).unwrap_err();
    assert!(refused.to_string().contains("no view"), "{refused:#}");
}

fn a_viewer_may_be_silent_and_may_leave_a_frame_unread() {
    let name = name("slow");
    let daemon = Daemon::with(&selector(&name));
    let mut running = prey(&daemon, &name, "sleep-when-told", &["40", "20"]);
    daemon.wait_for(1);
    let (silent, _) = View::begin(&daemon, None);
    let (view, _) = View::begin(&daemon, None);
    // More than the socket takes.
    let line = protocol::line(&Request::View { selector: None }).unwrap();
    let asked = 40;
    for _ in 0..asked {
        std::io::Write::write_all(&mut &view.daemon, &line).unwrap();
    }
    running.tell();
    // Longer than a peer that is no viewer may take.
    std::thread::sleep(Duration::from_secs(11));
    daemon.status();
    let mut reader = BufReader::new(&view.daemon);
    for _ in 0..asked {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(client::read_frame(&line).unwrap().threads.len(), 41);
    }
    let frame = silent.refresh();
    assert_eq!((frame.threads.len(), frame.unchanged.len()), (41, 0));
    assert_eq!(view.refresh().unchanged.len(), 41);
    running.finish();
}

fn who_is_detached_leaves_the_view() {
    let name = name("leaves");
    let daemon = Daemon::with(&selector(&name));
    let mut running = prey(&daemon, &name, "sleep-when-told", &["2", "5"]);
    daemon.wait_for(1);
    let (view, _) = View::begin(&daemon, Some("prey"));
    running.tell();
    daemon.ask(&Request::Detach { label: "prey".to_owned() });
    let frame = view.refresh();
    assert_eq!(
        (frame.ended.len(), frame.threads.len(), frame.unchanged.len(), frame.processes),
        (3, 0, 0, 0)
    );
    assert!(frame.ended.iter().all(|thread| thread.metrics.contains_key(&MetricName::OnCpu)), "{frame:#?}");
    running.finish();
}

/// `profiler top --daemon`
fn top(daemon: &Daemon, before: &[&str], flags: &[&str]) -> Top {
    let socket = daemon.socket();
    let own = ["--daemon", "--socket", socket.to_str().unwrap()];
    Top::start(before, &[&own, flags].concat())
}

fn the_screen_has_what_the_daemon_counted() {
    let name = name("screen");
    let daemon = Daemon::with("");
    let mut running = prey(&daemon, &name, "sleep-when-told", &["3", "200"]);
    let before = running.switches();
    let selector = SelectorConfig::of_pids("prey".to_owned(), vec![running.pid]);
    daemon.ask(&Request::Attach { selector: Box::new(selector) });
    let mut top = top(&daemon, &[], &["--selector", "prey"]);
    top.shows("daemon, selector prey");
    top.shows("0 lost");
    top.assert_kernels_figures(&mut running, &before);
    assert!(!top.shows("? help").contains("s save"));
    top.press("s");
    top.shows("profiler attach records one");
    running.finish();
    top.shows("no process is watched");
    top.press("q");
    assert_eq!(top.end().code, 0);
    daemon.status();
}

/// Waits for the end of a view that says why, and fails.
fn fails(top: Top, part: &str) {
    let text = top.shows(part);
    assert!(!text.contains("worker-0"), "{text}");
    assert_eq!(top.end().code, 1);
}

fn another_user_sees_nothing_and_no_longer_than_it_may() {
    const REFUSED: &str = "may not talk to the daemon";
    let name = name("theirs");
    let daemon = Daemon::with(&selector(&name));
    let running = prey(&daemon, &name, "sleep-when-told", &["1", "1"]);
    daemon.wait_for(1);
    let before = become_caller();
    fails(top(&daemon, &before, &[]), REFUSED);
    allow_caller(&daemon);
    let allowed = top(&daemon, &before, &[]);
    allowed.shows("worker-0");
    daemon.reload(&selector(&name));
    fails(allowed, REFUSED);
    assert_eq!(daemon.log().matches("refused at the control socket").count(), 2, "{}", daemon.log());
    running.finish();
}

fn the_end_of_the_daemon_ends_the_view() {
    for kill in [false, true] {
        let mut daemon = Daemon::with("");
        let top = top(&daemon, &[], &[]);
        top.shows("0 lost");
        if kill {
            daemon.kill();
        } else {
            assert!(daemon.stop().succeeded);
        }
        fails(top, "has ended, and the view with it");
    }
    fails(Top::start(&[], &["--daemon", "--socket", "none.sock"]), "no daemon runs there");
}
