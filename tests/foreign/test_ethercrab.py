"""ethercrab's own init and groups against the simulated segment."""


def held(segment, found):
    """OP was reached, all cycles were done, and all came back with the counter that the sizes ask for."""
    assert len(found["subdevices"]) == segment.count
    assert found["cycles"] == segment.cycles
    # LRW: 1 for who is read, 2 for who is written (ETG.1000.4, table 11).
    expected = sum((inputs > 0) + 2 * (outputs > 0) for inputs, outputs in segment.sizes["zerocat"])
    assert set(found["working_counters"]) == {str(expected)}
    assert found["timeouts"] < 0.05 * segment.cycles


def test_reaches_op_and_cycles_with_constant_working_counter(segment, ethercrab):
    held(segment, ethercrab)


def test_does_the_same_in_process(segment, ethercrab):
    found = segment.run(segment.peer, "--mixed", str(segment.count), "--cycles", str(segment.cycles))
    held(segment, found)
    assert found["subdevices"] == ethercrab["subdevices"]
    assert found["timeouts"] == 0


def test_names_and_identities_agree(scanned, ethercrab):
    ours = [(s["name"], s["vendor_id"], s["product_code"]) for s in scanned]
    assert ours == [(s["name"], s["vendor_id"], s["product_code"]) for s in ethercrab["subdevices"]]
