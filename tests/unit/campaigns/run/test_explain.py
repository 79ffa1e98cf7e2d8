"""A run that is not sending says why, and names the strongest reason first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.run.explain import MISSING_AFTER, Facts, explain
from campaigns.schedule.active import ActiveTime
from campaigns.schedule.calendars import Calendar, Hours
from campaigns.schedule.windows import Interval, Window

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


ALIVE = {"beat": NOW, "send": NOW, "control": NOW}
WINDOW = Window(start=at(-60), finish=at(600), expiry=at(3600))
SENDING = Facts(
    campaign_status="sending",
    run_status="sending",
    window=WINDOW,
    total=100,
    settled=10,
    provider="carrier",
    provider_rate="50/s",
    seen=ALIVE,
)


def told(**changes: object) -> tuple[str, str]:
    found = explain(replace(SENDING, **changes), NOW)
    return found.code, found.text


def test_a_run_that_nothing_holds_is_sending() -> None:
    assert told() == ("sending", "sending")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("completed", "everybody was dealt with"),
        ("empty", "the audience was empty"),
        ("expired", "it expired"),
        ("stopped", "it was stopped"),
    ],
)
def test_a_finished_run_says_how(reason: str, words: str) -> None:
    code, text = told(run_status="finished", campaign_status="finished", reason=reason)
    assert code == "finished"
    assert words in text


def test_what_its_provider_never_reported_on_is_told_of_a_finished_run() -> None:
    over = {"run_status": "finished", "campaign_status": "finished", "reason": "completed"}
    assert told(**over, unreported=1)[1].endswith("; 1 message never reported on by the provider")
    both = told(**over, unreported=1200, unknown=3)[1]
    assert "; 1,200 messages never reported on by the provider; 3 messages held as unknown" in both


@pytest.mark.parametrize("status", ["stopped", "failed", "deleted"])
def test_a_campaign_that_ended_before_its_run_says_so(status: str) -> None:
    assert told(campaign_status=status, run_status=None)[0] == "finished"


def test_a_draft_waits_for_its_author() -> None:
    assert told(campaign_status="draft", run_status=None)[0] == "draft"


def test_before_its_start_it_says_when_that_is() -> None:
    later = replace(WINDOW, start=at(90))
    code, text = told(campaign_status="scheduled", run_status=None, window=later)
    assert code == "not_started"
    assert "2030-01-01 12:01:30" in text


def test_before_its_start_a_pause_by_hand_is_told_too() -> None:
    later = replace(WINDOW, start=at(90))
    _, text = told(campaign_status="scheduled", run_status=None, window=later, manually_paused=True)
    assert "paused by hand" in text


def test_once_due_it_waits_for_the_beat() -> None:
    assert told(campaign_status="scheduled", run_status=None)[0] == "starting"
    assert told(campaign_status="scheduled", run_status=None, seen={})[0] == "no_beat"


def test_while_its_recipients_are_written_it_says_so() -> None:
    assert told(run_status="resolving")[0] == "resolving"
    assert told(run_status="resolving", seen={"beat": at(-60)})[0] == "no_beat"


def test_a_run_that_settles_its_rest_says_why() -> None:
    code, text = told(run_status="closing", reason="expired")
    assert code == "closing"
    assert "expired" in text
    assert "stopped" in told(run_status="closing", reason="stopped")[1]
    assert told(campaign_status="stopped")[0] == "closing"


def test_an_audience_worker_that_fell_silent_is_missed() -> None:
    silent = {**ALIVE, "control": at(-300)}
    assert told(run_status="closing", reason="expired", seen=silent)[0] == "no_control"
    assert told(run_status="resolving", seen=silent)[0] == "no_control"


def test_a_pause_by_hand_comes_before_everything_that_could_be_mended() -> None:
    assert told(manually_paused=True, seen={}, provider_known=False)[0] == "paused"


def test_inside_a_pause_it_says_until_when() -> None:
    code, text = told(window=replace(WINDOW, pauses=(Interval(at(-5), at(30)),)))
    assert code == "outside_window"
    assert "2030-01-01 12:00:30" in text


def test_a_pause_up_to_the_end_has_no_until() -> None:
    window = replace(WINDOW, finish=at(30), expiry=at(60), pauses=(Interval(at(-5), at(60)),))
    assert told(window=window) == ("outside_window", "in a pause, until it expires")


def test_hours_that_never_open_end_no_sooner_than_a_run_that_does_not() -> None:
    never = Calendar("UTC", quiet=(Hours(frozenset(range(7)), 0, 24 * 60),))
    endless = replace(WINDOW, finish=None, expiry=None)
    text = told(window=endless, calendars=(never,), lanes=(ActiveTime(()),))[1]
    assert text == "in quiet hours, with no end in sight"


def test_after_its_expiry_it_is_expired_even_when_paused() -> None:
    code, text = told(window=replace(WINDOW, finish=None, expiry=at(-1)), manually_paused=True)
    assert code == "expired"
    assert "2030-01-01 11:59:59" in text


def test_a_finish_without_leftovers_is_an_expiry() -> None:
    assert told(window=replace(WINDOW, finish=at(-1), leftover="expire"))[0] == "expired"
    assert told(window=replace(WINDOW, finish=at(-1), leftover="continue"))[0] == "sending"


def test_a_provider_that_is_not_configured_is_named() -> None:
    code, text = told(provider_known=False)
    assert code == "provider_unknown"
    assert "'carrier'" in text


@pytest.mark.parametrize(("kind", "name"), [("beat", "beat"), ("send", "send worker")])
def test_a_missing_process_is_named_with_how_long_it_is_missing(kind: str, name: str) -> None:
    just = NOW - MISSING_AFTER
    assert told(seen={**ALIVE, kind: just})[0] == "sending"
    code, text = told(seen={**ALIVE, kind: just - timedelta(seconds=40)})
    assert code == f"no_{kind}"
    assert f"no {name} was seen for 60 s" in text
    assert "was ever seen" in told(seen={k: v for k, v in ALIVE.items() if k != kind})[1]


def test_a_cooling_provider_says_until_when_and_why() -> None:
    code, text = told(cooling_until=at(20), cooling_reason="throttled")
    assert code == "cooling"
    assert "2030-01-01 12:00:20" in text
    assert "throttled" in text
    assert told(cooling_until=at(-1), cooling_reason="throttled")[0] == "sending"


def test_a_refused_account_is_named_with_its_code_while_it_is_held_and_while_it_is_probed() -> None:
    code, text = told(refusal="invalid_key", circuit="open", cooling_until=at(60))
    assert code == "refused"
    assert "refuses the account 'carrier' (invalid_key)" in text
    assert "the next one at 2030-01-01 12:01:00" in text
    assert told(refusal="invalid_key", circuit="open", cooling_until=at(-1))[0] == "refused"


def test_when_only_retries_are_left_it_waits_for_them() -> None:
    code, text = told(settled=98, retries=2, next_retry_at=at(4))
    assert code == "retrying"
    assert "2 messages" in text
    assert "2030-01-01 12:00:04" in text
    assert told(settled=90, retries=2, next_retry_at=at(4))[0] == "sending"


def test_what_was_handed_back_waits_until_its_time() -> None:
    assert told(settled=90, returned=10, returned_until=at(5))[0] == "returned"
    assert told(settled=90, returned=10, returned_until=at(-5))[0] == "sending"


def test_behind_its_line_beside_others_it_waits_for_its_share() -> None:
    code, text = told(behind=True, others=2)
    assert code == "waiting_for_share"
    assert "'carrier''s 50/s" in text
    assert "2 other runs" in text
    assert told(behind=True, others=0)[0] == "sending"
    assert told(behind=False, others=2)[0] == "sending"
    assert told(behind=True, others=2, handed_out=5)[0] == "sending"


def test_what_is_held_as_unknown_is_always_told() -> None:
    assert "1 message held as unknown" in told(unknown=1)[1]
    finished = told(run_status="finished", campaign_status="finished", unknown=1200)
    assert finished[0] == "finished"
    assert "1,200 messages held as unknown for the operator" in finished[1]


def test_a_used_up_warm_up_says_when_it_goes_on() -> None:
    """Neither its own rate nor its share is what it waits for, however many runs there are."""
    used_up = {"warm_up_until": at(3600), "warm_up_allows": 40, "rate": "200/min"}
    expected = (
        "warm_up",
        "its warm-up allows 40 messages on this day, and no more is left; "
        "it goes on at 2030-01-01 13:00:00",
    )
    assert told(**used_up) == expected
    assert told(**used_up, behind=True, others=3) == expected
    assert told(**used_up, handed_out=1)[0] == "sending"
    assert told(warm_up_allows=40)[0] == "sending"


def test_an_account_that_carries_another_channel_by_now_holds_the_run() -> None:
    changed = {"channel": "sms", "provider_channel": "email", "behind": True, "others": 1}
    text = "its provider 'carrier' carries email now, and not sms"
    assert told(**changed) == ("provider_channel", text)
    assert told(channel="sms", provider_channel="sms")[0] == "sending"


def test_a_series_that_was_stopped_promises_no_further_run() -> None:
    over = {"run_status": "finished", "reason": "completed", "next_occurrence": at(60)}
    assert told(**over)[1].endswith("the next run begins at 2030-01-01 12:01:00")
    held = told(**over, manually_paused=True)[1]
    assert held.endswith("the next run begins at 2030-01-01 12:01:00, and is paused by hand")
    for status in ("stopped", "failed", "deleted"):
        text = told(**over, campaign_status=status)[1]
        assert "the next run" not in text
        assert text.startswith("finished: everybody was dealt with; the campaign ")
