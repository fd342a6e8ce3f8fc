//! Rules about names of files.

use std::path::Path;

/// Names that say nothing of the content of a file.
const BANNED: [&str; 9] =
    ["types", "helpers", "utils", "common", "manager", "handlers", "impl", "core", "extended"];

/// Finds source files whose name says nothing, or that exist in two versions.
#[must_use]
pub fn bad_file_names<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let is_bad = |path: &&str| {
        let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_version = stem.rsplit_once("_v").is_some_and(|(_, version)| {
            !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
        });
        BANNED.contains(&stem) || is_version
    };
    paths.filter(is_bad).map(|path| format!("{path}: name the file by what is in it")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_nothing_are_found() {
        let bad = ["src/types.rs", "src/utils.rs", "src/index_v2.rs", "a/impl.rs", "core.rs"];
        assert_eq!(bad_file_names(bad.into_iter()).len(), bad.len());
        let good = ["src/bm25.rs", "src/core_detect.rs", "src/ipv6_v.rs", "utils/fuse.rs"];
        assert_eq!(bad_file_names(good.into_iter()), Vec::<String>::new());
    }
}
