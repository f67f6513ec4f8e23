"""Which values of a file of variables count as secrets by how they begin, in each awk of this machine."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from console.probes.declared.environment import FILTER
from tests.core.test_masking import known_tokens

AWKS = [words for words in (["gawk"], ["mawk"], ["busybox", "awk"]) if shutil.which(words[0])]
GUARDED = FILTER[FILTER.index("function guarded") : FILTER.index("function env")]


@pytest.mark.parametrize("awk", AWKS, ids=lambda words: words[0])
def test_a_token_under_a_name_that_says_nothing_is_a_secret(awk: list[str]) -> None:
    program = GUARDED + '{ print guarded("TARGET", $0) }'
    # One of Twilio or Mailgun is only told by its length, which not every awk can count.
    tokens = [token for token in known_tokens() if not token.startswith(("SK0", "key-"))]
    plain = ["api.example", "8080", "npm", "glory", "SGML", "skip", "sk-SK", "dapi-gateway", "pul-deploy", "npm_config"]
    text = "\n".join((*tokens, *plain)) + "\n"
    said = subprocess.run([*awk, program], input=text, capture_output=True, text=True, check=True).stdout.split()
    assert said == ["1"] * len(tokens) + ["0"] * len(plain)
