//! Files by FoE beside the cycle: written and read in OP, and written in BOOT, in mailboxes of two lengths.
//!
//! Guarantees: none takes longer than a session of the rate; one that isn't across by then is broken off, and its rate is that of
//! the bytes that were. What was read whole is what was written.

use super::aims::float;
use super::live::Live;
use super::watch::Watch;
use super::{LONG, MailboxBenchError, MailboxSettings, Veth, length, segment};
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use zerocat::{BootProgress, BootStep, FileProgress, Pending, SubDeviceHandle};
use zerocat_wire::{foe, mailbox};

/// Bytes of the file.
const FILE: usize = 1 << 20;
const NAME: &str = "file.bin";
/// Time that a SubDevice has from BOOT to OP, after a file that was broken off.
const BACK: Duration = Duration::from_secs(20);
/// Words of the SII with the length of the mailbox that is written, in BOOT (ETG.1000.6, table 16).
const BOOT_LENGTH: u16 = 0x15;

/// Which way a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileWay {
    /// To the SubDevice.
    Write,
    /// From it.
    Read,
}

/// Where the SubDevice is meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// In OP.
    Op,
    /// In BOOT, while the others stay in OP.
    Boot,
}

/// A file of 1 MiB that went across, or as much of it as there was time for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FileReport {
    /// Which way.
    pub way: FileWay,
    /// In which state.
    pub state: FileState,
    /// Bytes of the mailbox that carried it.
    pub mailbox_bytes: u16,
    /// Bytes that went across.
    pub bytes: u64,
    /// Whether that is the whole file.
    pub whole: bool,
    /// Time that it took, without the way to BOOT and back.
    pub seconds: f64,
    /// Bytes a second.
    pub per_second: f64,
    /// Cycles that a packet and its acknowledge took; `null` where none went across.
    pub cycles_per_packet: Option<f64>,
}

/// Measures all files, in one session. Returns how many cyclic frames were lost, too.
pub(super) fn measure(
    settings: &MailboxSettings,
    veth: &Veth,
    watch: &Watch<'_>,
) -> Result<(Vec<FileReport>, u64), MailboxBenchError> {
    watch.say("files: bringing the SubDevices to OP");
    let content = "Z".repeat(FILE);
    let segment = segment::with_files(settings.subdevices, (NAME, &content), LONG);
    let live = Live::bring_up(veth, &segment, None, watch)?;
    let files = Files { veth, watch, content: content.into_bytes() };
    let mut reports = Vec::new();
    // Another file of a SubDevice may have to wait for the answer to one that was broken off.
    for (writes, reads) in [(0, 1), (2, 3)] {
        let sizes = [live.mailbox_bytes(writes, 0, watch)?, live.mailbox_bytes(reads, 1, watch)?];
        let [writes, reads] = [live.subdevice(writes)?, live.subdevice(reads)?];
        reports.extend([files.write(&writes, sizes[0])?, files.read(&reads, sizes[1])?, files.write_in_boot(&writes)?]);
    }
    let lost = live.lost_frames();
    watch.say("files: shutting down");
    live.stop()?;
    Ok((reports, lost))
}

struct Files<'a, 'w> {
    veth: &'a Veth,
    watch: &'a Watch<'w>,
    content: Vec<u8>,
}

/// How far a file is, told by the bus thread.
#[derive(Debug, Default)]
struct Meter {
    began: OnceLock<Instant>,
    ended: OnceLock<Instant>,
    bytes: AtomicU64,
}

fn in_op(way: &str, mailbox: u16) -> String {
    format!("FoE {way} in OP, mailboxes of {mailbox} bytes")
}

/// A meter for whoever waits, and the same one for the bus thread.
fn meter() -> (Arc<Meter>, Arc<Meter>) {
    let meter = Arc::new(Meter::default());
    (Arc::clone(&meter), meter)
}

impl Meter {
    fn begin(&self) {
        let _ = self.began.set(Instant::now());
    }

    fn file(&self, progress: &FileProgress) {
        if let FileProgress::Bytes(bytes) = progress {
            // SYNC: a count, which carries no data.
            self.bytes.store(u64::try_from(*bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    fn boot(&self, progress: &BootProgress) {
        match progress {
            BootProgress::Step(BootStep::Transfer) => self.begin(),
            BootProgress::Step(BootStep::LeavesBoot) => {
                let _ = self.ended.set(Instant::now());
            }
            BootProgress::Step(_) => {}
            BootProgress::File(progress) => self.file(progress),
        }
    }

    fn bytes(&self) -> u64 {
        // SYNC: as where it is stored.
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Files<'_, '_> {
    fn write(&self, of: &SubDeviceHandle, mailbox: u16) -> Result<FileReport, MailboxBenchError> {
        let (meter, told) = meter();
        meter.begin();
        let pending = of.within(self.longest()).foe_write(NAME, 0, self.content.clone(), move |one| told.file(&one));
        let whole = self.follow(&in_op("write", mailbox), &pending, &meter)?.is_some();
        Ok(self.report(FileWay::Write, FileState::Op, mailbox, whole, &meter))
    }

    fn read(&self, of: &SubDeviceHandle, mailbox: u16) -> Result<FileReport, MailboxBenchError> {
        let (meter, told) = meter();
        meter.begin();
        let pending = of.within(self.longest()).foe_read(NAME, 0, FILE, move |one| told.file(&one));
        let read = self.follow(&in_op("read", mailbox), &pending, &meter)?;
        if read.as_ref().is_some_and(|read| *read != self.content) {
            return Err(MailboxBenchError::OtherFile);
        }
        Ok(self.report(FileWay::Read, FileState::Op, mailbox, read.is_some(), &meter))
    }

    fn write_in_boot(&self, of: &SubDeviceHandle) -> Result<FileReport, MailboxBenchError> {
        let asked = MailboxBenchError::asked("a read of its SII");
        let mailbox = length(&self.watch.answer(&of.sii_read(BOOT_LENGTH, 1))?.map_err(asked)?);
        let (meter, told) = meter();
        let pending = of.firmware_write(NAME, 0, self.content.clone(), move |one| told.boot(&one));
        let name = format!("FoE write in BOOT, mailboxes of {mailbox} bytes");
        let whole = self.follow(&name, &pending, &meter)?.is_some();
        let report = self.report(FileWay::Write, FileState::Boot, mailbox, whole, &meter);
        drop(pending);
        self.back_in_op(of)?;
        Ok(report)
    }

    /// Time that a request has: more than it gets.
    fn longest(&self) -> Duration {
        Duration::from_secs_f64(self.veth.seconds * 2.0)
    }

    /// Waits until a file is across, or its time is over: `None`.
    fn follow<T>(&self, name: &str, pending: &Pending<T>, meter: &Meter) -> Result<Option<T>, MailboxBenchError> {
        let time = Duration::from_secs_f64(self.veth.seconds);
        loop {
            if let Some(answer) = pending.try_take() {
                let _ = meter.ended.set(Instant::now());
                return answer.map(Some).map_err(MailboxBenchError::asked("a file by FoE"));
            }
            let over = meter.began.get().is_some_and(|began| began.elapsed() >= time);
            if over && meter.ended.get().is_none() {
                let _ = meter.ended.set(Instant::now());
                return Ok(None);
            }
            self.watch.pause()?;
            self.watch.now_and_then(|| format!("{name}: {} of {} KiB", meter.bytes() >> 10, FILE >> 10));
        }
    }

    /// Waits until one is in OP again.
    fn back_in_op(&self, of: &SubDeviceHandle) -> Result<(), MailboxBenchError> {
        let began = Instant::now();
        while began.elapsed() < BACK {
            if self.watch.answer(&of.state())?.is_ok_and(|shown| shown.in_op()) {
                return Ok(());
            }
            self.watch.pause()?;
            self.watch.now_and_then(|| "files: back to OP".to_owned());
        }
        Err(MailboxBenchError::Ended("a SubDevice didn't come back from BOOT".to_owned()))
    }

    fn report(&self, way: FileWay, state: FileState, mailbox_bytes: u16, whole: bool, meter: &Meter) -> FileReport {
        let now = Instant::now();
        let [began, ended] = [&meter.began, &meter.ended].map(|at| at.get().copied().unwrap_or(now));
        let (bytes, seconds) = (meter.bytes(), ended.saturating_duration_since(began).as_secs_f64());
        let room = usize::from(mailbox_bytes).saturating_sub(mailbox::HEADER_LEN + foe::HEADER_LEN);
        let packets = float(bytes) / float(u64::try_from(room).unwrap_or(u64::MAX).max(1));
        let cycles_per_packet = (bytes > 0).then(|| seconds * self.veth.rate_hz / packets);
        let per_second = float(bytes) / seconds.max(f64::MIN_POSITIVE);
        FileReport { way, state, mailbox_bytes, bytes, whole, seconds, per_second, cycles_per_packet }
    }
}
