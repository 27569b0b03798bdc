//! Who watches through the daemon: what was handed out to each, so that the next frame has only what was added since.
//!
//! Of a busy thread that is some 3 kB. Threads that are known are bounded by the slots, those that came and went by [`MOST_UNSEEN`].

use super::selectors::Selectors;
use crate::control::frame::{Frame, Growth, Identity, Lost, Now, ThreadFrame, Totals};
use crate::profile::units::{Nanos, total};
use crate::record::ThreadRecord;
use crate::record::samples::Handed;
use anyhow::{Result, bail};
use profiler_ebpf::metric::Metric;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// Viewers there can be: each costs a look at all threads for every refresh.
const MOST_VIEWERS: usize = 4;

/// Threads that began and ended between two frames and are in the second, some 2 kB each. A view shows no more of them.
const MOST_UNSEEN: usize = 1_000;

/// So many times as long as a frame takes does its viewer wait for the next: none takes more than a tenth of a CPU.
const RESTS: u32 = 9;

/// A viewer, which lives as long as its connection.
pub type Shared = Rc<RefCell<Viewer>>;

/// A viewer.
pub struct Viewer {
    /// It wants to see only the threads of this selector.
    selector: Option<String>,
    /// What was handed out of each thread that goes on, by [`ThreadRecord::serial`].
    known: HashMap<u64, Known>,
    /// What is known so far of the next frame.
    next: Frame,
    /// How many in its `ended` were in no frame before.
    unseen: usize,
    rests_until: Option<Instant>,
}

impl Viewer {
    /// One that was handed out nothing.
    #[must_use]
    pub fn new(selector: Option<String>) -> Self {
        Self { selector, known: HashMap::new(), next: Frame::default(), unseen: 0, rests_until: None }
    }

    /// Until when it must not ask for a frame.
    #[must_use]
    pub fn rests_until(&self) -> Option<Instant> {
        self.rests_until
    }

    /// A frame, or its line, took so long: it rests for that too.
    pub fn rest_after(&mut self, took: Duration) {
        let now = Instant::now();
        self.rests_until = Some(self.rests_until.map_or(now, |until| until.max(now)) + RESTS * took);
    }

    /// Whether it wants to see the threads of a selector.
    pub(super) fn wants(&self, label: &str) -> bool {
        self.selector.as_ref().is_none_or(|selector| selector == label)
    }

    /// A thread that it wants to see goes on.
    pub(crate) fn see(&mut self, record: &ThreadRecord, who: Who<'_>, at: Nanos) {
        let is_known = self.known.contains_key(&record.serial);
        let known = self.known.entry(record.serial).or_default();
        let goes_on = known.now.map(|now| now.at(at));
        let mut added = known.grow(record);
        if is_known && goes_on == Some(added.now) && added.is_nothing_more() {
            self.next.unchanged.push(record.serial);
            return;
        }
        added.identity = (!is_known).then(|| who.identity(record));
        self.next.threads.push(added);
    }

    /// A thread that it wants to see has ended.
    pub(crate) fn end(&mut self, record: &ThreadRecord, who: Who<'_>) {
        let known = self.known.remove(&record.serial);
        let is_known = known.is_some();
        if !is_known && self.unseen >= MOST_UNSEEN {
            self.next.ended_untold += 1;
            return;
        }
        let mut added = known.unwrap_or_default().grow(record);
        if !is_known {
            self.unseen += 1;
            added.identity = Some(who.identity(record));
        }
        self.next.ended.push(added);
    }

    /// The frame, once all threads that go on were seen.
    pub(crate) fn take(&mut self, at_ns: Nanos, processes: u64, lost: Lost) -> Frame {
        self.unseen = 0;
        Frame { at_ns, processes, lost, ..std::mem::take(&mut self.next) }
    }
}

/// Where a thread belongs.
#[derive(Clone, Copy)]
pub(crate) struct Who<'a> {
    /// The label of its selector.
    pub(crate) selector: &'a str,
    /// The name of its process.
    pub(crate) process: &'a str,
}

impl Who<'_> {
    fn identity(self, record: &ThreadRecord) -> Identity {
        let (selector, process) = (self.selector.to_owned(), self.process.to_owned());
        Identity { pid: record.pid, tid: record.tid, selector, process }
    }
}

/// What was handed out of a thread.
#[derive(Default)]
struct Known {
    now: Option<Now>,
    name: Option<String>,
    /// Waits and their sum over all that it was blocked on: these grow with each.
    blocked_on: (u64, Nanos),
    metrics: [Handed; Metric::COUNT],
}

impl Known {
    /// What was added since the last time.
    fn grow(&mut self, record: &ThreadRecord) -> ThreadFrame {
        let now = Now::of(record);
        self.now = Some(now);
        let is_renamed = self.name.as_ref() != Some(&record.name);
        if is_renamed {
            self.name = Some(record.name.clone());
        }
        let waits = &record.blocked_on;
        let blocked_on =
            (total(waits.iter().map(|wait| wait.count)), waits.iter().map(|wait| wait.sum_ns).sum());
        let is_blocked_anew = std::mem::replace(&mut self.blocked_on, blocked_on) != blocked_on;
        let grown = record.samples.iter().filter_map(|(&metric, samples)| {
            let handed = &mut self.metrics[metric.index()];
            // A sample that is in a bucket alone as yet is handed out once it counts.
            if handed.count() == samples.count {
                return None;
            }
            let added = samples.since(handed)?;
            *handed = samples.handed();
            Some((metric.into(), Growth { totals: Totals::of(samples), buckets: added.numbered().collect() }))
        });
        ThreadFrame {
            serial: record.serial,
            identity: None,
            name: is_renamed.then(|| record.name.clone()),
            now,
            blocked_on: is_blocked_anew.then(|| record.blocked_on.clone()),
            metrics: grown.collect(),
        }
    }
}

/// All of them. One whose connection has ended is gone by itself.
#[derive(Default)]
pub(super) struct Viewers {
    all: Vec<Weak<RefCell<Viewer>>>,
}

impl Viewers {
    /// Makes room for one; for one that has it already nothing changes.
    ///
    /// # Errors
    /// If there are as many as there can be, or no selector is called as it wants.
    pub(super) fn admit(&mut self, viewer: &Shared, selectors: &Selectors) -> Result<()> {
        self.all.retain(|other| other.strong_count() > 0);
        if self.all.iter().any(|other| other.as_ptr() == Rc::as_ptr(viewer)) {
            return Ok(());
        }
        if let Some(label) = &viewer.borrow().selector
            && !selectors.iter().any(|watched| *watched.label == **label)
        {
            bail!("there is no selector {label:?} (profiler ctl status lists them)");
        }
        if self.all.len() >= MOST_VIEWERS {
            bail!("{MOST_VIEWERS} views of the daemon are open, and there can't be more: end one of them");
        }
        self.all.push(Rc::downgrade(viewer));
        Ok(())
    }

    /// A thread has ended, or leaves.
    pub(super) fn end(&self, record: &ThreadRecord, who: Who<'_>) {
        for viewer in self.all.iter().filter_map(Weak::upgrade) {
            let mut viewer = viewer.borrow_mut();
            if viewer.wants(who.selector) {
                viewer.end(record, who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::SelectorConfig;
    use super::*;
    use crate::record::fixture::exited;

    const WHO: Who<'_> = Who { selector: "web", process: "server" };

    fn take(viewer: &mut Viewer) -> Frame {
        viewer.take(Nanos(1), 1, Lost::default())
    }

    fn viewer() -> Viewer {
        Viewer::new(None)
    }

    #[test]
    fn a_thread_to_which_nothing_is_added_is_its_serial() {
        let mut viewer = viewer();
        let record = exited(1, 7);
        viewer.see(&record, WHO, Nanos(1));
        let first = take(&mut viewer);
        let [thread] = first.threads.as_slice() else { panic!("{first:?}") };
        let identity = thread.identity.as_ref().unwrap();
        assert_eq!(
            (identity.pid, identity.tid, &*identity.selector, &*identity.process),
            (1, 7, "web", "server")
        );
        viewer.see(&record, WHO, Nanos(2));
        let second = take(&mut viewer);
        assert_eq!((second.threads.len(), second.unchanged), (0, vec![7]));
        let renamed = ThreadRecord { name: "other".to_owned(), ..record };
        viewer.see(&renamed, WHO, Nanos(3));
        let third = take(&mut viewer);
        let [thread] = third.threads.as_slice() else { panic!("{third:?}") };
        assert_eq!((thread.name.as_deref(), thread.identity.is_none()), (Some("other"), true));
        assert!(thread.metrics.is_empty() && thread.blocked_on.is_none());
    }

    #[test]
    fn a_thread_that_ended_is_told_of_once() {
        let mut viewer = viewer();
        viewer.see(&exited(1, 7), WHO, Nanos(1));
        take(&mut viewer);
        viewer.end(&exited(1, 7), WHO);
        viewer.end(&exited(1, 8), WHO);
        let frame = take(&mut viewer);
        let told: Vec<(u64, bool)> =
            frame.ended.iter().map(|thread| (thread.serial, thread.identity.is_some())).collect();
        assert_eq!(told, [(7, false), (8, true)]);
        assert_eq!(take(&mut viewer).ended, []);
        assert!(viewer.known.is_empty());
    }

    #[test]
    fn those_that_nobody_saw_are_bounded_and_counted() {
        let mut viewer = viewer();
        viewer.see(&exited(1, 1), WHO, Nanos(1));
        take(&mut viewer);
        for round in 0..2 {
            let most = MOST_UNSEEN as u32;
            (2..most + 5).for_each(|tid| viewer.end(&exited(1, tid), WHO));
            // It was seen, and the client waits for its end.
            viewer.end(&exited(1, 1), WHO);
            let frame = take(&mut viewer);
            let told = frame.ended.len();
            assert_eq!((told, frame.ended_untold), (MOST_UNSEEN + usize::from(round == 0), 3 + round));
        }
    }

    #[test]
    fn there_are_so_many_viewers_and_who_has_gone_makes_room() {
        let mut selectors = Selectors::default();
        selectors.add(SelectorConfig::of_pids("web".to_owned(), vec![1])).unwrap();
        let mut viewers = Viewers::default();
        let shared = |selector: Option<&str>| Rc::new(RefCell::new(Viewer::new(selector.map(str::to_owned))));
        let unknown = viewers.admit(&shared(Some("db")), &selectors).unwrap_err();
        assert!(unknown.to_string().contains("no selector \"db\""), "{unknown}");
        let mut all: Vec<Shared> = (0..MOST_VIEWERS).map(|_| shared(Some("web"))).collect();
        for viewer in all.iter().chain(&all) {
            viewers.admit(viewer, &selectors).unwrap();
        }
        let one_more = shared(None);
        let full = viewers.admit(&one_more, &selectors).unwrap_err();
        assert!(full.to_string().contains("end one"), "{full}");
        all.pop();
        viewers.admit(&one_more, &selectors).unwrap();
        viewers.end(&exited(1, 7), Who { selector: "db", ..WHO });
        assert_eq!(
            [take(&mut all[0].borrow_mut()), take(&mut one_more.borrow_mut())].map(|frame| frame.ended.len()),
            [0, 1]
        );
    }
}
