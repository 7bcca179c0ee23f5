"""The commands of ./tally: a name, the module whose `app` it is, and its line in the help."""

from typing import NamedTuple


class Command(NamedTuple):
    """One command. Its module is imported only when it is typed."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("up", "deploy.cli.up", "Start everything and wait until it serves."),
    Command("down", "deploy.cli.down", "Stop everything; data stays."),
    Command("restart", "deploy.cli.restart", "Restart services one after the other, for example workers."),
    Command("status", "deploy.cli.status", "Show each service, and what it waits for."),
    Command("logs", "deploy.cli.logs", "Show the end of a service's log, or follow it."),
    Command("trace", "deploy.cli.trace", "Show where one event is, and what became of it."),
    Command("explain", "deploy.cli.explain", "Show how one event got its cost, credits and billed amount."),
    Command("doctor", "deploy.cli.doctor", "Look for what is missing, each with its cure."),
    Command("sql", "deploy.cli.sql", "Ask the warehouse as the read-only analyst."),
    Command("keys", "deploy.cli.keys", "Create, list and revoke API keys."),
    Command("import", "deploy.cli.import_command", "Import usage from a file of another tool."),
    Command("organizations", "deploy.cli.organizations", "Create and list organisations with their calendars."),
    Command("directory", "deploy.cli.directory", "Names of users, departments, customers, features and prompts."),
    Command("demo", "deploy.cli.demo", "Send plausible traffic of a few organisations, past and live."),
    Command("reconcile", "deploy.cli.reconcile", "Prove that rollups equal raw events."),
    Command("void", "deploy.cli.asking.void", "Take events back: they never counted."),
    Command("amend", "deploy.cli.asking.amend", "Add a rating, category or status to earlier events."),
    Command("replace", "deploy.cli.asking.replace", "Replace what was wrong in events by what is right."),
    Command("erase", "deploy.cli.asking.erase", "Remove everything of a user or an organisation."),
    Command("reprice", "deploy.cli.asking.reprice", "Price earlier events anew, under a revision in force."),
    Command("repair", "deploy.cli.asking.repair", "Compute the rollups of some days again from raw events."),
    Command("replay", "deploy.cli.asking.replay", "Build all rollups again beside those in use."),
    Command("control", "deploy.cli.control", "Follow, pause, resume and cancel what was asked for."),
    Command("prices", "deploy.cli.prices.prices", "What models cost: look at prices, set, import and compare them."),
    Command("multipliers", "deploy.cli.prices.multipliers", "How many credits a request counts: look and set."),
    Command("config", "deploy.cli.config", "Look at revisions of prices, multipliers and calendars."),
    Command("terms", "deploy.cli.terms", "How credits are counted, what is billed, and what is free; change it."),
    Command("margin", "deploy.cli.margin", "Provider cost, billed amount and margin by customer, model or day."),
    Command("free-usage", "deploy.cli.free_usage", "Executions of the free plan against its daily limit."),
    Command("currency", "deploy.cli.currency", "Exchange rates, to show money in another currency."),
    Command("invoices", "deploy.cli.invoices", "Import providers' cost reports and compare them with our figures."),
    Command("periods", "deploy.cli.periods", "Close days, and show what changed in them since."),
    Command("rejected", "deploy.cli.rejected", "Look at refused events, and put them through again after a fix."),
    Command("backup", "deploy.cli.backup", "Back up data, progress and keys to one cut, while everything runs."),
    Command("restore", "deploy.cli.restore", "Put a backup back as a whole; workers count on from it."),
    Command("migrate", "deploy.cli.migrate", "Bring the warehouse's tables to this version."),
    Command("env", "deploy.cli.env", "Print the variables with which a program reaches this installation."),
    Command("test", "deploy.cli.test", "Check and test everything."),
    Command("benchmark", "deploy.cli.benchmark", "Measure speed."),
    Command("requirements", "deploy.cli.requirements", "Pin the newest libraries anew."),
)
