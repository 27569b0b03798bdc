//! Files and streams that are read and written: `output` (a profile), `subject` (of what it is), `inputs` (what must not be
//! written over), `place`, `beside`, `folder`, `pieces` and `size_limit` (where it goes), `standard` and `stream` (output and
//! input), `messages` (standard error).

pub mod atomic_file;
pub mod folder;
pub mod inputs;
pub(crate) mod made;
pub mod messages;
pub mod output;
mod pieces;
pub mod place;
pub(crate) mod size_limit;
pub mod standard;
pub(crate) mod stream;
pub mod subject;
