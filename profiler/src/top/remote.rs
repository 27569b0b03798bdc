//! Frames from a daemon over its control socket. Nothing is recorded for the view.

use super::feed::{Ended, Feed, Frame, Standing};
use super::live::Live;
use super::rebuilt::{Records, Taken};
use crate::control::client;
use crate::control::protocol::{self, Request};
use crate::watch::frame;
use anyhow::{Context as _, Result, bail};
use model::losses::{Loss, LossCounts};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time after which a frame is late. One of 2 000 busy threads takes less than a tenth of a second.
const LATE: Duration = Duration::from_secs(2);

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// A view of a daemon's recording.
pub struct Remote {
    socket: PathBuf,
    daemon: UnixStream,
    /// The received part of the next frame.
    received: Vec<u8>,
    /// The time of the outstanding request.
    asked: Option<Instant>,
    records: Records,
    live: Live,
    /// Ended threads that were in no frame.
    unsent: u64,
}

impl Remote {
    /// Opens a view of all that the daemon at a socket watches, or of one selector. The first frame has
    /// everything recorded so far, over an interval of no length.
    ///
    /// # Errors
    /// If the daemon can't be reached, or refuses.
    pub fn begin(socket: &Path, selector: Option<String>) -> Result<(Self, Frame)> {
        let daemon = client::connect(socket)?;
        let answer = client::converse(&daemon, socket, &Request::View { selector })?;
        let base = client::read_frame(&answer)?;
        daemon.set_nonblocking(true).context("cannot read from the daemon without waiting")?;
        let mut records = Records::default();
        let (processes, lost) = (base.processes, base.lost);
        let Taken { snapshot, processes: known, .. } = records.take(base)?;
        let (live, first) = Live::begin(snapshot);
        let mut remote = Self {
            socket: socket.to_owned(),
            daemon,
            received: Vec::new(),
            asked: None,
            records,
            live,
            unsent: 0,
        };
        let first = remote.completed(Frame { processes: known, ..first }, processes, lost);
        Ok((remote, first))
    }

    fn take(&mut self, frame: frame::Frame) -> Result<Frame> {
        let (processes, lost) = (frame.processes, frame.lost);
        self.unsent += frame.ended_untold;
        let Taken { ended, snapshot, processes: known } = self.records.take(frame)?;
        let frame = self.live.frame(&ended, snapshot);
        Ok(self.completed(Frame { processes: known, ..frame }, processes, lost))
    }

    /// Adds the state of the recording as a whole.
    fn completed(&mut self, frame: Frame, processes: u64, lost: LossCounts) -> Frame {
        let lost = lost.with(&Loss::OF_RECORDS, &frame.standing.lost);
        let ended = Ended {
            threads: frame.standing.ended.threads + self.unsent,
            unsent: self.unsent,
            ..frame.standing.ended
        };
        Frame { standing: Standing { lives: processes > 0, lost, ended }, ..frame }
    }

    /// Reads the available bytes. Returns false at the end of the stream.
    fn receive(&mut self) -> Result<bool> {
        let mut chunk = [0; CHUNK];
        loop {
            match self.daemon.read(&mut chunk) {
                Ok(0) => return Ok(false),
                Ok(length) => self.received.extend_from_slice(chunk.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).with_context(|| self.gone()),
            }
        }
    }

    fn gone(&self) -> String {
        format!(
            "the daemon at {} has ended, and the view with it (profiler ctl status tells whether it runs again)",
            self.socket.display()
        )
    }
}

impl Feed for Remote {
    /// Requests a frame unless one is outstanding: on a slow connection requests do not queue.
    fn refresh(&mut self) -> Result<Option<Frame>> {
        if self.asked.is_none() {
            let line = protocol::line(&Request::Refresh)?;
            self.daemon.write_all(&line).with_context(|| self.gone())?;
            self.asked = Some(Instant::now());
        }
        Ok(None)
    }

    fn collect(&mut self) -> Result<Option<Frame>> {
        let goes_on = self.receive()?;
        if self.received.ends_with(b"\n") {
            let line = String::from_utf8(std::mem::take(&mut self.received))
                .context("the daemon's answer is not text")?;
            self.asked = None;
            return self.take(client::read_frame(&line)?).map(Some);
        }
        if !goes_on {
            bail!("{}", self.gone());
        }
        Ok(None)
    }

    fn urgent(&self) -> Option<BorrowedFd<'_>> {
        Some(self.daemon.as_fd())
    }

    fn hindrance(&self) -> Option<String> {
        let waited = self.asked?.elapsed();
        (waited > LATE).then(|| format!("the daemon has not answered for {} s", waited.as_secs()))
    }

    fn save_question(&self) -> Result<String> {
        bail!("a daemon keeps sums, not profiles: profiler attach records one beside it")
    }

    fn save(&mut self) -> Result<String> {
        self.save_question()
    }

    fn has_ended(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::protocol::Answer;
    use model::profile::units::Nanos;
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc::channel;
    use std::thread::{JoinHandle, spawn};
    use tempfile::TempDir;

    /// A view of a simulated daemon, which answers the opening request and then runs `daemon`.
    fn view(daemon: impl FnOnce(UnixStream) + Send + 'static) -> (Remote, JoinHandle<()>, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let daemon = spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            assert_eq!(request(&peer), Request::View { selector: Some("web".to_owned()) });
            peer.write_all(&answer(&frame(1))).unwrap();
            daemon(peer);
        });
        let (remote, first) = Remote::begin(&socket, Some("web".to_owned())).unwrap();
        assert_eq!((first.from, first.until, first.standing.lives), (Nanos(1), Nanos(1), true));
        (remote, daemon, folder)
    }

    fn frame(at: u64) -> Answer {
        Answer::Frame(Box::new(frame::Frame { at_ns: Nanos(at), processes: 1, ..frame::Frame::default() }))
    }

    fn answer(answer: &Answer) -> Vec<u8> {
        protocol::line(answer).unwrap()
    }

    fn request(peer: &UnixStream) -> Request {
        let mut line = String::new();
        BufReader::new(peer).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn collected(remote: &mut Remote) -> Result<Frame> {
        loop {
            if let Some(frame) = remote.collect()? {
                return Ok(frame);
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_frame_may_come_in_parts_and_the_next_is_asked_for_once_it_is_there() {
        let (done, is_done) = channel();
        let (mut remote, daemon, _folder) = view(move |mut peer| {
            is_done.recv().unwrap();
            let mut asked = [0; 1024];
            let length = peer.read(&mut asked).unwrap();
            assert_eq!(asked[..length], protocol::line(&Request::Refresh).unwrap());
            for part in answer(&frame(5)).chunks(10) {
                peer.write_all(part).unwrap();
            }
        });
        for _ in 0..3 {
            assert!(remote.refresh().unwrap().is_none());
        }
        done.send(()).unwrap();
        let frame = collected(&mut remote).unwrap();
        assert_eq!((frame.from, frame.until), (Nanos(1), Nanos(5)));
        assert!(remote.asked.is_none() && remote.hindrance().is_none());
        daemon.join().unwrap();
    }

    #[test]
    fn the_daemons_end_and_its_refusal_are_told() {
        let (mut remote, daemon, _folder) = view(drop);
        daemon.join().unwrap();
        let error = collected(&mut remote).unwrap_err().to_string();
        assert!(error.contains("has ended") && error.contains("profiler ctl status"), "{error}");
        let (mut remote, daemon, _folder) = view(|mut peer| {
            request(&peer);
            let reason = "you may not".to_owned();
            peer.write_all(&answer(&Answer::Refused { reason })).unwrap();
        });
        remote.refresh().unwrap();
        daemon.join().unwrap();
        assert_eq!(collected(&mut remote).unwrap_err().to_string(), "you may not");
    }

    #[test]
    fn an_answer_that_is_late_is_told_of() {
        let (mut remote, daemon, _folder) = view(|peer| drop(request(&peer)));
        remote.refresh().unwrap();
        assert_eq!(remote.hindrance(), None);
        remote.asked = remote.asked.and_then(|asked| asked.checked_sub(LATE + Duration::from_secs(1)));
        assert!(remote.hindrance().unwrap().contains("not answered for"));
        daemon.join().unwrap();
    }

    #[test]
    fn no_profile_is_promised() {
        let (mut remote, daemon, _folder) = view(drop);
        let said = remote.save_question().unwrap_err().to_string();
        assert!(said.contains("profiler attach") && remote.save().is_err(), "{said}");
        daemon.join().unwrap();
    }
}
