//! Machine, day and source of a record.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The machine, the source and the day of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Day of the record, in UTC.
    pub date: String,
    /// Commit of the source, with `+` when files differ from it.
    pub commit: String,
    /// Processor.
    pub cpu: String,
    /// Its logical cores.
    pub n_cores: usize,
    /// Operating system.
    pub os: String,
}

impl Provenance {
    /// Reads machine, day and source; `unknown` for those that the system does not report.
    #[must_use]
    pub fn here() -> Self {
        Self {
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            commit: commit(),
            cpu: value_in("/proc/cpuinfo", "model name", ':'),
            n_cores: std::thread::available_parallelism().map_or(0, usize::from),
            os: format!(
                "{} {} ({})",
                std::env::consts::OS,
                std::env::consts::ARCH,
                value_in("/etc/os-release", "PRETTY_NAME", '=')
            ),
        }
    }

    /// Returns a short name of the machine that can be part of a file name.
    #[must_use]
    pub fn machine_name(&self) -> String {
        let words = self.cpu.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
        let noise = ["R", "TM", "CPU", "Processor", "GHz"];
        let words: Vec<&str> = words.filter(|word| !noise.contains(word)).take(4).collect();
        format!("{}-{}core", words.join("-").to_lowercase(), self.n_cores)
    }
}

fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok().filter(|o| o.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let is_clean =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|s| s.is_empty());
    if is_clean { commit } else { commit + "+" }
}

fn value_in(path: &str, key: &str, separator: char) -> String {
    let text = std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    let value = text.lines().find_map(|line| {
        let (name, value) = line.split_once(separator)?;
        (name.trim() == key).then(|| value.trim().trim_matches('"').to_owned())
    });
    value.unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_a_name_for_files() {
        let cpu = "Intel(R) Xeon(R) CPU @ 2.60GHz".to_owned();
        let of = |cpu| Provenance {
            date: String::new(),
            commit: String::new(),
            cpu,
            n_cores: 2,
            os: String::new(),
        };
        assert_eq!(of(cpu).machine_name(), "intel-xeon-2-60ghz-2core");
        assert_eq!(of("unknown".into()).machine_name(), "unknown-2core");
    }
}
