//! A small network stack behind the EoE server: it answers ARP requests for its address and echo requests to it, and pings
//! another address (RFC 826, RFC 791, RFC 792).
//!
//! Frames that are for somebody else, and what it doesn't know, it takes without an answer. Packets in fragments are not put together.

use zerocat_wire::eoe::IpParameter;

const BROADCAST: [u8; 6] = [0xff; 6];
const ARP: [u8; 2] = [0x08, 0x06];
const IPV4: [u8; 2] = [0x08, 0x00];
/// Ethernet and IPv4, with addresses of 6 and 4 bytes.
const ARP_KIND: [u8; 6] = [0x00, 0x01, 0x08, 0x00, 6, 4];
const ARP_REQUEST: u8 = 1;
const ARP_REPLY: u8 = 2;
const ICMP: u8 = 1;
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;
/// Where things are in a frame.
const PACKET: usize = 14;
/// Bytes of an echo request's payload.
const PAYLOAD: usize = 56;

/// A host with an address.
#[derive(Debug, Clone)]
pub(super) struct Host {
    mac: [u8; 6],
    address: [u8; 4],
    /// The address that it pings, again after each reply.
    pings: Option<[u8; 4]>,
    sequence: u16,
}

impl Host {
    /// With the addresses of an IP parameter; `None` without them.
    pub(super) fn of(parameter: &IpParameter<'_>, pings: Option<[u8; 4]>) -> Option<Self> {
        let (mac, mut address) = (parameter.mac?, parameter.address?);
        // A mail has it with its last byte first.
        address.reverse();
        (address != [0; 4]).then_some(Self { mac, address, pings, sequence: 0 })
    }

    /// The ARP request for itself with which it announces its address (RFC 5227, 2.3).
    pub(super) fn announcement(&self) -> Vec<u8> {
        self.arp(ARP_REQUEST, BROADCAST, [0; 6], self.address)
    }

    /// The ARP request for the address that it pings.
    pub(super) fn question(&self) -> Option<Vec<u8>> {
        Some(self.arp(ARP_REQUEST, BROADCAST, [0; 6], self.pings?))
    }

    /// What it sends when a frame comes.
    pub(super) fn answer(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let destination = frame.get(..6)?;
        if destination != self.mac && destination != BROADCAST {
            return None;
        }
        match frame.get(12..PACKET)? {
            kind if kind == ARP => self.answer_arp(frame.get(PACKET..PACKET + 28)?),
            kind if kind == IPV4 => self.answer_ip(frame),
            _ => None,
        }
    }

    fn answer_arp(&mut self, arp: &[u8]) -> Option<Vec<u8>> {
        let (kind, operation) = (arp.get(..6)?, arp.get(7)?);
        let (mac, from): ([u8; 6], [u8; 4]) = (arp.get(8..14)?.try_into().ok()?, arp.get(14..18)?.try_into().ok()?);
        let wanted = arp.get(24..28)? == self.address;
        if kind != ARP_KIND || from == self.address {
            return None;
        }
        if *operation == ARP_REQUEST && wanted {
            return Some(self.arp(ARP_REPLY, mac, mac, from));
        }
        (self.pings == Some(from)).then(|| self.echo_request(mac, from))
    }

    fn answer_ip(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let packet = frame.get(PACKET..)?;
        let header = usize::from(packet.first()? & 0x0f) * 4;
        let len = usize::from(u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]));
        let in_fragments = packet.get(6)? & 0x3f != 0 || *packet.get(7)? != 0;
        let (from, to) = (packet.get(12..16)?, packet.get(16..20)?);
        if packet.first()? >> 4 != 4 || *packet.get(9)? != ICMP || to != self.address || in_fragments {
            return None;
        }
        let icmp = packet.get(header..len)?;
        let (mac, from): ([u8; 6], [u8; 4]) = (frame.get(6..12)?.try_into().ok()?, from.try_into().ok()?);
        match *icmp.first()? {
            ECHO_REQUEST => {
                let mut icmp = icmp.to_vec();
                *icmp.first_mut()? = ECHO_REPLY;
                Some(self.packet(mac, from, icmp))
            }
            ECHO_REPLY if self.pings == Some(from) => Some(self.echo_request(mac, from)),
            _ => None,
        }
    }

    fn arp(&self, operation: u8, to: [u8; 6], whose: [u8; 6], target: [u8; 4]) -> Vec<u8> {
        [&to[..], &self.mac, &ARP, &ARP_KIND, &[0, operation], &self.mac, &self.address, &whose, &target].concat()
    }

    fn echo_request(&mut self, mac: [u8; 6], to: [u8; 4]) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        let head = [&[ECHO_REQUEST, 0, 0, 0, b'z', b'c'][..], &self.sequence.to_be_bytes()].concat();
        self.packet(mac, to, [head, vec![0x55; PAYLOAD]].concat())
    }

    /// A frame with an ICMP message, whose checksum is made here.
    fn packet(&self, mac: [u8; 6], to: [u8; 4], mut icmp: Vec<u8>) -> Vec<u8> {
        set_checksum(&mut icmp, 2);
        let len = u16::try_from(20 + icmp.len()).unwrap_or(u16::MAX).to_be_bytes();
        let mut header = [&[0x45, 0][..], &len, &[0, 0, 0, 0, 64, ICMP, 0, 0], &self.address, &to].concat();
        set_checksum(&mut header, 10);
        [&mac[..], &self.mac, &IPV4, &header, &icmp].concat()
    }
}

/// Writes the internet checksum of bytes (RFC 1071) to a place among them.
fn set_checksum(bytes: &mut [u8], at: usize) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.fill(0);
    }
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    let sum: u32 = bytes.chunks(2).map(word).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !((sum & 0xffff) + (sum >> 16));
    let [_, _, high, low] = sum.to_be_bytes();
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&[high, low]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
    const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 1];

    fn host(pings: Option<[u8; 4]>) -> Host {
        let parameter = IpParameter { mac: Some(MAC), address: Some([9, 0, 168, 192]), ..IpParameter::default() };
        Host::of(&parameter, pings).unwrap()
    }

    /// Sums up to 0xffff where the checksum in it is right.
    fn is_right(bytes: &[u8]) -> bool {
        let mut copy = bytes.to_vec();
        copy.extend([0, 0]);
        let at = copy.len() - 2;
        set_checksum(&mut copy, at);
        copy[at..] == [0, 0]
    }

    #[test]
    fn arp_requests_for_its_address_are_answered_and_others_not() {
        let mut host = host(None);
        let ask = |last| {
            [&[0xff; 6][..], &OTHER, &ARP, &ARP_KIND, &[0, 1], &OTHER, &[192, 168, 0, 1], &[0; 6], &[192, 168, 0, last]]
                .concat()
        };
        let answer = host.answer(&ask(9)).unwrap();
        let right = [&OTHER[..], &MAC, &ARP, &ARP_KIND, &[0, 2], &MAC, &[192, 168, 0, 9], &OTHER, &[192, 168, 0, 1]];
        assert_eq!(answer, right.concat());
        assert_eq!(host.answer(&ask(8)), None);
        assert_eq!(host.answer(&host.announcement()), None, "its own");
        assert!((0..42).all(|len| host.answer(&ask(9)[..len]).is_none()), "cut");
    }

    #[test]
    fn two_hosts_ping_each_other_without_end() {
        let (mut a, mut b) = (host(Some([192, 168, 0, 1])), host(None));
        (b.mac, b.address) = (OTHER, [192, 168, 0, 1]);
        let reply = b.answer(&a.question().unwrap()).unwrap();
        let mut request = a.answer(&reply).unwrap();
        for sequence in 1..4 {
            assert_eq!((request[34], request[41]), (ECHO_REQUEST, sequence));
            let reply = b.answer(&request).unwrap();
            assert!(is_right(&reply[14..34]) && is_right(&reply[34..]));
            assert_eq!((reply[34], &reply[38..]), (ECHO_REPLY, &request[38..]));
            request = a.answer(&reply).unwrap();
        }
        request[..6].copy_from_slice(&[2, 0, 0, 0, 0, 7]);
        assert_eq!(b.answer(&request), None, "for somebody else");
    }
}
