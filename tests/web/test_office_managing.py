"""The office's pages that manage: accounts, people, courier companies, price lists, the audit."""

import re
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from estafette.core.accounts.account import Account
from estafette.core.couriers.company import Company
from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.permission import Role
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.accounts.keys import list_keys
from estafette.usecases.accounts.settings import account_with_settings, set_account
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.usecases.couriers.companies import change_company, company_of
from estafette.usecases.couriers.links import link_of
from estafette.usecases.people.invite import list_invitations
from estafette.usecases.quotes.tariffs import export_tariffs, import_tariffs
from tests.edges import ENTREGA
from tests.serving import Answer, Server, running
from tests.web.people import PersonAtBrowser, form_of, sign_in

HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture
async def server(postgres_dsn: str) -> AsyncIterator[Server]:
    """The real server over the worker's database."""
    async with running(postgres_dsn) as server:
        yield server


@pytest.fixture
async def owner(server: Server) -> PersonAtBrowser:
    """An owner of the platform."""
    return await sign_in(server)


def _text(answer: Answer) -> str:
    return answer.body.decode()


async def _acts(server: Server, wanted: AuditFilter) -> list[str]:
    page = await list_entries(server.platform, wanted, None, 100)
    return [entry.act for entry in page.entries]


async def _opened(owner: PersonAtBrowser) -> tuple[Account, str]:
    """An account that was opened by its form, and its page."""
    name = f"t-{uuid4().hex}"
    done = await owner.fill("/office/accounts/open", name=name, market="AO", rate="7", burst="9")
    assert done.status == 303, _text(done)
    account = await find_account(owner.server.platform, name)
    assert done.headers["location"] == f"/office/accounts/{account.id.hex}"
    return account, done.headers["location"]


async def test_an_account_is_opened_without_keys_and_found_again(owner: PersonAtBrowser) -> None:
    account, path = await _opened(owner)
    platform = owner.server.platform
    assert (account.rate_per_second, account.burst) == (7, 9)
    assert await list_keys(platform, account) == []
    assert await _acts(owner.server, AuditFilter(account.id)) == ["account.created"]
    assert f'href="{path}"' in _text(await owner.get(f"/office/accounts?name={account.name[2:]}"))
    assert f'href="{path}"' not in _text(await owner.get(f"/office/accounts?name=x{account.name}"))
    taken = await owner.fill("/office/accounts/open", name=account.name, market="AO")
    assert taken.status == 422
    assert 'id="name-error"' in _text(taken)


@pytest.mark.parametrize(
    "wrong", [{"name": "No Name"}, {"market": "XX"}, {"rate": "0"}, {"burst": "many"}]
)
async def test_what_is_wrong_with_a_new_account_is_said_at_its_field_and_kept_there(
    owner: PersonAtBrowser, wrong: dict[str, str]
) -> None:
    fields = {"name": f"t-{uuid4().hex}", "market": "KZ", "rate": "5", "burst": "6", **wrong}
    answer = await owner.send("/office/accounts/open", fields)
    (name,) = wrong
    assert answer.status == 422
    assert f'id="{name}-error"' in _text(answer)
    if name != "market":
        assert form_of(answer).fields[name] == wrong[name]


async def test_the_second_who_edits_an_account_is_told_and_loses_nothing(
    owner: PersonAtBrowser,
) -> None:
    account, path = await _opened(owner)
    page = form_of(await owner.get(f"{path}/settings"))
    await set_account(
        owner.server.platform, account.id, rate_per_second=11, burst=9, personal_data_days=None
    )
    mine = {**page.fields, "rate": "13", "days": "40"}
    late = await owner.send(f"{path}/settings", mine, once=page.once)
    assert late.status == 409
    assert "There now: 11" in _text(late)
    again = form_of(late)
    assert (again.fields["rate"], again.fields["days"]) == ("13", "40")
    saved = await owner.send(f"{path}/settings", again.fields, once=again.once)
    assert saved.status == 303
    opened = await account_with_settings(owner.server.platform, account.id)
    assert (opened.account.rate_per_second, opened.personal_data_days) == (13, 40)


async def test_an_account_is_closed_and_opened_again(owner: PersonAtBrowser) -> None:
    account, path = await _opened(owner)
    for action, is_disabled in (("close", True), ("reopen", False)):
        assert (await owner.fill(path, action=f"{path}/{action}")).status == 303
        found = await find_account(owner.server.platform, account.name)
        assert found.is_disabled is is_disabled
    assert await _acts(owner.server, AuditFilter(account.id)) == [
        "account.enabled",
        "account.disabled",
        "account.created",
    ]


async def test_whoever_visits_a_console_as_a_guest_is_told_and_is_in_its_audit_once(
    owner: PersonAtBrowser,
) -> None:
    server = owner.server
    account = (await server.tenant(ENTREGA)).account
    of_shop = await sign_in(server, account, Role.OWNER)
    for visitor in (owner, await sign_in(server, None, Role.FINANCE)):
        for mode in ("sandbox", "live"):
            page = await visitor.get(f"/console/{account.id.hex}/{mode}")
            assert page.status == 200
            assert "as a guest" in _text(page)
    assert "as a guest" not in _text(await of_shop.get(of_shop.home))
    entered = await list_entries(
        server.platform, AuditFilter(account.id, act="account.entered"), None, 10
    )
    assert len(entered.entries) == 2
    assert owner.person is not None
    assert entered.entries[-1].by.name == str(owner.person.id)


async def test_an_accounts_owner_is_invited_by_a_link_that_is_shown_once(
    owner: PersonAtBrowser,
) -> None:
    account, path = await _opened(owner)
    form = form_of(await owner.get(f"/office/people/invite?account={account.id.hex}"))
    fields = {**form.fields, "email": "owner@shop.example", "role": "owner"}
    where = f"/office/people/invite?account={account.id.hex}"
    made = await owner.send(where, fields, once=form.once)
    assert made.status == 200
    assert f"{owner.server.platform.public_url}/invitation/" in _text(made)
    again = await owner.send(where, fields, once=form.once)
    assert again.body == made.body, "a double click shows what the first one has made"
    of = Organisation(OrganisationKind.ACCOUNT, account.id)
    (invited,) = await list_invitations(owner.server.platform, of)
    assert (invited.email, invited.role) == ("owner@shop.example", Role.OWNER)
    assert "owner@shop.example" in _text(await owner.get(path))
    gone = f"/office/people/withdraw?account={account.id.hex}"
    assert (await owner.fill(path, action=gone)).headers["location"] == path
    assert await list_invitations(owner.server.platform, of) == []


async def test_people_are_found_disabled_and_let_in_again(owner: PersonAtBrowser) -> None:
    server = owner.server
    tenant = await server.tenant(ENTREGA)
    of_shop = await sign_in(server, tenant.account, Role.SUPPORT)
    assert of_shop.person is not None
    path = f"/office/people/{of_shop.person.id.hex}"
    assert path in _text(await owner.get(f"/office/people?email={of_shop.person.email[:12]}"))
    assert tenant.account.name in _text(await owner.get(path))
    assert (await owner.fill(path, action=f"{path}/disable")).status == 303
    assert (await of_shop.get(f"{of_shop.home}/team")).status == 303  # to sign in
    assert (await owner.fill(path, action=f"{path}/enable")).status == 303
    reset = await owner.fill(path, action=f"{path}/reset")
    assert f"{server.platform.public_url}/invitation/" in _text(reset)
    assert await _acts(server, AuditFilter(object=str(of_shop.person.id))) == [
        "person.reset",
        "person.enabled",
        "person.disabled",
    ]


async def _company(owner: PersonAtBrowser, **fields: str) -> tuple[Company, str]:
    wanted = {"name": "Kianda", "slug": f"c-{uuid4().hex}", "market": "AO", "connector": "inhouse"}
    done = await owner.send("/office/companies/add", {**wanted, **fields})
    assert done.status == 303, _text(done)
    path = done.headers["location"].removesuffix("/settings")
    return await company_of(owner.server.platform, UUID(hex=path.split("/")[-1])), path


async def test_a_company_is_added_set_and_paused(owner: PersonAtBrowser) -> None:
    company, path = await _company(owner)
    saved = await owner.fill(
        f"{path}/settings",
        service_zones="Luanda\nBenguela\n",
        hours="mon-fri 08:00-18:00",
        margin="7,5",
        margin_fixed="1 000",
        max_weight_grams="20000",
        parcel_types="small",
    )
    assert saved.status == 303, _text(saved)
    now = await company_of(owner.server.platform, company.id)
    assert now.service_zones == ("Luanda", "Benguela")
    assert (str(now.margin.percent), now.margin.fixed) == ("7.5", 1_000)
    assert now.capabilities.parcel_types == ("small",)
    assert now.hours is not None
    assert set(now.hours.days) == {"mon", "tue", "wed", "thu", "fri"}
    for action, active in (("pause", False), ("resume", True)):
        assert (await owner.fill(path, action=f"{path}/{action}")).status == 303
        assert (await company_of(owner.server.platform, company.id)).active is active


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("hours", "whenever"),
        ("time_zone", "Luanda"),
        ("margin", "NaN"),
        ("margin", "Infinity"),
        ("base_fee", "-1"),
        ("logo_url", "javascript:alert(1)"),
        ("max_weight_grams", "0"),
    ],
)
async def test_what_is_wrong_with_a_company_is_said_at_its_field_and_nothing_is_saved(
    owner: PersonAtBrowser, field: str, value: str
) -> None:
    company, path = await _company(owner)
    answer = await owner.fill(f"{path}/settings", **{"parcel_types": "small", field: value})
    assert answer.status == 422
    assert f'id="{field}-error"' in _text(answer)
    assert form_of(answer).fields[field] == value
    assert await company_of(owner.server.platform, company.id) == company


async def test_the_second_who_edits_a_company_is_told_and_loses_nothing(
    owner: PersonAtBrowser,
) -> None:
    company, path = await _company(owner)
    platform = owner.server.platform
    page = form_of(await owner.get(f"{path}/settings"))
    await change_company(platform, "AO", company.slug, base_fee=900)
    mine = {**page.fields, "parcel_types": "small", "name": "Kianda II"}
    late = await owner.send(f"{path}/settings", mine, once=page.once)
    assert late.status == 409
    assert "There now: 900" in _text(late)
    again = form_of(late)
    assert again.fields["name"] == "Kianda II"
    sent = {**again.fields, "parcel_types": "small"}
    assert (await owner.send(f"{path}/settings", sent, once=again.once)).status == 303
    now = await company_of(platform, company.id)
    assert (now.name, now.base_fee) == ("Kianda II", None)


async def test_a_platform_is_connected_with_keys_that_are_never_shown(
    owner: PersonAtBrowser,
) -> None:
    company, path = await _company(owner, connector="remote")
    done = await owner.fill(
        f"{path}/connect", url="https://far.example", live_secret_key="sk_live_far_secret"
    )
    assert done.status == 303, _text(done)
    link = await link_of(owner.server.platform, company.id)
    assert link is not None
    assert list(link.keys.values()) == ["sk_live_far_secret"]
    page = _text(await owner.get(path))
    assert "https://far.example" in page
    assert "sk_live_far_secret" not in page
    refused = await owner.fill(f"{path}/connect", url="ftp://far", live_secret_key="sk_secret")
    assert refused.status == 422
    assert "sk_secret" not in _text(refused)
    assert (await owner.fill(path, action=f"{path}/disconnect")).status == 303
    assert await link_of(owner.server.platform, company.id) is None


LIST = """origin,destination,up_to_km,up_to_grams,fee,pickup_within,delivery_within
*,same,,1000,700,1h,2h
*,same,,5000,900,1h,2h
"""


async def test_a_price_list_is_compared_before_it_is_taken_and_comes_out_as_it_went_in(
    owner: PersonAtBrowser,
) -> None:
    company, path = await _company(owner)
    platform = owner.server.platform
    await import_tariffs(platform, "AO", LIST, company.id)
    compared = await owner.send(f"{path}/tariffs/compare", text=LIST.replace("700", "750"))
    assert compared.status == 200
    assert "0 added, 1 changed, 0 removed" in _text(compared)
    assert await export_tariffs(platform, "AO", company.id) == LIST
    form = form_of(compared, f"{path}/tariffs/take")
    taken = await owner.send(f"{path}/tariffs/take", form.fields, once=form.once)
    assert taken.status == 303, _text(taken)
    file = await owner.get(f"{path}/tariffs/file")
    assert (file.headers["content-type"], _text(file)) == (
        "text/csv; charset=utf-8",
        LIST.replace("700", "750"),
    )


async def test_a_list_of_thousands_of_rows_is_taken_whole(owner: PersonAtBrowser) -> None:
    company, path = await _company(owner)
    head = LIST.splitlines()[0]
    rows = "".join(f"*,same,{km},1000,{700 + km},1h,2h\n" for km in range(1, 3_001))
    content = f"\ufeff{head}\r\n{rows}\r\n".encode()
    compared = await owner.send_file(f"{path}/tariffs/compare", "file", content)
    assert "3,000 added" in _text(compared)
    pieces = re.findall(r"<textarea name=\"piece\"[^>]*>\n(.*?)</textarea>", _text(compared), re.S)
    assert len(pieces) > 1
    fields = {"edition": form_of(compared, f"{path}/tariffs/take").fields["edition"]}
    taken = await owner.send(f"{path}/tariffs/take", {**fields, "piece": pieces})
    assert taken.status == 303, _text(taken)
    assert (await export_tariffs(owner.server.platform, "AO", company.id)).count("\n") == 3_001


async def test_the_second_who_replaces_a_list_is_told_and_sees_what_theirs_changes_now(
    owner: PersonAtBrowser,
) -> None:
    company, path = await _company(owner)
    platform = owner.server.platform
    await import_tariffs(platform, "AO", LIST, company.id)
    form = form_of(
        await owner.send(f"{path}/tariffs/compare", text=LIST.replace("700", "750")),
        f"{path}/tariffs/take",
    )
    theirs = LIST.replace("900", "990")
    await import_tariffs(platform, "AO", theirs, company.id)
    late = await owner.send(f"{path}/tariffs/take", form.fields, once=form.once)
    assert late.status == 409
    assert "0 added, 2 changed, 0 removed" in _text(late)
    assert await export_tariffs(platform, "AO", company.id) == theirs
    again = form_of(late, f"{path}/tariffs/take")
    assert (await owner.send(f"{path}/tariffs/take", again.fields, once=again.once)).status == 303
    assert await export_tariffs(platform, "AO", company.id) == LIST.replace("700", "750")


async def test_mistakes_of_a_list_are_named_and_nothing_changes(owner: PersonAtBrowser) -> None:
    company, path = await _company(owner)
    wrong = LIST.replace("700", HOSTILE)
    answer = await owner.send(f"{path}/tariffs/compare", text=wrong)
    assert answer.status == 422
    assert "Line 2" in _text(answer)
    assert "<script>alert" not in _text(answer)
    assert (
        await export_tariffs(owner.server.platform, "AO", company.id) == LIST.splitlines()[0] + "\n"
    )


async def test_the_audit_is_found_by_account_and_taken_out_as_csv(owner: PersonAtBrowser) -> None:
    account, path = await _opened(owner)
    await owner.send(f"{path}/close")
    page = _text(await owner.get(f"/office/audit?account={account.name}"))
    assert page.count("Account disabled") == 2  # once among the acts to choose from
    file = await owner.get(f"/office/audit/file?account={account.name}")
    lines = _text(file).splitlines()
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert [line.split(",")[1] for line in lines] == ["act", "account.disabled", "account.created"]
    assert owner.person is not None
    assert all(str(owner.person.id) in line for line in lines[1:])


async def test_texts_of_others_are_shown_as_texts(owner: PersonAtBrowser) -> None:
    company, path = await _company(owner, name=f"Kianda {HOSTILE}")
    for where in (path, f"{path}/settings", f"{path}/tariffs", "/office/companies?name=Kianda"):
        assert "<script>alert" not in _text(await owner.get(where))
    assert company.name.startswith("Kianda")


LISTS = ["accounts", "people", "companies", "audit", "audit/file"]


@pytest.mark.parametrize("text", ["%00", "%ED%A0%80", "%FF", "'", "%25", "x" * 3_000])
async def test_whatever_is_asked_of_a_list_is_answered(owner: PersonAtBrowser, text: str) -> None:
    names = ["name", "email", "market", "state", "act", "by", "object", "account", "since", "until"]
    query = "&".join(f"{name}={text}" for name in names)
    for one in LISTS:
        assert (await owner.get(f"/office/{one}?{query}")).status == 200
    for one in ("accounts", "people"):
        assert (await owner.get(f"/office/{one}?after={text}")).status == 200
    after = f"after={text}&id={uuid4().hex}"
    assert (await owner.get(f"/office/companies?{after}")).status == 200
    assert (await owner.get(f"/office/companies?after=x&id={text}")).status == 404
    assert (await owner.get(f"/office/audit?after={text}")).status == 404


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("ru", "нужно целое число"),
        ("kk", "бүтін сан керек"),
        ("pt", "tem de ser um número inteiro"),
    ],
)
async def test_mistakes_of_a_list_are_named_in_the_readers_language(
    server: Server, language: str, told: str
) -> None:
    owner = await sign_in(server, language=language)
    _, path = await _company(owner)
    answer = await owner.send(f"{path}/tariffs/compare", text=LIST.replace("700", "much"))
    assert told in _text(answer)
