"""Numbers as CSV: every problem with its line, nothing by half, and the same file again changes nothing."""

import csv
import io

from inventory_numbers import NOW, inventory_of, long_number

from smsagg.config.csv_rows import FileProblems
from smsagg.control.numbers import record_of, row_of_record
from smsagg.inventory.inventory import Inventory
from smsagg.inventory.number import Number, NumberType, Status, assign, lease, retire, share, suspend
from smsagg.inventory.pool import NumberPool
from smsagg.inventory.table import COLUMNS, RefusedTable, imported, read_table
from smsagg.routing.prefix import country_of

ACCOUNTS = ("acme", "other")


def take_in(inventory: Inventory, text: str) -> list[Number]:
    """Import; raises RefusedTable with every problem."""
    problems = FileProblems("numbers.csv")
    table = read_table(text, country_of, problems)
    changed = imported(inventory, table, table.rows, ACCOUNTS, NOW, problems)
    if problems.lines:
        raise RefusedTable(problems.lines)
    for number in changed:
        inventory.put(number)
    return changed


def problems_of(inventory: Inventory, text: str) -> list[str]:
    before = dict(inventory.numbers)
    try:
        take_in(inventory, text)
    except RefusedTable as error:
        assert inventory.numbers == before
        return list(error.problems)
    return []


def export(inventory: Inventory) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    writer.writerows(row_of_record(record_of(number)) for number in inventory.numbers.values())
    return file.getvalue()


GOOD = """\
number,type,country,provider,pool,capabilities,monthly_cost,currency,tags,assignment,accounts
+447700900001,long,,alpha,otp,mt|mo|voice,1.25,EUR,a b,,
447700900002,virtual,GB,alpha,otp,,,,,dedicated,acme
60777,short,GB,,otp,mt mo,,,,shared,acme other
ACME,alphanumeric,GB,,,,,,,,
"""


def test_a_file_becomes_numbers() -> None:
    """With their country by their digits, their cost in micro-units, and whose they are."""
    inventory = inventory_of()
    take_in(inventory, GOOD)
    first, second, code, name = inventory.numbers.values()
    assert first == long_number(
        1,
        provider="alpha",
        capabilities=("mt", "mo", "voice"),
        monthly_cost=1_250_000,
        currency="EUR",
        tags=("a", "b"),
    )
    assert (second.type, second.owner, second.capabilities) == (NumberType.VIRTUAL, "acme", ("mt", "mo"))
    assert (code.key, code.is_shared, code.accounts) == ("GB/60777", True, ("acme", "other"))
    assert (name.key, name.capabilities, name.state) == ("GB/acme", ("mt",), Status.AVAILABLE)


def test_the_same_file_again_changes_nothing() -> None:
    """And a column that a file has not leaves known numbers as they are."""
    inventory = inventory_of()
    assert len(take_in(inventory, GOOD)) == 4
    assert take_in(inventory, GOOD) == []
    assert take_in(inventory, "number,type\n447700900001,long\n") == []
    (changed,) = take_in(inventory, "number,type,tags\n447700900002,virtual,new\n")
    assert (changed.tags, changed.owner, changed.provider) == (("new",), "acme", "alpha")


def test_what_was_exported_can_be_imported() -> None:
    """Into the same inventory without a change, and into an empty one as far as a file can say it."""
    numbers = [
        assign(long_number(1), "acme"),
        share(share(long_number(2), "acme"), "other"),
        lease(long_number(3), "acme", NOW + 9_000_000, NOW),
        suspend(long_number(4, monthly_cost=990_000, currency="GBP", tags=("x", "y"))),
        retire(long_number(5), NOW, 0),
        Number("ACME", "DE", NumberType.ALPHANUMERIC, capabilities=("mt",)),
    ]
    inventory, text = inventory_of(*numbers), ""
    text = export(inventory)
    assert take_in(inventory, text) == []
    other = inventory_of()
    take_in(other, text)
    assert [number.name for number in numbers if number.name not in other.numbers] == ["447700900005", "DE/ACME"]
    assert other.numbers[numbers[0].key] == numbers[0]
    assert other.numbers[numbers[1].key] == numbers[1]
    assert other.numbers[numbers[2].key] == numbers[2]


def test_every_problem_has_its_line() -> None:
    """By itself, beside the other rows, and beside what is there; in the order of the lines."""
    pools = (NumberPool("otp", "GB", types=(NumberType.LONG,)),)
    held = lease(long_number(9), "other", NOW + 1_000_000, NOW)
    inventory = inventory_of(held, retire(long_number(8), NOW, 0), assign(long_number(7), "other"), pools=pools)
    rows = [
        "number,type,country,pool,capabilities,monthly_cost,currency,assignment,accounts,leased_until,tags",
        "447700900001,longer,,,,,,,,,",
        "0447700900001,long,,,,,,,,,",
        "60777,short,,,,,,,,,",
        "TOO LONG A NAME,alphanumeric,GB,,,,,,,,",
        "ACME,alphanumeric,gb,,mo,,,,,,",
        "447700900002,long,DE,,fax,1.2345678,euro,,,,",
        "447700900003,long,,nope,,,,,,,",
        "4915112345678,long,,otp,,,,,,,",
        "447700900004,virtual,,otp,,,,,,,",
        "447700900005,long,,,,,,dedicated,,,",
        "447700900005,long,,,,,,,,,",
        "447700900006,long,,,,,,,acme other,,",
        "447700900010,long,,,,,,shared,acme,2099-01-01,",
        "447700900011,long,,,,,,,acme,soon,",
        "447700900012,long,,,,,,,nobody,,",
        "447700900013,long,,,,,,,acme,2001-01-01,",
        "447700900009,long,,,,,,,acme,,",
        "447700900008,long,,,,,,,,,",
        "447700900007,long,,,,,,shared,acme,,",
        "447700900014,long",
    ]
    found = problems_of(inventory, "\n".join(rows))
    expected = {
        2: ["type: must be one of long, virtual, short, alphanumeric"],
        3: ["number: must be an international number"],
        4: ["country: must be named for type short"],
        5: ["number: a name has at most 11 characters"],
        6: ["country: must be two capital letters", "capabilities: nobody can write to a name"],
        7: ['country: "447700900002" is a number of GB', "capabilities: must be of", "monthly_cost: ", "currency: "],
        8: ["pool: there is no number pool nope"],
        9: ["pool: pool otp is for GB, not for DE"],
        10: ["pool: pool otp is for long, not for virtual"],
        11: ["accounts: must name whose the number is"],
        13: ["accounts: several accounts share a number"],
        14: ["leased_until: a lease has one account"],
        15: ["leased_until: must be a date"],
        16: ["accounts: there is no account nobody"],
        17: ["a lease of 447700900013 must end in the future"],
        18: ["447700900009 is leased (other): it cannot be assigned"],
        19: ["447700900008 is retired"],
        20: ["447700900007 is dedicated to other"],
        21: ["has 2 values"],
    }
    wanted = [f"numbers.csv:{line}: {reason}" for line, reasons in expected.items() for reason in reasons]
    assert len(found) == len(wanted), found
    for line, reason in zip(found, wanted, strict=True):
        assert line.startswith(reason), (line, reason)


def test_a_number_stands_in_a_file_once() -> None:
    """However it is written."""
    text = (
        "number,type,country\n447700900001,long,\n+447700900001,virtual,\nACME,alphanumeric,GB\nacme,alphanumeric,GB\n"
    )
    assert problems_of(inventory_of(), text) == [
        "numbers.csv:3: 447700900001 stands in line 2 already",
        "numbers.csv:5: GB/acme stands in line 4 already",
    ]
