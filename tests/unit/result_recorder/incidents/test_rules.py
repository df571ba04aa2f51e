"""The numbers behind incidents."""

from services.result_recorder.incidents.rules import Agreement, Thresholds, layer_of
from shared.checks.vocabulary import Phase


def test_how_many_of_the_locations_at_work_have_to_agree() -> None:
    expected = {Agreement.ANY: [1, 1, 1, 1], Agreement.MAJORITY: [1, 1, 2, 2], Agreement.ALL: [1, 1, 2, 3]}
    for agreement, needed in expected.items():
        thresholds = Thresholds(agreement=agreement, count=2)
        assert [thresholds.needed(live) for live in (0, 1, 2, 3)] == needed


def test_the_shipped_thresholds_work_with_a_single_location() -> None:
    assert Thresholds().needed(1) == 1
    assert Thresholds().needed(5) == 2


def test_health_tolerates_soft_failures_as_long_as_incidents_do() -> None:
    assert Thresholds().soft_tolerated == 9
    assert Thresholds(confirm_after=5).soft_tolerated == 15


def test_every_phase_has_its_layer() -> None:
    assert {layer_of(phase) for phase in (Phase.DNS, Phase.CONNECT, Phase.GREETING, Phase.CAPABILITY)} == {"network"}
    assert layer_of(Phase.TLS) == "tls"
    assert {layer_of(phase) for phase in (Phase.AUTH, Phase.MAILBOX, Phase.LOGOUT)} == {"login"}
