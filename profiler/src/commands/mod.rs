//! One file a command; each reads as a table of contents. What they write to is in files of their own: `output` (a
//! profile), `subject` (of what it is), `inputs` (what must not be written over), `place`, `beside`, `folder`, `pieces` and
//! `size_limit` (where it goes), `standard` and `stream` (output and input), `messages` and `progress` (standard
//! error); `settings`, `recipe` and `attachment` are how anything is recorded, how a command, and how what runs
//! already.

pub mod attach;
mod attachment;
pub mod beside;
pub mod compare;
pub mod ctl;
pub mod daemon;
pub mod doctor;
pub mod export;
pub mod folder;
pub mod inputs;
pub mod messages;
pub mod output;
mod pieces;
pub mod place;
pub mod plot;
pub mod progress;
pub mod recipe;
pub mod report;
pub mod run;
pub mod schema;
pub mod settings;
mod size_limit;
pub mod standard;
mod stream;
pub mod subject;
pub mod top;
