//! Whatever happens, in whatever order: a reader finds what was appended, once.

use super::content::Format;
use super::fixture::{HOST, batch, config, found, noon, rows};
use super::names::Folders;
use super::simulated::{Crash, Simulated};
use super::{Disk as _, Store, StoreConfig};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Event {
    /// An interval ends, so many seconds after the one before: the clock may have been set.
    Append(i64),
    Flush,
    Full(bool),
    /// The daemon is stopped and started.
    Restart,
    /// The next steps are the last; then the machine comes up again.
    Crash(u64, Crash),
}

/// A store on a simulated disk, and what must be in it.
struct Trial {
    disk: Simulated,
    root: PathBuf,
    store: Option<Store<Simulated>>,
    config: StoreConfig,
    now: Timestamp,
    /// The rows of every interval.
    appended: BTreeMap<u32, Vec<String>>,
    /// Intervals that no crash may lose.
    kept: BTreeSet<u32>,
    /// Those that wait in memory, as far as the store knows.
    open: BTreeSet<u32>,
    /// Those that did when an earlier daemon ended: it may or may not have written them.
    doubtful: BTreeSet<u32>,
    /// Those that readers were seen to find.
    shown: BTreeSet<u32>,
    crash: Option<Crash>,
}

impl Trial {
    fn new() -> Self {
        let root = PathBuf::from("/store");
        let disk = Simulated::with(Path::new("/"));
        let mut trial = Self {
            disk,
            config: config(&root),
            root,
            store: None,
            now: noon(),
            appended: BTreeMap::new(),
            kept: BTreeSet::new(),
            open: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            shown: BTreeSet::new(),
            crash: None,
        };
        trial.start();
        trial
    }

    fn start(&mut self) {
        self.doubtful.append(&mut self.open);
        self.store = Store::recovered(self.disk.clone(), &self.config, HOST).ok();
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Append(seconds) => self.append(seconds),
            Event::Flush => {
                if self.store.as_mut().is_some_and(|store| store.flush().is_ok()) {
                    self.kept.append(&mut self.open);
                }
            }
            Event::Full(is_full) => self.disk.set_full(is_full),
            Event::Restart => {
                self.start();
                self.settle_doubts();
            }
            Event::Crash(steps, crash) => {
                self.disk.stop_after(steps);
                self.crash = Some(crash);
            }
        }
    }

    fn append(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        let id = u32::try_from(self.appended.len()).unwrap();
        let batch = batch(id, self.now);
        let whole = Format::new(HOST).unwrap().encode(&batch, 0).unwrap();
        self.appended.insert(id, rows(bytes::Bytes::from(whole)).remove(0).1);
        let Some(store) = &mut self.store else { return };
        self.open.insert(id);
        if store.append(&batch).is_ok() {
            self.kept.append(&mut self.open);
        }
    }

    /// Ends the outage, if there is one.
    fn recover(&mut self) {
        let Some(crash) = self.crash.take() else { return };
        self.disk.restart(crash);
        // A reader may come before the daemon does.
        let found = self.disk.look(|disk| found(disk, &self.root));
        let hidden: Vec<&u32> = self.shown.iter().filter(|id| !found.contains_key(id)).collect();
        assert!(hidden.is_empty(), "{hidden:?} were found before");
        self.disk.set_full(false);
        self.start();
        assert!(self.store.is_some(), "it starts again");
        self.settle_doubts();
    }

    /// Once all is published, what was doubtful is known to be there or not.
    fn settle_doubts(&mut self) {
        let Some(store) = &mut self.store else { return };
        if store.flush().is_err() {
            return;
        }
        self.kept.append(&mut self.open);
        let found = self.check();
        self.kept.extend(std::mem::take(&mut self.doubtful).intersection(&found));
        assert_eq!(found, self.kept);
    }

    /// Readers find what was kept, may find what was open, and nothing else, to the last row.
    fn check(&mut self) -> BTreeSet<u32> {
        let found = self.disk.look(|disk| found(disk, &self.root));
        for (id, rows_found) in &found {
            assert!(self.kept.contains(id) || self.doubtful.contains(id), "{id} was never appended");
            assert_eq!(rows_found, &self.appended[id]);
        }
        let found: BTreeSet<u32> = found.into_keys().collect();
        assert!(self.shown.is_subset(&found));
        self.shown.clone_from(&found);
        found
    }

    /// Nothing is left but what should be.
    fn finish(mut self) {
        self.recover();
        self.disk.set_full(false);
        self.disk.restart(Crash::Kill);
        if self.store.is_none() {
            self.start();
        }
        self.settle_doubts();
        assert!(self.open.is_empty() && self.doubtful.is_empty(), "all could be published");
        assert_eq!(self.disk.list(&Folders::new(&self.root, HOST).open()).unwrap(), [], "no part is left");
    }
}

fn run(events: &[Event]) {
    let mut trial = Trial::new();
    for event in events {
        trial.happen(event);
        if trial.disk.is_stopped() {
            trial.recover();
        }
    }
    trial.finish();
}

/// The files of two hours and the clock set back, with every kind of step.
fn scenario() -> Vec<Event> {
    let mut events = vec![Event::Append(10); 4];
    events.extend([Event::Append(3600), Event::Append(10), Event::Flush, Event::Append(-1800), Event::Flush]);
    events
}

#[test]
fn a_crash_at_any_step_loses_at_most_the_open_interval() {
    let mut trial = Trial::new();
    scenario().iter().for_each(|event| trial.happen(event));
    let steps = trial.disk.steps();
    trial.finish();
    assert!(steps > 100, "{steps}");
    for crash in [Crash::Kill, Crash::Power, Crash::Some(0x3b94_a1c6_02ed_f758)] {
        for step in 0..steps {
            let mut events = scenario();
            events.insert(0, Event::Crash(step, crash));
            run(&events);
        }
    }
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![Just(Crash::Kill), Just(Crash::Power), any::<u64>().prop_map(Crash::Some)]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => prop_oneof![Just(10_i64), Just(10), -5_000..5_000_i64, Just(86_400)].prop_map(Event::Append),
        1 => Just(Event::Flush),
        1 => any::<bool>().prop_map(Event::Full),
        1 => Just(Event::Restart),
        2 => (0..60_u64, crash()).prop_map(|(steps, crash)| Event::Crash(steps, crash)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_was_appended_is_found_once_whatever_happens(events in prop::collection::vec(event(), 1..30)) {
        run(&events);
    }
}

#[test]
fn a_full_disk_is_told_of_and_what_waits_is_written_once_there_is_room() {
    let mut trial = Trial::new();
    trial.disk.set_full(true);
    let store = trial.store.as_mut().unwrap();
    let error = format!("{:#}", store.append(&batch(1, noon())).unwrap_err());
    for told in ["1 wait in memory", "16.0 MiB", "lower keep or max_size", "cannot make the folder /store"] {
        assert!(error.contains(told), "{told}: {error}");
    }
    assert!(store.append(&batch(2, noon())).is_err());
    assert_eq!((store.status().waiting, store.status().unpublished), (2, 0));
    trial.disk.set_full(false);
    store.append(&batch(3, noon())).unwrap();
    assert_eq!(store.status().waiting, 0);
    assert_eq!(found(&trial.disk, &trial.root).into_keys().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(store.status().dropped, super::Dropped::default());
}

#[test]
fn a_crash_while_files_are_removed_hides_no_other_file() {
    let steps = |stop: Option<(u64, Crash)>| {
        let mut trial = Trial::new();
        for _ in 0..4 {
            trial.happen(&Event::Append(86_400));
            trial.happen(&Event::Flush);
        }
        let before = trial.disk.steps();
        let store = trial.store.as_mut().unwrap();
        store.config.keep = Some(std::time::Duration::from_secs(1));
        if let Some((steps, _)) = stop {
            trial.disk.stop_after(steps);
        }
        let retained = store.retain(trial.now);
        let taken = trial.disk.steps() - before;
        assert_eq!(retained.is_ok(), stop.is_none());
        trial.disk.restart(stop.map_or(Crash::Kill, |(_, crash)| crash));
        let found = found(&trial.disk, &trial.root);
        assert!(found.contains_key(&3), "the newest stays");
        assert_eq!(found.len() == 1, stop.is_none());
        trial.start();
        trial.store.as_mut().unwrap().retain(trial.now).unwrap();
        taken
    };
    for step in 0..steps(None) {
        for crash in [Crash::Kill, Crash::Power] {
            // With all but the last step done, all may be removed.
            if step < 6 {
                steps(Some((step, crash)));
            }
        }
    }
}
