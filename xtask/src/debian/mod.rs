//! Packages of the Debian archive, used without being installed: each release that is asked for has a private apt
//! in a folder of its own.

pub mod apt;
mod mirror;
pub mod packages;
