"""Records of counterparties: whom they fill in, whom they enrol, and when they are not read."""

from __future__ import annotations

import pytest

from connectors.moysklad.routes import OF_RECORDS
from hub.installations import check_installation
from loyalty_core.service.members import MemberCard, search_members
from loyalty_core.store.database import read
from tests.journeys.conftest import OpenMoySklad
from tests.journeys.test_moysklad_documents import SALE, TWO_TEAS
from tests.support.moysklad import ANNA, MoySkladStage

OTHER = "9f0d1c7e-0d1f-11ef-0a80-0b6300004440"
RECORD = {
    "companyType": "individual",
    "legalMiddleName": "Петровна",
    "birthDate": "1990-05-17 00:00:00.000",
    "sex": "FEMALE",
    "email": "anna@example.com",
}


def hear_of_anna(stage: MoySkladStage) -> str:
    """The record changes, a webhook tells of it; what came of that."""
    stage.account.put("counterparty", stage.buyer(**RECORD))
    stage.hears("counterparty", ANNA)
    stage.work()
    result = stage.deliveries()[-1].result
    assert result is not None
    (told,) = result["customers"]
    assert told["member"] == stage.card().id
    what: str = told["what"]
    return what


def everybody(stage: MoySkladStage) -> list[MemberCard]:
    """The newest first."""
    with read(stage.hub.engine) as connection:
        page = search_members(
            connection, stage.hub.plans, stage.programme_id, "", now=stage.clock.now()
        )
    return list(page.items)


def test_records_are_not_read_unless_the_owner_says_so(moysklad: MoySkladStage):
    moysklad.account.put("counterparty", moysklad.buyer(**RECORD))
    moysklad.hears("counterparty", ANNA)
    moysklad.work_after(minutes=11)
    assert moysklad.states() == ["dropped"]
    assert not [call for call in moysklad.account.calls if "/counterparty" in call.path]


@pytest.mark.parametrize(("setting", "email"), [("known", None), ("staff", "anna@example.com")])
def test_a_record_fills_in_the_buyer_of_a_sale(
    open_moysklad_embedded: OpenMoySklad, setting: str, email: str | None
):
    stage = open_moysklad_embedded(customers=setting)
    stage.saves("retaildemand", SALE, TWO_TEAS, sum=138000.0)
    stage.hears("retaildemand", SALE, "CREATE")
    stage.work()
    assert stage.card().profile["birth_date"] is None

    assert hear_of_anna(stage) == "filled"
    card = stage.card()
    assert (card.name, card.email) == ("Анна Петровна Смирнова", email)
    assert (card.profile["birth_date"], card.profile["gender"]) == ("1990-05-17", "female")

    # Told again it is the same document, and nothing is booked.
    stage.hears("counterparty", ANNA)
    stage.work()
    assert stage.card() == card
    assert stage.states() == ["done"] * 3


def test_records_that_staff_keep_enrol_by_polling_and_webhook(open_moysklad: OpenMoySklad):
    stage = open_moysklad(customers="staff")
    assert hear_of_anna(stage) == "enrolled"
    # No webhook told of others: a card, neither card nor phone, a firm.
    person = {"name": "Борис", "companyType": "individual"}
    firm = {"name": "ООО", "companyType": "legal", "phone": "+7 900 000-00-55"}
    others = ({**person, "discountCardNumber": "7700-13"}, person, firm)
    for number, one in zip("456", others, strict=True):
        stage.account.put("counterparty", {"id": OTHER[:-1] + number, **one})
    stage.work_after(minutes=11)
    assert [one.name for one in everybody(stage)] == ["Борис", "Анна Петровна Смирнова"]
    assert stage.card().state == "unconfirmed"

    # The first sale finds whom the record enrolled.
    stage.saves("retaildemand", SALE, TWO_TEAS, sum=138000.0)
    stage.hears("retaildemand", SALE, "CREATE")
    stage.work()
    assert stage.balance() == "69.00"
    assert len(everybody(stage)) == 2


def test_webhooks_of_records_are_made_where_they_are_wanted(open_moysklad_embedded: OpenMoySklad):
    stage = open_moysklad_embedded(
        customers="known", hook_url="https://hub.example.org/hooks/i_1/events"
    )
    check_installation(stage.hub, stage.installation.id)
    made = {(hook["entityType"], hook["action"]) for hook in stage.account.webhooks.values()}
    assert made >= set(OF_RECORDS)
