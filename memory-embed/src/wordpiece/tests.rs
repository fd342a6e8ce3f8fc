//! The tokenizer against the `tokenizers` crate, the implementation that the model was published
//! with.

use super::*;
use crate::model_file::ModelFile;
use tokenizers::models::wordpiece::WordPiece as PeerModel;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{
    DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerBuilder,
    TokenizerImpl,
};

type Peer = TokenizerImpl<
    PeerModel,
    NormalizerWrapper,
    PreTokenizerWrapper,
    PostProcessorWrapper,
    DecoderWrapper,
>;

/// The peer, fed with the vocabulary of the packed file.
fn peer(weights: &Weights<'_>) -> Peer {
    let mut start = 0;
    let mut lines = Vec::new();
    for &end in weights.token_ends {
        lines.extend_from_slice(&weights.token_text[start..end as usize]);
        lines.push(b'\n');
        start = end as usize;
    }
    let vocabulary = PeerModel::read_bytes(&lines).unwrap();
    let model = PeerModel::builder().vocab(vocabulary).unk_token("[UNK]".into()).build().unwrap();
    TokenizerBuilder::new()
        .with_model(model)
        .with_normalizer(Some(BertNormalizer::default().into()))
        .with_pre_tokenizer(Some(BertPreTokenizer.into()))
        .build()
        .unwrap()
}

/// A small deterministic generator (`SplitMix64`, Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// A character of a block that is likely to matter.
    fn character(&mut self) -> char {
        const BLOCKS: [(u32, u32); 24] = [
            (0x20, 0x7e),
            (0x20, 0x7e),
            (0x61, 0x7a),
            (0x00, 0x1f),         // control
            (0x7f, 0xa0),         // control, no-break space
            (0xa1, 0x24f),        // Latin with accents
            (0x300, 0x36f),       // combining marks
            (0x370, 0x52f),       // Greek, Cyrillic
            (0x590, 0x6ff),       // Hebrew, Arabic
            (0x900, 0xdff),       // Indic: spacing and non-spacing marks
            (0xe00, 0xfff),       // Thai, Lao, Tibetan
            (0x1100, 0x11ff),     // Jamo
            (0x1e00, 0x1fff),     // Latin and Greek, precomposed
            (0x2000, 0x206f),     // spaces, format characters, punctuation
            (0x20a0, 0x2bff),     // symbols
            (0x3000, 0x30ff),     // CJK punctuation, kana
            (0x3400, 0x9fff),     // ideographs
            (0xac00, 0xd7a3),     // Hangul: decomposes
            (0xe000, 0xf8ff),     // private use
            (0xf900, 0xfdff),     // compatibility ideographs, Arabic forms
            (0xfe00, 0xffff),     // variation selectors, full width, U+FFFD
            (0x1_d100, 0x1_d7ff), // musical and mathematical symbols
            (0x1_f300, 0x1_faff), // emoji
            (0x2_0000, 0x2_fa1f), // more ideographs
        ];
        let (low, high) = BLOCKS[self.below(BLOCKS.len())];
        let offset = u32::try_from(self.below((high - low + 1) as usize)).unwrap();
        char::from_u32(low + offset).unwrap_or('x')
    }
}

/// Words and fragments as agents meet them.
const FRAGMENTS: [&str; 28] = [
    "the",
    "memory",
    "Unaffordable",
    "tokenization",
    "HTTPServer2",
    "snake_case_name",
    "fn main() {",
    "}",
    "::",
    "->",
    "e\u{301}t\u{e9}",
    "\u{130}stanbul",
    "STRASSE",
    "stra\u{df}e",
    "don't",
    "[SEP]",
    "[UNK] [MASK]",
    "\u{65e5}\u{672c}",
    "\u{d55c}\u{ad6d}\u{c5b4}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{feff}",
    "a\u{200b}b",
    "0x7fff",
    "3.14159",
    "\t",
    "\r\n",
    "https://example.org/a?b=c#d",
    "##ing",
];

fn generated(random: &mut Random, number: usize) -> String {
    let mut text = String::new();
    match number % 5 {
        // Characters of any block, in short runs.
        0 => (0..random.below(60)).for_each(|_| text.push(random.character())),
        // Fragments, sometimes glued together.
        1 => (0..random.below(40)).for_each(|_| {
            text.push_str(FRAGMENTS[random.below(FRAGMENTS.len())]);
            text.push_str(if random.below(3) == 0 { "" } else { " " });
        }),
        // One character of a block repeated into words of around the longest that is looked up.
        2 => {
            let c = random.character();
            (0..90 + random.below(20)).for_each(|_| text.push(c));
        }
        // Letters, giving words of many pieces.
        3 => (0..random.below(300)).for_each(|_| {
            text.push(b"aeiounrstlbcdmgh  -"[random.below(19)].into());
        }),
        // Fragments with characters between.
        _ => (0..random.below(20)).for_each(|_| {
            text.push_str(FRAGMENTS[random.below(FRAGMENTS.len())]);
            text.push(random.character());
        }),
    }
    text
}

fn check(ours: &WordPiece<'_>, peer: &Peer, text: &str) {
    let expected = peer.encode_fast(text, false).unwrap().get_ids().to_vec();
    assert_eq!(ours.encode(text, usize::MAX), expected, "{text:?}");
}

#[test]
fn tokens_equal_those_of_the_tokenizers_crate_on_twenty_thousand_generated_texts() {
    let file = ModelFile::compiled_in();
    let weights = file.weights().unwrap();
    let (ours, peer) = (WordPiece::new(&weights), peer(&weights));
    let mut random = Random(7);
    for number in 0..20_000 {
        check(&ours, &peer, &generated(&mut random, number));
    }
}

#[test]
fn tokens_equal_those_of_the_tokenizers_crate_for_every_character_and_on_long_texts() {
    let file = ModelFile::compiled_in();
    let weights = file.weights().unwrap();
    let (ours, peer) = (WordPiece::new(&weights), peer(&weights));
    let characters: Vec<char> = ('\0'..=char::MAX).collect();
    for some in characters.chunks(64) {
        let mut text: String = some.iter().collect();
        check(&ours, &peer, &text);
        text.clear();
        for &c in some {
            text.extend(['a', c, ' ', c, '\u{301}', 'b']);
        }
        check(&ours, &peer, &text);
    }
    for text in ["a".repeat(100), "a".repeat(101), "word ".repeat(20_000), "\u{e9}".repeat(5_000)] {
        check(&ours, &peer, &text);
    }
}

#[test]
fn every_token_of_the_vocabulary_is_found_by_its_text() {
    let file = ModelFile::compiled_in();
    let weights = file.weights().unwrap();
    let ours = WordPiece::new(&weights);
    let mut start = 0;
    for (&end, id) in weights.token_ends.iter().zip(0_u32..) {
        let token = std::str::from_utf8(&weights.token_text[start..end as usize]).unwrap();
        start = end as usize;
        let plain = token.chars().all(|c| c.is_ascii_lowercase());
        if plain {
            assert_eq!(ours.encode(token, 2), [id], "{token}");
        }
    }
}

#[test]
fn a_marker_written_in_a_text_is_not_the_marker() {
    let file = ModelFile::compiled_in();
    let weights = file.weights().unwrap();
    let pieces = WordPiece::new(&weights).encode("end [SEP] [CLS] [UNK]", usize::MAX);
    assert!(!pieces.iter().any(|piece| [START, END, UNKNOWN].contains(piece)));
}

#[test]
fn a_limit_gives_the_first_pieces_and_stops_reading() {
    let file = ModelFile::compiled_in();
    let weights = file.weights().unwrap();
    let ours = WordPiece::new(&weights);
    let text = "unaffordable tokenization ".repeat(1_000);
    let all = ours.encode(&text, usize::MAX);
    for limit in [0, 1, 2, 3, 100, 1_999] {
        assert_eq!(ours.encode(&text, limit), all[..limit]);
    }
}
