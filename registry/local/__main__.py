"""The commands of `./run`, once the environment exists."""

import argparse
import contextlib
import sys
from pathlib import Path

from registry.local import stack
from registry.local.errors import NO_SPACE, Refusal, about_full_disk

# Left to pytest, whatever it is.
PASSED_ON = "test"


def main(arguments: list[str]) -> int:
    """Exit status: 0 done, 1 failed or refused, 2 wrong usage, 130 interrupted."""
    options = _parse(arguments)
    try:
        return int(options.command(options))
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
    except OSError as problem:
        if problem.errno not in NO_SPACE:
            raise
        print(about_full_disk(problem.filename or "the home"), file=sys.stderr)
    except (stack.Stop, KeyboardInterrupt):
        print("Stopped.", file=sys.stderr)
        return 130
    return 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser, commands = _parsers()
    if arguments[:1] == ["help"]:
        parser.print_help()
        raise SystemExit(0)
    # Without a command, the options are those of `serve`.
    if not arguments or (arguments[0] not in commands and arguments[0] not in {"-h", "--help"}):
        arguments = ["serve", *arguments]
    if arguments[0] == PASSED_ON:
        return argparse.Namespace(command=_test, arguments=arguments[1:])
    return parser.parse_args(arguments)


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    parser = argparse.ArgumentParser(
        prog="./run",
        description="Onex Registry on this machine. Without a command: start it.",
        epilog="ONEX_HOME names the folder of an instance (default .onex). docs/operations/ says more.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    serve = commands.add_parser("serve", help="start the registry and stay until Ctrl-C (the default)")
    _add_address(serve, default_port=stack.DEFAULT_PORT)
    serve.set_defaults(command=_serve)

    commands.add_parser("test", help="check, then run the tests; what follows goes to pytest", add_help=False)
    commands.add_parser("check", help="format, lint, types, layers, migrations, API document").set_defaults(
        command=_check
    )

    demo = commands.add_parser(
        "demo", help="tell the product's story on the running instance, or on one of its own"
    )
    demo.add_argument("--data", type=Path, metavar="DIR", help="real schemas and payloads to tell it with")
    _add_address(demo, default_port=0)
    demo.set_defaults(command=_demo)

    bench = commands.add_parser("bench", help="measure; a table, and with --json all figures")
    bench.add_argument("name", metavar="NAME")
    bench.add_argument("--json", type=Path, metavar="FILE")
    bench.set_defaults(command=_bench)

    backup = commands.add_parser("backup", help="write database and secret key into one file")
    backup.add_argument("file", type=Path, metavar="FILE")
    backup.set_defaults(command=_backup)

    restore = commands.add_parser("restore", help="read a backup into an empty database")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--replace", action="store_true", help="replace what the database holds")
    restore.set_defaults(command=_restore)

    commands.add_parser("help", help="show this")
    return parser, dict(commands.choices)


def _add_address(parser: argparse.ArgumentParser, *, default_port: int) -> None:
    parser.add_argument(
        "--host", default=stack.DEFAULT_HOST, help="address to listen on (default %(default)s)"
    )
    parser.add_argument(
        "--port", type=_port, default=default_port, help="default %(default)s; 0 takes any free one"
    )
    parser.add_argument("--seconds", type=float, metavar="N", help="stop by itself after N seconds")


def _port(text: str) -> int:
    with contextlib.suppress(ValueError):
        if 0 <= int(text) <= 65535:
            return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port; use 1 to 65535, or 0 for any free one")


# Each command imports its own module: the tools that `test` and `check` use are not there in a mere installation.


def _serve(options: argparse.Namespace) -> int:
    from registry.local import serve

    return serve.serve(host=options.host, port=options.port, seconds=options.seconds)


def _test(options: argparse.Namespace) -> int:
    from registry.local import testing

    return testing.test(options.arguments)


def _check(_options: argparse.Namespace) -> int:
    from registry.local import testing

    return testing.check()


def _demo(options: argparse.Namespace) -> int:
    from registry.local import serve

    return serve.demo(options.data, host=options.host, port=options.port, seconds=options.seconds)


def _bench(options: argparse.Namespace) -> int:
    from registry.local import bench

    return bench.bench(options.name, options.json)


def _backup(options: argparse.Namespace) -> int:
    from registry.local import archive

    return archive.backup(options.file)


def _restore(options: argparse.Namespace) -> int:
    from registry.local import archive

    return archive.restore(options.file, replace=options.replace)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
