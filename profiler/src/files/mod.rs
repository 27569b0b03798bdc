//! Files and streams: `output` writes a profile, `subject` decides which earlier profile it may replace, and
//! `inputs` protects the files that a command reads. `output_target`, `atomic_file`, `folder`, `pieces` and
//! `size_limit` are the means of writing; `standard`, `stream` and `messages` are the open streams.

pub mod atomic_file;
pub mod folder;
pub mod inputs;
pub(crate) mod made;
pub mod messages;
pub mod output;
pub mod output_target;
mod pieces;
pub(crate) mod size_limit;
pub mod standard;
pub(crate) mod stream;
pub mod subject;
