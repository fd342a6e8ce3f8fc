//! Claims about folders as carriers.

use memory_core::NoteId;

use super::*;

fn entry(machine: u8, n: u8, scope: &str) -> Entry {
    let record = NoteId::from_bytes([n; 16]).into();
    let bytes = vec![n; 9].into();
    Entry { machine: MachineId([machine; 16]), record, scope: scope.into(), bytes }
}

fn pull(folder: &mut Folder, own: u8, after: Option<&Cursor>) -> Pulled {
    folder.pull(MachineId([own; 16]), &["s".into()], after, usize::MAX).unwrap()
}

fn numbers(pulled: &Pulled) -> Vec<u8> {
    pulled.entries.iter().map(|entry| entry.bytes[0]).collect()
}

#[test]
fn each_machine_reads_what_the_others_wrote_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut folder = Folder::new(dir.path().to_owned());
    folder.push(&[entry(1, 1, "s"), entry(1, 2, "other")]).unwrap();
    folder.push(&[entry(2, 3, "s")]).unwrap();
    let first = pull(&mut folder, 2, None);
    assert_eq!((numbers(&first), first.more), (vec![1], false));
    folder.push(&[entry(1, 4, "s")]).unwrap();
    let second = pull(&mut folder, 2, Some(&first.cursor));
    assert_eq!(numbers(&second), [4]);
    let third = pull(&mut folder, 2, Some(&second.cursor));
    assert_eq!((numbers(&third), third.cursor), (vec![], second.cursor));
    assert_eq!(numbers(&pull(&mut folder, 3, None)), [1, 4, 3]);
    let one = folder.pull(MachineId([3; 16]), &["s".into()], None, 1).unwrap();
    assert_eq!((numbers(&one), one.more), (vec![1], true));
    let two = folder.pull(MachineId([3; 16]), &["s".into()], Some(&one.cursor), 1).unwrap();
    assert_eq!(numbers(&two), [4]);
}

#[test]
fn a_segment_that_is_copied_in_part_is_read_once_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut folder = Folder::new(dir.path().to_owned());
    for n in 1..=3 {
        folder.push(&[entry(1, n, "s")]).unwrap();
    }
    let path = dir.path().join(name_of(MachineId([1; 16]))).join("00000002.segment");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    let first = pull(&mut folder, 2, None);
    assert_eq!(numbers(&first), [1, 3], "what came after it is read");
    fs::remove_file(&path).unwrap();
    let second = pull(&mut folder, 2, Some(&first.cursor));
    assert!(numbers(&second).is_empty());
    fs::write(&path, whole).unwrap();
    let third = pull(&mut folder, 2, Some(&second.cursor));
    assert_eq!(numbers(&third), [2]);
    assert!(numbers(&pull(&mut folder, 2, Some(&third.cursor))).is_empty());
}

#[test]
fn strange_files_are_passed_over_and_a_missing_folder_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(".git")).unwrap();
    fs::write(dir.path().join("README.md"), "hello").unwrap();
    let own = dir.path().join(name_of(MachineId([1; 16])));
    fs::create_dir(&own).unwrap();
    fs::write(own.join("x.segment"), "?").unwrap();
    fs::write(own.join("00000007.segment"), "").unwrap();
    let mut folder = Folder::new(dir.path().to_owned());
    assert!(numbers(&pull(&mut folder, 2, Some(&Cursor([1, 2].into())))).is_empty());
    folder.push(&[entry(1, 1, "s")]).unwrap();
    assert!(own.join("00000008.segment").exists(), "no number is used again");
    assert_eq!(numbers(&pull(&mut folder, 2, None)), [1]);
    let mut gone = Folder::new(dir.path().join("gone"));
    let error = gone.push(&[entry(1, 1, "s")]).unwrap_err().to_string();
    assert!(error.contains("no such folder"), "{error}");
    assert!(!dir.path().join("gone").exists());
}

mod conformance {
    use super::*;

    memory_testkit::carrier_conformance!(|dir| Folder::new(dir.to_owned()));
}
