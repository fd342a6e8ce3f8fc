//! Embeddings from a provider over HTTP.

mod breaker;
mod wire;

#[cfg(test)]
mod tests;

pub use wire::Provider;

use breaker::Breaker;
use memory_core::{EmbedError, Embedder, Role};
use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Address, model and limits of a provider.
#[derive(Clone)]
pub struct RemoteConfig {
    /// The shape of requests and answers.
    pub provider: Provider,
    /// Address up to the version, for example `https://api.openai.com/v1` or
    /// `http://localhost:11434` (Ollama).
    pub base_url: String,
    /// The provider's name of the model.
    pub model: String,
    /// Components of the model's vectors; answers with another number are refused.
    pub dimension: usize,
    /// Key sent as bearer token. Reading it from the environment is the caller's business; it is
    /// never printed.
    pub key: Option<String>,
    /// Time limit of one attempt, from connecting to the last byte.
    pub attempt_limit: Duration,
    /// No further attempt starts later than this after the call.
    pub call_limit: Duration,
    /// Most attempts of one call, at least 1.
    pub attempts: u32,
    /// Longest pause before the second attempt; doubled for each further one, up to 8 s.
    pub first_pause: Duration,
    /// Failed calls in a row after which the circuit opens: no calls are made for a while.
    pub failures_to_pause: u32,
    /// Time for which the circuit stays open.
    pub pause: Duration,
}

impl RemoteConfig {
    /// A configuration with usual limits: 4 attempts of 10 s each within 30 s; after 5 failed calls
    /// in a row none for 30 s.
    #[must_use]
    pub fn new(provider: Provider, base_url: &str, model: &str, dimension: usize) -> Self {
        RemoteConfig {
            provider,
            base_url: base_url.trim_end_matches('/').to_owned(),
            model: model.to_owned(),
            dimension,
            key: None,
            attempt_limit: Duration::from_secs(10),
            call_limit: Duration::from_secs(30),
            attempts: 4,
            first_pause: Duration::from_millis(500),
            failures_to_pause: 5,
            pause: Duration::from_secs(30),
        }
    }
}

/// An embedder that asks a provider over HTTP.
///
/// [`embed`](Embedder::embed) blocks, for [`RemoteConfig::call_limit`] and one attempt at worst:
/// call it from a background thread. Vectors come back unit length whatever the provider sends. A
/// call is repeated after connection failures, time-outs and the statuses 408, 429 and 5xx, after a
/// random part of a growing pause ("full jitter", Brooker 2015) or what `Retry-After` asks for;
/// other refusals and unusable answers are not repeated. Redirects are not followed, so that a key
/// goes nowhere else.
pub struct Remote {
    config: RemoteConfig,
    id: String,
    agent: ureq::Agent,
    breaker: Breaker,
    random: RandomState,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Reason why one attempt returned no vectors.
enum Failure {
    /// Worth another attempt, after this pause if the provider named one.
    Passing { source: Box<dyn Error + Send + Sync>, wait: Option<Duration> },
    /// The same request would fail again.
    Lasting(EmbedError),
}

impl Remote {
    /// An embedder for `config`. Connects only when first used.
    #[must_use]
    pub fn new(config: RemoteConfig) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(config.attempt_limit))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build()
            .into();
        Remote {
            id: format!("{}/{}/{}", config.provider.name(), config.model, config.dimension),
            breaker: Breaker::new(config.failures_to_pause, config.pause),
            agent,
            config,
            random: RandomState::new(),
        }
    }

    fn provider(&self) -> String {
        self.config.provider.name().to_owned()
    }

    fn unavailable(&self, source: Option<Box<dyn Error + Send + Sync>>) -> EmbedError {
        EmbedError::Unavailable { provider: self.provider(), source }
    }

    fn bad_answer(&self, what: &'static str) -> Failure {
        Failure::Lasting(EmbedError::BadAnswer { provider: self.provider(), what })
    }

    /// Attempts until one succeeds, fails for good, or there is no time left.
    fn call(&self, role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let start = Instant::now();
        let mut attempt = 0;
        loop {
            let (source, wait) = match self.attempt(role, texts) {
                Ok(vectors) => return Ok(vectors),
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing { source, wait }) => (source, wait),
            };
            attempt += 1;
            let pause = wait.unwrap_or_else(|| self.pause(attempt));
            if attempt >= self.config.attempts
                || start.elapsed().saturating_add(pause) > self.config.call_limit
            {
                return Err(self.unavailable(Some(source)));
            }
            std::thread::sleep(pause);
        }
    }

    /// A random part of the pause after `attempt` attempts.
    fn pause(&self, attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.config.first_pause.saturating_mul(doubled).min(LONGEST_PAUSE);
        // A keyed hash of the moment is random enough to keep clients from marching in step.
        let random = self.random.hash_one(Instant::now()) % 1_000;
        longest.mul_f64(f64::from(u32::try_from(random).unwrap_or(0)) / 1_000.0)
    }

    fn attempt(&self, role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, Failure> {
        let passing = |error: ureq::Error| Failure::Passing { source: error.into(), wait: None };
        let RemoteConfig { provider, base_url, model, key, .. } = &self.config;
        let mut request = self.agent.post(format!("{base_url}{}", provider.path()));
        if let Some(key) = key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let body = provider.request(model, role, texts).to_string();
        let request = request.content_type("application/json");
        let mut answer = request.send(body).map_err(passing)?;
        let status = answer.status().as_u16();
        if matches!(status, 408 | 429 | 500..) {
            let wait = answer.headers().get("retry-after").and_then(|wait| wait.to_str().ok());
            let wait = wait.and_then(|wait| wait.parse().ok()).map(Duration::from_secs);
            let source = format!("HTTP status {status}").into();
            return Err(Failure::Passing { source, wait });
        }
        if status != 200 {
            let refused = EmbedError::Refused { provider: self.provider(), status };
            return Err(Failure::Lasting(refused));
        }
        // A number takes about 12 characters; an answer many times longer is not embeddings.
        let expected = u64::try_from(texts.len() * self.config.dimension).unwrap_or(u64::MAX);
        let limit = expected.saturating_mul(64).saturating_add(1 << 20);
        let body = answer.body_mut().with_config().limit(limit).read_to_vec().map_err(passing)?;
        let vectors =
            provider.vectors(&body).ok_or(self.bad_answer("not the JSON it should be"))?;
        self.checked(vectors, texts.len())
    }

    /// Vectors of the right number and size, made unit length.
    fn checked(&self, mut vectors: Vec<Vec<f32>>, count: usize) -> Result<Vec<Vec<f32>>, Failure> {
        if vectors.len() != count {
            return Err(self.bad_answer("another number of vectors than of texts"));
        }
        for vector in &mut vectors {
            if vector.len() != self.config.dimension {
                return Err(self.bad_answer("a vector of another dimension"));
            }
            // In double precision no sum of squares of finite numbers overflows.
            let square: f64 = vector.iter().map(|&value| f64::from(value).powi(2)).sum();
            if !square.is_finite() || square == 0.0 {
                return Err(self.bad_answer("a vector that is zero or not finite"));
            }
            let scale = 1.0 / square.sqrt();
            for value in vector {
                #[expect(clippy::cast_possible_truncation, reason = "a component is at most 1")]
                let unit = (f64::from(*value) * scale) as f32;
                *value = unit;
            }
        }
        Ok(vectors)
    }
}

impl Embedder for Remote {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.config.dimension
    }

    fn batch_limit(&self) -> usize {
        self.config.provider.batch_limit()
    }

    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let limit = self.batch_limit();
        if texts.len() > limit {
            return Err(EmbedError::TooManyTexts { got: texts.len(), limit });
        }
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        if !self.breaker.admits() {
            return Err(self.unavailable(None));
        }
        let result = self.call(role, texts);
        // A refusal is an answer: the provider is there, and the next request may be a better one.
        match &result {
            Ok(_) | Err(EmbedError::Refused { .. }) => self.breaker.succeeded(),
            Err(_) => self.breaker.failed(),
        }
        result
    }
}
