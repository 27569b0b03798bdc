//! A daemon that is killed, as nothing can refuse, loses no interval that had ended, neither in the lines nor in the
//! store, and leaves nothing in the way of the next one.

use super::{Daemon, count, name, prey, selector};
use crate::attached::Attached;
use crate::trial::trials;
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::time::Duration;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        a_daemon_that_is_killed_fifty_times_loses_no_interval_that_had_ended,
    ]
}

const TIMES: u64 = 50;

fn a_daemon_that_is_killed_fifty_times_loses_no_interval_that_had_ended() {
    let name = name("kill");
    let config = "[watch]\ninterval = \"100ms\"\n[store]\npath = \"store\"\npublish = \"1s\"\n";
    let mut daemon = Daemon::configured(config, &selector(&name));
    let mut running = prey(&daemon, &name, "sleep-when-told", &["2", "3"]);
    let (mut kept, mut last_of_rounds) = (0, BTreeSet::new());
    for round in 0..TIMES {
        daemon.wait_for(1);
        running.tell();
        // Somewhere in an interval, at another place each time.
        std::thread::sleep(Duration::from_micros(150_000 + round * 7_919 % 100_000));
        let in_kernel = Attached::of(daemon.pid());
        let ended = daemon.status().intervals;
        daemon.kill();
        in_kernel.assert_gone();
        // Each line is whole.
        let written = daemon.written();
        let new = &written[kept..];
        assert!(new.len() as u64 >= ended, "{} of {ended} intervals are there", new.len());
        assert!(new.iter().map(|interval| count(interval, "on_cpu")).sum::<u64>() > 0);
        assert!(new.windows(2).all(|pair| pair[0].until == pair[1].from));
        kept = written.len();
        last_of_rounds.extend(written.last().map(|interval| interval.until.as_microsecond()));
        daemon.start_again();
    }
    running.finish();
    let stopped = daemon.stop();
    let stored = daemon.stored("on_cpu");
    for interval in &stopped.written {
        // The daemon may have been killed before the last one was in the store too.
        let ended = interval.until.as_microsecond();
        match stored.get(&ended) {
            Some(&samples) => assert_eq!(samples, count(interval, "on_cpu"), "{interval:#?}"),
            None => assert!(last_of_rounds.contains(&ended), "{interval:#?}"),
        }
    }
    assert!(stored.len() <= stopped.written.len());
}
