"""`imapPopConfig`: how to reach a mailbox and log in. Known keys are validated, others kept as they are.

The password never stands in what is stored: `stored_config` leaves it out, and the mask with it.
"""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_camel

from services.api_gateway.field_types import CredentialText, Hostname, wrong
from shared.checks.vocabulary import AuthMethod, IpFamily, MailProtocol, Security

MASK = "********"
CONFIG_CAP_BYTES = 16 * 1024

# What answers add to a config; sent back, they mean nothing.
_ANSWER_ONLY = frozenset({"password", "passwordSet"})


class _Part(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="allow", frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )


class TlsOptions(_Part):
    """How the server's certificate is judged; honoured for both protocols."""

    reject_unauthorized: bool | None = Field(default=None, description="Verify the certificate; default true.")
    servername: Hostname | None = Field(default=None, description="SNI and certificate name, where not the hostname.")


class ImapPopConfig(_Part):
    """The monitor's config. A known key that is null counts as left out."""

    protocol: Annotated[MailProtocol, Field(strict=False)] | None = Field(default=None, description="Default imap.")
    user: CredentialText | None = None
    password: SecretStr | None = Field(
        default=None,
        description="Echoed in the answer to the very request that carried it, masked ever after. "
        "On PATCH: left out or the mask keeps the stored one, null removes it.",
    )
    tls: bool | None = Field(default=None, description="true means security: tls. Default false.")
    tls_options: TlsOptions | None = None
    security: Annotated[Security, Field(strict=False)] | None = None
    mailbox: CredentialText | None = Field(default=None, description="Default INBOX.")
    auth: Annotated[AuthMethod, Field(strict=False)] | None = Field(default=None, description="Default auto.")
    ip_family: Annotated[IpFamily, Field(strict=False)] | None = Field(default=None, description="Default any.")
    certificate_warning_days: Annotated[int, Field(ge=0, le=3650)] | None = Field(
        default=None, description="Default 21."
    )
    warning_ms: Annotated[int, Field(ge=1, le=60_000)] | None = Field(
        default=None, description="A check slower than this is degraded."
    )
    authorization_id: CredentialText | None = Field(default=None, description="SASL authorization identity.")

    @model_validator(mode="before")
    @classmethod
    def _within_its_size(cls, value: Any) -> Any:
        if isinstance(value, dict):
            size = len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
            if size > CONFIG_CAP_BYTES:
                raise wrong(f"{{field}} must have at most {CONFIG_CAP_BYTES // 1024} KiB")
        return value

    @field_validator("password")
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        secret = value.get_secret_value()
        if not secret:
            raise wrong("{field} must not be empty; null removes it")
        if any(character in secret for character in "\r\n\x00"):
            raise wrong("{field} must not hold CR, LF or NUL")
        if len(secret.encode()) > 4096:
            raise wrong("{field} must have at most 4096 bytes")
        return value

    @field_validator("security")
    @classmethod
    def _agrees_with_tls(cls, value: Security | None, info: ValidationInfo) -> Security | None:
        tls = info.data.get("tls")
        if value is not None and tls is not None and tls is not (value is Security.TLS) and not _starttls(tls, value):
            raise wrong(f"{{field}} {value} contradicts tls {str(tls).lower()}")
        return value

    def stored(self) -> dict[str, Any]:
        """What the database keeps: as sent, host names in canonical form, without password and without nulls."""
        sent = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        options = sent.get("tlsOptions")
        if isinstance(options, dict):
            sent["tlsOptions"] = _without_nulls(options, TlsOptions)
        return {key: value for key, value in _without_nulls(sent, type(self)).items() if key not in _ANSWER_ONLY}


def _starttls(tls: bool, security: Security) -> bool:
    # `tls: false` says "not from the first byte", which STARTTLS agrees with.
    return security is Security.STARTTLS and not tls


def _without_nulls(values: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    known = {field.alias for field in model.model_fields.values()}
    return {key: value for key, value in values.items() if value is not None or key not in known}
