//! What is asked: one way of searching a corpus, loaded with it.
//!
//! Each way is a column of the quality report. Today there is one, the product as it comes; a dense
//! or a fused one is another [`Column`] over the same sets and metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use memory_core::{
    Config, Error, Import, MemStorage, Memory, NewNote, NoteKind, Query, Record, Scope, Source,
    Strength,
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
}

/// The engine as it comes, on a storage in memory.
#[derive(Debug, Default)]
pub struct Product;

impl Column for Product {
    fn name(&self) -> &'static str {
        // The engine has no embedder yet: what it finds, it finds by words.
        "bm25"
    }

    fn load(&self, set: &RetrievalSet) -> Result<(Box<dyn Searcher>, Loading), Error> {
        let memory = Memory::open(Arc::new(MemStorage::new()), Config::default())?;
        let mut loading = Loading::default();
        let mut notes = notes_of(set, &mut loading)?;
        let begin = Instant::now();
        while !notes.is_empty() {
            let rest = notes.split_off(notes.len().min(IMPORT_SIZE));
            let receipt = memory.import(notes)?;
            loading.n_documents += receipt.value;
            loading.n_cut += receipt.n_cut;
            loading.n_masked += receipt.n_masked;
            notes = rest;
        }
        loading.import_ms = begin.elapsed().as_secs_f64() * 1e3;
        let begin = Instant::now();
        memory.refresh()?;
        loading.index_ms = begin.elapsed().as_secs_f64() * 1e3;
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
