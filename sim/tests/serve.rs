//! A server answers at the far end of a link.

use std::error::Error;
use std::time::Duration;

use zerocat_link::{Link, Sizing, Slot, pair::pair};
use zerocat_sim::{Action, SecondEndConfig, Segment, SegmentConfig, Server};
use zerocat_wire::ethernet::MacAddress;
use zerocat_wire::{Address, Command, Datagram, FrameBuilder, FrameView};

fn post(link: &mut impl Link, slot: u16, ethertype: u8) -> Result<(), Box<dyn Error>> {
    let bytes = link.slot_mut(Slot(slot))?;
    let mut builder = FrameBuilder::new(bytes, MacAddress::CYCLIC)?;
    builder.push(Datagram::new(Command::Brd, Address::broadcast(0x0130), 7, 2))?;
    let len = builder.finish()?;
    bytes[13] = ethertype;
    link.post(Slot(slot), len)?;
    Ok(())
}

#[test]
fn answers_what_came_and_counts_what_did_not_return() -> Result<(), Box<dyn Error>> {
    let (mut near, mut far) = pair(Sizing { slots: 4, receive: 8 });
    let mut segment = Segment::new(&SegmentConfig::example())?;
    let mut server = Server::new();
    assert!(!server.serve_once(&mut far, &mut segment, Duration::ZERO)?, "nothing has come");

    post(&mut near, 0, 0xa4)?;
    post(&mut near, 1, 0x00)?;
    post(&mut near, 2, 0xa4)?;
    near.kick()?;
    assert!(server.serve_once(&mut far, &mut segment, Duration::ZERO)?);
    for _ in 0..2 {
        let frame = near.receive()?.ok_or("no answer")?;
        let view = FrameView::new_checked(frame)?;
        let datagram = view.datagrams().next().ok_or("no datagram")??;
        assert_eq!((datagram.data(), datagram.working_counter()), (&[1, 0][..], 6));
    }
    assert!(near.receive()?.is_none());
    let counters = server.counters();
    assert_eq!((counters.received, counters.answered, counters.lost, counters.dropped), (3, 2, 1, 0));
    Ok(())
}

/// Working counter of the frame that has arrived.
fn counter(link: &mut impl Link) -> Result<Option<u16>, Box<dyn Error>> {
    let Some(frame) = link.receive()? else { return Ok(None) };
    let view = FrameView::new_checked(frame)?;
    Ok(Some(view.datagrams().next().ok_or("no datagram")??.working_counter()))
}

#[test]
fn two_ends_answer_where_a_frame_comes_out() -> Result<(), Box<dyn Error>> {
    let (mut near_a, mut far_a) = pair(Sizing { slots: 2, receive: 8 });
    let (mut near_b, mut far_b) = pair(Sizing { slots: 4, receive: 8 });
    let mut config = SegmentConfig::example();
    config.second_end = Some(SecondEndConfig { subdevice: 5, port: None });
    let mut segment = Segment::new(&config)?;
    let mut server = Server::new();
    assert!(!server.serve_ends(&mut far_a, &mut far_b, &mut segment, Duration::ZERO)?);
    for (cut, at_a, at_b) in [(None, Some(0), Some(6)), (Some(2), Some(2), Some(4)), (Some(0), None, Some(4))] {
        if let Some(child) = cut {
            segment.act(Action::PullCable { child }, Duration::ZERO)?;
        }
        post(&mut near_a, 0, 0xa4)?;
        post(&mut near_b, 0, 0xa4)?;
        near_a.kick()?;
        near_b.kick()?;
        assert!(server.serve_ends(&mut far_a, &mut far_b, &mut segment, Duration::ZERO)?);
        assert_eq!((counter(&mut near_a)?, counter(&mut near_b)?), (at_a, at_b), "cable {cut:?} pulled");
    }
    Ok(())
}
