"""What alert operations answer instead of doing what was asked."""

from access.errors import ProductError


class InvalidCondition(ProductError):
    """A condition that cannot be read; `pointer` says where in the tree, `line` and `column` where in CEL text."""

    code = "invalid_condition"
    #: What is wrong, without where.
    sentence = ""

    @classmethod
    def at(cls, pointer: str, sentence: str) -> "InvalidCondition":
        where = f" (at {pointer})" if pointer else ""
        error = cls(f"{sentence}{where}", pointer=pointer)
        error.sentence = sentence
        return error


class InvalidRule(ProductError):
    """A rule that cannot be saved; `pointer` names the value that is wrong."""

    code = "invalid_rule"


class InvalidRuleTest(ProductError):
    """A test of a rule that cannot be read; `pointer` says where in the file."""

    code = "invalid_rule_test"


class UnknownField(ProductError):
    """The rule reads a field that no live version of its schemas declares."""

    code = "unknown_field"


class RuleNotFound(ProductError):
    kind = "not_found"
    code = "rule_not_found"

    @classmethod
    def of(cls, rule_id: int) -> "RuleNotFound":
        return cls(f"There is no alert rule {rule_id}, or you may not see it.", rule=rule_id)


class RuleNameTaken(ProductError):
    kind = "conflict"
    code = "rule_name_taken"


class RuleChangedMeanwhile(ProductError):
    """The edit was made on an edition that is no longer the newest."""

    kind = "conflict"
    code = "rule_changed_meanwhile"


class EpisodeNotFound(ProductError):
    kind = "not_found"
    code = "episode_not_found"

    @classmethod
    def of(cls, episode_id: int) -> "EpisodeNotFound":
        return cls(f"There is no episode {episode_id}, or you may not see it.", episode=episode_id)


class EpisodeEnded(ProductError):
    """What was asked is for an episode that still fires."""

    kind = "conflict"
    code = "episode_ended"


class InvalidEpisodeEntry(ProductError):
    """What somebody says about an episode, or for how long, cannot be taken; `pointer` names it."""

    code = "invalid_episode_entry"


class SilenceNotFound(ProductError):
    kind = "not_found"
    code = "silence_not_found"


class InvalidSilence(ProductError):
    """A silence that cannot be made or changed; `pointer` names the value that is wrong."""

    code = "invalid_silence"


class BacktestNotFound(ProductError):
    kind = "not_found"
    code = "backtest_not_found"


class InvalidBacktest(ProductError):
    """A backtest that cannot be made; `pointer` names the value that is wrong."""

    code = "invalid_backtest"


class InvalidExplanation(ProductError):
    """A rule is asked about something that it does not look at; `pointer` names it."""

    code = "invalid_explanation"


class ChannelNotFound(ProductError):
    kind = "not_found"
    code = "channel_not_found"

    @classmethod
    def of(cls, channel_id: int) -> "ChannelNotFound":
        return cls(f"There is no channel {channel_id}.", channel=channel_id)


class ChannelNameTaken(ProductError):
    kind = "conflict"
    code = "channel_name_taken"


class InvalidChannel(ProductError):
    code = "invalid_channel"


class InvalidTemplate(ProductError):
    """A message template that cannot be read or filled in; `line` says where."""

    code = "invalid_template"


class InvalidAction(ProductError):
    """An action that cannot be saved; `pointer` names the value that is wrong."""

    code = "invalid_action"


class ActionNotAllowed(ProductError):
    """The operator has not opened this kind of action (ALERT_ACTIONS)."""

    kind = "conflict"
    code = "action_not_allowed"


class ActionNotFound(ProductError):
    kind = "not_found"
    code = "action_not_found"


class ActionRunNotFound(ProductError):
    kind = "not_found"
    code = "action_run_not_found"

    @classmethod
    def of(cls, run_id: int) -> "ActionRunNotFound":
        return cls(f"There is no run {run_id} of an action, or you may not see it.", run=run_id)


class ActionOver(ProductError):
    """Undone already, or never begun: there is nothing to take back."""

    kind = "conflict"
    code = "action_over"
