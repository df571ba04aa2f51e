"""The operations on notification channels."""

from services.api_gateway.channels import handlers, trying
from services.api_gateway.channels.models import (
    Channel,
    ChannelCreate,
    ChannelDeleted,
    ChannelPatch,
    ChannelQuery,
    Channels,
    ChannelSaved,
    ChannelTest,
    ChannelTested,
    Coverage,
)
from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.manners.holding_store import channel_held
from services.api_gateway.operation import NO_CUSTOMER, NOT_ALLOWED, WRONG_FIELDS, Operation

_CHANNEL = f"{handlers.PATH}/{{id}}"
_INVALID = "`Invalid notification channel ID`"
_NO_CHANNEL = "`Notification channel not found`"

CHANNEL_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="listNotificationChannels",
        summary="The notification channels a token may see; their secrets are null.",
        handler=handlers.show_channels,
        query=ChannelQuery,
        answers={200: Channels},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: "The customer or organization is unknown."},
    ),
    Operation(
        method="POST",
        path=handlers.PATH,
        name="createNotificationChannel",
        summary="Create a channel: the organization's default, or a customer's instead of it.",
        handler=handlers.create_channel,
        dry_run=True,
        body=ChannelCreate,
        answers={201: ChannelSaved},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: NO_CUSTOMER},
    ),
    Operation(
        method="POST",
        path=f"{handlers.PATH}/test",
        name="testNotificationChannel",
        summary="Send a message to a channel, stored or only described here, for real.",
        handler=trying.try_channel,
        outside=True,
        body=ChannelTest,
        answers={200: ChannelTested},
        problems={
            400: WRONG_FIELDS,
            403: NOT_ALLOWED,
            404: f"{_NO_CHANNEL}, {NO_CUSTOMER}",
            504: "No notifier answered in time.",
        },
    ),
    Operation(
        method="GET",
        path="/api/notification-coverage",
        name="notificationCoverage",
        summary="Whether anybody would be told, and of whose monitors nobody would.",
        handler=handlers.show_coverage,
        answers={200: Coverage},
    ),
    Operation(
        method="GET",
        path=_CHANNEL,
        name="getNotificationChannel",
        summary="One channel; its secrets are null.",
        handler=handlers.show_channel,
        tagged=Tagged(state=frozenset({"health", "warnings"}), hold=channel_held),
        answers={200: Channel},
        problems={400: _INVALID, 403: NOT_ALLOWED, 404: _NO_CHANNEL},
    ),
    Operation(
        method="PATCH",
        path=_CHANNEL,
        name="changeNotificationChannel",
        summary="Change any of a channel's fields; secrets that are null or left out stay.",
        handler=handlers.change_channel,
        dry_run=True,
        body=ChannelPatch,
        answers={200: ChannelSaved},
        problems={400: f"{_INVALID}; or: {WRONG_FIELDS}", 403: NOT_ALLOWED, 404: f"{_NO_CHANNEL}, {NO_CUSTOMER}"},
    ),
    Operation(
        method="DELETE",
        path=_CHANNEL,
        name="deleteNotificationChannel",
        summary="Remove a channel, its secrets with it.",
        handler=handlers.remove_channel,
        dry_run=True,
        answers={200: ChannelDeleted},
        problems={400: _INVALID, 403: NOT_ALLOWED, 404: _NO_CHANNEL},
    ),
)
