//! The other end of the socket, for `profiler ctl`.

use super::protocol::{Answer, Request};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long the daemon may take to answer: an attach looks at every process, and may have to wait for others.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the daemon.
///
/// # Errors
/// If it can't be reached, does not answer, or refuses.
pub fn ask(socket: &Path, request: &Request) -> Result<Answer> {
    let shown = socket.display();
    let mut daemon = UnixStream::connect(socket).map_err(|error| {
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
    let mut line = serde_json::to_vec(request).context("cannot write the request")?;
    line.push(b'\n');
    // Who is refused is told so before the request is read.
    let written = daemon.write_all(&line);
    let mut answer = String::new();
    BufReader::new(daemon)
        .read_line(&mut answer)
        .with_context(|| format!("the daemon at {shown} does not answer"))?;
    if answer.is_empty() {
        written.with_context(|| format!("cannot write to the daemon at {shown}"))?;
        bail!("the daemon at {shown} ended before it answered");
    }
    match serde_json::from_str(&answer)
        .context("cannot read the daemon's answer (is it of another version?)")?
    {
        Answer::Refused { reason } => bail!("{reason}"),
        answer => Ok(answer),
    }
}
