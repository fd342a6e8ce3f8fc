//! Settings of embedders that ask a provider, and the key that is never shown.

use std::ffi::OsStr;
use std::fmt;
use std::num::NonZeroUsize;

/// Variable with the key of the provider; it is not a setting, so that it lies in no file and no
/// list of processes.
pub(super) const KEY_VARIABLE: &str = "MEMORY_MCP_EMBEDDER_KEY";

/// A kind of provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// `OpenAI` and what speaks like it.
    OpenAi,
    /// Ollama.
    Ollama,
    /// Mistral.
    Mistral,
    /// Voyage AI.
    Voyage,
    /// Cohere.
    Cohere,
}

impl Service {
    pub(super) const NAMES: [(&'static str, Self); 5] = [
        ("openai", Self::OpenAi),
        ("ollama", Self::Ollama),
        ("mistral", Self::Mistral),
        ("voyage", Self::Voyage),
        ("cohere", Self::Cohere),
    ];

    /// Its name in the settings.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, service)| *service == self).map_or("", |(name, _)| name)
    }

    /// The one address of a provider that is one company. Many programs speak like `OpenAI`, and
    /// texts meant for one on this machine must not leave it because an address was forgotten.
    const fn url(self) -> Option<&'static str> {
        match self {
            Self::OpenAi | Self::Ollama => None,
            Self::Mistral => Some("https://api.mistral.ai/v1"),
            Self::Voyage => Some("https://api.voyageai.com/v1"),
            Self::Cohere => Some("https://api.cohere.com/v2"),
        }
    }
}

/// A key, which is not printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Takes the value of a variable or file of that name; blanks around it are of the shell.
    /// Errors do not repeat it.
    pub(super) fn named(name: &str, value: &OsStr) -> Result<Self, String> {
        let is_plain = |key: &&str| !key.is_empty() && key.chars().all(|c| c.is_ascii_graphic());
        let key = value.to_str().map(str::trim).filter(is_plain);
        let key = key.ok_or_else(|| format!("`{name}` must be visible ASCII characters"))?;
        Ok(Self(key.to_owned()))
    }

    /// The key itself, for the provider or the server alone.
    #[cfg(any(feature = "http", feature = "remote"))]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Settings of a provider, whether one is used or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct RemoteSettings {
    pub(super) url: Option<String>,
    pub(super) model: Option<String>,
    pub(super) dimension: Option<NonZeroUsize>,
    pub(super) key: Option<Secret>,
}

/// All that is needed to ask a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The address up to the version.
    pub(crate) url: &'a str,
    /// The provider's name of the model.
    pub(crate) model: &'a str,
    /// Components of its vectors.
    pub(crate) dimension: usize,
    /// Key by which the provider knows its customer.
    pub(crate) key: Option<&'a Secret>,
}

impl RemoteSettings {
    /// Returns all that is needed to ask that provider, or the missing setting and its meaning.
    pub(crate) fn target(
        &self,
        service: Service,
    ) -> Result<Target<'_>, (&'static str, &'static str)> {
        let url = self.url.as_deref().or(service.url());
        let url = url.ok_or(("embedder_url", "the address, such as http://localhost:11434"))?;
        let model = self.model.as_deref();
        let model = model.ok_or(("embedder_model", "the provider's name of the model"))?;
        let dimension = self.dimension;
        let dimension =
            dimension.ok_or(("embedder_dimension", "how many numbers its vectors have"))?.get();
        Ok(Target { url, model, dimension, key: self.key.as_ref() })
    }

    /// Returns whether a public provider is going to refuse every request, for want of a key.
    pub(super) fn lacks_key(&self, service: Service) -> bool {
        self.key.is_none() && self.url.is_none() && service.url().is_some()
    }
}

/// Checks a base address. One with a password in it is not repeated, here or by `config`.
pub(super) fn base_url(url: &str) -> Result<String, String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Err("must begin with http:// or https://".to_owned());
    };
    if rest.contains(['@', '?', '#']) || rest.contains(char::is_whitespace) {
        return Err(format!(
            "must be an address without user, password or query; a key goes into {KEY_VARIABLE}"
        ));
    }
    if rest.starts_with('/') || rest.is_empty() {
        return Err("must name a host".to_owned());
    }
    Ok(url.to_owned())
}
