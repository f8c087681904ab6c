//! Panics of the threads that try devices: noted with their place instead of printed.

use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};

thread_local! {
    static NOTED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Begins the names of the threads whose panics are noted.
pub(crate) const THREAD: &str = "zc-sweep";

/// Runs `body` while panics of the sweep's threads are noted. Those of others are handled as before.
pub(crate) fn noted<T>(body: impl FnOnce() -> T) -> T {
    let before = std::sync::Arc::new(panic::take_hook());
    let other = std::sync::Arc::clone(&before);
    panic::set_hook(Box::new(move |info| {
        let ours = std::thread::current().name().is_some_and(|name| name.starts_with(THREAD));
        if ours { note(info) } else { other(info) }
    }));
    let done = body();
    panic::set_hook(Box::new(move |info| before(info)));
    done
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    let words = info.payload_as_str().unwrap_or("without words");
    NOTED.with_borrow_mut(|noted| *noted = Some(format!("panic{place}: {words}")));
}

/// The last panic of this thread.
pub(crate) fn last() -> String {
    NOTED.with_borrow_mut(Option::take).unwrap_or_else(|| "panic".to_owned())
}
