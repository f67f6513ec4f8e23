"""The JSON Schema says what the reader takes."""

import json

from console.config.shape import schema


def test_the_schema_describes_every_key() -> None:
    result = json.loads(json.dumps(schema()))
    assert result["additionalProperties"] is False
    assert {"hosts", "groups", "services", "thresholds", "keys", "theme", "read_only", "ssh", "actions"} <= set(
        result["properties"]
    )
    host = result["$defs"]["HostConfig"]
    assert host["required"] == ["name"]
    assert all(entry.get("description") for entry in host["properties"].values())
    port = host["properties"]["port"]
    assert (port["type"], port["minimum"], port["maximum"]) == ("integer", 1, 65535)
    assert host["additionalProperties"] is False
    assert result["$defs"]["Thresholds"]["additionalProperties"] is False
