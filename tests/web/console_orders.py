"""What the tests of the console's deliveries stand on: orders, and people who make them."""

import re

from estafette.core.people.permission import Role
from tests.serving import Answer, Server, Tenant
from tests.web.people import PersonAtBrowser, form_of, sign_in

EVIL = "<script>alert('1')</script>\u202e\"'><img src=x onerror=alert(1)>"

KASPI_ORDER = {
    "order": "ORD-77001",
    "pickup_address": "21 Zhibek Zholy, Almaty",
    "pickup_name": "Shop",
    "pickup_phone": "+7 727 111 0000",
    "address": "17 Abylay Khan Ave, Almaty",
    "name": "Дана Қ.",
    "phone": "8 701 123 45 67",
    "notes": "",
    "description": "Books",
    "weight_kg": "1,2",
    "value": "85 000",
}
ENTREGA_ORDER = {
    "order": "ENC-1",
    "pickup_address": "Rua Rainha Ginga 12",
    "pickup_city": "Luanda",
    "pickup_province": "Luanda",
    "address": "Rua 7, Maianga",
    "city": "Luanda",
    "province": "Luanda",
    "name": "Ana",
    "phone": "+244 923 456 789",
    "description": "Livros",
    "weight_kg": "2",
    "payment": "cod",
    "cod": "2500",
}


async def console(
    server: Server, edge: object, role: Role = Role.OWNER
) -> tuple[Tenant, PersonAtBrowser]:
    """A new account that speaks a dialect, and somebody of it who is signed in."""
    tenant = await server.tenant(edge)  # type: ignore[arg-type]
    return tenant, await sign_in(server, tenant.account, role)


def text_of(page: Answer) -> str:
    """What a page says."""
    assert page.status == 200, page.body.decode()
    return page.body.decode()


async def created(who: PersonAtBrowser, order: dict[str, str]) -> tuple[str, Answer]:
    """Fill the form in, take the first quote, create; the path of the delivery, and its page."""
    new = f"{who.home}/deliveries/new"
    quoted = await who.fill(new, None, **order, step="quote")
    form = form_of(quoted)
    assert 'name="quote"' in text_of(quoted)
    quote = re.search(r'name="quote" value="(\w+)"', text_of(quoted))
    assert quote is not None
    fields = {**form.fields, **order, "quote": quote[1], "step": "create"}
    answer = await who.send(new, fields, once=form.once)
    assert answer.status == 303, answer.body.decode()
    again = await who.send(new, fields, once=form.once)
    assert again.headers["location"] == answer.headers["location"]
    return answer.headers["location"], await who.follow(answer)
