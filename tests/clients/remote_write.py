"""Prometheus remote write 1.0 requests, written by hand: protobuf `prometheus.WriteRequest` in snappy's block format."""

import struct

import pyarrow


def request(series):
    """The body for `series`, a list of (labels as a dict, samples as a list of (ms, value))."""
    encoded = b"".join(_message(1, _series(labels, samples)) for labels, samples in series)
    return pyarrow.compress(encoded, codec="snappy", asbytes=True)


HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def _series(labels, samples):
    pairs = b"".join(_message(1, _message(1, name.encode()) + _message(2, value.encode())) for name, value in sorted(labels.items()))
    return pairs + b"".join(_message(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(at_ms)) for at_ms, value in samples)


def _message(number, body):
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
