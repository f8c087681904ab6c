//! One SubDevice: an ESC and the application behind it.

use std::time::Duration;

use zerocat_wire::AlState;

use crate::app::{Application, Injection};
use crate::config::{self, ConfigProblem, ControlRule, DifferenceSign, SubDeviceConfig, TargetState};
use crate::describe::sii_image;
use crate::esc::{Clock, Esc, Habits, Pending, SiiInterface};
use crate::profile;

/// One SubDevice.
#[derive(Debug)]
pub(crate) struct SubDevice {
    pub(crate) esc: Esc,
    pub(crate) app: Application,
    /// Logical datagrams that it took part in.
    pub(crate) cyclic: u64,
    /// Receive times of the present frame are to be latched.
    pub(crate) latching: bool,
    config: SubDeviceConfig,
}

impl SubDevice {
    /// As after power-on.
    ///
    /// # Errors
    /// `NotRead`, `Sii`.
    pub(crate) fn new(config: &SubDeviceConfig) -> Result<Self, ConfigProblem> {
        let (description, behaviour) = profile::build(config)?;
        let words = sii_image::compose(&description).map_err(ConfigProblem::Sii)?;
        let idle = description.esc.sii_status;
        let idle = config.sii_width.map_or(idle, |width| SiiInterface::with_width(idle, width == 8));
        let sii = SiiInterface::new(idle, config.sii_delay.0);
        let mut esc = Esc::new(description.esc, words, sii);
        if config.sii_silent {
            esc.silence_sii();
        }
        for ram in &config.ram {
            esc.fill(ram.address, &config::bytes(&ram.bytes).unwrap_or_default());
        }
        let injection = config.al_error.map(|error| Injection {
            on: match error.on {
                TargetState::Init => AlState::Init,
                TargetState::PreOp => AlState::PreOp,
                TargetState::SafeOp => AlState::SafeOp,
                TargetState::Op => AlState::Op,
            },
            code: zerocat_wire::AlStatusCode(error.code),
            times: error.times,
        });
        let app =
            Application::new(description, behaviour, config.transition_delay.0, injection, config.mailbox.as_ref());
        let mut device = Self { esc, app, cyclic: 0, latching: false, config: config.clone() };
        let ends = config::bytes(&config.mail_ends).unwrap_or_default();
        device.app.set_mails(&ends, config.mail_delays.iter().map(|delay| delay.0));
        device.app.sync.needed = config.clock.needs_sync;
        device.app.sync.shortest = config.clock.shortest_cycle.0;
        device.app.sync.copying = config.clock.copying_time.0;
        device.app.power_on(&mut device.esc);
        device.start_clock(Duration::ZERO);
        Ok(device)
    }

    /// As after power-on again; the SII keeps what was written to it.
    pub(crate) fn restart(&mut self, now: Duration) {
        // This has worked with the same configuration before.
        let Ok(fresh) = Self::new(&self.config) else { return };
        let words = self.esc.sii.take_words();
        *self = Self { cyclic: self.cyclic, ..fresh };
        self.esc.exchange_sii(words);
        self.esc.set_now(now);
        self.start_clock(now);
    }

    fn start_clock(&mut self, now: Duration) {
        let clock = self.config.clock;
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let bits = self.config.clock_bits();
        if bits > 0 || clock.receive_times {
            let habits = Habits {
                ahead_is_set: clock.difference_sign == DifferenceSign::Ahead,
                step: clock.step_ns.into(),
                bandwidth: clock.bandwidth,
                stepwise: clock.rule == ControlRule::Stepwise,
                follows: clock.follows,
            };
            let crystal = Clock::new(bits == 64, clock.drift_ppm, nanos(clock.offset.0), nanos(now)).with(habits);
            self.esc.set_clock(crystal, bits > 0);
            self.esc.miss_starts(clock.missed_starts);
        } else {
            self.esc.say_clock(0);
        }
    }

    /// Changes the drift of the crystal. Returns whether there is one.
    pub(crate) fn set_drift(&mut self, ppm: f64, now: Duration) -> bool {
        self.config.clock.drift_ppm = ppm;
        self.esc.set_drift(ppm, now)
    }

    /// Lets its clock follow the reference clock or not. Returns whether there is one.
    pub(crate) fn set_following(&mut self, follows: bool) -> bool {
        self.config.clock.follows = follows;
        self.esc.set_following(follows)
    }

    /// Lets the application act on what frames did. Returns what that was, and whether outputs changed.
    pub(crate) fn settle(&mut self, now: Duration) -> (Pending, bool) {
        let pending = self.esc.take_pending();
        let outputs = self.app.settle(&mut self.esc, pending, now);
        (pending, outputs)
    }

    /// Lets time pass. Returns whether outputs changed.
    pub(crate) fn step(&mut self, now: Duration) -> bool {
        self.esc.set_now(now);
        self.app.step(&mut self.esc, now)
    }
}
