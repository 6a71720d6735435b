"""What comes before every page: session, membership, act, and where the form came from."""

from estafette.core.people.permission import Role
from tests.serving import Server, Tenant
from tests.web.people import at_browser, sign_in


async def test_a_person_sees_the_pages_of_their_account(server: Server, entrega: Tenant) -> None:
    dana = await sign_in(server, entrega.account, Role.VIEWER)
    page = await dana.get(dana.home)
    assert page.status == 200
    assert entrega.account.name in page.body.decode()


async def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(
    server: Server, entrega: Tenant
) -> None:
    nobody = at_browser(server)
    answer = await nobody.get(f"/console/{entrega.account.id.hex}/live?x=1")
    assert answer.status == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2Fconsole%2F")
    assert answer.headers["location"].endswith("%2Flive%3Fx%3D1")
    assert (await nobody.follow(answer)).status == 200
