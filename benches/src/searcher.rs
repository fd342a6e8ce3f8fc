//! What is asked: one way of searching a corpus, loaded with it.
//!
//! Each way is a column of the quality report: the product by words alone, by meaning alone (all vectors
//! compared one by one, without the engine), and as it comes, both fused.

use std::sync::Arc;
use std::time::{Duration, Instant};

use memory_core::bench::Weights;
use memory_core::{
    Config, Embedder, Error, Import, MemStorage, Memory, NewNote, NoteKind, Query, Record, Role,
    Scope, Source, Strength, SystemClock,
};
use serde::Serialize;

use crate::calendar::Calendar;
use crate::retrieval_set::RetrievalSet;

/// Scope of texts that name none.
const WHOLE_CORPUS: &str = "corpus";

/// Texts handed to one import.
const IMPORT_SIZE: usize = 1_000;

/// Large enough that no answer is cut for its size: what is measured is the ranking.
const MAX_TOKENS: usize = 10_000_000;

/// A way of searching that is measured.
pub trait Column {
    /// Its name in reports and [`crate::targets`].
    fn name(&self) -> &'static str;

    /// Loads a set; gives what answers questions about it.
    fn load(&self, set: &RetrievalSet) -> Result<(Box<dyn Searcher>, Loading), Error>;
}

/// A loaded corpus.
pub trait Searcher {
    /// Answers one question.
    fn search(&self, asked: &Asked) -> Result<Answer, Error>;
}

/// One question as it is put.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The words.
    pub text: &'a str,
    /// Where to search; everywhere if not said.
    pub scope: Option<&'a str>,
    /// Most hits.
    pub limit: usize,
    /// Weakest hit to give.
    pub strength: Strength,
}

/// The answer to one question.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Ids of the texts in the set, best first, each with the strength of its hit.
    pub hits: Vec<(String, Strength)>,
    /// Time it took.
    pub latency: Duration,
}

/// What loading a corpus took.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Loading {
    /// Texts stored.
    pub n_documents: usize,
    /// Texts without content, which the product does not take.
    pub n_empty: usize,
    /// Texts cut to the product's limits.
    pub n_cut: u32,
    /// Secrets masked.
    pub n_masked: u32,
    /// Units in the index.
    pub n_units: usize,
    /// Size of the index, in bytes.
    pub index_size_bytes: usize,
    /// Time to store the texts, in milliseconds.
    pub import_ms: f64,
    /// Time to index them, in milliseconds.
    pub index_ms: f64,
    /// Time to embed them, in milliseconds; near 0 where the vectors were kept from an earlier run.
    pub embed_ms: f64,
}

/// The engine on a storage in memory: with an embedder as it comes, without one by words alone.
pub struct Product {
    /// Name of the column.
    pub name: &'static str,
    /// What embeds.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// What each piece of evidence counts.
    pub weights: Weights,
}

impl Column for Product {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&self, set: &RetrievalSet) -> Result<(Box<dyn Searcher>, Loading), Error> {
        let memory = Memory::with_parts(
            Arc::new(MemStorage::new()),
            // A question that is asked twice is searched for twice.
            Config { cache_bytes: 0, ..Config::default() },
            Arc::new(SystemClock),
            self.embedder.clone(),
        )?
        .with_weights(self.weights);
        let mut loading = Loading::default();
        let mut notes = notes_of(set, &mut loading)?;
        let begin = Instant::now();
        while !notes.is_empty() {
            let rest = notes.split_off(notes.len().min(IMPORT_SIZE));
            let receipt = memory.import(notes)?;
            loading.n_documents += receipt.value.n_new;
            loading.n_cut += receipt.n_cut;
            loading.n_masked += receipt.n_masked;
            notes = rest;
        }
        loading.import_ms = begin.elapsed().as_secs_f64() * 1e3;
        let begin = Instant::now();
        memory.refresh()?;
        loading.index_ms = begin.elapsed().as_secs_f64() * 1e3;
        let begin = Instant::now();
        memory.embed_all()?;
        loading.embed_ms = begin.elapsed().as_secs_f64() * 1e3;
        let index = memory.status()?.index;
        (loading.n_units, loading.index_size_bytes) = (index.n_units, index.size_bytes);
        Ok((Box::new(ByMemory(memory)), loading))
    }
}

/// The texts as notes; the order of lines gives the position within a session.
fn notes_of(set: &RetrievalSet, loading: &mut Loading) -> Result<Vec<Import>, Error> {
    let mut calendar = Calendar::default();
    let mut n_in_session = std::collections::HashMap::new();
    let mut notes = Vec::with_capacity(set.documents.len());
    for document in &set.documents {
        let occurred_at = calendar.next(document.ts.as_deref());
        if document.text.trim().is_empty() {
            loading.n_empty += 1;
            continue;
        }
        let scope = Scope::new(document.scope.as_deref().unwrap_or(WHOLE_CORPUS))?;
        let kind = if document.speaker.is_some() { NoteKind::Turn } else { NoteKind::Reference };
        let next: &mut u32 = n_in_session.entry((&document.scope, &document.session)).or_default();
        let position = *next;
        *next += 1;
        let source = Source { importer: "jsonl".into(), external_id: document.id.as_str().into() };
        notes.push(Import::Note(Box::new(NewNote {
            speaker: document.speaker.clone(),
            session: document.session.clone(),
            position,
            source: Some(source),
            occurred_at: Some(occurred_at),
            ..NewNote::new(scope, kind, document.text.clone())
        })));
    }
    Ok(notes)
}

struct ByMemory(Memory);

impl Searcher for ByMemory {
    fn search(&self, asked: &Asked) -> Result<Answer, Error> {
        let query = Query {
            scope: asked.scope.map(Scope::new).transpose()?,
            limit: Some(asked.limit),
            max_tokens: Some(MAX_TOKENS),
            strength: asked.strength,
            ..Query::new(asked.text)
        };
        let begin = Instant::now();
        let recall = self.0.recall(&query)?;
        let latency = begin.elapsed();
        assert_eq!(recall.n_over_budget, 0, "a ranking that was cut cannot be scored");
        let hits = recall.hits.into_iter().filter_map(|hit| match hit.record {
            Record::Note(note) => Some((note.source?.external_id.into(), hit.strength)),
            Record::Episode(_) => None,
        });
        Ok(Answer { hits: hits.collect(), latency })
    }
}

/// All vectors compared with the question's, one by one: what meaning alone finds.
pub struct ByVectors {
    /// What embeds.
    pub embedder: Arc<dyn Embedder>,
}

impl Column for ByVectors {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn load(&self, set: &RetrievalSet) -> Result<(Box<dyn Searcher>, Loading), Error> {
        let mut loading = Loading { n_documents: set.documents.len(), ..Loading::default() };
        let begin = Instant::now();
        let mut rows = Vec::with_capacity(set.documents.len());
        for chunk in set.documents.chunks(self.embedder.batch_limit()) {
            let texts: Vec<&str> = chunk.iter().map(|document| document.text.as_str()).collect();
            let vectors = self.embedder.embed(Role::Document, &texts)?;
            rows.extend(chunk.iter().zip(vectors).map(|(document, vector)| Row {
                id: document.id.clone(),
                scope: document.scope.clone(),
                vector,
            }));
        }
        loading.embed_ms = begin.elapsed().as_secs_f64() * 1e3;
        Ok((Box::new(Rows { embedder: Arc::clone(&self.embedder), rows }), loading))
    }
}

struct Row {
    id: String,
    scope: Option<String>,
    vector: Vec<f32>,
}

struct Rows {
    embedder: Arc<dyn Embedder>,
    rows: Vec<Row>,
}

impl Searcher for Rows {
    fn search(&self, asked: &Asked) -> Result<Answer, Error> {
        let begin = Instant::now();
        let query = self.embedder.embed(Role::Query, &[asked.text])?.remove(0);
        let passes = |row: &&Row| asked.scope.is_none_or(|s| row.scope.as_deref() == Some(s));
        let score = |row: &Row| -> f32 { row.vector.iter().zip(&query).map(|(a, b)| a * b).sum() };
        let mut scored: Vec<(f32, &str)> =
            self.rows.iter().filter(passes).map(|row| (score(row), row.id.as_str())).collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        scored.truncate(asked.limit);
        let hits = scored.into_iter().map(|(_, id)| (id.to_owned(), Strength::Any)).collect();
        Ok(Answer { hits, latency: begin.elapsed() })
    }
}
