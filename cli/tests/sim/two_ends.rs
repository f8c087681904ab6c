//! A segment with two ends, each at an interface or a socket of its own.

use crate::raw::{BRD, BWR, Bus, Datagram};
use crate::running::{Place, Running, parse};
use serde_json::{Value, json};
use zerocat_link::datagram::DatagramLink;
use zerocat_link::{Link, Sizing, waiting::Awaited};
use zerocat_testkit::netns::{Veth, in_private_netns, ip, second_cable};

/// What came out of the segment: working counter, and whether it was marked as processed.
fn seen(datagram: Option<Datagram>) -> Option<(u16, bool)> {
    datagram.map(|datagram| (datagram.counter, datagram.marked))
}

/// Sends a broadcast read into `near` and says what comes out there and at `far`.
fn send<L: Link + Awaited>(near: &mut Bus<L>, far: &mut Bus<L>) -> [Option<(u16, bool)>; 2] {
    near.send(BRD, (0, 0x0130), &[0, 0]);
    // Nothing comes in vain: where something is awaited, it is looked for first.
    let through = far.next();
    let back = if through.is_some() { None } else { near.next() };
    [seen(back), seen(through)]
}

/// A line of eight with two ends.
fn ring(a: &Veth, b: &Veth) -> (Running, [Bus<zerocat_link::packet::PacketLink>; 2]) {
    let sim = Running::at(a, &["--second-interface", &b.peer, "--mixed", "8"]);
    (sim, [a, b].map(|veth| Bus::at(&veth.master)))
}

#[test]
fn what_goes_into_one_end_of_a_whole_line_comes_out_of_the_other() {
    in_private_netns(|a| {
        let b = second_cable();
        let (sim, [mut first, mut second]) = ring(a, &b);
        assert_eq!(send(&mut first, &mut second), [None, Some((8, true))], "all of them, once");
        assert_eq!(send(&mut second, &mut first), [None, Some((0, false))], "back through, untouched");
        let served = sim.served();
        assert_eq!((&served["second_interface"], &served["lost"]), (&json!(b.peer), &json!(0)));
    });
}

#[test]
fn at_a_pulled_cable_each_end_sees_its_half() {
    in_private_netns(|a| {
        let b = second_cable();
        let (mut sim, [mut first, mut second]) = ring(a, &b);
        sim.done("pull 3");
        assert_eq!(send(&mut first, &mut second), [Some((3, true)), None]);
        assert_eq!(send(&mut second, &mut first), [Some((5, true)), None]);
        sim.done("plug 3");
        assert_eq!(send(&mut first, &mut second), [None, Some((8, true))]);
        // Cut at its ends, the line is one with a single end.
        sim.done("pull second-end");
        assert_eq!(send(&mut first, &mut second), [Some((8, true)), None]);
        sim.done("plug second-end");
        sim.done("pull 0");
        assert_eq!(send(&mut second, &mut first), [Some((8, true)), None]);
    });
}

#[test]
fn outputs_reach_all_subdevices_of_a_broken_line_when_they_are_sent_into_both_ends() {
    in_private_netns(|a| {
        let b = second_cable();
        let (mut sim, [mut first, mut second]) = ring(a, &b);
        sim.done("pull 3");
        // A station address: each half takes the write that comes to its end.
        for bus in [&mut first, &mut second] {
            bus.exchange(BWR, (0, 0x0010), &[0x34, 0x12]);
        }
        sim.done("plug 3");
        first.send(BRD, (0, 0x0010), &[0, 0]);
        assert_eq!(second.next().map(|back| (back.data, back.counter)), Some((vec![0x34, 0x12], 8)));
    });
}

/// Waits for an event of an interface.
fn await_carrier(sim: &mut Running, interface: &str, carrier: bool) {
    let last = |said: &str| {
        let mut events = said.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(parse);
        events.rfind(|line| line["interface"] == interface && line["event"] == "carrier")
    };
    let wanted = Value::from(carrier);
    sim.program.await_output("carrier", |said| last(said).is_some_and(|event| event["carrier"] == wanted));
}

#[test]
fn where_the_interface_at_an_end_goes_down_frames_turn_round() {
    in_private_netns(|a| {
        let b = second_cable();
        let (mut sim, [mut first, _]) = ring(a, &b);
        ip(&format!("link set {} down", b.master));
        await_carrier(&mut sim, &b.peer, false);
        first.send(BRD, (0, 0x0130), &[0, 0]);
        assert_eq!(seen(first.next()), Some((8, true)));
        ip(&format!("link set {} up", b.master));
        await_carrier(&mut sim, &b.peer, true);
        let mut second = Bus::at(&b.master);
        assert_eq!(send(&mut first, &mut second), [None, Some((8, true))]);
        ip(&format!("link set {} down", a.peer));
        await_carrier(&mut sim, &a.peer, false);
        second.send(BRD, (0, 0x0130), &[0, 0]);
        assert_eq!(seen(second.next()), Some((8, true)), "the other end goes on");
    });
}

#[test]
fn a_line_with_two_ends_and_one_interface_is_a_line() {
    in_private_netns(|veth| {
        let file = r#"{"subdevices":[{"profile":"coupler"},{"profile":"servo"}],"second_end":{"subdevice":1}}"#;
        let file = Place::with("ring.json", file);
        let sim = Running::at(veth, &["--config", file.text()]);
        assert_eq!(Bus::at(&veth.master).count(), 2);
        let ended = sim.quit();
        ended.saying(&["nothing is connected to the second end", "--second-interface"]);
    });
}

#[test]
fn two_ends_at_sockets_work_as_two_ends_at_interfaces_do() {
    let places = ["a", "a-master", "b", "b-master"].map(|name| Place::new(&format!("ends-{name}.sock")));
    let [a, a_master, b, b_master] = places.each_ref().map(Place::text);
    let (first, second) = (format!("{a}:{a_master}"), format!("{b}:{b_master}"));
    let mut sim = Running::start(&["--unix", &first, "--second-unix", &second, "--mixed", "8"]);
    let bus = |local: &str, remote: &str| {
        Bus::on(DatagramLink::open(local.as_ref(), remote.as_ref(), Sizing { slots: 16, receive: 16 }).unwrap())
    };
    let (mut first, mut second) = (bus(a_master, a), bus(b_master, b));
    assert_eq!(send(&mut first, &mut second), [None, Some((8, true))]);
    sim.done("pull 3");
    assert_eq!(send(&mut first, &mut second), [Some((3, true)), None]);
    // One end that nobody reads doesn't hold the other.
    drop(second);
    sim.done("plug 3");
    sim.done("pull second-end");
    assert_eq!(first.count(), 8);
}
