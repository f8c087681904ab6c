//! What a session tells, for whoever subscribes: each subscriber has a queue of its own.
//!
//! Guarantees: whoever tells never waits for a subscriber; a queue has a bound, and what it has no room for is lost and
//! counted; events come in the order in which they happened. Threads and executors of any kind may wait.

use crate::events::{Phase, SessionEvent};
use futures_core::Stream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use zerocat_bus::{Bounded, Loses, Nothing};

/// Events that wait for a subscriber.
const DEPTH: usize = 256;

/// Events of a session from when it was subscribed to. Dropped, it ends the subscription.
///
/// It is a [`Stream`] too, that ends with the session.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use std::time::Duration;
/// use zerocat::testing::{Bench, ProfileKind, line};
/// use zerocat::{NoEvent, Phase, SessionEvent};
/// let (mut bench, _io) = Bench::start(Bench::bus(), &line(&[ProfileKind::Servo])).unwrap();
/// let events = bench.events();
/// assert_eq!(events.recv(Duration::ZERO), Err(NoEvent::TimedOut));
/// bench.stop().unwrap();
/// assert_eq!(events.recv(Duration::ZERO), Ok(SessionEvent::Phase(Phase::ShutDown)));
/// while events.recv(Duration::ZERO).is_ok() {}
/// assert_eq!(events.recv(Duration::ZERO), Err(NoEvent::Ended));
/// # }
/// ```
#[derive(Debug)]
pub struct Events(Arc<Queue>);

/// No event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoEvent {
    /// None happened in time.
    #[error("no event in time")]
    TimedOut,
    /// None will happen: the session is over.
    #[error("the session is over, no event will come")]
    Ended,
}

type Queue = Bounded<SessionEvent>;

impl Events {
    /// Waits for the next event.
    ///
    /// # Errors
    /// None came in time, or the session is over.
    pub fn recv(&self, timeout: Duration) -> Result<SessionEvent, NoEvent> {
        self.0.take_within(timeout).map_err(|nothing| match nothing {
            Nothing::TimedOut => NoEvent::TimedOut,
            Nothing::Ended => NoEvent::Ended,
        })
    }

    /// Events that were lost because too many waited.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost()
    }
}

impl Stream for Events {
    type Item = SessionEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SessionEvent>> {
        self.0.poll_take(context)
    }
}

/// All subscribers of a session, and the phase that it is in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subscribers(Arc<Mutex<Audience>>);

#[derive(Debug, Default)]
struct Audience {
    queues: Vec<Weak<Queue>>,
    phase: Option<Phase>,
    closed: bool,
}

impl Subscribers {
    fn audience(&self) -> MutexGuard<'_, Audience> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self) -> Events {
        let queue = Arc::new(Queue::new(DEPTH, Loses::Newest));
        let mut audience = self.audience();
        if audience.closed {
            queue.close();
        }
        audience.queues.push(Arc::downgrade(&queue));
        Events(queue)
    }

    pub(crate) fn tell(&self, event: &SessionEvent) {
        let mut audience = self.audience();
        if let SessionEvent::Phase(phase) = event {
            audience.phase = Some(*phase);
        }
        audience.queues.retain(|queue| {
            queue.upgrade().is_some_and(|queue| {
                queue.push(event.clone());
                true
            })
        });
    }

    /// The phase that was entered last.
    pub(crate) fn phase(&self) -> Option<Phase> {
        self.audience().phase
    }

    /// No event will come any more.
    pub(crate) fn close(&self) {
        let mut audience = self.audience();
        audience.closed = true;
        let queues = std::mem::take(&mut audience.queues);
        drop(audience);
        queues.iter().filter_map(Weak::upgrade).for_each(|queue| queue.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::Waker;

    const NO_TIME: Duration = Duration::ZERO;

    #[test]
    fn each_subscriber_has_a_queue_of_its_own_and_its_losses_are_counted() {
        let subscribers = Subscribers::default();
        let (slow, quick) = (subscribers.subscribe(), subscribers.subscribe());
        for _ in 0..DEPTH + 3 {
            subscribers.tell(&SessionEvent::AttachedAgain);
            assert_eq!(quick.recv(NO_TIME), Ok(SessionEvent::AttachedAgain));
        }
        assert_eq!((slow.lost(), quick.lost()), (3, 0));
        assert_eq!(quick.recv(NO_TIME), Err(NoEvent::TimedOut));
        subscribers.close();
        assert_eq!(quick.recv(NO_TIME), Err(NoEvent::Ended));
        assert!(slow.recv(NO_TIME).is_ok(), "what waits is still to be had");
        assert_eq!(subscribers.subscribe().recv(NO_TIME), Err(NoEvent::Ended));
    }

    #[test]
    fn a_stream_ends_with_the_session() {
        let subscribers = Subscribers::default();
        let mut events = pin!(subscribers.subscribe());
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(events.as_mut().poll_next(&mut context), Poll::Pending);
        subscribers.tell(&SessionEvent::Phase(Phase::Running));
        assert_eq!(subscribers.phase(), Some(Phase::Running));
        assert!(events.as_mut().poll_next(&mut context).is_ready());
        subscribers.close();
        assert_eq!(events.as_mut().poll_next(&mut context), Poll::Ready(None));
    }
}
