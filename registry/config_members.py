"""The members of a configuration on the wire, and what is kept of them."""

MEMBERS: dict[str, tuple[str, type]] = {
    "compatibility": ("level", str),
    "compatibilityPolicy": ("policy", str),
    "normalize": ("normalize", bool),
    "validateFields": ("validate_fields", bool),
    "validateRules": ("validate_rules", bool),
    "alias": ("alias", str),
    "compatibilityGroup": ("compatibility_group", str),
    "defaultMetadata": ("default_metadata", dict),
    "overrideMetadata": ("override_metadata", dict),
    "defaultRuleSet": ("default_rule_set", dict),
    "overrideRuleSet": ("override_rule_set", dict),
}
