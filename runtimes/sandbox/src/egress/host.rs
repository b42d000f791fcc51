//! What a policy has to know about the machine: its addresses, its resolvers, and where cgroups v2 are.
//!
//! Reads only. Knows nothing of what follows from it.

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, statfs};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::cgroup::Version;
use crate::cgroup::mount::Mount;

/// Where cgroups v2 are on most machines, and where they are beside those of v1.
const USUAL_MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// Where cgroups v2 are mounted.
#[must_use]
pub fn cgroup2_mount() -> Option<PathBuf> {
    let usual = USUAL_MOUNTS.iter().map(Path::new);
    let mut usual = usual.filter(|path| is_cgroup2(path)).map(Path::to_owned);
    usual.next().or_else(|| {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        mounts_of_cgroup2(&mounts).find(|path| is_cgroup2(path))
    })
}

/// Whether a path is a directory of cgroups v2.
pub(super) fn is_cgroup2(path: &Path) -> bool {
    statfs(path).is_ok_and(|its| its.filesystem_type() == CGROUP2_SUPER_MAGIC)
}

fn mounts_of_cgroup2(mounts: &str) -> impl Iterator<Item = PathBuf> {
    let mounts = mounts.lines().filter_map(Mount::parse);
    let of_v2 = mounts.filter(|mount| mount.version == Version::V2);
    of_v2.map(|mount| mount.point)
}

/// The addresses of all interfaces of this network namespace.
pub fn own_addresses() -> io::Result<BTreeSet<IpAddr>> {
    let interfaces = getifaddrs().map_err(io::Error::from)?;
    let addresses = interfaces.filter_map(|interface| ip(&interface.address?));
    Ok(addresses.collect())
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
}

/// The resolvers of names that are set on this machine.
pub fn resolvers() -> io::Result<Vec<IpAddr>> {
    match fs::read_to_string("/etc/resolv.conf") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(resolvers_in("")),
        read => read.map(|text| resolvers_in(&text)),
    }
}

/// Where none is named, the C library asks this machine.
fn resolvers_in(text: &str) -> Vec<IpAddr> {
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        words.next().filter(|word| *word == "nameserver")?;
        let address = words.next()?;
        // An interface may follow; rules are for addresses.
        address.split('%').next()?.parse().ok()
    });
    let named: Vec<IpAddr> = named.collect();
    if named.is_empty() {
        return vec![Ipv4Addr::LOCALHOST.into()];
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_found_by_their_kind() {
        let mounts = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
38 31 0:35 / /mnt/my\\040groups rw,relatime shared:9 master:1 - cgroup2 cgroup2 rw
39 31 0:35 / /other rw - cgroup2 none rw
";
        let found: Vec<_> = mounts_of_cgroup2(mounts).collect();
        assert_eq!(found, [Path::new("/mnt/my groups"), Path::new("/other")]);
    }

    #[test]
    fn resolvers_are_read_as_the_c_library_reads_them() {
        let text = "# nameserver 1.1.1.1\nsearch example\nnameserver 127.0.0.53\nnameserver\tfe80::1%eth0 # x\nnameserver nonsense\nnameservers 9.9.9.9\n";
        let expected: Vec<IpAddr> = ["127.0.0.53", "fe80::1"]
            .map(|text| text.parse().unwrap())
            .into();
        assert_eq!(resolvers_in(text), expected);
        assert_eq!(resolvers_in("search x\n"), [Ipv4Addr::LOCALHOST]);
    }

    #[test]
    fn the_loopback_address_is_one_of_our_own() {
        assert!(
            own_addresses()
                .unwrap()
                .contains(&Ipv4Addr::LOCALHOST.into())
        );
    }
}
