"""A diagnosis reads as lines with evidence, and as YAML that a configuration takes."""

from iovalence.diagnosis.diagnose import diagnose
from iovalence.diagnosis.verdict import Advice
from iovalence.diagnosis.wording import change_yaml, write_lines


def test_the_change_is_written_as_yaml():
    advice = Advice(text="stop", change={"training.patience": 3, "training.layers": [32, 16]})
    assert change_yaml(advice) == "training:\n  patience: 3\n  layers: [32, 16]\n"
    assert change_yaml(Advice(text="more data")) == ""
    assert advice.overrides == ("training.patience=3", "training.layers=[32, 16]")


def test_the_lines_have_verdict_evidence_and_change(evidence):
    diagnosis = diagnose(evidence(failed_step=3, failed_epoch=1))
    lines = write_lines(diagnosis)
    assert lines[0] == "Learning rate too high: the loss was not finite at step 3 of epoch 1."
    assert "failure: learning rate too high" in lines
    assert "  step                        3" in lines
    assert "         learning_rate: 0.0001" in lines
