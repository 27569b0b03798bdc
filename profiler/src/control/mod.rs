//! How the daemon is talked to while it runs: a unix socket, one line of JSON for a request and one for its answer.
//!
//! - `config`: where the socket is and who may use it.
//! - `peers`: whether the process at the other end may.
//! - `protocol`: the requests and answers; `frame` is that of a view, which is asked for again and again.
//! - `server`: the daemon's end; `client`: that of `profiler ctl`.

pub mod client;
pub mod config;
pub mod frame;
mod peers;
pub mod protocol;
pub mod server;
