//! The daemon's control socket: a unix socket, one line of JSON for a request and one for its answer.
//!
//! - `config`: where the socket is and who may use it.
//! - `peers`: whether the process at the other end may.
//! - `protocol`: the requests and answers; `show`: what a person reads of them.
//! - `server`: the daemon's end; `client`: that of `profiler ctl`.

pub mod client;
pub mod config;
mod peers;
pub mod protocol;
pub mod server;
pub mod show;
