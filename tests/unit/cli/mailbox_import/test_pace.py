"""How many rows are handed over, in which order, and when it is pointless to go on."""

from cli.mailbox_import.pace import IN_LINE, REFUSED_ANYWHERE, SCOUTS, Pace, spread

HOST = "mail.example.com"


def of_one_host(rows: int) -> Pace[int]:
    return Pace.over((HOST, row) for row in range(rows))


def begun(pace: Pace[int]) -> list[int]:
    return [row for _, row in pace.next()]


def test_the_first_tried_are_from_top_middle_and_end() -> None:
    assert spread([0, 1, 2, 3, 4, 5, 6]) == [0, 3, 6, 1, 2, 4, 5]
    assert [spread(list(range(count))) for count in range(4)] == [[], [0], [0, 1], [0, 1, 2]]


def test_few_are_tried_until_a_host_has_let_one_in() -> None:
    pace = of_one_host(100)
    assert begun(pace) == [0, 50, 99]
    assert begun(pace) == []
    pace.passed(HOST)
    assert len(begun(pace)) == IN_LINE - (SCOUTS - 1)


def test_a_host_that_refuses_the_first_ones_is_asked_no_more() -> None:
    pace = of_one_host(300)
    assert len(begun(pace)) == SCOUTS
    for _ in range(SCOUTS):
        pace.failed(HOST, refused=True, reason="refused")
        assert begun(pace) == [], "one that is refused makes no room for another"
    assert begun(pace) == []
    assert pace.is_over
    reasons = {reason for reason, _ in pace.untried()}
    assert len(pace.untried()) == 297
    assert all("refused the first 3 passwords" in reason and "297 rows" in reason for reason in reasons)


def test_a_host_that_cannot_be_reached_is_left_alone_for_that_reason() -> None:
    pace = of_one_host(10)
    begun(pace)
    for _ in range(SCOUTS):
        pace.failed(HOST, refused=False, reason="Nothing listens there.")
    assert all("Nothing listens there." in reason for reason, _ in pace.untried())


def test_one_that_passes_among_refusals_lets_all_go_on() -> None:
    pace = of_one_host(20)
    begun(pace)
    pace.failed(HOST, refused=True, reason="refused")
    pace.passed(HOST)
    for _ in range(5):
        pace.failed(HOST, refused=True, reason="refused")
        assert begun(pace)
    assert not pace.is_over


def test_many_hosts_that_all_refuse_their_first_stop_all_of_it() -> None:
    pace = Pace.over((f"mail{row}.example.com", row) for row in range(300))
    tried = 0
    while chosen := pace.next():
        tried += len(chosen)
        for host, _ in chosen:
            pace.failed(host.name, refused=True, reason="refused")
    assert tried == REFUSED_ANYWHERE
    assert "5 servers refused the first 5 passwords" in (pace.stopped or "")
    assert len(pace.untried()) == 300 - REFUSED_ANYWHERE


def test_many_hosts_go_on_once_one_has_let_somebody_in() -> None:
    pace = Pace.over((f"mail{row}.example.com", row) for row in range(300))
    for host, _ in pace.next():
        pace.passed(host.name)
    assert len(begun(pace)) > REFUSED_ANYWHERE


def test_what_an_earlier_run_found_counts() -> None:
    pace = of_one_host(50)
    for _ in range(SCOUTS):
        pace.known(HOST, passed=False, reason="refused")
    assert begun(pace) == []
    pace = of_one_host(50)
    pace.known(HOST, passed=True)
    assert len(begun(pace)) == IN_LINE


def test_one_that_was_not_begun_after_all_leaves_its_place() -> None:
    pace = of_one_host(10)
    begun(pace)
    pace.skipped(HOST)
    assert len(begun(pace)) == 1
