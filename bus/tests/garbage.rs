//! What comes from the wire is a claim: SubDevices that answer nonsense cost an error, never a panic or an endless loop.

mod support;

use std::time::Duration;

use support::rig;
use zerocat_bus::sii::{Content, SiiReader};
use zerocat_bus::{Network, Options, Target};
use zerocat_wire::{Command, FrameViewMut, register};

/// Answers every datagram to one SubDevice with working counter 1 and every broadcast with `count`. `fill` gives the
/// data from the register and a running number.
fn nonsense(count: u16, mut fill: impl FnMut(u16, u64, &mut [u8])) -> impl FnMut(&mut [u8], Duration) -> bool {
    let mut number = 0;
    move |frame: &mut [u8], _now| {
        let mut frame = FrameViewMut::new_checked(frame).expect("a frame");
        frame.mark_returned();
        for mut datagram in frame.datagrams_mut() {
            let (command, register) = (datagram.view().command(), datagram.view().address().ado());
            number += 1;
            if matches!(command, Ok(Command::Brd | Command::Fprd | Command::Aprd)) {
                fill(register, number, datagram.data_mut());
            }
            let broadcast = matches!(command, Ok(Command::Brd | Command::Bwr));
            datagram.set_working_counter(if broadcast { count } else { 1 });
        }
        true
    }
}

/// Bytes that depend on seed and number.
fn scatter(seed: u64, number: u64, data: &mut [u8]) {
    let mut state = (seed << 32 | number).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for byte in data {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        *byte = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes()[0];
    }
}

#[test]
fn subdevices_that_answer_random_bytes_end_in_an_error_or_are_told_as_damaged() {
    for seed in 0..30 {
        let (datagrams, mut pump) = rig::<8, _>(nonsense(3, move |_, number, data| scatter(seed, number, data)));
        match pump.run(Network::discover(&datagrams, Options::default())) {
            Err(error) => assert!(error.to_string().contains("SubDevice"), "{error}"),
            Ok(network) => {
                let told = network.subdevices().iter().all(|subdevice| !subdevice.notes.is_empty());
                assert!(told, "seed {seed}");
            }
        }
    }
}

#[test]
fn an_sii_of_random_bytes_is_read_to_an_end_and_said_to_be_damaged() {
    for seed in 0..30 {
        let sii = nonsense(1, move |register, number, data| {
            scatter(seed, number, data);
            if register == register::SII_CONTROL {
                data[..2].copy_from_slice(&[0x40, 0]);
            }
        });
        let (datagrams, mut pump) = rig::<8, _>(sii);
        let read = async { SiiReader::open(&datagrams, Target::Station(1)).await?.read_all().await };
        let sii = pump.run(read).unwrap();
        assert!(!sii.problems.is_empty(), "seed {seed}");
        assert!(pump.frames < 50_000, "seed {seed}: {} frames", pump.frames);
    }
}

#[test]
fn an_erased_sii_is_empty() {
    let erased = nonsense(1, |register, _, data| {
        data.fill(0xff);
        if register == register::SII_CONTROL {
            data[..2].copy_from_slice(&[0x40, 0]);
        }
    });
    let (datagrams, mut pump) = rig::<8, _>(erased);
    let read = async { SiiReader::open(&datagrams, Target::Station(1)).await?.read_all().await };
    let sii = pump.run(read).unwrap();
    assert_eq!((sii.content, sii.problems.len(), sii.sync_managers.len()), (Content::Empty, 1, 0));
}

#[test]
fn an_sii_that_stays_busy_is_given_up() {
    let (datagrams, mut pump) = rig::<8, _>(nonsense(1, |_, _, data| data.fill(0xff)));
    let read = async { SiiReader::open(&datagrams, Target::Station(1)).await.map(drop) };
    let error = pump.run(read).unwrap_err().to_string();
    assert!(error.starts_with("SII interface busy for 1.0"), "{error}");
}
