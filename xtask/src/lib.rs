//! The parts that the commands of `cargo xtask` and the program `bench` share: external programs, the way to root, the
//! layout of the workspace, Debian's packages, the BPF toolchain and what is built with it.

pub mod build;
pub mod command;
pub mod debian;
pub mod ebpf;
pub mod packages;
pub mod privilege;
pub mod strip;
pub mod toolchain;
pub mod workspace;
