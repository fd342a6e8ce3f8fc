//! Settings, each with its value and the origin of that.
//!
//! Flag, then environment, then `config.toml`, then default. Used by `main` and the command line.
//! Limits: knows neither the storage nor the commands; nothing else reads the environment or
//! settings files.

mod exchange;
mod keys;
mod platform;
mod project;
mod remote;
mod value;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use memory_core::{Config, Retention, Scope};
use memory_storage_turso::Options;

pub(crate) use exchange::Remote;
use exchange::{ExchangeSettings, TOKEN_VARIABLE};
pub(crate) use keys::{BackendChoice, EmbedderChoice, LogLevel};
use keys::{KEYS, Key};
use platform::Platform;
pub(crate) use project::GitSettings;
#[cfg(feature = "http")]
pub(crate) use remote::Target;
use remote::{KEY_VARIABLE, RemoteSettings};
pub(crate) use remote::{Secret, Service};
use value::Raw;

/// Prefix of all our variables.
const PREFIX: &str = "MEMORY_MCP_";

/// Variable that names the settings file; no key, not a key, since the file cannot name itself.
const CONFIG_VARIABLE: &str = "MEMORY_MCP_CONFIG";

/// Variables that are no keys: one that names the file, and secrets.
const UNLISTED: [&str; 3] = [CONFIG_VARIABLE, KEY_VARIABLE, TOKEN_VARIABLE];

/// Flags that every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Flags {
    /// File of the store
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) store: Option<PathBuf>,
    /// Project that is meant; `*` for all of them
    #[arg(long, global = true)]
    pub(crate) scope: Option<String>,
    /// Folder of the project that is meant, in place of the working folder
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Least severe of what is logged: off, error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// Settings file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Any setting, by its name in `memory-mcp config`
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}

/// Environment of the process, as plain data so that tests need no process of their own.
#[derive(Clone)]
pub(crate) struct Environment {
    vars: BTreeMap<String, OsString>,
    working_dir: PathBuf,
    platform: Platform,
}

impl fmt::Debug for Environment {
    /// Leaves the variables out: one of them may be the key of a provider.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("working_dir", &self.working_dir)
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// Reads the environment of this process.
    pub(crate) fn of_process() -> Self {
        let vars = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        let working_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        Self { vars, working_dir, platform: Platform::CURRENT }
    }

    /// Returns an environment with these variables alone, for tests.
    #[cfg(test)]
    pub(crate) fn of(vars: &[(&str, &str)]) -> Self {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        Self { vars, working_dir: PathBuf::from("/"), platform: Platform::Xdg }
    }

    /// Returns the value of a variable that is set and not empty, as a path.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.vars.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// Returns the user's home folder.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.path("HOME").or_else(|| self.path("USERPROFILE")).filter(|path| path.is_absolute())
    }

    /// Returns the platform's folder for settings.
    pub(crate) fn config_dir(&self) -> Option<PathBuf> {
        self.platform.config_dir(|name| self.path(name))
    }

    /// Returns the path of this program: as it is found by its name where that is the same file,
    /// since such a path outlives an upgrade.
    pub(crate) fn this_program(&self) -> Option<PathBuf> {
        let own = std::env::current_exe().ok()?;
        let name = own.file_name()?.to_owned();
        let resolved = own.canonicalize().unwrap_or_else(|_| own.clone());
        let mut named = self.program_folders().into_iter().map(|folder| folder.join(&name));
        let same = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == resolved);
        Some(named.find(same).unwrap_or(own))
    }

    /// Returns the folders in which programs are looked for.
    pub(crate) fn program_folders(&self) -> Vec<PathBuf> {
        let path = self.vars.get("PATH").map(std::env::split_paths);
        path.into_iter().flatten().filter(|folder| folder.is_absolute()).collect()
    }

    /// The secret in a variable.
    fn secret(&self, variable: &str) -> Result<Option<Secret>, BadSetting> {
        let value = self.vars.get(variable).filter(|value| !value.is_empty());
        value.map(|value| Secret::named(variable, value)).transpose().map_err(BadSetting)
    }

    /// No exchange, with what the environment tells about the user.
    fn exchange(&self) -> Result<ExchangeSettings, BadSetting> {
        let token = self.secret(TOKEN_VARIABLE)?;
        Ok(ExchangeSettings::none(token, |name| self.vars.get(name)?.to_str()))
    }
}

/// Origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Built in, or worked out from where the program runs.
    Default,
    /// The settings file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A setting that makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadSetting(String);

/// One setting as `memory-mcp config` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) key: &'static str,
    /// Its value, as text; empty when nothing is set.
    pub(crate) value: String,
    /// Origin of the value.
    pub(crate) origin: Origin,
    /// Its purpose.
    pub(crate) about: &'static str,
}

/// What hooks do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HookSettings {
    /// True when they record what a client does.
    pub(crate) capture: bool,
    /// True when they say something at the start of a session and at a prompt.
    pub(crate) briefings: bool,
    /// True when they say something at a failed and before a risky call.
    pub(crate) moments: bool,
}

/// The settings in force.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// File of the store.
    pub(crate) store: PathBuf,
    /// Kind of the store.
    pub(crate) backend: BackendChoice,
    /// The default scope, if one was set; see [`crate::scope::own`].
    pub(crate) scope: Option<String>,
    /// Least severe of what is logged.
    pub(crate) log_level: LogLevel,
    /// True when each line of the log is a JSON object.
    pub(crate) log_json: bool,
    /// True when answers of tools hold data for programs beside the text.
    pub(crate) structured_answers: bool,
    /// Embedder that makes vectors of texts.
    pub(crate) embedder: EmbedderChoice,
    /// The provider, if one is to be asked.
    pub(crate) remote: RemoteSettings,
    /// What is exchanged with other machines.
    pub(crate) exchange: ExchangeSettings,
    /// Options with which the store is opened.
    pub(crate) storage: Options,
    /// Limits and constants of the engine.
    pub(crate) engine: Config,
    /// What hooks do.
    pub(crate) hooks: HookSettings,
    /// Rules of `forget --policy` for a user who names none.
    pub(crate) retention: Retention,
    /// Folder in which the program runs.
    pub(crate) working_dir: PathBuf,
    /// The folder of the project, if it was named.
    pub(crate) project: Option<PathBuf>,
    /// Folders that the client names as that of the project.
    pub(crate) client_folders: Vec<PathBuf>,
    /// Source of git's own settings.
    pub(crate) git: GitSettings,
    /// Environment of the process, for what looks beyond the settings.
    pub(crate) environment: Environment,
    /// The settings file that was read, or would be if it existed.
    pub(crate) file: Option<PathBuf>,
    /// Warnings about settings that are odd but harmless.
    pub(crate) warnings: Vec<String>,
    origins: BTreeMap<&'static str, Origin>,
}

impl Settings {
    /// Puts flags, environment, settings file and defaults together.
    pub(crate) fn load(flags: &Flags, environment: &Environment) -> Result<Self, BadSetting> {
        let file = Self::file(flags, environment);
        let from_file = match &file {
            Some((path, named)) => read_file(path, *named)?,
            None => toml::Table::new(),
        };
        let file = file.map(|(path, _)| path);
        let mut layers: Vec<(&'static Key, Raw, Origin)> = Vec::new();
        for (name, value) in from_file {
            let path = file.clone().unwrap_or_default();
            let key = known(&name, &path.display().to_string())?;
            layers.push((key, Raw::Toml(value), Origin::File(path)));
        }
        let mut warnings = Vec::new();
        for (name, value) in environment.vars.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            let key = name.strip_prefix(PREFIX).unwrap_or_default().to_ascii_lowercase();
            match Key::find(&key) {
                // An empty variable is how shells and IDEs say "not set".
                Some(_) if value.is_empty() => {}
                Some(key) => {
                    layers.push((key, Raw::Text(value.clone()), Origin::Variable(name.clone())));
                }
                None if UNLISTED.contains(&name.as_str()) => {}
                None => warnings.push(unknown(name, "the environment", PREFIX)),
            }
        }
        layers.extend(flag_layer(flags)?);

        let mut settings = Self {
            store: PathBuf::new(),
            backend: BackendChoice::Libsql,
            scope: None,
            log_level: LogLevel::Warn,
            log_json: false,
            structured_answers: false,
            embedder: EmbedderChoice::MiniLm,
            remote: RemoteSettings {
                key: environment.secret(KEY_VARIABLE)?,
                ..RemoteSettings::default()
            },
            exchange: environment.exchange()?,
            storage: Options::default(),
            engine: Config::default(),
            hooks: HookSettings { capture: true, briefings: true, moments: true },
            retention: Retention::default(),
            working_dir: environment.working_dir.clone(),
            project: project_folder(flags, environment)?,
            client_folders: project::client_folders(|name| environment.path(name)),
            git: GitSettings::new(environment.platform, |name| environment.path(name)),
            environment: environment.clone(),
            file,
            warnings,
            origins: BTreeMap::new(),
        };
        for (key, raw, origin) in layers {
            (key.set)(&mut settings, raw)
                .map_err(|expected| BadSetting(format!("`{}` ({origin}) {expected}", key.name)))?;
            settings.origins.insert(key.name, origin);
        }
        settings.finish(environment)
    }

    /// Fills in what depends on the platform and checks what depends on each other.
    fn finish(mut self, environment: &Environment) -> Result<Self, BadSetting> {
        if self.store.as_os_str().is_empty() {
            let folder = environment.platform.data_dir(|name| environment.path(name));
            let Some(folder) = folder else {
                return Err(BadSetting(
                    "cannot tell where to keep the store, there is no home folder: pass --store \
                     PATH or set MEMORY_MCP_STORE"
                        .to_owned(),
                ));
            };
            self.store = folder.join("memory-mcp").join(self.backend.file_name());
        }
        if let Some(scope) = self.scope.as_deref().filter(|scope| *scope != "*") {
            Scope::new(scope).map_err(|error| self.blame("scope", &error.into()))?;
        }
        if let Err(error) = self.engine.validate() {
            let field = match &error {
                memory_core::Error::Invalid { field, .. } => field,
                _ => "engine",
            };
            return Err(self.blame(field, &error));
        }
        self.check_backend()?;
        self.check_embedder()?;
        Ok(self)
    }

    /// Settings of one backend mean nothing to the other.
    fn check_backend(&self) -> Result<(), BadSetting> {
        if self.backend == BackendChoice::Redb && self.storage.max_bytes.is_some() {
            return Err(BadSetting(format!(
                "`max_store_bytes` ({}) bounds a store of the backend libsql alone: unset it, or \
                 set `backend` to libsql",
                self.origin("max_store_bytes")
            )));
        }
        Ok(())
    }

    /// A provider must be told what it is to do.
    fn check_embedder(&mut self) -> Result<(), BadSetting> {
        let EmbedderChoice::Remote(service) = self.embedder else {
            return Ok(());
        };
        let (name, origin) = (service.name(), self.origin("embedder"));
        if let Err((key, what)) = self.remote.target(service) {
            return Err(BadSetting(format!(
                "`{key}` is not set, which `embedder` {name} ({origin}) needs: set it to {what}, \
                 or \
                 set `embedder` to minilm"
            )));
        }
        if self.remote.lacks_key(service) {
            self.warnings.push(format!(
                "`embedder` is {name} ({origin}), but ${KEY_VARIABLE} is not set: requests without \
                 a key are refused"
            ));
        }
        Ok(())
    }

    fn blame(&self, key: &str, error: &memory_core::Error) -> BadSetting {
        BadSetting(format!("{error} ({})", self.origin(key)))
    }

    /// Returns the origin of the value of a setting.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// The scope that was asked for with `--scope`: a condition, unlike the default scope of the
    /// other layers; `None` stands for all scopes.
    pub(crate) fn scope_condition(&self) -> Option<Scope> {
        match (self.origin("scope"), &self.scope) {
            (Origin::Flag(_), Some(scope)) => Scope::new(scope).ok(),
            _ => None,
        }
    }

    /// Every setting with its value and where that came from.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let row = |key: &Key| Row {
            key: key.name,
            value: (key.get)(self),
            origin: self.origin(key.name),
            about: key.about,
        };
        KEYS.iter().map(row).collect()
    }

    /// The settings file, and whether somebody named it.
    fn file(flags: &Flags, environment: &Environment) -> Option<(PathBuf, bool)> {
        let named = flags.config.clone().or_else(|| environment.path(CONFIG_VARIABLE));
        if let Some(path) = named {
            return Some((environment.working_dir.join(path), true));
        }
        let folder = environment.platform.config_dir(|name| environment.path(name))?;
        Some((folder.join("memory-mcp").join("config.toml"), false))
    }
}

/// The flags as settings.
fn flag_layer(flags: &Flags) -> Result<Vec<(&'static Key, Raw, Origin)>, BadSetting> {
    let text = |value: &Option<String>| value.clone().map(OsString::from);
    let own = [
        ("store", "--store", flags.store.clone().map(PathBuf::into_os_string)),
        ("scope", "--scope", text(&flags.scope)),
        ("log_level", "--log-level", text(&flags.log_level)),
    ];
    let mut layer = Vec::new();
    for setting in &flags.settings {
        let Some((name, value)) = setting.split_once('=') else {
            return Err(BadSetting(format!("--set takes KEY=VALUE, not `{setting}`")));
        };
        let key = known(name.trim(), "--set")?;
        layer.push((key, Raw::Text(value.trim().into()), Origin::Flag("--set".to_owned())));
    }
    for (name, flag, value) in own {
        if let (Some(value), Some(key)) = (value, Key::find(name)) {
            layer.push((key, Raw::Text(value), Origin::Flag(flag.to_owned())));
        }
    }
    Ok(layer)
}

/// The folder that `--project` names.
fn project_folder(flags: &Flags, environment: &Environment) -> Result<Option<PathBuf>, BadSetting> {
    let Some(folder) = &flags.project else { return Ok(None) };
    let folder = environment.working_dir.join(folder);
    if !folder.is_dir() {
        return Err(BadSetting(format!("--project {}: there is no such folder", folder.display())));
    }
    Ok(Some(folder))
}

/// Reads the settings file; only one that somebody named must exist.
fn read_file(path: &Path, named: bool) -> Result<toml::Table, BadSetting> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => {
            return Ok(toml::Table::new());
        }
        Err(error) => {
            return Err(BadSetting(format!("{}: {error}; name another file", path.display())));
        }
    };
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| {
            text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
        });
        BadSetting(format!("{}:{line}: {}", path.display(), error.message().replace('\n', "; ")))
    })
}

fn known(name: &str, place: &str) -> Result<&'static Key, BadSetting> {
    if name == "embedder_key" {
        return Err(BadSetting(format!(
            "`{name}` is not taken from {place}: keys are read from ${KEY_VARIABLE} alone"
        )));
    }
    Key::find(name).ok_or_else(|| BadSetting(unknown(name, place, "")))
}

/// Says that there is no such setting, and which one may be meant.
fn unknown(name: &str, place: &str, prefix: &str) -> String {
    let spelled = |key: &Key| {
        if prefix.is_empty() {
            key.name.to_owned()
        } else {
            format!("{prefix}{}", key.name.to_ascii_uppercase())
        }
    };
    let keys =
        KEYS.iter().map(|key| (strsim::normalized_damerau_levenshtein(name, &spelled(key)), key));
    let nearest = keys.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(likeness, _)| *likeness > 0.5);
    let hint = nearest.map_or_else(
        || "`memory-mcp config` lists all settings".to_owned(),
        |(_, key)| format!("did you mean `{}`?", spelled(key)),
    );
    format!("unknown setting `{name}` in {place}: {hint}")
}

#[cfg(test)]
mod tests;
