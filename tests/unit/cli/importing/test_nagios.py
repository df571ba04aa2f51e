"""A hoster's Nagios configuration, as it grows over years, carried over."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.configuration.desired import desired
from cli.configuration.normal import Kind
from cli.configuration.reading import read_configuration
from cli.importing.nagios import from_nagios
from cli.importing.plugin_options import Server, mail_server
from cli.main import app

MARKER = "marker's $-secret"

MAIN = """
log_file=/var/log/nagios/nagios.log
cfg_dir=objects
cfg_file=missing.cfg
resource_file=resource.cfg
interval_length=60
"""
RESOURCE = f"""
# where plugins are, and what they log in by
$USER1$=/usr/lib/nagios/plugins
$USER3$ = "{MARKER.replace("$", "$")}"
"""
COMMANDS = r"""
define command{
        command_name    check_imap
        command_line    $USER1$/check_imap -H $HOSTADDRESS$ $ARG1$
        }
define command {
    command_name  imap_login ; ours
    command_line  $USER1$/check_imap_login -H $_HOSTMAILNAME$ \
                  -U $ARG1$ -P $ARG2$ --port=993 -S -w 2 -c 8
}
define command { command_name check_http
    command_line $USER1$/check_http -H $HOSTADDRESS$ }
"""
OBJECTS = """
define host {
    name             linux-server   ; a template
    register         0
    contact_groups   admins
}
define host {
    use              linux-server
    host_name        mail1
    alias            The first
    address          192.0.2.25
    hostgroups       mail
    _MAILNAME        imap.example.com
}
define host{
\tuse\t\tlinux-server
\thost_name\tmail2
\taddress\t\tmail2.example.com
\t}
define hostgroup { hostgroup_name mail
    members mail2
}
define service {
    name             generic-service
    register         0
    check_interval   5
    check_period     24x7
    contact_groups   admins
}
define service {
    use                    generic-service
    hostgroup_name         mail
    service_description    IMAP greeting
    check_command          check_imap!-p 143 -e "* OK"
}
define service {
    use                    generic-service
    host_name              mail1,!mail2
    service_description    IMAP login
    check_command          imap_login!monitor@example.com!$USER3$
    check_interval         0.25
    notifications_enabled  0
    contacts               bob
    contact_groups         null
}
define service {
    use                    generic-service
    host_name              *
    service_description    POP3
    check_command          check_spop
    check_interval         1
    active_checks_enabled  0
}
define service {
    use                    generic-service
    host_name              mail1
    service_description    Web
    check_command          check_http
}
define serviceescalation { host_name mail1
    service_description Web
}
define contact { contact_name bob
    alias Bob; of the night shift
    email bob@example.com
    service_notification_period nights
}
define contact { contact_name pager
    contactgroups admins
}
define contactgroup { contactgroup_name admins
    members bob
}
"""


@pytest.fixture
def nagios(tmp_path: Path) -> Path:
    folder = tmp_path / "objects"
    folder.mkdir()
    (tmp_path / "nagios.cfg").write_text(MAIN)
    (tmp_path / "resource.cfg").write_text(RESOURCE)
    (folder / "commands.cfg").write_text(COMMANDS)
    (folder / "hosts.cfg").write_text(OBJECTS)
    return tmp_path / "nagios.cfg"


def test_services_become_monitors_with_what_their_templates_and_macros_say(nagios: Path) -> None:
    carried = from_nagios([nagios])
    monitors = {each["key"]: each for each in carried.monitors}
    assert list(monitors) == [
        "mail2/IMAP greeting",
        "mail1/IMAP greeting",
        "mail1/IMAP login",
        "mail1/POP3",
        "mail2/POP3",
    ]
    greeting = monitors["mail1/IMAP greeting"]
    assert (greeting["hostname"], greeting["port"], greeting["security"]) == ("192.0.2.25", 143, "none")
    assert (greeting["checkInterval"], greeting["tags"]) == (5, ["mail"])
    login = monitors["mail1/IMAP login"]
    assert (login["hostname"], login["port"], login["security"]) == ("imap.example.com", 993, "tls")
    assert (login["user"], login["warningMs"], login["status"]) == ("monitor@example.com", 2000, "maintenance")
    assert (login["checkInterval"], login["password"]) == (0.5, {"env": "PASSWORD_MAIL1_IMAP_LOGIN"})
    assert carried.secrets == {"PASSWORD_MAIL1_IMAP_LOGIN": MARKER}
    pop = monitors["mail2/POP3"]
    assert (pop["hostname"], pop["protocol"], pop["status"]) == ("mail2.example.com", "pop3", "disabled")
    assert [each["config"] for each in carried.channels] == [{"email": "bob@example.com"}]


def test_what_is_left_behind_is_said(nagios: Path) -> None:
    notes = "\n".join(from_nagios([nagios]).all_notes())
    for words in (
        "missing.cfg cannot be read",
        "mail1/IMAP greeting: what it expects in the answer is not looked for",
        "mail1/IMAP login: checked every 0.5 minutes, less often than before",
        "mail1/POP3: checked every 5 minutes, less often than before",
        "mail1/POP3: the command check_spop is not described",
        "the contact pager has no e-mail address",
        "the channel bob is told around the clock",
        "1 of serviceescalation are left out",
        "check_http (1)",
    ):
        assert words in notes, words


def test_the_printed_file_is_one_of_ours_and_holds_no_secret(nagios: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.sh"
    result = CliRunner().invoke(app, ["import", "nagios", str(nagios), "--secrets", str(secrets)])
    assert result.exit_code == 0, result.output
    assert MARKER not in result.output
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert "'\"'\"'s $-secret'" in secrets.read_text()
    printed = tmp_path / "mail.yaml"
    printed.write_text(result.stdout)
    wanted = desired(read_configuration([printed]))
    assert [len(wanted[kind]) for kind in (Kind.MONITOR, Kind.CHANNEL)] == [5, 1]
    again = CliRunner().invoke(app, ["import", "nagios", str(nagios), "--secrets", str(secrets)])
    assert (again.exit_code, "File exists" in again.output) == (1, True)


def test_a_template_made_of_itself_is_said(tmp_path: Path) -> None:
    path = tmp_path / "loop.cfg"
    path.write_text("define service {\n name a\n use a\n service_description x\n host_name h\n}\n")
    assert any("made of itself" in note for note in from_nagios([path]).notes)


@pytest.mark.parametrize(
    ("line", "server"),
    [
        ("/x/check_pop mail.example.com", Server("pop3", "none", host="mail.example.com")),
        (
            "check_tcp -H h -p 993 -S -D 30,14 -t 90",
            Server("imap", "tls", "h", 993, timeout_seconds=60, certificate_days=30),
        ),
        ("check_tcp -H h -p 25", None),
        ("check_imap -H h --sni=imap.example.com -S", Server("imap", "tls", "h", servername="imap.example.com")),
        (
            "check_imap_receive.pl --hostname=h -U me -P 'a b' --tls",
            Server("imap", "starttls", "h", user="me", password="a b"),
        ),
        ("check_pop3_login -H h -u me -p secret", Server("pop3", "none", "h", user="me", password="secret")),
        (
            "check_imap_quota -H h -U me -P x --mailbox Archive -s",
            Server("imap", "tls", "h", user="me", password="x", mailbox="Archive"),
        ),
        ("check_ping -H h -w 100,20% -c 500,60%", None),
        ("check_imap -H 'unfinished", Server("imap", "none", "'unfinished")),
        ("", None),
    ],
)
def test_the_options_of_plugins_are_understood(line: str, server: Server | None) -> None:
    assert mail_server(line) == server
