"""What may be done with a job that arrived."""

import pytest

from shared.checks.vocabulary import Lane, LoginPermission, MissedReason
from shared.probing.job_handling.admission import Admission, Arrival, Verdict, admit
from tests.unit.job_handling.fakes import PUBLISHED, a_job, a_target

CHECK = Admission(Verdict.CHECK)
HAND_ON = Admission(Verdict.HAND_ON)
NO_SECOND_LOGIN = Admission(Verdict.MISS, MissedReason.REDELIVERED, login_unknown=True)
STALE = Admission(Verdict.MISS, MissedReason.STALE)

PROVEN = a_job(login_proven=True)
UNPROVEN = a_job(login_proven=False)
WITHHELD = a_job(login_proven=False, login=LoginPermission.WITHHELD)
NO_LOGIN = a_job(login_proven=False, target=a_target(logs_in=False))
HANDED_BACK = a_job(login_proven=False, started=False)


def arrival(lane: Lane = Lane.DUE, *, again: bool = False, jobs: int = 1, before: int = 0) -> Arrival:
    return Arrival(lane=lane, redelivered=again, jobs_in_batch=jobs, deliveries_before=before)


@pytest.mark.parametrize(
    ("job", "how", "verdict"),
    [
        pytest.param(UNPROVEN, arrival(), CHECK, id="a fresh unproven job is checked"),
        pytest.param(UNPROVEN, arrival(Lane.NOW), CHECK, id="a fresh asked-for job is checked"),
        pytest.param(UNPROVEN, arrival(jobs=50), CHECK, id="a fresh batch is checked"),
        pytest.param(PROVEN, arrival(again=True), CHECK, id="a redelivered proven job runs again"),
        pytest.param(UNPROVEN, arrival(again=True), NO_SECOND_LOGIN, id="an unproven one does not log in"),
        pytest.param(UNPROVEN, arrival(again=True, jobs=9), NO_SECOND_LOGIN, id="an unproven one of a batch neither"),
        pytest.param(UNPROVEN, arrival(Lane.RETRY), NO_SECOND_LOGIN, id="one split off may have begun too"),
        pytest.param(HANDED_BACK, arrival(Lane.RETRY), CHECK, id="one handed back untouched runs as new"),
        pytest.param(
            HANDED_BACK,
            arrival(Lane.RETRY, again=True),
            NO_SECOND_LOGIN,
            id="one handed back and then lost by another worker may have begun there",
        ),
        pytest.param(WITHHELD, arrival(again=True), CHECK, id="a withheld check sends no login to repeat"),
        pytest.param(NO_LOGIN, arrival(again=True), CHECK, id="a check without credentials neither"),
        pytest.param(PROVEN, arrival(again=True, jobs=2), HAND_ON, id="a redelivered batch is split"),
        pytest.param(PROVEN, arrival(again=True, before=1), CHECK, id="once more where it stands"),
        pytest.param(PROVEN, arrival(again=True, before=2), HAND_ON, id="then away from its neighbours"),
        pytest.param(
            PROVEN, arrival(Lane.RETRY, again=True, before=4), CHECK, id="the retry lane is the end of the line"
        ),
    ],
)
def test_what_becomes_of_a_job_by_how_it_came(job: object, how: Arrival, verdict: Admission) -> None:
    assert admit(job, how, now_ms=PUBLISHED) == verdict  # type: ignore[arg-type]


def test_a_job_is_stale_once_its_time_is_past_and_not_before() -> None:
    assert admit(PROVEN, arrival(), now_ms=PROVEN.not_after) == CHECK
    assert admit(PROVEN, arrival(), now_ms=PROVEN.not_after + 1) == STALE
    assert admit(PROVEN, arrival(again=True, jobs=2), now_ms=PROVEN.not_after + 1) == STALE


def test_a_stale_job_whose_login_may_have_been_sent_still_says_so() -> None:
    assert admit(UNPROVEN, arrival(again=True), now_ms=UNPROVEN.not_after + 1) == NO_SECOND_LOGIN
