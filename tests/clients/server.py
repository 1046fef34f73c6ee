"""A Watchroom server of its own for each test: started on free ports in a temporary folder, ended by its process id."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
WAIT_TIMEOUT_S = 40
POLL_S = 0.1
STDERR_LINES_SHOWN = 60


def binary():
    """The program under test; `run` sets the variable."""
    path = os.environ.get("WATCHROOM_BIN")
    if not path or not os.access(path, os.X_OK):
        sys.exit(f"WATCHROOM_BIN is `{path}`, which is no program; set it to the built watchroom binary")
    return str(Path(path).resolve())


class Refused(Exception):
    """An answer of the server that is no success: its status and its problem document."""

    def __init__(self, status, body):
        super().__init__(f"HTTP {status}: {body[:2000]}")
        self.status = status
        self.body = body


class Server:
    """One process of `watchroom serve`; may be stopped and started again on the same data and ports."""

    def __init__(self, folder, http="127.0.0.1:0", settings=None):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.stderr_path = self.folder / "watchroom.stderr"
        self.settings = settings or {}
        self.address = {"http": http, "syslog_tcp": "127.0.0.1:0", "syslog_udp": "127.0.0.1:0"}
        self.process = None

    def start(self):
        """Returns when the server has said on stdout where it listens."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WATCHROOM_")}
        command = [binary(), "serve", "--data", str(self.data)]
        for key, value in self.address.items():
            command += ["--" + key.replace("_", "-"), value]
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, env=clean | self.settings | {"TZ": "UTC"}
            )
        line = self._first_line()
        try:
            listening = json.loads(line)
        except ValueError as error:
            raise AssertionError(f"the first line on stdout is not one JSON object ({error}): {line!r}\n{self.stderr()}") from error
        for key in self.address:
            self.address[key] = listening[key]
        return self

    def _first_line(self):
        ready, _, _ = select.select([self.process.stdout], [], [], START_TIMEOUT_S)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not say where it listens within {START_TIMEOUT_S} s\n{self.stderr()}")
        return line

    def stop(self):
        """SIGTERM to the server's own process id; it must end with 0."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = f"none within {STOP_TIMEOUT_S} s"
        process.stdout.close()
        if code != 0:
            raise AssertionError(f"exit code after SIGTERM: {code}")
        bad = [line for line in self.stderr_path.read_text("utf-8", "replace").splitlines() if re.search(r" ERROR |panicked|BUG:", line)]
        if bad:
            raise AssertionError("the server reported errors:\n" + "\n".join(bad[:10]))

    def crash(self):
        """SIGKILL: the server gets no chance to write anything more."""
        process, self.process = self.process, None
        process.kill()
        process.wait()
        process.stdout.close()

    def port(self, which):
        return self.address[which].rsplit(":", 1)[1]

    def url(self, path):
        return f"http://{self.address['http']}{path}"

    def table(self, name):
        """Folder of a Delta table."""
        return str(self.data / "tables" / name)

    def request(self, path, body=None, headers=None):
        """Headers and body of the answer; raises `Refused` unless it is a success."""
        request = urllib.request.Request(self.url(path), data=body, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=WAIT_TIMEOUT_S) as answer:
                return answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, error.read().decode("utf-8", "replace")) from None

    def ask(self, query, format="json", **options):
        """The raw answer to a statement: headers and bytes."""
        body = json.dumps({"query": query, "format": format, **options}).encode()
        return self.request("/api/v1/sql", body, {"Content-Type": "application/json"})

    def rows(self, query, **options):
        """The answer as a list of objects."""
        answer = json.loads(self.ask(query, **options)[1])
        if "error" in answer:
            raise AssertionError(f"the answer ended in an error: {answer['error']}\n{self.stderr()}")
        return answer["rows"]

    def value(self, query, **options):
        """The single value of a statement that gives one."""
        (row,) = self.rows(query, **options)
        (value,) = row.values()
        return value

    def flush(self):
        """All rows are committed to the Delta tables when this returns."""
        self.request("/api/v1/flush", b"")

    def metric(self, name):
        """Sum of a metric of the server over its labels."""
        text = self.request("/metrics")[1].decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(name + r"[ {]", line))

    def stderr(self):
        """The end of what the server said."""
        lines = self.stderr_path.read_text("utf-8", "replace").splitlines() if self.stderr_path.exists() else []
        shown = "\n".join(lines[-STDERR_LINES_SHOWN:])
        return f"--- the server's stderr, last {min(len(lines), STDERR_LINES_SHOWN)} of {len(lines)} lines ---\n{shown}\n---"


class ClientTest(unittest.TestCase):
    """A test with a temporary folder, a server, and programs beside it that are ended with the test."""

    maxDiff = 4000
    settings = {}
    http = "127.0.0.1:0"

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="watchroom-clients-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = Server(self.folder, self.http, self.settings)
        self.addCleanup(self._stop_server)
        self.server.start()

    def _stop_server(self):
        try:
            self.server.stop()
        finally:
            self.said = self.server.stderr()

    def run(self, result=None):
        """As in the base class; after a failure the server's stderr is shown."""
        failed = len(result.failures) + len(result.errors) if result is not None else 0
        outcome = super().run(result)
        if result is not None and len(result.failures) + len(result.errors) > failed:
            print(f"\n{self.id()}\n{getattr(self, 'said', '')}", file=sys.stderr, flush=True)
        return outcome

    def wait_until(self, what, probe, timeout_s=WAIT_TIMEOUT_S):
        """Polls `probe` until it gives something true, and returns that; `what` is said if it does not come."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = probe()
            if found:
                return found
            if time.monotonic() > deadline:
                self.fail(f"after {timeout_s} s still not: {what}")
            time.sleep(POLL_S)

    def wait_for_count(self, query, expected, timeout_s=WAIT_TIMEOUT_S):
        """Polls a count until it is `expected`; more than that is a failure at once."""
        deadline = time.monotonic() + timeout_s
        while True:
            count = self.server.value(query)
            if count == expected:
                return
            if count > expected or time.monotonic() > deadline:
                self.fail(f"{count} instead of {expected}: {query}")
            time.sleep(POLL_S)

    def start_program(self, command, log, **options):
        """A program that runs beside the test; SIGTERM at its end."""
        path = self.folder / log
        with open(path, "ab") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)
        self.addCleanup(end_program, process)
        return process

    def run_program(self, command, **options):
        """A program that ends by itself with 0; its stdout."""
        done = subprocess.run(command, capture_output=True, timeout=WAIT_TIMEOUT_S, **options)
        if done.returncode != 0:
            self.fail(f"exit code {done.returncode}: {command}\n{done.stderr.decode('utf-8', 'replace')}")
        return done.stdout


def end_program(process):
    """Ends a program by its own process id."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
