"""Requests made up from the OpenAPI document: whatever comes, no answer is a server's error, and each is one that the document tells.

The long form: WATCHROOM_FUZZ_SECONDS=600 tests/clients/run -v test_openapi
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from server import ClientTest

FUZZ_S = int(os.environ.get("WATCHROOM_FUZZ_SECONDS", "30"))
# Beyond the time that it is given: reading the document, the request under way.
PATIENCE_S = 120

CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
# Their bodies are of kinds that are not made up from a schema; they have tests of their own.
OTHER_BODIES = ["/api/v1/write", "/insert/jsonline"]

# Sometimes the program makes up a request without the body that it must have, and then cannot tell which of two media types none is.
NO_BODY = "Can not detect appropriate media type"


class FuzzTest(ClientTest):
    # What is made up may name people to be told, and nobody is to be told anything by a test: messages wait in the outbox.
    settings = {"WATCHROOM_DESK_SEND": "false"}

    def test_made_up_requests_get_the_answers_that_are_documented(self):
        program, document = Path(sys.executable).with_name("schemathesis"), self.server.url("/api/v1/openapi.json")
        command = [str(program), "--no-color", "fuzz", document, "--max-time", str(FUZZ_S), "--workers", "2", "--checks", ",".join(CHECKS)]
        command += ["--generation-database", "none", "--continue-on-failure", "--max-failures", "10"]
        for path in OTHER_BODIES:
            command += ["--exclude-path", path]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=FUZZ_S + PATIENCE_S)
        said = done.stdout[-8000:] + done.stderr[-2000:]
        sent = re.search(r"(\d+) generated, (\d+) passed$", done.stdout, re.MULTILINE)
        self.assertTrue(sent and int(sent[1]) > 100 and sent[1] == sent[2], said)
        faults = re.findall(r"^  🚫 (.+): (\d+)$", done.stdout, re.MULTILINE)
        self.assertTrue(done.returncode == 0 or faults == [("Runtime Error", "1")] and NO_BODY in done.stdout, said)
        print(f"\n{FUZZ_S} s of made-up requests: {sent[0]}", file=sys.stderr)
        self.assertEqual(self.server.value("SELECT 1"), 1)
