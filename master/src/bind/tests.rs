use super::*;
use serde_json::{Value, json};
use zerocat_pdi::{Access, Activation, Entry, Pdo, SubDeviceLayout, SyncManagerLayout, SyncUnit, lay_out};

fn pdo(index: u16, entries: &[(u16, u8, u8)]) -> Pdo {
    let entry = |(index, subindex, bit_length): &(u16, u8, u8)| Entry {
        index: *index,
        subindex: *subindex,
        bit_length: *bit_length,
        name: String::new(),
        type_code: 0,
    };
    Pdo { index, name: String::new(), entries: entries.iter().map(entry).collect() }
}

/// An oversampling terminal whose status and samples are one object, and two slots that bring one PDO.
fn plan() -> Plan {
    let inputs = vec![
        pdo(0x1a00, &[(0x6000, 1, 1), (0x6000, 2, 1), (0, 0, 14)]),
        pdo(0x1a01, &[(0x6000, 2, 16), (0x6000, 2, 16)]),
    ];
    let outputs = vec![pdo(0x1600, &[(0x7000, 1, 16)]), pdo(0x1600, &[(0x7000, 1, 16)])];
    let manager = |number, direction, pdos| {
        let activation = Activation::SafeOp;
        SyncManagerLayout { number, direction, start: 0x1000, control: 0x24, activation, pdos }
    };
    let sync_managers = vec![manager(2, Direction::Output, outputs), manager(3, Direction::Input, inputs)];
    let layout = SubDeviceLayout { position: 4, sync_managers, fmmus: 4, status: None, access: Access::Lrw, unit: 0 };
    lay_out(&[layout], &[SyncUnit { every: 1, phase: None }], 1486).unwrap()
}

fn channel(number: u32, index: u16, subindex: u8, bit_length: u8, keys: &Value) -> Value {
    let mut channel = json!({ "device": "scope", "type": "manual", "index": index, "subindex": subindex,
        "bit_length": bit_length, "data_type": if bit_length == 1 { "bool" } else { "uint16" }, "channel": number });
    channel.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    channel
}

/// Binds the channels of a read and of a write task.
fn bound(reads: &[Value], writes: &[Value]) -> Result<Vec<Vec<Placed>>, BindError> {
    let properties = json!({ "serial": 0, "vendor_id": 1, "product_code": 2, "revision": 3, "name": "scope", "position": 4,
        "pdos": {} });
    let rig = json!({
        "network": { "key": "net", "name": "", "make": "", "model": "", "properties": { "interface": "eth0", "rate": 1000 } },
        "slaves": [{ "key": "scope", "name": "", "make": "", "model": "", "properties": properties }],
        "tasks": [
            { "type": "ethercat_read", "name": "in",
              "config": { "device": "net", "sample_rate": 100, "stream_rate": 10, "channels": reads } },
            { "type": "ethercat_write", "name": "out",
              "config": { "device": "net", "state_rate": 10, "channels": writes } }
        ]
    });
    let rig = Rig::from_json(&rig.to_string()).unwrap();
    bind(&rig, &plan(), &Positions::from([("scope".to_owned(), 4)]))
}

fn spans(bindings: &[Placed]) -> Vec<(usize, u8)> {
    bindings.iter().map(|placed| (placed.span.offset, placed.span.len)).collect()
}

fn why(reads: &[Value], writes: &[Value]) -> String {
    bound(reads, writes).unwrap_err().to_string()
}

#[test]
fn an_oversampled_channel_is_the_entry_and_those_behind_it() {
    let samples = |of, samples| channel(of, 0x6000, 2, 16, &json!({ "pdo_index": "0x1a01", "samples": samples }));
    let bindings = bound(&[samples(1, 2)], &[]).unwrap();
    assert_eq!(spans(&bindings[0]), [(48, 16)]);
    let each: Vec<_> = bindings[0][0].spans().map(|span| span.offset).collect();
    assert_eq!(each, [48, 64]);
    let short = why(&[samples(1, 3)], &[]);
    assert!(short.contains("maps 2 entries of that length in a row from it on, its `samples` are 3"), "{short}");
}

#[test]
fn an_entry_is_found_by_its_pdo_and_its_place_in_it() {
    let reads = [
        channel(1, 0x6000, 1, 1, &json!({})),
        channel(2, 0x6000, 2, 1, &json!({ "pdo_index": "0x1a00" })),
        channel(3, 0x6000, 2, 16, &json!({ "pdo_index": "0x1a01", "nth": 2 })),
        channel(4, 0x6000, 2, 16, &json!({ "nth": 2 })),
        // Its length says which one.
        channel(5, 0x6000, 2, 1, &json!({})),
    ];
    let outputs = [1, 2].map(|nth| channel(10 + nth, 0x7000, 1, 16, &json!({ "pdo_index": "0x1600", "pdo_nth": nth })));
    let bindings = bound(&reads, &outputs).unwrap();
    assert_eq!(spans(&bindings[0]), [(32, 1), (33, 1), (64, 16), (48, 16), (33, 1)]);
    assert_eq!(spans(&bindings[1]), [(0, 16), (16, 16)]);
}

#[test]
fn an_entry_that_is_there_several_times_is_refused_with_the_lines_to_write() {
    let text = why(&[channel(1, 0x6000, 2, 16, &json!({}))], &[]);
    let expected = "channel `scope_0x6000_02` of task `in`: slave `scope` maps 0x6000:02 3 times, and the rig file doesn't say which one is \
                    meant; write beside its `index` one of: \"pdo_index\": \"0x1a00\" (1 bits); \"pdo_index\": \"0x1a01\", \
                    \"nth\": 1 (16 bits); \"pdo_index\": \"0x1a01\", \"nth\": 2 (16 bits)";
    assert_eq!(text, expected);
    let text = why(&[channel(1, 0x6000, 2, 16, &json!({ "pdo_index": "0x1a07" }))], &[]);
    assert!(text.contains("\"pdo_index\": \"0x1a07\" names no single one; write beside"), "{text}");
    let text = why(&[channel(1, 0x6000, 2, 16, &json!({ "pdo_index": "0x1a00" }))], &[]);
    assert!(text.contains("with 1 bits, the rig file says 16"), "{text}");
}

#[test]
fn what_is_not_mapped_is_answered_with_what_is_by_pdo() {
    let text = why(&[channel(1, 0x6001, 2, 16, &json!({}))], &[]);
    let mapped = "it maps PDO 0x1a00: 0x6000:01 0x6000:02; PDO 0x1a01: 0x6000:02 0x6000:02";
    assert!(text.ends_with(mapped), "{text}");
    let text = why(&[], &[channel(1, 0x7001, 2, 16, &json!({}))]);
    assert!(text.ends_with("PDO 0x1600: 0x7000:01; PDO 0x1600 (number 2 of that index): 0x7000:01"), "{text}");
}

#[test]
fn a_bit_is_bound_to_one_bit_of_its_entry() {
    let bit = |number: u32, bit: u8| channel(number, 0x7000, 1, 16, &json!({ "nth": 2, "bit": bit }));
    let bindings = bound(&[], &[bit(1, 0), bit(2, 15)]).unwrap();
    assert_eq!(spans(&bindings[1]), [(16, 1), (31, 1)]);
}

#[test]
fn an_output_is_written_by_one_channel_also_where_the_rig_file_names_it_in_two_ways() {
    let writes = [
        channel(1, 0x7000, 1, 16, &json!({ "pdo_index": "0x1600", "pdo_nth": 2 })),
        channel(2, 0x7000, 1, 16, &json!({ "nth": 2, "bit": 3 })),
    ];
    let text = why(&[], &writes);
    let expected = "channel `scope_0x7000_01_bit3` of task `out`: it is the same output as channel `scope_0x7000_01` of task \
                    `out`, or a part of it";
    assert_eq!(text, expected);
    let reads = [1, 2].map(|number| channel(number, 0x6000, 1, 1, &json!({})));
    assert!(bound(&reads, &[]).is_ok());
}

/// What the one output of `writes` follows, at first and while it is safe: offsets in bits.
fn followed(keys: &Value) -> Result<(Option<usize>, Option<usize>), String> {
    let reads = [channel(1, 0x6000, 2, 16, &json!({ "pdo_index": "0x1a01", "nth": 1, "name": "first" }))];
    let mut keys = keys.clone();
    keys.as_object_mut().unwrap().extend(json!({ "pdo_index": "0x1600", "pdo_nth": 2 }).as_object().unwrap().clone());
    let bindings = bound(&reads, &[channel(9, 0x7000, 1, 16, &keys)]).map_err(|error| error.to_string())?;
    let output = &bindings[1][0];
    Ok((output.initial.map(|span| span.offset), output.safe.map(|span| span.offset)))
}

#[test]
fn what_an_output_follows_at_first_it_follows_while_it_is_safe_where_nothing_else_is_said() {
    let from = json!({ "from": "first" });
    let input = channel(1, 0x6000, 2, 16, &json!({ "pdo_index": "0x1a01", "nth": 1 }));
    let place = Some(bound(&[input], &[]).unwrap()[0][0].span.offset);
    assert_eq!(followed(&json!({})), Ok((None, None)));
    assert_eq!(followed(&json!({ "initial": from })), Ok((place, place)));
    assert_eq!(followed(&json!({ "safe": from })), Ok((place, place)));
    assert_eq!(followed(&json!({ "initial": from, "safe": 0 })), Ok((place, None)));
    assert_eq!(followed(&json!({ "initial": 7, "safe": { "from": 1 } })), Ok((None, place)));
}

#[test]
fn an_output_follows_only_an_input_that_is_like_it() {
    let error = followed(&json!({ "initial": { "from": "nobody" } })).unwrap_err();
    assert!(error.ends_with("it follows `nobody`, which is no input of the rig file"), "{error}");
    let error = followed(&json!({ "initial": { "from": "scope.0x6000:09" } })).unwrap_err();
    assert!(error.contains("does not map 0x6000:09"), "{error}");
}
