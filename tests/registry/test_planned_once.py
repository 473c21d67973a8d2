"""What every upload asks is planned once for a connection: no step of an upload throws the plans away."""

import pytest
from django.db import connection


@pytest.mark.django_db(transaction=True)
def test_uploads_go_on_with_the_statements_of_those_before(publish):
    connection.close()
    for number in range(3):
        publish(f"orders.{number}", {"type": "object", "properties": {f"field_{number}": {"type": "string"}}})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(generic_plans + custom_plans) FROM pg_prepared_statements WHERE statement LIKE '%(needs_approval%'"
        )
        assert cursor.fetchone()[0] == 3 * 3, "three looks at each subject"
