"""What KEDA and the Prometheus Operator take, as far as our chart uses it: kubernetes-validate knows neither.

Written down from the definitions of KEDA 2.20 (config/crd/bases) and of the Prometheus Operator 0.82 (both
Apache-2.0), with the metadata of the two kinds of triggers, which those leave open. What is not here is refused, so a
field that is new in the chart has to be looked up and added.
"""

from typing import Any

import jsonschema

Schema = dict[str, Any]
TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER_AS_TEXT: Schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}
DURATION: Schema = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h))+$"}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


def fields(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def several(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


TRIGGER = {
    "oneOf": [
        fields(
            {
                "type": {"const": "prometheus"},
                "metadata": fields(
                    {
                        "serverAddress": {"type": "string", "pattern": "^https?://"},
                        "query": TEXT,
                        "threshold": NUMBER_AS_TEXT,
                    }
                ),
            },
            {"metricType": {"enum": ["AverageValue", "Value"]}},
        ),
        fields(
            {
                "type": {"const": "rabbitmq"},
                "metadata": fields(
                    {
                        "protocol": {"enum": ["amqp", "http", "auto"]},
                        "queueName": TEXT,
                        "mode": {"enum": ["QueueLength", "MessageRate"]},
                        "value": NUMBER_AS_TEXT,
                    }
                ),
                "authenticationRef": fields({"name": TEXT}),
            },
            {"metricType": {"enum": ["AverageValue", "Value"]}},
        ),
    ]
}

SPECS: dict[tuple[str, str], Schema] = {
    ("keda.sh/v1alpha1", "ScaledObject"): fields(
        {
            "scaleTargetRef": fields({"name": TEXT}, {"apiVersion": TEXT, "kind": TEXT}),
            "triggers": several(TRIGGER),
        },
        {
            "pollingInterval": COUNT,
            "cooldownPeriod": COUNT,
            "minReplicaCount": COUNT,
            "maxReplicaCount": COUNT,
            "fallback": fields(
                {"failureThreshold": COUNT, "replicas": COUNT},
                {
                    "behavior": {
                        "enum": ["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]
                    }
                },
            ),
            "advanced": fields(
                {
                    "horizontalPodAutoscalerConfig": fields(
                        {"behavior": fields({"scaleDown": fields({"stabilizationWindowSeconds": COUNT})})}
                    )
                }
            ),
        },
    ),
    ("keda.sh/v1alpha1", "TriggerAuthentication"): fields(
        {"secretTargetRef": several(fields({"parameter": TEXT, "name": TEXT, "key": TEXT}))}
    ),
    ("monitoring.coreos.com/v1", "PodMonitor"): fields(
        {
            "selector": fields({"matchLabels": TEXTS}),
            "podMetricsEndpoints": several(fields({"port": TEXT, "path": TEXT, "interval": DURATION})),
        },
        {"podTargetLabels": several(TEXT)},
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): fields(
        {
            "groups": {
                "type": "array",
                "items": fields(
                    {
                        "name": TEXT,
                        "rules": several(
                            {
                                "oneOf": [
                                    fields({"record": TEXT, "expr": TEXT}, {"labels": TEXTS}),
                                    fields(
                                        {"alert": TEXT, "expr": TEXT},
                                        {
                                            "for": DURATION,
                                            "keep_firing_for": DURATION,
                                            "labels": TEXTS,
                                            "annotations": TEXTS,
                                        },
                                    ),
                                ]
                            }
                        ),
                    },
                    {"interval": DURATION},
                ),
            }
        }
    ),
}


def is_custom(document: dict[str, Any]) -> bool:
    """Whether its group is none of Kubernetes' own."""
    group = document["apiVersion"].rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def require_valid(document: dict[str, Any]) -> None:
    """Raises jsonschema.ValidationError; KeyError for a kind that nobody has written down."""
    spec = SPECS[document["apiVersion"], document["kind"]]
    metadata = fields({"name": TEXT, "labels": TEXTS}, {"annotations": TEXTS})
    whole = fields({"apiVersion": TEXT, "kind": TEXT, "metadata": metadata, "spec": spec})
    jsonschema.Draft202012Validator(whole).validate(document)
