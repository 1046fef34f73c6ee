"""`deltalake` and DuckDB (its own Delta reader) read the tables while the server writes them."""

import glob
import importlib.util
import json
import socket
import threading
import unittest

import deltalake
import duckdb
import pyarrow as pa
import pyarrow.compute as pc

import remote_write
from server import ClientTest

DAYS = ["2024-02-29", "2024-03-01"]
ROUND_PAUSE_S = 0.12
MAX_ROUNDS = 400
LINES = 150
OLD_SERIES = 20
VERSIONS_READ = 6
FILES_COMPACTED = 8

LOGS = {
    "timestamp": "timestamp",
    "received_at": "timestamp",
    "host": "string",
    "app": "string",
    "severity": "byte",
    "facility": "byte",
    "pid": "string",
    "msgid": "string",
    "message": "string",
    "attributes": "map<string,string>",
    "source": "string",
    "peer": "string",
    "template_id": "long",
    "parse_error": "string",
    "raw": "binary",
    "date": "date",
}
SERIES = {
    "series_id": "long",
    "name": "string",
    "host": "string",
    "labels": "map<string,string>",
    "kind": "string",
    "unit": "string",
    "first_seen": "timestamp",
}
SAMPLES = {"series_id": "long", "timestamp": "timestamp", "value": "double", "date": "date"}

DUCKDB_TYPES = {
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "string": "VARCHAR",
    "byte": "TINYINT",
    "long": "BIGINT",
    "double": "DOUBLE",
    "binary": "BLOB",
    "date": "DATE",
    "map<string,string>": "MAP(VARCHAR, VARCHAR)",
}


def duckdb_with_delta():
    """DuckDB with its extension `delta` from the installed package; DuckDB checks the extension's signature itself."""
    database = duckdb.connect(config={"autoinstall_known_extensions": False, "threads": 2})
    (package,) = importlib.util.find_spec("duckdb_extension_delta").submodule_search_locations
    (extension,) = glob.glob(f"{package}/extensions/v{duckdb.__version__}/delta.duckdb_extension")
    database.load_extension(extension)
    return database


class Load(threading.Thread):
    """Sends log lines over TCP and samples by remote write until it is told to end, and remembers how many."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.enough = threading.Event()
        self.rounds = self.lines = self.samples = self.series = 0
        self.failure = None

    def run(self):
        try:
            with socket.create_connection(("127.0.0.1", int(self.server.port("syslog_tcp")))) as connection:
                while self.rounds < MAX_ROUNDS and not self.enough.wait(ROUND_PAUSE_S):
                    connection.sendall(self.next_lines())
                    self.send_samples(self.rounds)
                    self.rounds += 1
        except Exception as error:  # told by the test
            self.failure = error

    def next_lines(self):
        lines = []
        for _ in range(LINES):
            at, day = self.lines, DAYS[self.lines % len(DAYS)]
            stamp = f"{day}T12:{at // 60 % 60:02}:{at % 60:02}.{at % 1_000_000:06}Z"
            lines.append(f'<{8 * 16 + at % 8}>1 {stamp} host{at % 3} loader {at} LOAD [load@32473 n="{at}"] id={at}\n')
            self.lines += 1
        return "".join(lines).encode()

    def send_samples(self, number):
        # Rounds take turns with the days; each brings a series that was not there before.
        at_ms = (1_709_208_000_000, 1_709_294_400_000)[number % 2] + number
        labels = [{"__name__": "load", "instance": f"host{series}:9100"} for series in range(OLD_SERIES)]
        labels.append({"__name__": "load_new", "round": str(number)})
        body = remote_write.request([(of_one, [(at_ms, number + 0.25)]) for of_one in labels])
        self.server.request("/api/v1/write", body, remote_write.HEADERS)
        self.samples += len(labels)
        self.series = OLD_SERIES + number + 1


class DeltaReadersTest(ClientTest):
    settings = {"WATCHROOM_TABLE_FLUSH_AGE_MS": "500", "WATCHROOM_TABLE_CHECKPOINT_INTERVAL_COMMITS": "4"}

    def setUp(self):
        super().setUp()
        self.duckdb = duckdb_with_delta()
        self.addCleanup(self.duckdb.close)

    def delta(self, table):
        return deltalake.DeltaTable(self.server.table(table))

    def by_duckdb(self, query):
        """One row of a statement in which {logs}, {series} and {samples} are the Delta tables."""
        tables = {name: f"delta_scan('{self.server.table(name)}')" for name in ("logs", "series", "samples")}
        return self.duckdb.execute(query.format(**tables)).fetchone()

    def load(self):
        load = Load(self.server)
        load.start()
        self.addCleanup(load.enough.set)
        return load

    def finish(self, load):
        load.enough.set()
        load.join(60)
        self.assertFalse(load.is_alive(), "the load ends")
        if load.failure:
            raise load.failure
        self.wait_for_count("SELECT count(*) FROM logs", load.lines)
        self.wait_for_count("SELECT count(*) FROM samples", load.samples)
        self.server.flush()

    def logs_by_deltalake(self):
        """Version and number of rows, after the check that no id comes twice."""
        table = self.delta("logs")
        ids = table.to_pyarrow_table(columns=["message"]).column("message")
        self.assertEqual(pc.count_distinct(ids).as_py(), len(ids), f"ids doubled in version {table.version()}")
        return table.version(), len(ids)

    def logs_by_duckdb(self):
        rows, ids = self.by_duckdb("SELECT count(*), count(DISTINCT message) FROM {logs}")
        self.assertEqual(ids, rows, "ids doubled")
        return rows

    def metrics_by_deltalake(self):
        """Number of samples; every sample that can be read has its series, which was committed before it."""
        samples = self.delta("samples").to_pyarrow_table(columns=["series_id", "timestamp"])
        series = self.delta("series").to_pyarrow_table(columns=["series_id"]).column("series_id")
        self.assertEqual(samples.group_by(["series_id", "timestamp"]).aggregate([]).num_rows, len(samples), "samples doubled")
        self.assertEqual(pc.count_distinct(series).as_py(), len(series), "series doubled")
        orphans = pc.sum(pc.invert(pc.is_in(samples.column("series_id"), value_set=series.combine_chunks()))).as_py()
        self.assertIn(orphans, (0, None), "samples without series")
        return len(samples)

    def test_reading_while_the_server_writes(self):
        load = self.load()
        versions, readers = set(), {"deltalake": 0, "duckdb": 0, "samples": 0}
        while len(versions) < VERSIONS_READ and load.is_alive():
            version, rows = self.logs_by_deltalake()
            versions.add(version)
            counts = {"deltalake": rows, "duckdb": self.logs_by_duckdb(), "samples": self.metrics_by_deltalake()}
            for reader, count in counts.items():
                self.assertGreaterEqual(count, readers[reader], f"{reader} sees fewer rows than before")
            self.assertGreaterEqual(counts["duckdb"], counts["deltalake"], "read later, so never fewer")
            readers = counts
        self.finish(load)
        self.assertEqual(len(versions), VERSIONS_READ, f"versions read during the load: {sorted(versions)}")
        self.assertEqual(self.logs_by_deltalake()[1], load.lines)
        self.assertEqual(self.logs_by_duckdb(), load.lines)
        self.assertEqual(self.metrics_by_deltalake(), load.samples)
        joined = """SELECT count(*), count(DISTINCT s.series_id), sum(value) FROM {samples} s JOIN {series} USING (series_id)
            WHERE name LIKE 'load%'"""
        total = sum((OLD_SERIES + 1) * (number + 0.25) for number in range(load.rounds))
        self.assertEqual(self.by_duckdb(joined), (load.samples, load.series, total))
        self.check_values(load)
        self.check_versions_of_the_past()

    def check_values(self, load):
        """A line as each reader gives it, and by SQL."""
        expected = (f"host{7 % 3}", "loader", 7, 16, "7", "LOAD", "id=7", "7", "2024-03-01", 1_709_294_407_000_007)
        columns = "host, app, severity, facility, pid, msgid, message, attributes['load@32473.n']"
        times = "CAST(date AS VARCHAR), epoch_us(timestamp)"
        self.assertEqual(self.by_duckdb(f"SELECT {columns}, {times} FROM {{logs}} WHERE message = 'id=7'"), expected)
        table = self.delta("logs").to_pyarrow_table(filters=[("message", "=", "id=7")])
        (row,) = table.to_pylist()
        (moment,) = table.column("timestamp").cast(pa.int64()).to_pylist()
        attribute = dict(row["attributes"])["load@32473.n"]
        found = tuple(row[name] for name in columns.split(", ")[:-1]) + (attribute, row["date"].isoformat(), moment)
        self.assertEqual(found, expected)
        numbers = self.server.value("SELECT count(DISTINCT CAST(substr(message, 4) AS BIGINT)) FROM logs")
        self.assertEqual(numbers, load.lines)

    def check_versions_of_the_past(self):
        """Every version can still be read, and the rows that each commit names add up."""
        table, rows = self.delta("logs"), []
        for version in range(table.version() + 1):
            past = deltalake.DeltaTable(self.server.table("logs"), version=version)
            rows.append(pa.table(past.get_add_actions(flatten=True)).column("num_records").to_pylist())
        totals = [sum(of_one) for of_one in rows]
        self.assertEqual(totals, sorted(totals))
        self.assertEqual(len(set(totals)), len(totals), "a commit without rows")
        self.assertTrue(glob.glob(self.server.table("logs") + "/_delta_log/*.checkpoint.parquet"), "no checkpoint was written")

    def test_schema_protocol_and_pruning(self):
        load = self.load()
        self.wait_until("five rounds of the load", lambda: load.rounds >= 5 or load.failure)
        self.finish(load)
        for name, columns in (("logs", LOGS), ("series", SERIES), ("samples", SAMPLES)):
            with self.subTest(table=name):
                self.check_schema(name, columns)
        for name in ("logs", "samples"):
            with self.subTest(table=name):
                self.check_pruning(name)

    def check_schema(self, name, columns):
        table = self.delta(name)
        protocol = table.protocol()
        self.assertEqual((protocol.min_reader_version, protocol.min_writer_version), (1, 2))
        self.assertEqual((protocol.reader_features, protocol.writer_features), (None, None))
        self.assertEqual(table.metadata().partition_columns, ["date"] if "date" in columns else [])
        found = {}
        for field in json.loads(table.schema().to_json())["fields"]:
            kind = field["type"]
            found[field["name"]] = kind if isinstance(kind, str) else f"{kind['type']}<{kind['keyType']},{kind['valueType']}>"
        self.assertEqual(list(found.items()), list(columns.items()))
        arrow = table.to_pyarrow_dataset().schema
        for column in (column for column, kind in columns.items() if kind == "timestamp"):
            self.assertEqual(arrow.field(column).type, pa.timestamp("us", "UTC"))
        described = self.duckdb.execute(f"DESCRIBE SELECT * FROM delta_scan('{self.server.table(name)}')").fetchall()
        self.assertEqual([(row[0], row[1]) for row in described], [(column, DUCKDB_TYPES[kind]) for column, kind in columns.items()])

    def check_pruning(self, name):
        table, every = self.delta(name), set(self.delta(name).file_uris())
        of_days = [set(table.file_uris(file_pruning_predicate=f"date = '{day}'")) for day in DAYS]
        self.assertTrue(all(of_days), "files of both days")
        self.assertEqual((of_days[0] | of_days[1], of_days[0] & of_days[1]), (every, set()))
        by_time = table.file_uris(file_pruning_predicate=f"timestamp < '{DAYS[1]}T00:00:00Z'")
        self.assertEqual(set(by_time), of_days[0], "pruned by the statistics of `timestamp`")
        rows = self.server.value(f"SELECT count(*) FROM {name} WHERE date = DATE '{DAYS[0]}'")
        # Plain Parquet files, for readers that know no Delta at all.
        files = self.duckdb.execute("SELECT count(*) FROM read_parquet($1, hive_partitioning = false)", [sorted(of_days[0])])
        self.assertEqual(files.fetchone(), (rows,))
        nothing = {"logs": "host = 'zzz'", "samples": "value > 1e9"}[name]
        for condition, files, count in ((f"date = '{DAYS[0]}'", len(of_days[0]), rows), (nothing, 0, 0)):
            self.assertEqual(self.by_duckdb(f"SELECT count(*) FROM {{{name}}} WHERE {condition}"), (count,))
            query = f"EXPLAIN ANALYZE SELECT * FROM delta_scan('{self.server.table(name)}') WHERE {condition}"
            plan = self.duckdb.execute(query).fetchone()[1]
            self.assertIn(f"Scanning Files: {files}/{len(every)}", plan)
        actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
        for action in actions:
            day = action["partition.date"].isoformat()
            self.assertEqual({action["min.timestamp"].date().isoformat(), action["max.timestamp"].date().isoformat()}, {day})

    def test_another_program_compacts_while_the_server_writes(self):
        load = self.load()
        compacted = 0
        while compacted < FILES_COMPACTED and load.is_alive():
            compacted += self.compact()
            _, rows = self.logs_by_deltalake()
            self.assertLessEqual(rows, load.lines)
        self.finish(load)
        self.assertGreaterEqual(compacted, FILES_COMPACTED, "files that were compacted during the load")
        self.compact()
        self.check_logs_everywhere(load.lines)
        # The server has to notice that its files are no longer part of the table before they are gone.
        with socket.create_connection(("127.0.0.1", int(self.server.port("syslog_tcp")))) as connection:
            connection.sendall(f"<13>1 {DAYS[0]}T23:00:00Z host0 loader - - - id={load.lines}\n".encode())
        self.wait_for_count("SELECT count(*) FROM logs", load.lines + 1)
        self.server.flush()
        removed = self.delta("logs").vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        self.assertGreaterEqual(len(removed), FILES_COMPACTED)
        self.check_logs_everywhere(load.lines + 1)
        self.server.stop()
        self.server.start()
        self.check_logs_everywhere(load.lines + 1)

    def compact(self):
        """Files that were replaced by larger ones; 0 where the server's commit came first."""
        try:
            return self.delta("logs").optimize.compact()["numFilesRemoved"]
        except deltalake.exceptions.CommitFailedError:
            return 0

    def check_logs_everywhere(self, lines):
        self.assertEqual(self.server.value("SELECT count(DISTINCT message) FROM logs"), lines)
        self.assertEqual(self.server.value("SELECT count(*) FROM logs"), lines)
        self.assertEqual(self.logs_by_deltalake()[1], lines)
        self.assertEqual(self.logs_by_duckdb(), lines)


if __name__ == "__main__":
    unittest.main()
