"""docs/security.md names every limit, and only tests and files that exist."""
import re

from conftest import ROOT

PAGE = (ROOT / "docs/security.md").read_text()


def test_every_limit_is_in_the_page():
    limits = re.findall(r"inline constexpr [^=]*?\b(k\w+) =", (ROOT / "core/model/limits.h").read_text())
    assert len(limits) >= 20
    assert not [name for name in limits if f"`{name}`" not in PAGE]


def test_no_limit_of_the_page_is_gone():
    named = set(re.findall(r"`(k[A-Z]\w+)`", PAGE))
    text = (ROOT / "core/model/limits.h").read_text()
    assert not [name for name in named if not re.search(rf"\b{name}\b", text)]


def test_tests_and_files_of_the_page_exist():
    suite = (ROOT / "tests/e2e/test_security.py").read_text()
    assert not [name for name in re.findall(r"`(test_\w+)`", PAGE) if f"def {name}(" not in suite]
    assert not [path for path in re.findall(r"`((?:core|daemon|tests)/[\w./-]+)`", PAGE) if not (ROOT / path).exists()]


def test_every_security_test_is_in_the_page():
    suite = (ROOT / "tests/e2e/test_security.py").read_text()
    told = {"test_errors_tell_the_field", "test_a_client_of_another_protocol_gets_a_sentence"}  # about words, not about safety
    assert not [name for name in re.findall(r"^def (test_\w+)\(", suite, re.M) if name not in PAGE and name not in told]
