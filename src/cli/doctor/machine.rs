//! What the machine's kernel is set to, where it matters for speed or for what tenants can learn of each other.

use std::path::Path;

use super::{Finding, Health, finding};

/// What was found below `/sys`, and of what is mounted.
pub(super) fn findings() -> Vec<Finding> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut findings = Vec::from(look(Path::new("/sys")));
    findings.extend(groups(&mounts));
    findings
}

/// A function zygote joins its groups before it reads any code, and by default waits for the kernel's grace period there:
/// 12 to 18 ms, half of a first start. One hierarchy's option holds for all.
fn groups(mounts: &str) -> Option<Finding> {
    let (place, options) = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (place, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "cgroup2").then_some((place, options))
    })?;
    let is_quick = options.split(',').any(|option| option == "favordynmods");
    Some(match is_quick {
        true => finding("joining groups", Health::Ok, "at once"),
        false => finding(
            "joining groups",
            Health::Warn,
            format!(
                "a function's first start waits some 15 ms for it; not after `mount -o remount,favordynmods {place}`, which \
                 holds for the whole machine and makes forks and exits a little slower",
            ),
        ),
    })
}

fn look(sys: &Path) -> [Finding; 3] {
    let read = |path: &str| std::fs::read_to_string(sys.join(path)).unwrap_or_default();
    let pages = read("kernel/mm/transparent_hugepage/enabled");
    let (threads, merging) = (
        read("devices/system/cpu/smt/active"),
        read("kernel/mm/ksm/run"),
    );
    [
        match pages.contains("[never]") {
            true => finding(
                "huge pages",
                Health::Warn,
                "never; cold starts are faster with `madvise` or `always`",
            ),
            false => finding("huge pages", Health::Ok, pages.trim()),
        },
        match threads.trim() {
            "1" => finding(
                "threads of a core",
                Health::Warn,
                "functions may share a core; `nosmt` on the kernel's command line keeps them from measuring each other",
            ),
            _ => finding("threads of a core", Health::Ok, "one for each core"),
        },
        // Zygo's own processes never offer their memory to be merged.
        match merging.trim() {
            "1" => finding(
                "memory merging",
                Health::Warn,
                "on; what is equal elsewhere can be told by time, and Zygo does not need it: echo 2 > /sys/kernel/mm/ksm/run",
            ),
            _ => finding("memory merging", Health::Ok, "off"),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_groups_are_joined_at_once_is_told() {
        let old = "cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0\n";
        let new = "cgroup2 /sys/fs/cgroup cgroup2 rw,relatime,nsdelegate 0 0\n";
        let quick = new.replace("nsdelegate", "favordynmods,nsdelegate");
        let health = |mounts: &str| groups(mounts).map(|one| one.health == Health::Ok);
        assert_eq!(
            [old, new, &quick].map(health),
            [None, Some(false), Some(true)]
        );
        let told = groups(new).unwrap().text;
        assert!(
            told.contains("remount,favordynmods /sys/fs/cgroup`"),
            "{told}"
        );
    }

    #[test]
    fn a_machine_that_shares_is_warned_of() {
        let sys = tempfile::tempdir().unwrap();
        for (path, text) in [
            (
                "kernel/mm/transparent_hugepage/enabled",
                "always madvise [never]\n",
            ),
            ("devices/system/cpu/smt/active", "1\n"),
            ("kernel/mm/ksm/run", "1\n"),
        ] {
            let path = sys.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let warned = |found: [Finding; 3]| found.map(|one| one.health == Health::Warn);
        assert_eq!(warned(look(sys.path())), [true, true, true]);
        let nothing = tempfile::tempdir().unwrap();
        assert_eq!(warned(look(nothing.path())), [false, false, false]);
    }
}
