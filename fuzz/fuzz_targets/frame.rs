//! Frames: a frame rebuilt from its parsed values is equal to it, and a walk that changes datagrams in place visits the
//! same ones as a walk that reads.
//!
//! The input is taken twice: as a whole frame, and as what follows a valid Ethernet and EtherCAT header, because in a
//! short run the fuzzer doesn't find both headers by itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_wire::ethernet::{ETHERTYPE, HEADER_LEN as ETHERNET, MAX_FRAME};
use zerocat_wire::frame::HEADER_LEN;
use zerocat_wire::{DatagramView, FrameBuilder, FrameView, FrameViewMut};

fuzz_target!(|bytes: &[u8]| {
    frame(bytes);
    let mut wrapped = vec![0xff; ETHERNET];
    wrapped[12..ETHERNET].copy_from_slice(&ETHERTYPE.to_be_bytes());
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX).min(0x07ff);
    wrapped.extend((length | 0x1000).to_le_bytes());
    wrapped.extend(bytes);
    frame(&wrapped);
});

fn frame(bytes: &[u8]) {
    let Ok(view) = FrameView::new_checked(bytes) else { return };
    let walked: Vec<_> = view.datagrams().collect();
    let good: Vec<_> = walked.iter().filter_map(|datagram| datagram.ok()).collect();
    assert!(walked.len() - good.len() <= 1);
    changes_the_same(bytes, &good);
    if walked.len() == good.len() {
        builds_the_same(&view, &good);
    }
}

fn changes_the_same(bytes: &[u8], good: &[DatagramView<'_>]) {
    let mut copy = bytes.to_vec();
    let mut changed = FrameViewMut::new_checked(&mut copy).expect("a frame that was admitted is admitted again");
    let mut count = 0;
    for (mut datagram, original) in changed.datagrams_mut().zip(good) {
        assert_eq!(datagram.view().bytes(), original.bytes());
        datagram.add_working_counter(1);
        assert_eq!(datagram.view().working_counter(), original.working_counter().wrapping_add(1));
        datagram.set_working_counter(original.working_counter());
        count += 1;
    }
    assert_eq!(count, good.len());
    changed.mark_returned();
    copy[6] = bytes[6];
    assert_eq!(copy, bytes);
}

/// Builds the frame from header values, data and working counters, and compares the bytes. What no builder writes
/// (event bits, the reserved bits of the length, the flag for more datagrams on the last one) makes a frame that is
/// left out.
fn builds_the_same(view: &FrameView<'_>, good: &[DatagramView<'_>]) {
    let mut buffer = [0; MAX_FRAME];
    let mut builder = FrameBuilder::new(&mut buffer, view.source()).expect("the buffer takes a frame");
    let mut places = Vec::new();
    for datagram in good {
        let Ok(header) = datagram.header() else { return };
        let bytes = datagram.bytes();
        if bytes[7] & 0x38 != 0 || bytes[8..10] != [0, 0] {
            return;
        }
        let Ok(place) = builder.push(header) else { return };
        places.push(place);
    }
    let Ok(len) = builder.finish() else { return };
    for (place, datagram) in places.iter().zip(good) {
        let end = place + datagram.data().len();
        buffer[*place..end].copy_from_slice(datagram.data());
        buffer[end..end + 2].copy_from_slice(&datagram.working_counter().to_le_bytes());
    }
    let built = FrameView::new_checked(&buffer[..len]).expect("a built frame is admitted");
    assert_eq!(built.source(), view.source());
    let used = built.payload().len();
    assert_eq!(built.payload(), &view.payload()[..used]);
    assert!(len >= HEADER_LEN + used);
}
