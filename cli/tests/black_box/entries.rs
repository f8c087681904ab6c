//! Entries of a SubDevice as channels: several of one object, bytes, and single bits, from a drafted rig to standard output.

use crate::bench_set::{Folder, Segment, in_op, read_draft};
use crate::program::{Program, zerocat};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use zerocat_sim::{SegmentConfig, SubDeviceConfig, WireConfig};
use zerocat_testkit::netns::in_private_netns;

/// A gateway: a control word and a text out; in, one object in two PDOs and twice in one, a text, and what the control
/// word is wired to.
const GATEWAY: &str = r##"<?xml version="1.0"?>
<EtherCATInfo><Vendor><Id>#x7a63</Id><Name>V</Name></Vendor><Descriptions><Devices>
<Device Physics="YY"><Type ProductCode="#x9003" RevisionNo="#x1">GATEWAY</Type><Name>Gateway</Name>
<Sm StartAddress="#x1000" ControlByte="#x64" Enable="1">Outputs</Sm>
<Sm StartAddress="#x1800" ControlByte="#x20" Enable="1">Inputs</Sm>
<RxPdo Fixed="1" Sm="0"><Index>#x1600</Index><Name>Out</Name>
<Entry><Index>#x7000</Index><SubIndex>1</SubIndex><BitLen>16</BitLen><Name>Control</Name><DataType>UINT</DataType></Entry>
<Entry><Index>#x7000</Index><SubIndex>2</SubIndex><BitLen>80</BitLen><Name>Text</Name><DataType>STRING(10)</DataType></Entry>
</RxPdo>
<TxPdo Fixed="1" Sm="1"><Index>#x1a00</Index><Name>Status</Name>
<Entry><Index>#x6000</Index><SubIndex>1</SubIndex><BitLen>16</BitLen><Name>Echo</Name><DataType>UINT</DataType></Entry>
<Entry><Index>#x6000</Index><SubIndex>2</SubIndex><BitLen>1</BitLen><Name>Overrange</Name><DataType>BOOL</DataType></Entry>
<Entry><Index>0</Index><BitLen>15</BitLen></Entry></TxPdo>
<TxPdo Fixed="1" Sm="1"><Index>#x1a01</Index><Name>Samples</Name>
<Entry><Index>#x6000</Index><SubIndex>2</SubIndex><BitLen>16</BitLen><Name>Sample</Name><DataType>INT</DataType></Entry>
<Entry><Index>#x6000</Index><SubIndex>2</SubIndex><BitLen>16</BitLen><Name>Sample</Name><DataType>INT</DataType></Entry>
<Entry><Index>#x6001</Index><SubIndex>1</SubIndex><BitLen>128</BitLen><Name>Answer</Name><DataType>STRING(16)</DataType></Entry>
</TxPdo></Device></Devices></Descriptions></EtherCATInfo>"##;

fn gateway(folder: &Folder) -> SegmentConfig {
    let file = folder.file("gateway.xml", GATEWAY);
    let subdevice = SubDeviceConfig::from_esi(file.as_ref(), "GATEWAY", None).unwrap().named("gateway");
    let wire = WireConfig { from: "gateway.out.1".to_owned(), to: "gateway.in.1".to_owned() };
    SegmentConfig { wires: vec![wire], ..SegmentConfig::line(vec![subdevice]) }
}

/// A draft that a busy machine keeps up with, whose inputs are numbered from 1.
fn draft(folder: &Folder, interface: &str) -> Value {
    let file = folder.path("draft.json");
    zerocat(&["scan", "--interface", interface, "--draft", &file]).with_code(0);
    zerocat(&["check", &file]).with_code(0);
    let mut rig = read_draft(&file);
    rig["network"]["rate"] = json!(200);
    rig["engine"] = json!({ "watchdog": "1s" });
    for (input, number) in rig["tasks"][0]["channels"].as_array_mut().unwrap().iter_mut().zip(1..) {
        input["channel"] = json!(number);
    }
    rig
}

/// The last value of a channel on a line of samples or states.
fn last(line: &str, channel: u32) -> Option<Value> {
    let line: Value = serde_json::from_str(line).unwrap();
    line["channels"][channel.to_string()].as_array()?.last().cloned()
}

fn await_value(program: &mut Program, channel: u32, value: &Value) {
    program.await_line(&format!("channel {channel} is {value}"), |line| last(line, channel).as_ref() == Some(value));
}

#[test]
fn one_object_in_several_places_is_drafted_with_what_tells_it_apart_and_runs() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let _segment = Segment::of(veth, &gateway(&folder));
        let rig = draft(&folder, &veth.master);
        let inputs = rig["tasks"][0]["channels"].as_array().unwrap();
        let keys: Vec<_> =
            inputs.iter().map(|entry| (entry["name"].as_str().unwrap(), &entry["pdo_index"], &entry["nth"])).collect();
        let (status, samples) = (json!("0x1a00"), json!("0x1a01"));
        let expected = [
            ("gateway_0_echo", &Value::Null, &Value::Null),
            ("gateway_0_overrange", &status, &Value::Null),
            ("gateway_0_sample", &samples, &json!(1)),
            ("gateway_0_sample_2", &samples, &json!(2)),
            ("gateway_0_answer", &Value::Null, &Value::Null),
        ];
        assert_eq!(keys, expected);
        let mut program = in_op(&folder, &rig, &[]);
        program.await_line("all inputs", |line| (1..=5).all(|channel| last(line, channel).is_some()));
        program.stop(Signal::SIGTERM).with_code(0);
        // Without the keys nothing says which one is meant, and what to write is said.
        let mut bare = rig.clone();
        for channel in bare["tasks"][0]["channels"].as_array_mut().unwrap() {
            channel.as_object_mut().unwrap().retain(|key, _| key != "pdo_index" && key != "nth");
        }
        let file = folder.json("bare.json", &bare);
        zerocat(&["run", &file, "--seconds", "1"]).with_code(5).saying(&["\"pdo_index\": \"0x1a01\"", "\"nth\": 1"]);
    });
}

#[test]
fn bytes_and_bits_are_written_beside_each_other_and_read() {
    in_private_netns(|veth| {
        let folder = Folder::new();
        let _segment = Segment::of(veth, &gateway(&folder));
        let mut rig = draft(&folder, &veth.master);
        let channel = |entry: &str, number: u32, more: Value| {
            let mut channel = json!({ "entry": entry, "channel": number, "state_channel": number + 100 });
            channel.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            channel
        };
        let text = json!({ "data_type": "bytes", "bit_length": 80, "safe": "00112233445566778899" });
        let channels = [
            channel("gateway_0.0x7000:01", 200, json!({ "data_type": "uint16", "bit": 3 })),
            channel("gateway_0.0x7000:01", 201, json!({ "data_type": "uint16", "bit": 0 })),
            channel("gateway_0.0x7000:02", 202, text),
        ];
        let write = json!({ "type": "ethercat_write", "name": "outputs", "sink": { "jsonl": "-" },
            "config": { "device": "network", "state_rate": 20, "channels": channels } });
        rig["tasks"][1] = write;
        let mut program = in_op(&folder, &rig, &[]);
        let mut input = program.input();
        for (line, echo) in [(json!({ "200": true }), 8), (json!({ "201": 1 }), 9), (json!({ "200": 0 }), 1)] {
            input.line(&line.to_string());
            await_value(&mut program, 1, &json!(echo));
        }
        let text = json!("ffeeddccbbaa99887766");
        input.line(&json!({ "202": text }).to_string());
        await_value(&mut program, 302, &text);
        await_value(&mut program, 301, &json!(1));
        input.line(r#"{"202": "00ff"}"#);
        program.await_error("bytes of 80 bits need 10 bytes as hexadecimal text");
        let answer = program.output().lines().filter_map(|line| last(line, 5)).next_back().unwrap();
        assert_eq!(answer.as_str().map(str::len), Some(32));
        program.stop(Signal::SIGTERM).with_code(0);
    });
}
