//! One `fetch_database`: what a task does before and after its wait, and when it did it.
//!
//! The wait itself is the caller's, because it is what the workloads differ in.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::args::Args;
use crate::load;
use crate::sink::Sink;

/// The constants of all tasks of a run.
#[derive(Debug)]
pub struct Work {
    args: Args,
    sink: Sink,
}

/// A task that is waiting.
#[derive(Debug)]
#[must_use = "a task that is not finished is not counted"]
pub struct Started {
    number: u32,
    at: Instant,
}

/// The time that a task ran, without its time in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The task's first action.
    pub start: Instant,
    /// The end of its last one; not before `start`.
    pub end: Instant,
}

impl Work {
    /// The work that `args` describe.
    ///
    /// # Errors
    /// If the sink cannot be opened.
    pub fn new(args: Args) -> Result<Self> {
        Ok(Self { args, sink: Sink::open()? })
    }

    /// The time that a task has to wait between [`begin`](Self::begin) and [`finish`](Self::finish).
    #[must_use]
    pub fn fetch(&self) -> Duration {
        self.args.fetch
    }

    /// Does what task `number` does before its wait.
    ///
    /// # Errors
    /// If its line cannot be written.
    pub fn begin(&self, number: u32) -> Result<Started> {
        let at = Instant::now();
        self.print("Fetching", number)?;
        Ok(Started { number, at })
    }

    /// Does what a task does after its wait, on the thread that it woke up on.
    ///
    /// # Errors
    /// If memory, the thread's CPU time or the sink is refused.
    pub fn finish(&self, task: Started) -> Result<Span> {
        // The memory is touched after the wait, as the answer arrives then, and is held while it is worked on.
        let answer = load::touch(self.args.touch)?;
        load::spin(self.args.spin)?;
        drop(answer);
        self.print("Done fetching", task.number)?;
        Ok(Span { start: task.at, end: Instant::now() })
    }

    fn print(&self, action: &str, number: u32) -> Result<()> {
        let thread = thread::current();
        self.sink.line(format_args!("{action} database {number} {}", thread.name().unwrap_or("unnamed")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(touch: usize, spin: Duration) -> Work {
        Work::new(Args { tasks: 1, fetch: Duration::from_millis(3), touch, spin }).unwrap()
    }

    #[test]
    fn a_span_covers_the_wait_and_the_work_after_it() {
        let work = work(1 << 20, Duration::from_millis(2));
        let before = Instant::now();
        let task = work.begin(0).unwrap();
        thread::sleep(work.fetch());
        let span = work.finish(task).unwrap();
        assert!(before <= span.start);
        assert!(span.end - span.start >= Duration::from_millis(5));
    }

    #[test]
    fn a_task_that_gets_no_memory_fails() {
        let work = work(usize::MAX / 4, Duration::ZERO);
        let task = work.begin(0).unwrap();
        let error = work.finish(task).unwrap_err();
        assert!(format!("{error:#}").contains("--touch"), "{error:#}");
    }
}
