"""The forms of the catalogue's pages; the operations decide whether what was written may be so."""

from typing import Any

from django import forms

from registry import contexts
from registry.configure import Rules
from registry.edit_subject import LATEST
from registry.models import Configuration, EvolutionRules, Level, Mode, Policy, Subject, Version
from registry.ranges import parse_range
from registry.references import ReferenceTo

_CODE = {"class": "code", "autocapitalize": "none", "spellcheck": "false"}
LEVEL_MEANINGS = {
    Level.NONE: "NONE: anything goes",
    Level.BACKWARD: "BACKWARD: new readers understand what was written with the latest version",
    Level.BACKWARD_TRANSITIVE: "BACKWARD_TRANSITIVE: … with every version of this major",
    Level.FORWARD: "FORWARD: readers of the latest version understand what is written with the new one",
    Level.FORWARD_TRANSITIVE: "FORWARD_TRANSITIVE: readers of every version of this major do",
    Level.FULL: "FULL: both ways, with the latest version",
    Level.FULL_TRANSITIVE: "FULL_TRANSITIVE: both ways, with every version of this major",
}
POLICY_MEANINGS = {
    Policy.DECLARED: "DECLARED: proven for producers that send only the fields their schema declares",
    Policy.OPEN: "OPEN: proven for any instance, undeclared fields included",
    Policy.STRICT: "STRICT: Confluent's table of changes",
    Policy.LENIENT: "LENIENT: Confluent's wider table of changes",
}


class SubjectFilter(forms.Form):
    q = forms.CharField(required=False, label="Name", max_length=255)
    verdict = forms.ChoiceField(
        required=False,
        label="Latest verdict",
        choices=[("", "any"), *((s, s) for s in ("first", "compatible", "incompatible", "undecided"))],
    )
    owner = forms.CharField(required=False, label="Owner", max_length=200)
    sort = forms.ChoiceField(
        required=False,
        label="Order",
        choices=[
            ("", "by name"),
            ("newest", "newest version first"),
            ("traffic", "most events first"),
        ],
    )
    deleted = forms.BooleanField(required=False, label="with deleted")


class UploadForm(forms.Form):
    subject = forms.CharField(
        max_length=1000,
        widget=forms.TextInput(attrs=_CODE),
        help_text="The name the schema goes by: an event type, a topic. Versions of one schema share it.",
    )
    schema = forms.CharField(
        label="JSON Schema",
        strip=False,
        widget=forms.Textarea(attrs={**_CODE, "class": "code tall", "rows": 20}),
    )
    semver = forms.CharField(
        label="Version",
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={**_CODE, "placeholder": "computed"}),
        help_text="Left empty, it is computed. Declaring a new major is how a breaking change gets in.",
    )
    references = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={**_CODE, "rows": 2, "placeholder": "address.json address 1"}),
        help_text="What $ref names: one line each of name, subject and version: a number, latest, or a range such as ^1.2, which is pinned.",
    )
    note = forms.CharField(
        label="What changed",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    draft = forms.BooleanField(
        required=False,
        label="Keep as a draft",
        help_text="Judged and kept, but outside of latest, listings and compatibility until it is activated.",
    )

    exact = forms.BooleanField(
        required=False,
        label="Hold it against all stored events",
        help_text="Goes on in the background. Otherwise the newest ones are looked at.",
    )

    def clean_references(self) -> list[ReferenceTo]:
        lines = self.cleaned_data["references"].splitlines()
        return [_reference(line) for line in lines if line.strip()]


def _reference(line: str) -> ReferenceTo:
    """The name has no blanks and the version comes last, so that the subject may have blanks."""
    name, _, rest = line.strip().partition(" ")
    subject, _, version = rest.strip().rpartition(" ")
    named = version == LATEST or version.isdecimal() or parse_range(version) is not None
    if not subject or not named:
        raise forms.ValidationError(f"“{line}” is not a name, a subject and a version.")
    return ReferenceTo(name, subject.strip(), int(version) if version.isdecimal() else version)


class SettingsForm(forms.Form):
    """Rules of evolution and settings of a subject in one form; "" is what is inherited."""

    owner = forms.CharField(required=False, max_length=200)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    level = forms.ChoiceField(required=False, label="Level")
    policy = forms.ChoiceField(required=False, label="Policy")
    evolution_rules = forms.ChoiceField(
        required=False,
        label="Rules on top of the policy",
        choices=[("", "None"), (EvolutionRules.ONEX, "ONEX rules of evolution")],
        help_text="ONEX leaves to a major: removing a declared field or an enum value, another type, a field that "
        "becomes required, another default.",
    )
    accept_undecided = forms.ChoiceField(
        required=False,
        label="When a verdict is undecided",
        choices=[("", "As the instance does"), ("no", "Refuse the upload"), ("yes", "Accept the upload")],
    )
    needs_approval = forms.BooleanField(
        required=False,
        label="Approval: an incompatible or major upload waits for a second person",
        help_text="It is kept as a draft until somebody else than its uploader approves.",
    )
    mode = forms.ChoiceField(required=False, label="Changes")
    strict = forms.BooleanField(
        required=False,
        label="Strict: quarantine events that violate the schema",
        help_text="Otherwise they are stored and marked.",
    )
    assert_formats = forms.BooleanField(
        required=False,
        label="Assert formats: an event whose date-time is none violates the schema",
        help_text="Otherwise format is an annotation, as JSON Schema has it.",
    )
    unknown_schema_version = forms.ChoiceField(
        required=False,
        label="An event of a version that is not there",
        choices=[
            ("", "As the instance does"),
            ("quarantine", "Quarantine"),
            ("reject", "Reject"),
            ("accept", "Accept, and flag it as unjudged"),
        ],
    )
    event_profile = forms.ChoiceField(
        required=False,
        label="Events are judged by",
        choices=[
            ("", "The registered schema: the documented types"),
            ("onex-v1", "onex-v1: what the original ONEX validator looked at"),
        ],
    )
    rename_aliases = forms.BooleanField(
        required=False,
        label="Aliases: read known ones, such as duration_ms, as the declared fields",
        help_text="The bytes stay as they were sent. Otherwise aliases are only told.",
    )
    signatures = forms.ChoiceField(
        required=False,
        label="Signatures of events",
        choices=[
            ("", "Off: nobody looks at them"),
            ("warn", "Warn: verify them, and tell what is wrong"),
            ("require", "Require: quarantine what is not signed by a registered key"),
        ],
    )
    sensitive_in_clear = forms.ChoiceField(
        required=False,
        label="A field marked x-sensitive that is not encrypted",
        choices=[
            ("", "Take it"),
            ("warn", "Take it, and tell"),
            ("reject", "Reject the event: nothing of it is kept"),
        ],
    )
    max_event_bytes = forms.IntegerField(
        required=False,
        label="Largest event in bytes",
        min_value=1,
        max_value=2**31 - 1,
        help_text="Empty: as the instance says. Larger ones are rejected.",
    )
    max_event_depth = forms.IntegerField(
        required=False,
        label="Deepest event in levels",
        min_value=1,
        max_value=2**15 - 1,
        help_text="Empty: as the instance says. Deeper ones are rejected.",
    )
    version_when_absent = forms.CharField(
        label="An event without schema_version means",
        max_length=40,
        widget=forms.TextInput(attrs=_CODE),
        help_text="latest, or one exact version such as 1.0.0.",
    )
    retention_days = forms.IntegerField(
        required=False,
        label="Keep events for days",
        min_value=1,
        max_value=36_500,
        help_text="Empty: as long as the instance does.",
    )

    def __init__(self, *args: Any, inherited: Rules, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("level", inherited.level, LEVEL_MEANINGS.items())
        self._offer("policy", inherited.policy, POLICY_MEANINGS.items())
        modes = [
            (Mode.READWRITE, "READWRITE: may change"),
            (Mode.READONLY, "READONLY: nothing may change"),
        ]
        # Begun over the API, where imports come from; here it can be ended.
        if self.initial.get("mode") == Mode.IMPORT:
            modes.append((Mode.IMPORT, "IMPORT: takes versions with their ids"))
        self._offer("mode", inherited.mode, modes)

    def _offer(self, name: str, inherited: str, choices: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", f"Inherited: {inherited}"), *choices]

    @staticmethod
    def initial_of(subject: Subject, own: Configuration | None) -> dict[str, Any]:
        undecided = {None: "", False: "no", True: "yes"}[subject.accept_undecided]
        return {
            "owner": subject.owner,
            "description": subject.description,
            "level": own.level if own else "",
            "policy": own.policy if own else "",
            "mode": own.mode if own else "",
            "accept_undecided": undecided,
            "needs_approval": subject.needs_approval,
            "evolution_rules": subject.evolution_rules,
            "strict": subject.strict,
            "assert_formats": subject.assert_formats,
            "version_when_absent": subject.version_when_absent,
            "retention_days": subject.retention_days,
            "unknown_schema_version": subject.unknown_schema_version,
            "event_profile": subject.event_profile,
            "rename_aliases": subject.rename_aliases,
            "signatures": subject.signatures,
            "sensitive_in_clear": subject.sensitive_in_clear,
            "max_event_bytes": subject.max_event_bytes,
            "max_event_depth": subject.max_event_depth,
        }


class DeprecationForm(forms.Form):
    """What is said about a version when it is deprecated."""

    replaced_by_subject = forms.CharField(
        label="Replaced by a version of",
        required=False,
        max_length=255,
        widget=forms.TextInput(attrs={**_CODE, "placeholder": "this subject"}),
    )
    replaced_by = forms.CharField(
        label="… which one",
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={**_CODE, "placeholder": "2.0.0"}),
        help_text="A number, an exact version such as 2.0.0, or latest.",
    )
    sunset = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Until then readers can rely on it. The owner is told before.",
    )
    note = forms.CharField(
        label="Why, and what to do",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    @staticmethod
    def initial_of(version: Version) -> dict[str, Any]:
        successor = version.replaced_by
        other = successor is not None and successor.subject_id != version.subject_id
        return {
            "replaced_by_subject": successor.subject.name if successor and other else "",
            "replaced_by": successor.semver if successor else "",
            "sunset": version.sunset,
            "note": version.deprecation_note,
        }


class ApprovalFilter(forms.Form):
    subject = forms.CharField(required=False, label="Subject", max_length=255)
    state = forms.ChoiceField(
        required=False,
        label="State",
        choices=[("pending", "waiting"), ("approved", "approved"), ("rejected", "rejected"), ("all", "any")],
    )


class ApproveForm(forms.Form):
    reason = forms.CharField(required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 2}))
    # The latest version when the page was made.
    seen = forms.IntegerField(widget=forms.HiddenInput)


class RejectForm(forms.Form):
    reason = forms.CharField(
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The uploader reads it.",
    )


class ExportForm(forms.Form):
    subjectPrefix = forms.CharField(  # noqa: N815 -- the parameter of the address
        required=False,
        max_length=255,
        label="Only subjects that begin with",
        widget=forms.TextInput(attrs=_CODE),
        help_text="Left empty, everything. :.berlin: is all of a context.",
    )


_AT_ONCE = "Without it, you see first what would happen, and nothing is changed."


class ArchiveForm(forms.Form):
    file = forms.FileField(
        label="Archive",
        widget=forms.ClearableFileInput(attrs={"accept": ".zip,application/zip"}),
        help_text="What an export of this or another registry of this product gave.",
    )
    at_once = forms.BooleanField(required=False, label="Import it at once", help_text=_AT_ONCE)


class RegistryForm(forms.Form):
    url = forms.CharField(
        label="Address",
        max_length=2000,
        widget=forms.URLInput(attrs={"placeholder": "https://registry.example.com"}),
        help_text="The base URL that its clients are given.",
    )
    user = forms.CharField(
        required=False, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = forms.CharField(
        required=False,
        max_length=2000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    token = forms.CharField(
        required=False,
        max_length=8000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Instead of user and password. Kept encrypted until the import has ended.",
    )
    subject_prefix = forms.CharField(
        required=False,
        max_length=255,
        label="Only subjects that begin with",
        widget=forms.TextInput(attrs=_CODE),
    )
    into = forms.CharField(
        required=False,
        max_length=100,
        label="Into the context",
        widget=forms.TextInput(attrs={**_CODE, "placeholder": ".berlin"}),
        help_text="Ids of two registries mean different schemas. In a context of their own they cannot clash.",
    )
    at_once = forms.BooleanField(required=False, label="Import it at once", help_text=_AT_ONCE)

    def clean_into(self) -> str:
        given: str = self.cleaned_data["into"]
        found = contexts.read_context(given) if given else contexts.DEFAULT
        if found is None:
            raise forms.ValidationError("A context is named like .berlin.")
        return found
