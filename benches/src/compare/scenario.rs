//! What all rows of one table do: `60@flat`, `1514x4@flat`, `60@1000:spin`, `60@1000+load`.

use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use zerocat_measure::{MAX_SIZE, MIN_SIZE};
use zerocat_sched::{Period, WaitPolicy};

/// Bursts that every row can send.
const BURSTS: [u16; 3] = [1, 2, 4];

/// What the other CPUs do meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// Nothing of ours.
    Idle,
    /// As much as they can.
    Full,
}

/// What all rows of one table do. As text `SIZE[xFRAMES]@flat` or `SIZE[xFRAMES]@HERTZ[:WAIT]`, and `+load`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scenario {
    /// Length of a frame in bytes.
    pub size: usize,
    /// Frames of an exchange, sent together.
    pub frames: u16,
    /// Exchanges per second; `None` is flat out.
    pub rate_hz: Option<f64>,
    /// How all rows wait for their ticks.
    pub wait: WaitPolicy,
    /// What the other CPUs do.
    pub load: Load,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.size)?;
        if self.frames > 1 {
            write!(f, "x{}", self.frames)?;
        }
        match self.rate_hz {
            None => f.write_str("@flat")?,
            Some(rate) => write!(f, "@{rate}")?,
        }
        if self.rate_hz.is_some() && self.wait.name() != WaitPolicy::default().name() {
            write!(f, ":{}", self.wait)?;
        }
        match self.load {
            Load::Idle => Ok(()),
            Load::Full => f.write_str("+load"),
        }
    }
}

impl Serialize for Scenario {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scenario `{text}`: {why}; write for example 60@flat, 1514x4@flat, 60@1000:spin or 60@1000+load")]
pub struct NoScenario {
    text: String,
    why: String,
}

impl FromStr for Scenario {
    type Err = NoScenario;

    fn from_str(text: &str) -> Result<Self, NoScenario> {
        parse(text).map_err(|why| NoScenario { text: text.to_owned(), why })
    }
}

fn parse(text: &str) -> Result<Scenario, String> {
    let (rest, load) = match text.split_once('+') {
        None => (text, Load::Idle),
        Some((rest, "load")) => (rest, Load::Full),
        Some((_, other)) => return Err(format!("`+{other}` is not known")),
    };
    let (frame, pace) = rest.split_once('@').ok_or("no `@`")?;
    let (size, frames) = frame.split_once('x').unwrap_or((frame, "1"));
    let size = size.parse().ok().filter(|size| (MIN_SIZE..=MAX_SIZE).contains(size));
    let size = size.ok_or(format!("a frame has {MIN_SIZE} to {MAX_SIZE} bytes"))?;
    let frames = frames.parse().ok().filter(|frames| BURSTS.contains(frames)).ok_or("1, 2 or 4 frames")?;
    let (rate, wait) = pace.split_once(':').unwrap_or((pace, WaitPolicy::default().name()));
    let wait = wait.parse::<WaitPolicy>().map_err(|error| error.to_string())?;
    let rate_hz = match rate {
        "flat" => None,
        rate => {
            let rate = rate.parse::<f64>().map_err(|_| format!("`{rate}` is no rate"))?;
            Period::from_rate(rate).map_err(|error| error.to_string())?;
            Some(rate)
        }
    };
    Ok(Scenario { size, frames, rate_hz, wait, load })
}

impl Scenario {
    /// What is measured if nothing else is asked for: sizes flat out, rates at 60 bytes, both under load.
    ///
    /// # Panics
    /// Never: each of these texts is a scenario.
    #[must_use]
    pub fn standard() -> Vec<Self> {
        let texts = [
            "60@flat",
            "300@flat",
            "1514@flat",
            "1514x4@flat",
            "60@1000",
            "60@4000",
            "60@10000",
            "60@1000:spin",
            "60@4000:spin",
            "60@flat+load",
            "60@1000+load",
        ];
        texts.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// What is measured in a minute.
    #[must_use]
    pub fn quick() -> Vec<Self> {
        ["60@flat", "60@1000:spin"].iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// A sentence for people: `one frame of 60 bytes, flat out`.
    #[must_use]
    pub fn title(&self) -> String {
        let frames = match self.frames {
            1 => format!("one frame of {} bytes", self.size),
            frames => format!("{frames} frames of {} bytes", self.size),
        };
        let pace = match self.rate_hz {
            None => "flat out".to_owned(),
            Some(rate) => format!("{rate} cycles a second, wait {}", self.wait),
        };
        let load = match self.load {
            Load::Idle => "",
            Load::Full => ", other CPUs loaded",
        };
        format!("{frames}, {pace}{load}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_written_as_it_is_read() {
        for text in ["60@flat", "1514x4@flat", "300@4000", "60@1000:spin", "60@2.5:sleep", "60@flat+load"] {
            assert_eq!(text.parse::<Scenario>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_an_example() {
        for (text, why) in [
            ("60", "no `@`"),
            ("59@flat", "60 to 1514"),
            ("60x3@flat", "1, 2 or 4"),
            ("60@quick", "no rate"),
            ("60@0", "0 Hz"),
            ("60@1000:nap", "nap"),
            ("60@flat+sun", "+sun"),
        ] {
            let said = text.parse::<Scenario>().unwrap_err().to_string();
            assert!(said.contains(why) && said.contains("60@1000:spin"), "{said}");
        }
    }

    #[test]
    fn all_built_in_ones_parse() {
        assert_eq!((Scenario::standard().len(), Scenario::quick().len()), (11, 2));
        assert!(Scenario::quick().iter().all(|scenario| Scenario::standard().contains(scenario)));
    }
}
