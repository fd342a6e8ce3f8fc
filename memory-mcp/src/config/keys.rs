//! The table of settings: name, meaning, how a value is read and shown.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::Settings;
use super::exchange::Remote;
use super::remote::{Service, base_url};
use super::value::{Raw, boolean, count, file, is_on, number, text, texts};

/// One setting.
pub(super) struct Key {
    /// Its name in the settings file; in capitals after `MEMORY_MCP_` in the environment.
    pub(super) name: &'static str,
    /// Its purpose.
    pub(super) about: &'static str,
    /// Takes a value, or says what was expected.
    pub(super) set: fn(&mut Settings, Raw) -> Result<(), String>,
    /// Shows the value.
    pub(super) get: fn(&Settings) -> String,
}

impl Key {
    /// The setting of that name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }
}

/// Least severe of what is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// Nothing.
    Off,
    /// Failures.
    Error,
    /// Oddities too.
    Warn,
    /// Events too.
    Info,
    /// Reasons of events too.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    const NAMES: [(&'static str, Self); 6] = [
        ("off", Self::Off),
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

/// Kind of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BackendChoice {
    /// A libsql file that several processes share.
    Libsql,
    /// A redb file that one process owns.
    Redb,
}

impl BackendChoice {
    /// Returns its name in settings and on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Libsql => "libsql",
            Self::Redb => "redb",
        }
    }

    /// Returns the kind of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Libsql, Self::Redb].into_iter().find(|backend| backend.name() == name)
    }

    /// Returns the name of the file of a store that none is set for.
    pub(super) const fn file_name(self) -> &'static str {
        match self {
            Self::Libsql => "memory.db",
            Self::Redb => "memory.redb",
        }
    }
}

/// Embedder that makes vectors of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EmbedderChoice {
    /// The model inside the binary.
    MiniLm,
    /// A packed model in a file.
    File(PathBuf),
    /// Nothing: search by words alone.
    None,
    /// A provider that is asked over HTTP.
    Remote(Service),
}

/// The key of a whole number of the engine, under the name of its field.
macro_rules! engine_count {
    ($field:ident, $about:literal) => {
        Key {
            name: stringify!($field),
            about: $about,
            set: |settings, raw| {
                settings.engine.$field = count(&raw)?;
                Ok(())
            },
            get: |settings| settings.engine.$field.to_string(),
        }
    };
}

/// The key of a duration of the storage, in milliseconds.
macro_rules! storage_ms {
    ($name:literal, $field:ident, $about:literal) => {
        Key {
            name: $name,
            about: $about,
            set: |settings, raw| {
                settings.storage.$field = Duration::from_millis(count(&raw)?);
                Ok(())
            },
            get: |settings| settings.storage.$field.as_millis().to_string(),
        }
    };
}

/// The key of something that is on or off.
macro_rules! switch {
    ($field:ident, $about:literal) => {
        Key {
            name: stringify!($field),
            about: $about,
            set: |settings, raw| {
                settings.hooks.$field = is_on(&raw)?;
                Ok(())
            },
            get: |settings| if settings.hooks.$field { "on" } else { "off" }.to_owned(),
        }
    };
}

/// Every setting, in the order in which they are listed.
pub(super) static KEYS: &[Key] = &[
    Key {
        name: "store",
        about: "file of the store",
        set: |settings, raw| {
            let path = file(raw)?;
            if path.as_os_str().is_empty() {
                return Err("must not be empty".to_owned());
            }
            settings.store = settings.working_dir.join(path);
            Ok(())
        },
        get: |settings| settings.store.display().to_string(),
    },
    Key {
        name: "backend",
        about: "libsql, a store that several windows share, or redb, which one process owns",
        set: |settings, raw| {
            let name = text(&raw)?;
            settings.backend = BackendChoice::from_name(&name)
                .ok_or_else(|| format!("must be libsql or redb, not `{name}`"))?;
            Ok(())
        },
        get: |settings| settings.backend.name().to_owned(),
    },
    Key {
        name: "snapshot_path",
        about: "file in which the search index is kept between starts, instead of one beside \
                the store",
        set: |settings, raw| {
            let path = file(raw)?;
            let is_set = !path.as_os_str().is_empty();
            settings.engine.snapshot_path = is_set.then(|| settings.working_dir.join(path));
            Ok(())
        },
        get: |settings| {
            let path = settings.engine.snapshot_path.as_ref();
            path.map(|path| path.display().to_string()).unwrap_or_default()
        },
    },
    Key {
        name: "scope",
        about: "default project, instead of the repository around the working folder",
        set: |settings, raw| {
            settings.scope = Some(text(&raw)?);
            Ok(())
        },
        get: |settings| settings.scope.clone().unwrap_or_default(),
    },
    Key {
        name: "log_level",
        about: "least severe of what is logged",
        set: |settings, raw| {
            let name = text(&raw)?.to_ascii_lowercase();
            let level = LogLevel::NAMES.iter().find(|(known, _)| *known == name);
            let (_, level) = level.ok_or_else(|| {
                format!("must be off, error, warn, info, debug or trace, not `{name}`")
            })?;
            settings.log_level = *level;
            Ok(())
        },
        get: |settings| {
            let level = LogLevel::NAMES.iter().find(|(_, level)| *level == settings.log_level);
            level.map_or("warn", |(name, _)| name).to_owned()
        },
    },
    Key {
        name: "log_format",
        about: "text, or json for one object per line",
        set: |settings, raw| {
            settings.log_json = match text(&raw)?.as_str() {
                "text" => false,
                "json" => true,
                other => return Err(format!("must be text or json, not `{other}`")),
            };
            Ok(())
        },
        get: |settings| if settings.log_json { "json" } else { "text" }.to_owned(),
    },
    Key {
        name: "structured_answers",
        about: "true: answers of tools hold data for programs too, and tell its schema; models \
                are then given that instead of the text by some clients",
        set: |settings, raw| {
            settings.structured_answers = boolean(&raw)?;
            Ok(())
        },
        get: |settings| settings.structured_answers.to_string(),
    },
    Key {
        name: "embedder",
        about: "minilm for search by meaning too, none for words alone, file:PATH for a packed \
                model, or a provider: openai, ollama, mistral, voyage, cohere",
        set: |settings, raw| {
            settings.embedder = match text(&raw)?.as_str() {
                "minilm" => EmbedderChoice::MiniLm,
                "none" => EmbedderChoice::None,
                other if other.starts_with("file:") => {
                    let path = other.trim_start_matches("file:");
                    if path.is_empty() {
                        return Err("names no file: write file:PATH".to_owned());
                    }
                    EmbedderChoice::File(settings.working_dir.join(path))
                }
                other => {
                    let service = Service::NAMES.iter().find(|(name, _)| *name == other);
                    let (_, service) = service.ok_or_else(|| {
                        format!(
                            "must be minilm, none, file:PATH, openai, ollama, mistral, voyage or \
                             cohere, not `{other}`"
                        )
                    })?;
                    EmbedderChoice::Remote(*service)
                }
            };
            Ok(())
        },
        get: |settings| match &settings.embedder {
            EmbedderChoice::MiniLm => "minilm".to_owned(),
            EmbedderChoice::File(path) => format!("file:{}", path.display()),
            EmbedderChoice::None => "none".to_owned(),
            EmbedderChoice::Remote(service) => service.name().to_owned(),
        },
    },
    Key {
        name: "embedder_url",
        about: "address of the provider up to the version",
        set: |settings, raw| {
            settings.remote.url = Some(base_url(&text(&raw)?)?);
            Ok(())
        },
        get: |settings| settings.remote.url.clone().unwrap_or_default(),
    },
    Key {
        name: "embedder_model",
        about: "the provider's name of the model",
        set: |settings, raw| {
            let model = text(&raw)?;
            if model.is_empty() {
                return Err("must not be empty".to_owned());
            }
            settings.remote.model = Some(model);
            Ok(())
        },
        get: |settings| settings.remote.model.clone().unwrap_or_default(),
    },
    Key {
        name: "embedder_dimension",
        about: "how many numbers the vectors of the provider's model have",
        set: |settings, raw| {
            let dimension = NonZeroUsize::new(count(&raw)?);
            settings.remote.dimension = Some(dimension.ok_or("must be at least 1")?);
            Ok(())
        },
        get: |settings| settings.remote.dimension.map(|n| n.to_string()).unwrap_or_default(),
    },
    storage_ms!("lock_wait_ms", lock_wait, "longest wait for another process that writes"),
    storage_ms!(
        "flush_interval_ms",
        flush_interval,
        "longest time until a logged step also survives a power cut"
    ),
    Key {
        name: "max_store_bytes",
        about: "largest size of the store; 0 for no bound",
        set: |settings, raw| {
            settings.storage.max_bytes = Some(count(&raw)?).filter(|bytes| *bytes > 0);
            Ok(())
        },
        get: |settings| settings.storage.max_bytes.unwrap_or(0).to_string(),
    },
    Key {
        name: "recency_half_life_days",
        about: "how long an old experience keeps half of its recency bonus",
        set: |settings, raw| {
            settings.engine.recency_half_life_days = number(&raw)?;
            Ok(())
        },
        get: |settings| settings.engine.recency_half_life_days.to_string(),
    },
    Key {
        name: "retention",
        about: "what `forget --policy` names: rules what>age with commas between them",
        set: |settings, raw| {
            settings.retention = text(&raw)?.parse().map_err(|error| match error {
                memory_core::Error::Invalid { reason, .. } => reason.into_owned(),
                other => other.to_string(),
            })?;
            Ok(())
        },
        get: |settings| settings.retention.to_string(),
    },
    switch!(capture, "on when hooks record what a client does, off when not"),
    switch!(briefings, "on when hooks speak at the start of a session and at a prompt"),
    switch!(moments, "on when hooks speak at a failed call and before a risky one"),
    Key {
        name: "remote",
        about: "place through which machines exchange records: folder:PATH or a server's address",
        set: |settings, raw| {
            let address = text(&raw)?;
            let remote = Remote::from_text(&address, &settings.working_dir);
            settings.exchange.remote = if address.is_empty() { None } else { Some(remote?) };
            Ok(())
        },
        get: |settings| {
            settings.exchange.remote.as_ref().map(ToString::to_string).unwrap_or_default()
        },
    },
    Key {
        name: "remote_scopes",
        about: "projects that are exchanged, a list; nothing else leaves the store",
        set: |settings, raw| settings.exchange.set_scopes(&texts(&raw)?),
        get: |settings| settings.exchange.shown_scopes(),
    },
    Key {
        name: "remote_token_file",
        about: "file with the token of the server, where it is in no variable",
        set: |settings, raw| {
            let path = file(raw)?;
            let is_set = !path.as_os_str().is_empty();
            settings.exchange.token_file = is_set.then(|| settings.working_dir.join(path));
            Ok(())
        },
        get: |settings| {
            let path = settings.exchange.token_file.as_ref();
            path.map(|path| path.display().to_string()).unwrap_or_default()
        },
    },
    Key {
        name: "author",
        about: "name that others see on what was recorded here",
        set: |settings, raw| {
            let name = text(&raw)?;
            if name.len() > 64 || name.chars().any(char::is_control) {
                return Err("must be at most 64 bytes in one line".to_owned());
            }
            settings.exchange.author = name;
            Ok(())
        },
        get: |settings| settings.exchange.author.clone(),
    },
    Key {
        name: "sync_interval_s",
        about: "seconds between two exchanges of a server; 0 for `sync` alone",
        set: |settings, raw| {
            settings.exchange.interval_s = count(&raw)?;
            Ok(())
        },
        get: |settings| settings.exchange.interval_s.to_string(),
    },
    engine_count!(max_task_bytes, "longest task kept whole"),
    engine_count!(max_args_bytes, "longest arguments of a step kept whole"),
    engine_count!(max_observation_bytes, "longest answer of a tool kept whole"),
    engine_count!(max_note_bytes, "longest note, summary, reflection or error kept whole"),
    engine_count!(max_steps, "most steps of one episode"),
    engine_count!(max_labels, "most tags, artifacts or lessons of one record"),
    engine_count!(default_limit, "hits of a recall that names no limit"),
    engine_count!(max_limit, "most hits of one recall"),
    engine_count!(default_max_tokens, "size of a recall's answer that names no max_tokens"),
    engine_count!(index_wait_ms, "how long a query waits for the index that is being loaded"),
    engine_count!(cache_bytes, "memory for answers that are kept to be given again; 0 keeps none"),
    engine_count!(cache_age_ms, "how long an answer is kept while nothing is written"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_engine_has_a_key() {
        // A field that core adds breaks this pattern, which is the reminder to list it here.
        let memory_core::Config {
            max_task_bytes: _,
            max_args_bytes: _,
            max_observation_bytes: _,
            max_note_bytes: _,
            max_steps: _,
            max_labels: _,
            default_limit: _,
            max_limit: _,
            default_max_tokens: _,
            recency_half_life_days: _,
            index_wait_ms: _,
            cache_bytes: _,
            cache_age_ms: _,
            snapshot_path: _,
        } = memory_core::Config::default();
        assert_eq!(KEYS.len(), 7 + 3 + 3 + 1 + 14 + 3 + 5);
    }

    #[test]
    fn every_key_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), KEYS.len());
    }
}
