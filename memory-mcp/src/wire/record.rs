//! Records as JSON: one view for the answers of tools and for the command line's `--json`.
//!
//! Input: a record of the engine and the [`Detail`] that is asked for. Output: a struct that
//! serialises to the fields of the answer. Limits: the neutral format of exports is another one, in
//! the crate `memory-capture`.

use std::borrow::Cow;

use memory_core::{
    Closing, Context, Episode, Excerpt, Note, Outcome, Record, Relation, Shown, Source, Step,
    Timestamp,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::moment::rfc3339;
use super::team::team;
use super::visible::without_hidden;

/// Most relations that [`Detail::Brief`] gives; hardly any episode has more than one.
const MAX_RELATIONS: usize = 4;

/// Amount of a record that a view gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Every field with its whole text, null where there is none: for programs.
    Whole,
    /// Fields that say something, each text by head and tail within this many bytes: for models.
    Brief {
        /// Longest text, and longest list of labels, in bytes.
        text_bytes: usize,
    },
}

/// Field of a view that may be missing or null.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Field<T> {
    /// Left out.
    Missing,
    /// There is none, which the view says.
    Null,
    /// The value.
    Value(T),
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<T> Field<T> {
    /// Makes a field that is always there.
    fn or_null(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }

    fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// Returns the value, if there is one.
    pub(crate) fn get(&self) -> Option<&T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }
}

impl Detail {
    /// A text of the record.
    pub(super) fn text(self, text: &Excerpt) -> String {
        match self {
            Self::Whole => text.as_str().to_owned(),
            Self::Brief { text_bytes } => shortened(text.as_str(), text_bytes),
        }
    }

    /// An instant: to the millisecond, or to the second.
    pub(super) fn instant(self, instant: Timestamp) -> String {
        match self {
            Self::Whole => instant.to_string(),
            Self::Brief { .. } => rfc3339(instant),
        }
    }

    /// A value that the record may lack.
    pub(super) fn optional<T>(self, value: Option<T>) -> Field<T> {
        match (self, value) {
            (Self::Brief { .. }, None) => Field::Missing,
            (_, value) => Field::or_null(value),
        }
    }

    /// A text that says something only when it is not empty.
    pub(super) fn text_unless_empty(self, text: &Excerpt) -> Field<String> {
        match self {
            Self::Brief { .. } if text.as_str().is_empty() => Field::Missing,
            _ => Field::Value(self.text(text)),
        }
    }

    /// A list that says something only when it is not empty.
    fn list<T>(self, list: Vec<T>) -> Field<Vec<T>> {
        self.optional(Some(list).filter(|list| self == Self::Whole || !list.is_empty()))
    }

    /// A value that programs alone are given.
    pub(super) fn only_whole<T>(self, value: T) -> Field<T> {
        self.only_whole_optional(Some(value))
    }

    fn only_whole_optional<T>(self, value: Option<T>) -> Field<T> {
        match self {
            Self::Whole => Field::or_null(value),
            Self::Brief { .. } => Field::Missing,
        }
    }

    /// As many labels as there is room for, then the number of those that are left out.
    fn labels(self, labels: &[Box<str>]) -> Vec<String> {
        let mut room = match self {
            Self::Whole => usize::MAX,
            Self::Brief { text_bytes } => text_bytes,
        };
        let mut given = Vec::new();
        for label in labels {
            if label.len() > room {
                given.push(format!("… {} more", labels.len() - given.len()));
                break;
            }
            room -= label.len();
            given.push(match self {
                Self::Whole => label.to_string(),
                Self::Brief { .. } => without_hidden(label).into_owned(),
            });
        }
        given
    }
}

/// Fields with which every view of an episode begins.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EpisodeHead {
    pub(crate) scope: String,
    pub(crate) task: String,
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(crate) outcome: Field<&'static str>,
    /// Evidence of an outcome that nobody reported.
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(crate) inferred: Field<String>,
    pub(crate) n_steps: u32,
    /// Outcome or status in words.
    #[serde(skip)]
    pub(crate) standing: String,
}

impl EpisodeHead {
    /// Takes the fields of an episode.
    pub(crate) fn new(episode: &Episode, detail: Detail) -> Self {
        Self {
            scope: episode.scope.to_string(),
            task: detail.text(&episode.task),
            status: episode.status().name(),
            outcome: detail.optional(episode.outcome().map(Outcome::name)),
            inferred: detail.optional(episode.inferred().map(|evidence| match detail {
                Detail::Whole => evidence.to_owned(),
                Detail::Brief { .. } => without_hidden(evidence).into_owned(),
            })),
            n_steps: episode.n_steps,
            standing: episode.standing(),
        }
    }
}

/// An episode.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EpisodeView {
    #[serde(flatten)]
    pub(crate) head: EpisodeHead,
    #[serde(skip_serializing_if = "Field::is_missing")]
    kind: Field<&'static str>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    id: Field<String>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    task_bytes: Field<u64>,
    pub(crate) started_at: String,
    #[serde(skip_serializing_if = "Field::is_missing")]
    recorded_at: Field<String>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(crate) ended_at: Field<String>,
    /// Language, framework and the like, by name.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) context: Map<String, Value>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(crate) relations: Field<Vec<RelationView>>,
    /// External id of an imported episode.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_id: Option<String>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    source: Field<SourceView>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    origin: Field<&'static str>,
    /// Who made it on another machine.
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(crate) team: Field<String>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(crate) summary: Field<String>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(crate) reflection: Field<String>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    reward: Field<f64>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    surprise: Field<f64>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(crate) artifacts: Field<Vec<String>>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    shown: Field<Vec<ShownView>>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    followed: Field<Vec<String>>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    n_helpful: Field<u32>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    n_unhelpful: Field<u32>,
}

impl EpisodeView {
    /// Takes an episode without its steps.
    pub(crate) fn new(episode: &Episode, detail: Detail) -> Self {
        let closing = episode.closing.as_ref();
        let text = |field: fn(&Closing) -> Option<&Excerpt>| {
            detail.optional(closing.and_then(field).map(|text| detail.text(text)))
        };
        let relations = episode.relations.iter().map(RelationView::new);
        let artifacts = closing.map_or(&[][..], |closing| &closing.artifacts);
        let followed = closing.map_or(&[][..], |closing| &closing.followed);
        let source = episode.source.as_ref();
        Self {
            head: EpisodeHead::new(episode, detail),
            kind: detail.only_whole("episode"),
            id: detail.only_whole(episode.id.to_string()),
            task_bytes: detail.only_whole(episode.task.full_bytes()),
            started_at: detail.instant(episode.started_at),
            recorded_at: detail.only_whole(detail.instant(episode.recorded_at)),
            ended_at: detail.optional(closing.map(|closing| detail.instant(closing.ended_at))),
            context: context(&episode.context, detail),
            relations: detail.list(match detail {
                Detail::Whole => relations.collect(),
                Detail::Brief { .. } => relations.take(MAX_RELATIONS).collect(),
            }),
            source_id: source
                .filter(|_| detail != Detail::Whole)
                .map(|source| without_hidden(&source.external_id).into_owned()),
            source: detail.only_whole_optional(source.map(SourceView::new)),
            origin: detail.only_whole(episode.origin.name()),
            team: detail.optional(episode.author.as_ref().map(team)),
            summary: text(|closing| closing.summary.as_ref()),
            reflection: text(|closing| closing.reflection.as_ref()),
            reward: detail.optional(closing.and_then(|closing| closing.reward)),
            surprise: detail.only_whole_optional(closing.and_then(|closing| closing.surprise)),
            artifacts: detail.list(detail.labels(artifacts)),
            shown: detail.only_whole(episode.shown.iter().map(ShownView::new).collect()),
            followed: detail.only_whole(followed.iter().map(ToString::to_string).collect()),
            n_helpful: detail.only_whole(episode.feedback.n_helpful),
            n_unhelpful: detail.only_whole(episode.feedback.n_unhelpful),
        }
    }
}

fn context(context: &Context, detail: Detail) -> Map<String, Value> {
    let named = [
        ("task_type", &context.task_type),
        ("language", &context.language),
        ("framework", &context.framework),
        ("domain", &context.domain),
        ("agent", &context.agent),
        ("model", &context.model),
        ("session", &context.session),
        ("branch", &context.branch),
    ];
    let mut map = Map::new();
    for (name, value) in named {
        if value.is_some() || detail == Detail::Whole {
            map.insert(name.to_owned(), json!(value));
        }
    }
    if !context.tags.is_empty() || detail == Detail::Whole {
        map.insert("tags".to_owned(), detail.labels(&context.tags).into());
    }
    map
}

/// An earlier episode, and the relation of this one to it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RelationView {
    pub(crate) kind: &'static str,
    pub(crate) episode_id: String,
}

impl RelationView {
    fn new(relation: &Relation) -> Self {
        Self { kind: relation.kind.name(), episode_id: relation.episode.to_string() }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct ShownView {
    id: String,
    strong: bool,
}

impl ShownView {
    fn new(shown: &Shown) -> Self {
        Self { id: shown.record.to_string(), strong: shown.strong }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct SourceView {
    importer: String,
    external_id: String,
}

impl SourceView {
    fn new(source: &Source) -> Self {
        Self { importer: source.importer.to_string(), external_id: source.external_id.to_string() }
    }
}

/// A step of an episode.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StepView {
    pub(crate) idx: u32,
    pub(super) tool: String,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(super) action: Field<String>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(super) args: Field<String>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(super) observation: Field<String>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    observation_bytes: Field<u64>,
    pub(super) ok: bool,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(super) error: Field<String>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    pub(super) latency_ms: Field<u64>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    tokens: Field<u64>,
    #[serde(skip_serializing_if = "Field::is_missing")]
    call_id: Field<String>,
    occurred_at: String,
}

impl StepView {
    /// Takes a step.
    pub(crate) fn new(step: &Step, detail: Detail) -> Self {
        Self {
            idx: step.idx,
            tool: step.tool.to_string(),
            action: detail.optional(step.action.as_deref().map(str::to_owned)),
            args: detail.text_unless_empty(&step.args),
            observation: detail.text_unless_empty(&step.observation),
            observation_bytes: detail.only_whole(step.observation.full_bytes()),
            ok: step.ok,
            error: detail.optional(step.error.as_ref().map(|error| detail.text(error))),
            latency_ms: detail.optional(step.latency_ms),
            tokens: detail.optional(step.n_tokens),
            call_id: detail.only_whole_optional(step.call_id.as_deref().map(str::to_owned)),
            occurred_at: detail.instant(step.occurred_at),
        }
    }

    /// Returns the bytes that it takes in JSON.
    pub(crate) fn json_bytes(&self) -> usize {
        serde_json::to_string(self).map_or(0, |json| json.len())
    }
}

/// Returns a whole record as JSON; an episode with its steps, if they are given.
pub(crate) fn whole(record: &Record, steps: Option<&[Step]>) -> serde_json::Result<Value> {
    match record {
        Record::Episode(episode) => whole_episode(episode, steps),
        Record::Note(note) => Ok(whole_note(note)),
    }
}

fn whole_episode(episode: &Episode, steps: Option<&[Step]>) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(EpisodeView::new(episode, Detail::Whole))?;
    if let (Some(steps), Value::Object(fields)) = (steps, &mut value) {
        let steps: Vec<StepView> =
            steps.iter().map(|step| StepView::new(step, Detail::Whole)).collect();
        fields.insert("steps".to_owned(), serde_json::to_value(steps)?);
    }
    Ok(value)
}

fn whole_note(note: &Note) -> Value {
    json!({
        "kind": note.kind.name(),
        "id": note.id.to_string(),
        "scope": note.scope.as_str(),
        "text": note.text.as_str(),
        "text_bytes": note.text.full_bytes(),
        "speaker": note.speaker,
        "session": note.session,
        "position": note.position,
        "tags": note.tags,
        "source": note.source.as_ref().map(SourceView::new),
        "origin": note.origin.name(),
        "team": note.author.as_ref().map(team),
        "episode_id": note.episode.map(|id| id.to_string()),
        "occurred_at": note.occurred_at.to_string(),
        "recorded_at": note.recorded_at.to_string(),
        "valid_from": note.valid_from.map(|at| at.to_string()),
        "valid_to": note.valid_to.map(|at| at.to_string()),
        "supersedes": note.supersedes.map(|id| id.to_string()),
        "superseded_by": note.superseded_by.map(|id| id.to_string()),
        "n_merged": note.n_merged,
        "merged_at": note.merged_at.map(|at| at.to_string()),
        "n_helpful": note.feedback.n_helpful,
        "n_unhelpful": note.feedback.n_unhelpful,
    })
}

/// Head and tail of a text that is longer than `limit` bytes, without hidden characters.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    let text = without_hidden(text);
    if text.len() <= limit {
        return text.into_owned();
    }
    Excerpt::cut(text.into_owned(), limit).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use memory_core::{EpisodeId, Feedback, Scope};

    use super::*;

    fn episode() -> Episode {
        Episode {
            id: EpisodeId::from_bytes([7; 16]),
            scope: Scope::new("acme/shop").unwrap(),
            task: Excerpt::cut("task \u{e0041}text ".repeat(20), 4_000),
            context: Context::default(),
            source: None,
            origin: memory_core::Origin::Agent,
            author: None,
            started_at: Timestamp::from_millis(1_500),
            recorded_at: Timestamp::from_millis(2_500),
            relations: Vec::new(),
            shown: Vec::new(),
            feedback: Feedback::default(),
            digest: None,
            n_steps: 0,
            closing: None,
        }
    }

    #[test]
    fn a_whole_view_has_every_field_and_every_byte() {
        let value = whole_episode(&episode(), Some(&[])).unwrap();
        assert_eq!(value["task"], episode().task.as_str());
        assert_eq!(value["started_at"], "1970-01-01T00:00:01.5Z");
        for field in ["outcome", "summary", "reward", "surprise", "source", "ended_at"] {
            assert!(value.get(field).is_some_and(Value::is_null), "{field}: {value}");
        }
        assert_eq!((&value["steps"], &value["followed"]), (&json!([]), &json!([])));
        assert_eq!(value["context"]["branch"], Value::Null);
    }

    #[test]
    fn a_brief_view_has_what_is_there_and_hides_nothing() {
        let view = EpisodeView::new(&episode(), Detail::Brief { text_bytes: 80 });
        let value = serde_json::to_value(&view).unwrap();
        let fields: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["n_steps", "scope", "started_at", "status", "task"]);
        let task = value["task"].as_str().unwrap();
        assert!(task.starts_with("task text") && task.len() < 160, "{task}");
        assert!(!task.contains('\u{e0041}') && value["started_at"] == "1970-01-01T00:00:01Z");
    }
}
