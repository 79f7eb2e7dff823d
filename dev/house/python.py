"""House rules about Python code: size, time, commits, blanket excepts, who may send."""

import ast
from collections.abc import Iterator

from dev.house.tree import Finding, Source, Tree

LONGEST_FUNCTION = 40
BLANKET = {"Exception", "BaseException"}
MAY_CATCH_ALL = ("leadkeeper/worker/", "leadkeeper/cli/", "leadkeeper/web/errors.py")
MARK = "noqa: BLE001 - "
CLOCKS = {"now", "utcnow", "today"}
LOGGERS = {"log", "logger"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def functions_are_short(tree: Tree) -> Iterator[Finding]:
    """A function has at most 40 lines, without its docstring."""
    for source in tree.python():
        if "/migrations/versions/" in source.path:
            continue
        for node in source.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)
                if length > LONGEST_FUNCTION:
                    yield source.at(node.lineno, f"{node.name} has {length} lines, at most {LONGEST_FUNCTION}: split it")


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1 if ast.get_docstring(node) is not None else 0


def time_comes_from_the_clock(tree: Tree) -> Iterator[Finding]:
    """Only `leadkeeper.clock` reads time, so that tests can move it."""
    for source in tree.python("leadkeeper"):
        if source.path == "leadkeeper/clock.py":
            continue
        for node in source.nodes:
            if _reads_time(node):
                yield source.at(
                    getattr(node, "lineno", 1), "time is read outside leadkeeper.clock: use clock.now() or clock.monotonic()"
                )


def _reads_time(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(name.name == "time" for name in names)
        case ast.ImportFrom(module="time"):
            return True
        case ast.Attribute(attr=attr, value=value) if attr in CLOCKS:
            return ast.unparse(value).split(".")[-1] in ("datetime", "date")
        case _:
            return False


def only_the_database_commits(tree: Tree) -> Iterator[Finding]:
    """A transaction ends in store/database.py and nowhere else; a part of it is a `Savepoint`, which is kept or undone."""
    for source in tree.python("leadkeeper"):
        if source.path == "leadkeeper/store/database.py":
            continue
        for node in source.nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
                yield source.at(node.lineno, "commits: a data function takes a connection, db.write commits")


def nothing_is_caught_blindly(tree: Tree) -> Iterator[Finding]:
    """Blanket excepts live where something is done about anything: worker, web error page, cli, marked lines of store."""
    for source in tree.python("leadkeeper"):
        if source.path.startswith(MAY_CATCH_ALL):
            continue
        for node in source.nodes:
            if isinstance(node, ast.ExceptHandler) and _is_blanket(node.type) and not _allowed(source, node):
                yield source.at(node.lineno, "catches everything: name the errors something is done about")


def _is_blanket(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(ast.unparse(name).split(".")[-1] in BLANKET for name in names)


def _allowed(source: Source, handler: ast.ExceptHandler) -> bool:
    """A handler that ends by raising cleans up or translates; store's marked ones hand the error to the caller."""
    if isinstance(handler.body[-1], ast.Raise):
        return True
    if not source.path.startswith("leadkeeper/store/"):
        return False
    raises = any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))
    return raises or MARK in source.lines[handler.lineno - 1]


def only_the_send_job_sends(tree: Tree) -> Iterator[Finding]:
    """`channel.send` is called from jobs/send.py alone: there the intent is committed first."""
    for source in tree.python("leadkeeper"):
        if source.path == "leadkeeper/jobs/send.py":
            continue
        for node in source.nodes:
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr == "send" and "channel" in ast.unparse(called.value).lower():
                yield source.at(called.lineno, "sends through a channel: only jobs/send.py may, after the committed intent")


def enqueue_takes_a_connection(tree: Tree) -> Iterator[Finding]:
    """Jobs are enqueued in the transaction that causes them."""
    for source in tree.python("leadkeeper/queue"):
        for node in source.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("enqueue"):
                first = node.args.args[0].arg if node.args.args else ""
                if first != "conn" or isinstance(node, ast.AsyncFunctionDef):
                    yield source.at(node.lineno, f"{node.name} must take `conn` first and not be async")


def logs_say_ids_not_texts(tree: Tree) -> Iterator[Finding]:
    """An event is a fixed text; what differs goes into `extra`, where leadkeeper.logs lets only ids and our words pass."""
    for source in tree.python("leadkeeper"):
        for node in source.nodes:
            called = node.func if isinstance(node, ast.Call) else None
            if not isinstance(called, ast.Attribute) or called.attr not in LEVELS or not isinstance(node, ast.Call):
                continue
            fixed = len(node.args) == 1 and isinstance(node.args[0], ast.Constant)
            if ast.unparse(called.value).split(".")[-1] in LOGGERS and not fixed:
                yield source.at(node.lineno, "logs a text put together: log a fixed event with ids in `extra`")


def nothing_is_printed(tree: Tree) -> Iterator[Finding]:
    """Prints are the CLI's; anything else was left behind by a search for a bug."""
    for source in tree.python("leadkeeper"):
        for node in source.nodes:
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                meant = source.path.startswith("leadkeeper/cli/") or "noqa: T201" in source.lines[node.lineno - 1]
                printed = name in ("print", "rich.print", "pprint") and not meant
                if printed or name in ("breakpoint", "pdb.set_trace"):
                    yield source.at(node.lineno, f"{name}() was left behind")


RULES = (
    functions_are_short,
    time_comes_from_the_clock,
    only_the_database_commits,
    nothing_is_caught_blindly,
    only_the_send_job_sends,
    enqueue_takes_a_connection,
    logs_say_ids_not_texts,
    nothing_is_printed,
)
