//! Two networks in one program: `cargo run --example interfaces -- eth1 eth2`. What happens to each is said as it happens.
#![allow(clippy::print_stdout, reason = "an example")]
use std::time::Duration;
use zerocat::{Bus, Session, StopWish};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One wish ends the starts and the sessions of both.
    let stop = StopWish::default();
    let start = |interface: String| Bus::on(interface).cancelled_by(&stop).start().map(|(session, _io)| session);
    let sessions = std::env::args().skip(1).map(start).collect::<Result<Vec<Session>, _>>()?;
    let watchers = sessions.iter().map(|session| {
        let (events, interface) = (session.events(), session.link().interface.clone());
        std::thread::spawn(move || {
            while let Ok(event) = events.recv(Duration::from_secs(3600)) {
                println!("{interface}: {event}");
            }
        })
    });
    let watchers: Vec<_> = watchers.collect();
    std::io::stdin().read_line(&mut String::new())?;
    stop.ask();
    for session in sessions {
        println!("{:?}", session.stop_within(Duration::from_secs(2))?.ending);
    }
    watchers.into_iter().for_each(|watcher| drop(watcher.join()));
    Ok(())
}
