"""The table of limits in the documentation."""

from docs.generator.limits import limits, table
from impl.limits import MAX_JOB_ID


def test_the_table_shows_each_limit_with_its_value_and_sentence() -> None:
    assert "| `MAX_JOB_ID` | `2 ** 53 - 1` | The largest id of a job: every JSON reader holds it exactly. |" in table()
    assert MAX_JOB_ID == 2**53 - 1


def test_constants_without_a_sentence_are_left_out() -> None:
    assert limits('A = 1\nB = 2\n"""The second."""\nC = 3\n') == [("B", "2", "The second.")]
