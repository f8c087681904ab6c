//! Runs the bus futures on one ordinary thread.
//!
//! The wakers are called from the realtime thread, so waking is one store to an atomic: no system call, no lock, and
//! never a deallocation (the flag lives as long as the process). The price is that this thread naps and looks instead
//! of being woken: what to do between two looks is the caller's.
//!
//! Not guaranteed: progress while the frames that a future waits for don't come back. Who moves the frames owes each
//! of them exactly once.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // SYNC: publishes what the waking thread wrote before. Pairs with the acquire in `try_block_on`.
        self.0.store(true, Ordering::Release);
    }
}

thread_local! {
    /// Never dropped: the realtime thread may hold the last other reference, and must not free memory.
    static FLAG: ManuallyDrop<Arc<Flag>> = ManuallyDrop::new(Arc::new(Flag::default()));
}

/// Polls `future` to its end on this thread. `idle` is called when nothing was woken since the last poll: a nap of
/// some 50 us in production, the simulated segment's turn in a test. The future is polled after each `idle`, so that
/// what waits for a time needs no timer.
pub fn block_on<F: Future>(future: F, mut idle: impl FnMut()) -> F::Output {
    let output = try_block_on(future, || {
        idle();
        ControlFlow::Continue(())
    });
    match output {
        Some(output) => output,
        None => unreachable!("idle never breaks"),
    }
}

/// As [`block_on`], but gives the future up and returns `None` when `idle` breaks.
///
/// Break only when the frame mover has stopped for good: a frame that is out while its future is dropped costs the
/// pool a slot.
pub fn try_block_on<F: Future>(future: F, mut idle: impl FnMut() -> ControlFlow<()>) -> Option<F::Output> {
    let flag = FLAG.with(|flag| Arc::clone(flag));
    let waker = Waker::from(Arc::clone(&flag));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let output = loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            break Some(output);
        }
        // SYNC: sees what was written before the wake. Pairs with the release in `Flag::wake_by_ref`.
        if !flag.0.swap(false, Ordering::Acquire) && idle().is_break() {
            break None;
        }
    };
    // A future further out on this thread's stack may have been woken meanwhile; have it polled.
    flag.0.store(true, Ordering::Release);
    output
}

/// Whether a future of this thread was woken since it was polled last.
#[must_use]
pub fn is_woken() -> bool {
    // SYNC: as in `try_block_on`, which takes the flag.
    FLAG.with(|flag| flag.0.load(Ordering::Acquire))
}

/// Has the futures of this thread polled again at once.
pub(crate) fn wake() {
    FLAG.with(|flag| flag.wake_by_ref());
}

/// Futures that run at the same time. Each has one frame of the pool at most, and the pool has 128, so none of them waits
/// for a frame while others pass it; and at each wake so many are polled at most.
const TOGETHER: usize = 120;

/// Polls all futures until all are done, the first 120 unfinished ones at a time; the results are in the order of the
/// futures. All share one waker; nothing is allocated or freed by a wake.
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    JoinAll { slots: futures.into_iter().map(|future| Slot::Running(Box::pin(future))).collect() }.await
}

enum Slot<F: Future> {
    Running(Pin<Box<F>>),
    Done(Option<F::Output>),
}

struct JoinAll<F: Future> {
    slots: Vec<Slot<F>>,
}

// The futures are boxed and pinned by themselves, and outputs are never pinned.
impl<F: Future> Unpin for JoinAll<F> {}

impl<F: Future> Future for JoinAll<F> {
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut pending = 0;
        for slot in &mut self.slots {
            if pending == TOGETHER {
                break;
            }
            if let Slot::Running(future) = slot {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *slot = Slot::Done(Some(output)),
                    Poll::Pending => pending += 1,
                }
            }
        }
        if pending > 0 {
            return Poll::Pending;
        }
        let take = |slot: &mut Slot<F>| if let Slot::Done(output) = slot { output.take() } else { None };
        Poll::Ready(self.slots.iter_mut().filter_map(take).collect())
    }
}

/// Lets the executor idle once.
pub(crate) async fn idle_once() {
    let mut polled = false;
    std::future::poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn idles_only_while_nothing_was_woken() {
        let mut polls = 0;
        let woken_twice = std::future::poll_fn(|context| {
            polls += 1;
            if polls < 3 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(polls)
        });
        let mut naps = 0;
        assert_eq!(block_on(woken_twice, || naps += 1), 3);
        assert_eq!(naps, 0);
    }

    #[test]
    fn who_idles_sees_that_somebody_was_woken_meanwhile() {
        let (mut polls, mut seen) = (0, Vec::new());
        let twice = std::future::poll_fn(|_| {
            polls += 1;
            if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
        });
        block_on(twice, || {
            seen.push(is_woken());
            wake();
            seen.push(is_woken());
        });
        assert_eq!(seen, [false, true]);
    }

    #[test]
    fn a_wait_for_time_is_polled_after_each_idle() {
        let now = Cell::new(0);
        let later = std::future::poll_fn(|_| if now.get() >= 5 { Poll::Ready(()) } else { Poll::Pending });
        block_on(later, || now.set(now.get() + 1));
        assert_eq!(now.get(), 5);
    }

    #[test]
    fn a_wake_from_another_thread_is_seen() {
        let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
        let woken = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&woken);
        let thread = std::thread::spawn(move || {
            let waker = receiver.recv().unwrap();
            done.store(true, Ordering::Release);
            waker.wake();
        });
        let mut sender = Some(sender);
        let future = std::future::poll_fn(|context| {
            if let Some(sender) = sender.take() {
                sender.send(context.waker().clone()).unwrap();
            }
            if woken.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
        });
        block_on(future, std::thread::yield_now);
        thread.join().unwrap();
    }

    #[test]
    fn breaking_idle_gives_the_future_up() {
        assert_eq!(try_block_on(std::future::pending::<()>(), || ControlFlow::Break(())), None);
    }

    #[test]
    fn joined_futures_run_some_at_a_time_and_all_are_done() {
        let (running, most) = (Cell::new(0usize), Cell::new(0usize));
        let turn = |turns: usize| {
            let (running, most) = (&running, &most);
            async move {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                for _ in 0..turns {
                    idle_once().await;
                }
                running.set(running.get() - 1);
                turns
            }
        };
        let all: Vec<usize> = (0..200).map(|n| n % 7).collect();
        assert_eq!(block_on(join_all(all.iter().map(|turns| turn(*turns))), || {}), all);
        assert_eq!(most.get(), TOGETHER);
    }

    #[test]
    fn joined_results_keep_their_order() {
        let wait = |turns: usize| async move {
            for _ in 0..turns {
                idle_once().await;
            }
            turns
        };
        assert_eq!(block_on(join_all([3, 0, 1].map(wait)), || {}), [3, 0, 1]);
    }
}
