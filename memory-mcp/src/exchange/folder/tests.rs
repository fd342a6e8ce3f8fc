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

/// Pushes entry `n` with `state` as its bytes.
fn push(folder: &mut Folder, n: u8, state: u64) {
    let bytes = state.to_le_bytes().into();
    folder.push(&[Entry { bytes, ..entry(1, n, "s") }]).unwrap();
}

fn files(dir: &Path) -> BTreeMap<String, PathBuf> {
    let files = fs::read_dir(dir.join(name_of(MachineId([1; 16])))).unwrap().flatten();
    files.map(|file| (file.file_name().into_string().unwrap(), file.path())).collect()
}

/// What a reader knows: the newest state of each entry that it was told.
#[derive(Default)]
struct Reader {
    cursor: Option<Cursor>,
    known: BTreeMap<RecordId, u64>,
    n_told: usize,
}

impl Reader {
    fn read(&mut self, dir: &Path, limit_bytes: usize) -> bool {
        // Each exchange has a handle of its own.
        let mut folder = Folder::new(dir.to_owned());
        let own = MachineId([2; 16]);
        let pulled = folder.pull(own, &["s".into()], self.cursor.as_ref(), limit_bytes).unwrap();
        self.n_told += pulled.entries.len();
        for entry in pulled.entries {
            let state = u64::from_le_bytes((*entry.bytes).try_into().unwrap());
            // As records merge: an older state changes nothing.
            let known = self.known.entry(entry.record).or_default();
            *known = (*known).max(state);
        }
        self.cursor = Some(pulled.cursor);
        pulled.more
    }
}

#[test]
fn many_segments_become_few_and_whoever_has_read_them_reads_nothing_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut folder = Folder::new(dir.path().to_owned());
    let (mut always, mut seldom) = (Reader::default(), Reader::default());
    let n_pushes = 3 * merging::MAX_SEGMENTS as u64;
    for state in 1..=n_pushes {
        push(&mut folder, u8::try_from(state % 5).unwrap(), state);
        always.read(dir.path(), usize::MAX);
        assert!(files(dir.path()).len() <= merging::MAX_SEGMENTS);
        if state == 30 {
            seldom.read(dir.path(), usize::MAX);
        }
    }
    assert_eq!(always.n_told as u64, n_pushes, "each once");
    let mut new = Reader::default();
    for reader in [&mut seldom, &mut new] {
        reader.read(dir.path(), usize::MAX);
        assert_eq!(reader.known, always.known);
    }
    assert_eq!(new.n_told, 5, "what was replaced is not told");
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let sizes: u64 = files(dir.path()).values().map(size).sum();
    assert!(100 * n_pushes > 4 * sizes, "{sizes} bytes");
}

#[test]
fn a_merging_that_was_cut_off_is_made_good() {
    let dir = tempfile::tempdir().unwrap();
    let mut folder = Folder::new(dir.path().to_owned());
    let (mut kept, mut state) = (BTreeMap::new(), 0);
    while !files_or_none(dir.path()).keys().any(|name| name.contains('-')) {
        kept.extend(files_or_none(dir.path()).into_iter().map(|(name, path)| {
            let bytes = fs::read(&path).unwrap();
            (path, (name, bytes))
        }));
        state += 1;
        push(&mut folder, u8::try_from(state % 7).unwrap(), state);
    }
    // As if it had been killed before it removed what it had merged.
    for (path, (_, bytes)) in &kept {
        fs::write(path, bytes).unwrap();
    }
    let mut reader = Reader::default();
    while reader.read(dir.path(), 1) {}
    assert_eq!((reader.known.len(), reader.n_told), (7, 7), "each from one file");
    push(&mut folder, 1, state + 1);
    assert!(kept.keys().all(|path| !path.exists()), "the next push removes them");
    reader.read(dir.path(), usize::MAX);
    assert_eq!(reader.n_told, 8);
}

fn files_or_none(dir: &Path) -> BTreeMap<String, PathBuf> {
    if dir.join(name_of(MachineId([1; 16]))).exists() { files(dir) } else { BTreeMap::new() }
}

#[test]
fn in_whatever_order_files_come_and_go_elsewhere_all_is_read_there() {
    for seed in 0..2 {
        // A step of xorshift.
        let mut chance: u64 = 0x9e37_79b9_7f4a_7c15 + seed;
        let mut below = |n: usize| {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            usize::try_from(chance % 1_000_003).unwrap() % n
        };
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut folder = Folder::new(here.path().to_owned());
        let own = name_of(MachineId([1; 16]));
        fs::create_dir(there.path().join(&own)).unwrap();
        let (mut reader, mut state) = (Reader::default(), 0);
        for _ in 0..80 {
            state += 1;
            push(&mut folder, u8::try_from(below(40)).unwrap(), state);
            // A program that keeps folders in step: some of the differences, in any order, and
            // some of a file before the rest.
            let (from, to) = (files(here.path()), files(there.path()));
            let all: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
            for name in all {
                let target = there.path().join(&own).join(name);
                match (from.get(name), below(10)) {
                    (_, 0..=5) => {}
                    (None, _) => fs::remove_file(target).unwrap(),
                    (Some(path), kind) => {
                        let bytes = fs::read(path).unwrap();
                        let n = if kind == 6 { below(bytes.len()) } else { bytes.len() };
                        fs::write(target, &bytes[..n]).unwrap();
                    }
                }
            }
            // One that keeps up, and one that is far behind.
            if below([4, 24][usize::try_from(seed).unwrap()]) == 0 {
                reader.read(there.path(), 1 + below(60));
            }
        }
        for (name, path) in files(here.path()) {
            fs::copy(path, there.path().join(&own).join(name)).unwrap();
        }
        while reader.read(there.path(), 60) {}
        let mut new = Reader::default();
        new.read(here.path(), usize::MAX);
        assert_eq!(reader.known, new.known, "seed {seed}");
    }
}

mod conformance {
    use super::*;

    memory_testkit::carrier_conformance!(|dir| Folder::new(dir.to_owned()));
}
