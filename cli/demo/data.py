"""The people of the demo: three contact lists that overlap, and one of people who opted out.

Their numbers are ones that nobody has. In each area code of the North American Numbering Plan the
numbers 555-0100 to 555-0199 are set aside for fiction (NANPA, "555 Line Numbers"), so the area
codes of the United States hold more than 27,000 of them. None is ever dialled anyway: all messages
go to the sandbox carrier on loopback.

Who is to get the message is worked out here, from the people themselves and with plain sets:
neither Sluice's import nor its database has a say in it. Pure except for :func:`write`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from cli.demo.names import FIRST, LAST, TOWNS

_AREA_CODES = """
    201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239
    240 248 251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312
    313 314 315 316 317 318 319 320 321 323 325 330 331 334 336 337 339 347 351 352 360 361 385 386
    401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 430 432 434 435 440 443
    469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541
    551 559 561 562 563 567 570 571 573 574 575 580 585 586 601 602 603 605 606 607 608 609 610 612
    614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678 682 701 702 703
    704 706 707 708 712 713 714 715 716 717 718 719 720 724 727 731 732 734 740 754 757 760 762 763
    765 769 770 772 773 774 775 779 781 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816
    817 818 828 830 831 832 843 845 847 848 850 856 857 858 859 860 862 863 864 865 870 878 901 903
    904 906 907 908 909 910 912 913 914 915 916 917 918 919 920 925 928 931 936 937 940 941 947 949
    951 952 954 956 970 971 972 973 978 979 980 985 989
"""
#: Geographic area codes of the United States.
AREA_CODES = tuple(int(code) for code in _AREA_CODES.split())

#: How many numbers there are.
NUMBERS = 100 * len(AREA_CODES)

#: The country in which the numbers without a prefix are to be read.
REGION = "US"

TEMPLATE = "Hi @first_name, {offer} until {day}. Reply STOP to opt out."
VARIABLES = {"offer": "two tickets for the price of one", "day": "Sunday"}

#: The lists, and which share of the people is in which of them at once.
LISTS = ("customers", "newsletter", "concert-goers")
_MEMBERSHIP = {
    (0,): 28, (1,): 22, (2,): 14, (0, 1): 14, (0, 2): 8, (1, 2): 7, (0, 1, 2): 7,
}  # fmt: skip

#: Of a hundred people so many have opted out, and so many more did whom no list knows.
_OPTED_OUT, _STRANGERS = 4, 1

#: What people type into a form when they do not want to be called, or by mistake.
_INVALID = ("n/a", "555-0100", "+1 555", "call me maybe", "", "+99 0000 000000")
_FORMS = (
    "({area}) 555-01{last}",
    "+1 {area} 555 01{last}",
    "{area}-555-01{last}",
    "{area}.555.01{last}",
    "1{area}55501{last}",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made up. ``number`` is in E.164 digits without the plus."""

    number: str
    first_name: str
    last_name: str
    town: str

    def text(self) -> str:
        """The message as it must arrive, put together without Sluice's templates."""
        offer, day = VARIABLES["offer"], VARIABLES["day"]
        return f"Hi {self.first_name}, {offer} until {day}. Reply STOP to opt out."


@dataclass(frozen=True, slots=True)
class List:
    """One file to import. ``lines`` are its cells, with mistakes among them."""

    name: str
    kind: str
    header: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    #: Whom it holds once mistakes and repetitions are left out, as numbers.
    members: frozenset[str]
    invalid: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Data:
    """Everything that goes into the demo, and what must come out of it."""

    lists: tuple[List, ...]
    optouts: List
    #: Everybody who is in one of the lists, by number.
    people: frozenset[str]
    #: By number, the text that each recipient must get once, and nobody else at all.
    expected: dict[str, str]


def generate(people: int, seed: str = "sluice") -> Data:
    """Make up ``people`` different people; the same seed gives the same ones.

    Raises:
        ValueError: there are not enough numbers for so many.
    """
    strangers = people * _STRANGERS // 100
    if not 1 <= people <= people + strangers <= NUMBERS:
        raise ValueError(f"must lie between 1 and {NUMBERS * 100 // (100 + _STRANGERS):,}")
    chance = Random(seed)  # noqa: S311 - makes up people, protects nothing
    everybody = _people(chance, people + strangers)
    known = everybody[:people]
    groups = chance.choices(list(_MEMBERSHIP), list(_MEMBERSHIP.values()), k=people)
    lists = tuple(
        _list(chance, name, [p for p, places in zip(known, groups, strict=True) if index in places])
        for index, name in enumerate(LISTS)
    )
    leavers = known[: people * _OPTED_OUT // 100] + everybody[people:]
    chance.shuffle(leavers)
    gone = {person.number for person in leavers}
    return Data(
        lists=lists,
        optouts=List(
            name="opted-out",
            kind="optout",
            header=("phone",),
            lines=tuple((_written(chance, person),) for person in leavers),
            members=frozenset(gone),
            invalid=0,
            duplicates=0,
        ),
        people=frozenset(person.number for person in known),
        expected={person.number: person.text() for person in known if person.number not in gone},
    )


def write(group: List, folder: Path) -> Path:
    """Write a list as a CSV file, and return where it is."""
    path = folder / f"{group.name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(group.header)
        writer.writerows(group.lines)
    return path


def _people(chance: Random, count: int) -> list[Person]:
    return [
        Person(
            number=f"1{AREA_CODES[at // 100]}55501{at % 100:02d}",
            first_name=chance.choice(FIRST),
            last_name=chance.choice(LAST),
            town=chance.choice(TOWNS),
        )
        for at in chance.sample(range(NUMBERS), count)
    ]


def _list(chance: Random, name: str, members: Sequence[Person]) -> List:
    """The lines of ``members``, then a few that are wrong or come again strewn among them."""
    lines = [_line(chance, person) for person in members]
    mistakes = min(len(_INVALID), len(members) // 20)
    again = chance.sample(list(members), mistakes)
    extra = [_line(chance, person) for person in again]
    extra += [(wrong, chance.choice(FIRST), "", "") for wrong in _INVALID[:mistakes]]
    for line in extra:
        lines.insert(chance.randrange(len(lines) + 1), line)
    return List(
        name=name,
        kind="optin",
        header=("mobile", "first_name", "last_name", "town"),
        lines=tuple(lines),
        members=frozenset(person.number for person in members),
        invalid=mistakes,
        duplicates=mistakes,
    )


def _line(chance: Random, person: Person) -> tuple[str, ...]:
    return (_written(chance, person), person.first_name, person.last_name, person.town)


def _written(chance: Random, person: Person) -> str:
    """The number in one of the ways in which people write numbers."""
    return chance.choice(_FORMS).format(area=person.number[1:4], last=person.number[-2:])
