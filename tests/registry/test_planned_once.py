"""What every upload asks is planned once for a connection: no step of an upload throws the plans away."""

import pytest
from django.db import connection


@pytest.mark.django_db(transaction=True)
def test_uploads_go_on_with_the_statements_of_those_before(publish):
    publish("orders.0", _schema(0))
    before = _looks_with_the_same_plan()
    for number in (1, 2):
        publish(f"orders.{number}", _schema(number))
    assert _looks_with_the_same_plan() - before == 2 * 2, "two looks at each subject"


def _schema(number: int) -> dict[str, object]:
    return {"type": "object", "properties": {f"field_{number}": {"type": "string"}}}


def _looks_with_the_same_plan() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(generic_plans + custom_plans) FROM pg_prepared_statements WHERE statement LIKE '%(needs_approval%'"
        )
        return int(cursor.fetchone()[0])
