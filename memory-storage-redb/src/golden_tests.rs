//! Bytes of values as they are on disk: a change of any of them makes stores unreadable.

use memory_core::backend::NamedState;
use memory_core::{Change, ChangeOp, Closing, Episode, Note, Origin, Outcome, RecordId, Step};
use memory_testkit::sample;
use proptest::prelude::*;

use crate::changes::{self, RecordRow, State};
use crate::{episodes, notes, sources, states, steps, vectors};

/// Compares bytes with those that were once written, both in hexadecimal digits.
fn assert_golden(bytes: &[u8], golden: &str) {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let golden: String = golden.split_whitespace().collect();
    assert_eq!(digits.concat(), golden, "the format of a published version changed");
}

fn episode() -> Episode {
    let closing =
        Closing { inferred: Some("tests green".into()), ..sample::closing(Some(Outcome::Success)) };
    Episode { closing: Some(closing), origin: Origin::User, ..sample::full_episode(1) }
}

#[test]
fn an_episode_has_the_bytes_that_it_had() {
    let bytes = episodes::to_bytes(&episode()).unwrap();
    assert_golden(
        &bytes,
        "000961636d652f73686f70067461736b20310601066275676669780104727573740105746f6b\
              696f01076261636b656e640202636905666c616b79010b636c617564652d636f646501046f70\
              7573010973657373696f6e2d31010b6669782f74696d656f757401056a736f6e6c0965706973\
              6f64652d310475736572d0ff86c2ee6580ed87c2ee650107726574726965730198f3a2000070\
              00800000000000000202020198f3a200007000800000000000000101010198f3a20000700080\
              0000000000000300030101030100ff01010773756363657373010b746573747320677265656e\
              c0f4c3c2ee65012772616973656420746865206c696d69742c206f6e65207465737420697320\
              7374696c6c2072656427020b7372632f706f6f6c2e72730d636f6d6d69742031663265336401\
              000000000000e43f01000000000000d0bf02020198f3a2000070008000000000000003010198\
              f3a2000070008000000000000004012572656164696e6720746865206c6f6720666972737420\
              736176656420612072656275696c6425",
    );
    let read = episodes::from_bytes(episode().id, 7, &bytes).unwrap();
    assert_eq!(read, Episode { n_steps: 7, ..episode() });
}

#[test]
fn a_note_has_the_bytes_that_it_had() {
    let note = Note {
        episode: Some(sample::episode_id(1)),
        supersedes: Some(sample::note_id(2)),
        superseded_by: Some(sample::note_id(3)),
        ..sample::full_note(1)
    };
    let bytes = notes::to_bytes(&note).unwrap();
    assert_golden(
        &bytes,
        "00047475726e0961636d652f73686f70066e6f746520310601034164610108706c616e6e696e\
              67030202646204706f6f6c01056a736f6e6c066e6f74652d3104746f6f6c010198f3a2000070\
              008000000000000001d0ff86c2ee65a08c88c2ee6501d0ff86c2ee650180f980c3ee65010198\
              f3a2000070008000000000000002010198f3a20000700080000000000000030201c0ab88c2ee\
              650005",
    );
    assert_eq!(notes::from_bytes(note.id, &bytes).unwrap(), note);
}

#[test]
fn records_of_other_machines_end_with_who_made_them() {
    let machine = "07".repeat(16);
    let name = "08706572736f6e2037";
    let ours = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    let author = Some(sample::author(7));
    let theirs = Episode { author: author.clone(), ..episode() };
    let own = ours(episodes::to_bytes(&episode()).unwrap()).concat();
    let bytes = episodes::to_bytes(&theirs).unwrap();
    assert_golden(&bytes, &format!("01{}{name}{machine}", &own[2..]));
    let read = episodes::from_bytes(theirs.id, 0, &bytes).unwrap();
    assert_eq!(read, Episode { n_steps: 0, ..theirs });
    let theirs = Note { author, ..sample::full_note(1) };
    let own = ours(notes::to_bytes(&sample::full_note(1)).unwrap()).concat();
    let bytes = notes::to_bytes(&theirs).unwrap();
    assert_golden(&bytes, &format!("01{}{name}{machine}", &own[2..]));
    assert_eq!(notes::from_bytes(theirs.id, &bytes).unwrap(), theirs);
}

#[test]
fn a_step_has_the_bytes_that_it_had() {
    let step = Step { idx: 5, call_id: Some("call-1".into()), ..sample::full_step(1) };
    let bytes = steps::to_bytes(&step).unwrap();
    assert_golden(
        &bytes,
        "00010663616c6c2d3104626173680105636172676f147b22636f6d6d616e64223a226d616b65\
              2031227d1406646f6e6520310600012b6572726f725b45303338325d3a20626f72726f77206f\
              66206d6f7665642076616c75653a2060706f6f6c602b01d309014ed0ff86c2ee65",
    );
    assert_eq!(steps::from_bytes(5, &bytes).unwrap(), step);
}

#[test]
fn a_vector_has_the_bytes_that_it_had() {
    let vector = sample::vector(sample::note_id(1), 2, 3);
    let bytes = vectors::to_bytes(&vector).unwrap();
    assert_golden(
        &bytes,
        "00020198f3a200007000800000000000000102fcffffffffffffffff010c00004040000080bf\
              00008000",
    );
    assert_eq!(vectors::from_bytes(&bytes).unwrap(), vector);
}

#[test]
fn the_small_values_have_the_bytes_that_they_had() {
    let states = [
        (State::Removed, "00 ac02 00 8101"),
        (State::Note, "00 ac02 01 8101"),
        (State::Open, "00 ac02 02 8101"),
        (State::Completed(true), "00 ac02 03 01 8101"),
        (State::OpenElsewhere, "00 ac02 05 8101"),
        (State::Abandoned(false), "00 ac02 04 00 8101"),
    ];
    for (state, golden) in states {
        let row = RecordRow { seq: 300, state, n_steps: 129 };
        let bytes = row.to_bytes().unwrap();
        assert_golden(&bytes, golden);
        assert_eq!(RecordRow::from_bytes(&bytes).unwrap(), row);
    }
    for (op, golden) in [
        (ChangeOp::Put, "00 01 0198f3a2000070008000000000000001 00"),
        (ChangeOp::Remove, "00 01 0198f3a2000070008000000000000001 01"),
    ] {
        let change = Change { seq: 9, id: sample::episode_id(1).into(), op };
        let bytes = changes::to_bytes(&change).unwrap();
        assert_golden(&bytes, golden);
        assert_eq!(changes::from_bytes(9, &bytes).unwrap(), change);
    }
    let state = NamedState {
        name: "sessions/a".into(),
        bytes: [1, 0, 255].into(),
        recorded_at: sample::instant(1),
    };
    let bytes = states::to_bytes(&state).unwrap();
    assert_golden(&bytes, "00 d0ff86c2ee65 03 0100ff");
    assert_eq!(states::from_bytes("sessions/a", &bytes).unwrap(), state);
    let id = RecordId::from(sample::note_id(1));
    assert_golden(&sources::to_bytes(Some(id)).unwrap(), "00 01 0198f3a2000070008000000000000001");
    assert_golden(&sources::to_bytes(None).unwrap(), "00 00");
}

proptest! {
    #[test]
    fn any_step_is_read_back(
        texts in prop::array::uniform3(".{0,40}"),
        call_id in prop::option::of(".{0,9}"),
        numbers in any::<(u64, u64, i64, bool)>(),
    ) {
        let [tool, args, error] = texts;
        let step = Step {
            tool: tool.into(),
            call_id: call_id.map(Into::into),
            args: memory_core::Excerpt::from_parts(args, numbers.0),
            error: Some(sample::text(error)),
            latency_ms: Some(numbers.1),
            occurred_at: memory_core::Timestamp::from_millis(numbers.2),
            ok: numbers.3,
            ..sample::step(1)
        };
        let bytes = steps::to_bytes(&step).unwrap();
        prop_assert_eq!(steps::from_bytes(0, &bytes).unwrap(), step);
    }

    /// A page that was damaged is an error, whatever its bytes.
    #[test]
    fn bytes_that_are_no_value_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let id = sample::episode_id(1);
        if let Ok(read) = episodes::from_bytes(id, 0, &bytes) {
            prop_assert_eq!(read.id, id);
        }
        drop(notes::from_bytes(sample::note_id(1), &bytes));
        drop(steps::from_bytes(0, &bytes));
        drop(vectors::from_bytes(&bytes));
    }
}
