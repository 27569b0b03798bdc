//! Viewers of the daemon: each gets the growth since its last frame, and nothing else.
//!
//! Growth from before a viewer began is in none of its frames. For one that asks for no frame, the growth of a busy
//! thread comes to some 4 kB. Threads that are known are bounded by the slots, those that came and went by [`MOST_UNSEEN`].

mod known;

use super::selectors::Selectors;
use crate::record::ThreadRecord;
use crate::record::deltas::Delta;
use crate::watch::frame::{Frame, Identity};
use anyhow::{Result, bail};
use known::Known;
use model::losses::LossCounts;
use model::profile::units::Nanos;
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
    /// True if it had a frame.
    has_begun: bool,
    /// The threads that go on, by [`ThreadRecord::serial`].
    known: HashMap<u64, Known>,
    /// The next frame so far.
    next: Frame,
    /// The number of threads in its `ended` that were in no frame before.
    unseen: usize,
    rests_until: Option<Instant>,
}

impl Viewer {
    /// One that was handed out nothing.
    #[must_use]
    pub fn new(selector: Option<String>) -> Self {
        Self {
            selector,
            has_begun: false,
            known: HashMap::new(),
            next: Frame::default(),
            unseen: 0,
            rests_until: None,
        }
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

    /// True if it wants to see the threads of a selector.
    pub(super) fn wants(&self, label: &str) -> bool {
        self.selector.as_ref().is_none_or(|selector| selector == label)
    }

    /// Something was added to a thread that it wants to see and that goes on, between two frames.
    pub(crate) fn keep(&mut self, added: &Delta) {
        if self.has_begun {
            self.known.entry(added.serial).or_default().add(added);
        }
    }

    /// A thread that it wants to see goes on, and is in the next frame.
    pub(crate) fn see(&mut self, record: &ThreadRecord, added: Option<&Delta>, who: Who<'_>, at: Nanos) {
        let known = self.known.entry(record.serial).or_default();
        let is_told = known.is_told();
        if !self.has_begun {
            known.begin(record);
        } else if let Some(added) = added {
            known.add(added);
        }
        let goes_on = known.now().map(|now| now.at(at));
        let mut grown = known.tell(record);
        if is_told && goes_on == Some(grown.now) && grown.is_nothing_more() {
            self.next.unchanged.push(record.serial);
            return;
        }
        grown.identity = (!is_told).then(|| who.identity(record));
        self.next.threads.push(grown);
    }

    /// A thread that it wants to see has ended.
    pub(crate) fn end(&mut self, record: &ThreadRecord, added: Option<&Delta>, who: Who<'_>) {
        if !self.has_begun {
            return;
        }
        let mut known = self.known.remove(&record.serial).unwrap_or_default();
        let is_told = known.is_told();
        if !is_told && self.unseen >= MOST_UNSEEN {
            self.next.ended_untold += 1;
            return;
        }
        if let Some(added) = added {
            known.add(added);
        }
        let mut grown = known.tell(record);
        if !is_told {
            self.unseen += 1;
            grown.identity = Some(who.identity(record));
        }
        self.next.ended.push(grown);
    }

    /// The frame, once all threads that go on were seen.
    pub(crate) fn take(&mut self, at_ns: Nanos, processes: u64, lost: LossCounts) -> Frame {
        self.unseen = 0;
        self.has_begun = true;
        Frame { at_ns, processes, lost, ..std::mem::take(&mut self.next) }
    }
}

/// The selector and the process of a thread.
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

    /// A thread goes on; `seen_by` is the viewer whose frame it is to be in.
    pub(super) fn see(
        &self,
        record: &ThreadRecord,
        added: Option<&Delta>,
        who: Who<'_>,
        at: Nanos,
        seen_by: Option<&Shared>,
    ) {
        for shared in self.all.iter().filter_map(Weak::upgrade) {
            let mut viewer = shared.borrow_mut();
            if !viewer.wants(who.selector) {
                continue;
            }
            if seen_by.is_some_and(|seen_by| Rc::ptr_eq(seen_by, &shared)) {
                viewer.see(record, added, who, at);
            } else if let Some(added) = added {
                viewer.keep(added);
            }
        }
    }

    /// A thread has ended, or leaves.
    pub(super) fn end(&self, record: &ThreadRecord, added: Option<&Delta>, who: Who<'_>) {
        for viewer in self.all.iter().filter_map(Weak::upgrade) {
            let mut viewer = viewer.borrow_mut();
            if viewer.wants(who.selector) {
                viewer.end(record, added, who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::SelectorConfig;
    use super::*;
    use crate::record::deltas::Deltas;
    use crate::record::fixture::exited;
    use crate::record::samples::Samples;
    use crate::record::samples::Totals;
    use model::metric::Metric;
    use model::profile::thread::Waits;

    const WHO: Who<'_> = Who { selector: "web", process: "server" };

    fn take(viewer: &mut Viewer) -> Frame {
        viewer.take(Nanos(1), 1, LossCounts::default())
    }

    fn viewer() -> Viewer {
        Viewer::new(None)
    }

    #[test]
    fn a_thread_to_which_nothing_is_added_is_its_serial() {
        let mut viewer = viewer();
        let record = exited(1, 7);
        viewer.see(&record, None, WHO, Nanos(1));
        let first = take(&mut viewer);
        let [thread] = first.threads.as_slice() else { panic!("{first:?}") };
        let identity = thread.identity.as_ref().unwrap();
        assert_eq!(
            (identity.pid, identity.tid, &*identity.selector, &*identity.process),
            (1, 7, "web", "server")
        );
        viewer.see(&record, None, WHO, Nanos(2));
        let second = take(&mut viewer);
        assert_eq!((second.threads.len(), second.unchanged), (0, vec![7]));
        let renamed = ThreadRecord { name: "other".to_owned(), ..record };
        viewer.see(&renamed, None, WHO, Nanos(3));
        let third = take(&mut viewer);
        let [thread] = third.threads.as_slice() else { panic!("{third:?}") };
        assert_eq!((thread.name.as_deref(), thread.identity.is_none()), (Some("other"), true));
        assert!(thread.metrics.is_empty() && thread.blocked_on.is_none());
    }

    #[test]
    fn what_was_before_a_viewer_is_in_none_of_its_frames() {
        let (mut viewer, mut deltas) = (viewer(), Deltas::new(Nanos(0)));
        let waits = |count| Some(Waits { count, sum_ns: Nanos(10 * count), max_ns: Nanos(10) });
        let record = |samples: &[u64], waited| {
            let mut record = exited(1, 7);
            let samples = Samples::of(samples.iter().copied()).unwrap();
            (record.samples, record.unattributed_wait) = ([(Metric::OnCpu, samples)].into(), waits(waited));
            record
        };
        let mut see = |viewer: &mut Viewer, record| {
            let added = deltas.seen(&record);
            viewer.see(&record, added.as_ref(), WHO, Nanos(1));
            take(viewer).threads.remove(0)
        };
        let first = see(&mut viewer, record(&[5, 6], 3));
        assert_eq!((first.metrics.len(), first.now.unattributed_wait), (0, None));
        let second = see(&mut viewer, record(&[5, 6, 7, 7], 4));
        let growth = &second.metrics[&Metric::OnCpu.into()];
        let totals = Totals { count: 2, sum_ns: Nanos(14), min_ns: Nanos(7), max_ns: Nanos(7) };
        assert_eq!((growth.totals, &*growth.buckets), (totals, &[(7, 2)][..]));
        assert_eq!(second.now.unattributed_wait, waits(1));
    }

    #[test]
    fn what_is_added_between_two_frames_is_in_the_second() {
        let (mut viewer, mut deltas) = (viewer(), Deltas::new(Nanos(0)));
        take(&mut viewer);
        let record = |samples: &[u64]| {
            let samples = Samples::of(samples.iter().copied()).unwrap();
            ThreadRecord { samples: [(Metric::OnCpu, samples)].into(), ..exited(1, 7) }
        };
        viewer.keep(&deltas.seen(&record(&[5, 6])).unwrap());
        viewer.keep(&deltas.seen(&record(&[5, 6, 6, 2])).unwrap());
        let last = record(&[5, 6, 6, 2, 9]);
        viewer.see(&last, deltas.seen(&last).as_ref(), WHO, Nanos(1));
        let frame = take(&mut viewer);
        let [thread] = frame.threads.as_slice() else { panic!("{frame:?}") };
        assert!(thread.identity.is_some() && thread.name.is_some());
        let growth = &thread.metrics[&Metric::OnCpu.into()];
        assert_eq!((growth.totals.count, &*growth.buckets), (5, &[(2, 1), (5, 1), (6, 2), (9, 1)][..]));
    }

    #[test]
    fn a_thread_that_ended_is_told_of_once() {
        let mut viewer = viewer();
        viewer.see(&exited(1, 7), None, WHO, Nanos(1));
        take(&mut viewer);
        viewer.end(&exited(1, 7), None, WHO);
        viewer.end(&exited(1, 8), None, WHO);
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
        viewer.see(&exited(1, 1), None, WHO, Nanos(1));
        take(&mut viewer);
        for round in 0..2 {
            let most = MOST_UNSEEN as u32;
            (2..most + 5).for_each(|tid| viewer.end(&exited(1, tid), None, WHO));
            // It was seen, and the client waits for its end.
            viewer.end(&exited(1, 1), None, WHO);
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
        all.iter().chain([&one_more]).for_each(|viewer| drop(take(&mut viewer.borrow_mut())));
        viewers.end(&exited(1, 7), None, Who { selector: "db", ..WHO });
        assert_eq!(
            [take(&mut all[0].borrow_mut()), take(&mut one_more.borrow_mut())].map(|frame| frame.ended.len()),
            [0, 1]
        );
    }
}
