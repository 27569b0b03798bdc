//! The daemon's outputs: the store and the metrics hold all that was counted, and a new configuration opens them again.

use super::{Daemon, count, name, prey, selector};
use crate::trial::trials;
use libtest_mimic::Trial;
use profiler::watch::interval::Interval;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        what_was_counted_is_in_the_store_and_in_the_metrics,
        outputs_are_opened_and_closed_by_a_reload,
        a_store_that_cannot_be_opened_is_told_of,
    ]
}

const OUTPUTS: &str =
    "[watch]\ninterval = \"1h\"\n[store]\npath = \"store\"\n[metrics]\nsocket = \"metrics.sock\"\n";

fn what_was_counted_is_in_the_store_and_in_the_metrics() {
    let name = name("out");
    let mut daemon = Daemon::configured(OUTPUTS, &selector(&name));
    let mut running = prey(&daemon, &name, "sleep-when-told", &["2", "5"]);
    daemon.wait_for(1);
    let mut intervals: Vec<Interval> = Vec::new();
    for _ in 0..3 {
        running.tell();
        intervals.push(daemon.flush());
        let so_far: u64 = intervals.iter().map(|interval| count(interval, "on_cpu")).sum();
        let scraped = scraped(&daemon.scene.folder().join("metrics.sock"));
        assert_eq!(sum(&scraped, "profiler_on_cpu_seconds_count{"), so_far, "{scraped}");
        assert_eq!(sum(&scraped, "profiler_selector_on_cpu_seconds_count{"), so_far, "{scraped}");
        assert_eq!(sum(&scraped, "profiler_lost_total{"), 0, "{scraped}");
        let stored = daemon.stored("on_cpu");
        for interval in &intervals {
            let samples = stored.get(&interval.until.as_microsecond());
            assert_eq!(samples, Some(&count(interval, "on_cpu")), "{interval:#?}");
        }
    }
    assert!(intervals.iter().all(|interval| count(interval, "on_cpu") > 2 * 5));
    running.finish();
    let stopped = daemon.stop();
    assert!(stopped.succeeded, "{}", stopped.stderr);
    // The last one too.
    assert_eq!(daemon.stored("on_cpu").len(), 4);
    assert!(!daemon.scene.folder().join("metrics.sock").exists());
}

fn outputs_are_opened_and_closed_by_a_reload() {
    let name = name("anew");
    let daemon = Daemon::configured(OUTPUTS, &selector(&name));
    let names = || -> Vec<String> { daemon.status().sinks.into_iter().map(|sink| sink.name).collect() };
    assert_eq!(names(), ["lines", "store", "metrics"]);
    // Without a change they go on.
    let (metrics, more) = ("metrics.sock", "\n[store]\npath = \"store\"\npublish = \"1s\"\n");
    daemon.reload(&format!("{}{more}[metrics]\nsocket = \"{metrics}\"\n", selector(&name)));
    assert_eq!(names(), ["lines", "metrics", "store"]);
    daemon.flush();
    assert!(scraped(&daemon.scene.folder().join(metrics)).contains("profiler_intervals_total 1"));
    daemon.reload(&format!("{}[metrics]\nsocket = \"{metrics}\"\nmax_groups = 7\n", selector(&name)));
    assert_eq!(names(), ["lines", "metrics"]);
    // These are new ones.
    assert!(scraped(&daemon.scene.folder().join(metrics)).contains("profiler_intervals_total 0"));
    daemon.reload(&selector(&name));
    assert_eq!(names(), ["lines"]);
    assert!(!daemon.scene.folder().join(metrics).exists());
}

fn a_store_that_cannot_be_opened_is_told_of() {
    let name = name("shut");
    let daemon = Daemon::with(&selector(&name));
    fs::write(daemon.scene.folder().join("file"), "text").unwrap();
    daemon.reload(&format!("{}[store]\npath = \"file/store\"\n", selector(&name)));
    daemon.flush();
    let status = daemon.status();
    let store = status.sinks.iter().find(|sink| sink.name == "store").expect("it was asked for");
    assert!(store.problem.as_ref().is_some_and(|problem| problem.contains("file/store")), "{store:?}");
    assert_eq!(store.intervals_lost, 1);
    assert!(daemon.log().contains("file/store"), "{}", daemon.log());
}

/// The result of a scrape through the socket.
fn scraped(socket: &Path) -> String {
    let mut stream =
        UnixStream::connect(socket).unwrap_or_else(|error| panic!("{}: {error}", socket.display()));
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: profiler\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer
}

/// The sum of all series of a name.
fn sum(text: &str, name: &str) -> u64 {
    let values =
        text.lines().filter(|line| line.starts_with(name)).map(|line| line.rsplit(' ').next().unwrap());
    values.map(|value| value.parse::<u64>().unwrap()).sum()
}
