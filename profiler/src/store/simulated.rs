//! A file system in memory that can stop after any step, and forget what was not brought to the disk.

use super::disk::{Disk, Entry};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// The fate of writes that were not brought to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crash {
    /// All is there: the process was killed.
    Kill,
    /// Nothing is: the power failed.
    Power,
    /// Some is, chosen by the bits of a number: the power failed in the middle of writing.
    Some(u64),
}

/// Clones are the same disk.
#[derive(Clone, Default)]
pub(super) struct Simulated(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    folders: BTreeMap<PathBuf, Folder>,
    /// The number of steps until all of them fail.
    steps_left: Option<u64>,
    steps: u64,
    is_full: bool,
}

/// By name, as programs see it, and as it is on the disk.
#[derive(Clone, Default)]
struct Folder {
    seen: BTreeMap<String, Node>,
    kept: BTreeMap<String, Node>,
}

#[derive(Clone)]
enum Node {
    Folder,
    File(Arc<Mutex<Content>>),
}

#[derive(Default)]
struct Content {
    seen: Vec<u8>,
    kept: Vec<u8>,
}

/// A file that is being written.
pub(super) struct Writer {
    disk: Simulated,
    content: Arc<Mutex<Content>>,
}

impl Simulated {
    /// A disk with one folder, which nothing is in.
    pub(super) fn with(folder: &Path) -> Self {
        let disk = Self::default();
        disk.state().folders.insert(folder.to_owned(), Folder::default());
        disk
    }

    /// From now on all steps but the first `steps` fail.
    pub(super) fn stop_after(&self, steps: u64) {
        self.state().steps_left = Some(steps);
    }

    /// True if all steps fail.
    pub(super) fn is_stopped(&self) -> bool {
        self.state().steps_left == Some(0)
    }

    /// Looks at the disk in steps that do not count.
    pub(super) fn look<T>(&self, at: impl FnOnce(&Self) -> T) -> T {
        let steps_left = self.state().steps_left.take();
        let seen = at(self);
        self.state().steps_left = steps_left;
        seen
    }

    /// The number of steps so far.
    pub(super) fn steps(&self) -> u64 {
        self.state().steps
    }

    /// True if there is no room for anything more.
    pub(super) fn set_full(&self, is_full: bool) {
        self.state().is_full = is_full;
    }

    /// The files after a crash; all of it is on the disk then.
    pub(super) fn restart(&self, crash: Crash) {
        let mut state = self.state();
        state.steps_left = None;
        let mut bits = match crash {
            Crash::Kill => u64::MAX,
            Crash::Power => 0,
            Crash::Some(bits) => bits,
        };
        let mut is_seen = || {
            bits = bits.rotate_left(1);
            bits & 1 == 1
        };
        for folder in state.folders.values_mut() {
            folder.lose(&mut is_seen);
        }
        let folders = state.folders.clone();
        // The first one is in none.
        let parent = |path: &Path| path.parent().and_then(|parent| folders.get(parent));
        state
            .folders
            .retain(|path, _| parent(path).is_none_or(|parent| parent.seen.contains_key(&name(path))));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn step(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        if state.steps_left == Some(0) {
            return Err(io::Error::other("stopped"));
        }
        state.steps_left = state.steps_left.map(|left| left - 1);
        state.steps += 1;
        Ok(state)
    }
}

impl State {
    fn folder(&mut self, path: &Path) -> io::Result<&mut Folder> {
        self.folders.get_mut(path).ok_or(ErrorKind::NotFound.into())
    }

    fn folder_of(&mut self, path: &Path) -> io::Result<&mut Folder> {
        self.folder(path.parent().unwrap())
    }

    fn room(&self) -> io::Result<()> {
        if self.is_full { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Folder {
    fn lose(&mut self, is_seen: &mut impl FnMut() -> bool) {
        let names: BTreeSet<&String> = self.seen.keys().chain(self.kept.keys()).collect();
        let mut left = BTreeMap::new();
        for name in names {
            let node = if is_seen() { self.seen.get(name) } else { self.kept.get(name) };
            left.extend(node.map(|node| (name.clone(), node.clone())));
        }
        for node in left.values() {
            let Node::File(content) = node else { continue };
            let Content { seen, kept } = &mut *content.lock().unwrap();
            if is_seen() { kept.clone_from(seen) } else { seen.clone_from(kept) }
        }
        *self = Self { seen: left.clone(), kept: left };
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.step()?.room()?;
        self.content.lock().unwrap().seen.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for Simulated {
    type Reader = Bytes;
    type Writer = Writer;

    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let state = self.step()?;
        let Some(folder) = state.folders.get(folder) else { return Ok(Vec::new()) };
        let bytes = |node: &Node| match node {
            Node::Folder => 0,
            Node::File(content) => content.lock().unwrap().seen.len() as u64,
        };
        Ok(folder.seen.iter().map(|(name, node)| Entry { name: name.clone(), bytes: bytes(node) }).collect())
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        if !state.folders.contains_key(folder) {
            state.room()?;
            state.folder_of(folder)?.seen.insert(name(folder), Node::Folder);
            state.folders.insert(folder.to_owned(), Folder::default());
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        // The parent of the first folder is on the disk already.
        if let Some(folder) = state.folders.get_mut(folder) {
            folder.kept = folder.seen.clone();
        }
        Ok(())
    }

    fn open(&self, file: &Path) -> io::Result<Bytes> {
        let mut state = self.step()?;
        match state.folder_of(file)?.seen.get(&name(file)) {
            Some(Node::File(content)) => Ok(Bytes::from(content.lock().unwrap().seen.clone())),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }

    fn create(&self, file: &Path) -> io::Result<Writer> {
        let mut state = self.step()?;
        state.room()?;
        let content = Arc::new(Mutex::new(Content::default()));
        state.folder_of(file)?.seen.insert(name(file), Node::File(Arc::clone(&content)));
        Ok(Writer { disk: self.clone(), content })
    }

    fn sync(&self, written: Writer) -> io::Result<()> {
        let _state = self.step()?;
        let Content { seen, kept } = &mut *written.content.lock().unwrap();
        kept.clone_from(seen);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        state.folder_of(to)?;
        let node = state.folder_of(from)?.seen.remove(&name(from)).ok_or(ErrorKind::NotFound)?;
        state.folder_of(to)?.seen.insert(name(to), node);
        Ok(())
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        state.folder_of(file)?.seen.remove(&name(file));
        Ok(())
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        if !state.folder(folder)?.seen.is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        state.folders.remove(folder);
        state.folder_of(folder)?.seen.remove(&name(folder));
        Ok(())
    }
}
