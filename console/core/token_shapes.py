"""How the tokens of well-known issuers begin: by that they are secrets wherever they stand."""

import re

_LONG = (
    "npm_",  # npm
    "hf_",  # Hugging Face
    "dop_v1_", "doo_v1_", "dor_v1_",  # DigitalOcean
    "shpat_", "shpss_", "shpca_", "shppa_",  # Shopify
    "rubygems_",  # RubyGems
    "glsa_",  # Grafana
    "lin_api_",  # Linear
    "gsk_",  # Groq
    "r8_",  # Replicate
    "dapi",  # Databricks
    "pul-",  # Pulumi
)  # fmt: skip
"""Letters and figures without a break follow: ``npm_config_registry`` is the name of a variable, and no token."""
_MIXED = (
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_",  # GitHub
    "glpat-", "glrt-", "glrtr-", "gldt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glimt-", "glagent-", "gloas-",
    "glffct-", "glwt-",  # GitLab
    "dckr_pat_", "dckr_oat_",  # Docker Hub
    "pypi-Ag",  # PyPI: what is signed begins with its version
    "sk-", "nvapi-",  # OpenAI and Anthropic, NVIDIA
    "hvs.", "hvb.", "hvr.",  # Vault
    "GOCSPX-", "ya29.",  # Google
    "ATATT3x", "ATCTT3x", "ATBB",  # Atlassian
    "sntrys_", "sntryu_",  # Sentry
    "tskey-",  # Tailscale
    "PMAK-", "NRAK-",  # Postman, New Relic
    "figd_",  # Figma
    "AGE-SECRET-KEY-",  # age
)  # fmt: skip
_BASE64 = ("whsec_",)  # Stripe, and who signs webhooks by that standard
_SHORT = (
    "xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xoxe.", "xapp-",  # Slack
    "sk_live_", "sk_test_", "pk_live_", "pk_test_", "rk_live_", "rk_test_",  # Stripe
)  # fmt: skip


def _any(prefixes: tuple[str, ...]) -> str:
    return "(?:" + "|".join(map(re.escape, prefixes)) + ")"


# Some tokens of GitLab and Vault have parts behind a dot.
SHAPES = (
    rf"\b{_any(_LONG)}[A-Za-z0-9]{{30,}}+(?:_[A-Za-z0-9]{{4,}}+)?"
    rf"|\b{_any(_MIXED)}[\w-]{{20,}}+(?:\.[\w-]{{2,}}+)*+"
    rf"|\b{_any(_BASE64)}[\w+/-]{{20,}}+={{0,2}}"
    rf"|\b{_any(_SHORT)}[\w-]{{10,}}+"
    r"|\bSG\.[\w-]{16,}+\.[\w-]{16,}+"  # SendGrid
    r"|\bA(?:KI|SI|ID|RO)A[0-9A-Z]{16}\b"  # AWS
    r"|\bAIza[\w-]{35}"  # Google
    r"|\bSK[0-9a-f]{32}\b|\bkey-[0-9a-f]{32}\b"  # Twilio, Mailgun
    r"|\beyJ[\w-]{6,}\.[\w-]{4,}(?:\.[\w-]*)?"  # JWT
)
"""A pattern of what is hidden of a text."""

HINTS = (
    "_",
    *(prefix.lower() for prefix in (*_LONG, *_MIXED, *_BASE64, *_SHORT) if "_" not in prefix),
    "sg.", "akia", "asia", "aida", "aroa", "aiza", "sk", "key-", "eyj",
)  # fmt: skip
"""In small letters: without one of these no such token is in a text."""

SHORTEST = 20
"""Characters that such a token has at least: ``sk-SK`` is a language, ``dapi-gateway`` and ``npm_run`` are names."""

BEGINNINGS = "|".join(
    prefix.replace(".", "\\.") for prefix in (*_LONG, *_MIXED, *_BASE64, *_SHORT, "SG.", "AIza")
) + "|A[KS]IA[0-9A-Z]|eyJ[A-Za-z0-9_-]+\\."  # fmt: skip
"""The same of a value's beginning, for awk on a host."""
