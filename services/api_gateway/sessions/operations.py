"""The routes of signing in and of one's own account."""

from services.api_gateway.operation import NOT_ALLOWED, WRONG_FIELDS, Operation
from services.api_gateway.sessions import handlers
from services.api_gateway.sessions.models import (
    Acceptance,
    OwnPatch,
    OwnSessions,
    SessionState,
    SetUp,
    SignedOut,
    SignIn,
    SignOutQuery,
)

_OTHER_PAGE = "A browser says that another page sent the request."
_NO_LINK = "`Link not found`: it is mistyped, was opened already or has expired."
_CROWDED = "Too many people sign in at once; or a back end does not answer."

SESSION_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="getSession",
        summary="Who asks, by session or token; for anybody.",
        anybody=handlers.show_session,
        answers={200: SessionState},
        problems={400: WRONG_FIELDS, 404: "The organization is unknown.", 503: "A back end does not answer."},
    ),
    Operation(
        method="POST",
        path=handlers.PATH,
        name="signIn",
        summary="Sign in: the answer sets the session's cookie.",
        anybody=handlers.sign_in,
        body=SignIn,
        answers={201: SessionState},
        problems={
            400: WRONG_FIELDS,
            401: "The e-mail address or the password is wrong, or the person is disabled.",
            403: _OTHER_PAGE,
            429: "Too many sign-ins went wrong, or the address asks too often.",
            503: _CROWDED,
        },
    ),
    Operation(
        method="PATCH",
        path=handlers.PATH,
        name="changeOwnAccount",
        summary="Change one's own name or password; a new password signs out every other browser.",
        handler=handlers.change_own,
        body=OwnPatch,
        answers={200: SessionState},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: "`User not found`"},
    ),
    Operation(
        method="DELETE",
        path=handlers.PATH,
        name="signOut",
        summary="Sign out; once more does no harm.",
        anybody=handlers.sign_out,
        query=SignOutQuery,
        answers={200: SignedOut},
        problems={400: WRONG_FIELDS, 403: _OTHER_PAGE, 503: "A back end does not answer."},
    ),
    Operation(
        method="GET",
        path=handlers.SESSIONS,
        name="listOwnSessions",
        summary="The browsers one is signed in with.",
        handler=handlers.show_own_sessions,
        answers={200: OwnSessions},
        problems={403: NOT_ALLOWED},
    ),
    Operation(
        method="DELETE",
        path=f"{handlers.SESSIONS}/{{publicId}}",
        name="endOwnSession",
        summary="Sign out one of one's browsers.",
        handler=handlers.end_own_session,
        answers={200: SignedOut},
        problems={400: "`Session public ID (UUID) required`", 403: NOT_ALLOWED, 404: "`Session not found`"},
    ),
    Operation(
        method="POST",
        path="/api/set-up",
        name="setUp",
        summary="Become the first person, by the link printed at the first start.",
        anybody=handlers.set_up,
        body=SetUp,
        answers={201: SessionState},
        problems={400: WRONG_FIELDS, 403: _OTHER_PAGE, 404: _NO_LINK, 409: "The address is taken.", 503: _CROWDED},
    ),
    Operation(
        method="POST",
        path="/api/invitations/accept",
        name="acceptInvitation",
        summary="Choose a password, by the link of an invitation or to a new password.",
        anybody=handlers.accept_invitation,
        body=Acceptance,
        answers={201: SessionState},
        problems={400: WRONG_FIELDS, 403: _OTHER_PAGE, 404: _NO_LINK, 503: _CROWDED},
    ),
)
