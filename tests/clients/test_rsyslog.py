"""`rsyslogd` as forwarder: every framing, transport and template that sites use, fed by files, sockets and `logger`."""

import os
import socket
import unittest

from server import ClientTest

TEMPLATES = ["RSYSLOG_SyslogProtocol23Format", "RSYSLOG_ForwardFormat", "RSYSLOG_TraditionalForwardFormat"]
STREAMS = {"counted": 'protocol="tcp" TCP_Framing="octet-counted"', "newline": 'protocol="tcp" TCP_Framing="traditional"'}
HOST = socket.gethostname()

STREAM_LINES = 1_700  # six ways over TCP: 10,200 lines together
# UDP has no way to hold a sender back: a piece fits into the smallest receive buffer that kernels give, and the next
# one is sent when it has arrived.
DATAGRAM_PIECE = 120
DATAGRAM_PIECES = 3

HEAD = """
global(workDirectory="{folder}" maxMessageSize="64k" net.enableDNS="off")
module(load="imuxsock" SysSock.Use="off")
module(load="imfile" mode="inotify")
module(load="imtcp")
"""

WAY = """
input(type="imfile" File="{folder}/{name}.log" Tag="{name}:" Severity="warning" Facility="local5" ruleset="{name}")
ruleset(name="{name}") {{
  action(type="omfwd" target="127.0.0.1" port="{port}" template="{template}" {protocol}
         action.resumeRetryCount="-1" action.resumeInterval="1")
}}
"""


class RsyslogTest(ClientTest):
    def rsyslogd(self, configuration):
        """Starts a daemon with its own configuration, process id file and work folder."""
        path = self.folder / "rsyslog.conf"
        path.write_text(HEAD.format(folder=self.folder) + configuration, "utf-8")
        command = ["rsyslogd", "-n", "-f", str(path), "-i", str(self.folder / "rsyslog.pid")]
        return self.start_program(command, "rsyslogd.log", env=os.environ | {"TZ": "UTC"})

    def append(self, name, lines):
        with open(self.folder / f"{name}.log", "a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)

    def way(self, name, template, protocol):
        port = self.server.port("syslog_udp" if "udp" in protocol else "syslog_tcp")
        return WAY.format(folder=self.folder, name=name, template=template, protocol=protocol, port=port)

    def check_columns(self):
        query = """SELECT DISTINCT host, severity, facility, peer, parse_error, raw FROM logs"""
        expected = {"host": HOST, "severity": 4, "facility": 21, "peer": "127.0.0.1", "parse_error": None, "raw": None}
        self.assertEqual(self.server.rows(query), [expected])

    def test_ten_thousand_lines_over_tcp_in_both_framings_and_three_templates(self):
        configuration, sent = "", {}
        for framing, protocol in STREAMS.items():
            for number, template in enumerate(TEMPLATES):
                name = f"{framing}{number}"
                configuration += self.way(name, template, protocol)
                sent[name] = {f"{name} event {at}: user=\"müller\" [{at % 7}] took {at * 3} ms" for at in range(STREAM_LINES)}
                self.append(name, sorted(sent[name]))
        self.rsyslogd(configuration)
        self.wait_for_count("SELECT count(*) FROM logs", len(sent) * STREAM_LINES)
        found = {name: [] for name in sent}
        for row in self.server.rows("SELECT app, message FROM logs"):
            found[row["app"]].append(row["message"])
        for name, lines in sent.items():
            with self.subTest(way=name):
                self.assertEqual(len(found[name]), STREAM_LINES)
                self.assertEqual(set(found[name]), lines)
        self.check_columns()

    def test_udp_in_three_templates(self):
        configuration = "".join(self.way(f"udp{number}", template, 'protocol="udp"') for number, template in enumerate(TEMPLATES))
        self.rsyslogd(configuration)
        sent = []
        for number in range(len(TEMPLATES)):
            for piece in range(DATAGRAM_PIECES):
                lines = [f"udp{number} event {piece * DATAGRAM_PIECE + at} of many" for at in range(DATAGRAM_PIECE)]
                self.append(f"udp{number}", lines)
                sent += lines
                self.wait_for_count("SELECT count(*) FROM logs", len(sent))
        found = [row["message"] for row in self.server.rows("SELECT message FROM logs WHERE source = 'syslog_udp'")]
        self.assertEqual(sorted(found), sorted(sent))
        self.check_columns()

    def test_relay_from_a_private_socket_and_from_tcp(self):
        log_socket, tcp_port = self.folder / "log.sock", self.folder / "imtcp.port"
        target = 'type="omfwd" target="127.0.0.1" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"'
        self.rsyslogd(
            f"""
            input(type="imuxsock" Socket="{log_socket}" ruleset="relay")
            input(type="imtcp" port="0" address="127.0.0.1" listenPortFileName="{tcp_port}" ruleset="relay")
            ruleset(name="relay") {{ action({target} port="{self.server.port('syslog_tcp')}") }}
            """
        )
        self.wait_until("rsyslogd's sockets", lambda: log_socket.exists() and tcp_port.exists() and tcp_port.read_text().strip())
        common = ["logger", "--priority", "authpriv.crit", "--id=815"]
        event = "CEF:0|Acme|Gate|1.0|100|door opened|5|src=192.0.2.7"
        self.run_program([*common, "--socket", str(log_socket), "--tag", "private", event])
        data = ["--sd-id", "shop@32473", "--sd-param", 'order="42"', "--msgid", "ORDER"]
        relay = ["--server", "127.0.0.1", "--port", tcp_port.read_text().strip(), "--tcp", "--octet-count", "--rfc5424=notq"]
        self.run_program([*common, *relay, *data, "--tag", "relayed", "over TCP"], env=os.environ | {"TZ": "UTC"})
        self.wait_for_count("SELECT count(*) FROM logs", 2)
        rows = self.server.rows("SELECT app, host, severity, facility, msgid, attributes, trim(message) AS message FROM logs ORDER BY app")
        shared = {"host": HOST, "severity": 2, "facility": 10}
        private, relayed = rows
        attributes = {"shop@32473.order": "42"}
        self.assertEqual(relayed, {"app": "relayed", **shared, "msgid": "ORDER", "attributes": attributes, "message": "over TCP"})
        # rsyslog's template puts two blanks in front of what a local program said; the event behind them is read all the same.
        self.assertLessEqual({"app": "private", **shared, "message": event}.items(), private.items())
        self.assertEqual((private["attributes"] or {}).get("src"), "192.0.2.7", private)


if __name__ == "__main__":
    unittest.main()
