//! Many threads alive at the same time.

use anyhow::{Context as _, Result, anyhow};
use std::{
    io,
    sync::{Arc, Barrier},
    thread::{self, Builder},
    time::Duration,
};

/// The smallest stack of the C library (`PTHREAD_STACK_MIN`): ten thousand of them fit in any machine.
pub(crate) const STACK_BYTES: usize = 16 * 1024;

/// Different lengths of sleeps, so that those of the threads differ.
const SLEEP_STEPS: usize = 10;

const SHORTEST_SLEEP: Duration = Duration::from_micros(100);

/// Starts the threads, prints a line when all are running, and ends them at the end of input.
pub(crate) fn keep(count: usize, sleeps: u32) -> Result<()> {
    let end = Arc::new(Barrier::new(count + 1));
    let mut threads = Vec::with_capacity(count);
    for number in 0..count {
        let end = Arc::clone(&end);
        let thread = Builder::new().stack_size(STACK_BYTES).spawn(move || {
            let sleep = SHORTEST_SLEEP * (1 + number % SLEEP_STEPS) as u32;
            (0..sleeps).for_each(|_| thread::sleep(sleep));
            end.wait();
        });
        threads.push(thread.with_context(|| {
            format!(
                "only {number} of {count} threads could be started: the limit is the least of `ulimit -u`, \
                 /proc/sys/kernel/threads-max, /proc/sys/kernel/pid_max and the cgroup's pids.max"
            )
        })?);
    }
    println!("{count} threads are alive");
    io::copy(&mut io::stdin(), &mut io::sink()).context("cannot wait for the end of standard input")?;
    end.wait();
    threads
        .into_iter()
        .try_for_each(|thread| thread.join().map_err(|_payload| anyhow!("a thread panicked: see above")))
}
