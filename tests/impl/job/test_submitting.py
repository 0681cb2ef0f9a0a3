"""What jobs of jobs inherit, and that they are submitted once, whatever becomes of the connection."""

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from impl.job.submitting import inherit, submit_jobs
from impl.wire.client import UnreachableError
from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import decode_request, encode_result

PARENT = {"OP_ID": "OP_NODE_EVACUATE", "priority": 5, "dry_run": False, "debug_level": None, "reason": [["a", "b", 1]]}


def test_a_job_inherits_what_it_does_not_say_itself() -> None:
    op = {"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web1"}
    assert inherit(PARENT, op, 99) == {
        **op, "priority": 5, "dry_run": False,
        "reason": [["a", "b", 1], ["gnt:opcode:node_evacuate", "submitted by opcode", 99]],
    }  # fmt: skip
    found = inherit(PARENT, {**op, "priority": -5, "dry_run": True, "reason": [["c", "d", 2]]}, 99)
    assert (found["priority"], found["dry_run"]) == (-5, True)
    assert [entry[0] for entry in found["reason"]] == ["a", "c", "gnt:opcode:node_evacuate"]


def test_nothing_to_submit_needs_no_luxid() -> None:
    assert submit_jobs("/nowhere", PARENT, []) == []


@pytest.mark.parametrize("hang_ups", [0, 3])
def test_what_luxid_has_not_read_is_submitted_again(tmp_path: Path, hang_ups: int) -> None:
    """It hangs up on unread requests, as one that is being stopped; the one after it answers."""
    path = str(tmp_path / "s")
    seen: list[Any] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            for _ in range(hang_ups):
                connection, _ = listener.accept()
                connection.recv(1, socket.MSG_PEEK)
                connection.close()
            connection, _ = listener.accept()
            with connection:
                decoder = FrameDecoder()
                while not (messages := decoder.receive_data(connection.recv(4096))):
                    pass
                seen.extend(decode_request(messages[0]).args)
                connection.sendall(frame(encode_result([[True, 7]])))

        thread = threading.Thread(target=serve)
        thread.start()
        assert submit_jobs(path, PARENT, [[{"OP_ID": "OP_TEST_DELAY"}]]) == [[True, 7]]
        thread.join(10)
    assert [[op["OP_ID"] for op in job] for jobs in seen for job in jobs] == [["OP_TEST_DELAY"]]


def test_what_luxid_has_read_is_not_submitted_again(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(UnreachableError, match="connection closed"):
            submit_jobs(path, PARENT, [[{"OP_ID": "OP_TEST_DELAY"}]])
        thread.join(10)
