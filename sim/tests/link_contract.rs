//! The link into a segment keeps the claims of every link.

use std::time::Duration;

use zerocat_link::Sizing;
use zerocat_sim::{Segment, SegmentConfig, SegmentConfigError, SegmentLink};
use zerocat_testkit::contract;

#[test]
fn a_segment_in_process_is_a_link() -> Result<(), SegmentConfigError> {
    let segment = Segment::new(&SegmentConfig::example())?;
    let mut link = SegmentLink::new(segment, Sizing { slots: 8, receive: 64 }, || Duration::ZERO);
    contract::check_all(&mut link, || {});
    Ok(())
}
