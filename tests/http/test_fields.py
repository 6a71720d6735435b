"""What is wrong with a field of a body is said in words that tell what would be right."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from estafette.http.fields import Context, read
from estafette.http.refusals import InvalidRequest


class _Body(BaseModel):
    model_config = ConfigDict(strict=True)

    names: Annotated[list[str], Field(min_length=1, max_length=2)] = ["one"]
    hours: dict[str, int] = {}
    active: bool = True


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"names": "one"}, "must be a list"),
        ({"names": []}, "must hold at least 1"),
        ({"names": ["one"] * 3}, "must hold at most 2"),
        ({"hours": []}, "must be an object"),
        ({"active": "yes"}, "must be true or false"),
    ],
)
def test_lists_objects_and_switches_are_refused_by_what_they_must_be(
    body: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(_Body, body, Context("AO", sandbox=False))
    [detail] = refused.value.details
    assert (detail.field, detail.reason) == (*body, reason)
