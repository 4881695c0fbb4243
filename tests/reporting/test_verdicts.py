from iovalence.diagnosis.verdict import Advice, Diagnosis
from iovalence.diagnosis.verdict import Verdict as Diagnosed
from iovalence.reporting.verdicts import describe_verdicts


def test_the_page_gets_verdict_evidence_and_change():
    advice = Advice(text="a tenth of the rate", change={"training.learning_rate": 0.0001})
    diagnosed = Diagnosed(
        name="learning_rate_too_high",
        severity="failure",
        message="the loss was not finite at step 3 of epoch 1",
        evidence={"learning_rate": 0.001},
        advice=(advice,),
    )
    (shown,) = describe_verdicts(Diagnosis(headline="", verdicts=(diagnosed,)))
    assert (shown.title, shown.severity) == ("Learning rate too high", "failure")
    assert shown.sentence == "The loss was not finite at step 3 of epoch 1."
    assert shown.evidence == ("learning rate: 0.001",)
    assert shown.advice[0].change == "training:\n  learning_rate: 0.0001\n"


def test_a_run_without_a_diagnosis_has_no_verdicts():
    assert describe_verdicts(None) == ()
