"""CSV files of mailboxes: as spreadsheets write them, and every fault named by its line."""

import csv
import io

import pytest

from cli.mailbox_import.rows import Row, Unreadable, read_table, red_table
from shared.checks.vocabulary import MailProtocol, Security


def only(content: str) -> Row:
    (row,) = read_table(content.encode()).rows
    return row


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf"])
def test_delimiters_and_marks_of_spreadsheets_are_understood(delimiter: str, head: bytes) -> None:
    lines = ["E-Mail,PASSWORD,Host,Port", 'anna@example.com,"a ""b"" c",mail.example.com,993']
    table = read_table(head + "\r\n".join(lines).replace(",", delimiter).encode())
    (row,) = table.rows
    assert (row.line, row.address, row.password, row.host, row.port) == (
        2,
        "anna@example.com",
        'a "b" c',
        "mail.example.com",
        993,
    )


def test_every_column_is_read_by_any_of_its_names() -> None:
    row = only(
        "Mail Address;Passwort;User-Name;Mail_Server;PORT;Type;SSL;Customer ID;Name;Check Interval;Folder\n"
        "anna@example.com; x ;anna;mx.example.com;110;POP;StartTLS;7;Anna;0,5;Archive\n"
    )
    assert row.password == " x ", "a password is kept as it stands"
    assert (row.user, row.host, row.port, row.protocol, row.security) == (
        "anna",
        "mx.example.com",
        110,
        MailProtocol.POP3,
        Security.STARTTLS,
    )
    assert (row.customer, row.name, row.interval, row.mailbox) == ("7", "Anna", 0.5, "Archive")


def test_empty_lines_are_passed_over_and_unknown_columns_named() -> None:
    table = read_table(b"address,password,remark\n\na@b.de,x,hello\n,,\n")
    assert (len(table.rows), table.unused) == (1, ("remark",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "lacks address and password"),
        (b"a@b.de,secret\n", "lacks address and password"),
        (b"address\na@b.de\n", "lacks password"),
        (b"address,email,password\na@b.de,a@b.de,x\n", "two columns for address"),
        (b"address,password\n", "names no mailbox"),
        (b"address,password\na@b.de,\n", "line 2: there is no password"),
        (b"address,password\nanna,x\n", "line 2: address has to be an e-mail address"),
        (b"address,password\na@b.de,x,y\n", "line 2: it has 3 fields, and the header 2"),
        (b'address,password\na@b.de,"x\ny"\n', "the password holds a line's end"),
        (b'address,password\na@b.de,"x"y\n', "line 2: it is no CSV"),
        (b"address,password,port\na@b.de,x,0\n", "line 2: port has to be"),
        (b"address,password,protocol\na@b.de,x,smtp\n", "line 2: protocol has to be imap or pop3"),
        (b"address,password,security\na@b.de,x,maybe\n", "line 2: security has to be"),
        (b"address,password,interval\na@b.de,x,0.3\n", "line 2: interval has to be"),
        ("address,password\na@b.de,pässword\n".encode("latin-1"), "line 2: the file is not UTF-8 text"),
        ("address,password\na@b.de,x\n".encode("utf-16"), "the file is UTF-16"),
        (b"PK\x03\x04\0\0\0", "the file is no text"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(content: bytes, said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_table(content)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Unreadable) as refused:
        read_table(b"address,password,port\nanna,x,1\na@b.de,,2\na@b.de,x,three\n")
    assert len(str(refused.value).splitlines()) == 3


def test_a_row_as_text_holds_no_password() -> None:
    assert "hunter2" not in repr(only("address,password\na@b.de,hunter2\n"))


def test_red_rows_come_back_as_they_stood_with_the_reason() -> None:
    content = 'Address;Password;Remark\na@b.de;"x;y";one\n'
    table = read_table(content.encode())
    written = red_table(table.header, [(table.rows[0], "The server refused the login.")])
    assert list(csv.reader(io.StringIO(written))) == [
        ["Address", "Password", "Remark", "reason"],
        ["a@b.de", "x;y", "one", "The server refused the login."],
    ]
    again = read_table(written.encode())
    assert (again.rows[0].password, again.unused) == ("x;y", ("Remark",))
