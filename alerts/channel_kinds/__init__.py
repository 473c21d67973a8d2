"""The kinds of channels: one module for each, and one record of what differs between them."""

from alerts.channel_kinds import apprise, discord, mail, pagerduty, slack, teams, webhook
from alerts.channel_kinds.kind import ChannelKind

KINDS: dict[str, ChannelKind] = {
    kind.name: kind
    for kind in (webhook.KIND, mail.KIND, slack.KIND, pagerduty.KIND, teams.KIND, discord.KIND, apprise.KIND)
}
