"""How an account shows itself to recipients."""

from io import BytesIO

import pytest
from PIL import Image

from estafette.core.accounts.branding import Branding
from estafette.core.notifications.notification import NotificationKind
from estafette.pictures import PictureRefusedError
from estafette.store.audit import AuditFilter
from estafette.usecases.accounts.branding import branding_of, change_branding
from estafette.usecases.accounts.logo import change_logo, logo, logo_of
from estafette.usecases.audit import list_entries
from estafette.usecases.deliveries.privacy import erase_phone
from estafette.usecases.deliveries.tracking import track
from tests.notifications.stage import COURSE, PHONE, create, move
from tests.usecases.stage import Tenant, new_tenant


def _picture(colour: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 40), colour).save(out, "PNG")
    return out.getvalue()


async def test_what_was_chosen_is_kept_and_the_audit_tells_what_changed(tenant: Tenant) -> None:
    id, platform = tenant.account.id, tenant.platform
    told = frozenset({NotificationKind.CREATED, NotificationKind.DELIVERED})
    first = Branding("Altyn", "#ffcc00", "+77272223344", "9-18", "kk", told)
    await change_branding(platform, id, first)
    await change_branding(platform, id, first)  # changes nothing
    assert await branding_of(platform, id) == first
    await change_branding(platform, id, Branding("Altyn"))
    entries = (await list_entries(platform, AuditFilter(id))).entries
    assert [entry.act for entry in entries] == ["branding.changed"] * 2
    assert entries[0].changes["colour"] == ["#ffcc00", None]
    assert entries[0].changes["told"] == [["created", "delivered"], []]
    assert "name" not in entries[0].changes


async def test_a_logo_is_kept_under_the_name_of_what_it_shows(tenant: Tenant) -> None:
    id, platform = tenant.account.id, tenant.platform
    other = await new_tenant(platform)
    await change_logo(platform, id, _picture("red"))
    red = await logo_of(platform, id)
    await change_logo(platform, other.account.id, _picture("red"))
    await change_logo(platform, id, _picture("blue"))
    blue = await logo_of(platform, id)
    assert red is not None
    assert blue is not None
    assert red != blue
    assert await logo_of(platform, other.account.id) == red
    kept = await logo(platform, blue, None)
    assert kept is not None
    assert Image.open(BytesIO(kept)).format == "WEBP"
    await change_logo(platform, id, None)
    assert await logo_of(platform, id) is None
    assert await logo(platform, blue, None) is None
    entries = (await list_entries(platform, AuditFilter(id))).entries
    assert [entry.changes["logo"] for entry in entries] == [[blue, None], [red, blue], [None, red]]


async def test_a_file_that_is_refused_leaves_the_logo_as_it_was(tenant: Tenant) -> None:
    id, platform = tenant.account.id, tenant.platform
    await change_logo(platform, id, _picture("red"))
    before = await logo_of(platform, id)
    with pytest.raises(PictureRefusedError):
        await change_logo(platform, id, b"<svg/>")
    assert await logo_of(platform, id) == before


async def test_the_recipient_sees_the_brand_of_the_sender_and_of_nobody_else(
    tenant: Tenant,
) -> None:
    platform, other = tenant.platform, await new_tenant(tenant.platform)
    brand = Branding("Altyn", "#ffcc00", "+77272223344")
    await change_branding(platform, tenant.account.id, brand)
    await change_logo(platform, tenant.account.id, _picture("red"))
    mine, theirs = await create(tenant), await create(other)
    seen, unbranded = await track(platform, mine), await track(platform, theirs)
    assert seen is not None
    assert unbranded is not None
    assert (seen.sender, seen.logo) == (brand, await logo_of(platform, tenant.account.id))
    assert (unbranded.sender, unbranded.logo) == (Branding(), None)
    assert (seen.carrier, seen.cash, seen.asks_pin, seen.is_erased) == (None, None, False, False)


async def test_a_delivery_whose_data_is_erased_is_over_for_its_recipient(tenant: Tenant) -> None:
    id = await create(tenant)
    await move(tenant, id, *COURSE)
    await erase_phone(tenant.platform, PHONE, tenant.account)
    seen = await track(tenant.platform, id)
    assert seen is not None
    assert seen.is_erased
