//! Opens outputs that are written in place: a pipe, a terminal, a device.

use super::messages::tell;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::{self, File, OpenOptions};
use std::io::{Error, Result};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Opens a stream for appending. Waits for the reader of a named pipe and says so; `next` completes that
/// message.
pub(crate) fn open(path: &Path, next: &str) -> Result<File> {
    open_and(path, || {
        tell(&format!(
            "waiting for a reader of the named pipe {} before {next}; Ctrl-C gives up",
            path.display()
        ));
    })
}

fn open_and(path: &Path, before_waiting: impl FnOnce()) -> Result<File> {
    let open = |flags: OFlag| OpenOptions::new().append(true).custom_flags(flags.bits()).open(path);
    if !fs::metadata(path)?.file_type().is_fifo() {
        return open(OFlag::empty());
    }
    // man 7 fifo: without a reader this fails instead of waiting.
    match open(OFlag::O_NONBLOCK) {
        Ok(pipe) => {
            fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_APPEND)).map_err(Error::from)?;
            Ok(pipe)
        }
        Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
            before_waiting();
            open(OFlag::empty())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use std::io::{Read as _, Write as _};
    use std::path::PathBuf;
    use std::thread::spawn;

    fn pipe(folder: &Path) -> PathBuf {
        let path = folder.join("pipe");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        path
    }

    #[test]
    fn who_waits_for_a_reader_says_so_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = pipe(folder.path());
        let (from, mut reader) = (path.clone(), None);
        // The reader starts only after the message.
        let mut writer =
            open_and(&path, || reader = Some(spawn(move || fs::read_to_string(from).unwrap()))).unwrap();
        writer.write_all(b"profile").unwrap();
        drop(writer);
        assert_eq!(reader.unwrap().join().unwrap(), "profile");
    }

    #[test]
    fn a_reader_that_is_there_is_written_to_as_fast_as_it_reads() {
        /// Larger than a pipe's buffer.
        const MUCH: usize = 1 << 20;
        let folder = tempfile::tempdir().unwrap();
        let path = pipe(folder.path());
        let mut reader =
            OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path).unwrap();
        let mut writer = open_and(&path, || panic!("there is a reader")).unwrap();
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
        let written = spawn(move || writer.write_all(&vec![b'x'; MUCH]));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        written.join().unwrap().unwrap();
        assert_eq!(read.len(), MUCH);
    }
}
