//! Oversampled channels of a rig file: each sample has its time, in JSON lines and in a CSV.

use crate::bench_set::{Folder, Segment, in_some_attempts};
use crate::program::zerocat;
use serde_json::Value;
use zerocat_sim::SegmentConfig;
use zerocat_testkit::netns::in_private_netns;

#[test]
fn each_sample_of_an_oversampling_terminal_is_written_with_its_time() {
    in_private_netns(|veth| {
        let segment = r#"{ "subdevices": [{ "profile": "oversampling_in", "channels": 1, "samples": 10 }] }"#;
        let segment: SegmentConfig = serde_json::from_str(segment).unwrap();
        let _segment = Segment::of(veth, &segment);
        let folder = Folder::new();
        let (lines, csv) = (folder.path("scope.jsonl"), folder.path("scope.csv"));
        let rig = format!(
            "network: {{ interface: {}, rate: 200 }}\nslaves: [{{ key: scope }}]\ntasks:\n  - type: ethercat_read\n    \
             name: scope\n    sample_rate: 200\n    sink: [{{ jsonl: scope.jsonl }}, {{ csv: scope.csv }}]\n    channels:\n      \
             - {{ entry: \"scope.0x6000:01\", name: voltage, samples: 10 }}\n      \
             - {{ entry: \"scope.0x6800:01\", name: counter }}\nengine: {{ watchdog: 1s }}\n",
            veth.master
        );
        let file = folder.file("rig.yaml", &rig);
        zerocat(&["check", &file]).with_code(0);
        in_some_attempts(|| {
            for written in [&lines, &csv] {
                let _ = std::fs::remove_file(written);
            }
            zerocat(&["run", &file, "--seconds", "0.5"])
        });
        let text = std::fs::read_to_string(&lines).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["channels"][0]["samples"], 10, "{}", lines[0]);
        let (batch, over) = (&lines[1], &lines[1]["oversampled"]);
        let count = batch["index"].as_array().unwrap().len();
        let [times, values] = [&over["utc"], &over["channels"]["voltage"]].map(|list| list.as_array().unwrap());
        assert_eq!((times.len(), values.len()), (10 * count, 10 * count));
        assert_eq!(times[9], batch["utc"][0]);
        assert_eq!(times[9].as_u64().unwrap() - times[8].as_u64().unwrap(), 500_000);
        assert!(batch["channels"].get("voltage").is_none() && batch["channels"]["counter"].is_array(), "{batch}");
        let schema = zerocat(&["schema", "lines"]).with_code(0).json();
        let schema = jsonschema::validator_for(&schema).unwrap();
        assert!(lines.iter().all(|line| schema.is_valid(line)), "{batch}");
        let csv = std::fs::read_to_string(&csv).unwrap();
        let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|row| row.split(',').collect()).collect();
        let time = |row: usize, column: usize| rows[row][column].parse::<u64>().unwrap();
        assert_eq!(rows.len() % 10, 0);
        assert!(rows[..9].iter().all(|row| row[2].is_empty()) && !rows[9][2].is_empty(), "{:?}", &rows[..10]);
        assert_eq!((time(1, 0) - time(0, 0), time(9, 5) - time(8, 5)), (500_000, 500_000));
        assert_eq!(rows[9][5], times[9].to_string());
    });
}

#[test]
fn more_samples_than_the_terminal_maps_are_refused_before_op() {
    in_private_netns(|veth| {
        let segment = r#"{ "subdevices": [{ "profile": "oversampling_in", "channels": 1, "samples": 10 }] }"#;
        let _segment = Segment::of(veth, &serde_json::from_str(segment).unwrap());
        let folder = Folder::new();
        let rig = format!(
            "network: {{ interface: {}, rate: 200 }}\nslaves: [{{ key: scope }}]\ntasks:\n  - type: ethercat_read\n    \
             name: scope\n    sample_rate: 200\n    channels:\n      \
             - {{ entry: \"scope.0x6000:01\", name: voltage, data_type: int16, samples: 11 }}\nengine: {{ watchdog: 1s }}\n",
            veth.master
        );
        let file = folder.file("rig.yaml", &rig);
        let ended = crate::bench_set::unless_starved(|| zerocat(&["run", &file, "--seconds", "0.1"]));
        ended.saying(&["maps 10 entries of that length in a row", "`samples` are 11"]);
    });
}
