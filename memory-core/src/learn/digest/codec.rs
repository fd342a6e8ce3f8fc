//! Stored form of a digest.
//!
//! A version byte, the digest in varints, and a checksum of four bytes. A version that was ever
//! stored is never changed; a new layout gets the next number. Bytes that cannot be read lose
//! nothing: the digest is computed again from the steps.

use super::call_key::is_kept;
use super::cost::{decode_costs, encode_costs};
use super::distinct::Distinct;
use super::incident::{Ending, Incident};
use super::synopsis::{ErrorEnd, KINDS};
use super::target::{CallResult, Target};
use super::{CallKey, Digest, Signature, Sketch, Synopsis};
use crate::codec::{ByteReader, ByteWriter, DecodeError};
use crate::learn::hash::StableHash;

/// Version that is written.
const VERSION: u8 = 9;

/// Number of bytes of the checksum at the end.
const CHECKSUM_BYTES: usize = 4;

/// Distance of a call that did not come before.
const NEW_CALL: u64 = 0;

/// Codes of how an incident ended, in the two lowest bits of the number that holds the distance to
/// its last step.
const OPEN: u64 = 0;
const RESOLVED: u64 = 1;
const DEAD_END: u64 = 2;
const OTHER_ERROR: u64 = 3;

impl Digest {
    /// Version of the stored form: figures that are made from digests hold for one version.
    pub(crate) const VERSION: u8 = VERSION;

    /// Encodes the digest: one or two bytes for a step and five for its call if it is not repeated,
    /// about four for an error, and the names.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = ByteWriter::new();
        out.u8(VERSION);
        out.count(self.tools.len());
        for tool in &self.tools {
            out.text(tool);
        }
        out.count(self.moves.len());
        for (tool, ok) in &self.moves {
            out.varint(u64::from(*tool) << 1 | u64::from(*ok));
        }
        self.encode_calls(&mut out);
        self.encode_incidents(&mut out);
        self.encode_sketches(&mut out);
        out.optional_varint(self.n_tokens);
        out.optional_varint(self.latency_ms);
        encode_costs(&self.costs, &mut out);
        self.encode_synopsis(&mut out);
        let checksum = checksum(out.as_slice());
        out.bytes(&checksum);
        out.into_bytes()
    }

    /// Writes the keys of the calls that are kept: a new one after [`NEW_CALL`], one that came
    /// before by its distance among those that are distinct.
    fn encode_calls(&self, out: &mut ByteWriter) {
        debug_assert_eq!(self.calls.len(), self.moves.len(), "one call for each move");
        let kept = || {
            let calls = self.calls.iter().enumerate();
            calls.filter(|(at, _)| is_kept(*at, self.calls.len())).map(|(_, call)| *call)
        };
        let keys = Distinct::of(kept());
        let mut n_written = 0;
        for key in kept() {
            let position = keys.position(&key);
            if position < n_written {
                out.varint(n_written - position);
            } else {
                out.varint(NEW_CALL);
                out.bytes(&key.0.to_le_bytes());
                n_written = position + 1;
            }
        }
    }

    /// Writes the incidents: their distinct signatures and argument names once, then each incident
    /// with the positions of its own and with its steps as differences.
    fn encode_incidents(&self, out: &mut ByteWriter) {
        let signatures = Distinct::of(self.incidents.iter().map(|incident| incident.signature));
        let endings = self.incidents.iter().filter_map(|incident| incident.ending.step());
        let names = endings.flat_map(|(_, changed)| changed.iter().map(|name| &**name));
        let names = Distinct::of(names);
        out.count(signatures.values.len());
        for signature in &signatures.values {
            out.u64(signature.0);
        }
        out.count(names.values.len());
        for name in &names.values {
            out.text(name);
        }
        out.count(self.incidents.len());
        let mut last_at = 0;
        for incident in &self.incidents {
            debug_assert!(incident.at >= last_at, "incidents are in the order of their steps");
            out.varint(u64::from(incident.at.saturating_sub(last_at)));
            last_at = incident.at;
            out.varint(signatures.position(&incident.signature));
            let code = match incident.ending {
                Ending::Open => OPEN,
                Ending::Resolved { .. } => RESOLVED,
                Ending::DeadEnd { .. } => DEAD_END,
                Ending::OtherError { .. } => OTHER_ERROR,
            };
            let Some((at, changed)) = incident.ending.step() else {
                out.varint(code);
                continue;
            };
            debug_assert!(at >= incident.at, "an error ends after it came");
            out.varint(code | u64::from(at.saturating_sub(incident.at)) << 2);
            out.count(changed.len());
            for name in changed {
                out.varint(names.position(&&**name));
            }
        }
    }

    /// Writes a sketch for each distinct signature.
    fn encode_sketches(&self, out: &mut ByteWriter) {
        for sketch in &self.sketches {
            out.bytes(&sketch.tool.to_le_bytes());
            for words in [&sketch.words, &sketch.salient] {
                out.count(words.len());
                words.iter().for_each(|word| out.bytes(&word.to_le_bytes()));
            }
        }
    }

    fn encode_synopsis(&self, out: &mut ByteWriter) {
        let Synopsis { targets, calls, errors } = &self.synopsis;
        out.count(targets.len());
        for Target { kind, name, is_changed } in targets {
            let number = KINDS.iter().position(|known| known == kind).unwrap_or(KINDS.len());
            out.varint((number as u64) << 1 | u64::from(*is_changed));
            out.text(name);
        }
        out.count(calls.len());
        for CallResult { text, is_ok, n } in calls {
            out.varint(u64::from(*n) << 1 | u64::from(*is_ok));
            out.text(text);
        }
        out.count(errors.len());
        for ErrorEnd { text, n, ended_by } in errors {
            out.varint(u64::from(*n) << 1 | u64::from(ended_by.is_some()));
            out.text(text);
            if let Some(call) = ended_by {
                out.text(call);
            }
        }
    }

    /// Decodes what [`Digest::encode`] wrote.
    ///
    /// Every position in the result is valid: tools of moves lie in `tools`, steps of incidents in
    /// `moves`.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] for another version, a wrong checksum, or bytes that no digest has.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (body, sum) =
            bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(DecodeError::Truncated)?;
        if checksum(body) != *sum {
            return Err(DecodeError::Invalid { what: "checksum" });
        }
        let mut input = ByteReader::new(body);
        if input.u8()? != VERSION {
            return Err(DecodeError::Invalid { what: "version" });
        }
        let tools = input.list(1, |input| input.text().map(Box::<str>::from))?;
        let moves = input.list(1, |input| {
            let number = input.varint()?;
            let tool = u32::try_from(number >> 1).map_err(|_| DecodeError::Overflow)?;
            let is_known = (tool as usize) < tools.len();
            is_known.then_some((tool, number & 1 == 1)).ok_or(TOOL)
        })?;
        let calls = decode_calls(&mut input, moves.len())?;
        let incidents = decode_incidents(&mut input, moves.len())?;
        let n_signatures =
            Distinct::of(incidents.iter().map(|i: &Incident| i.signature)).values.len();
        let sketches = (0..n_signatures).map(|_| decode_sketch(&mut input));
        let sketches = sketches.collect::<Result<_, _>>()?;
        let (n_tokens, latency_ms) = (input.optional_varint()?, input.optional_varint()?);
        let costs = decode_costs(&mut input)?;
        if costs.len() > tools.len() {
            return Err(TOOL);
        }
        let synopsis = decode_synopsis(&mut input)?;
        input.finish()?;
        let known = Self { tools, moves, calls, incidents, synopsis, sketches, ..Self::default() };
        Ok(Self { n_tokens, latency_ms, costs, ..known })
    }
}

const CALL: DecodeError = DecodeError::Invalid { what: "call" };
const TOOL: DecodeError = DecodeError::Invalid { what: "tool" };
const STEP: DecodeError = DecodeError::Invalid { what: "step" };

fn decode_sketch(input: &mut ByteReader<'_>) -> Result<Sketch, DecodeError> {
    let tool = u16::from_le_bytes(input.array()?);
    let mut words = || input.list(2, |input| input.array().map(u16::from_le_bytes));
    let (words, salient) = (words()?.into(), words()?.into());
    Ok(Sketch { tool, words, salient })
}

fn decode_calls(input: &mut ByteReader<'_>, n_steps: usize) -> Result<Vec<CallKey>, DecodeError> {
    let (mut calls, mut keys) = (Vec::with_capacity(n_steps), Vec::new());
    for at in 0..n_steps {
        if !is_kept(at, n_steps) {
            calls.push(CallKey::NONE);
            continue;
        }
        let distance = input.varint()?;
        if distance == NEW_CALL {
            keys.push(CallKey(u32::from_le_bytes(input.array()?)));
        }
        let position = (keys.len() as u64).checked_sub(distance.max(1)).ok_or(CALL)?;
        calls.push(*item(&keys, position)?);
    }
    Ok(calls)
}

fn decode_incidents(
    input: &mut ByteReader<'_>,
    n_steps: usize,
) -> Result<Vec<Incident>, DecodeError> {
    let signatures = input.list(8, |input| input.u64().map(Signature))?;
    let names = input.list(1, |input| input.text().map(Box::<str>::from))?;
    let mut last_at = 0_u32;
    input.list(1, |input| {
        let at = step_after(last_at, input.varint_u32()?, n_steps)?;
        last_at = at;
        let signature = *item(&signatures, input.varint()?)?;
        let number = input.varint()?;
        if number == OPEN {
            return Ok(Incident { at, signature, ending: Ending::Open });
        }
        let distance = u32::try_from(number >> 2).map_err(|_| DecodeError::Overflow)?;
        let end = step_after(at, distance, n_steps)?;
        let changed = input.list(1, |input| item(&names, input.varint()?).cloned())?;
        let ending = match number & 3 {
            RESOLVED => Ending::Resolved { at: end, changed },
            DEAD_END => Ending::DeadEnd { at: end, changed },
            OTHER_ERROR => Ending::OtherError { at: end, changed },
            _ => return Err(DecodeError::Invalid { what: "ending" }),
        };
        Ok(Incident { at, signature, ending })
    })
}

fn decode_synopsis(input: &mut ByteReader<'_>) -> Result<Synopsis, DecodeError> {
    let counted = |number: u64| u32::try_from(number >> 1).map_err(|_| DecodeError::Overflow);
    let targets = input.list(2, |input| {
        let number = input.varint()?;
        let kind = *item(&KINDS, number >> 1)?;
        Ok(Target { kind, name: input.text()?.into(), is_changed: number & 1 == 1 })
    })?;
    let calls = input.list(2, |input| {
        let number = input.varint()?;
        Ok(CallResult { n: counted(number)?, text: input.text()?.into(), is_ok: number & 1 == 1 })
    })?;
    let errors = input.list(2, |input| {
        let number = input.varint()?;
        let text = input.text()?.into();
        let ended_by = if number & 1 == 1 { Some(input.text()?.into()) } else { None };
        Ok(ErrorEnd { text, n: counted(number)?, ended_by })
    })?;
    Ok(Synopsis { targets, calls, errors })
}

/// Returns the step that lies `distance` after another, if the episode has it.
fn step_after(at: u32, distance: u32, n_steps: usize) -> Result<u32, DecodeError> {
    at.checked_add(distance).filter(|step| (*step as usize) < n_steps).ok_or(STEP)
}

/// Returns the item at a position that was read.
fn item<T>(items: &[T], position: u64) -> Result<&T, DecodeError> {
    let position = usize::try_from(position).map_err(|_| DecodeError::Overflow)?;
    items.get(position).ok_or(DecodeError::Invalid { what: "position in a list" })
}

/// Computes the checksum of a digest's bytes.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hash = StableHash::new();
    hash.update(bytes);
    let [a, b, c, d, ..] = hash.finish().to_le_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::ToolCost;
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

    fn synopsis() -> impl Strategy<Value = Synopsis> {
        let text = || "\\PC{0,5}".prop_map(Box::<str>::from);
        let target = (0..KINDS.len(), text(), any::<bool>())
            .prop_map(|(kind, name, is_changed)| Target { kind: KINDS[kind], name, is_changed });
        let call = (text(), any::<bool>(), any::<u32>()).prop_map(|(text, is_ok, n)| CallResult {
            text,
            is_ok,
            n,
        });
        let error = (text(), any::<u32>(), prop::option::of(text()))
            .prop_map(|(text, n, ended_by)| ErrorEnd { text, n, ended_by });
        let lists = (
            prop::collection::vec(target, 0..3),
            prop::collection::vec(call, 0..3),
            prop::collection::vec(error, 0..3),
        );
        lists.prop_map(|(targets, calls, errors)| Synopsis { targets, calls, errors })
    }

    /// Returns some sketch for each distinct signature.
    fn sketches(incidents: &[Incident]) -> Vec<Sketch> {
        let signatures = Distinct::of(incidents.iter().map(|incident| incident.signature));
        let sketch = |signature: &Signature| {
            Sketch::of_error("t", &format!("no such thing as {:x} on port {0}", signature.0))
        };
        signatures.values.iter().map(sketch).collect()
    }

    fn cost(n: u64) -> ToolCost {
        ToolCost { latency_ms: u32::try_from(n >> 20).ok(), n_tokens: u32::try_from(n >> 32).ok() }
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
                let numbers = (any::<Option<u64>>(), any::<Option<u64>>());
                (errors.collect::<Vec<_>>(), numbers, synopsis()).prop_map(
                    move |(incidents, (n_tokens, latency_ms), synopsis)| {
                        let incidents: Vec<Incident> = incidents.into_iter().flatten().collect();
                        Digest {
                            synopsis,
                            tools: tools.clone(),
                            moves: moves.clone(),
                            calls: moves.iter().map(|(tool, _)| CallKey(tool << 24)).collect(),
                            sketches: sketches(&incidents),
                            incidents,
                            n_tokens,
                            latency_ms,
                            costs: n_tokens.map(cost).into_iter().collect(),
                        }
                    },
                )
            },
        )
    }

    proptest! {
        #[test]
        fn a_digest_comes_back_as_it_was(digest in digest()) {
            prop_assert_eq!(Digest::decode(&digest.encode()), Ok(digest));
        }

        #[test]
        fn a_damaged_digest_is_refused(
            digest in digest(), at in any::<prop::sample::Index>(), bit in 0..8_u32,
        ) {
            let bytes = digest.encode();
            let at = at.index(bytes.len());
            prop_assert!(Digest::decode(&bytes[..at]).is_err());
            let mut flipped = bytes;
            flipped[at] ^= 1 << bit;
            prop_assert!(Digest::decode(&flipped).is_err());
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(mut bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(Digest::decode(&bytes).is_err());
            // The same behind a right checksum.
            bytes.insert(0, VERSION);
            let sum = checksum(&bytes);
            bytes.extend(sum);
            if let Ok(digest) = Digest::decode(&bytes) {
                let n_steps = digest.moves.len();
                let is_step = |at: u32| (at as usize) < n_steps;
                let n_tools = digest.tools.len();
                prop_assert!(digest.moves.iter().all(|(tool, _)| (*tool as usize) < n_tools));
                for incident in &digest.incidents {
                    prop_assert!(is_step(incident.at));
                    prop_assert!(incident.ending.step().is_none_or(|(at, _)| is_step(at)));
                }
            }
        }
    }

    #[test]
    fn the_bytes_of_version_9_never_change() {
        let changed = vec!["command".into()];
        let digest = Digest {
            tools: vec!["bash:ls".into(), "edit".into()],
            moves: vec![(0, true), (1, false), (1, true), (1, false)],
            calls: [0x0405, 7, 7, 0x0405].map(CallKey).to_vec(),
            incidents: vec![
                Incident {
                    at: 1,
                    signature: Signature(0x0102),
                    ending: Ending::Resolved { at: 2, changed },
                },
                Incident { at: 3, signature: Signature(0x0102), ending: Ending::Open },
            ],
            sketches: vec![Sketch { tool: 9, words: [0x0102, 7].into(), salient: [5].into() }],
            synopsis: Synopsis {
                targets: vec![Target { kind: KINDS[1], name: "orders".into(), is_changed: true }],
                calls: vec![CallResult { text: "make".into(), is_ok: false, n: 2 }],
                errors: vec![ErrorEnd { text: "red".into(), n: 1, ended_by: Some("ls".into()) }],
            },
            n_tokens: Some(300),
            latency_ms: None,
            costs: vec![ToolCost { latency_ms: None, n_tokens: Some(150) }],
        };
        let mut golden = b"\x09\x02\x07bash:ls\x04edit\x04\x01\x02\x03\x02".to_vec();
        golden.extend(b"\0\x05\x04\0\0\0\x07\0\0\0\x01\x02");
        golden.extend(b"\x01\x02\x01\0\0\0\0\0\0\x01\x07command\x02\x01\0\x05\x01\0\x02\0\0");
        golden.extend(b"\x09\0\x02\x02\x01\x07\0\x01\x05\0");
        golden.extend(b"\x01\xac\x02\0\x01\0\x01\x96\x01");
        golden.extend(b"\x01\x03\x06orders\x01\x04\x04make\x01\x03\x03red\x02ls");
        assert_eq!(
            digest.encode().split_last_chunk::<4>().unwrap(),
            (&*golden, &[140, 40, 125, 173])
        );
        assert_eq!(Digest::decode(&digest.encode()), Ok(digest.clone()));
        let mut newer = digest.encode();
        newer[0] = VERSION + 1;
        let body = newer.len() - CHECKSUM_BYTES;
        let sum = checksum(&newer[..body]);
        newer[body..].copy_from_slice(&sum);
        let version = DecodeError::Invalid { what: "version" };
        assert_eq!(Digest::decode(&newer), Err(version));
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
        let incidents: Vec<Incident> = (0..2_499).map(|n| incident(2 * n)).collect();
        let sketches = sketches(&incidents);
        let call =
            |n: u32| if is_kept(n as usize, 5_000) { CallKey(n / 3 + 1) } else { CallKey::NONE };
        let calls = (0..5_000).map(call).collect();
        let digest = Digest { tools, moves, calls, incidents, sketches, ..Digest::default() };
        let n_bytes = digest.encode().len();
        assert!(n_bytes <= 4 * 5_000, "{n_bytes}");
    }
}
