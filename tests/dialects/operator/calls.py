"""Calls of the operator's API, with a key of its own. Each answer must be as its contract says."""

from dataclasses import dataclass
from typing import Any

from estafette.core.people.permission import PersonAct
from estafette.core.people.program import EVERY
from estafette.usecases.people.operator_keys import OperatorKeyRules, create_operator_key
from tests.documents import answer_fault
from tests.serving import Answer, Server

NO_ID = "0195602a-1d00-7abc-8def-0123456789ab"


@dataclass
class Operator:
    """A program of the operator's."""

    server: Server
    key: str

    async def call(self, method: str, path: str, body: Any = None, /, **headers: str) -> Answer:
        """Send a request; in names of headers _ stands for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"authorization": f"Bearer {self.key}", **named}
        answer = await self.server.request(method, f"/operator{path}", body, sent)
        fault = answer_fault("operator", method, path, answer.status, answer.body)
        assert fault is None, fault
        return answer


async def new_operator(server: Server, acts: frozenset[PersonAct] = EVERY) -> Operator:
    """A program whose key may do these acts."""
    issued = await create_operator_key(server.platform, OperatorKeyRules("test", acts))
    return Operator(server, issued.key)
