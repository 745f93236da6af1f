"""What the OpenAPI schema says of errors: the same few of every operation, as problems (RFC 9457)."""

from typing import Any

OBEYED = {"csv": ("headers", "raw", "bom"), "xlsx": ("headers",)}
"""Which parameters of a table its form knows."""

PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457), in the language of the answer.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "Never changes what it means; the path of a page about it.",
            "example": "/problems/not-found/",
        },
        "title": {"type": "string", "description": "What sort of error it is."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What to do about it."},
        "request_id": {"type": "string", "description": "As `X-Request-ID`, and in the log of the server."},
        "errors": {
            "type": "object",
            "description": "Of wrong input: messages by parameter.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "existing": {"type": "string", "format": "uri", "description": "Of a 409: the row that is there."},
        "current": {"type": "string", "description": "Of a 412: the version of the row, for `If-Match`."},
        "difference": {
            "type": "array",
            "description": "Of a 412: the versions since the one that was read.",
            "items": {"$ref": "#/components/schemas/Entry"},
        },
    },
}
RIGHTS_NEEDED = {
    "/api/v1/scenarios/": "It needs the right `rollout.view_scenario`; nobody else sees scenarios.",
    "/api/v1/reminders/": "It needs the right `rollout.view_reminder`; nobody else sees the ledger.",
}
NEVER_WAIT = ("/api/v1/changes/", "/api/v1/export/waves", "/api/v1/export/changes")
BY_TOKEN = {"/api/v1/calendar.ics": "The token is missing, wrong or revoked, or its contact is switched off."}

FIELDS = {
    "name": "fields",
    "in": "query",
    "schema": {"type": "string", "example": "code,cutover"},
    "description": "Names of the fields that each row shall have, separated by commas; all unless given.",
}
PARAMETERS = {
    "AcceptLanguage": {
        "name": "Accept-Language",
        "in": "header",
        "schema": {"type": "string", "example": "en"},
        "description": "`ja` or `en`, for labels and messages; names and quotations are as they are.",
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "schema": {"type": "string"},
        "description": "The ETag of an answer that the client has: a 304 where it still holds.",
    },
}
HEADERS = {
    "ETag": {
        "schema": {"type": "string"},
        "description": "Another one whenever the answer may be another; for `If-None-Match`.",
    }
}

_RESPONSES = {
    "304": "The answer whose ETag was sent still holds; there is no body.",
    "400": "A parameter is unknown, given twice or has a value that cannot be meant.",
    "401": "Nobody is signed in where one has to be, or the token is not valid (any more).",
    "403": "Who is signed in has not the right, or the token not the scope.",
    "409": "A row of this natural key is there already: `existing` is where.",
    "412": "The row has been changed since: `current` is its version now, `difference` what was changed.",
    "415": "The body is no `application/json`.",
    "429": "The token has asked too often this minute; come back after `Retry-After` seconds.",
    "428": "`If-Match` is missing: say which version of the row was read.",
    "404": "There is no such row or page, or the plan's history does not reach back so far.",
    "503": (
        "Nothing has been computed yet, or a change of the plan is just being written; come back after "
        "`Retry-After` seconds."
    ),
}


def describe_expanded(result: dict[str, Any], generator: Any, **_kwargs: Any) -> dict[str, Any]:
    """drf-spectacular postprocessing hook: add `expand` to what takes it, and what it puts in full."""
    for path, _, method, callback in generator.endpoints:
        expandable = getattr(callback.cls, "expandable", {})
        if method != "GET" or not expandable or "/export/" in path:
            continue
        result["paths"][path]["get"]["parameters"].append(
            {
                "name": "expand",
                "in": "query",
                "schema": {"type": "string", "example": ",".join(expandable)},
                "description": (
                    "Names of fields to have in full, separated by commas: all that the list of such rows "
                    "says, in place of code and name."
                ),
            }
        )
        properties = result["components"]["schemas"][_component(callback.cls)]["properties"]
        for name, kind in expandable.items():
            whole = {"$ref": f"#/components/schemas/{_component(kind)}"}
            place = properties[name].get("items", properties[name])
            mentioned = place.pop("$ref", None) or place.pop("allOf", [{}])[0].get("$ref")
            if mentioned:
                place["anyOf"] = [whole, {"$ref": mentioned}]  # clients take the first that fits
    return result


def _component(view: Any) -> str:
    return str(view.serializer_class.__name__).removesuffix("Serializer")


def describe_problems(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """drf-spectacular postprocessing hook: add the errors that each operation may answer."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    result["components"].update(parameters={**PARAMETERS, "Fields": FIELDS}, headers=HEADERS)
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            reads = method == "get"
            found = _responses(path, operation) if reads else _responses_to_writing(operation)
            operation["responses"].update(found)
            names = [name for name in PARAMETERS if reads or name != "IfNoneMatch"]
            operation["operationId"] = operation["operationId"].replace(".", "_")
            operation["summary"] = _summary(path, operation)
            for parameter in operation.get("parameters", ()):
                parameter.get("schema", {}).pop("title", None)  # a generated client would name a class by it
            _leave_out_unknown(path, operation)
            if path.endswith(".json"):
                operation["responses"]["200"]["content"]["application/json"]["schema"] = {"type": "object"}
            if reads and not _is_computed(path, operation) and path not in BY_TOKEN:
                names.append("Fields")
            refs = [{"$ref": f"#/components/parameters/{name}"} for name in names]
            operation["parameters"] = [*operation.get("parameters", ()), *refs]
            tagged = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
            operation["responses"]["200"].setdefault("headers", {}).update(tagged)
            if reads and not _right_needed(path):
                # Nobody need sign in where PUBLIC_READ is on, nor for a calendar, whose address is secret.
                operation["security"] = [*operation.get("security", ()), {}]
    return result


def _summary(path: str, operation: dict[str, Any]) -> str:
    """What it is in one line; one row is described as its list is."""
    if operation["operationId"].endswith("_retrieve") and path.endswith("{code}/"):
        return f"One row of `{path.split('/')[3]}/`"
    return str(operation["description"]).partition("\n")[0].removesuffix(".")


def _responses_to_writing(operation: dict[str, Any]) -> dict[str, Any]:
    parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
    statuses = ["400", "401", "403", "415", "429"]
    statuses += ["404"] if "code" in parameters else []
    statuses += ["412", "428"] if "If-Match" in parameters else []
    statuses += ["409"] if "201" in operation["responses"] else []
    found = {status: _response(status) for status in sorted(statuses)}
    found["403"]["description"] = (
        "It needs the right to add or change such rows of the whole plan, and a token its scope."
    )
    return found


def _leave_out_unknown(path: str, operation: dict[str, Any]) -> None:
    """Of a table, the parameters that its form does not know."""
    if "/export/" in path:
        obeyed = OBEYED.get(path.rpartition(".")[2], ())
        unknown = {"headers", "raw", "bom"}.difference(obeyed)
        named = operation.get("parameters", ())
        operation["parameters"] = [each for each in named if each.get("name") not in unknown]


def _right_needed(path: str) -> str | None:
    return next((text for start, text in RIGHTS_NEEDED.items() if path.startswith(start)), None)


def _responses(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    if path in BY_TOKEN:
        return {
            "304": _response("304"),
            "400": _response("400"),
            "404": {**_response("404"), "description": BY_TOKEN[path]},
        }
    is_computed = _is_computed(path, operation)
    parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
    may_miss = not is_computed or parameters & {"as_of", "from", "baseline"}
    may_wait = (is_computed and not path.startswith(NEVER_WAIT)) or parameters & {"as_of", "baseline"}
    statuses = [
        "304",
        "400",
        "401",
        "403",
        "429",
        *(["404"] if may_miss else []),
        *(["503"] if may_wait else []),
    ]
    found = {status: _response(status) for status in sorted(statuses)}
    if right := _right_needed(path):
        found["403"]["description"] = right
    return found


def _is_computed(path: str, operation: dict[str, Any]) -> bool:
    """True of an answer that is not rows, or a file of them."""
    return "/export/" in path or (not operation["operationId"].endswith("_list") and "{" not in path)


def _response(status: str) -> dict[str, Any]:
    if status == "304":
        return {"description": _RESPONSES[status]}
    schema = {"$ref": "#/components/schemas/Problem"}
    answer: dict[str, Any] = {
        "description": _RESPONSES[status],
        "content": {"application/problem+json": {"schema": schema}},
    }
    if status in ("429", "503"):
        seconds = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        answer["headers"] = {"Retry-After": seconds}
    return answer
