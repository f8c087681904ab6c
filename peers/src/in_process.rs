//! A simulated segment in place of ethercrab's network: every frame of its pool passes through the segment and is
//! handed back.

use std::task::Poll;
use std::time::Instant;

use ethercrab::{PduRx, PduTx};
use zerocat_sim::{Outcome, Segment};

/// Moves frames until ethercrab asks it to end.
pub(crate) fn pump(mut tx: PduTx<'static>, mut rx: PduRx<'static>, mut segment: Segment) {
    let began = Instant::now();
    let mut bytes = Vec::with_capacity(1514);
    futures_lite::future::block_on(std::future::poll_fn(|context| {
        tx.replace_waker(context.waker());
        while let Some(frame) = tx.next_sendable_frame() {
            bytes.clear();
            let sent = frame.send_blocking(|frame| {
                bytes.extend_from_slice(frame);
                Ok(frame.len())
            });
            // The frame must be marked as sent before its answer comes in, so the segment is asked afterwards.
            if sent.is_ok()
                && segment.process(&mut bytes, began.elapsed()) == Outcome::Returned
                && let Err(error) = rx.receive_frame(&bytes)
            {
                eprintln!("zerocat-peers: ethercrab refused an answer: {error}");
            }
        }
        if tx.should_exit() { Poll::Ready(()) } else { Poll::Pending }
    }));
}
