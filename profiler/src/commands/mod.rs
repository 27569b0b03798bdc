//! One file a command; each reads as a table of contents.

pub mod compare;
pub mod doctor;
pub mod export;
pub mod messages;
pub mod output;
pub mod report;
pub mod run;
pub mod schema;
