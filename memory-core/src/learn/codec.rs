//! How a digest is stored.
//!
//! A version byte, the digest in numbers of 7 bits a byte, and a checksum. A version is never changed
//! once it was written anywhere; a new one gets the next number. What cannot be read is no loss: a digest
//! is worked out again from the steps.

use rustc_hash::FxHashMap;

use super::signature::Hash;
use super::{Digest, Ending, Incident, Signature};

/// The version that is written.
const VERSION: u8 = 1;

/// Bytes of the checksum at the end.
const N_CHECK_BYTES: usize = 4;

impl Digest {
    /// The digest as bytes: one or two for a step, about four for an error, and the names.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer { bytes: vec![VERSION] };
        out.count(self.tools.len());
        for tool in &self.tools {
            out.text(tool);
        }
        out.count(self.moves.len());
        for (tool, ok) in &self.moves {
            out.number(u64::from(*tool) << 1 | u64::from(*ok));
        }
        self.encode_incidents(&mut out);
        out.optional(self.n_tokens);
        out.optional(self.latency_ms);
        let check = check_bytes(&out.bytes);
        out.bytes.extend(check);
        out.bytes
    }

    fn encode_incidents(&self, out: &mut Writer) {
        let signatures = Places::of(self.incidents.iter().map(|incident| incident.signature));
        let endings = || self.incidents.iter().filter_map(|incident| incident.ending.step());
        let names =
            Places::of(endings().flat_map(|(_, changed)| changed.iter().map(|name| &**name)));
        out.count(signatures.all.len());
        for signature in &signatures.all {
            out.bytes.extend(signature.0.to_le_bytes());
        }
        out.count(names.all.len());
        for name in &names.all {
            out.text(name);
        }
        out.count(self.incidents.len());
        let mut last_at = 0;
        for incident in &self.incidents {
            out.number(u64::from(incident.at.saturating_sub(last_at)));
            last_at = incident.at;
            out.number(signatures.place(&incident.signature));
            let kind = match incident.ending {
                Ending::Open => 0,
                Ending::Resolved { .. } => 1,
                Ending::DeadEnd { .. } => 2,
                Ending::OtherError { .. } => 3,
            };
            let Some((at, changed)) = incident.ending.step() else {
                out.number(kind);
                continue;
            };
            out.number(kind | u64::from(at.saturating_sub(incident.at)) << 2);
            out.count(changed.len());
            for name in changed {
                out.number(names.place(&&**name));
            }
        }
    }

    /// The digest that `bytes` hold; `None` for another version or for bytes that no digest has.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, check) = bytes.split_at_checked(bytes.len().checked_sub(N_CHECK_BYTES)?)?;
        let (version, rest) = body.split_first()?;
        if *version != VERSION || check_bytes(body) != check {
            return None;
        }
        let mut input = Reader { rest };
        let tools = input.list(|input| input.text().map(Into::into))?;
        let moves = input.list(|input| {
            let number = input.number()?;
            let tool = usize::try_from(number >> 1).ok().filter(|tool| *tool < tools.len())?;
            Some((u32::try_from(tool).ok()?, number & 1 == 1))
        })?;
        let incidents = decode_incidents(&mut input, moves.len())?;
        let mut digest = Self { tools, moves, incidents, n_tokens: None, latency_ms: None };
        input.optional(&mut digest.n_tokens)?;
        input.optional(&mut digest.latency_ms)?;
        input.rest.is_empty().then_some(digest)
    }
}

fn decode_incidents(input: &mut Reader<'_>, n_steps: usize) -> Option<Vec<Incident>> {
    let signatures = input.list(|input| {
        let (bytes, rest) = input.rest.split_first_chunk::<8>()?;
        input.rest = rest;
        Some(Signature(u64::from_le_bytes(*bytes)))
    })?;
    let names = input.list(|input| input.text().map(Box::<str>::from))?;
    let is_step = |at: u32| (at as usize) < n_steps;
    let mut last_at = 0_u32;
    input.list(|input| {
        let at =
            u32::try_from(input.number()?).ok()?.checked_add(last_at).filter(|at| is_step(*at))?;
        last_at = at;
        let signature = *signatures.get(usize::try_from(input.number()?).ok()?)?;
        let kind = input.number()?;
        if kind == 0 {
            return Some(Incident { at, signature, ending: Ending::Open });
        }
        let end = u32::try_from(kind >> 2).ok()?.checked_add(at).filter(|end| is_step(*end))?;
        let changed = input.list(|input| {
            let place = usize::try_from(input.number()?).ok()?;
            names.get(place).cloned()
        })?;
        let ending = match kind & 3 {
            1 => Ending::Resolved { at: end, changed },
            2 => Ending::DeadEnd { at: end, changed },
            3 => Ending::OtherError { at: end, changed },
            _ => return None,
        };
        Some(Incident { at, signature, ending })
    })
}

/// The checksum of a digest's bytes.
fn check_bytes(bytes: &[u8]) -> [u8; N_CHECK_BYTES] {
    let mut hash = Hash::new();
    hash.take(bytes);
    let [a, b, c, d, ..] = hash.finish().to_le_bytes();
    [a, b, c, d]
}

/// Distinct values in the order in which they come, and the place of each.
struct Places<T> {
    all: Vec<T>,
    places: FxHashMap<T, u64>,
}

impl<T: Copy + Eq + std::hash::Hash> Places<T> {
    fn of(values: impl Iterator<Item = T>) -> Self {
        let mut places = Self { all: Vec::new(), places: FxHashMap::default() };
        for value in values {
            let next = places.all.len() as u64;
            if *places.places.entry(value).or_insert(next) == next {
                places.all.push(value);
            }
        }
        places
    }

    fn place(&self, value: &T) -> u64 {
        self.places.get(value).copied().unwrap_or(0)
    }
}

struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Seven bits a byte, lowest first; the highest bit says that more follow (LEB128).
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
    }

    fn count(&mut self, n: usize) {
        self.number(n as u64);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend(text.as_bytes());
    }

    fn optional(&mut self, number: Option<u64>) {
        self.bytes.push(u8::from(number.is_some()));
        if let Some(number) = number {
            self.number(number);
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            let part = u64::from(byte & 0x7f);
            number |= part << shift;
            if part << shift >> shift != part {
                return None;
            }
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let n_bytes = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(n_bytes)?;
        self.rest = rest;
        std::str::from_utf8(text).ok()
    }

    fn optional(&mut self, number: &mut Option<u64>) -> Option<()> {
        let (flag, rest) = self.rest.split_first()?;
        self.rest = rest;
        match flag {
            0 => {}
            1 => *number = Some(self.number()?),
            _ => return None,
        }
        Some(())
    }

    /// A list; a count that the bytes cannot hold reserves no memory, since each item takes a byte.
    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let n = usize::try_from(self.number()?).ok().filter(|n| *n <= self.rest.len())?;
        let mut items = Vec::with_capacity(n);
        for _ in 0..n {
            items.push(read(self)?);
        }
        Some(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ending(at: u32, n_steps: u32) -> impl Strategy<Value = Ending> {
        let names = || prop::collection::vec("[a-z]{0,3}".prop_map(Box::from), 0..3);
        prop_oneof![
            Just(Ending::Open),
            (at..n_steps, names()).prop_map(|(at, changed)| Ending::Resolved { at, changed }),
            (at..n_steps, names()).prop_map(|(at, changed)| Ending::DeadEnd { at, changed }),
            (at..n_steps, names()).prop_map(|(at, changed)| Ending::OtherError { at, changed }),
        ]
    }

    fn digest() -> impl Strategy<Value = Digest> {
        let tools = prop::collection::vec("\\PC{0,5}".prop_map(Box::from), 1..5);
        (tools, prop::collection::vec((0..5_u32, any::<bool>()), 0..40)).prop_flat_map(
            |(tools, mut moves)| {
                let n_tools = u32::try_from(tools.len()).unwrap();
                for (tool, _) in &mut moves {
                    *tool %= n_tools;
                }
                let n_steps = u32::try_from(moves.len()).unwrap();
                let errors = (0..n_steps).map(|at| {
                    (any::<bool>(), 0..4_u64, ending(at, n_steps)).prop_map(
                        move |(is, signature, ending)| {
                            let signature = Signature(signature << 40);
                            is.then_some(Incident { at, signature, ending })
                        },
                    )
                });
                (errors.collect::<Vec<_>>(), any::<Option<u64>>(), any::<Option<u64>>()).prop_map(
                    move |(incidents, n_tokens, latency_ms)| Digest {
                        tools: tools.clone(),
                        moves: moves.clone(),
                        incidents: incidents.into_iter().flatten().collect(),
                        n_tokens,
                        latency_ms,
                    },
                )
            },
        )
    }

    proptest! {
        #[test]
        fn a_digest_comes_back_as_it_was(digest in digest()) {
            prop_assert_eq!(Digest::decode(&digest.encode()), Some(digest));
        }

        #[test]
        fn a_damaged_digest_is_none(digest in digest(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let bytes = digest.encode();
            let at = at.index(bytes.len());
            prop_assert_eq!(Digest::decode(&bytes[..at]), None);
            let mut flipped = bytes;
            flipped[at] ^= 1 << bit;
            prop_assert_eq!(Digest::decode(&flipped), None);
        }

        #[test]
        fn bytes_of_nobody_do_no_harm(mut bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(Digest::decode(&bytes), None);
            // The same behind a right checksum.
            bytes.insert(0, VERSION);
            let check = check_bytes(&bytes);
            bytes.extend(check);
            if let Some(digest) = Digest::decode(&bytes) {
                prop_assert!(digest.moves.iter().all(|(tool, _)| (*tool as usize) < digest.tools.len()));
            }
        }
    }

    #[test]
    fn the_bytes_of_version_1_never_change() {
        let changed = vec!["command".into()];
        let digest = Digest {
            tools: vec!["bash:ls".into(), "edit".into()],
            moves: vec![(0, true), (1, false), (1, true), (1, false)],
            incidents: vec![
                Incident {
                    at: 1,
                    signature: Signature(0x0102),
                    ending: Ending::Resolved { at: 2, changed },
                },
                Incident { at: 3, signature: Signature(0x0102), ending: Ending::Open },
            ],
            n_tokens: Some(300),
            latency_ms: None,
        };
        let mut golden = b"\x01\x02\x07bash:ls\x04edit\x04\x01\x02\x03\x02".to_vec();
        golden.extend(
            b"\x01\x02\x01\0\0\0\0\0\0\x01\x07command\x02\x01\0\x05\x01\0\x02\0\0\x01\xac\x02\0",
        );
        assert_eq!(
            digest.encode().split_last_chunk::<4>().unwrap(),
            (&*golden, &[254, 232, 249, 18])
        );
        assert_eq!(Digest::decode(&digest.encode()), Some(digest.clone()));
        let mut newer = digest.encode();
        newer[0] = 2;
        let body = newer.len() - N_CHECK_BYTES;
        let check = check_bytes(&newer[..body]);
        newer[body..].copy_from_slice(&check);
        assert_eq!(Digest::decode(&newer), None, "another version");
    }

    #[test]
    fn a_long_episode_takes_few_bytes_for_a_step() {
        let tools = (0..50).map(|n| format!("tool{n}").into()).collect();
        let moves = (0..5_000).map(|n| (n % 50, n % 2 == 0)).collect();
        let incident = |at| Incident {
            at,
            signature: Signature(u64::from(at % 20)),
            ending: Ending::Resolved { at: at + 2, changed: vec!["command".into()] },
        };
        let incidents = (0..2_499).map(|n| incident(2 * n)).collect();
        let digest = Digest { tools, moves, incidents, n_tokens: None, latency_ms: None };
        let n_bytes = digest.encode().len();
        assert!(n_bytes <= 4 * 5_000, "{n_bytes}");
    }
}
