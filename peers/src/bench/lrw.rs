//! One LRW in each frame through ethercrab's pool: the least that a cycle over its tasks costs.

use std::time::{Duration, Instant};

use ethercrab::error::Error;
use ethercrab::{Command, MainDevice};
use futures_lite::future::try_zip;
use zerocat_measure::{Lost, Plan, RoundTrip};

/// Ethernet header, EtherCAT header, datagram header and working counter (ETG.1000.4, tables 7 to 14).
const OVERHEAD: usize = 14 + 2 + 10 + 2;
/// Length in the address space that a frame takes; longer than any frame.
const STRIDE: u32 = 2048;

/// Frames of one size, all of an exchange out at once.
pub(super) struct Lrw<'a> {
    main: &'a MainDevice<'a>,
    data: Vec<u8>,
    frames: usize,
    deadline: Duration,
    expected: u16,
    faults: u64,
}

impl<'a> Lrw<'a> {
    pub(super) fn new(main: &'a MainDevice<'a>, plan: &Plan) -> Self {
        Self {
            main,
            data: vec![0; plan.size.saturating_sub(OVERHEAD)],
            frames: plan.frames,
            deadline: plan.deadline(),
            expected: plan.expected_working_counter,
            faults: 0,
        }
    }

    /// Sends a frame and waits for its return. Returns 1 if its working counter was wrong, else 0.
    async fn frame(&self, number: u32) -> Result<u64, Error> {
        let lrw = Command::lrw(number * STRIDE).ignore_wkc();
        let back = lrw.send_receive_slice(self.main, self.data.as_slice()).await?;
        Ok(u64::from(back.wkc(self.expected).is_err()))
    }

    async fn pair(&self, first: u32) -> Result<u64, Error> {
        try_zip(self.frame(first), self.frame(first + 1)).await.map(|(one, two)| one + two)
    }

    async fn burst(&self) -> Result<u64, Error> {
        match self.frames {
            1 => self.frame(0).await,
            2 => self.pair(0).await,
            4 => try_zip(self.pair(0), self.pair(2)).await.map(|(one, two)| one + two),
            _ => Err(Error::Internal),
        }
    }
}

impl RoundTrip for Lrw<'_> {
    async fn exchange(&mut self) -> Result<Option<u64>, Lost> {
        let began = Instant::now();
        match self.burst().await {
            // ethercrab's own timeout is longer, because its tasks end when it gives up on a frame.
            Ok(faults) if began.elapsed() <= self.deadline => {
                self.faults += faults;
                Ok(None)
            }
            _ => Err(Lost),
        }
    }

    fn working_counter_faults(&self) -> u64 {
        self.faults
    }
}
