"""What counts as evidence of AI, and what only looks like it."""

import re

import pytest

from orchestration.evidence import (
    EVIDENCE_CLASSES,
    load_rules,
    note_is_ai,
    reverted_shas,
    title_type,
)

CLAUDE = "Co-Authored-By: Claude Opus 4 <noreply@anthropic.com>"


@pytest.mark.parametrize(
    ("message", "rules"),
    [
        (f"fix: handler\n\n{CLAUDE}", ["trailer_co_author_claude"]),
        ("x\n\nCO-AUTHORED-BY: Claude <noreply@anthropic.com>", ["trailer_co_author_claude"]),
        (
            "x\n\nCo-authored-by: claude[bot] <209825114+claude[bot]@users.noreply.github.com>",
            ["trailer_co_author_claude"],
        ),
        (
            "x\n\nCo-authored-by: Cursor <cursoragent@cursor.com>",
            ["trailer_co_author_cursor"],
        ),
        (
            "x\n\nCo-authored-by: copilot-swe-agent[bot] "
            "<198982749+Copilot@users.noreply.github.com>",
            ["trailer_co_author_copilot"],
        ),
        (
            "x\n\nCo-authored-by: Copilot Autofix powered by AI "
            "<62310815+github-advanced-security[bot]@users.noreply.github.com>",
            ["trailer_co_author_copilot"],
        ),
        (
            "x\n\nCo-authored-by: aider (openai/gpt-4o) <someone@example.com>",
            ["trailer_co_author_aider"],
        ),
        ("x\n\nCo-authored-by: Codex <noreply@openai.com>", ["trailer_co_author_codex"]),
        (
            "x\n\nCo-authored-by: gemini-code-assist[bot] "
            "<176961590+gemini-code-assist[bot]@users.noreply.github.com>",
            ["trailer_co_author_gemini"],
        ),
        ("x\n\nAssisted-by: Claude Code", ["trailer_assisted_by"]),
        ("x\nAssisted-By: [Claude Code]", ["trailer_assisted_by"]),
        ("x\n\nAssisted-by: Kimi K2.6 (unit tests)", ["trailer_assisted_by"]),
        ("x\n\nAssisted-by: Cursor <cursoragent@cursor.com>", ["trailer_assisted_by"]),
        ("x\n\nGenerated-by: GPT-5", ["trailer_generated_by"]),
        (
            "x\n\nAgent-Logs-Url: https://github.com/a/b/sessions/1",
            ["trailer_agent_logs_url"],
        ),
        ("x\n\nMade-with: Cursor", ["trailer_made_with_cursor"]),
        ("x\n\nReplit-Commit-Author: Agent", ["trailer_replit_agent"]),
        (
            "x\n\n🤖 Generated with [Claude Code](https://claude.com/claude-code)",
            ["footer_claude_code"],
        ),
        (
            "x\n\n🤖 Generated with [Claude Code](https://claude.ai/code)\n\n" + CLAUDE,
            ["trailer_co_author_claude", "footer_claude_code"],
        ),
        ("x\n\n<!-- CURSOR_SUMMARY -->", ["footer_cursor_summary"]),
        (
            "x\n\n[Codex Task](https://chatgpt.com/codex/tasks/task_e_1)",
            ["footer_codex_task"],
        ),
        # A squash merge indents and bullets what the branch's commits said, and repeats it.
        (
            f"Title (#1)\n\n* one\n\n  {CLAUDE}\n\n* two\n\n* {CLAUDE}\n",
            ["trailer_co_author_claude"],
        ),
        # A shell left the line breaks spelt out.
        (rf"x\n\n{CLAUDE}", ["trailer_co_author_claude"]),
        (f"x\r\n\r\n{CLAUDE}\r\n", ["trailer_co_author_claude"]),
    ],
)
def test_message_with_evidence_names_its_rules(message: str, rules: list[str]) -> None:
    assert load_rules().match(message) == rules


@pytest.mark.parametrize(
    "message",
    [
        "",
        "fix pagination",
        # A mention is not evidence.
        "Rewrote what Claude suggested; Copilot and Cursor were no help",
        "docs: say that Generated with [Claude Code] can be switched off",
        "docs: the trailer Co-Authored-By: Claude <noreply@anthropic.com> is kept by squashing",
        "build(deps): bump @openai/codex from 0.117.0 to 0.118.0",
        "Fix raider: boss spawn timing",
        # People who are called like a tool, and people at a vendor.
        "x\n\nCo-authored-by: Claude Monet <claude@monet.example>",
        "x\n\nCo-authored-by: Devin Smith <devin@example.com>",
        "x\n\nCo-authored-by: Jane Doe <jane@anthropic.com>",
        "x\n\nAssisted-by: Claude Monet <claude@monet.example>",
        "x\n\nAssisted-by: Jane Doe <jane@example.com>",
        "x\n\nAssisted-by: Aiden",
        "x\n\nGenerated-by: protoc 3.21",
        "Regenerated with the command in CONTRIBUTING.md",
        # A reviewer, a dependency bot, and GitHub's own committer are not AI authors.
        "x\n\nCo-authored-by: coderabbitai[bot] "
        "<136622811+coderabbitai[bot]@users.noreply.github.com>",
        "x\n\nCo-authored-by: dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>",
        "x\n\nCo-authored-by: GitHub <noreply@github.com>",
        "x\n\nReplit-Commit-Author: Deployment",
    ],
)
def test_message_without_evidence_names_none(message: str) -> None:
    assert load_rules().match(message) == []


@pytest.mark.parametrize(
    ("author", "rules"),
    [
        ("Copilot <198982749+Copilot@users.noreply.github.com>", ["author_copilot"]),
        ("198982749+Copilot@users.noreply.github.com", ["author_copilot"]),
        ("Cursor Agent <cursoragent@cursor.com>", ["author_cursor"]),
        ("Claude <noreply@anthropic.com>", ["author_claude"]),
        ("Jane (aider) <jane@example.com>", ["author_aider"]),
        (
            "devin <158243242+devin-ai-integration[bot]@users.noreply.github.com>",
            ["author_devin"],
        ),
        # Author and committer, a line each.
        ("Jane <jane@example.com>\nCursor <cursoragent@cursor.com>", ["author_cursor"]),
        ("Jane <jane@example.com>\nGitHub <noreply@github.com>", []),
        ("web-flow <noreply@github.com>", []),
        ("coderabbitai[bot] <136622811+coderabbitai[bot]@users.noreply.github.com>", []),
        ("Claude Digon <claudedigon@example.com>", []),
        ("notcursoragent@cursor.com", []),
        ("", []),
    ],
)
def test_author_is_known_by_address(author: str, rules: list[str]) -> None:
    assert load_rules().match(author=author) == rules


@pytest.mark.parametrize(
    ("branch", "rules"),
    [
        ("codex/fix-bug", ["branch_codex"]),
        ("Claude/fix", ["branch_claude"]),
        ("copilot/add-x", ["branch_copilot"]),
        ("docs/codex-mcp", []),
        ("dependabot/npm_and_yarn/openai/codex-0.118.0", []),
        ("codex-setup", []),
    ],
)
def test_branch_is_known_by_prefix(branch: str, rules: list[str]) -> None:
    assert load_rules().match(branch=branch) == rules


def test_rules_come_in_the_order_of_the_seed() -> None:
    found = load_rules().match(CLAUDE, "Claude <noreply@anthropic.com>", "claude/x")
    assert found == ["author_claude", "trailer_co_author_claude", "branch_claude"]


def test_seed_is_well_formed() -> None:
    rules = load_rules().rules
    assert len({rule.rule_id for rule in rules}) == len(rules)
    assert {rule.evidence_class for rule in rules} == set(EVIDENCE_CLASSES)
    for rule in rules:
        assert (rule.pattern == "") == (rule.found_in == "note")
        assert re.compile(rule.pattern)


@pytest.mark.parametrize(
    ("message", "shas"),
    [
        (f"This reverts commit {'0123456789' * 4}.", ["0123456789" * 4]),
        ("Back out\n\nThis reverts commit ABCDEF1.", ["abcdef1"]),
        (
            "This reverts commit abcdef1, reversing\nchanges made to 1234567.",
            ["abcdef1"],
        ),
        ("This reverts commits abcdef1, 1234567 and 7654321.", ["abcdef1", "1234567", "7654321"]),
        ("Reverts: abcdef1", ["abcdef1"]),
        ("This reverts commit abcdef1.\nThis reverts commit abcdef1.", ["abcdef1"]),
        ("We should not say that this reverts commit abcdef1", []),
        ("This reverts commit abc.", []),
        ('Revert "x"', []),
    ],
)
def test_reverted_shas(message: str, shas: list[str]) -> None:
    assert reverted_shas(message) == shas


@pytest.mark.parametrize(
    ("note", "is_ai"),
    [
        ('f\n  a 1-2\n---\n{"schema_version": "authorship/3.0.0", "prompts": {"a": {}}}', True),
        ('---\n{"schema_version": "authorship/3.0.0", "prompts": {}}', False),
        ('{"schema_version": "authorship/3.0.0", "prompts": {}, "sessions": {"s": {}}}', True),
        ("written by a model", True),
        ('f\n---\n{"schema_version": "other/1"}', True),
        ("[1]", True),
        ("  \n", False),
    ],
)
def test_note_that_lists_no_ai_is_none(note: str, is_ai: bool) -> None:
    assert note_is_ai(note) is is_ai


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("feat: a thing", "feat"),
        ("Fix(api)!: a thing", "fix"),
        ("  chore(deps): bump", "chore"),
        ("refactor!: drop it", "refactor"),
        ("perf!: faster", "perf"),
        ("  docs(read me) : x", None),
        ("fix(a\nb): round", None),
        ("fix round", None),
        ("revert: feat: a thing", "revert"),
        ("fixes: a thing", None),
        ("hotfix: a thing", None),
        ("fix a thing: now", None),
        ("fix(a)(b): a thing", None),
        ("wip: feat: a thing", None),
        ("", None),
        (None, None),
    ],
)
def test_type_of_a_title_is_one_of_the_conventional_ones(
    title: str | None, expected: str | None
) -> None:
    assert title_type(title) == expected
