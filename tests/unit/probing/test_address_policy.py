import pytest

from shared.probing.address_policy import AddressPolicy, ip_literal

PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.255.255", "192.0.0.8",
    "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.19.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::8.8.8.8", "::ffff:8.8.8.8",
    "::ffff:127.0.0.1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:808:808::1",
    "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "::ffff:0:7f00:1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
    "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2003::1", "2a00:1450:4001::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_special_addresses_are_blocked(address: str) -> None:
    blocked = AddressPolicy.create().judge(address)
    assert blocked is not None
    assert blocked.cidr in blocked.hint


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert AddressPolicy.create().judge(address) is None


def test_one_private_address_among_public_ones_is_enough() -> None:
    blocked = AddressPolicy.create().first_blocked(["8.8.8.8", "10.0.0.1", "1.1.1.1"])
    assert blocked is not None
    assert blocked.address == "10.0.0.1"


def test_an_allowed_network_opens_itself_and_nothing_else() -> None:
    policy = AddressPolicy.create(["10.0.0.0/8", "::1/128", ""])
    assert policy.judge("10.9.9.9") is None
    assert policy.judge("::1") is None
    assert policy.judge("192.168.0.1") is not None
    assert policy.judge("::ffff:10.0.0.1") is not None


@pytest.mark.parametrize(
    ("allowed", "inner"),
    [("64:ff9b::/96", "64:ff9b::7f00:1"), ("2002::/16", "2002:7f00:1::"), ("::ffff:0:0/96", "::ffff:127.0.0.1")],
)
def test_what_an_allowed_network_embeds_is_judged_again(allowed: str, inner: str) -> None:
    assert AddressPolicy.create([allowed]).judge(inner) is not None


def test_nat64_of_a_public_address_can_be_allowed() -> None:
    assert AddressPolicy.create(["64:ff9b::/96"]).judge("64:ff9b::808:808") is None


@pytest.mark.parametrize("metadata", ["169.254.169.254", "fd00:ec2::254"])
def test_cloud_metadata_is_opened_only_by_its_own_address(metadata: str) -> None:
    wide = AddressPolicy.create(["169.254.0.0/16", "fc00::/7"])
    assert wide.judge(metadata) is not None
    assert wide.judge("169.254.1.1") is None
    assert AddressPolicy.create([metadata]).judge(metadata) is None


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST.", "mail.localhost", "127.0.0.1", "[::1]", "10.0.0.1"])
def test_a_host_name_that_means_a_private_address_is_known_before_resolving(name: str) -> None:
    assert AddressPolicy.create().judge_hostname(name) is not None


def test_other_names_are_left_to_resolving() -> None:
    assert AddressPolicy.create().judge_hostname("mail.example.com") is None


@pytest.mark.parametrize("text", ["0x7f.1", "2130706433", "127.1", "010.0.0.1", "fe80::1%eth0", "①②⑦.0.0.1", ""])
def test_odd_spellings_are_no_addresses(text: str) -> None:
    assert ip_literal(text) is None


def test_a_malformed_network_is_named() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
        AddressPolicy.create(["10.0.0.0/99"])
