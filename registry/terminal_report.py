"""What an import came to, on a terminal."""

from django.core.management.base import BaseCommand, CommandError

from registry.import_report import Report


def show_report(command: BaseCommand, report: Report) -> None:
    """Everything that was not simply added, one line each. Raises CommandError when something was refused."""
    if report.holds:
        command.stdout.write(command.style.WARNING(f"The archive: {report.holds}"))
    for word, lines in (("skipped", report.skipped), ("kept", report.kept)):
        for line in lines:
            command.stdout.write(f"{word}: {line}")
    for line in report.refused:
        command.stderr.write(command.style.ERROR(f"refused: {line}"))
    command.stdout.write(report.sentence)
    if report.refused:
        raise CommandError(f"{len(report.refused)} refused; everything else is as it is said above.")
