"""`curl` as sender with compressed bodies, and Python's own HTTP client on the SQL route in every format."""

import csv
import io
import json
import subprocess
import unittest
from datetime import date, datetime, timezone

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from server import ClientTest, Refused

FORMATS = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}
STAMP = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=timezone.utc)


def json_lines(events):
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events).encode()


class CurlTest(ClientTest):
    def curl(self, body, *options, query=""):
        """Status and answer of a push."""
        path = self.folder / "body"
        path.write_bytes(body)
        command = ["curl", "-sS", "--max-time", "30", "-w", "\n%{http_code}", "--data-binary", f"@{path}", *options]
        out = self.run_program([*command, self.server.url("/insert/jsonline" + query)]).decode()
        answer, status = out.rsplit("\n", 1)
        return int(status), json.loads(answer)

    def compressed(self, program, body):
        return subprocess.run([program, "-c"], input=body, capture_output=True, check=True).stdout

    def test_plain_gzip_and_zstd_bodies(self):
        for encoding in ("identity", "gzip", "zstd"):
            events = [{"time": STAMP.isoformat(), "app": encoding, "msg": f"{encoding} {at} größer", "n": at} for at in range(500)]
            body = json_lines(events)
            if encoding != "identity":
                body = self.compressed(encoding, body)
            answer = self.curl(body, "-H", f"Content-Encoding: {encoding}")
            self.assertEqual(answer, (200, {"accepted": 500, "errors": []}))
        self.wait_for_count("SELECT count(*) FROM logs", 1500)
        query = """SELECT app, count(*) AS events, count(DISTINCT message) AS messages, sum(CAST(attributes['n'] AS BIGINT)) AS total,
            min(timestamp) AS first, max(timestamp) AS last
            FROM logs WHERE message LIKE concat(app, ' % größer') GROUP BY app ORDER BY app"""
        stamp = "2024-02-29T23:59:59.123456Z"
        each = {"events": 500, "messages": 500, "total": 499 * 500 // 2, "first": stamp, "last": stamp}
        self.assertEqual(self.server.rows(query), [{"app": encoding, **each} for encoding in ("gzip", "identity", "zstd")])

    def test_chunked_old_and_large_requests(self):
        event = json_lines([{"msg": "small"}])
        ways = (["-H", "Transfer-Encoding: chunked"], ["--http1.0"], ["-H", "Content-Type: application/stream+json"])
        for options in ways:
            self.assertEqual(self.curl(event, *options), (200, {"accepted": 1, "errors": []}), options)
        # Over 1 MiB curl asks first (Expect: 100-continue).
        large = json_lines({"msg": "x" * 1000, "n": at} for at in range(3000))
        self.assertEqual(self.curl(large), (200, {"accepted": 3000, "errors": []}))
        self.wait_for_count("SELECT count(*) FROM logs", 3000 + len(ways))

    def test_named_fields_and_lines_that_are_no_json(self):
        body = json_lines([{"when": 1_709_251_199, "text": "named", "msg": "other"}]) + b"no JSON at all\n[1, 2]\n"
        status, answer = self.curl(body, query="?_time_field=when&_msg_field=text")
        self.assertEqual((status, answer["accepted"], [error["line"] for error in answer["errors"]]), (200, 3, [2, 3]))
        self.wait_for_count("SELECT count(*) FROM logs", 3)
        rows = self.server.rows("SELECT timestamp, message, attributes, parse_error FROM logs ORDER BY parse_error NULLS FIRST")
        named = {"timestamp": "2024-02-29T23:59:59Z", "message": "named", "attributes": {"msg": "other"}, "parse_error": None}
        self.assertEqual(rows[0], named)
        kept = [(row["message"], row["parse_error"]) for row in rows[1:]]
        self.assertEqual(kept, [("no JSON at all", "not JSON"), ("[1, 2]", "not a JSON object")])

    def test_what_is_not_taken_is_told_and_not_stored(self):
        event = json_lines([{"msg": "m"}])
        bomb = self.compressed("gzip", bytes(80 << 20))
        cases = [
            (400, b"nonsense", ["-H", "Content-Encoding: gzip"]),
            (400, self.compressed("gzip", event * 1000)[:-9], ["-H", "Content-Encoding: gzip"]),
            (415, event, ["-H", "Content-Encoding: br"]),
            (413, bomb, ["-H", "Content-Encoding: gzip"]),
            (413, b"x" * ((16 << 20) + 1), []),
            (403, event, ["-H", "Origin: https://evil.example"]),
            (403, event, ["-H", "Host: evil.example"]),
            (401, event, ["-H", "Authorization: Bearer wrong"]),
        ]
        for expected, body, options in cases:
            with self.subTest(options=options, status=expected):
                status, answer = self.curl(body, *options)
                self.assertEqual((status, answer["status"]), (expected, expected), answer)
                self.assertTrue(answer["detail"])
        self.assertEqual(self.curl(event)[0], 200)
        self.wait_for_count("SELECT count(*) FROM logs", 1)


class SqlTest(ClientTest):
    MESSAGES = ["plain", 'comma, "quotes"\nand a line', "=1+1", "tab\tund Größe 😀", "back\\slash 'quote'"]
    QUERY = """SELECT timestamp, date, app, severity, severity / 4.0 AS quarter, severity > 3 AS calm, message, attributes, facility,
        9007199254740993 + severity AS big FROM logs ORDER BY severity"""
    TYPES = {
        "timestamp": pa.timestamp("us", "UTC"),
        "date": pa.date32(),
        "severity": pa.int8(),
        "quarter": pa.float64(),
        "calm": pa.bool_(),
        "facility": pa.int8(),
        "big": pa.int64(),
    }

    def setUp(self):
        super().setUp()
        events = []
        for severity, message in enumerate(self.MESSAGES):
            app = {"app": f"app {severity}"} if severity else {}
            events.append({"time": STAMP.isoformat(), "severity": severity, "msg": message, "k,ey": f'va"lue {severity}', **app})
        self.server.request("/insert/jsonline", json_lines(events))
        self.wait_for_count("SELECT count(*) FROM logs", len(events))

    def expected(self):
        for severity, message in enumerate(self.MESSAGES):
            yield {
                "timestamp": STAMP,
                "date": date(2024, 2, 29),
                "app": f"app {severity}" if severity else None,
                "severity": severity,
                "quarter": severity / 4,
                "calm": severity > 3,
                "message": message,
                "attributes": {"k,ey": f'va"lue {severity}'},
                "facility": None,
                "big": 9007199254740993 + severity,
            }

    def read(self, format, query, **options):
        """The rows in Python's types, whatever format they came in."""
        headers, body = self.server.ask(query, format=format, **options)
        self.assertEqual(headers["Content-Type"].split(";")[0], FORMATS[format])
        if format == "json":
            return [revived(row) for row in json.loads(body)["rows"]]
        if format == "ndjson":
            return [revived(json.loads(line)) for line in body.splitlines()]
        if format == "csv":
            return [revived(from_csv(row)) for row in csv.DictReader(io.StringIO(body.decode(), newline=""))]
        table = pa.ipc.open_stream(body).read_all() if format == "arrow" else pa.parquet.read_table(io.BytesIO(body))
        for name, kind in self.TYPES.items():
            if name in table.column_names:
                self.assertEqual(table.schema.field(name).type, kind, name)
        return [row | {"attributes": dict(row["attributes"])} if "attributes" in row else row for row in table.to_pylist()]

    def test_all_formats_give_the_same_rows(self):
        for format in FORMATS:
            with self.subTest(format=format):
                self.assertEqual(self.read(format, self.QUERY), list(self.expected()))

    def test_an_answer_without_rows_in_all_formats(self):
        for format in FORMATS:
            with self.subTest(format=format):
                self.assertEqual(self.read(format, self.QUERY.replace("ORDER", "WHERE app = 'none' ORDER")), [])

    def test_a_formula_is_no_formula_in_a_spreadsheet(self):
        text = self.server.ask("SELECT message FROM logs WHERE message LIKE '=%'", format="csv")[1].decode()
        self.assertEqual(text, 'message\r\n"\'=1+1"\r\n')

    def test_answers_of_many_batches(self):
        count = 30_000
        self.server.request("/insert/jsonline", json_lines({"app": "many", "msg": f"m{at}"} for at in range(count)))
        self.wait_for_count("SELECT count(*) FROM logs WHERE app = 'many'", count)
        expected = {f"m{at}" for at in range(count)}
        for format in FORMATS:
            with self.subTest(format=format):
                messages = [row["message"] for row in self.read(format, "SELECT message FROM logs WHERE app = 'many'")]
                self.assertEqual(len(messages), count)
                self.assertEqual(set(messages), expected)

    def test_parameters_and_versions(self):
        by_place = self.server.rows("SELECT message FROM logs WHERE severity = $1 AND date = $2", parameters=[2, "2024-02-29"])
        by_name = self.server.rows("SELECT message FROM logs WHERE severity = $level", parameters={"level": 2})
        self.assertEqual((by_place, by_name), ([{"message": "=1+1"}], [{"message": "=1+1"}]))
        self.server.flush()
        headers, _ = self.server.ask("SELECT count(*) FROM logs")
        versions = json.loads(headers["X-Watchroom-Delta-Versions"])
        self.server.request("/insert/jsonline", json_lines([{"msg": "later"}]))
        self.wait_for_count("SELECT count(*) FROM logs", len(self.MESSAGES) + 1)
        self.assertEqual(self.server.value("SELECT count(*) FROM logs", at_version=versions), len(self.MESSAGES))

    def test_what_is_refused(self):
        cases = [
            (400, {"query": "SELECT * FROM nothing"}),
            (400, {"query": "SELECT nothing FROM logs"}),
            (400, {"query": "SELEC 1"}),
            (400, {"query": "SELECT 1", "format": "xml"}),
            (400, {"query": "SELECT 1", "parameters": 7}),
            (400, {"query": "SELECT 1", "surplus": 7}),
            (400, {"query": "SELECT $1"}),
            (403, {"query": "DELETE FROM logs"}),
            (403, {"query": "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'"}),
            (403, {"query": "COPY logs TO '/tmp/x.csv'"}),
            (422, {"query": "SELECT * FROM logs", "max_rows": 2}),
        ]
        for expected, body in cases:
            with self.subTest(**body):
                with self.assertRaises(Refused) as refused:
                    self.server.request("/api/v1/sql", json.dumps(body).encode())
                answer = json.loads(refused.exception.body)
                self.assertEqual((refused.exception.status, answer["status"]), (expected, expected), answer)
                self.assertTrue(answer["detail"])
        self.assertEqual(len(self.server.rows("SELECT * FROM logs", max_rows=2, truncate=True)), 2)
        for expected, path, body in ((404, "/nowhere", None), (405, "/api/v1/sql", None), (400, "/api/v1/sql", b"no JSON")):
            with self.assertRaises(Refused) as refused:
                self.server.request(path, body)
            self.assertEqual(refused.exception.status, expected, path)


def revived(row):
    """JSON's texts for moments and days as Python's."""
    moments = {"timestamp": datetime.fromisoformat, "date": date.fromisoformat}
    return {name: moments[name](value) if name in moments else value for name, value in row.items()}


def from_csv(row):
    """Cells of the CSV as JSON would give them."""
    numbers = {"severity": int, "quarter": float, "big": int, "calm": json.loads, "attributes": json.loads}
    cells = {name: None if cell == "" else numbers.get(name, str)(cell) for name, cell in row.items()}
    if (cells["message"] or "").startswith("'="):
        cells["message"] = cells["message"][1:]
    return cells


if __name__ == "__main__":
    unittest.main()
