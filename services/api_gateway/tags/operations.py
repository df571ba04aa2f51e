"""The operations on tags."""

from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.manners.holding_store import tag_held
from services.api_gateway.monitors.models import Deleted
from services.api_gateway.operation import NOT_ALLOWED, WRONG_FIELDS, Operation
from services.api_gateway.tags import handlers
from services.api_gateway.tags.models import MonitorTag, MonitorTagged, Tag, TagCreate, TagPatch, Tags

_UNKNOWN = "The monitor or the tag is unknown, or the one does not carry the other."

TAG_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="listTags",
        summary="The organization's tags.",
        handler=handlers.show_tags,
        answers={200: Tags},
    ),
    Operation(
        method="POST",
        path=handlers.PATH,
        name="createTag",
        summary="Create a tag.",
        handler=handlers.create_tag,
        dry_run=True,
        body=TagCreate,
        answers={201: Tag},
        problems={
            400: f"{WRONG_FIELDS} `data.code` is invalidTagColor where the color is.",
            403: NOT_ALLOWED,
            409: "There is a tag of this name.",
        },
    ),
    Operation(
        method="PATCH",
        path=f"{handlers.PATH}/{{id}}",
        name="changeTag",
        summary="Change any of a tag's fields.",
        handler=handlers.change_tag,
        body=TagPatch,
        answers={200: Tag},
        problems={
            400: f"`Invalid tag ID`; or: {WRONG_FIELDS}",
            403: NOT_ALLOWED,
            404: "`Tag not found`",
            409: "There is another tag of this name.",
        },
    ),
    Operation(
        method="GET",
        path=f"{handlers.PATH}/{{id}}",
        name="getTag",
        summary="One tag.",
        handler=handlers.show_tag,
        tagged=Tagged(hold=tag_held),
        answers={200: Tag},
        problems={400: "`Invalid tag ID`", 404: "`Tag not found`"},
    ),
    Operation(
        method="DELETE",
        path=f"{handlers.PATH}/{{id}}",
        name="deleteTag",
        summary="Remove a tag, from monitors and maintenance windows as well.",
        handler=handlers.remove_tag,
        dry_run=True,
        answers={200: Deleted},
        problems={400: "`Invalid tag ID`", 403: NOT_ALLOWED, 404: "`Tag not found`"},
    ),
    Operation(
        method="POST",
        path=handlers.MONITOR_TAGS,
        name="tagMonitor",
        summary="Put a tag on a monitor.",
        handler=handlers.tag_monitor,
        dry_run=True,
        body=MonitorTag,
        answers={200: MonitorTagged},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: _UNKNOWN},
    ),
    Operation(
        method="DELETE",
        path=handlers.MONITOR_TAGS,
        name="untagMonitor",
        summary="Take a tag off a monitor.",
        handler=handlers.untag_monitor,
        dry_run=True,
        body=MonitorTag,
        answers={204: None},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: _UNKNOWN},
    ),
)
