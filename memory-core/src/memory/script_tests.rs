//! Claims about search in scripts other than plain Latin, and about what a model cannot read.

use super::*;
use crate::clock::StepClock;
use crate::embed::{EmbedError, Role};
use crate::intake::NewNote;
use crate::model::{NoteKind, Scope, Timestamp};
use crate::retrieve::Strength;
use crate::storage::MemStorage;

/// An embedder to which all texts are alike.
struct Blind;

impl Embedder for Blind {
    fn id(&self) -> &'static str {
        "blind"
    }

    fn dimension(&self) -> usize {
        8
    }

    fn batch_limit(&self) -> usize {
        16
    }

    fn embed(&self, _: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let direction = 1.0 / 8.0_f32.sqrt();
        Ok(texts.iter().map(|_| vec![direction; 8]).collect())
    }
}

fn memory(embedder: Option<Arc<dyn Embedder>>, texts: &[&str]) -> Memory {
    let clock = Arc::new(StepClock::new(Timestamp::from_millis(1_795_176_000_000), 1));
    let storage = Arc::new(MemStorage::new());
    let memory = Memory::builder(storage).clock(clock).embedder(embedder).open().unwrap();
    for text in texts {
        let note = NewNote::new(Scope::new("shop").unwrap(), NoteKind::Fact, *text);
        memory.remember(note).unwrap();
    }
    memory.refresh().unwrap();
    memory.embed_all().unwrap();
    memory
}

/// The texts that are found, best first, each with its strength.
fn found(memory: &Memory, query: &str) -> Vec<(String, Strength)> {
    let hits = memory.recall(&Query::new(query)).unwrap().hits;
    hits.into_iter().map(|hit| (hit.text, hit.strength)).collect()
}

#[test]
fn one_spelling_finds_the_others() {
    let texts = [
        "Die Hauptstraße ist gesperrt",
        "İzmir sunucusu yeniden başlatıldı",
        "اجتماع مُحَمَّد يوم الأحد",
        "פגישה עם שָׂרָה ביום שני",
        "The eﬃcient path is off",
        "Deployed on a Friday 🎉 again",
        "Résumé of the incident",
        "型番はＡＢＣ１２３です",
    ];
    let memory = memory(None, &texts);
    for (query, text) in [
        ("HAUPTSTRASSE", texts[0]),
        ("izmir", texts[1]),
        ("محمد", texts[2]),
        ("שרה", texts[3]),
        ("efficient", texts[4]),
        ("🎉", texts[5]),
        ("re\u{301}sume\u{301}", texts[6]),
        ("ABC123", texts[7]),
    ] {
        let found = found(&memory, query);
        assert!(found.first().is_some_and(|(first, _)| first.contains(text)), "{query}: {found:?}");
    }
}

#[test]
fn a_character_is_found_within_its_sentence() {
    let texts = [
        "上线之前先备份数据仓库",
        "支付网关由李婷维护，端口改了",
        "サーバーの鍵は毎月交換する",
        "점심은 열두 시에 먹는다",
    ];
    let memory = memory(None, &texts);
    for (query, text) in [("仓", texts[0]), ("婷", texts[1]), ("鍵", texts[2]), ("열", texts[3])]
    {
        let found = found(&memory, query);
        assert_eq!(found.len(), 1, "{query}: {found:?}");
        assert!(found[0].0.contains(text), "{query}: {found:?}");
    }
}

#[test]
fn what_the_model_cannot_read_makes_no_strong_hit() {
    let texts = [
        "รีสตาร์ทเซิร์ฟเวอร์หลังจากแก้ไขการตั้งค่า",
        "ម៉ាស៊ីនមេត្រូវបានចាប់ផ្ដើមឡើងវិញ",
        "አገልጋዩ ከዝማኔው በኋላ እንደገና ተጀምሯል",
        "The database is backed up at night",
    ];
    let memory = memory(Some(Arc::new(Blind)), &texts);
    for query in [
        "ใครเป็นคนดูแลระบบชำระเงิน",
        "តើអ្នកណាជាអ្នកថែទាំប្រព័ន្ធ",
        "የክፍያ ስርዓቱን ማን ይቆጣጠራል",
        "invoices of การชำระเงิน",
        "payments ክፍያ ማን",
    ] {
        let strong: Vec<_> =
            found(&memory, query).into_iter().filter(|hit| hit.1 == Strength::Strong).collect();
        assert!(strong.is_empty(), "{query}: {strong:?}");
    }
    // Words that share some pairs of letters with the query.
    for query in ["สำรองข้อมูล", "ตั้งใจ"] {
        let strong = found(&memory, query).into_iter().any(|hit| hit.1 == Strength::Strong);
        assert!(!strong, "{query}");
    }
    // The same words are a strong hit all the same.
    let own = found(&memory, "አገልጋዩ እንደገና ተጀምሯል");
    assert!(own[0].0.contains(texts[2]) && own[0].1 == Strength::Strong, "{own:?}");
}
