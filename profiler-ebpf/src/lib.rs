//! The interface between the BPF programs and user space: the metrics, the bucket arithmetic and the layout of every
//! byte that crosses the boundary. `no_std`, so that both sides compile the same definitions, and tested on
//! the host. The programs themselves are the binary half of this package (`main.rs`, `programs/`).
#![no_std]

#[macro_use]
mod shared;

pub mod buckets;
pub mod layout;
pub mod metric;

pub use shared::Shared;
