//! Terminals that were left without frames: what they do with commands from before, once frames reach them again.
//!
//! A terminal takes what the next frame brings it, and has no AL state that would tell. So it shows for some time what was
//! commanded before, until zerocat has seen that its watchdog expired. That time is looked at here, as far as zerocat could
//! see it.

use crate::app::App;
use std::collections::BTreeMap;
use std::time::Duration;
use zerocat_sim::Segment;

/// How long old commands may be shown, beside the time in which nobody can see it.
const SEEN_WITHIN: Duration = Duration::from_millis(100);

/// A terminal.
#[derive(Debug, Clone, Copy, Default)]
struct Terminal {
    /// Times that its watchdog expired.
    expiries: u64,
    /// When it did so last, while commands were taken.
    void_since: Option<Duration>,
    /// How long it has shown commands from before.
    exposed: Duration,
    /// When it was looked at last.
    looked: Duration,
}

/// All terminals, by position.
#[derive(Debug, Default)]
pub(crate) struct Parted(BTreeMap<u16, Terminal>);

impl Parted {
    /// Looks at all of them. `live` says whether commands are taken, `seen` whether a trouble can be seen. Tells of one that
    /// has shown old commands for too long.
    pub(crate) fn look(
        &mut self,
        app: &App,
        segment: &Segment,
        now: Duration,
        live: bool,
        seen: bool,
    ) -> Option<String> {
        let snapshot = segment.snapshot();
        let mut violation = None;
        for position in app.terminals() {
            let terminal = self.0.entry(position).or_default();
            let passed = now.saturating_sub(std::mem::replace(&mut terminal.looked, now));
            let Some(shown) = snapshot.subdevices.get(usize::from(position)) else { continue };
            if std::mem::replace(&mut terminal.expiries, shown.watchdog_expiries) != shown.watchdog_expiries && live {
                (terminal.void_since, terminal.exposed) = (Some(now), Duration::ZERO);
            }
            let outputs = segment.outputs(position.into()).unwrap_or_default();
            let mark = u64::from(outputs.first().copied().unwrap_or(0));
            let made = app.mark_made(mark).filter(|_| mark != 0);
            let old = terminal.void_since.zip(made).filter(|(void, made)| made < void);
            if let Some((void, made)) = old.filter(|_| seen) {
                terminal.exposed += passed;
                if terminal.exposed > SEEN_WITHIN {
                    let what = format!(
                        "SubDevice {position} has shown for {:?} what was commanded for an epoch of {made:?}; its watchdog \
                         expired at {void:?}",
                        terminal.exposed
                    );
                    violation = violation.or(Some(what));
                }
            }
        }
        violation
    }
}
