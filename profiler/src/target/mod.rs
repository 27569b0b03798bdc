//! Who is profiled, and how it is started and stopped.
//!
//! - `cgroup`: control groups and their processes.
//! - `detach`: what happens while processes are recorded that ran already: signals, the time limit, collecting.
//! - `family`: the command's processes, those that lost their parent among them.
//! - `hold`: the child's first moment, before it executes the command.
//! - `launch`: starts the held child, releases it, waits for it and takes its usage.
//! - `refusal`: why a command can't be executed.
//! - `select`: which processes are chosen of those that run.
//! - `shed`: has the held child occupy little memory.
//! - `signals`: those that stop a run.
//! - `supervise`: what happens while it runs: signals, the time limit, collecting.
//! - `tree`: the descendants of a process.
//! - `user`: whom the command runs as and who owns the files.
//! - `visible`: which processes /proc shows.

mod cgroup;
pub mod detach;
pub mod family;
pub mod hold;
pub mod launch;
mod refusal;
pub mod select;
mod shed;
pub mod signals;
pub mod supervise;
pub mod tree;
pub mod user;
pub mod visible;
