//! The other end of the socket, for `profiler ctl` and `profiler top`.

use super::protocol::{Answer, Request, line};
use crate::watch::frame::Frame;
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The most time that the daemon may take to answer: an attach scans every process, and may have to wait for others.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the daemon.
///
/// # Errors
/// If it can't be reached, does not answer, or refuses.
pub fn ask(socket: &Path, request: &Request) -> Result<Answer> {
    let answer = converse(&connect(socket)?, socket, request)?;
    match read_answer(&answer)? {
        Answer::Refused { reason } => bail!("{reason}"),
        answer => Ok(answer),
    }
}

/// Connects to the daemon.
///
/// # Errors
/// If it can't be reached.
pub fn connect(socket: &Path) -> Result<UnixStream> {
    let shown = socket.display();
    let daemon = UnixStream::connect(socket).map_err(|error| {
        let way_out = match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                "; no daemon runs there (profiler daemon, or systemctl start profiler; --socket names another place)"
            }
            _ => "",
        };
        anyhow::Error::new(error).context(format!("cannot reach the daemon at {shown}{way_out}"))
    })?;
    daemon.set_read_timeout(Some(PATIENCE)).context("cannot limit the wait for the daemon")?;
    daemon.set_write_timeout(Some(PATIENCE)).context("cannot limit the wait for the daemon")?;
    Ok(daemon)
}

/// Writes a request, and reads the line of its answer.
///
/// # Errors
/// If the daemon does not answer.
pub fn converse(mut daemon: &UnixStream, socket: &Path, request: &Request) -> Result<String> {
    let shown = socket.display();
    // A peer that is refused gets the answer before its request is read.
    let written = daemon.write_all(&line(request)?);
    let mut answer = String::new();
    BufReader::new(daemon)
        .read_line(&mut answer)
        .with_context(|| format!("the daemon at {shown} does not answer"))?;
    if answer.is_empty() {
        written.with_context(|| format!("cannot write to the daemon at {shown}"))?;
        bail!("the daemon at {shown} ended before it answered");
    }
    Ok(answer)
}

/// The answer in a line.
///
/// # Errors
/// If there is none in it.
pub fn read_answer(line: &str) -> Result<Answer> {
    serde_json::from_str(line).context("cannot read the daemon's answer (is it of another version?)")
}

/// The frame in a line, which read as an [`Answer`] would be gone through twice.
///
/// # Errors
/// If the daemon refuses, or answers with something else.
pub fn read_frame(line: &str) -> Result<Frame> {
    if let Ok(frame) = serde_json::from_str(line) {
        return Ok(frame);
    }
    match read_answer(line)? {
        Answer::Frame(frame) => Ok(*frame),
        Answer::Refused { reason } => bail!("{reason}"),
        _ => bail!("the daemon does not answer with a frame (is it of another version?)"),
    }
}
