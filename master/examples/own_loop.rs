//! A bus in the program's own loop, over AF_PACKET, without a thread of the library: `cargo run --example own_loop -- eth1`.
use std::time::{Duration, Instant};
use zerocat::config::{EngineSection, LinkKind};
use zerocat::{Bus, OwnLoop};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let interface = std::env::args().nth(1).ok_or("which interface?")?;
    let engine = EngineSection { link: LinkKind::Packet, ..EngineSection::default() };
    let mut bus = Bus::on(interface.as_str()).silent_after(Duration::from_millis(20));
    let position = bus.input::<i32>(0, 0x6064);
    let target = bus.output::<i32>(0, 0x607a);
    let request = zerocat::LinkRequest {
        interface: &interface,
        section: &engine,
        slots: 72,
        replace_program: false,
        cycle: Duration::from_millis(1),
    };
    let opened = zerocat::open_link(&request)?;
    let began = Instant::now();
    let mut own = OwnLoop::begin(bus, opened.link, began.elapsed())?;
    let mut io = None;
    while own.is_alive() {
        let cycle_ended = own.step(began.elapsed());
        io = io.or_else(|| own.io());
        if let Some(io) = io.as_mut().filter(|_| cycle_ended)
            && let Ok(cycle) = io.wait(Duration::ZERO)
        {
            io.set(target, io.get(position) + 10);
            let _ = io.commit(&cycle);
        }
        // A program with a CPU of its own spins here.
        std::thread::sleep(own.next().saturating_sub(began.elapsed()));
    }
    Ok(())
}
