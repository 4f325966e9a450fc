//! Whether memory of this process can be swapped out, which decides how slots are made zero again.
//!
//! wasmtime 48 resets a slot by the pages that `PAGEMAP_SCAN` reports as written *and present*. A page that was swapped
//! out is neither, so the next instance would read what the previous one wrote. Hence the fast way is taken only where
//! nothing is swapped: no swap is in use on the machine, or this process's group may not use any.
//!
//! An operator who turns swap on under a running node should set `slot_reset = "madvise"`, or restart the node.

use std::path::Path;

/// What the machine says about swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// Nothing can be swapped out.
    Off,
    /// Something may be.
    On,
    /// The machine does not say; treated as on.
    Unknown,
}

impl Swap {
    /// Asks the kernel.
    #[must_use]
    pub fn detect() -> Self {
        let read = |path: &Path| std::fs::read_to_string(path).ok();
        let group =
            read(Path::new("/proc/self/cgroup")).and_then(|text| unified_group(&text).map(str::to_owned));
        let limit = group.and_then(|group| {
            let group = Path::new("/sys/fs/cgroup").join(group.trim_start_matches('/'));
            read(&group.join("memory.swap.max"))
        });
        Self::judge(read(Path::new("/proc/swaps")).as_deref(), limit.as_deref())
    }

    fn judge(swaps: Option<&str>, group_limit: Option<&str>) -> Self {
        if group_limit.map(str::trim) == Some("0") {
            return Self::Off;
        }
        match swaps {
            // The first line names the columns; each further one is an area in use.
            Some(text) if text.starts_with("Filename") => {
                if text.lines().skip(1).any(|line| !line.trim().is_empty()) { Self::On } else { Self::Off }
            }
            _ => Self::Unknown,
        }
    }
}

/// The group of the unified hierarchy (cgroup v2), from the text of `/proc/self/cgroup`.
fn unified_group(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
    const ONE: &str = "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 8388604 0 -2\n";

    #[test]
    fn only_a_clear_no_is_a_no() {
        for (swaps, limit, expected) in [
            (Some(NONE), None, Swap::Off),
            (Some(NONE), Some("max\n"), Swap::Off),
            (Some(ONE), Some("0\n"), Swap::Off),
            (None, Some("0\n"), Swap::Off),
            (Some(ONE), None, Swap::On),
            (Some(ONE), Some("max\n"), Swap::On),
            (Some(ONE), Some("1048576\n"), Swap::On),
            (None, None, Swap::Unknown),
            (Some(""), None, Swap::Unknown),
        ] {
            assert_eq!(Swap::judge(swaps, limit), expected, "{swaps:?} {limit:?}");
        }
    }

    #[test]
    fn the_group_is_found_among_older_hierarchies() {
        assert_eq!(unified_group("9:name=systemd:/\n4:memory:/x\n0::/user.slice/y\n"), Some("/user.slice/y"));
        assert_eq!(unified_group("4:memory:/x\n"), None);
    }
}
