"""`logger` of util-linux over UDP and TCP, in both syslog formats and all framings."""

import os
import socket
import unittest

from server import ClientTest

UTC = os.environ | {"TZ": "UTC"}
PRIORITIES = [
    ("user.emerg", 1, 0),
    ("daemon.alert", 3, 1),
    ("auth.crit", 4, 2),
    ("cron.err", 9, 3),
    ("local0.warning", 16, 4),
    ("local3.notice", 19, 5),
    ("mail.info", 2, 6),
    ("local7.debug", 23, 7),
]
TRANSPORTS = {
    "udp": ("syslog_udp", ["--udp"]),
    "tcp": ("syslog_tcp", ["--tcp"]),
    "counted": ("syslog_tcp", ["--tcp", "--octet-count"]),
}
FULL_HOST = socket.gethostname()
SHORT_HOST = FULL_HOST.split(".")[0]


class LoggerTest(ClientTest):
    def logger(self, transport, *arguments):
        source, options = TRANSPORTS[transport]
        command = ["logger", "--server", "127.0.0.1", "--port", self.server.port(source), *options, *arguments]
        self.run_program(command, env=UTC)

    def test_every_transport_format_and_priority(self):
        expected = set()
        for transport, (source, _) in TRANSPORTS.items():
            for layout, host in (("rfc3164", SHORT_HOST), ("rfc5424", FULL_HOST)):
                for priority, facility, severity in PRIORITIES:
                    message = f"{transport} {layout} {priority}: Grüße, \"quoted\" [x] <y>"
                    self.logger(transport, f"--{layout}", "--tag", f"app-{layout}", "--priority", priority, message)
                    expected.add((source, host, f"app-{layout}", facility, severity, message))
        self.wait_for_count("SELECT count(*) FROM logs", len(expected))
        rows = self.server.rows("SELECT source, host, app, facility, severity, message FROM logs")
        self.assertEqual(set(tuple(row.values()) for row in rows), expected)
        unlike = """SELECT message, timestamp, received_at, peer, parse_error, raw FROM logs WHERE parse_error IS NOT NULL
            OR raw IS NOT NULL OR peer <> '127.0.0.1' OR peer IS NULL OR timestamp > received_at + INTERVAL '1 second'
            OR timestamp < received_at - INTERVAL '30 seconds' OR date <> CAST(timestamp AS DATE)"""
        self.assertEqual(self.server.rows(unlike), [])

    def test_process_id_message_id_and_structured_data(self):
        data = ["--sd-id", "zoo@32473", "--sd-param", 'tiger="hungry \\] one"', "--sd-param", 'bear="asleep"']
        self.logger("counted", "--rfc5424=notq", "--tag", "keeper", "--id=4711", "--msgid", "FEED", *data, "feeding time")
        self.logger("udp", "--rfc3164", "--tag", "keeper", "--id=4712", "old style")
        self.wait_for_count("SELECT count(*) FROM logs", 2)
        rows = self.server.rows("SELECT app, pid, msgid, attributes, message FROM logs ORDER BY pid")
        attributes = {"zoo@32473.tiger": "hungry ] one", "zoo@32473.bear": "asleep"}
        self.assertEqual(
            rows,
            [
                {"app": "keeper", "pid": "4711", "msgid": "FEED", "attributes": attributes, "message": "feeding time"},
                {"app": "keeper", "pid": "4712", "msgid": None, "attributes": None, "message": "old style"},
            ],
        )

    def test_a_file_over_one_connection(self):
        lines = [f"line {number:04} of the file" for number in range(2000)]
        path = self.folder / "lines.txt"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        for transport in ("tcp", "counted"):
            self.logger(transport, "--rfc5424", "--tag", f"file-{transport}", "--file", str(path))
        self.wait_for_count("SELECT count(*) FROM logs", 2 * len(lines))
        for transport in ("tcp", "counted"):
            with self.subTest(transport=transport):
                found = self.server.rows("SELECT message FROM logs WHERE app = $1 ORDER BY message", parameters=[f"file-{transport}"])
                self.assertEqual([row["message"] for row in found], lines)

    def test_long_messages_are_kept_whole_up_to_the_limit_and_cut_beyond(self):
        fits, cut = "f" * 60_000, "c" * 70_000
        for transport in ("tcp", "counted"):
            self.logger(transport, "--rfc5424", "--tag", f"long-{transport}", "--size", "100000", fits)
            self.logger(transport, "--rfc5424", "--tag", f"long-{transport}", "--size", "100000", cut)
            self.logger(transport, "--rfc5424", "--tag", f"long-{transport}", "and after it")
        self.wait_for_count("SELECT count(*) FROM logs", 6)
        for transport in ("tcp", "counted"):
            with self.subTest(transport=transport):
                query = "SELECT length(message) AS length, left(message, 1) AS first, parse_error FROM logs WHERE app = $1 ORDER BY length"
                short, whole, longest = self.server.rows(query, parameters=[f"long-{transport}"])
                self.assertEqual(short, {"length": len("and after it"), "first": "a", "parse_error": None})
                self.assertEqual(whole, {"length": len(fits), "first": "f", "parse_error": None})
                self.assertEqual(longest["first"], "c")
                self.assertLess(longest["length"], 65_536)
                self.assertRegex(longest["parse_error"], r"^cut at 65536 of 70\d\d\d bytes$")


if __name__ == "__main__":
    unittest.main()
