//! The target: how it is chosen, started, supervised and stopped.
//!
//! - `called`: the names of a process.
//! - `cgroup`: control groups and their processes.
//! - `detach`: what happens while processes are recorded that ran already: signals, the time limit, collecting.
//! - `effects`: what each signal does to the profiler.
//! - `family`: the command's processes, those that lost their parent among them.
//! - `hold`: the child's first moment, before it executes the command.
//! - `inherited`: what the caller gave across exec, taken over and given to the command.
//! - `launch`: starts the held child, releases it, waits for it and takes its usage.
//! - `refusal`: why a command can't be executed.
//! - `select`: which processes are chosen of those that run.
//! - `signals`: those that come to the profiler: taken in order, passed on to the command.
//! - `supervise`: what happens while it runs: signals, the time limit, collecting.
//! - `tree`: the descendants of a process.
//! - `user`: whom the command runs as and who owns the files.
//! - `visible`: which processes /proc shows.

pub(crate) mod called;
mod cgroup;
pub mod detach;
pub mod effects;
pub mod family;
pub mod hold;
pub mod inherited;
pub mod launch;
mod refusal;
pub mod select;
pub mod signals;
pub mod supervise;
pub mod tree;
pub mod user;
pub mod visible;
