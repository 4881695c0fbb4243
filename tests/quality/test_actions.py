import yaml

from iovalence.quality.actions import list_settings, setting_of
from iovalence.quality.findings import Finding
from iovalence.quality.section import QualitySection


def find(name):
    return Finding(check=name, severity="info", count=0, share=0.0, message="")


def test_every_key_that_takes_an_action_is_a_check():
    settings = {one.name: one for one in list_settings(QualitySection(labels={"rare": "off"}))}
    assert {"duplicates.exact", "labels.missing", "labels.rare", "balance"} <= set(settings)
    assert settings["labels.rare"].action == "off"
    assert settings["balance"].key == "balance.action"
    assert (settings["labels.rare"].can_fix, settings["expectations"].can_fix) == (True, False)
    assert all(one.looks_for and ";" not in one.looks_for for one in settings.values())


def test_the_line_for_a_configuration_sets_that_action_and_nothing_else():
    before = list_settings(QualitySection())
    for setting in before:
        told = yaml.safe_load(setting.write_yaml("warn"))
        after = list_settings(QualitySection(**told["quality"]))
        changed = setting.model_copy(update={"action": "warn"})
        assert after == tuple(changed if one == setting else one for one in before)


def test_a_finding_belongs_to_the_check_with_the_longest_fitting_name():
    settings = list_settings(QualitySection())
    inner = settings[-1].model_copy(update={"name": "expectations.inferred"})
    for name, check in (
        ("expectations.expect_column_to_exist", "expectations"),
        ("expectations.inferred.types", "expectations.inferred"),
        ("labels.rare", "labels.rare"),
    ):
        found = setting_of(find(name), (*settings, inner))
        assert found is not None
        assert found.name == check
    assert setting_of(find("labels.unseen"), settings) is None
