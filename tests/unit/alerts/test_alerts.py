"""Alerts: the first of a fault at once, then one mail in a while with how often it happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from zope.interface.verify import verifyObject

from microblog.alerts import reporting as alerts_module
from microblog.alerts.interfaces import IAlerts
from microblog.alerts.reporting import LONGEST_BODY, QUEUE_LENGTH
from microblog.mail.interfaces import IMailTransport, get_transport
from microblog.mail.messages import LONGEST_SUBJECT
from tests.sink import Sink
from tests.unit.alerts.office import HOUR, START, ClockThatFailsOnce, Office


@pytest.fixture
def open_office(tmp_path):
    offices = []

    def open_office(*, has_thread=False, clock=None, **values):
        ini = {f"microblog.{key}": value for key, value in values.items()}
        offices.append(Office(tmp_path, has_thread=has_thread, clock=clock, **ini))
        return offices[-1]

    yield open_office
    for office in offices:
        office.alerts.close()


FIRST = "[microblog] ValueError at views.py:41"


def test_alerts_implement_their_interface(open_office):
    assert verifyObject(IAlerts, open_office().alerts)


def test_the_first_is_mailed_at_once_with_everything(open_office):
    office = open_office()
    office.fail()
    (mail,) = office.mails
    assert (mail["Subject"], mail["To"], mail["Auto-Submitted"]) == (
        FIRST,
        "susan@example.org",
        "auto-generated",
    )
    text = mail.get_content()
    assert text.startswith("Trace of views.py:41.")
    assert "If it happens again, one mail says how often, in 1 hour at the earliest." in text
    assert office.counted.results == ["sent"]


def test_the_others_are_one_mail_when_the_hour_is_over(open_office):
    office = open_office()
    office.fail(30)
    office.clock.move(60)
    office.fail(8)
    assert office.subjects == [FIRST]
    office.clock.move(HOUR)
    office.alerts.work()
    office.alerts.work()
    assert office.subjects == [FIRST, "[microblog] 37 more times: ValueError at views.py:41"]
    text = office.mails[1].get_content()
    assert "from 2027-01-15 08:00:00 UTC to 2027-01-15 08:01:00 UTC" in text


def test_a_fault_that_continues_is_mailed_once_an_hour(open_office):
    office = open_office()
    for _ in range(24 * 6):
        office.fail()
        office.clock.move(600)
    # The first, then each hour the six of the last one; the last five wait.
    assert office.subjects[1:] == ["[microblog] 6 more times: ValueError at views.py:41"] * 23


def test_a_clock_that_was_centuries_ahead_does_not_end_the_thread(open_office):
    office = open_office()
    office.clock.move(1e11)
    office.fail(2)
    office.clock.move(-1e11)
    assert office.alerts._get_seconds_until_due() == HOUR  # threads can wait for 292 years at most


def test_a_fault_after_an_hour_of_silence_is_mailed_at_once_again(open_office):
    office = open_office()
    office.fail()
    office.clock.move(HOUR)
    office.alerts.work()
    office.fail()
    assert office.subjects == [FIRST, FIRST]


def test_a_subject_is_not_kept_longer_than_a_mail_may_have_it(open_office):
    office = open_office()
    office.fail(2, location="x" * 100_000)
    assert all(len(group.subject) <= LONGEST_SUBJECT for group in office.alerts._ledger.known.values())


def test_once_more_is_said_so(open_office):
    office = open_office()
    office.fail(2)
    office.clock.move(HOUR)
    office.alerts.work()
    assert office.subjects[1] == "[microblog] once more: ValueError at views.py:41"
    assert "since the last mail about it, at 2027-01-15 08:00:00 UTC." in office.mails[1].get_content()


def test_faults_at_two_locations_are_two(open_office):
    office = open_office()
    office.fail(3, "views.py:41")
    office.fail(3, "views.py:42")
    assert office.subjects == [FIRST, "[microblog] ValueError at views.py:42"]


def test_a_clock_that_was_put_back_silences_nothing(open_office):
    office = open_office()
    office.fail()
    office.clock.move(-30 * 86_400)
    office.fail()
    assert office.subjects == [FIRST, FIRST]


def test_every_admin_gets_a_mail_of_their_own(open_office):
    office = open_office(admins="susan@example.org, ada@example.org")
    office.fail()
    assert sorted(mail["To"] for mail in office.mails) == ["ada@example.org", "susan@example.org"]


def test_an_admin_whose_address_is_refused_costs_the_others_nothing(open_office, caplog):
    with Sink(answers={"gone@example.org": "550 Gone"}) as sink:
        values = {key.removeprefix("microblog."): value for key, value in sink.settings.items()}
        office = open_office(admins="gone@example.org susan@example.org", **values)
        office.fail(2)
        office.clock.move(HOUR)
        office.alerts.work()
    assert [mail.to for mail in sink.mails] == [["susan@example.org"]] * 2
    assert "once more" in sink.mails[1].message["Subject"]
    assert "was not sent to gone@example.org. The mail server" in caplog.text
    assert office.counted.results == ["failed", "sent"] * 2


def test_without_admins_nothing_happens(open_office, tmp_path):
    office = open_office(admins="", **{"alerts.state": str(tmp_path / "state.json")})
    office.alerts.start()
    office.alerts.report("error", "group", "subject", "body")
    assert office.thread is None
    assert not (tmp_path / "state.json").exists()


def test_no_thread_runs_before_the_first_alert(open_office):
    office = open_office(has_thread=True)
    office.alerts.start()
    assert office.thread is None
    office.alerts.report("error", "group", "subject", "body")
    thread = office.alerts._thread
    assert thread is not None
    assert (thread.name, thread.daemon) == ("microblog-alerts", True)


def test_the_thread_sends_without_being_asked(open_office):
    office = open_office(has_thread=True)
    arrived = threading.Event()
    send = get_transport(office.registry).send

    class Telling:
        def send(self, message):
            send(message)
            arrived.set()

    office.registry.registerUtility(Telling(), IMailTransport)
    office.alerts.report("error", "group", "subject", "body")
    assert arrived.wait(20)
    assert office.subjects == ["[microblog] subject"]


def test_the_thread_wakes_when_a_summary_is_due(open_office):
    office = open_office(**{"alerts.every": "1"})
    office.fail(2)
    office.clock.move(0.99)
    assert 0 < office.alerts._get_seconds_until_due() <= 0.05
    office.clock.move(1)
    assert office.alerts._get_seconds_until_due() == alerts_module.LEAST_WAIT_SECONDS
    office.alerts.work()
    assert len(office.subjects) == 2
    assert office.alerts._get_seconds_until_due() is None


def test_alerts_that_only_this_process_knows_are_sent_at_its_end(open_office):
    office = open_office(has_thread=True)
    office.fail(5)
    office.alerts.close()
    office.alerts.close()
    assert office.subjects == [FIRST, "[microblog] 4 more times: ValueError at views.py:41"]


def test_an_alert_after_the_end_starts_no_thread(open_office):
    office = open_office(has_thread=True)
    office.alerts.close()
    office.alerts.report("error", "group", "subject", "body")
    assert office.thread is None


def test_the_next_process_mails_what_another_left_in_the_file(open_office, tmp_path):
    state = {"alerts.state": str(tmp_path / "run" / "alerts.json")}
    before = open_office(has_thread=True, **state)
    before.fail(5)
    before.alerts.close()
    assert before.subjects == [FIRST]
    after = open_office(has_thread=True, **state)
    after.alerts.start()
    assert after.thread is not None
    after.clock.move(HOUR)
    after.alerts.work()
    assert after.subjects == [FIRST, "[microblog] 4 more times: ValueError at views.py:41"]


def test_mail_that_does_not_leave_is_tried_again_soon_and_counts(open_office, tmp_path, caplog):
    office = open_office()
    office.folder.touch()  # no folder can be made of it
    office.fail(3)
    assert (
        "The alert “ValueError at views.py:41” was not sent to susan@example.org. The mail folder"
        in caplog.text
    )
    assert "Trace of" not in caplog.text
    office.folder.unlink()
    office.clock.move(299)
    office.fail()
    assert office.mails == []
    office.clock.move(1)
    office.alerts.work()
    assert office.subjects == ["[microblog] 4 times: ValueError at views.py:41"]
    assert office.counted.results == ["failed", "sent"]
    text = office.mails[0].get_content()
    assert "It has happened 4 times, from 2027-01-15 08:00:00 UTC to 2027-01-15 08:04:59 UTC." in text
    assert "It could not be reported before: the mails about it were not sent" in text
    assert "Trace of views.py:41." in text
    office.fail()
    office.clock.move(HOUR)
    office.alerts.work()
    assert office.subjects[1] == "[microblog] once more: ValueError at views.py:41"


def test_a_first_mail_that_leaves_later_is_no_repetition(open_office):
    office = open_office()
    office.folder.touch()
    office.fail()
    office.folder.unlink()
    office.clock.move(300)
    office.alerts.work()
    assert office.subjects == [FIRST]
    text = office.mails[0].get_content()
    assert "It has happened once, at 2027-01-15 08:00:00 UTC. It could not be reported before" in text
    assert "Trace of views.py:41." in text


def test_a_trace_that_was_mailed_is_kept_no_longer(open_office, tmp_path):
    office = open_office(**{"alerts.state": str(tmp_path / "alerts.json")})
    office.folder.touch()
    office.fail(2)
    assert "Trace of views.py:41." in (tmp_path / "alerts.json").read_text()
    office.folder.unlink()
    office.clock.move(300)
    office.alerts.work()
    assert "Trace of views.py:41." in office.mails[0].get_content()
    assert "Trace of" not in (tmp_path / "alerts.json").read_text()


def test_a_running_server_mails_what_a_command_could_not(open_office, tmp_path):
    state = {"alerts.state": str(tmp_path / "alerts.json")}
    server = open_office(has_thread=True, **state)
    server.alerts.start()
    command = open_office(**state)
    command.folder.touch()
    command.fail(3)
    command.alerts.close()
    command.folder.unlink()
    # Without an alert of its own it reads the file again, and mails what is due.
    assert server.alerts._get_seconds_until_due() == alerts_module.SECONDS_BETWEEN_LOOKS
    server.clock.move(300)
    server.alerts.work()
    assert server.subjects == ["[microblog] 3 times: ValueError at views.py:41"]
    assert "Trace of views.py:41." in server.mails[0].get_content()


def test_a_process_that_is_killed_while_it_mails_leaves_the_fault_to_the_others(open_office, tmp_path):
    state = {"alerts.state": str(tmp_path / "alerts.json")}
    killed, other = open_office(**state), open_office(**state)

    class Killed(BaseException):
        """Nothing runs after it."""

    class Deadly:
        def send(self, message):
            raise Killed

    killed.registry.registerUtility(Deadly(), IMailTransport)
    with pytest.raises(Killed):
        killed.fail()
    other.clock.move(HOUR)
    other.alerts.work()
    assert other.subjects == [FIRST]
    assert "Trace of views.py:41." in other.mails[0].get_content()


def test_at_its_end_a_process_does_not_try_again_what_has_just_failed(open_office):
    office = open_office(has_thread=True)
    office.folder.touch()
    with office.alerts._working:
        office.alerts.report("error", "group", "subject", "body")
    office.alerts.close()
    assert office.counted.results == ["failed"]


def test_a_fault_that_was_forgotten_meanwhile_may_be_reported(open_office):
    office = open_office()
    send = get_transport(office.registry).send

    class Slow:
        def send(self, message):
            office.alerts._ledger.known.clear()  # as another process does that has many faults to keep
            return send(message)

    office.registry.registerUtility(Slow(), IMailTransport)
    office.fail(2)
    assert office.subjects == [FIRST]


def test_without_room_for_the_trace_the_mail_says_where_it_is(open_office):
    office = open_office()
    office.folder.touch()
    for number in range(11):
        office.alerts.report("error", f"group {number}", f"subject {number}", "x" * LONGEST_BODY)
        office.clock.move(1)
    office.alerts.work()
    office.folder.unlink()
    office.clock.move(300)
    office.alerts.work()
    contents = {str(mail["Subject"]): mail.get_content() for mail in office.mails}
    assert "x" * 1000 in contents["[microblog] subject 9"]
    assert "The log says what it is about." in contents["[microblog] subject 10"]


def test_a_summary_that_does_not_leave_keeps_its_count(open_office):
    office = open_office()
    office.fail(3)
    office.clock.move(HOUR)
    office.folder.rename(office.folder.with_name("away"))
    office.folder.touch()
    office.alerts.work()
    office.folder.unlink()
    office.fail()
    office.clock.move(300)
    office.alerts.work()
    assert office.subjects == ["[microblog] 3 more times: ValueError at views.py:41"]
    assert "since the last mail about it" in office.mails[0].get_content()


def test_a_transport_with_a_fault_of_its_own_breaks_nothing(open_office, caplog):
    office = open_office()

    class Broken:
        def send(self, message):
            raise RuntimeError("broken")

    office.registry.registerUtility(Broken(), IMailTransport)
    office.fail()
    assert "was not sent to susan@example.org" in caplog.text
    assert "RuntimeError: broken" in caplog.text


def test_a_fault_in_the_thread_does_not_end_it(open_office, caplog):
    clock = ClockThatFailsOnce()
    office = open_office(has_thread=True, clock=clock)
    office.alerts.report("error", "group", "subject", "body")
    assert clock.has_failed.wait(10)
    office.alerts.close()
    assert office.subjects == ["[microblog] subject"]
    assert "Alerts could not be handled." in caplog.text


def test_when_the_queue_is_full_the_request_does_not_wait(open_office, caplog):
    office = open_office(has_thread=True)
    with office.alerts._working:  # the thread is stuck
        for number in range(2 * QUEUE_LENGTH + 1):
            office.alerts.report("error", "group", f"subject {number}", "x" * 100_000)
    assert caplog.text.count("alerts wait already") == 1
    office.alerts.work()
    office.fail(location="elsewhere")
    subjects = office.subjects
    assert len(subjects) == 2
    assert len(office.mails[0].get_content()) < LONGEST_BODY + 500


def test_without_a_free_thread_alerts_wait(open_office, caplog, monkeypatch):
    office = open_office(has_thread=True)

    def no_thread(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    office.alerts.report("error", "group", "subject", "body")
    monkeypatch.undo()
    assert "The thread for alerts cannot be started" in caplog.text
    office.alerts.report("error", "group", "subject", "body")
    office.alerts.work()
    assert office.subjects == ["[microblog] subject"]


def test_the_end_does_not_wait_for_a_stuck_mail_server(open_office, caplog):
    office = open_office(has_thread=True)
    let_go, thread = threading.Event(), None

    class Stuck:
        def send(self, message):
            let_go.wait(20)

    office.registry.registerUtility(Stuck(), IMailTransport)
    office.alerts.report("error", "group", "subject", "body")
    thread = office.thread
    office.alerts.close(0.01)
    assert "The mail server is slow" in caplog.text
    let_go.set()
    thread.join()


@pytest.mark.slow
def test_two_processes_that_fail_fifty_times_send_one_mail_and_one_summary(tmp_path):
    clock = tmp_path / "clock"
    clock.write_text(str(START))
    with Sink() as sink:
        settings = {
            **sink.settings,
            "microblog.alerts.state": str(tmp_path / "run" / "alerts.json"),
        }
        (tmp_path / "settings.json").write_text(json.dumps(settings))
        arguments = ["-m", "tests.unit.logs.failing", tmp_path / "settings.json", clock]
        processes = [
            subprocess.Popen(
                [sys.executable, *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[3],
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
            )
            for _ in range(2)
        ]

        def send(word):
            """Both at once, and wait until both have done it."""
            for process in processes:
                assert process.stdin is not None
                process.stdin.write(f"{word}\n")
                process.stdin.flush()
            for process in processes:
                assert process.stdout is not None
                assert process.stdout.readline().strip() == word.split()[0]

        send("fail 50")
        assert [mail.message["Subject"] for mail in sink.mails] == [FIRST]
        (tmp_path / "later").write_text(str(START + HOUR))
        (tmp_path / "later").rename(clock)
        send("work")
        send("close")
        for process in processes:
            process.communicate(timeout=60)
            assert process.returncode == 0
    assert [mail.message["Subject"] for mail in sink.mails] == [
        FIRST,
        "[microblog] 99 more times: ValueError at views.py:41",
    ]
    assert "The trace." in sink.mails[0].text
