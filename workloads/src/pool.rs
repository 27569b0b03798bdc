//! A thread pool that starts its workers on demand, as Python's `ThreadPoolExecutor` does: a job that finds
//! no free worker gets a new one, until there are as many as allowed; then it waits in one queue for all.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail};

/// The bytes of a thread name that the kernel keeps (`TASK_COMM_LEN`, less the final zero).
const NAME_BYTES: usize = 15;

type Job = Box<dyn FnOnce() + Send>;

/// The pool. Dropping it leaves its workers alone; [`join`](Self::join) ends them.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    plan: Mutex<Plan<Job>>,
    /// Signalled when a job waits for a free worker, or no more will come.
    changed: Condvar,
}

/// The queue of jobs; pure bookkeeping, without threads.
struct Plan<J> {
    queue: VecDeque<J>,
    /// Workers without a job, those that have yet to start included; so jobs beyond this number need a worker.
    free: usize,
    /// Workers started so far, at most `limit`.
    workers: usize,
    limit: usize,
    closed: bool,
}

impl Pool {
    /// A pool without workers that will grow to `limit` of them, at least 1.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let shared = Shared { plan: Mutex::new(Plan::new(limit)), changed: Condvar::new() };
        Self { shared: Arc::new(shared), workers: Vec::new() }
    }

    /// Queues a job and returns where its result will arrive, once; a job that panics disconnects instead.
    ///
    /// # Errors
    /// If the job needs a new worker and the system has no thread left.
    pub fn submit<T: Send + 'static>(
        &mut self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Receiver<T>> {
        let (done, result) = mpsc::sync_channel(1);
        // Fails only when nobody waits for the result.
        let job = Box::new(move || drop(done.send(job())));
        let hired = self.shared.plan().push(job);
        match hired {
            Some(number) => self.start(number)?,
            None => self.shared.changed.notify_one(),
        }
        Ok(result)
    }

    /// Waits until all jobs are done and all workers have ended; returns how many workers there were.
    ///
    /// # Errors
    /// If a worker panicked.
    pub fn join(self) -> Result<usize> {
        self.shared.plan().closed = true;
        self.shared.changed.notify_all();
        let count = self.workers.len();
        for worker in self.workers {
            if worker.join().is_err() {
                bail!("a worker of the thread pool panicked");
            }
        }
        Ok(count)
    }

    fn start(&mut self, number: usize) -> Result<()> {
        let name = worker_name(number);
        let shared = Arc::clone(&self.shared);
        let worker = thread::Builder::new().name(name).spawn(move || shared.work()).with_context(|| {
            format!(
                "cannot start thread {} of the pool: choose fewer --workers or raise ulimit -u",
                number + 1
            )
        })?;
        self.workers.push(worker);
        Ok(())
    }
}

impl Shared {
    /// A worker's life: jobs until there will be no more.
    fn work(&self) {
        let mut plan = self.plan();
        loop {
            plan = self
                .changed
                .wait_while(plan, |plan| plan.queue.is_empty() && !plan.closed)
                .unwrap_or_else(PoisonError::into_inner);
            let Some(job) = plan.take() else { return };
            drop(plan);
            job();
            plan = self.plan();
            plan.release();
        }
    }

    /// Jobs run outside the lock, so no panic of theirs can leave the plan half changed.
    fn plan(&self) -> MutexGuard<'_, Plan<Job>> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> Plan<J> {
    fn new(limit: usize) -> Self {
        Self { queue: VecDeque::new(), free: 0, workers: 0, limit, closed: false }
    }

    /// Queues a job. Returns the number of the worker that must be started for it, if one must.
    fn push(&mut self, job: J) -> Option<usize> {
        self.queue.push_back(job);
        if self.queue.len() <= self.free || self.workers == self.limit {
            return None;
        }
        self.free += 1;
        self.workers += 1;
        Some(self.workers - 1)
    }

    /// Gives the oldest job to a free worker.
    fn take(&mut self) -> Option<J> {
        let job = self.queue.pop_front()?;
        self.free -= 1;
        Some(job)
    }

    /// A worker has done its job.
    fn release(&mut self) {
        self.free += 1;
    }
}

/// The name of a worker: `pool-worker-N`, or `pool-N` from the thousandth on, for the kernel to keep it whole.
fn worker_name(number: usize) -> String {
    let name = format!("pool-worker-{number}");
    if name.len() <= NAME_BYTES { name } else { format!("pool-{number}") }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn a_worker_is_started_for_each_job_that_finds_none_free() {
        let mut plan = Plan::new(3);
        assert_eq!(plan.push('a'), Some(0));
        assert_eq!(plan.push('b'), Some(1)); // worker 0 has yet to start, and will take a
        assert_eq!(plan.take(), Some('a'));
        assert_eq!(plan.take(), Some('b'));
        assert_eq!(plan.push('c'), Some(2)); // both are busy
        assert_eq!(plan.push('d'), None); // the limit
        assert_eq!(plan.take(), Some('c'));
        plan.release();
        assert_eq!(plan.take(), Some('d'));
    }

    #[test]
    fn a_free_worker_is_used_before_one_is_started() {
        let mut plan = Plan::new(3);
        assert_eq!(plan.push('a'), Some(0));
        assert_eq!(plan.take(), Some('a'));
        plan.release();
        assert_eq!(plan.push('b'), None); // worker 0 is free again
        assert_eq!(plan.push('c'), Some(1)); // but b is for it
        assert_eq!(plan.workers, 2);
    }

    #[test]
    fn a_plan_without_jobs_gives_none() {
        assert_eq!(Plan::<char>::new(1).take(), None);
    }

    #[test]
    fn jobs_at_the_same_time_get_a_worker_each() {
        let together = Arc::new(Barrier::new(4));
        let mut pool = Pool::new(8);
        for _ in 0..4 {
            let together = Arc::clone(&together);
            // Ends only if all four run at the same time.
            drop(pool.submit(move || together.wait()).unwrap());
        }
        assert_eq!(pool.join().unwrap(), 4);
    }

    #[test]
    fn jobs_one_after_the_other_share_a_worker() {
        let mut pool = Pool::new(8);
        for number in 0..20 {
            let result = pool.submit(move || number).unwrap();
            assert_eq!(result.recv(), Ok(number));
            // The result arrives a moment before its worker is free.
            while pool.shared.plan().free == 0 {
                thread::yield_now();
            }
        }
        assert_eq!(pool.join().unwrap(), 1);
    }

    #[test]
    fn more_jobs_than_workers_are_all_done() {
        let mut pool = Pool::new(3);
        let results: Vec<_> = (0..100).map(|number| pool.submit(move || number).unwrap()).collect();
        let results: Vec<u32> = results.iter().map(|result| result.recv().unwrap()).collect();
        assert_eq!(results, (0..100).collect::<Vec<_>>());
        assert!(pool.join().unwrap() <= 3);
    }

    #[test]
    fn joining_waits_for_the_jobs_still_queued() {
        let mut pool = Pool::new(1);
        let results: Vec<_> = (0..10).map(|number| pool.submit(move || number).unwrap()).collect();
        pool.join().unwrap();
        assert!(results.iter().all(|result| result.try_recv().is_ok()));
    }

    #[test]
    fn a_panicking_job_is_an_error_and_not_a_hang() {
        let mut pool = Pool::new(1);
        let result = pool.submit(|| panic!("on purpose")).unwrap();
        assert!(result.recv().is_err());
        assert!(pool.join().is_err());
    }

    #[test]
    fn the_kernel_keeps_every_name_whole() {
        assert_eq!(worker_name(0), "pool-worker-0");
        assert_eq!(worker_name(999), "pool-worker-999");
        assert_eq!(worker_name(1000), "pool-1000");
        assert!((0..10_000).all(|number| worker_name(number).len() <= NAME_BYTES));
    }

    #[test]
    fn jobs_run_on_named_threads() {
        let mut pool = Pool::new(1);
        let name = pool.submit(|| thread::current().name().map(str::to_owned)).unwrap();
        assert_eq!(name.recv().unwrap().as_deref(), Some("pool-worker-0"));
    }
}
