//! Threads that try devices. One that doesn't come back from a device is left behind, and another takes its place.

use crate::bound::LONGEST;
use crate::device::{Failure, try_device};
use crate::find::Subject;
use crate::panic;
use crate::stage::Stage;
use std::cell::Cell;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;
use std::time::{Duration, Instant};
use tracing::subscriber::{NoSubscriber, with_default};
use zerocat_esi::{Catalogue, EsiError};
use zerocat_testkit::virtual_network::Frames;

/// What became of a device.
pub(crate) type Outcome = Result<(), Failure>;

/// How long a device is waited for: it ends by itself after [`LONGEST`], unless a single step of it takes longer.
const GIVEN_UP: Duration = Duration::from_secs(2 * LONGEST.as_secs());
/// How often is looked whether a device takes too long.
const LOOK: Duration = Duration::from_millis(100);

/// What a worker tells.
enum Told {
    Begun { worker: usize, subject: usize },
    Done { worker: usize, subject: usize, outcome: Outcome },
}

/// What workers share.
struct Queue {
    subjects: Vec<Subject>,
    next: AtomicUsize,
}

/// Tries all devices; `told` hears how many are done. An outcome is `None` where the sweep ended before.
pub(crate) fn run(
    subjects: &[Subject],
    jobs: NonZeroUsize,
    mut told: impl FnMut(usize) -> bool,
) -> Vec<Option<Outcome>> {
    let queue = Arc::new(Queue { subjects: subjects.to_vec(), next: AtomicUsize::new(0) });
    let (sender, receiver) = channel();
    let mut outcomes: Vec<Option<Outcome>> = vec![None; subjects.len()];
    let (mut done, mut workers) = (0, 0);
    let mut busy = HashMap::new();
    for _ in 0..jobs.get().min(subjects.len()) {
        hire(&mut workers, &queue, &sender);
    }
    while done < subjects.len() && told(done) {
        match next(&receiver) {
            Some(Told::Begun { worker, subject }) => {
                busy.insert(worker, (subject, Instant::now()));
            }
            Some(Told::Done { worker, subject, outcome }) if busy.remove(&worker).is_some() => {
                outcomes[subject] = Some(outcome);
                done += 1;
            }
            _ => {}
        }
        let stuck = busy.iter().find(|(_, (_, since))| since.elapsed() > GIVEN_UP).map(|(worker, at)| (*worker, at.0));
        if let Some((worker, subject)) = stuck {
            busy.remove(&worker);
            let reason = format!("one step took more than {} s; it was left behind", GIVEN_UP.as_secs());
            outcomes[subject] = Some(Err(Failure::new(Stage::Read, reason)));
            done += 1;
            hire(&mut workers, &queue, &sender);
        }
    }
    told(done);
    // SYNC: a count; who takes a number beyond the last device ends.
    queue.next.store(usize::MAX / 2, Ordering::Relaxed);
    outcomes
}

fn next(receiver: &Receiver<Told>) -> Option<Told> {
    // The caller keeps a sender, so all that can fail is the wait.
    receiver.recv_timeout(LOOK).ok()
}

/// Starts a worker. Where no thread can be had, those that there are do the work.
fn hire(workers: &mut usize, queue: &Arc<Queue>, sender: &Sender<Told>) {
    let worker = *workers;
    *workers += 1;
    let (queue, sender) = (Arc::clone(queue), sender.clone());
    let name = format!("{}-{worker}", panic::THREAD);
    let work = move || with_default(NoSubscriber::default(), || work(worker, &queue, &sender));
    if Builder::new().name(name).spawn(work).is_err() && worker == 0 {
        tracing::warn!("no thread can be started");
    }
}

fn work(worker: usize, queue: &Queue, sender: &Sender<Told>) {
    // The contents of the last file are kept for the next device, and the frames.
    let (mut open, mut frames) = (None, None);
    loop {
        // SYNC: a count; the devices were there before the thread.
        let number = queue.next.fetch_add(1, Ordering::Relaxed);
        let Some(subject) = queue.subjects.get(number) else { return };
        // The file is not the device's time.
        let file = subject.source.open();
        if sender.send(Told::Begun { worker, subject: number }).is_err() {
            return;
        }
        let outcome = attempt(subject, file.map(|file| &**open.insert(file)), &mut frames);
        if sender.send(Told::Done { worker, subject: number, outcome }).is_err() {
            return;
        }
    }
}

/// Tries a device of a file.
fn attempt(subject: &Subject, file: Result<&Catalogue, EsiError>, frames: &mut Option<Frames>) -> Outcome {
    let stage = Cell::new(Stage::Read);
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let fail = |error| Failure::new(Stage::Read, zerocat::chain(&error));
        let device = file.map_err(fail)?.device(subject.place, None).map_err(fail)?;
        try_device(&device, &stage, frames)
    }));
    tried.unwrap_or_else(|_| Err(Failure::new(stage.get(), panic::last())))
}
