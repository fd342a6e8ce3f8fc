//! What an installation would do, and doing it.

use std::collections::BTreeMap;

use super::client::{Client, Start};
use super::own_command::OwnCommand;
use super::piece::{Piece, Site};
use super::place::{program, resolve};
use super::texts::{Change, InstallError, Texts, keep, kept};
use crate::config::Environment;

/// Something that is to be installed, whatever the client.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Words that start this program.
    pub(crate) start: Start,
    /// Pieces that are wanted.
    pub(crate) pieces: Vec<Piece>,
}

impl Request {
    fn site<'a>(&'a self, client: &'a Client, environment: &'a Environment) -> Site<'a> {
        Site {
            client,
            start: &self.start,
            environment,
            has_hooks: self.pieces.contains(&Piece::Hooks),
        }
    }
}

/// State of a piece on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The client has no place for it.
    NoPlace,
    /// It is not there.
    Absent,
    /// It is there, in another form than this program would write.
    Outdated,
    /// It is there.
    Present,
}

impl State {
    /// Returns the name for people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NoPlace => "-",
            Self::Absent => "no",
            Self::Outdated => "outdated",
            Self::Present => "yes",
        }
    }
}

/// State of a client on this machine.
#[derive(Debug)]
pub(crate) struct Survey {
    /// True if there are signs of the client.
    pub(crate) is_found: bool,
    /// Each piece with its state.
    pub(crate) pieces: Vec<(Piece, State)>,
}

/// Changes that install into a client, or remove from it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Command of the client that runs first; of one that ran and did not do it, nothing is said.
    pub(crate) command: Option<OwnCommand>,
    /// Files that change.
    pub(crate) changes: Vec<Change>,
}

/// Looks for a client and what is installed in it.
pub(crate) fn survey(
    client: &Client,
    request: &Request,
    environment: &Environment,
) -> Result<Survey, InstallError> {
    let has_sign = |place: &String| resolve(place, environment).is_some_and(|path| path.exists());
    let has_program = |name: &String| program(name, environment).is_some();
    let is_found = client.signs.iter().any(has_sign) || client.programs.iter().any(has_program);
    let site = request.site(client, environment);
    let state = |piece| state(&site, piece).map(|state| (piece, state));
    Ok(Survey { is_found, pieces: Piece::ALL.into_iter().map(state).collect::<Result<_, _>>()? })
}

fn state(site: &Site<'_>, piece: Piece) -> Result<State, InstallError> {
    if !site.takes(piece) {
        return Ok(State::NoPlace);
    }
    let (mut with, mut without) = (Texts::default(), Texts::default());
    site.put(piece, &mut with)?;
    site.take(piece, &mut without)?;
    Ok(match (with.changes().is_empty(), without.changes().is_empty()) {
        (true, _) => State::Present,
        (false, true) => State::Absent,
        (false, false) => State::Outdated,
    })
}

/// Plans an installation; with `is_real` the client's own command runs, and the files are changed.
pub(crate) fn install(
    client: &Client,
    request: &Request,
    environment: &Environment,
    is_real: bool,
) -> Result<Plan, InstallError> {
    let site = request.site(client, environment);
    let wants = |piece| request.pieces.contains(&piece);
    // First all that may be refused, so that nothing is done by half.
    let full = planned(&site, &request.pieces)?;
    let mut command = None;
    if wants(Piece::Server) && state(&site, Piece::Server)? == State::Absent {
        let name = site.server_name(&mut Texts::default())?;
        let words = client.server.add.as_ref();
        command = OwnCommand::find(client, words, site.start, &name, environment);
    }
    let Some(own) = &command else { return carried_out(None, full, is_real) };
    if is_real {
        keep(&site.server_file()?)?;
        own.run();
        // Where the command did not do it, the server is one of these changes.
        let is_done = state(&site, Piece::Server)? == State::Present;
        return carried_out(command.filter(|_| is_done), planned(&site, &request.pieces)?, true);
    }
    let others: Vec<Piece> =
        request.pieces.iter().copied().filter(|piece| *piece != Piece::Server).collect();
    carried_out(command, planned(&site, &others)?, false)
}

/// Plans a removal; with `is_real` it is done.
pub(crate) fn uninstall(
    client: &Client,
    request: &Request,
    environment: &Environment,
    is_real: bool,
) -> Result<Plan, InstallError> {
    let site = request.site(client, environment);
    let full = removal(&site, request)?;
    let mut command = None;
    let server = state(&site, Piece::Server)?;
    let is_whole = full.iter().all(|change| change.after.is_none() || change.is_restored);
    if [State::Present, State::Outdated].contains(&server) && !is_whole {
        let name = site.server_name(&mut Texts::default())?;
        let words = client.server.remove.as_ref();
        command = OwnCommand::find(client, words, site.start, &name, environment);
    }
    match (&command, is_real) {
        (Some(own), true) => {
            own.run();
            let is_done = state(&site, Piece::Server)? == State::Absent;
            carried_out(command.filter(|_| is_done), removal(&site, request)?, true)
        }
        _ => carried_out(command, full, is_real),
    }
}

fn carried_out(
    command: Option<OwnCommand>,
    changes: Vec<Change>,
    is_real: bool,
) -> Result<Plan, InstallError> {
    if is_real {
        changes.iter().try_for_each(Change::write)?;
    }
    Ok(Plan { command, changes })
}

fn planned(site: &Site<'_>, pieces: &[Piece]) -> Result<Vec<Change>, InstallError> {
    let mut texts = Texts::default();
    pieces.iter().try_for_each(|piece| site.put(*piece, &mut texts))?;
    Ok(texts.changes())
}

/// Plans the removal of every piece. A file that is just what an installation made of its kept
/// copy, or of nothing, becomes that again, byte for byte.
fn removal(site: &Site<'_>, request: &Request) -> Result<Vec<Change>, InstallError> {
    let mut texts = Texts::default();
    Piece::ALL.into_iter().try_for_each(|piece| site.take(piece, &mut texts))?;
    let mut changes = texts.changes();
    let mut origins = BTreeMap::new();
    for change in &changes {
        origins.insert(change.path.clone(), kept(&change.path)?);
    }
    let mut again = Texts::pretending(origins.clone());
    // What cannot be installed once more is only taken out.
    if request.pieces.iter().try_for_each(|piece| site.put(*piece, &mut again)).is_err() {
        return Ok(changes);
    }
    for change in &mut changes {
        if again.get(&change.path)? == change.before
            && let Some(origin) = origins.remove(&change.path)
        {
            change.is_restored = origin.is_some();
            change.after = origin;
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests;
