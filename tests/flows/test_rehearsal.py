from flows.rehearsal import Rehearsal


def test_a_dry_run_says_eight_warnings_and_where_the_others_are() -> None:
    found = Rehearsal(
        rows={"train": 9},
        num_features=1,
        num_parameters=1,
        steps_per_epoch=1,
        device="cpu",
        batch_size=32,
        learning_rate=0.001,
        notes=(),
        warnings=tuple(f"check{number}: found" for number in range(10)),
    )
    told = [line for line in found.lines() if line.startswith("  warning  ")]
    assert len(told) == 9
    assert told[-1].endswith("and 2 more; iovalence check shows all, as a page")
