//! Lists of addresses and networks.

use std::net::IpAddr;

/// Networks, each as its first address and the length of what its addresses share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Networks(Vec<(u128, u8)>);

impl Networks {
    /// `10.0.0.0/8, 192.0.2.1`; `None` when one is neither.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts.map(network).collect::<Option<_>>().map(Self)
    }

    /// Whether an address is in one of them.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = bits(address);
        let shares = |&(first, length): &(u128, u8)| {
            let rest = 128 - u32::from(length);
            (address ^ first).checked_shr(rest).unwrap_or(0) == 0
        };
        self.0.iter().any(shares)
    }
}

fn network(text: &str) -> Option<(u128, u8)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    // Addresses of version 4 lie in those of version 6.
    let (before, longest) = if address.is_ipv4() {
        (96, 32)
    } else {
        (0, 128)
    };
    let length = length.unwrap_or(longest);
    (length <= longest).then(|| (bits(address), before + length))
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_networks_of_either_version() {
        let networks = Networks::parse("10.0.0.0/8, 192.0.2.1 ,fd00::/8,,").expect("networks");
        let is_in = |text: &str| networks.contains(text.parse().expect("an address"));
        for text in [
            "10.0.0.0",
            "10.255.255.255",
            "192.0.2.1",
            "fd12::1",
            "::ffff:10.1.2.3",
        ] {
            assert!(is_in(text), "{text}");
        }
        for text in [
            "11.0.0.0",
            "9.255.255.255",
            "192.0.2.2",
            "fe00::1",
            "::a00:1",
        ] {
            assert!(!is_in(text), "{text}");
        }
        assert!(
            Networks::parse("0.0.0.0/0")
                .expect("all")
                .contains("8.8.8.8".parse().expect("v4"))
        );
        assert!(!Networks::default().contains("127.0.0.1".parse().expect("v4")));
        for bad in ["10.0.0.0/33", "fd00::/129", "10.0.0/8", "host", "10.0.0.0/"] {
            assert!(Networks::parse(bad).is_none(), "{bad}");
        }
    }
}
