//! `profiler top`: processes that run already, or all that a daemon watches, shown live in a terminal until the user
//! has seen enough. Nothing is done to them.

use crate::files::messages;
use crate::files::output::{Kept, Output, Wanted};
use crate::files::subject::Subject;
use crate::kernel::requirements;
use crate::recorder::{self, attachment::Attachment};
use crate::report::{self, printable};
use crate::settings::Destination;
use crate::settings::top::{DaemonView, ProcessView, Top};
use crate::target::select::{self, Process};
use crate::target::user::Invoker;
use crate::target::visible;
use crate::top::app::{App, Recorder};
use crate::top::draw::Palette;
use crate::top::feed::{Feed, Frame};
use crate::top::live::Live;
use crate::top::model::Model;
use crate::top::remote::Remote;
use crate::top::{run as view, screen};
use anyhow::{Result, bail};
use model::losses::Loss;
use model::profile::Profile;
use model::profile::units::Nanos;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};

/// Shows.
///
/// # Errors
/// If there is no terminal; the machine can't be profiled, or no process can be attached to; or the daemon can't be reached,
/// refuses, or ends.
pub fn top(asked: Top) -> Result<()> {
    match asked {
        Top::Daemon(asked) => of_daemon(asked),
        Top::Processes(asked) => of_processes(asked),
    }
}

/// The view of a daemon.
fn of_daemon(asked: DaemonView) -> Result<()> {
    screen::check("`profiler ctl snapshot` says what was added without one")?;
    let DaemonView { socket, selector, refresh } = asked;
    let whom = match &selector {
        Some(label) => format!("daemon, selector {}", printable(label)),
        None => "daemon, all selectors".to_owned(),
    };
    let (mut remote, first) = Remote::begin(&socket, selector)?;
    let mut app = App::new(whom, Recorder::Daemon, refresh, Model::new(first.until, []));
    app.take(first);
    let runtime = recorder::runtime()?;
    let _entered = runtime.enter();
    runtime.block_on(view::run(&mut app, &mut remote, palette()))
}

fn palette() -> Palette {
    Palette { colour: report::Style::for_stdout().colour }
}

/// Attaches, shows, and detaches again.
fn of_processes(asked: ProcessView) -> Result<()> {
    screen::check("`profiler attach --interval 1s` records the same without one")?;
    if asked.destination.path.as_deref() == Some(Path::new("-")) {
        bail!("--output - is the terminal that the view is on; name a file");
    }
    let owner = Invoker::detect()?;
    visible::show_all();
    let processes = select::choose(&asked.selector)?;
    let subject = Subject::of_processes(&asked.selector, &processes);
    requirements::check(&asked.settings)?;
    let runtime = recorder::runtime()?;
    let _entered = runtime.enter();
    if let Some(note) = select::note(&asked.selector) {
        messages::tell(&printable(&note));
    }
    let attachment = Attachment::begin(&asked.settings, &asked.selector, processes, false)?;
    let begun = attachment.started_ns();
    let whom = printable(&attachment.attached.describe()).replace('\u{a0}', " ");
    let names = attachment.processes.iter().map(|process| (process.pid, process.name.clone()));
    let mut app = App::new(whom, Recorder::Own, asked.refresh, Model::new(begun, names));
    let mut watched =
        Watched::new(attachment, begun, asked.keep, Place::of(asked.destination, subject), owner);
    runtime.block_on(view::run(&mut app, &mut watched, palette()))
}

/// The file of a profile.
struct Place {
    path: PathBuf,
    force: bool,
    /// Only a profile of the same is replaced.
    subject: Subject,
}

impl Place {
    fn of(Destination { path, force }: Destination, subject: Subject) -> Self {
        Self { path: path.unwrap_or_else(|| subject.default_path(force)), force, subject }
    }
}

/// The feed of the view: a recording, or the profile that it ended as.
struct Watched {
    state: State,
    live: Live,
    /// Those of the chosen processes that are not known to have ended.
    living: Vec<Process>,
    place: Place,
    owner: Option<Invoker>,
}

enum State {
    Recording(Box<Attachment>),
    Ended(Box<Profile>),
    /// Its records could not be read.
    Lost,
}

impl Watched {
    fn new(attachment: Attachment, begun: Nanos, keep: u64, place: Place, owner: Option<Invoker>) -> Self {
        let living = attachment.processes.clone();
        let state = State::Recording(Box::new(attachment));
        Self { state, live: Live::new(begun, keep), living, place, owner }
    }

    fn attachment(&mut self) -> Result<&mut Attachment> {
        match &mut self.state {
            State::Recording(attachment) => Ok(attachment),
            State::Ended(_) | State::Lost => bail!("the recording has ended"),
        }
    }

    /// Looks at the first that may live, so that many processes cost no more than one.
    fn lives(&mut self) -> bool {
        while self.living.first().is_some_and(|process| !process.lives()) {
            self.living.remove(0);
        }
        !self.living.is_empty()
    }

    fn check_kept(&self) -> Result<()> {
        let ended = self.live.ended();
        if !ended.kept {
            bail!(
                "raise --keep: {} have ended, so many that no record of them is kept, and no profile would be complete",
                report::counted(ended.threads, "thread")
            );
        }
        Ok(())
    }

    fn prepare(&self) -> Result<Output> {
        let Place { path, force, subject } = &self.place;
        Output::prepare(Wanted { path, flag: "--output", force: *force }, subject, self.owner.as_ref())
    }
}

impl Feed for Watched {
    fn refresh(&mut self) -> Result<Option<Frame>> {
        let lives = self.lives();
        let State::Recording(attachment) = &mut self.state else { bail!("the recording has ended") };
        let mut frame = self.live.refresh(attachment.recording())?;
        let lost = attachment.session().lost()?;
        frame.standing.lives = lives;
        frame.standing.lost = lost.with(&Loss::OF_RECORDS, &frame.standing.lost);
        Ok(Some(frame))
    }

    fn collect(&mut self) -> Result<Option<Frame>> {
        self.attachment()?.recording().collect()?;
        Ok(None)
    }

    fn urgent(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            State::Recording(attachment) => Some(attachment.session().as_fd()),
            State::Ended(_) | State::Lost => None,
        }
    }

    fn save_question(&self) -> Result<String> {
        let path = self.place.path.display();
        match &self.state {
            State::Recording(_) => {
                self.check_kept()?;
                Ok(format!("end the recording and save it? y: yes, other keys: no ({path})"))
            }
            State::Ended(_) => Ok(format!("save it again? y: yes, other keys: no ({path})")),
            State::Lost => bail!("nothing is left of the recording"),
        }
    }

    fn save(&mut self) -> Result<String> {
        let output = self.prepare()?;
        let profile = match std::mem::replace(&mut self.state, State::Lost) {
            State::Recording(attachment) => {
                // More may have ended since the question.
                if let Err(error) = self.check_kept() {
                    self.state = State::Recording(attachment);
                    return Err(error);
                }
                Box::new(attachment.finish()?)
            }
            State::Ended(profile) => profile,
            State::Lost => bail!("nothing is left of the recording"),
        };
        let kept = output.write(&profile, self.owner.as_ref());
        let verdict = report::verdict(&profile);
        self.state = State::Ended(profile);
        match kept? {
            Kept::InPlace(path) => Ok(format!("saved {}: {verdict}", path.display())),
            Kept::Stdout => Ok(format!("saved: {verdict}")),
            Kept::Elsewhere { place, reason } => {
                Err(reason.context(format!("the profile is kept in {place} instead")))
            }
        }
    }

    fn has_ended(&self) -> bool {
        !matches!(self.state, State::Recording(_))
    }
}
