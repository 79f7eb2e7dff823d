"""House rules that no linter knows (STYLE.md), each with a test that plants a violation."""
