"""The routes of people."""

from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.manners.holding_store import user_held
from services.api_gateway.monitors.models import Deleted
from services.api_gateway.operation import NOT_ALLOWED, WRONG_FIELDS, Operation
from services.api_gateway.people import handlers
from services.api_gateway.people.models import ResetLink, User, UserCreate, UserInvited, UserPatch, Users

_USER = f"{handlers.PATH}/{{publicId}}"
_ID_REQUIRED = "`User public ID (UUID) required`"
_NO_USER = "`User not found`"
_NOT_ALLOWED = "It takes an admin who is signed in."
_TAKEN = "Somebody signs in by this address already"
_LAST = "The organization would be left without an admin."

PEOPLE_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="listUsers",
        summary="The people of the organization.",
        handler=handlers.show_users,
        answers={200: Users},
        problems={403: NOT_ALLOWED},
    ),
    Operation(
        method="POST",
        path=handlers.PATH,
        name="inviteUser",
        summary="Invite somebody; the answer holds the link to hand to them.",
        handler=handlers.invite_user,
        body=UserCreate,
        answers={201: UserInvited},
        problems={400: WRONG_FIELDS, 403: _NOT_ALLOWED, 409: f"{_TAKEN}."},
    ),
    Operation(
        method="GET",
        path=_USER,
        name="getUser",
        summary="One person.",
        handler=handlers.show_user,
        tagged=Tagged(unsaid=frozenset({"lastSignInAt"}), hold=user_held),
        answers={200: User},
        problems={400: _ID_REQUIRED, 403: NOT_ALLOWED, 404: _NO_USER},
    ),
    Operation(
        method="PATCH",
        path=_USER,
        name="changeUser",
        summary="Change any of these fields of a person; but for a name, it signs them out.",
        handler=handlers.change_user,
        dry_run=True,
        body=UserPatch,
        answers={200: User},
        problems={
            400: f"{_ID_REQUIRED}; or: {WRONG_FIELDS}",
            403: _NOT_ALLOWED,
            404: _NO_USER,
            409: f"{_TAKEN}; or: {_LAST}",
        },
    ),
    Operation(
        method="DELETE",
        path=_USER,
        name="deleteUser",
        summary="Remove a person.",
        handler=handlers.remove_user,
        dry_run=True,
        answers={200: Deleted},
        problems={400: _ID_REQUIRED, 403: _NOT_ALLOWED, 404: _NO_USER, 409: _LAST},
    ),
    Operation(
        method="POST",
        path=f"{_USER}/reset-link",
        name="makeResetLink",
        summary="A link by which a person chooses a new password.",
        handler=handlers.make_reset_link,
        answers={200: ResetLink},
        problems={400: _ID_REQUIRED, 403: _NOT_ALLOWED, 404: _NO_USER, 409: "The person is disabled."},
    ),
)
