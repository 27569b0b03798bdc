//! The text of a scrape, written while it is sent: with thousands of groups it takes tens of MB, which are never in memory
//! as a whole.

use super::super::exposition::{Format, Snapshot};
use hyper::body::{Body, Bytes, Frame};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::spawn_blocking;

/// The size of a chunk: small enough to be memory that was used before, 64 KiB.
const CHUNK_BYTES: usize = 64 * 1024;

/// The chunks that are written ahead of the reader.
const CHUNKS: usize = 4;

/// The text, as it comes.
pub(super) struct Text(mpsc::Receiver<Chunk>);

/// An error breaks the connection off, so that no part is taken for the whole.
type Chunk = Result<Bytes, fmt::Error>;

impl Text {
    /// Starts writing, away from the thread on which the intervals are recorded. It ends with the last chunk or when the
    /// reader is gone; the place is occupied until then.
    pub(super) fn start(
        snapshot: impl FnOnce() -> Snapshot + Send + 'static,
        format: Format,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(CHUNKS);
        spawn_blocking(move || {
            let mut chunks = Chunks { chunk: String::new(), reader: sender };
            let written = snapshot().write(format, &mut chunks).and_then(|()| chunks.hand_over());
            if let Err(error) = written {
                // A reader that is gone needs no telling.
                let _ = chunks.reader.blocking_send(Err(error));
            }
            drop(place);
        });
        Self(receiver)
    }
}

impl Body for Text {
    type Data = Bytes;
    type Error = fmt::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, fmt::Error>>> {
        self.get_mut().0.poll_recv(context).map(|next| next.map(|chunk| chunk.map(Frame::data)))
    }
}

struct Chunks {
    chunk: String,
    reader: mpsc::Sender<Chunk>,
}

impl Chunks {
    fn hand_over(&mut self) -> fmt::Result {
        let chunk = std::mem::replace(&mut self.chunk, String::with_capacity(CHUNK_BYTES));
        self.reader.blocking_send(Ok(chunk.into())).ok().ok_or(fmt::Error)
    }
}

impl fmt::Write for Chunks {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.chunk.len() + text.len() > CHUNK_BYTES {
            self.hand_over()?;
        }
        self.chunk.push_str(text);
        Ok(())
    }
}
