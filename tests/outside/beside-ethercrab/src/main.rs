//! A program that uses ethercrab by itself and drives another bus with zerocat.
use ethercrab::PduStorage;
use std::time::Duration;
use zerocat::testing::{Bench, ProfileKind, line};

static STORAGE: PduStorage<4, { PduStorage::element_size(64) }> = PduStorage::new();

fn main() {
    let (_tx, _rx, _pdu_loop) = STORAGE.try_split().expect("the only user");
    let mut bus = Bench::bus().silent_after(Duration::from_millis(20));
    let status = bus.input::<u16>(0, 0x6041);
    let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).expect("a bus in OP");
    for _ in 0..1000 {
        bench.step(&mut io).expect("a cycle");
    }
    assert_ne!(io.get(status), 0);
    println!("both work");
}
