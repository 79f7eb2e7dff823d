"""A rule, and what it came to, in plain words: English and Arabic."""

from collections.abc import Mapping
from typing import Any

from leadkeeper.rules.catalogue import FACTS
from leadkeeper.rules.conditions import Branch, Condition, Leaf
from leadkeeper.rules.labels import expiry, quoted
from leadkeeper.rules.model import Rule
from leadkeeper.rules.plain_words import (
    EFFECTS,
    LIMITS,
    LISTS,
    NEGATED,
    OPERATORS,
    REASONS,
    SPECIAL,
    TRIGGERS,
    VALUES,
    VERDICTS,
    plural,
)
from leadkeeper.rules.triggers import Approaching, FollowUp, Hours


def describe(rule: Rule, language: str = "en") -> str:
    """One sentence: when, if, what it does, how often. Drawn from the same object that decides."""
    when = _condition(rule.when, language)
    does = _steps(rule, language)
    limits = _limits(rule, language)
    if language == "ar":
        condition = f"، إذا {when}" if when else ""
        return f"{_trigger(rule, language)}{condition}: {does}{limits}."
    condition = f", if {when}" if when else ""
    return f"{_trigger(rule, language)}{condition}: {does}{limits}."


def brief(rule: Rule, language: str = "en") -> str:
    """`describe` without what sets the rule off, for lists where that is said once above."""
    condition, does, limits = _condition(rule.when, language), _steps(rule, language), _limits(rule, language)
    if not condition:
        said = f"{does}{limits}."
        return said[:1].upper() + said[1:]
    return f"{('If', 'إذا')[_place(language)]} {condition}: {does}{limits}."


def parts(rule: Rule, language: str = "en") -> Mapping[str, list[str]]:
    """The same in pieces for a page: `when`, `conditions` (all must be so), `does`, `limits`."""
    top = rule.when.of if isinstance(rule.when, Branch) and rule.when.kind == "all" else (rule.when,)
    does = []
    for step in rule.do:
        said = step.action.summary(step.params, language)
        only = (" (where the message may not be sent)", " (إن تعذّر إرسال الرسالة)")[_place(language)]
        does.append(said + only if step.instead else said)
    return {
        "when": [_trigger(rule, language)],
        "conditions": [said for each in top if (said := _condition(each, language))],
        "does": does,
        "limits": _limit_words(rule, language),
    }


def explain(verdict: str, reason: str | None, trace: Mapping[str, Any], language: str = "en") -> list[str]:
    """What a rule run came to, as lines: the verdict with its reason, then each comparison with what was found."""
    at = _place(language)
    lines = [f"{VERDICTS.get(verdict, (verdict, verdict))[at]}: {why(reason, language)}"]
    if "when" in trace:
        lines += _comparisons(trace["when"], language)
    guard = trace.get("guard")
    if guard:
        lines.append(("guard: ", "الحارس: ")[at] + why(guard.get("name"), language))
    for effect in trace.get("effects", ()):
        lines.append(f"{'✓' if effect.get('status') == 'done' else '–'} {_came_to(effect.get('reason', ''), language)}".rstrip())
    return lines


def came_to(verdict: str, reason: str | None, trace: Mapping[str, Any], language: str = "en") -> tuple[str, str]:
    """A rule run in one line: the verdict, and what its actions did or else why it came to that."""
    done = [_came_to(str(effect.get("reason", "")), language) for effect in trace.get("effects", ())]
    told = ("; ", "؛ ")[_place(language)].join(each for each in done if each)
    return VERDICTS.get(verdict, (verdict, verdict))[_place(language)], told or why(reason, language)


def why(reason: str | None, language: str = "en") -> str:
    """A reason's code in words; a code without words stands as it is."""
    code = reason or ""
    if code.startswith("instead:"):
        rest = why(code.removeprefix("instead:"), language)
        return f"بدلاً من الرسالة ({rest})" if language == "ar" else f"a task instead of the message ({rest})"
    return REASONS.get(code, (code.replace("_", " "), code.replace("_", " ")))[_place(language)]


def _came_to(said: str, language: str) -> str:
    """What an action said of itself, which is English, with the value in it in words too."""
    at = _place(language)
    if said in EFFECTS:
        return (said, EFFECTS[said])[at]
    for known, arabic in EFFECTS.items():
        before, filled, after = known.partition("{}")
        if filled and said.startswith(before) and said.endswith(after):
            value = said[len(before) : len(said) - len(after)]
            words = next((pairs[value] for pairs in (REASONS, VALUES, LISTS) if value in pairs), (value, value))
            return (known, arabic)[at].format(words[at])
    return said


def _place(language: str) -> int:
    return 1 if language == "ar" else 0


def _trigger(rule: Rule, language: str) -> str:
    params, at = rule.trigger.params, _place(language)
    if isinstance(params, Hours):
        return TRIGGERS[rule.trigger.kind][at].format(time=plural(params.hours, "hour", language))
    if isinstance(params, Approaching):
        name = rule.trigger.kind if params.days > 0 else "date.today" if params.days == 0 else "date.past"
        kinds = [expiry(kind, language) or kind.replace("_", " ") for kind in params.kinds]
        what = (" / ".join(kinds)) or ("an expiry", "أي تاريخ انتهاء")[at]
        return TRIGGERS[name][at].format(time=plural(abs(params.days), "day", language), what=what)
    if isinstance(params, FollowUp) and params.silent_days is not None:
        return TRIGGERS["followup.silent"][at].format(time=plural(params.silent_days, "day", language))
    return TRIGGERS[rule.trigger.kind][at]


def _steps(rule: Rule, language: str) -> str:
    said = ""
    for step in rule.do:
        does = step.action.summary(step.params, language)
        if step.instead:
            said += f"، أو {does} إن تعذّر إرسال الرسالة" if language == "ar" else f", or {does} where it may not be sent"
        else:
            said += (("، ثم " if language == "ar" else ", then ") if said else "") + does
    return said


def _condition(condition: Condition, language: str, depth: int = 0) -> str:
    if isinstance(condition, Leaf):
        return _leaf(condition.fact, condition.operator, condition.expected, language)
    return _branch(condition, language, depth)


def _branch(branch: Branch, language: str, depth: int) -> str:
    parts = [said for each in branch.of if (said := _condition(each, language, depth + 1))]
    if branch.kind == "not":
        return f"ليس صحيحًا أن {parts[0]}" if language == "ar" else f"it is not so that {parts[0]}"
    words = {"all": (" and ", " و"), "any": (" or ", " أو ")}[branch.kind]
    joined = words[_place(language)].join(parts)
    return f"({joined})" if depth and len(parts) > 1 else joined


def _leaf(fact: str, operator: str, expected: Any, language: str) -> str:
    at = _place(language)
    known = FACTS[fact]
    name = (known.en, known.ar)[at]
    if known.kind == "flag" and operator in ("is", "isNot"):
        yes = expected is (operator == "is")
        return name if yes else NEGATED[fact][at]
    if isinstance(expected, str) and (fact, operator, expected) in SPECIAL:
        return SPECIAL[fact, operator, expected][at]
    if operator in ("in", "notIn") and len(expected) == 1:
        operator, expected = ("is" if operator == "in" else "isNot"), expected[0]
    if known.kind == "words":
        found = (" / ").join(LISTS.get(each, (each, each))[at] for each in expected) if operator.startswith("contains") else ""
        return OPERATORS[f"words.{operator}"][at].format(expected=found)
    return OPERATORS[operator][at].format(name=name, expected=_shown(expected, language))


def _shown(value: Any, language: str) -> str:
    if isinstance(value, tuple | list):
        return ("، " if language == "ar" else ", ").join(_shown(each, language) for each in value)
    if isinstance(value, str):
        return VALUES[value][_place(language)] if value in VALUES else value.replace("_", " ")
    if isinstance(value, bool):
        return (("no", "لا"), ("yes", "نعم"))[value][_place(language)]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _limits(rule: Rule, language: str) -> str:
    return "".join(("; ", "؛ ")[_place(language)] + each for each in _limit_words(rule, language))


def _limit_words(rule: Rule, language: str) -> list[str]:
    limits, at = rule.limits, _place(language)
    said: list[str] = []
    if limits.once_per != "episode":
        said.append(LIMITS[limits.once_per][at])
    if limits.cooldown_minutes:
        said.append(LIMITS["cooldown"][at].format(time=plural(limits.cooldown_minutes, "minute", language)))
    if limits.max_per_hour:
        said.append(LIMITS["per_hour"][at].format(count=limits.max_per_hour))
    if limits.window == "business":
        said.append(LIMITS["business"][at])
    return said


def _comparisons(trace: Mapping[str, Any], language: str) -> list[str]:
    if "fact" in trace:
        mark = {True: "✓", False: "✗", None: "?"}[trace.get("result")]
        said = _leaf(trace["fact"], trace["operator"], trace["expected"], language) if trace["fact"] in FACTS else trace["fact"]
        value = trace.get("value")
        if isinstance(value, Mapping):
            value = ", ".join(quoted(phrase, language) for phrase in value.values()) or None
        unknown = ("unknown", "غير معروف")[_place(language)]
        return [f"{mark} {said} ({unknown if value is None else _shown(value, language)})"]
    return [line for kind in ("all", "any", "not") for part in trace.get(kind, ()) for line in _comparisons(part, language)]
