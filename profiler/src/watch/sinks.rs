//! Sinks, to which the intervals go. A sink's failure is reported and never ends the daemon.

use super::batch::Batch;
use crate::watch::status::SinkStatus;
use anyhow::Result;
use jiff::Timestamp;

/// Takes intervals, each once and in their order.
pub trait Sink {
    /// The name in the configuration.
    fn name(&self) -> &'static str;

    /// Takes an interval that has ended.
    ///
    /// # Errors
    /// If it can't; it is asked again with the next one.
    fn take(&mut self, batch: &Batch) -> Result<()>;

    /// A problem that did not keep it from taking intervals.
    fn problem(&self) -> Option<String> {
        None
    }

    /// Intervals that it took and then had to drop.
    fn dropped(&self) -> u64 {
        0
    }

    /// Has what it took so far be where others find it.
    fn flush(&mut self) {}
}

/// All of them.
#[derive(Default)]
pub struct Sinks {
    all: Vec<Watched>,
}

/// A sink, and how it is.
struct Watched {
    sink: Box<dyn Sink>,
    problem: Option<String>,
    since: Timestamp,
    refused: u64,
}

impl Watched {
    /// Intervals that are not where they should be.
    fn lost(&self) -> u64 {
        self.refused + self.sink.dropped()
    }
}

impl Sinks {
    /// Sinks that take everything so far.
    #[must_use]
    pub fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        let since = Timestamp::now();
        let watched = |sink| Watched { sink, problem: None, since, refused: 0 };
        Self { all: sinks.into_iter().map(watched).collect() }
    }

    /// Another sink in the place of the one with its name, or none.
    pub fn replace(&mut self, name: &str, sink: Option<Box<dyn Sink>>) {
        self.all.retain(|watched| watched.sink.name() != name);
        self.all.append(&mut Self::new(sink.into_iter().collect()).all);
    }

    /// Has all that was taken be where others find it.
    pub fn flush(&mut self) {
        self.all.iter_mut().for_each(|watched| watched.sink.flush());
    }

    /// Hands an interval to each. Whether one takes them is logged when that changes.
    pub fn take(&mut self, batch: &Batch) {
        for watched in &mut self.all {
            let refused = watched.sink.take(batch).err().map(|error| format!("{error:#}"));
            watched.refused += u64::from(refused.is_some());
            let problem = refused.or_else(|| watched.sink.problem());
            let sink = watched.sink.name();
            match (&watched.problem, &problem) {
                (None, Some(problem)) => tracing::error!(sink, "does not take intervals: {problem}"),
                (Some(before), Some(problem)) if before != problem => {
                    tracing::error!(sink, "still does not take intervals: {problem}");
                }
                (Some(_), None) => {
                    tracing::info!(sink, lost = watched.lost(), "takes intervals again");
                }
                _ => continue,
            }
            (watched.problem, watched.since) = (problem, Timestamp::now());
        }
    }

    /// The state of each sink.
    #[must_use]
    pub fn status(&self) -> Vec<SinkStatus> {
        let status = |watched: &Watched| SinkStatus {
            name: watched.sink.name().to_owned(),
            problem: watched.problem.clone().or_else(|| watched.sink.problem()),
            since: watched.since,
            intervals_lost: watched.lost(),
        };
        self.all.iter().map(status).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use model::losses::LossCounts;
    use model::profile::units::Nanos;

    /// Takes every third interval.
    struct Moody(u32);

    impl Sink for Moody {
        fn name(&self) -> &'static str {
            "moody"
        }

        fn take(&mut self, _: &Batch) -> Result<()> {
            self.0 += 1;
            if self.0.is_multiple_of(3) { Ok(()) } else { bail!("not in the mood") }
        }
    }

    #[test]
    fn what_a_sink_does_not_take_is_counted_and_it_is_asked_again() {
        let now = Timestamp::now();
        let batch =
            Batch { from: now, until: now, length_ns: Nanos(1), groups: vec![], lost: LossCounts::default() };
        let mut sinks = Sinks::new(vec![Box::new(Moody(0))]);
        let mut seen = Vec::new();
        for _ in 0..4 {
            sinks.take(&batch);
            let status = sinks.status().remove(0);
            seen.push((status.problem.is_some(), status.intervals_lost));
        }
        assert_eq!(seen, [(true, 1), (true, 2), (false, 2), (true, 3)]);
    }
}
