"""How the `course` command lists its verbs and their options."""

from __future__ import annotations

from typing import Any

import click

from course.errors import nearest


class Verbs(click.Group):
    """A group that lists its verbs in the order they are needed, and suggests the nearest to a wrong one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise click.UsageError(f'There is no verb "{args[0]}". {nearest(args[0], self.commands)}', ctx)
        return super().resolve_command(ctx, args)


class Grouped(click.Command):
    """A verb with many options, which its help shows below headings.

    Args:
        headings: Name of an option to the heading that stands above it.
    """

    def __init__(self, *arguments: Any, headings: dict[str, str], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._headings = headings

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {(title := "Options"): []}
        for option in self.get_params(ctx):
            title = self._headings.get(option.name or "", title) if option in self.params else "Options"
            if isinstance(option, click.Option) and (record := option.get_help_record(ctx)):
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)
