//! What tests of a running bus share.

use std::time::Duration;
use zerocat::testing::Bench;
use zerocat::{Pending, RequestError};

/// The answer, after some cycles.
pub(crate) fn answer<T>(bench: &mut Bench, asked: Pending<T>) -> Result<T, RequestError> {
    for _ in 0..100 {
        bench.run(Duration::from_millis(20));
        if let Some(answer) = asked.try_take() {
            return answer;
        }
    }
    panic!("no answer in two seconds");
}
