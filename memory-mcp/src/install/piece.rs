//! The pieces of an installation: server, hooks, files of our own, instruction.
//!
//! Each is put into the files of a client or taken out of them, in memory.

use std::path::{Path, PathBuf};

use super::client::{Client, Hooks, OwnFiles, OwnText, Start};
use super::document::{value_at, with_entry, without_ours};
use super::entry::{Entry, Format, Unfit};
use super::instruction;
use super::jsonc::Json;
use super::ours::{PROGRAM, SERVER_NAMES, is_ours};
use super::place::{choose, resolve};
use super::texts::{InstallError, Texts};
use crate::config::Environment;

/// Name under which clients keep their hooks.
const HOOKS: &str = "hooks";

/// The plugin for OpenCode, in which the words of the program are filled in.
const OPENCODE_PLUGIN: &str = include_str!("opencode.js");

/// One piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The entry of the MCP server.
    Server,
    /// Entries that start us at events, or a plugin or scripts that do.
    Hooks,
    /// Two lines that say which memory is for what.
    Instruction,
}

impl Piece {
    /// All of them, in the order in which they are put.
    pub(crate) const ALL: [Self; 3] = [Self::Server, Self::Hooks, Self::Instruction];

    /// Returns the name for people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Hooks => "hooks",
            Self::Instruction => "instruction",
        }
    }
}

/// Installation of one client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) client: &'a Client,
    pub(super) start: &'a Start,
    pub(super) environment: &'a Environment,
    /// True if hooks are wanted.
    pub(super) has_hooks: bool,
}

impl Site<'_> {
    /// Returns whether the client has a place for the piece.
    pub(super) fn takes(&self, piece: Piece) -> bool {
        match piece {
            Piece::Server => true,
            Piece::Hooks => self.client.hooks.is_some() || self.client.own_files.is_some(),
            Piece::Instruction => self.client.instruction.is_some(),
        }
    }

    /// Puts a piece into the files.
    pub(super) fn put(&self, piece: Piece, texts: &mut Texts) -> Result<(), InstallError> {
        match piece {
            Piece::Server => self.put_server(texts),
            Piece::Hooks => match (&self.client.hooks, &self.client.own_files) {
                (Some(hooks), _) => self.put_hooks(hooks, texts),
                (None, Some(files)) => self.put_own_files(files, texts),
                (None, None) => Ok(()),
            },
            Piece::Instruction => self.put_instruction(texts),
        }
    }

    /// Takes a piece out of the files.
    pub(super) fn take(&self, piece: Piece, texts: &mut Texts) -> Result<(), InstallError> {
        match piece {
            Piece::Server => {
                let (path, names) = (self.server_file()?, self.server_path());
                take_entries(&path, &names, texts)
            }
            Piece::Hooks => match (&self.client.hooks, &self.client.own_files) {
                (Some(hooks), _) => {
                    let mut paths = vec![self.choose(&hooks.places)?];
                    paths.extend(hooks.rather.iter().filter_map(|p| resolve(p, self.environment)));
                    paths.iter().try_for_each(|path| take_entries(path, &[HOOKS], texts))
                }
                (None, Some(files)) => self.own_paths(files)?.into_iter().try_for_each(|path| {
                    let is_made = texts.get(&path)?.is_some_and(|text| is_made_here(&text));
                    if is_made { texts.set(&path, None, false) } else { Ok(()) }
                }),
                (None, None) => Ok(()),
            },
            Piece::Instruction => {
                let Some(given) = &self.client.instruction else { return Ok(()) };
                let path = self.choose(&given.places)?;
                let Some(text) = texts.get(&path)? else { return Ok(()) };
                let left = instruction::without_lines(&text);
                let is_emptied = left != text
                    && given.head.as_ref().is_some_and(|head| left.trim() == head.trim());
                texts.set(&path, (!is_emptied).then_some(left), false)
            }
        }
    }

    /// Returns the file of the client's servers.
    pub(super) fn server_file(&self) -> Result<PathBuf, InstallError> {
        self.choose(&self.client.server.places)
    }

    fn server_path(&self) -> Vec<&str> {
        self.client.server.path.iter().map(String::as_str).collect()
    }

    fn choose(&self, places: &[String]) -> Result<PathBuf, InstallError> {
        choose(places, self.environment)
            .ok_or_else(|| InstallError::Nowhere(self.client.title.clone()))
    }

    /// Returns the name of our server: the one that it has, else the first that is free.
    pub(super) fn server_name(&self, texts: &mut Texts) -> Result<String, InstallError> {
        let path = self.server_file()?;
        let text = texts.get(&path)?.unwrap_or_default();
        let servers = value_at(format_of(&path), &text, &self.server_path());
        let servers = servers.map_err(InstallError::unfit(&path))?;
        let servers = servers.unwrap_or(Json::Object(Vec::new()));
        if let Json::Object(members) = &servers
            && let Some((name, _)) = members.iter().find(|(_, server)| is_ours(server))
        {
            return Ok(name.clone());
        }
        let free = SERVER_NAMES.into_iter().find(|name| servers.member(name).is_none());
        let [.., last] = SERVER_NAMES;
        let taken = || InstallError::unfit(&path)(Unfit::Taken(last.to_owned()));
        free.map(str::to_owned).ok_or_else(taken)
    }

    fn filled(&self, template: &str, name: &str, hint: &str) -> Result<Json, InstallError> {
        let filled = self.start.fill(template, name, hint);
        filled.ok_or_else(|| InstallError::Table(self.client.name.clone()))
    }

    fn put_server(&self, texts: &mut Texts) -> Result<(), InstallError> {
        let (path, name) = (self.server_file()?, self.server_name(texts)?);
        let value = self.filled(&self.client.server.entry, &name, "")?;
        put_entries(&path, &self.server_path(), &[Entry::Member(name, value)], texts)
    }

    fn put_hooks(&self, hooks: &Hooks, texts: &mut Texts) -> Result<(), InstallError> {
        let mut path = self.choose(&hooks.places)?;
        if let Some(rather) = hooks.rather.as_ref().and_then(|p| resolve(p, self.environment))
            && holds_hooks(&rather, texts)?
            && !path.exists()
        {
            path = rather;
        }
        if let Some(base) = &hooks.base
            && let Json::Object(members) = self.filled(base, "", "")?
        {
            let base: Vec<Entry> =
                members.into_iter().map(|(name, value)| Entry::Default(name, value)).collect();
            put_entries(&path, &[], &base, texts)?;
        }
        let name = self.server_name(texts)?;
        let mut entries = Vec::new();
        for event in &hooks.events {
            let template = &hooks.entry;
            entries.push(Entry::Element(event.clone(), self.filled(template, &name, &hooks.hint)?));
        }
        if let Some(template) = &hooks.short_entry {
            for event in &hooks.short_events {
                let value = self.filled(template, &name, &hooks.hint)?;
                entries.push(Entry::Element(event.clone(), value));
            }
        }
        put_entries(&path, &[HOOKS], &entries, texts)
    }

    fn own_paths(&self, files: &OwnFiles) -> Result<Vec<PathBuf>, InstallError> {
        let folder = resolve(&files.folder, self.environment)
            .ok_or_else(|| InstallError::Nowhere(self.client.title.clone()))?;
        Ok(files.names.iter().map(|name| folder.join(name)).collect())
    }

    fn put_own_files(&self, files: &OwnFiles, texts: &mut Texts) -> Result<(), InstallError> {
        let line = self.start.hook(&files.hint);
        let text = match files.text {
            OwnText::Opencode => OPENCODE_PLUGIN.replace("\"{words}\"", &self.start.js_words()),
            OwnText::Shell => format!("#!/bin/sh\n# Made by {PROGRAM} install.\nexec {line}\n"),
        };
        for path in self.own_paths(files)? {
            if texts.get(&path)?.is_some_and(|present| !is_made_here(&present)) {
                return Err(InstallError::Foreign { path, line });
            }
            texts.set(&path, Some(text.clone()), files.executable)?;
        }
        Ok(())
    }

    fn put_instruction(&self, texts: &mut Texts) -> Result<(), InstallError> {
        let Some(given) = &self.client.instruction else { return Ok(()) };
        let (path, name) = (self.choose(&given.places)?, self.server_name(texts)?);
        let lines = instruction::lines(&name, self.has_hooks && self.takes(Piece::Hooks));
        let text = texts.get(&path)?;
        let text = text.or_else(|| given.head.clone()).unwrap_or_default();
        texts.set(&path, Some(instruction::with_lines(&text, &lines)), false)
    }
}

fn is_made_here(text: &str) -> bool {
    text.contains("Made by memory-mcp install")
}

fn format_of(path: &Path) -> Format {
    if path.extension().is_some_and(|e| e == "toml") { Format::Toml } else { Format::Json }
}

/// Returns whether a settings file holds hooks in lists by event.
fn holds_hooks(path: &Path, texts: &mut Texts) -> Result<bool, InstallError> {
    let text = texts.get(path)?.unwrap_or_default();
    let hooks = value_at(format_of(path), &text, &[HOOKS]).map_err(InstallError::unfit(path))?;
    let Some(Json::Object(members)) = hooks else { return Ok(false) };
    Ok(members.iter().any(|(_, value)| !value.elements().is_empty()))
}

fn put_entries(
    path: &Path,
    names: &[&str],
    entries: &[Entry],
    texts: &mut Texts,
) -> Result<(), InstallError> {
    let mut text = texts.get(path)?.unwrap_or_default();
    for entry in entries {
        text =
            with_entry(format_of(path), &text, names, entry).map_err(InstallError::unfit(path))?;
    }
    texts.set(path, Some(text), false)
}

fn take_entries(path: &Path, names: &[&str], texts: &mut Texts) -> Result<(), InstallError> {
    let Some(text) = texts.get(path)? else { return Ok(()) };
    let left = without_ours(format_of(path), &text, names).map_err(InstallError::unfit(path))?;
    texts.set(path, Some(left), false)
}
