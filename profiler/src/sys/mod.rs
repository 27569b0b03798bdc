//! System calls that no library offers as safe functions: one `unsafe` call a function, each with the reason for which it
//! is sound.
//!
//! - `trim`: pages of files, unmapped so that the held child occupies little memory.
//! - `signals`: dispositions, the mask, and signals that are passed on; those for real-time use among them.
//! - `startup`: what the language's runtime changes before `main`, noted before it does.
//! - `timers`: interval timers.

pub(crate) mod signals;
pub(crate) mod startup;
pub(crate) mod timers;
pub(crate) mod trim;
