//! What the kernel runs at each of its hooks, made from a policy.
//!
//! ```text
//!  create             only TCP and UDP: UDP-Lite, ICMP and raw sockets get past the hooks for addresses
//!  connect, send      the rules; a v4 address in its v6 form is judged by the rules for v4
//!  bind               what may be bound
//!  egress             no packet whose header sends it through other addresses first
//!  ingress            no connection from outside, where the policy accepts none
//! ```
//! Packets are not judged by their addresses: those were judged when a process named them, and may be translated
//! afterwards (that of Docker's resolver is). A datagram from outside arrives; the rules decide who gets an answer.
//! Pure. Knows nothing of system calls.

use super::asm::Register::{Frame, R0, R1, R2, R3, R4, R5, R6, R7, R8};
use super::asm::{Assembler, Instruction, Label, Register, TooLong};
use super::policy::{Bind, Policy, Rule};
use std::net::{IpAddr, Ipv4Addr};

/// Where the kernel asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    Create,
    Connect4,
    Connect6,
    Send4,
    Send6,
    Bind4,
    Bind6,
    Egress,
    Ingress,
}

impl Hook {
    pub(super) const ALL: [Self; 9] = [
        Self::Create,
        Self::Connect4,
        Self::Connect6,
        Self::Send4,
        Self::Send6,
        Self::Bind4,
        Self::Bind6,
        Self::Egress,
        Self::Ingress,
    ];

    /// Its name in errors, and the program's in lists of programs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "zygo_create",
            Self::Connect4 => "zygo_connect4",
            Self::Connect6 => "zygo_connect6",
            Self::Send4 => "zygo_send4",
            Self::Send6 => "zygo_send6",
            Self::Bind4 => "zygo_bind4",
            Self::Bind6 => "zygo_bind6",
            Self::Egress => "zygo_egress",
            Self::Ingress => "zygo_ingress",
        }
    }
}

/// `struct bpf_sock_addr`: words in the order of bytes that packets have; the port in the lower 16 bits.
mod sock_addr {
    pub(super) const V4: i16 = 4;
    pub(super) const V6: i16 = 8;
    pub(super) const PORT: i16 = 24;
}

/// `struct bpf_sock`.
mod sock {
    pub(super) const TYPE: i16 = 8;
    pub(super) const PROTOCOL: i16 = 12;
}

const ALLOW: i32 = 1;
const DENY: i32 = 0;

const STREAM: u32 = 1;
const DATAGRAM: u32 = 2;
const HOP_BY_HOP: u32 = 0;
const TCP: u32 = 6;
const UDP: u32 = 17;
const ROUTING: u32 = 43;
const SYN: u32 = 0x02;
const ACK: u32 = 0x10;

/// The address in four words, of which a v4 address is the last, and the port.
const ADDRESS: [Register; 4] = [R2, R3, R4, R5];
const PORT: Register = R6;

/// The program for a hook.
pub(super) fn compile(policy: &Policy, hook: Hook) -> Result<Vec<Instruction>, TooLong> {
    let mut asm = Assembler::default();
    match hook {
        Hook::Create => only_tcp_and_udp(&mut asm),
        Hook::Connect4 | Hook::Send4 => address_v4(&mut asm, policy),
        Hook::Connect6 | Hook::Send6 => address_v6(&mut asm, policy),
        Hook::Bind4 | Hook::Bind6 => port_to_bind(&mut asm, &policy.bind),
        Hook::Egress => packet(&mut asm, Direction::Out),
        Hook::Ingress if policy.accepts => asm.result(ALLOW),
        Hook::Ingress => packet(&mut asm, Direction::In),
    }
    asm.finish()
}

fn only_tcp_and_udp(asm: &mut Assembler) {
    let (stream, deny) = (asm.label(), asm.label());
    asm.load_word(R2, R1, sock::TYPE);
    asm.load_word(R3, R1, sock::PROTOCOL);
    asm.jump_if_equal(R2, STREAM, stream);
    asm.jump_if_unequal(R2, DATAGRAM, deny);
    asm.jump_if_unequal(R3, UDP, deny);
    asm.result(ALLOW);
    asm.place(stream);
    asm.jump_if_unequal(R3, TCP, deny);
    asm.result(ALLOW);
    asm.place(deny);
    asm.result(DENY);
}

fn address_v4(asm: &mut Assembler, policy: &Policy) {
    asm.load_word(ADDRESS[3], R1, sock_addr::V4);
    asm.load_word(PORT, R1, sock_addr::PORT);
    rules(asm, policy, IpAddr::is_ipv4);
}

fn address_v6(asm: &mut Assembler, policy: &Policy) {
    let v6 = asm.label();
    for (register, offset) in ADDRESS.into_iter().zip((sock_addr::V6..).step_by(4)) {
        asm.load_word(register, R1, offset);
    }
    asm.load_word(PORT, R1, sock_addr::PORT);
    let mapped = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().octets();
    for (register, word) in ADDRESS.into_iter().zip(mapped.as_chunks().0).take(3) {
        asm.jump_if_unequal(register, u32::from_ne_bytes(*word), v6);
    }
    rules(asm, policy, IpAddr::is_ipv4);
    asm.place(v6);
    rules(asm, policy, IpAddr::is_ipv6);
}

/// The first rule that fits decides.
fn rules(asm: &mut Assembler, policy: &Policy, is_of_family: fn(&IpAddr) -> bool) {
    for rule in &policy.rules {
        if is_of_family(&rule.addresses.address()) && !rule_is_conditional(asm, rule) {
            // The kernel refuses programs with instructions that cannot be reached.
            return;
        }
    }
    asm.result(ALLOW);
}

/// One rule, and whether there are addresses that it does not decide.
fn rule_is_conditional(asm: &mut Assembler, rule: &Rule) -> bool {
    let next = asm.label();
    let words: Vec<(u32, u32)> = rule.addresses.words().collect();
    let registers = &ADDRESS[ADDRESS.len() - words.len()..];
    let pieces = registers.iter().zip(&words);
    for (register, (word, mask)) in pieces.filter(|(_, (_, mask))| *mask != 0) {
        jump_unless_masked(asm, *register, *mask, *word, next);
    }
    if let Some(port) = rule.port {
        asm.jump_if_unequal(PORT, port.to_be().into(), next);
    }
    asm.result(if rule.allows { ALLOW } else { DENY });
    asm.place(next);
    rule.port.is_some() || words.iter().any(|(_, mask)| *mask != 0)
}

fn jump_unless_masked(asm: &mut Assembler, from: Register, mask: u32, word: u32, label: Label) {
    if mask == u32::MAX {
        return asm.jump_if_unequal(from, word, label);
    }
    asm.copy(R0, from);
    asm.and(R0, mask);
    asm.jump_if_unequal(R0, word, label);
}

fn port_to_bind(asm: &mut Assembler, bind: &Bind) {
    let deny = asm.label();
    asm.load_word(PORT, R1, sock_addr::PORT);
    match bind {
        Bind::AnyFree => asm.jump_if_unequal(PORT, 0, deny),
        Bind::AllBut(ports) if ports.is_empty() => return asm.result(ALLOW),
        Bind::AllBut(ports) => {
            (ports.iter()).for_each(|port| asm.jump_if_equal(PORT, port.to_be().into(), deny));
        }
    }
    asm.result(ALLOW);
    asm.place(deny);
    asm.result(DENY);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Out,
    In,
}

/// Helper of the kernel that copies bytes of a packet.
const SKB_LOAD_BYTES: i32 = 26;
/// Where on the stack those bytes are put.
const BUFFER: i16 = -24;
const V4_HEADER: i32 = 20;
const V6_HEADER: i32 = 40;
const TCP_FLAGS: i32 = 13;
/// Version 4 and five words of header: no options, so no route from the sender.
const V4_WITHOUT_OPTIONS: u32 = 0x45;

/// Registers of programs for packets: the packet, the protocol, and where its header begins.
const PACKET: Register = R6;
const PROTOCOL: Register = R7;
const OFFSET: Register = R8;

fn packet(asm: &mut Assembler, direction: Direction) {
    let (v4, transport, deny) = (asm.label(), asm.label(), asm.label());
    asm.copy(PACKET, R1);
    asm.set(OFFSET, 0);
    load_bytes(asm, V4_HEADER, deny);
    asm.load_byte(R0, Frame, BUFFER);
    asm.jump_if_equal(R0, V4_WITHOUT_OPTIONS, v4);
    asm.and(R0, 0xf0);
    asm.jump_if_unequal(R0, 0x60, deny);
    asm.load_byte(PROTOCOL, Frame, BUFFER + 6);
    asm.set(OFFSET, V6_HEADER);
    asm.jump_if_unequal(PROTOCOL, HOP_BY_HOP, transport);
    // The kernel puts such a header before TCP in packets beyond 64 KiB; it has no second word.
    load_bytes(asm, 2, deny);
    asm.load_byte(R0, Frame, BUFFER + 1);
    asm.jump_if_unequal(R0, 0, deny);
    asm.load_byte(PROTOCOL, Frame, BUFFER);
    asm.set(OFFSET, V6_HEADER + 8);
    asm.jump(transport);
    asm.place(v4);
    asm.load_byte(PROTOCOL, Frame, BUFFER + 9);
    asm.set(OFFSET, V4_HEADER);
    asm.place(transport);
    match direction {
        Direction::Out => asm.jump_if_equal(PROTOCOL, ROUTING, deny),
        Direction::In => deny_first_of_connection(asm, deny),
    }
    asm.result(ALLOW);
    asm.place(deny);
    asm.result(DENY);
}

fn deny_first_of_connection(asm: &mut Assembler, deny: Label) {
    let allow = asm.label();
    asm.jump_if_equal(PROTOCOL, UDP, allow);
    // Behind other headers the flags would be elsewhere.
    asm.jump_if_unequal(PROTOCOL, TCP, deny);
    asm.add(OFFSET, TCP_FLAGS);
    load_bytes(asm, 1, deny);
    asm.load_byte(R0, Frame, BUFFER);
    asm.and(R0, SYN | ACK);
    asm.jump_if_equal(R0, SYN, deny);
    asm.place(allow);
}

/// Copies bytes of the packet to the stack, from the header's place on.
fn load_bytes(asm: &mut Assembler, count: i32, failed: Label) {
    asm.copy(R1, PACKET);
    asm.copy(R2, OFFSET);
    asm.stack_address(R3, BUFFER);
    asm.set(R4, count);
    asm.call(SKB_LOAD_BYTES);
    asm.jump_if_unequal(R0, 0, failed);
}

#[cfg(test)]
mod tests {
    use super::super::interpreter::run;
    use super::super::policy::PRIVATE;
    use super::*;
    use std::net::{Ipv6Addr, SocketAddr};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// `struct bpf_sock_addr`.
    fn sock_addr(address: SocketAddr) -> Vec<u8> {
        let mut context = vec![0; 72];
        match address.ip() {
            IpAddr::V4(ip) => context[4..8].copy_from_slice(&ip.octets()),
            IpAddr::V6(ip) => context[8..24].copy_from_slice(&ip.octets()),
        }
        let port = u32::from(address.port().to_be());
        context[24..28].copy_from_slice(&port.to_ne_bytes());
        context
    }

    /// The neighbours of an address, itself among them.
    fn around(ip: IpAddr) -> Vec<IpAddr> {
        match ip {
            IpAddr::V4(ip) => {
                let at = ip.to_bits();
                [at.wrapping_sub(1), at, at.wrapping_add(1)]
                    .map(|bits| Ipv4Addr::from_bits(bits).into())
                    .into()
            }
            IpAddr::V6(ip) => {
                let at = ip.to_bits();
                [at.wrapping_sub(1), at, at.wrapping_add(1)]
                    .map(|bits| Ipv6Addr::from_bits(bits).into())
                    .into()
            }
        }
    }

    /// First and last address of everything that has a rule, and addresses without one.
    fn edges(policy: &Policy) -> Vec<IpAddr> {
        let listed = PRIVATE
            .iter()
            .flat_map(|(first, last)| [ip(first), ip(last)]);
        let of_rules = policy.rules.iter().map(|rule| rule.addresses.address());
        let others = [
            "8.8.8.8",
            "2606:4700::1",
            "::ffff:8.8.8.8",
            "1fff::",
            "9fff::1",
        ]
        .map(ip);
        let all = listed.chain(of_rules).chain(others).flat_map(around);
        let with_mapped = all.flat_map(|ip| match ip {
            IpAddr::V4(v4) => vec![ip, v4.to_ipv6_mapped().into()],
            IpAddr::V6(_) => vec![ip],
        });
        with_mapped.collect()
    }

    fn policies() -> [Policy; 4] {
        let own = ["5.6.7.8", "2a01::5", "10.0.0.9"].map(ip);
        [
            Policy::internet([], []),
            Policy::internet(["10.0.0.2", "5.6.7.8", "fd00::53"].map(ip), own),
            Policy::all(own, &[3000, 0x0bb9, 53]),
            Policy::internet([ip("10.0.0.2")], []).denying(
                ["0.0.0.0/0", "::/0", "1.2.3.4/32"].map(|network| network.parse().unwrap()),
            ),
        ]
    }

    #[test]
    fn programs_decide_as_their_policies_say() {
        let mut decisions = [0, 0];
        for policy in policies() {
            for ip in edges(&policy) {
                for port in [0, 52, 53, 54, 80, 3000, 3001, 0xb80b, u16::MAX] {
                    let to = SocketAddr::new(ip, port);
                    let hooks = match ip {
                        IpAddr::V4(_) => [Hook::Connect4, Hook::Send4],
                        IpAddr::V6(_) => [Hook::Connect6, Hook::Send6],
                    };
                    let allows = u64::from(policy.allows(to));
                    for hook in hooks {
                        let program = compile(&policy, hook).unwrap();
                        assert_eq!(run(&program, &sock_addr(to), &[]), allows, "{hook:?} {to}");
                    }
                    decisions[usize::try_from(allows).unwrap()] += 1;
                }
            }
        }
        assert!(decisions.iter().all(|count| *count > 1000), "{decisions:?}");
    }

    #[test]
    fn ports_are_bound_as_the_policy_says() {
        let binds = |policy: &Policy, port: u16| {
            let any = SocketAddr::new(ip("0.0.0.0"), port);
            let program = compile(policy, Hook::Bind4).unwrap();
            run(&program, &sock_addr(any), &[]) == 1
        };
        let internet = Policy::internet([], []);
        assert_eq!(
            [0, 1, 80, 256].map(|port| binds(&internet, port)),
            [true, false, false, false]
        );
        let all = Policy::all([], &[3000, 3001]);
        let bound = [0, 80, 3000, 3001, 3002, 0xb80b].map(|port| binds(&all, port));
        assert_eq!(bound, [true, true, false, false, true, true]);
        assert!(binds(&Policy::all([], &[]), 80));
    }

    #[test]
    fn only_sockets_of_tcp_and_udp_are_made() {
        let program = compile(&Policy::all([], &[]), Hook::Create).unwrap();
        let made = |kind: u32, protocol: u32| {
            let context = [0u32, 2, kind, protocol].map(u32::to_ne_bytes).concat();
            run(&program, &context, &[]) == 1
        };
        assert!(made(1, 6) && made(2, 17));
        // MPTCP, SCTP, UDP-Lite, ICMP, DCCP, raw.
        let others = [
            (1, 262),
            (1, 132),
            (5, 132),
            (2, 136),
            (2, 1),
            (2, 58),
            (6, 33),
            (3, 255),
            (3, 6),
            (3, 17),
        ];
        for (kind, protocol) in others {
            assert!(!made(kind, protocol), "{kind} {protocol}");
        }
    }

    /// A packet of v4, with so many words of header.
    fn v4(words: u8, protocol: u8, flags: u8) -> Vec<u8> {
        let mut packet = vec![0; usize::from(words) * 4];
        (packet[0], packet[9]) = (0x40 | words, protocol);
        packet.extend(transport(flags));
        packet
    }

    /// A packet of v6, with the numbers of the headers that follow; all but the last have eight bytes.
    fn v6(headers: &[u8], flags: u8) -> Vec<u8> {
        let mut packet = vec![0; 40];
        (packet[0], packet[6]) = (0x60, headers[0]);
        headers[1..]
            .iter()
            .for_each(|next| packet.extend([*next, 0, 0, 0, 0, 0, 0, 0]));
        packet.extend(transport(flags));
        packet
    }

    fn transport(flags: u8) -> [u8; 20] {
        let mut header = [0; 20];
        header[13] = flags;
        header
    }

    fn passes(hook: Hook, policy: &Policy, packet: &[u8]) -> bool {
        run(&compile(policy, hook).unwrap(), &[], packet) == 1
    }

    #[test]
    fn no_packet_leaves_with_a_route_of_its_own() {
        let leaves = |packet: &[u8]| passes(Hook::Egress, &Policy::internet([], []), packet);
        assert!(leaves(&v4(5, 6, 2)) && leaves(&v4(5, 17, 0)) && leaves(&v4(5, 17, 0)[..28]));
        assert!(leaves(&v6(&[6], 2)) && leaves(&v6(&[17], 0)) && leaves(&v6(&[0, 6], 2)));
        // Encrypted by the kernel, below the socket.
        assert!(leaves(&v4(5, 50, 0)) && leaves(&v6(&[50], 0)));
        assert!(!leaves(&v4(6, 6, 2)) && !leaves(&v4(15, 17, 0)));
        assert!(!leaves(&v6(&[43, 6], 2)) && !leaves(&v6(&[0, 43, 6], 2)));
        let mut long = v6(&[0, 6, 43, 6], 2);
        long[41] = 1;
        assert!(!leaves(&long));
        assert!(!leaves(&[]) && !leaves(&[0x45; 19]) && !leaves(&[0x25; 60]));
    }

    #[test]
    fn connections_come_in_only_where_the_policy_accepts() {
        let (internet, all) = (Policy::internet([], []), Policy::all([], &[]));
        let (syn, syn_ack, ack, rst) = (0x02, 0x12, 0x10, 0x04);
        for first in [
            v4(5, 6, syn),
            v6(&[6], syn),
            v6(&[0, 6], syn),
            v4(5, 6, syn | 0xc0),
        ] {
            assert!(!passes(Hook::Ingress, &internet, &first));
            assert!(passes(Hook::Ingress, &all, &first));
        }
        for flags in [syn_ack, ack, rst, ack | rst, ack | 1] {
            assert!(
                passes(Hook::Ingress, &internet, &v4(5, 6, flags)),
                "{flags}"
            );
            assert!(
                passes(Hook::Ingress, &internet, &v6(&[6], flags)),
                "{flags}"
            );
        }
        assert!(passes(Hook::Ingress, &internet, &v4(5, 17, syn)[..28]));
        // The flags would be elsewhere.
        assert!(!passes(Hook::Ingress, &internet, &v4(6, 6, ack)));
        assert!(!passes(Hook::Ingress, &internet, &v6(&[60, 6], ack)));
    }
}
