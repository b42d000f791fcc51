//! Who may be spoken to: an ordered list of rules for addresses, and what may be bound and accepted.
//!
//! Pure. Knows nothing of how the kernel is told.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// All addresses with the same first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

/// A text is not an address with a number of bits behind a slash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a network: write an address, a slash and the number of its bits, as in 10.0.0.0/8"
)]
pub struct NotANetwork(String);

impl Cidr {
    /// One address. A v4 address in its v6 form is the v4 address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = width(address);
        Self { address, bits }
    }

    /// The first of them, or any other.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether an address is among them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let differing = aligned(self.address) ^ aligned(address);
        width(self.address) == width(address) && differing.leading_zeros() >= self.bits.into()
    }

    /// The address and the mask in pieces of 32 bits (one or four), in the order of bytes that packets have.
    pub(super) fn words(&self) -> impl ExactSizeIterator<Item = (u32, u32)> {
        let mask = u128::MAX
            .checked_shl(128 - u32::from(self.bits))
            .unwrap_or(0);
        let pieces = |bits: u128| bits.to_be_bytes().as_chunks::<4>().0.to_vec();
        let (words, masks) = (pieces(aligned(self.address) & mask), pieces(mask));
        let words = words.into_iter().map(u32::from_ne_bytes);
        let masks = masks.into_iter().map(u32::from_ne_bytes);
        words.zip(masks).take(usize::from(width(self.address) / 32))
    }
}

/// The bits of an address, at the upper end.
fn aligned(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromStr for Cidr {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let parse = || {
            let (address, bits) = text.split_once('/')?;
            let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse().ok()?);
            let of_family = (bits <= width(address)).then_some(Self { address, bits })?;
            // A network of v4 addresses in their v6 form is one of v4 addresses.
            let canonical = address.to_canonical();
            let bits_before = width(address) - width(canonical);
            let mapped = bits.checked_sub(bits_before).map(|bits| Self {
                address: canonical,
                bits,
            });
            Some(mapped.unwrap_or(of_family))
        };
        parse().ok_or_else(|| NotANetwork(text.to_owned()))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.bits)
    }
}

/// What is said about some addresses, at one port or at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) allows: bool,
    pub(super) addresses: Cidr,
    pub(super) port: Option<u16>,
}

/// What may be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bind {
    /// A port that the kernel chooses.
    AnyFree,
    /// Any port but these.
    AllBut(Vec<u16>),
}

/// What processes may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The first that fits decides; where none fits, it is allowed.
    pub(super) rules: Vec<Rule>,
    pub(super) bind: Bind,
    /// Whether connections may be accepted.
    pub(super) accepts: bool,
}

/// What is not the public internet. Inside `2000::/3`, the only part of v6 that is public, there are few exceptions.
#[rustfmt::skip]
const NOT_PUBLIC: [&str; 22] = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/3",
    // Azure's second metadata service has a public address.
    "168.63.129.16/32",
    // `::`, `::1`, translated v4 addresses, discarded ones; then local ones, from fc00:: on, and multicast.
    "::/3", "4000::/2", "8000::/1",
    // Tunnels carry v4 addresses that no rule would see (Teredo, 6to4); the rest is for protocols and documents.
    "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
];

/// Where the machine itself answers, besides the addresses of its interfaces.
const LOCAL: [&str; 4] = ["127.0.0.0/8", "0.0.0.0/8", "::/128", "::1/128"];

const DNS_PORT: u16 = 53;

impl Policy {
    /// Public addresses that are not this machine's, and the resolvers of names. Nothing can be served.
    pub fn internet(
        resolvers: impl IntoIterator<Item = IpAddr>,
        own: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        let policy = Self {
            rules: Vec::new(),
            bind: Bind::AnyFree,
            accepts: false,
        };
        (resolvers.into_iter())
            .fold(policy, |policy, resolver| {
                policy.rule(true, Cidr::of(resolver), Some(DNS_PORT))
            })
            .denying(parsed(&NOT_PUBLIC))
            .denying(own.into_iter().map(Cidr::of))
    }

    /// Everything but these ports of this machine.
    pub fn all(own: impl IntoIterator<Item = IpAddr>, platform_ports: &[u16]) -> Self {
        let addresses = parsed(&LOCAL).chain(own.into_iter().map(Cidr::of));
        let policy = Self {
            rules: Vec::new(),
            bind: Bind::AllBut(platform_ports.to_vec()),
            accepts: true,
        };
        addresses.fold(policy, |policy, addresses| {
            (platform_ports.iter()).fold(policy, |policy, port| {
                policy.rule(false, addresses, Some(*port))
            })
        })
    }

    /// Without these addresses either, unless an earlier rule allows them.
    #[must_use]
    pub fn denying(self, networks: impl IntoIterator<Item = Cidr>) -> Self {
        (networks.into_iter()).fold(self, |policy, network| policy.rule(false, network, None))
    }

    /// What the rules say about an address.
    #[must_use]
    pub fn allows(&self, to: SocketAddr) -> bool {
        let fits = |rule: &&Rule| {
            rule.addresses.contains(to.ip()) && rule.port.is_none_or(|port| port == to.port())
        };
        self.rules.iter().find(fits).is_none_or(|rule| rule.allows)
    }

    fn rule(mut self, allows: bool, addresses: Cidr, port: Option<u16>) -> Self {
        let rule = Rule {
            allows,
            addresses,
            port,
        };
        if !self.rules.iter().any(|earlier| earlier.covers(&rule)) {
            self.rules.push(rule);
        }
        self
    }
}

impl Rule {
    /// Whether a later rule would never be asked.
    fn covers(&self, later: &Self) -> bool {
        self.addresses.bits <= later.addresses.bits
            && self.addresses.contains(later.addresses.address)
            && (self.port.is_none() || self.port == later.port)
    }
}

fn parsed(networks: &'static [&'static str]) -> impl Iterator<Item = Cidr> {
    (networks.iter()).map(|network| network.parse().expect("a network"))
}

/// What `Policy::internet` must never let anybody reach, and the first and last address of each.
#[cfg(test)]
#[rustfmt::skip]
pub(super) const PRIVATE: [(&str, &str); 36] = [
    ("0.0.0.0", "0.255.255.255"), ("10.0.0.0", "10.255.255.255"), ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"), ("169.254.0.0", "169.254.255.255"), ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"), ("192.0.2.0", "192.0.2.255"), ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"), ("198.18.0.0", "198.19.255.255"), ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"), ("224.0.0.0", "239.255.255.255"), ("240.0.0.0", "255.255.255.255"),
    ("168.63.129.16", "168.63.129.16"),
    ("::", "::"), ("::1", "::1"), ("::7f00:1", "::7fff:ffff"), ("64:ff9b::", "64:ff9b::ffff:ffff"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"), ("100::", "100::ffff:ffff:ffff:ffff"),
    ("::ffff:0:7f00:1", "::ffff:0:7fff:ffff"),
    ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"), ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("fd00:ec2::254", "fd00:ec2::254"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("::ffff:127.0.0.1", "::ffff:127.255.255.255"), ("::ffff:10.0.0.0", "::ffff:10.255.255.255"),
    ("::ffff:169.254.0.0", "::ffff:169.254.255.255"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn allows(policy: &Policy, text: &str, port: u16) -> bool {
        policy.allows(SocketAddr::new(address(text), port))
    }

    #[test]
    fn the_internet_is_what_is_public() {
        let policy = Policy::internet([], []);
        for (first, last) in PRIVATE {
            assert!(!allows(&policy, first, 443), "{first}");
            assert!(!allows(&policy, last, 443), "{last}");
        }
        #[rustfmt::skip]
        let public = [
            "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
            "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.255",
            "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "8.8.8.8",
            "::ffff:8.8.8.8", "2001:200::", "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::", "2003::",
            "2606:4700::1", "2a00::1", "3ffe::1", "168.63.129.15", "168.63.129.17",
        ];
        for public in public {
            assert!(allows(&policy, public, 443), "{public}");
        }
    }

    #[test]
    fn the_machine_itself_is_not_the_internet_except_its_resolvers() {
        let resolvers = ["10.0.0.2", "5.6.7.8", "fe80::1"].map(address);
        let own = ["5.6.7.8", "2a01::5"].map(address);
        let policy = Policy::internet(resolvers, own);
        for resolver in ["10.0.0.2", "5.6.7.8", "fe80::1", "::ffff:10.0.0.2"] {
            assert!(allows(&policy, resolver, 53), "{resolver}");
            assert!(!allows(&policy, resolver, 80), "{resolver}");
        }
        assert!(!allows(&policy, "2a01::5", 53));
        assert!(!allows(&policy, "::ffff:5.6.7.8", 54));
        assert!(allows(&policy, "5.6.7.9", 80));
        assert!(allows(&policy, "2a01::4", 80));
    }

    #[test]
    fn with_all_only_ports_of_the_platform_are_missing() {
        let policy = Policy::all(["10.0.0.9", "fd00::9"].map(address), &[3000, 3001]);
        #[rustfmt::skip]
        let own = ["127.0.0.1", "127.9.9.9", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1", "::ffff:0.0.0.0", "10.0.0.9", "fd00::9"];
        for own in own {
            let allowed = [2999, 3000, 3001, 3002].map(|port| allows(&policy, own, port));
            assert_eq!(allowed, [true, false, false, true], "{own}");
        }
        assert!(allows(&policy, "10.0.0.8", 3000));
        assert!(allows(&policy, "169.254.169.254", 80));
    }

    #[test]
    fn what_is_denied_already_needs_no_rule() {
        let plain = Policy::internet([], []);
        let own = ["10.0.0.9", "127.0.0.1", "::1", "fe80::1"].map(address);
        assert_eq!(Policy::internet([], own), plain);
        let denied = plain.clone().denying(["5.0.0.0/8".parse().unwrap()]);
        assert!(!allows(&denied, "5.1.1.1", 443) && allows(&plain, "5.1.1.1", 443));
    }

    #[test]
    fn networks_are_read_and_written() {
        for network in ["10.0.0.0/8", "0.0.0.0/0", "fd00::/8", "::/0", "1.2.3.4/32"] {
            assert_eq!(network.parse::<Cidr>().unwrap().to_string(), network);
        }
        for wrong in [
            "10.0.0.0",
            "10.0.0.0/33",
            "fd00::/129",
            "x/8",
            "10.0.0.0/",
            "1.2.3.4/-1",
        ] {
            assert_eq!(wrong.parse::<Cidr>(), Err(NotANetwork(wrong.to_owned())));
        }
        for (mapped, v4) in [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
        ] {
            assert_eq!(mapped.parse::<Cidr>(), v4.parse());
        }
        let every: Cidr = "0.0.0.0/0".parse().unwrap();
        assert!(every.contains(Ipv4Addr::BROADCAST.into()));
        assert!(!every.contains(Ipv6Addr::LOCALHOST.into()));
    }
}
