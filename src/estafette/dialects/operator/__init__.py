"""The operator's API: what the office does, for programs of whoever runs this Estafette."""

from estafette.dialects import ApiRecord, introduction, later

RECORD = ApiRecord(
    name="operator",
    introduction=introduction("operator"),
    build=later("estafette.dialects.operator.app:build"),
    errors=later("estafette.dialects.operator.errors:errors"),
)
