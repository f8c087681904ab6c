//! The figures of a run on a terminal, as a user sees them: on the screen of a terminal emulator, after every drawing.

use crate::bench_set::{Folder, Segment, demo_rig, read_json, run, unless_starved};
use crate::terminal::Terminal;
use nix::sys::signal::Signal;
use zerocat_testkit::netns::in_private_netns;

/// Where the figures are on a screen.
fn place(rows: &[String]) -> Vec<usize> {
    let is_figures =
        |row: &str| row.starts_with("round trip ") || row.starts_with("cycle ") && row.contains(", working counter ");
    (0..rows.len()).filter(|row| is_figures(&rows[*row])).collect()
}

/// Checks that the figures are there once, one line below the other, with an empty line above and nothing but the values of
/// channels below.
fn assert_in_one_place(rows: &[String]) {
    let head = rows.iter().rposition(|row| row.starts_with("in OP for ")).expect("a head");
    let places = place(rows);
    assert!(places.len() == 2 && places[1] == places[0] + 1 && places[0] > head, "{rows:#?}");
    assert_eq!(rows.iter().filter(|row| row.starts_with("in OP for ")).count(), 1, "{rows:#?}");
    assert_eq!(rows[head - 1], "", "{rows:#?}");
    let below = &rows[places[1] + 1..];
    assert!(below.iter().all(|row| row.is_empty() || row.starts_with("  ") || row.starts_with("since ")), "{rows:#?}");
}

/// What a terminal shows of a run with the rig of the demonstration.
fn on_a_terminal(columns: u16, look: impl FnOnce(&Terminal, &mut Segment) + Send) -> (Vec<Vec<String>>, Vec<String>) {
    in_private_netns(|veth| {
        let mut segment = Segment::demo(veth);
        let folder = Folder::new();
        let file = folder.json("rig.json", &demo_rig(&veth.master));
        let (terminal, program) = Terminal::start(columns, &["run", &file]);
        terminal.await_drawing("figures", |rows| place(rows).len() == 2);
        look(&terminal, &mut segment);
        program.stop(Signal::SIGTERM);
        terminal.end()
    })
}

#[test]
fn figures_stay_in_their_place_at_any_width_and_are_gone_at_the_end() {
    for columns in [40, 80, 100, 200] {
        let (drawings, lines) = on_a_terminal(columns, |terminal, _| terminal.await_drawings(10));
        // The phase alone is shown until there are figures.
        let begins = drawings.iter().position(|rows| place(rows).len() == 2).unwrap();
        let in_op: Vec<_> =
            drawings[begins..].iter().filter(|rows| rows.iter().any(|row| row.starts_with("in OP "))).collect();
        assert!(in_op.len() >= 10, "{columns} columns: {}", in_op.len());
        in_op.iter().for_each(|rows| assert_in_one_place(rows));
        let cut = in_op.iter().any(|rows| rows.iter().any(|row| row.ends_with('…')));
        assert_eq!(cut, columns < 80, "{columns} columns");
        assert_eq!(place(&lines), [] as [usize; 0], "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("SubDevices in OP after")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.starts_with("shutting down")), "{lines:#?}");
    }
}

#[test]
fn figures_follow_a_terminal_that_is_resized() {
    let (drawings, lines) = on_a_terminal(120, |terminal, _| {
        for (columns, rows) in [(60, 24), (90, 10), (200, 50), (80, 24)] {
            terminal.resize(columns, rows);
            terminal.await_drawings(3);
            terminal.await_drawing("set of figures", |rows| place(rows).len() == 2);
        }
        terminal.await_drawings(3);
    });
    assert_in_one_place(drawings.last().unwrap());
    assert_eq!(place(&lines), [] as [usize; 0], "{lines:#?}");
}

#[test]
fn a_terminal_of_few_lines_shows_what_there_is_room_for() {
    on_a_terminal(80, |terminal, _| {
        terminal.resize(80, 4);
        terminal
            .await_drawing("count of lines", |rows| rows[3].starts_with("and ") && rows[3].ends_with(" more lines"));
    });
}

#[test]
fn who_is_not_well_is_shown_and_what_is_said_meanwhile_stands_above() {
    on_a_terminal(100, |terminal, segment| {
        terminal
            .await_drawing("word that all are well", |rows| rows.iter().any(|row| row.contains(": all 6 SubDevices")));
        segment.command("al-error axis 0x001b SAFE-OP");
        let is_axis = |row: &String| row.starts_with("  axis: SAFE-OP + ERROR for 2 s, 0x001b: Sync manager watchdog");
        // What is said leaves the top of the screen on a machine that has much to say.
        let is_shown = |row: &String| row.starts_with("  axis: SAFE-OP + ERROR for ");
        let is_said = |row: &String| row.contains("left OP: it is in SAFE-OP");
        let rows =
            terminal.await_drawing("word of the axis", |rows| rows.iter().any(is_shown) && rows.iter().any(is_said));
        let shown = rows.iter().rposition(|row| row.starts_with("in OP for ")).unwrap();
        assert!(rows[shown].contains("but for 1 of 6 SubDevices:"), "{rows:#?}");
        assert!(rows[shown + 1].starts_with("  axis: "), "{rows:#?}");
        let said = rows.iter().position(is_said).unwrap();
        assert!(said < shown, "{rows:#?}");
        assert_in_one_place(&rows);
        terminal.await_drawing("time of the axis", |rows| rows.iter().any(is_axis));
    });
}

#[test]
fn standard_error_that_is_no_terminal_gets_plain_lines() {
    in_private_netns(|veth| {
        let _segment = Segment::demo(veth);
        let ended = unless_starved(|| run(&demo_rig(&veth.master), &["--seconds", "1.5"]));
        let control = ended.err.chars().find(|character| character.is_control() && *character != '\n');
        assert_eq!(control, None, "{}", ended.err);
        let figures = |line: &str| line.starts_with("cycle ") && line.contains(" | round trip ");
        assert!(ended.err.lines().any(figures), "{}", ended.err);
    });
}

#[test]
fn a_terminal_that_is_stopped_holds_neither_outputs_nor_the_end_of_a_run() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let folder = Folder::new();
        let report = folder.path("report.json");
        let mut rig = demo_rig(&veth.master);
        rig["engine"]["watchdog"] = serde_json::json!("2s");
        let file = folder.json("rig.json", &rig);
        let (terminal, program) = Terminal::start(80, &["run", &file, "-vv", "--report", &report]);
        terminal.await_drawing("figures", |rows| place(rows).len() == 2);
        terminal.stop();
        // Longer than the watchdog, with more figures than a terminal keeps.
        std::thread::sleep(std::time::Duration::from_secs(3));
        program.stop(Signal::SIGTERM).with_code(0);
        let report = read_json(&report);
        assert_eq!((&report["outages"]["count"], &report["left_op"]), (&0.into(), &0.into()), "{report}");
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}
