"""The `localcloud` command."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console

from . import clouds, entry, report, settings
from .control import ControlError
from .machine import engine, images, prerequisites

console = Console(stderr=True, highlight=False)
UNBROKEN = 200  # width of tables that do not go to a terminal
EXPECTED = (
    clouds.CloudError,
    ControlError,
    engine.EngineError,
    entry.EntryError,
    images.ImageError,
    prerequisites.MachineError,
    settings.SettingsError,
)


class Group(click.Group):
    """Reports a user's mistake in one line, without a stack trace."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except EXPECTED as error:
            return _end(context, str(error), getattr(error, "status", 1))
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "localcloud"
            return _end(context, f"{error.format_message()} Try {path} --help.", 2)


def _end(context: click.Context, message: str, status: int) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    context.exit(status)


class Port(click.ParamType[int]):
    """A port; the error message names the environment variable that may have set it."""

    name = "port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if not str(value).isdigit() or not 1 <= int(value) <= 65535:
            self.fail(f"{value!r}: use 1 to 65535, for example --port 8081 or LOCALCLOUD_PORT=8081.", param, ctx)
        return int(value)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tandem-localcloud")
@click.option(
    "--name",
    envvar="LOCALCLOUD_NAME",
    default="localcloud",
    show_default=True,
    show_envvar=True,
    help="Name of the local cloud.",
)
@click.pass_context
def main(context: click.Context, name: str) -> None:
    """AWS on this machine: moto answers the API, and the data plane makes it real."""
    context.obj = settings.Settings(name=name).name


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
aws_time_option = click.option(
    "--aws-time", type=float, help="Let states last as long as on AWS, times this factor (1.0: AWS's pace)."
)


@main.command()
@click.option(
    "--port",
    type=Port(),
    envvar="LOCALCLOUD_PORT",
    default=8080,
    show_default=True,
    show_envvar=True,
    help="Local port of the public load balancer.",
)
@aws_time_option
@json_option
@click.pass_obj
def up(name: str, port: int, aws_time: float | None, as_json: bool) -> None:
    """Start the local cloud, installing and building what is missing. A running one is left unchanged."""
    began = time.monotonic()
    wanted = settings.Settings(name=name, http_port=port, aws_time=aws_time)
    found, changed = clouds.up(wanted, _say)
    if as_json:
        click.echo(json.dumps({"changed": changed, "endpoint_url": found.endpoint_url, "http_port": found.http_port}))
        return
    what = f"is up after {time.monotonic() - began:.1f} s" if changed else "is already up: nothing changed"
    click.echo(f"The local cloud {name!r} {what}. Run commands in it with: localcloud exec -- COMMAND")


@main.command()
@json_option
@click.pass_obj
def down(name: str, as_json: bool) -> None:
    """Stop the local cloud and remove everything that it created. Images stay for the next start."""
    changed = clouds.down(name, _say)
    if as_json:
        click.echo(json.dumps({"changed": changed}))
    else:
        click.echo(f"The local cloud {name!r} {'is down' if changed else 'was not up: nothing changed'}.")


@main.command()
@json_option
@click.pass_obj
def status(name: str, as_json: bool) -> None:
    """Show hosts, load balancers and their targets, databases and security groups."""
    content = clouds.ask(name, "status")
    if as_json:
        click.echo(json.dumps(content, indent=2))
    else:
        report.show(content, Console(highlight=False, width=None if sys.stdout.isatty() else UNBROKEN))


@main.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def exec_(name: str, command: tuple[str, ...]) -> NoReturn:
    """Run COMMAND in the simulated internet, with name resolution, credentials and AWS_ENDPOINT_URL."""
    entry.run(clouds.running(name), list(command))


@main.command()
@click.option("--follow", "-f", is_flag=True, help="Keep printing new calls.")
@click.option("--mutating", is_flag=True, help="Only calls that change something.")
@click.pass_obj
def journal(name: str, follow: bool, mutating: bool) -> None:
    """Print all API calls, one JSON object per line."""
    for line in _lines(clouds.running(name).journal_file, follow):
        if not mutating or json.loads(line)["mutating"]:
            click.echo(line, nl=False)


class Pattern(click.ParamType[str]):
    name = "regex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            re.compile(value)
        except re.error as error:
            self.fail(
                f"{value!r} is not a regular expression ({error}); use, for example, ec2|rds or ^Create.", param, ctx
            )
        return str(value)


@main.command()
@click.option("--throttle", type=click.FloatRange(0, 1), help="Share of calls that are throttled.")
@click.option("--error", type=click.FloatRange(0, 1), help="Share of calls that fail with an internal error.")
@click.option("--reset-before", type=click.FloatRange(0, 1), help="Share of connections reset before the work is done.")
@click.option("--reset-after", type=click.FloatRange(0, 1), help="Share of connections reset after the work is done.")
@click.option("--latency-ms", type=click.IntRange(0, 60_000), help="Milliseconds added to every call.")
@click.option("--delay-s", type=click.FloatRange(0, 60), help="Seconds for which a new resource is not found.")
@click.option("--launch-error", metavar="CODE", help="Instances that are launched end soon after, for this reason.")
@click.option(
    "--service", type=Pattern(), help="Only services that match this regular expression, for example ec2|rds."
)
@click.option("--action", type=Pattern(), help="Only actions that match this regular expression, for example ^Create.")
@click.option("--seed", type=int, help="Random seed, to repeat a run.")
@click.option("--clear", is_flag=True, help="Clear all faults first.")
@click.pass_obj
def faults(name: str, clear: bool, **knobs: Any) -> None:
    """Inject faults into the API. Without options, show the current settings."""
    wanted = {key: value for key, value in knobs.items() if value is not None}
    if clear:
        clouds.ask(name, "clear-faults")
    click.echo(json.dumps(clouds.ask(name, "faults", wanted)))


@main.command("api")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4566,
    show_default=True,
    help="Port on 127.0.0.1; 0 picks a free one.",
)
@aws_time_option
def api_(port: int, aws_time: float | None) -> None:
    """Serve only the API until interrupted, and print the environment for clients. Works without root."""
    from .api import alone  # slow to import, and only needed here

    alone.serve(port, aws_time)


@main.command()
@click.argument("service", required=False)
@click.option("--markdown", is_flag=True, help="Print the table of README.md.")
def actions(service: str | None, markdown: bool) -> None:
    """List the mutating actions, of SERVICE or all, that are real or only recorded."""
    from .api.rules import supported_actions

    if markdown:
        click.echo(supported_actions.markdown())
        return
    rows = list(supported_actions.rows(service))
    if not rows:
        raise click.BadParameter(
            f"{service!r} is not part of the local cloud; choose from {', '.join(supported_actions.SERVICES)}."
        )
    for row in rows:
        click.echo("{:<26}{:<50}{:<15}{}".format(*row).rstrip())


def _say(message: str) -> None:
    console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {message}")


def _lines(path: Path, follow: bool) -> Iterator[str]:
    """The file's complete lines; with follow, also new ones."""
    with path.open() as file:
        while True:
            where = file.tell()
            line = file.readline()
            if line.endswith("\n"):
                yield line
            elif follow:
                file.seek(where)
                sys.stdout.flush()
                time.sleep(0.2)
            else:
                return


if __name__ == "__main__":
    main()
