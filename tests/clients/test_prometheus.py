"""Prometheus as sender: it scrapes itself and Watchroom, writes to Watchroom, and keeps its own copy to compare with."""

import io
import json
import random
import socket
import threading
import time
import unittest
import urllib.parse
import urllib.request

import pyarrow.ipc

import remote_write
from server import ClientTest

CONFIGURATION = """
global: {{scrape_interval: 500ms, scrape_timeout: 400ms, external_labels: {{site: "test site"}}}}
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ["{prometheus}"], labels: {{room: "küche"}}}}]
  - job_name: watchroom
    static_configs: [{{targets: ["{watchroom}"]}}]
remote_write:
  - url: "http://{watchroom}/api/v1/write"
    queue_config: {{batch_send_deadline: 300ms, min_backoff: 50ms, max_backoff: 500ms}}
"""


def fixed_port():
    """A free port below those that the kernel gives to outgoing connections: it stays free while its server is down."""
    for _ in range(100):
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port between 20000 and 32000")


class PrometheusTest(ClientTest):
    # Commits happen while samples come in, so that the restart finds tables and log in every state.
    settings = {"WATCHROOM_TABLE_FLUSH_AGE_MS": "700"}

    def setUp(self):
        self.http = f"127.0.0.1:{fixed_port()}"
        super().setUp()
        self.prometheus = f"127.0.0.1:{fixed_port()}"
        configuration = self.folder / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(prometheus=self.prometheus, watchroom=self.http), "utf-8")
        command = ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={self.folder / 'tsdb'}"]
        self.start_program([*command, f"--web.listen-address={self.prometheus}"], "prometheus.log", cwd=self.folder)
        self.wait_until("Prometheus is ready", self.is_ready)

    def is_ready(self):
        try:
            return bool(self.instant("up"))
        except OSError:
            return False

    def instant(self, expression):
        """The result of an instant query of Prometheus."""
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"http://{self.prometheus}/api/v1/query?{query}", timeout=10) as answer:
            return json.load(answer)["data"]["result"]

    def scrapes_of_itself(self):
        (series,) = self.instant('count_over_time(up{job="prometheus"}[1h])') or [{"value": [0, "0"]}]
        return int(series["value"][1])

    def wait_for_scrapes(self, count):
        wanted = self.scrapes_of_itself() + count
        self.wait_until(f"{wanted} scrapes by Prometheus", lambda: self.scrapes_of_itself() >= wanted)

    def prometheus_samples(self, first_ms, last_ms):
        """What Prometheus has: series as text to a sorted list of (ms, value), NaN left out as in the view `metrics`."""
        samples = {}
        for series in self.instant('{job=~".+"}[1h]'):
            labels = series["metric"] | {"site": "test site"}
            values = [(round(float(at) * 1000), float(value)) for at, value in series["values"]]
            kept = [(at, value) for at, value in values if first_ms <= at <= last_ms and value == value]
            if kept:
                samples[json.dumps(labels, sort_keys=True)] = kept
        return samples

    def watchroom_samples(self, first_ms, last_ms):
        """What Watchroom has, in the same shape, read as Arrow so that values keep their bits."""
        body = self.server.ask("SELECT name, labels, timestamp, value FROM metrics WHERE labels['job'] IS NOT NULL", format="arrow")[1]
        samples = {}
        for row in pyarrow.ipc.open_stream(io.BytesIO(body)).read_all().to_pylist():
            at = round(row["timestamp"].timestamp() * 1000)
            if first_ms <= at <= last_ms:
                labels = json.dumps(dict(row["labels"]) | {"__name__": row["name"]}, sort_keys=True)
                samples.setdefault(labels, []).append((at, row["value"]))
        return {labels: sorted(values) for labels, values in samples.items()}

    def times_of_up(self, job):
        query = "SELECT timestamp FROM metrics WHERE name = 'up' AND labels['job'] = $1 ORDER BY timestamp"
        body = self.server.ask(query, parameters=[job], format="arrow")[1]
        column = pyarrow.ipc.open_stream(io.BytesIO(body)).read_all().column("timestamp")
        return [round(moment.timestamp() * 1000) for moment in column.to_pylist()]

    def wait_for_times_of_up(self, count):
        """The times of `up` by job, as soon as there are so many of each."""

        def enough():
            times = [self.times_of_up("prometheus"), self.times_of_up("watchroom")]
            return times if all(len(of_job) >= count for of_job in times) else None

        return self.wait_until(f"{count} samples of `up` of both jobs", enough)

    def test_values_and_labels_through_restarts(self):
        first_ms = max(of_job[0] for of_job in self.wait_for_times_of_up(2))
        for _ in range(2):
            self.server.stop()
            self.wait_for_scrapes(2)
            self.server.start()
            self.wait_for_scrapes(2)
        self.compare(first_ms, once=True)
        self.assertGreater(len(self.found), 400, "series")
        self.assertGreater(sum(map(len, self.found.values())), 2_000, "samples")
        self.check_series_known_once()
        self.check_up_and_build_info()
        doubled = "SELECT series_id, timestamp FROM samples GROUP BY series_id, timestamp HAVING count(*) > 1 LIMIT 5"
        self.assertEqual(self.server.rows(doubled), [])

    def test_crashes_lose_nothing_that_was_acknowledged(self):
        first_ms = max(of_job[0] for of_job in self.wait_for_times_of_up(2))
        for _ in range(2):
            self.server.crash()
            self.wait_for_scrapes(1)
            self.server.start()
            self.wait_for_scrapes(2)
        # What was stored when the answer could no longer be given comes again: the protocol is at least once.
        self.compare(first_ms, once=False)
        self.check_series_known_once()

    def compare(self, first_ms, once):
        """Waits until Watchroom has what Prometheus has, from `first_ms` to now."""
        last_ms = max(self.times_of_up("prometheus"))
        self.wait_until("a sample after the last start", lambda: self.times_of_up("prometheus")[-1] > last_ms)
        last_ms = self.times_of_up("prometheus")[-1]

        def same():
            self.expected, found = self.prometheus_samples(first_ms, last_ms), self.watchroom_samples(first_ms, last_ms)
            self.found = found if once else {labels: sorted(set(values)) for labels, values in found.items()}
            return self.expected == self.found

        try:
            self.wait_until("the same samples in Watchroom and in Prometheus", same, timeout_s=20)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.difference()}") from None

    def difference(self):
        """The first series that are not the same on both sides."""
        lines = [f"series: {len(self.expected)} in Prometheus, {len(self.found)} in Watchroom"]
        for labels in sorted(self.expected.keys() | self.found.keys()):
            expected, found = self.expected.get(labels, []), self.found.get(labels, [])
            if expected != found and len(lines) < 6:
                missing, surplus = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
                doubled = len(found) - len(set(found))
                lines.append(f"{labels}\n  missing {missing[:5]}\n  surplus {surplus[:5]}\n  doubled {doubled}")
        return "\n".join(lines)

    def check_series_known_once(self):
        known = self.server.rows("SELECT series_id, name, labels FROM series")
        names = {json.dumps([series["name"], series["labels"]], sort_keys=True) for series in known}
        ids = {series["series_id"] for series in known}
        self.assertEqual((len(ids), len(names)), (len(known), len(known)))
        orphans = "SELECT count(*) FROM samples WHERE series_id NOT IN (SELECT series_id FROM series)"
        self.assertEqual(self.server.value(orphans), 0)

    def check_up_and_build_info(self):
        # On a busy machine a scrape may time out: then `up` is 0.
        query = "SELECT DISTINCT host, labels, value FROM metrics WHERE name = 'up' AND labels['job'] = 'prometheus' AND value <> 0"
        (up,) = self.server.rows(query)
        labels = {"instance": self.prometheus, "job": "prometheus", "room": "küche", "site": "test site"}
        self.assertEqual(up, {"host": "127.0.0.1", "labels": labels, "value": 1})
        (info,) = self.server.rows("SELECT DISTINCT labels['version'] AS version, value FROM metrics WHERE name = 'prometheus_build_info'")
        (own,) = self.instant("prometheus_build_info")
        self.assertEqual(info, {"version": own["metric"]["version"], "value": 1})
        received = "SELECT count(*) FROM metrics WHERE name LIKE 'watchroom_%' AND labels['job'] = 'watchroom'"
        self.assertGreater(self.server.value(received), 0)


class RemoteWriteTest(ClientTest):
    def test_a_series_first_seen_in_several_requests_at_once_is_known_once(self):
        now_ms, series, senders = int(time.time() * 1000), 3_000, 4
        answers = []

        def send(sender):
            labels = ({"__name__": "race", "number": str(number)} for number in range(series))
            body = remote_write.request([(labels, [(now_ms + sender, 1.5)]) for labels in labels])
            answers.append(self.server.request("/api/v1/write", body, remote_write.HEADERS))

        threads = [threading.Thread(target=send, args=[sender]) for sender in range(senders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), senders)
        self.wait_for_count("SELECT count(*) FROM samples", series * senders)
        known = self.server.rows("SELECT count(*) AS series, count(DISTINCT series_id) AS ids FROM series")
        self.assertEqual(known, [{"series": series, "ids": series}])
        self.assertEqual(self.server.value("SELECT count(*) FROM metrics"), series * senders)


if __name__ == "__main__":
    unittest.main()
