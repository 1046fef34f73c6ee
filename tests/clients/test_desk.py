"""The desk beside real programs: an Alertmanager whose alerts become tickets, a mail server that receives what is told."""

import asyncio
import datetime
import email
import email.policy
import json
import urllib.request

from aiosmtpd.controller import Controller

from server import ClientTest
from test_prometheus import fixed_port

ALERTMANAGER = """
route: {{receiver: watchroom, group_by: [alertname], group_wait: 200ms, group_interval: 500ms, repeat_interval: 1h}}
receivers:
  - name: watchroom
    webhook_configs: [{{url: "http://{watchroom}/api/v1/alertmanager", send_resolved: true}}]
"""


class AlertmanagerTest(ClientTest):
    settings = {"WATCHROOM_DETECT_ENABLED": "false"}

    def setUp(self):
        super().setUp()
        self.alertmanager = f"127.0.0.1:{fixed_port()}"
        configuration = self.folder / "alertmanager.yml"
        configuration.write_text(ALERTMANAGER.format(watchroom=self.server.address["http"]), "utf-8")
        command = ["prometheus-alertmanager", f"--config.file={configuration}", f"--storage.path={self.folder / 'alertmanager'}"]
        command += [f"--web.listen-address={self.alertmanager}", "--cluster.listen-address="]
        self.start_program(command, "alertmanager.log", cwd=self.folder)
        self.wait_until("Alertmanager is ready", self.is_ready)

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://{self.alertmanager}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def post_alert(self, ends_in_s):
        now = datetime.datetime.now(datetime.timezone.utc)
        alert = {
            "labels": {"alertname": "InstanceDown", "instance": "db07:9100", "severity": "critical"},
            "annotations": {"summary": "db07 does not answer"},
            "startsAt": (now - datetime.timedelta(minutes=5)).isoformat(),
            "endsAt": (now + datetime.timedelta(seconds=ends_in_s)).isoformat(),
        }
        request = urllib.request.Request(
            f"http://{self.alertmanager}/api/v2/alerts", json.dumps([alert]).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()

    def tickets(self):
        return json.loads(self.server.request("/api/v1/tickets")[1])["tickets"]

    def test_an_alert_becomes_a_ticket_and_resolves_it(self):
        self.post_alert(3600)
        (ticket,) = self.wait_until("the ticket is opened", self.tickets)
        self.assertEqual(ticket["title"], "db07 does not answer")
        self.assertEqual((ticket["entity"]["host"], ticket["priority"], ticket["rule"]), ("db07", "P1", "alertmanager"))
        self.post_alert(-1)
        self.wait_until("the ticket is resolved", lambda: self.tickets()[0]["state"] == "resolved")
        self.assertEqual(len(self.tickets()), 1)


class Inbox:
    """Keeps what a mail server receives."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, _server, _session, envelope):
        await asyncio.sleep(0)
        self.messages.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 2.0.0 taken"


class MailTest(ClientTest):
    def setUp(self):
        self.inbox = Inbox()
        controller = Controller(self.inbox, hostname="127.0.0.1", port=fixed_port())
        controller.start()
        self.addCleanup(controller.stop)
        self.settings = {
            "WATCHROOM_DETECT_ENABLED": "false",
            "WATCHROOM_SMTP_HOST": "127.0.0.1",
            "WATCHROOM_SMTP_PORT": str(controller.port),
            "WATCHROOM_SMTP_SECURITY": "plain",
            "WATCHROOM_SMTP_FROM": "Watchroom <watchroom@example.org>",
            "WATCHROOM_DESK_PUBLIC_URL": "https://watch.example.org",
        }
        super().setUp()

    def put(self, path, document):
        request = urllib.request.Request(self.server.url(path), json.dumps(document).encode(), method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    def test_who_gets_a_ticket_gets_mail(self):
        self.put("/api/v1/setup/user/ines", {"display_name": "Inès", "email": "ines@example.org", "role": "technician"})
        ticket = {"title": "disk <full>\r\nBcc: all@example.org", "description": "look at /var", "assignee": "ines"}
        self.server.request("/api/v1/tickets", json.dumps(ticket).encode())
        ((recipients, message),) = self.wait_until("the mail comes", lambda: list(self.inbox.messages))
        self.assertEqual(recipients, ["ines@example.org"])
        self.assertIn("disk <full> Bcc: all@example.org", " ".join(message["Subject"].split()).replace("  ", " "))
        self.assertIsNone(message["Bcc"])
        self.assertEqual(message["Auto-Submitted"], "auto-generated")
        text = message.get_body(("plain",)).get_content()
        self.assertIn("look at /var", text)
        self.assertIn("https://watch.example.org/tickets/1", text)
        html = message.get_body(("html",)).get_content()
        self.assertNotIn("<full>", html)
        # The next message about the ticket belongs to the same thread.
        comment = json.dumps({"comment": "is it the logs?"}).encode()
        request = urllib.request.Request(self.server.url("/api/v1/tickets/1"), comment, method="PATCH")
        urllib.request.urlopen(request, timeout=10).close()
        self.wait_until("the second mail comes", lambda: len(self.inbox.messages) == 2)
        thread = {message["References"] for _, message in self.inbox.messages}
        self.assertEqual(len(thread), 1)

    def test_a_report_that_is_made_by_itself_comes_with_its_page(self):
        self.put("/api/v1/setup/user/ines", {"display_name": "Inès", "email": "ines@example.org", "role": "manager"})
        schedule = {"report": "capacity", "cron": "0 7 1 * *", "time_zone": "Europe/Vienna", "to": ["ines"]}
        self.put("/api/v1/setup/report_schedule/monthly", schedule)
        _, body = self.server.request("/api/v1/reports/schedules/monthly/run", b"")
        kept = json.loads(body)
        ((recipients, message),) = self.wait_until("the mail comes", lambda: list(self.inbox.messages))
        self.assertEqual(recipients, ["ines@example.org"])
        self.assertTrue(message["Subject"].startswith("Capacity report of "))
        (attached,) = message.iter_attachments()
        self.assertRegex(attached.get_filename(), r"^capacity-\d{4}-\d\d-\d\d\.html$")
        page = attached.get_content()
        headers, served = self.server.request(f"/api/v1/reports/kept/{kept['id']}?format=html")
        self.assertEqual(page.replace("\r\n", "\n").strip(), served.decode().strip())
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertEqual(json.loads(self.server.request("/api/v1/reports/kept")[1])["reports"][0]["schedule"], "monthly")
