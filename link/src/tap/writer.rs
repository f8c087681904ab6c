//! Writes what a [`TapReader`] gives to a pcapng file (draft-ietf-opsawg-pcapng), on an ordinary thread.
//!
//! Guarantees: time stamps in nanoseconds (`if_tsresol` 9), the direction in `epb_flags`, and the count of missed
//! frames in a statistics block at the end. Time stamps come from the monotonic clock and are shifted once, at the
//! start, to the time of day, so a step of the system clock during a capture doesn't show. A note is the comment of the
//! first frame after it. Not guaranteed: a complete
//! file after a crash, though all of it but the last block can then be read.

use std::borrow::Cow;
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::time::ClockId;
use pcap_file::DataLink;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::interface_statistics::{InterfaceStatisticsBlock, InterfaceStatisticsOption};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{PcapNgWriteError, PcapNgWriter};

use super::{FrameDirection, Record, TapReader, monotonic, nanoseconds};
use crate::MAX_FRAME;

/// `epb_flags`, bits 0 and 1 (draft-ietf-opsawg-pcapng, 4.3.1): 1 is inbound, 2 outbound.
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;
/// Most bytes of a comment: its length is 16 bits (draft-ietf-opsawg-pcapng, 3.5).
const LONGEST_NOTE: usize = 60_000;
/// How long the thread sleeps when it finds the ring empty.
const PAUSE: Duration = Duration::from_millis(5);

/// Why a capture ended early or could not start.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// A block could not be written; the file ends before it.
    #[error("write the capture after {frames} frames")]
    Write {
        /// Frames written so far.
        frames: u64,
        /// What the writer said.
        #[source]
        source: PcapNgWriteError,
    },
    /// The thread could not be started.
    #[error("start the capture's thread")]
    Thread(#[source] std::io::Error),
    /// The thread panicked.
    #[error("the capture's thread panicked")]
    Panicked,
}

/// What a capture came to.
#[derive(Debug)]
pub struct Taped {
    /// What it holds.
    pub captured: Captured,
    /// Why it ended early, if it did.
    pub failed: Option<TapError>,
}

/// What a capture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Captured {
    /// Frames in the file.
    pub frames: u64,
    /// Frames that passed the tap and are not in the file.
    pub missed: u64,
}

/// Drains a tap into a pcapng stream.
pub struct TapWriter<W: Write> {
    reader: TapReader,
    writer: PcapNgWriter<BufWriter<W>>,
    /// Nanoseconds from the monotonic clock to the time of day.
    to_wall: u64,
    frames: u64,
    note: Note,
}

/// What the next frame's comment is to be.
#[derive(Debug, Clone, Default)]
struct Note(Arc<Mutex<Option<String>>>);

impl Note {
    fn set(&self, mut text: String) {
        text.truncate(text.floor_char_boundary(LONGEST_NOTE));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<W: Write> std::fmt::Debug for TapWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapWriter").field("frames", &self.frames).field("reader", &self.reader).finish_non_exhaustive()
    }
}

impl<W: Write> TapWriter<W> {
    /// Starts a capture on any byte stream and writes its header. `interface` is the name shown in it.
    ///
    /// # Errors
    /// `Write`.
    pub fn new(reader: TapReader, out: W, interface: &str) -> Result<Self, TapError> {
        let write = |source| TapError::Write { frames: 0, source };
        let program = concat!("zerocat ", env!("CARGO_PKG_VERSION"));
        let section = SectionHeaderBlock {
            options: vec![SectionHeaderOption::UserApplication(Cow::Borrowed(program))],
            ..SectionHeaderBlock::default()
        };
        let description = InterfaceDescriptionBlock {
            linktype: DataLink::ETHERNET,
            snaplen: u32::try_from(MAX_FRAME).unwrap_or(0),
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed(interface)),
                InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
            ],
        };
        let mut writer = PcapNgWriter::with_section_header(BufWriter::new(out), section).map_err(write)?;
        writer.write_pcapng_block(description).map_err(write)?;
        let to_wall = nanoseconds(ClockId::CLOCK_REALTIME).saturating_sub(monotonic());
        Ok(Self { reader, writer, to_wall, frames: 0, note: Note::default() })
    }

    /// Writes what is in the ring now. Returns how many frames that were.
    ///
    /// # Errors
    /// `Write`; the stream can't be used any more then.
    pub fn drain(&mut self) -> Result<u64, TapError> {
        let before = self.frames;
        while let Some(written) = {
            let (writer, to_wall, note) = (&mut self.writer, self.to_wall, &self.note);
            self.reader.with_next(|record| writer.write_pcapng_block(packet(record, to_wall, note.take())))
        } {
            written.map_err(|source| TapError::Write { frames: self.frames, source })?;
            self.frames += 1;
        }
        Ok(self.frames - before)
    }

    /// Hands what is buffered to the stream.
    ///
    /// # Errors
    /// `Write`.
    pub fn flush(&mut self) -> Result<(), TapError> {
        let frames = self.frames;
        self.writer.get_mut().flush().map_err(|source| TapError::Write { frames, source: source.into() })
    }

    /// Writes what is left and the statistics, and gives the stream back.
    ///
    /// # Errors
    /// `Write`.
    pub fn finish(mut self) -> Result<(Captured, W), TapError> {
        self.drain()?;
        let captured = self.captured();
        let write = |source| TapError::Write { frames: captured.frames, source };
        let statistics = InterfaceStatisticsBlock {
            interface_id: 0,
            timestamp: Duration::from_nanos(self.to_wall.saturating_add(monotonic())),
            options: vec![
                InterfaceStatisticsOption::IsbIfRecv(captured.frames + captured.missed),
                InterfaceStatisticsOption::IsbIfDrop(captured.missed),
            ],
        };
        self.writer.write_pcapng_block(statistics).map_err(write)?;
        let out = self.writer.into_inner().into_inner();
        out.map(|out| (captured, out)).map_err(|error| write(error.into_error().into()))
    }

    /// What the capture holds so far.
    #[must_use]
    pub fn captured(&self) -> Captured {
        Captured { frames: self.frames, missed: self.reader.missed() }
    }

    /// Drains until it is told to stop or the tap is dropped. `tell` gets a failure at once; frames after it are missed.
    fn run(mut self, stop: &AtomicBool, tell: impl FnOnce(&TapError)) -> Taped {
        while !self.is_over(stop) {
            if let Err(error) = self.step() {
                tell(&error);
                return self.pass_over(stop, error);
            }
        }
        let captured = self.captured();
        match self.finish() {
            Ok((captured, _)) => Taped { captured, failed: None },
            Err(error) => {
                tell(&error);
                Taped { captured, failed: Some(error) }
            }
        }
    }

    fn step(&mut self) -> Result<(), TapError> {
        if self.drain()? == 0 {
            self.flush()?;
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Empties the ring without writing, so that all frames are counted.
    fn pass_over(mut self, stop: &AtomicBool, error: TapError) -> Taped {
        let mut passed = 0;
        loop {
            let over = self.is_over(stop);
            while self.reader.with_next(|_| ()).is_some() {
                passed += 1;
            }
            if over {
                let Captured { frames, missed } = self.captured();
                return Taped { captured: Captured { frames, missed: missed + passed }, failed: Some(error) };
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn is_over(&self, stop: &AtomicBool) -> bool {
        // SYNC: a flag; what was sent before it was set is taken by `finish` through the ring's own ordering.
        stop.load(Ordering::Relaxed) || self.reader.is_abandoned()
    }
}

impl<W: Write + Send + 'static> TapWriter<W> {
    /// Drains on a thread of its own, which inherits priority and cores of the caller: call it before these are set. `tell` is
    /// told of a failure when it happens.
    ///
    /// # Errors
    /// `Thread`.
    pub fn spawn(self, tell: impl FnOnce(&TapError) + Send + 'static) -> Result<TapThread, TapError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (seen, note) = (Arc::clone(&stop), self.note.clone());
        let handle = std::thread::Builder::new()
            .name("zc-capture".to_owned())
            .spawn(move || self.run(&seen, tell))
            .map_err(TapError::Thread)?;
        Ok(TapThread { stop, handle: Some(handle), note })
    }
}

/// A thread that writes a capture. It ends when it is stopped or when the tap is gone. After the first failed write frames
/// count as missed.
#[derive(Debug)]
pub struct TapThread {
    stop: Arc<AtomicBool>,
    handle: Option<JoinHandle<Taped>>,
    note: Note,
}

impl TapThread {
    /// Has the next frame carry a comment, which is cut to 60,000 bytes.
    pub fn note(&self, text: String) {
        self.note.set(text);
    }

    /// Writes what is left and ends the capture.
    #[must_use]
    pub fn stop(mut self) -> Taped {
        self.end().unwrap_or_else(panicked)
    }

    /// Whether the thread has ended by itself.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn end(&mut self) -> Option<Taped> {
        // SYNC: a flag, see `run`.
        self.stop.store(true, Ordering::Relaxed);
        self.handle.take().map(|handle| handle.join().unwrap_or_else(|_| panicked()))
    }
}

impl Drop for TapThread {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn panicked() -> Taped {
    Taped { captured: Captured::default(), failed: Some(TapError::Panicked) }
}

/// One frame as an enhanced packet block.
fn packet(record: &Record, to_wall: u64, note: Option<String>) -> EnhancedPacketBlock<'_> {
    let flags = if record.direction() == FrameDirection::Received { INBOUND } else { OUTBOUND };
    let mut options = vec![EnhancedPacketOption::Flags(flags)];
    options.extend(note.map(|note| EnhancedPacketOption::Common(CommonOption::Comment(note.into()))));
    if record.direction() == FrameDirection::SentInDoubt {
        let comment = Cow::Borrowed("the interface reported a fault; this frame may not have gone out");
        options.push(EnhancedPacketOption::Common(CommonOption::Comment(comment)));
    }
    EnhancedPacketBlock {
        interface_id: 0,
        timestamp: Duration::from_nanos(record.at().saturating_add(to_wall)),
        original_len: u32::try_from(record.frame().len()).unwrap_or(u32::MAX),
        data: Cow::Borrowed(record.frame()),
        options,
    }
}
