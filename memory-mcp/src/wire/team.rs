//! The mark `team` of a record that another machine made: who that was.

use memory_core::Author;

/// Returns the name of an author; that of the machine where they set none.
pub(crate) fn team(author: &Author) -> String {
    if !author.name.trim().is_empty() {
        return author.name.to_string();
    }
    // The last digits: the first ones of two machines may be the same instant.
    let [.., a, b, c, d] = author.machine.0;
    format!("machine {:08x}", u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use memory_core::Episode;
    use memory_core::exchange::MachineId;
    use memory_testkit::sample;

    use super::*;
    use crate::wire::{Detail, EpisodeView};

    #[test]
    fn a_record_of_another_machine_names_who_made_it() {
        for (name, shown) in [("Ada", "Ada"), (" ", "machine abababab")] {
            let author = Author { name: name.into(), machine: MachineId([0xab; 16]) };
            let episode = Episode { author: Some(author), ..sample::episode(1) };
            for detail in [Detail::Whole, Detail::Brief { text_bytes: 80 }] {
                let view = EpisodeView::new(&episode, detail);
                assert_eq!(view.team.get().map(String::as_str), Some(shown));
            }
        }
    }
}
