//! The only folder that knows BPF.
//!
//! - `requirements`: what the machine must offer, checked before anything is started, with the way to mend it.
//! - `memory_left`: how much memory the kernel would let the recording have.
//! - `offsets`: where the running kernel keeps the fields that the programs read.
//! - `load`: the object, its settings and the sizes of its maps.
//! - `probes`: what can be measured, one file a probe: programs, where they hang, maps, and when it is wanted.
//! - `hooks`: loads and attaches programs, and runs task iterators.
//! - `hotplug`: CPUs that go away and come back.
//! - `programs`: what the kernel makes of each program.
//! - `memory`: slots and bucket pages, mapped; the only code that reads memory the kernel writes.
//! - `slots`: from a slot to a [`crate::record::ThreadRecord`].
//! - `self_cost`: what the recording itself costs.
//! - `session`: the life of a recording, a [`crate::record::Source`]; `session::watch`: a recording that goes on for weeks, while
//!   processes join and leave.

pub mod hooks;
mod hotplug;
pub mod load;
pub mod memory;
mod memory_left;
pub mod offsets;
mod page_memory;
mod probes;
pub mod programs;
pub mod requirements;
pub mod self_cost;
pub mod session;
mod slots;
