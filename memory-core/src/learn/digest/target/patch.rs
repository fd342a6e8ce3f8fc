//! Files that a patch changes.

/// Beginnings of lines that name a changed file, in unified diffs and in patches of other forms.
const NAMING: [&str; 6] = [
    DIFF,
    "*** Update File: ",
    "*** Add File: ",
    "*** Move to: ",
    "*** Delete File: ",
    "rename to ",
];

/// Beginning of the line that names the new side in a unified diff.
const DIFF: &str = "+++ ";

/// Lines of a patch that are read: larger ones are generated.
const MAX_LINES: usize = 20_000;

/// Returns whether a text is a patch, or holds one.
pub(super) fn is_patch(text: &str) -> bool {
    text.contains("diff --git ")
        || text.contains("*** Begin Patch")
        || (text.contains("--- ") && text.contains("\n+++ ") && text.contains("\n@@"))
}

/// Returns the files that a patch changes, in their order.
pub(super) fn changed(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take(MAX_LINES).filter_map(|line| {
        let (naming, name) =
            NAMING.iter().find_map(|naming| Some((*naming, line.strip_prefix(naming)?)))?;
        let name = name.split('\t').next().unwrap_or(name).trim();
        // Only diffs name the two sides.
        let side = if naming == DIFF { "b/" } else { "" };
        let name = name.strip_prefix(side).unwrap_or(name);
        (name != "/dev/null" && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_and_a_patch_of_an_agent_name_their_files() {
        let diff = "diff --git a/x.rs b/x.rs\n--- a/x.rs\n+++ b/x.rs\t2026\n@@ -1 +1 @@\n-a\n+b\n\
                    --- a/y.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n";
        assert!(is_patch(diff));
        assert_eq!(changed(diff).collect::<Vec<_>>(), ["x.rs"]);
        let patch = "*** Begin Patch\n*** Update File: app/a.py\n@@\n-x\n+y\n*** Add File: b.py\n\
                     +z\n*** End Patch";
        assert!(is_patch(patch));
        assert_eq!(changed(patch).collect::<Vec<_>>(), ["app/a.py", "b.py"]);
        assert!(!is_patch("--- a title\ntext"));
    }
}
